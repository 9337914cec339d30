"""What a run is about to measure: devices opened, files made or found, reports begun.

Knows: every word of ``run``. Does not know: measuring (matrix, bench) or printing (run).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from msgspec.structs import replace

from mnv4bench import bench, export, profiles, store
from mnv4bench.cli.anchors import predictable
from mnv4bench.cli.exporting import export_all, requested
from mnv4bench.cli.given import Given
from mnv4bench.cli.matrix import Dropped, Job
from mnv4bench.devices import Options, Runner, open_runner
from mnv4bench.errors import BenchError, NotMeasured, UsageError
from mnv4bench.export import ExportedFile, ExportRequest
from mnv4bench.records import DeviceProfile, Format, Plan, Precision, Report
from mnv4bench.render.untrusted import visible


@dataclass(frozen=True)
class Words:
    """What is to be measured, as the command line says it."""

    models: tuple[str, ...]
    weights: str
    precision: Precision | None
    calibration: str | None
    shapes: tuple[str, ...]
    threads: int | None


@dataclass(frozen=True)
class Target:
    """One device. ``unit``: which physical one (Runner.unit); None: it cannot be reached now."""

    profile: DeviceProfile
    runner: Runner
    unit: str | None = None


@dataclass(frozen=True)
class Share:
    """What one device is to measure; ``missing`` could not be made, with the reason."""

    target: Target
    files: tuple[ExportedFile, ...]
    missing: tuple[str, ...] = ()


def profiles_of(devices: Sequence[str], words: Words) -> list[DeviceProfile]:
    """The profiles as they are to be measured. Raises UsageError for words that fit none."""
    from mnv4bench.export.own import file as own_file

    _require_own_names(words.models)
    found = [
        replace(
            profile,
            threads=words.threads or profile.threads,
            precision=words.precision or profile.precision,
        )
        for profile in map(profiles.load, devices)
    ]
    names = [profile.device for profile in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"two profiles are called {twice[0]}.", "give each a name of its own")
    if words.calibration and all(profile.precision != "int8" for profile in found):
        raise UsageError(
            f"--calibration is for int8 files; {found[0].device} measures "
            f"{found[0].precision} here.",
            "--precision int8",
        )
    if any(not own_file.is_own_file(name) for name in words.models):
        for profile in found:
            if (unit := _integers_only(profile)) and profile.precision != "int8":
                raise UsageError(
                    f"{unit} takes int8 graphs alone, and {profile.device} is to measure "
                    f"{profile.precision} here: it would run on the processor and look as if it "
                    "had not. Nothing was exported.",
                    "measure it in int8: --precision int8",
                )
    return found


def _require_own_names(models: Sequence[str]) -> None:
    """Raises UsageError for two networks of one name, BadFile for one that cannot be built."""
    from mnv4bench.models import catalog, custom

    files: dict[str, str] = {}
    for model in filter(custom.is_custom, models):
        name = catalog.name_of(model)
        if name in files:
            raise UsageError(
                f"{files[name]} and {model} are both called {name}, and a report would not tell "
                "them apart.",
                'give one of them a name of its own: name = "..." in its first line',
            )
        files[name] = model


def _integers_only(profile: DeviceProfile) -> str | None:
    """The accelerator's name where it takes whole numbers alone."""
    from mnv4bench.devices.android.runner import INTEGER_ONLY

    return INTEGER_ONLY.get(profile.accelerator) if profile.runner == "android" else None


def opened(asked: Sequence[DeviceProfile], options: Options, dropped: Dropped) -> list[Target]:
    """The devices that there is a runner for; none of them is asked anything yet."""
    targets = []
    for profile in asked:
        with dropped.kept(profile.device):
            targets.append(Target(profile, open_runner(profile, options)))
    return targets


def reach(targets: Sequence[Target], given: Given, dropped: Dropped) -> list[Target]:
    """The same, each with its unit where it is ready; the others are dropped, with the reason."""
    reached = []
    for target in targets:
        unit = None
        with dropped.kept(target.profile.device):
            status, detail = target.runner.availability()
            if status != "ready":
                error = _lacking(target, given, f"{target.profile.device} is {status}: {detail}")
                if status == "absent" and predictable(target.profile.device):
                    error.next_step += (
                        f"; without it, a prediction with its error: mnv4bench predict --device "
                        f"{target.profile.device}"
                    )
                raise error
            unit = target.runner.unit()
        reached.append(dataclasses.replace(target, unit=unit))
    return reached


