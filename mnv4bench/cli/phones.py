"""The options of the verbs that may drive a phone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.errors import UsageError

if TYPE_CHECKING:
    from mnv4bench.devices import Options
    from mnv4bench.records import DeviceProfile

SerialOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Of the phone, where several are attached (`adb devices` lists them); repeat for "
        "several devices.",
        show_default=False,
    ),
]
BenchmarkModelOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The benchmark program that a phone is to run. [default: the profile's, then "
        "$MNV4BENCH_BENCHMARK_MODEL, then the cache]",
        show_default=False,
    ),
]
LibrariesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The folder with the libraries that a phone's delegate needs (Hexagon, NPU). "
        "[default: the profile's, then the cache]",
        show_default=False,
    ),
]


def refuse_unused(options: Options, asked: Sequence[DeviceProfile]) -> None:
    """What only a phone takes was meant for another device. Raises UsageError."""
    from mnv4bench.devices import Options

    if options != Options() and all(profile.runner != "android" for profile in asked):
        names = ", ".join(profile.device for profile in asked)
        raise UsageError(
            f"--serial, --benchmark-model, --libraries and --keep are for phones; {names} is none.",
            "--device of a phone: mnv4bench devices",
        )
