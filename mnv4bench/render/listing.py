"""Names in a sentence: the first of them, and how many more there are.

Knows: how many a reader goes through. Does not know: what is named, or how wide a line is.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_LISTED = 24


def listed(names: Sequence[str], most: int = MAX_LISTED) -> str:
    """``"a, b, c"``, or ``"a, b and 7 more"`` where there are more than ``most``."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