def _lacking(target: Target, given: Given, otherwise: str) -> NotMeasured:
    """The first thing that a run needs and that is not there, with what mends just that."""
    for check in target.runner.checks():
        if check.status == "failed" and check.fix:
            return NotMeasured(check.found, check.fix)
    return NotMeasured(otherwise, given.doctor(target.profile))


def plan(
    *,
    quick: bool,
    rounds: int | None,
    seed: int | None,
    sustained_s: float | None,
    cool_wait_s: float | None,
) -> Plan:
    """How it is measured; the seed is drawn where none is given."""
    import secrets

    limit = rounds or (bench.QUICK_ROUNDS if quick else bench.MAX_ROUNDS)
    return Plan(
        seed=secrets.randbelow(2**31) if seed is None else seed,
        min_rounds=min(bench.MIN_ROUNDS, limit),
        max_rounds=limit,
        target=bench.TARGET,
        timing=bench.QUICK_TIMING if quick else bench.TIMING,
        sustained_s=sustained_s,
        cool_wait_s=cool_wait_s,
    )


def plan_for(profile: DeviceProfile, plan: Plan) -> Plan:
    """``plan`` as it is on ``profile``: a device that counts has a policy of its own.

    So has one where every inference is a trip.
    """
    from mnv4bench.bench import counting, trips

    if trips.are_needed(profile):
        return trips.plan_of(plan)
    return counting.plan_of(plan) if profile.runner == "emulated" else plan


# --- files ------------------------------------------------------------------------------------


def share_out(targets: Sequence[Target], words: Words, dropped: Dropped) -> list[Share]:
    """The files for every device, exported once for all of them.

    A device for which not one could be made is dropped. Raises UsageError for a model that cannot
    be had, or a file that a device does not take.
    """
    from mnv4bench.export.own import source as own_source

    own = _own_files(words, [target.profile for target in targets])
    requests = {
        target.profile.device: {
            name: dataclasses.replace(_kind(target.profile, words), model=name)
            for name in words.models
            if name not in own
        }
        for target in targets
    }
    everything = [request for mine in requests.values() for request in mine.values()]
    exports = export_all(list(dict.fromkeys(everything))) if everything else export.Exports()
    for request, error in exports.failures.items():
        if own_source.kind(request.model) and isinstance(error, UsageError):
            raise error  # it asks for an option
    shares = []
    for target in targets:
        mine = requests[target.profile.device]
        made = {name: exports.files.get(request) for name, request in mine.items()}
        files = [f for name in words.models if (f := own.get(name) or made.get(name)) is not None]
        failed = {n: exports.failures[r] for n, r in mine.items() if r in exports.failures}
        if not files:
            _drop(dropped, target, next(iter(failed.values())))
            continue
        missing = tuple(f"{name}: {error.what}" for name, error in failed.items())
        shares.append(Share(target, tuple(files), missing))
    return shares


def _drop(dropped: Dropped, target: Target, error: BenchError) -> None:
    with dropped.kept(target.profile.device):
        raise error


def _kind(profile: DeviceProfile, words: Words) -> ExportRequest:
    """What each model that is no finished file is exported as."""
    return dataclasses.replace(
        requested(profile),
        weights=words.weights,
        calibration=words.calibration if profile.precision == "int8" else None,
        shapes=words.shapes,
    )


def _own_files(words: Words, measuring: Sequence[DeviceProfile]) -> Mapping[str, ExportedFile]:
    """Those of the models that are files to measure as they are."""
    from mnv4bench.export.own import file as own_file
    from mnv4bench.export.own import shapes as input_shapes
    from mnv4bench.export.own import source as own_source

    names = [name for name in words.models if own_file.is_own_file(name)]
    sources = any(own_source.kind(name) for name in words.models)
    given = input_shapes.parse(words.shapes)
    if given and not names and not sources:
        raise UsageError(
            "--shape is for a model of your own that leaves sizes open; those of the catalog "
            "have theirs.",
            "mnv4bench run --model FILE --shape 1x3x224x224",
        )
    found = own_file.open_files(map(Path, names), given, others=sources)
    for path, file in found.items():
        for profile in measuring:
            if file.artifact.format != profile.format:
                raise UsageError(
                    f"{path} is a {file.artifact.format} file, and {profile.device} measures "
                    f"{profile.format}.",
                    _takers(file.artifact.format),
                )
            if (unit := _integers_only(profile)) and file.artifact.precision != "int8":
                raise UsageError(
                    f"{unit} takes int8 graphs alone, and {path} is {file.artifact.precision}: it "
                    "would run on the processor and look as if it had not. Nothing was pushed.",
                    f"export it in int8 from where it came, or measure it with {_floats(profile)}",
                )
        if chosen := file.artifact.chosen_shapes:
            typer.echo(
                f"{visible(str(path))} leaves sizes open; measured: {visible(chosen)}", err=True
            )
    return {name: found[Path(name)] for name in names}


