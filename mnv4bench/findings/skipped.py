"""What was found and not used."""

from __future__ import annotations

from msgspec import Struct


class Skipped(Struct, frozen=True, kw_only=True):
    """Something that was found and not used, with the sentence why."""

    path: str
    reason: str
