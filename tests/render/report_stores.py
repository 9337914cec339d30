"""Reports for pages: every circumstance that a page has to show, and a store of any size."""

from __future__ import annotations

import random

from msgspec.structs import replace

from mnv4bench.models import catalog
from mnv4bench.records import (
    Artifact,
    Measurement,
    Noise,
    Placement,
    Report,
    Samples,
    Signal,
)
from tests.over_time import nights
from tests.sample_reports import (
    PROFILE,
    artifact,
    counted,
    counting_report,
    measurement,
    report,
    samples,
)

HOSTILE = "</script><img src=x onerror=alert(1)>\u2028{{x}}<!--{data}-->'\"`&amp;\u202e"
PARTIAL = Placement(
    verdict="partial",
    unit="gpu",
    operators=10,
    on_unit=7,
    signals=(Signal(name="delegate <b>nodes</b>", evidence="7 of 10 </td>", says="partial"),),
)


def warm(number: int, centre_s: float, *, tainted: tuple[str, ...] = ()) -> Samples:
    """One invocation with a warm-up, a temperature and a spread."""
    rng = random.Random(number * 1000 + round(centre_s * 1e6))
    level = centre_s * (1 + 0.01 * rng.uniform(-1, 1))
    values = [level * (1 + abs(rng.gauss(0, 0.02))) for _ in range(60)]
    return samples(
        number,
        *values,
        started_at=f"2026-11-22T15:{number:02d}:00+00:00",
        warmup_s=tuple(level * (1.5 - 0.05 * step) for step in range(10)),
        warmup_steady=True,
        load_s=0.012,
        peak_memory_bytes=41_000_000,
        noise=Noise(
            wall_s=1.0,
            temperature_before_c=31.0 + number,
            temperature_after_c=32.5 + number,
            frequency_mean_hz=2.1e9,
        ),
        tainted=tainted,
    )


def timed(model: str, centre_s: float, rounds: int = 6, **changes: object) -> Measurement:
    return measurement(
        artifact=changes.pop("artifact", None) or file(model),
        invocations=tuple(warm(number, centre_s) for number in range(rounds)),
        **changes,
    )


def file(model: str, **changes: object) -> Artifact:
    """At the size that its accuracy was published at."""
    side = 256 if model in ("mnv4-conv-m", "fastvit-t8") else 224
    return replace(artifact(model, input_shape=(1, side, side, 3)), **changes)


def hard() -> list[Report]:
    """Two devices, all origins that a run can have, and everything that goes wrong."""
    busy = "another program used 34 % of the processors"
    spoilt = tuple(warm(number, 0.004, tainted=(busy,)) for number in range(4))
    disturbed = tuple(
        warm(number, 0.0023, tainted=(busy,) if number == 2 else ()) for number in range(6)
    )
    first = report(
        timed("mnv4-conv-s", 0.0019),
        timed("mnv4-conv-m", 0.0095),
        measurement("mobilenetv3-large", invocations=disturbed),
        timed("fastvit-t8", 0.0081, placement=PARTIAL),
        measurement("efficientvit-b1", invocations=spoilt),
        measurement("fastvit-s12", invocations=(), failure="no room <left>"),
        timed(HOSTILE, 0.005, artifact=replace(artifact(HOSTILE), family=HOSTILE)),
        timed("mobilenetv3-small", 0.0009, rounds=1),
        notes=("the machine was busy <i>throughout</i>",),
    )
    phone = replace(PROFILE, device="pixel8-gpu", title="Pixel 8 GPU", accelerator="gpu")
    second = report(
        timed("mnv4-conv-s", 0.0012, artifact=file("mnv4-conv-s", precision="fp16")),
        timed("mnv4-conv-m", 0.0041, artifact=file("mnv4-conv-m", precision="fp16")),
        timed("fastvit-t8", 0.0035, artifact=file("fastvit-t8", precision="fp16")),
        name="20261122T160000Z-pixel8-gpu-0001",
        profile=replace(phone, precision="fp16"),
    )
    return [
        first,
        second,
        counting_report(counted(), counted(1), name="20261124T230000Z-cortex-a76-emulated-0001"),
    ]


def changing() -> list[Report]:
    """Nights of one model that became slower."""
    return nights([0.002] * 20 + [0.0022] * 12)


def large(models: int, devices: int, invocations: int = 6, count: int = 60) -> list[Report]:
    """``models`` on each of ``devices``, as variants that all count."""
    rng = random.Random(0)
    made = []
    known = [replace(artifact(one.model, input_shape=(1, one.input_px, one.input_px, 3)),
                     family=one.family) for one in catalog.entries()]  # fmt: skip
    made_up = [artifact(f"net-{number}", family=f"family {number % 8}") for number in range(models)]
    files = [*known, *made_up][:models]
    for device in range(devices):
        measurements = []
        for one in files:
            centre = 0.001 * rng.lognormvariate(0, 1)
            runs = tuple(
                samples(
                    number,
                    *(round(rng.gauss(centre, centre / 50), 9) for _ in range(count)),
                    started_at=f"2026-11-22T15:{number:02d}:00+00:00",
                )
                for number in range(invocations)
            )
            measurements.append(measurement(artifact=one, invocations=runs))
        made.append(
            report(
                *measurements,
                name=f"20261122T15{device // 60:02d}{device % 60:02d}Z-device-{device}",
                profile=replace(PROFILE, device=f"device-{device}"),
            )
        )
    return made