def _floats(profile: DeviceProfile) -> str:
    """The profiles of the same phone whose units take floats."""
    known, _ = profiles.load_all()
    phones = {name.lower() for name in profile.expects.devices} if profile.expects else set()
    same = [
        f"--device {one.device}"
        for one in known
        if (one.runner, one.format) == (profile.runner, profile.format)
        and one.expects is not None
        and not phones.isdisjoint(name.lower() for name in one.expects.devices)
        and not _integers_only(one)
    ]
    return " or ".join(same) or "a profile of the phone's GPU or processor"


def _takers(format: Format) -> str:
    known, _ = profiles.load_all()
    takers = [profile.device for profile in known if profile.format == format]
    return f"these devices take it: {', '.join(takers)}; mnv4bench devices says which are ready"


# --- reports ----------------------------------------------------------------------------------


def begin(shares: Sequence[Share], plan: Plan, dropped: Dropped) -> list[Job]:
    """A new report for each device; one that cannot be reached has its turn with --resume."""
    jobs = []
    for share in shares:
        target, files = share.target, share.files
        with dropped.kept(target.profile.device):
            report = bench.new_report(
                target.profile,
                target.runner if target.unit else None,
                [file.artifact for file in files],
                replace(plan_for(target.profile, plan), missing=share.missing),
            )
            paths = tuple(file.path for file in files)
            jobs.append(Job(report, paths, target.runner, target.unit))
    return jobs


def unfinished(directory: Path, devices: Sequence[str], dropped: Dropped) -> list[Report]:
    """The newest report of each device that is not finished; of ``devices`` alone, where given.

    One of them that has a finished report and no other is done. Raises NotMeasured when there is
    nothing to go on with.
    """
    if not devices:
        found = store.unfinished(directory)
        if not found:
            raise NotMeasured(
                f"{directory} holds no unfinished report.", "mnv4bench run starts a new one"
            )
        return found
    reports: list[Report] = []
    done: list[NotMeasured] = []
    for word in devices:
        name = Path(word).stem if word.endswith(".toml") else word
        report = store.latest_unfinished(directory, name)
        if report is not None:
            reports.append(report)
            continue
        device = profiles.load(word).device
        missing = NotMeasured(
            f"{directory} holds no unfinished report of {device}.",
            f"mnv4bench run --device {word} starts a new one",
        )
        if store.holds_finished(directory, device):
            done.append(missing)
        else:
            dropped[device] = missing
    if not reports:
        raise next(iter((*dropped.values(), *done)))
    return reports


def go_on(
    reports: Sequence[Report],
    targets: Sequence[Target],
    models: Sequence[str],
    cool_wait_s: float | None,
    dropped: Dropped,
) -> list[Job]:
    """The reports with their files, by digest: nothing else may stand in for them."""
    from mnv4bench.export.own import file as own_file

    paths = [Path(name).absolute() for name in models if own_file.is_own_file(name)]
    own = {own_file.digest(path): path for path in paths}
    by_device = {target.profile.device: target for target in targets}
    jobs = []
    for report in reports:
        target = by_device.get(report.profile.device)
        if target is None:
            continue
        with dropped.kept(report.profile.device):
            files = tuple(_file(report, one.artifact.sha256, own) for one in report.measurements)
            if cool_wait_s is not None:
                report = replace(report, plan=replace(report.plan, cool_wait_s=cool_wait_s))
            jobs.append(Job(report, files, target.runner, target.unit))
    return jobs


def _file(report: Report, digest: str, own: Mapping[str, Path]) -> Path:
    if path := own.get(digest):
        return path
    if cached := export.find(digest):
        return cached.path
    model = next(one.artifact.model for one in report.measurements if one.artifact.sha256 == digest)
    raise NotMeasured(
        f"the file of {model} that {report.report} was measuring (sha256 {digest[:12]}) is not in "
        "the cache.",
        "give your own file with --model FILE, or start a new run without --resume",
    )
