"""``mnv4bench run``: measure models on devices; ends with a table and a front."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.exporting import (
    CalibrationOption,
    PrecisionWord,
    ShapeOption,
    WeightsOption,
)
from mnv4bench.cli.phones import (
    BenchmarkModelOption,
    HostOption,
    LibrariesOption,
    SerialOption,
    refuse_unused,
)
from mnv4bench.cli.reading import DEFAULT_REPORTS, AccuracyOption, AccuracyTable
from mnv4bench.cli.stopping import stop_as_interrupted
from mnv4bench.errors import UsageError

if TYPE_CHECKING:
    from mnv4bench.cli.given import Given
    from mnv4bench.cli.matrix import Dropped, Job
    from mnv4bench.cli.planning import Words
    from mnv4bench.devices import Options
    from mnv4bench.records import DeviceProfile, Plan

DEFAULT_DEVICE = "host-cpu"


def command(
    device: Annotated[
        list[str] | None,
        typer.Option(
            help="A device of `mnv4bench devices`, or a profile of your own (a .toml file); repeat "
            "for more: different devices are measured at the same time, profiles of one device in "
            f"turn. [default: {DEFAULT_DEVICE}]",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model of `mnv4bench models`, timm:NAME, or your own (.onnx, .tflite, "
            ".mlpackage, .pt2, .keras, .h5, a SavedModel; .toml: a table of MobileNetV4's blocks); "
            "repeat for more. "
            "[default: eight models across four families]"
        ),
    ] = None,
    shape: ShapeOption = None,
    weights: WeightsOption = "random",
    precision: Annotated[
        PrecisionWord | None, typer.Option(help="Instead of the profile's.", show_default=False)
    ] = None,
    calibration: CalibrationOption = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Instead of the profile's.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Three short rounds: a range instead of an interval.")
    ] = False,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="At most so many rounds.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Orders the models within rounds. [default: drawn and recorded]"),
    ] = None,
    sustained: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=3600,
            metavar="SECONDS",
            help="After the rounds, run each model back to back for so long: what is left of its "
            "speed when the device gets warm.",
        ),
    ] = None,
    cool_wait: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=86400,
            metavar="SECONDS",
            help="How long a device that is hot may cool before a round. [default: a minute; ten "
            "for a phone that throttles]",
        ),
    ] = None,
    serial: SerialOption = None,
    host: HostOption = None,
    benchmark_model: BenchmarkModelOption = None,
    libraries: LibrariesOption = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave on the phone or board what was put there.")
    ] = False,
    reports: Annotated[Path, typer.Option(help="Where the reports go.")] = DEFAULT_REPORTS,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with what is not finished: the newest report of each device, or of "
            "--device alone.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Measure nothing: print every command that would run on the device, in order, "
            "ready to paste. Exports what it needs.",
        ),
    ] = False,
    accuracy: AccuracyOption = AccuracyTable.TIMM,
) -> None:
    """Measure latencies: fresh processes, in rounds, until the interval is narrow enough.

    Example: mnv4bench run --model mnv4-conv-s --model mobilenetv3-large --quick
    Example: mnv4bench run --device host-cpu --model mnv4-conv-s --dry-run
    """
    from mnv4bench.cli import ending, matrix, planning
    from mnv4bench.cli.given import Given
    from mnv4bench.devices import Options
    from mnv4bench.models import catalog

    stop_as_interrupted()
    planned = (threads, quick, rounds, seed is not None, precision, calibration, shape, sustained)
    if resume and any(planned):
        raise UsageError(
            "--resume goes on with the plan that the report holds; it takes no --threads, "
            "--precision, --calibration, --shape, --quick, --rounds, --seed or --sustained.",
            "mnv4bench run --resume",
        )
    for name, seconds in (("--sustained", sustained), ("--cool-wait", cool_wait)):
        if seconds is not None and isnan(seconds):  # which no range keeps out
            raise UsageError(f"{name} takes a number of seconds.", f"{name} 60")
    if resume and dry_run:
        raise UsageError("--dry-run shows what a new run would do.", "leave --resume out")
    options = Options(
        serials=tuple(serial or ()),
        benchmark_model=benchmark_model,
        libraries=libraries,
        keep=keep,
        host=host,
    )
    named = list(dict.fromkeys(device or ()))
    given = Given(reports, tuple(named), tuple(dict.fromkeys(model or ())), options)
    dropped = matrix.Dropped()
    with ExitStack() as holds:
        if resume:
            jobs = _stopped(given, cool_wait, dropped, holds)
        else:
            words = planning.Words(
                models=tuple(dict.fromkeys(model or catalog.DEFAULT_MODELS)),
                weights=weights,
                precision=precision.value if precision else None,
                calibration=str(calibration) if calibration else None,
                shapes=tuple(shape or ()),
                threads=threads,
            )
            asked = planning.profiles_of(named or [DEFAULT_DEVICE], words)
            _refuse_for_counting(asked, quick, rounds, sustained)
            _refuse_rest(asked, sustained)
            plan = planning.plan(
                quick=quick, rounds=rounds, seed=seed, sustained_s=sustained, cool_wait_s=cool_wait
            )
            if dry_run:
                _print_commands(asked, words, plan, options)
            jobs = begun(asked, words, plan, given, dropped, holds)
        matrix.measure_all(jobs, given)
    ending.show([job for job in jobs if job.unit is not None], reports, accuracy)
    raise typer.Exit(ending.status(jobs, dropped, given))


def _refuse_rest(asked: Sequence[DeviceProfile], sustained: float | None) -> None:
    """Back to back was meant for a device that rests before every inference."""
    from mnv4bench.bench import trips

    resting = [profile.device for profile in asked if trips.are_needed(profile)]
    if sustained and resting:
        raise UsageError(
            f"--sustained is back to back, and {', '.join(resting)} rests for seconds before every "
            "inference: each is a trip through coremltools' helper app.",
            "leave it out, or measure a Mac: --device mac-ane --sustained 60",
        )


def _refuse_for_counting(
    asked: Sequence[DeviceProfile], quick: bool, rounds: int | None, sustained: float | None
) -> None:
    """What shapes a run of latencies was meant for devices of which none gives one."""
    if (quick or rounds or sustained) and all(one.runner == "emulated" for one in asked):
        names = ", ".join(profile.device for profile in asked)
        raise UsageError(
            f"--quick, --rounds and --sustained are for latencies; {names} counts instructions, in "
            "two processes, whatever time they take.",
            "leave them out",
        )


def _print_commands(
    asked: Sequence[DeviceProfile], words: Words, plan: Plan, options: Options
) -> None:
    """What would run, device by device; ends the program."""
    from mnv4bench.cli import dry_run, ending, matrix, planning
    from mnv4bench.cli.given import Given

    refuse_unused(options, asked)
    dropped = matrix.Dropped()
    targets = planning.opened(asked, options, dropped)
    ending.tell(dropped, asked, left=len(targets))
    shares = planning.share_out(targets, words, dropped)
    ending.tell(dropped, asked, left=len(shares))
    dry_run.show(shares, plan, dropped)
    ending.tell(dropped, asked, left=len(shares))
    raise typer.Exit(ending.status([], dropped, Given(DEFAULT_REPORTS)))


def begun(
    asked: Sequence[DeviceProfile],
    words: Words,
    plan: Plan,
    given: Given,
    dropped: Dropped,
    holds: ExitStack,
) -> list[Job]:
    """A report for each device that can be measured, and its files."""
    from mnv4bench.cli import ending, planning

    refuse_unused(given.options, asked)
    targets = planning.reach(planning.opened(asked, given.options, dropped), given, dropped)
    targets = [one for one in targets if _hold(given.reports, one.profile.device, dropped, holds)]
    ending.tell(dropped, asked, left=sum(one.unit is not None for one in targets))
    shares = planning.share_out(targets, words, dropped)
    jobs = planning.begin(shares, plan, dropped)
    ending.tell(dropped, asked, left=sum(job.unit is not None for job in jobs))
    return jobs


def _stopped(
    given: Given,
    cool_wait_s: float | None,
    dropped: Dropped,
    holds: ExitStack,
) -> list[Job]:
    """The reports to go on with, and their files."""
    from mnv4bench.cli import ending, planning

    asked = [
        report.profile for report in planning.unfinished(given.reports, given.devices, dropped)
    ]
    refuse_unused(given.options, asked)
    reached = planning.reach(planning.opened(asked, given.options, dropped), given, dropped)
    targets = [
        one
        for one in reached
        if one.unit is not None and _hold(given.reports, one.profile.device, dropped, holds)
    ]
    ending.tell(dropped, asked, left=len(targets))
    # Read again, now that nobody else writes them.
    found = planning.unfinished(given.reports, [one.profile.device for one in targets], dropped)
    jobs = planning.go_on(found, targets, given.models, cool_wait_s, dropped)
    ending.tell(dropped, asked, left=len(jobs))
    return jobs


def _hold(reports: Path, device: str, dropped: Dropped, holds: ExitStack) -> bool:
    """Be the only writer of the device's reports until the run ends; whether that is so."""
    from mnv4bench import store

    earlier = dropped.get(device)
    with dropped.kept(device):
        holds.enter_context(store.hold(reports, device))
    return dropped.get(device) is earlier  # nothing new stood in the way
