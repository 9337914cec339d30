"""``mnv4bench profile``: where the time of an inference goes, by operator and by block."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.exporting import PrecisionWord, ShapeOption, WeightsOption
from mnv4bench.cli.phones import BenchmarkModelOption, LibrariesOption, SerialOption
from mnv4bench.cli.reading import AsJson, FigureWidth, WidthOption, emit, say
from mnv4bench.cli.stopping import stop_as_interrupted
from mnv4bench.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from mnv4bench.findings import ComparedProfiles, OperatorProfile

INFERENCES = 50  # devices.profiling
FIGURES = (".svg", ".png", ".pdf")


def command(
    artifact: Annotated[
        str,
        typer.Argument(
            metavar="ARTIFACT",
            help="A file (.tflite, .onnx, .mlpackage), a model of `mnv4bench models` or of your "
            "own, which is exported, or a report (.json) whose artifact is in the cache.",
        ),
    ],
    device: Annotated[
        str | None,
        typer.Option(
            help="A device of `mnv4bench devices`, or a profile of your own. [default: host-cpu, "
            "or host-ort-cpu for an .onnx file]",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER",
            help="Profile this as well, and show where the two differ.",
            show_default=False,
        ),
    ] = None,
    device2: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The device of --compare; alone it takes ARTIFACT there as well. [default: as "
            "--device]",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Which artifact of a report that has several.", show_default=False),
    ] = None,
    inferences: Annotated[
        int,
        typer.Option(min=3, max=10_000, help="With the profiler, and as many without, in turns."),
    ] = INFERENCES,
    shape: ShapeOption = None,
    weights: WeightsOption = "random",
    precision: Annotated[
        PrecisionWord | None,
        typer.Option(help="Of a model that is exported; instead of the device's profile."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Instead of the profile's.")
    ] = None,
    serial: SerialOption = None,
    benchmark_model: BenchmarkModelOption = None,
    libraries: LibrariesOption = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw it too: .svg, .png or .pdf.", show_default=False),
    ] = None,
    width: WidthOption = FigureWidth.SCREEN,
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Write a trace for Perfetto (ui.perfetto.dev) or chrome://tracing too. Its layout "
            "is made up: a profile holds what each operator takes, not when it began.",
            show_default=False,
        ),
    ] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown tables instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what each operator and each block of a model takes, from the runtime's own profiler.

    Profiling costs time, which is measured beside and said. Latencies are never taken from here,
    and no report is written: `mnv4bench run` measures. What each runtime can tell, and how
    operators are joined to blocks, stands in docs/profile.md.

    Exit status: 0 fine, 2 usage, 3 could not be profiled, 4 bad file, 5 profiled, but it is not
    proven that it ran where it was asked to.

    Example: mnv4bench profile mnv4-conv-s

    Example: mnv4bench profile fastvit-t8 --device2 host-ort-cpu --out where.svg
    """
    from mnv4bench.cli import profiling
    from mnv4bench.devices import Options

    stop_as_interrupted()
    if as_json and as_markdown:
        raise UsageError("--json and --markdown are two ways to print.", "one of the two")
    if width is not FigureWidth.SCREEN and out is None:
        raise UsageError(f"--width {width} is of a figure.", "--out FILE.svg")
    if out is not None and out.suffix.lower() not in FIGURES:
        raise UsageError(
            f"--out {out}: a figure is {', '.join(FIGURES)}.",
            f"--out {out.with_suffix('.svg')}" if out.name else "--out FILE.svg",
        )
    if trace is not None and trace.suffix.lower() != ".json":
        raise UsageError(f"--trace {trace}: a trace is a .json file.", "--trace FILE.json")
    options = Options(
        serials=tuple(serial or ()), benchmark_model=benchmark_model, libraries=libraries
    )
    first = profiling.Words(
        what=artifact,
        device=device,
        weights=weights,
        precision=precision.value if precision else None,
        threads=threads,
        shapes=tuple(shape or ()),
        model=model,
    )
    sides = [first]
    if compare is not None or device2 is not None:
        other = artifact if compare is None else compare
        of_report = model if other.endswith(".json") else None
        # A file may be of another format than the first: its own device, unless one is named.
        sides.append(
            replace(first, what=other, device=device2 or _same(device, other), model=of_report)
        )
    found = profiling.taken(profiling.subjects(sides, options), inferences)
    _show(found, out, width, trace, as_markdown=as_markdown, as_json=as_json)
    if any(one.placement in ("none", "unproven") for one in found):
        raise typer.Exit(int(ExitStatus.UNPROVEN))


def _same(device: str | None, other: str) -> str | None:
    """The device of the first, unless what is compared is a file that goes elsewhere."""
    from mnv4bench.export.own import file as own_file

    return None if own_file.is_own_file(other) or other.endswith(".json") else device


def _show(
    found: list[OperatorProfile],
    out: Path | None,
    width: FigureWidth,
    trace: Path | None,
    *,
    as_markdown: bool,
    as_json: bool,
) -> None:
    from mnv4bench import codec, store
    from mnv4bench.analysis import differences
    from mnv4bench.render import operator_markdown, operator_trace, operators

    compared = differences.compared(*found) if len(found) == 2 else None
    if out is not None:
        store.replace_file(out, _drawn(found[0], compared, width)[out.suffix.lower()[1:]])
    if trace is not None:
        text = codec.encode_json(operator_trace.trace(found))
        store.replace_file(trace, f"{text}\n".encode())
    if as_json:
        emit(codec.encode_json(compared or found[0]))
        return
    if as_markdown:
        lines = (
            operator_markdown.compared(compared)
            if compared
            else operator_markdown.profile(found[0])
        )
        emit("\n".join(lines))
        return
    say(operators.compared(compared) if compared else operators.profile(found[0]))
    written = [f"{word}: {path}" for word, path in (("drawn", out), ("trace", trace)) if path]
    for line in written:
        emit(line)


def _drawn(
    one: OperatorProfile, compared: ComparedProfiles | None, width: FigureWidth
) -> dict[str, bytes]:
    from mnv4bench.render import operator_figure

    if compared is not None:
        return operator_figure.draw_compared(compared, width.value)
    return operator_figure.draw(one, width.value)
