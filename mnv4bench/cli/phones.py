"""The options of the verbs that may drive a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SerialOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Of the phone, where several are attached (`adb devices` lists them; of an iPhone its "
        "udid, `xcrun devicectl list devices`); repeat for several devices.",
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
