"""The options of the verbs that may drive a phone, or a board over ssh."""

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
        help="Of the phone, where several are attached (`adb devices` lists them; of an iPhone its "
        "udid, `xcrun devicectl list devices`); repeat for several devices.",
        show_default=False,
    ),
]
HostOption = Annotated[
    str | None,
    typer.Option(
        metavar="USER@BOARD",
        help="Of a board, as ssh takes it: a name or address, or a Host of your ~/.ssh/config. "
        "[default: the profile's, then $MNV4BENCH_SSH_HOST]",
        show_default=False,
    ),
]
BenchmarkModelOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The benchmark program that a phone, or a board without Python, is to run. [default: "
        "the profile's, then $MNV4BENCH_BENCHMARK_MODEL (a board's: "
        "$MNV4BENCH_BOARD_BENCHMARK_MODEL), then the cache]",
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
    """What only a phone or a board takes was meant for another device. Raises UsageError."""
    from mnv4bench.bench import trips

    runners = {profile.runner for profile in asked}
    names = ", ".join(profile.device for profile in asked)
    if options.host is not None and "ssh" not in runners:
        raise UsageError(
            f"--host is for boards over ssh; {names} is none.",
            f"--device ssh-board-cpu --host {options.host}, or another of mnv4bench devices",
        )
    iphone = any(map(trips.are_needed, asked))
    by_program, by_folder = runners & {"android", "ssh"}, "android" in runners
    foreign = (options.benchmark_model is not None and not by_program) or (
        options.libraries is not None and not by_folder
    )
    if foreign and iphone:
        raise UsageError(
            f"--benchmark-model and --libraries are for Android phones; {names} is none.",
            "leave them out",
        )
    unheard = bool(options.serials) and not (by_folder or iphone)
    unkept = options.keep and not (by_program or iphone)
    if foreign or unheard or unkept:
        raise UsageError(
            f"--serial, --benchmark-model, --libraries and --keep are for phones; {names} is none.",
            "--device of a phone: mnv4bench devices",
        )
