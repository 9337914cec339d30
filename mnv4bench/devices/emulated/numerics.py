"""Whether an emulator computes what this machine computes: small networks run on both.

Knows: the sample networks and how far two answers may lie apart. Does not know: counts.

An emulator that computes wrongly counts another network: qemu 7.2's -cpu max has LiteRT's int8
kernels answer wrong numbers without an error (a defect of its SME), and nothing but this shows it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from mnv4bench.devices import worker_process
from mnv4bench.devices.emulated import board, userland
from mnv4bench.devices.emulated.guest import CountRequest, Marked
from mnv4bench.devices.emulated.qemu import Qemu
from mnv4bench.devices.emulated.session import Emulator, asked, natively
from mnv4bench.errors import NotMeasured
from mnv4bench.records import DeviceProfile, EmulatedTarget

SAMPLES = tuple(
    Path(__file__).parents[1] / "android" / "samples" / f"{name}.tflite"
    for name in ("float", "int8")
)
# Of the largest answer. Kernels of another instruction set sum in another order: 2.9e-6 was seen
# on a whole MobileNetV2. Integer kernels have one right answer.
FLOAT_LIMIT = 1e-5


class Checked(Struct, frozen=True, kw_only=True):
    """What was found, kept in the cache."""

    sentence: str


def known(profile: DeviceProfile, qemu: Qemu, version: str) -> Checked | None:
    """The check of this very emulator, processor and runtime, where it was made before."""
    try:
        return msgspec.json.decode(_place(profile, qemu, version).read_bytes(), type=Checked)
    except (OSError, msgspec.DecodeError):
        return None


def check(profile: DeviceProfile, qemu: Qemu, emulator: Emulator, version: str) -> Checked:
    """Run the samples on both and keep that they agree. Raises NotMeasured where they do not."""
    target = _target(profile)
    said = []
    for sample in SAMPLES:
        request = CountRequest(file=str(sample), inferences=1, with_outputs=True)
        purpose = f"checks the emulator with {sample.name}"
        here, _, encoded = asked(natively(), request, purpose=purpose)
        there, _, _ = asked(emulator, request, purpose=purpose)
        said.append(f"{sample.stem} {_judge(target, qemu, sample, here, there, encoded, emulator)}")
    found = Checked(sentence=", ".join(said))
    place = _place(profile, qemu, version)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(f".{os.getpid()}")
        beside.write_bytes(msgspec.json.encode(found))
        beside.replace(place)
    except OSError:  # checked again next time
        pass
    return found


def _judge(
    target: EmulatedTarget,
    qemu: Qemu,
    sample: Path,
    here: Marked,
    there: Marked,
    request: bytes,
    emulator: Emulator,
) -> str:
    """How well the two agree, in words."""
    pairs = list(zip(here.outputs, there.outputs, strict=False))
    alike = len(here.outputs) == len(there.outputs) and bool(pairs)
    off = max((abs(one - other) for one, other in pairs), default=float("inf"))
    largest = max((abs(one) for one in here.outputs), default=0.0)
    limit = FLOAT_LIMIT * largest if here.output_kind.startswith("float") else 0.0
    if not alike or not off <= limit:  # nan is off
        raise NotMeasured(
            f"qemu {qemu.release} as {target.cpu} computes {sample.name} wrongly: off by {off:.3g} "
            f"where {limit:.3g} is allowed, so what it counts is another network.",
            f"try another qemu or -cpu; {worker_process.by_hand(emulator.command(), request)}",
        )
    return "bit-identical to this machine" if off == 0 else f"within {off / largest:.1e}"


def _place(profile: DeviceProfile, qemu: Qemu, version: str) -> Path:
    target = _target(profile)
    about = (
        *(qemu.path, qemu.banner, target.architecture, target.cpu, board.identity(target)),
        version,
        repr(userland.facts()) if target.architecture == "aarch64" else "",
    )
    digest = hashlib.sha256("\0".join(about).encode()).hexdigest()
    return userland.home() / f"numerics-{digest[:16]}.json"


def _target(profile: DeviceProfile) -> EmulatedTarget:
    assert profile.emulated is not None  # the runner has refused a profile without
    return profile.emulated
