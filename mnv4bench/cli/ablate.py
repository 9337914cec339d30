"""``mnv4bench ablate``: the paper's ablations, measured here and printed beside its tables."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.exporting import PrecisionWord
from mnv4bench.cli.phones import BenchmarkModelOption, LibrariesOption, SerialOption
from mnv4bench.cli.reading import DEFAULT_REPORTS, AsJson, Paths, emit, say
from mnv4bench.cli.stopping import stop_as_interrupted
from mnv4bench.errors import NotMeasured, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mnv4bench.analysis.ablations import Wanted
    from mnv4bench.findings import Skipped
    from mnv4bench.records import Report


class StudyWord(StrEnum):
    """The studies of models.ablations."""

    MQA = "mqa"
    KV = "kv"
    LAYOUT = "layout"
    UIB = "uib"


def command(
    paths: Paths = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure on this device first, as `mnv4bench run` does; repeat for more. Without "
            "it, what is in reports is printed.",
            show_default=False,
        ),
    ] = None,
    study: Annotated[
        list[StudyWord] | None,
        typer.Option(
            help="mqa: MHSA or Mobile MQA in Conv-L (Table 2); kv: K/V down-sampling in Hybrid-M "
            "(Table 3); layout: the einsum's order (Table 17); uib: one kind of block alone (Table "
            "1). [default: all]",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        PrecisionWord | None, typer.Option(help="Instead of the profile's.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Instead of the profile's.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Three short rounds: no intervals.")
    ] = False,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="At most so many rounds.")
    ] = None,
    serial: SerialOption = None,
    benchmark_model: BenchmarkModelOption = None,
    libraries: LibrariesOption = None,
    reports: Annotated[Path, typer.Option(help="Where a new report goes.")] = DEFAULT_REPORTS,
    as_json: AsJson = False,
) -> None:
    """Measure what the paper's blocks are worth: its ablations of latency beside its own figures.

    The variants are built from the blocks of the reference models, with random weights; nobody
    knows their accuracy. Each table is taken from one report, whose rounds its rows shared.

    Example: mnv4bench ablate --device host-cpu --study mqa
    Example: mnv4bench ablate reports/
    """
    stop_as_interrupted()
    wanted = _wanted([one.value for one in study or StudyWord])
    if device is None:
        for name, given_ in (
            ("--precision", precision),
            ("--threads", threads),
            ("--quick", quick or None),
            ("--rounds", rounds),
            ("--serial", serial),
            ("--benchmark-model", benchmark_model),
            ("--libraries", libraries),
        ):
            if given_ is not None:
                raise UsageError(
                    f"{name} is for measuring, and no device is named.", "--device host-cpu"
                )
        _print_stored(paths, wanted, as_json)
        return
    if paths:
        raise UsageError(
            "Reports are read, and --device measures anew.",
            "leave out one of the two; --reports says where a new report goes",
        )
    from mnv4bench.cli import ending, matrix, planning, run
    from mnv4bench.cli.given import Given
    from mnv4bench.devices import Options

    models = tuple(dict.fromkeys(row.model for one in wanted for row in one.rows))
    words = planning.Words(
        models=models,
        weights="random",
        precision=precision.value if precision else None,
        calibration=None,
        shapes=(),
        threads=threads,
    )
    options = Options(
        serials=tuple(serial or ()), benchmark_model=benchmark_model, libraries=libraries
    )
    named = list(dict.fromkeys(device))
    given = Given(reports, tuple(named), (), options)
    dropped = matrix.Dropped()
    asked = planning.profiles_of(named, words)
    plan = planning.plan(quick=quick, rounds=rounds, seed=None, sustained_s=None, cool_wait_s=None)
    with ExitStack() as holds:
        jobs = run.begun(asked, words, plan, given, dropped, holds)
        matrix.measure_all(jobs, given)
    _print([job.report for job in jobs], wanted, (), as_json)
    if not as_json:
        ending.say_how_it_ended([job for job in jobs if job.unit is not None], reports)
    raise typer.Exit(ending.status(jobs, dropped, given))


def _wanted(names: Sequence[str]) -> list[Wanted]:
    """The studies as analysis takes them: with counts and the paper's rows."""
    from mnv4bench.analysis.ablations import Wanted
    from mnv4bench.findings import AblationRow
    from mnv4bench.models import ablations, catalog

    found = []
    for one in ablations.STUDIES:
        if one.study not in names:
            continue
        mine = [row for row in ablations.printed() if row.study == one.study]
        rows = {row.row: row for row in mine if not row.percent}
        found.append(
            Wanted(
                study=one.study,
                table=one.table,
                title=one.title,
                citation=mine[0].citation,
                kind=one.arithmetic,
                base=one.base,
                old=one.old,
                new=one.new,
                rows=tuple(
                    AblationRow(
                        model=variant.model,
                        what=variant.what,
                        params=catalog.definition(variant.model).params,
                        macs=catalog.definition(variant.model).macs,
                        printed=rows.get(variant.printed_as),
                    )
                    for variant in one.variants
                ),
                printed_change=next((row for row in mine if row.percent), None),
                notes=one.notes,
            )
        )
    return found


def _print_stored(paths: list[Path] | None, wanted: Sequence[Wanted], as_json: bool) -> None:
    from mnv4bench.cli import gathering

    skipped: list[Skipped] = []
    if not _print(gathering.reports(paths, skipped), wanted, skipped, as_json):
        names = ", ".join(one.study for one in wanted)
        raise NotMeasured(
            f"No report holds two rows of one study ({names}).",
            "mnv4bench ablate --device host-cpu measures them",
        )


def _print(
    reports: Iterable[Report],
    wanted: Sequence[Wanted],
    skipped: Sequence[Skipped],
    as_json: bool,
) -> bool:
    """Whether there was a study to print. ``skipped`` may be filled while ``reports`` are read."""
    from mnv4bench import codec
    from mnv4bench.analysis.ablations import measured
    from mnv4bench.findings import Ablations
    from mnv4bench.render import ablations as view

    studies = measured(reports, wanted)
    found = Ablations(studies=studies, skipped=tuple(skipped))
    if as_json:
        emit(codec.encode_json(found))
    elif studies or skipped:
        say(view.listed(found))
    return bool(studies)
