"""``mnv4bench run``: measure models on a device; ends with a table and a front."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.exporting import (
    CalibrationOption,
    PrecisionWord,
    ShapeOption,
    WeightsOption,
    requested,
)
from mnv4bench.cli.reading import (
    DEFAULT_REPORTS,
    AccuracyOption,
    AccuracyTable,
    accuracy_of,
    emit,
    say,
)
from mnv4bench.cli.stopping import stop_as_interrupted
from mnv4bench.errors import ExitStatus, NotMeasured, UsageError

if TYPE_CHECKING:
    from mnv4bench.export import ExportedFile, ExportRequest
    from mnv4bench.records import DeviceProfile, Format, Measurement, Plan, Report

DEFAULT_DEVICE = "host-cpu"


def command(
    device: Annotated[
        str | None,
        typer.Option(
            help="A device of `mnv4bench devices`, or a profile of your own (a .toml file). "
            f"[default: {DEFAULT_DEVICE}]"
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model of `mnv4bench models`, timm:NAME, or your own (.onnx, .tflite, "
            ".mlpackage, .pt2, .keras, .h5, a SavedModel); repeat for more. "
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
    reports: Annotated[Path, typer.Option(help="Where the report goes.")] = DEFAULT_REPORTS,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the newest report that is not finished.")
    ] = False,
    accuracy: AccuracyOption = AccuracyTable.TIMM,
) -> None:
    """Measure latencies: fresh processes, in rounds, until the interval is narrow enough.

    Example: mnv4bench run --model mnv4-conv-s --model mobilenetv3-large --quick
    """
    from msgspec.structs import replace

    from mnv4bench import profiles, store
    from mnv4bench.devices import open_runner

    stop_as_interrupted()
    planned = (threads, quick, rounds, seed is not None, precision, calibration, shape)
    if resume and any(planned):
        raise UsageError(
            "--resume goes on with the plan that the report holds; it takes no --threads, "
            "--precision, --calibration, --shape, --quick, --rounds or --seed.",
            "mnv4bench run --resume",
        )
    profile = profiles.load(device or DEFAULT_DEVICE)
    open_runner(profile)  # a device that cannot be had is said before anything is made
    with store.hold(reports, profile.device):
        if resume:
            report, files = _stopped(reports, device, model or [])
        else:
            profile = replace(
                profile,
                threads=threads or profile.threads,
                precision=precision.value if precision else profile.precision,
            )
            if calibration and profile.precision != "int8":
                raise UsageError(
                    f"--calibration is for int8 files; {profile.device} measures "
                    f"{profile.precision} here.",
                    "--precision int8",
                )
            kind = dataclasses.replace(
                requested(profile),
                weights=weights,
                calibration=str(calibration) if calibration else None,
                shapes=tuple(shape or ()),
            )
            report, files = _fresh(profile, model, kind, _plan(quick, rounds, seed))
        report = _measure(report, files, reports)
    _show(report, store.path_of(reports, report), accuracy)
    raise typer.Exit(_status(report))


def _plan(quick: bool, rounds: int | None, seed: int | None) -> Plan:
    import secrets

    from mnv4bench import bench
    from mnv4bench.records import Plan

    limit = rounds or (bench.QUICK_ROUNDS if quick else bench.MAX_ROUNDS)
    return Plan(
        seed=secrets.randbelow(2**31) if seed is None else seed,
        min_rounds=min(bench.MIN_ROUNDS, limit),
        max_rounds=limit,
        target=bench.TARGET,
        timing=bench.QUICK_TIMING if quick else bench.TIMING,
    )


def _fresh(
    profile: DeviceProfile,
    models: list[str] | None,
    kind: ExportRequest,
    plan: Plan,
) -> tuple[Report, list[Path]]:
    """A new report and the files to measure; what cannot be exported stands in it as failed.

    ``kind`` is what each model that is no finished file is exported as.
    """
    from msgspec.structs import replace

    from mnv4bench import bench, export
    from mnv4bench.cli.exporting import export_all
    from mnv4bench.devices import open_runner
    from mnv4bench.export.own import source as own_source
    from mnv4bench.models import catalog

    runner = open_runner(profile)
    status, detail = runner.availability()
    if status != "ready":
        raise NotMeasured(f"{profile.device} is {status}: {detail}", "mnv4bench devices")
    wanted = list(dict.fromkeys(models or catalog.DEFAULT_MODELS))
    own = _own_files(wanted, kind.shapes, profile)
    requests = {name: dataclasses.replace(kind, model=name) for name in wanted if name not in own}
    exports = export_all(list(requests.values())) if requests else export.Exports()
    for request, error in exports.failures.items():
        if own_source.kind(request.model) and isinstance(error, UsageError):
            raise error  # it asks for an option
    made = {name: exports.files.get(request) for name, request in requests.items()}
    found = [file for name in wanted if (file := own.get(name) or made.get(name)) is not None]
    if not found:
        raise next(iter(exports.failures.values()))
    plan = replace(
        plan,
        missing=tuple(f"{one.model}: {error.what}" for one, error in exports.failures.items()),
    )
    report = bench.new_report(profile, runner, [file.artifact for file in found], plan)
    return report, [file.path for file in found]


def _own_files(
    wanted: list[str], shapes: tuple[str, ...], profile: DeviceProfile
) -> dict[str, ExportedFile]:
    """Those of the models that are files to measure as they are."""
    from mnv4bench.export.own import file as own_file
    from mnv4bench.export.own import shapes as input_shapes
    from mnv4bench.export.own import source as own_source
    from mnv4bench.render.untrusted import visible

    names = [name for name in wanted if own_file.is_own_file(name)]
    sources = any(own_source.kind(name) for name in wanted)
    given = input_shapes.parse(shapes)
    if given and not names and not sources:
        raise UsageError(
            "--shape is for a model of your own that leaves sizes open; those of the catalog "
            "have theirs.",
            "mnv4bench run --model FILE --shape 1x3x224x224",
        )
    found = own_file.open_files(map(Path, names), given, others=sources)
    for path, file in found.items():
        if file.artifact.format != profile.format:
            raise UsageError(
                f"{path} is a {file.artifact.format} file, and {profile.device} measures "
                f"{profile.format}.",
                _takers(file.artifact.format),
            )
        if chosen := file.artifact.chosen_shapes:
            typer.echo(
                f"{visible(str(path))} leaves sizes open; measured: {visible(chosen)}", err=True
            )
    return {name: found[Path(name)] for name in names}


def _takers(format: Format) -> str:
    from mnv4bench import profiles

    known, _ = profiles.load_all()
    takers = [profile.device for profile in known if profile.format == format]
    return f"these devices take it: {', '.join(takers)}; mnv4bench devices says which are ready"


def _stopped(directory: Path, device: str | None, models: list[str]) -> tuple[Report, list[Path]]:
    """The report to go on with, and its files, by digest: nothing else may stand in for them."""
    from mnv4bench import export, store
    from mnv4bench.export.own import file as own_file

    report = store.latest_unfinished(directory, device)
    if report is None:
        of = f" of {device}" if device else ""
        raise NotMeasured(
            f"{directory} holds no unfinished report{of}.", "mnv4bench run starts a new one"
        )
    paths = [Path(name).absolute() for name in models if own_file.is_own_file(name)]
    own = {own_file.digest(path): path for path in paths}
    files = []
    for measurement in report.measurements:
        artifact = measurement.artifact
        path = own.get(artifact.sha256)
        if path is None and (cached := export.find(artifact.sha256)):
            path = cached.path
        if path is None:
            raise NotMeasured(
                f"the file of {artifact.model} that {report.report} was measuring "
                f"(sha256 {artifact.sha256[:12]}) is not in the cache.",
                "give your own file with --model FILE, or start a new run without --resume",
            )
        files.append(path)
    return report, files


def _measure(report: Report, files: list[Path], directory: Path) -> Report:
    from mnv4bench import bench, store
    from mnv4bench.cli.measuring import MeasuringBoard
    from mnv4bench.devices import open_runner

    runner = open_runner(report.profile)
    with runner.held(), MeasuringBoard(report) as board:
        sessions = [
            runner.install(file, measurement.artifact)
            for file, measurement in zip(files, report.measurements, strict=True)
        ]
        try:
            return bench.measure(report, sessions, runner, lambda one: _save(directory, one), board)
        except KeyboardInterrupt:
            board.line(
                f"stopped; {store.path_of(directory, report)} holds what was measured. "
                "Go on with: mnv4bench run --resume"
            )
            raise
        finally:
            for session in sessions:
                session.remove()


def _save(directory: Path, report: Report) -> None:
    from mnv4bench import store

    store.write(directory, report)


def _show(report: Report, path: Path, accuracy: AccuracyTable) -> None:
    """The table and the front of this run."""
    from mnv4bench.analysis import pareto, stats
    from mnv4bench.analysis.accuracy import choose
    from mnv4bench.cli.gathering import evaluated
    from mnv4bench.findings import Front, Shown
    from mnv4bench.render import terminal
    from mnv4bench.render.untrusted import visible

    summaries = [stats.summarise(report, one) for one in report.measurements]
    failed = [stats.unmeasured(report, one) for one in report.measurements]
    found = [one for one in summaries if one is not None]
    say(terminal.shown(Shown(measurements=tuple(found))))
    digests = frozenset(one.artifact_sha256 for one in found)
    measured, _ = choose(evaluated([path.parent], [], digests))
    groups, _ = pareto.measured_groups(
        found, accuracy_of(accuracy, measured), [one for one in failed if one is not None]
    )
    say(terminal.front(Front(groups=groups)))
    for note in report.notes:
        emit(f"note: {visible(note)}")
    emit(f"ended: {report.ended} after {_rounds(report)} rounds\nreport: {path}")
    emit(f"picture: mnv4bench pareto {path.parent}/")


def _rounds(report: Report) -> int:
    return max((len(one.invocations) for one in report.measurements), default=0)


def _status(report: Report) -> int:
    """Measured less than was asked for is never fine; nor is a number from an unknown place."""
    from mnv4bench.render.untrusted import visible

    failed = [f"{m.artifact.model}: {m.failure}" for m in report.measurements if m.failure]
    failed += report.plan.missing
    if failed:
        reasons = "".join(f"\n  {visible(one)}" for one in failed)
        typer.echo(
            f"error: not everything could be measured:{reasons}\n"
            "  next: mend what is named and run these models again; the others are in the report",
            err=True,
        )
        return ExitStatus.NOT_MEASURED
    elsewhere = [visible(m.artifact.model) for m in report.measurements if _unproven(m)]
    if elsewhere:
        typer.echo(
            f"error: {', '.join(elsewhere)} did not provably run where it was asked to "
            f"({report.profile.accelerator}); the numbers are kept, flagged, and left out of "
            "fronts.\n  next: mnv4bench show --json shows the signals",
            err=True,
        )
        return ExitStatus.UNPROVEN
    return ExitStatus.OK


def _unproven(measurement: Measurement) -> bool:
    return measurement.placement is None or measurement.placement.verdict in ("none", "unproven")
