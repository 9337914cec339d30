"""The process that asks torch what GPU it has; torch is too heavy for the program itself.

Knows: one empty request, one answer. Does not know: who asks (runner).
"""

from __future__ import annotations

from msgspec import Struct

from mnv4bench.devices.host_worker import serve, stage


class Told(Struct, frozen=True, kw_only=True, tag="told"):
    """gpu.Facts, for the parent."""

    name: str
    uuid: str
    torch: str
    cuda: str
    cudnn: str


def main() -> int:
    """0 where there is a GPU; else the answer is a refusal with the reason."""
    return serve(lambda _: _told())


def _told() -> Told:
    with stage("load"):
        from mnv4bench.devices.cuda import gpu

        found = gpu.facts()
    return Told(
        name=found.name, uuid=found.uuid, torch=found.torch, cuda=found.cuda, cudnn=found.cudnn
    )
