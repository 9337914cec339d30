"""``mnv4bench doctor``: everything that a run needs, looked at, with the fix for each miss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.phones import (
    BenchmarkModelOption,
    HostOption,
    LibrariesOption,
    SerialOption,
)
from mnv4bench.cli.reading import AsJson, emit, say
from mnv4bench.errors import BenchError, ExitStatus, UsageError

if TYPE_CHECKING:
    from mnv4bench.devices import Options, Runner
    from mnv4bench.findings import Attached, Examined
    from mnv4bench.records import DeviceProfile


def command(
    device: Annotated[
        list[str] | None,
        typer.Option(
            help="A device of `mnv4bench devices`, or a profile of your own (a .toml file); repeat "
            "for more. [default: this machine, every profile that means an attached phone, and "
            "with --host those that the board fits]",
            show_default=False,
        ),
    ] = None,
    serial: SerialOption = None,
    host: HostOption = None,
    benchmark_model: BenchmarkModelOption = None,
    libraries: LibrariesOption = None,
    collect: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.zip",
            help="Instead of checking, gather what the phone of --device and its benchmark program "
            "print into a zip, to be sent back and become tests; serial numbers are taken out.",
            show_default=False,
        ),
    ] = None,
    set_up: Annotated[
        bool,
        typer.Option(
            "--set-up",
            help="Of an emulated --device: first fetch what it needs into the cache (for Arm about "
            "50 MB; nothing is installed, no root) and hold its answers against this machine's.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check everything that a run needs, and print the fix for each miss. Changes nothing.

    Exit status 3 when something that a run needs is missing.

    Example: mnv4bench doctor --device host-cpu

    Example: mnv4bench doctor --device cortex-a76-emulated --set-up
    """
    from mnv4bench import codec, profiles
    from mnv4bench.cli import attached
    from mnv4bench.devices import Options
    from mnv4bench.findings import Doctor, Skipped
    from mnv4bench.render import devices

    options = Options(
        serials=tuple(serial or ()), benchmark_model=benchmark_model, libraries=libraries, host=host
    )
    named = list(dict.fromkeys(device or ()))
    chosen = [profiles.load(one) for one in named]
    if collect is not None:
        raise typer.Exit(_collect(collect, chosen, options))
    if set_up:
        _set_up(chosen)
    known, broken = profiles.load_all()
    phones, unknown = attached.phones(known)
    if chosen:
        examined = [_examine(profile, options) for profile in chosen]
        phones, unknown, broken = (), "", ()
    else:
        phones = tuple(one for one in phones if not serial or one.serial in serial)
        examined = _everything(known, phones, options)
    found = Doctor(
        devices=tuple(examined),
        attached=phones,
        attached_unknown=unknown,
        skipped=tuple(Skipped(path=str(path), reason=error.what) for path, error in broken),
    )
    if as_json:
        emit(codec.encode_json(found))
    else:
        say(devices.doctor(found, alone=bool(chosen)))
        for line in devices.fixes(found):
            emit(line)
    failed = any(check.status == "failed" for one in examined for check in one.checks)
    waiting = any(one.fix for one in phones)
    raise typer.Exit(ExitStatus.NOT_MEASURED if failed or waiting else ExitStatus.OK)


def _set_up(chosen: Sequence[DeviceProfile]) -> None:
    """Make what emulated devices need, saying what is fetched and where to, on stderr."""
    from mnv4bench.cli.stopping import stop_as_interrupted
    from mnv4bench.devices.emulated import set_up as emulated
    from mnv4bench.render.untrusted import visible

    others = [profile.device for profile in chosen if profile.runner != "emulated"]
    if others or not chosen:
        raise UsageError(
            "--set-up is for emulated devices"
            + (f"; {', '.join(others)} is none." if others else ", and --device says which."),
            "mnv4bench doctor --device cortex-a76-emulated --set-up",
        )
    stop_as_interrupted()
    for profile in chosen:
        emulated.set_up(profile, lambda line: typer.echo(visible(line), err=True))


def _everything(
    known: Sequence[DeviceProfile], phones: Sequence[Attached], options: Options
) -> list[Examined]:
    """This machine, then of each attached phone every profile that means it, and of a board.

    A machine needs no GPU: those that could be measured are looked at, the others with --device.
    """
    from mnv4bench.devices.apple import mac

    by_name = {profile.device: profile for profile in known}
    here = [
        profile
        for profile in known
        if (
            profile.runner in ("host", "cuda")
            and (profile.accelerator == "cpu" or _is_ready(profile, options))
        )
        or (mac.is_mac() and profile.apple is not None and profile.apple.kind == "mac")
    ]
    examined = [_examine(profile, options) for profile in here]
    for phone in phones:
        its = replace(options, serials=(phone.serial,))
        examined += [_examine(by_name[device], its) for device in phone.profiles]
    if options.host is not None:
        examined += [_examine(profile, options) for profile in _of_board(known, options)]
    return examined


def _of_board(known: Sequence[DeviceProfile], options: Options) -> list[DeviceProfile]:
    """The profiles that the board of --host fits; where it does not answer, the one for any."""
    from mnv4bench.devices import open_runner

    boards = [profile for profile in known if profile.runner == "ssh"]
    there = [one for one in boards if open_runner(one, options).availability()[0] != "absent"]
    return there or [one for one in boards if one.expects is None]


def _is_ready(profile: DeviceProfile, options: Options) -> bool:
    from mnv4bench.devices import open_runner

    return open_runner(profile, options).availability()[0] == "ready"


def _examine(profile: DeviceProfile, options: Options) -> Examined:
    from mnv4bench.devices import open_runner
    from mnv4bench.findings import Examined
    from mnv4bench.records import Check

    try:
        runner = open_runner(profile, options)
    except BenchError as error:
        check = Check(name="runner", status="failed", found=error.what, fix=error.next_step)
        return Examined(device=profile.device, unit=None, checks=(check,))
    return Examined(device=profile.device, unit=_unit(runner), checks=runner.checks())


def _unit(runner: Runner) -> str | None:
    try:
        return runner.unit()
    except BenchError:  # the checks say why
        return None


def _collect(path: Path, chosen: Sequence[DeviceProfile], options: Options) -> int:
    """Gather the samples and say what came; the exit status."""
    from mnv4bench import units
    from mnv4bench.cli import captures
    from mnv4bench.render.progress import Board
    from mnv4bench.render.untrusted import visible

    if len(chosen) != 1:
        raise UsageError(
            "--collect is of one phone, and --device says which.",
            f"mnv4bench doctor --device ID --collect {path}; mnv4bench devices lists the IDs",
        )
    with Board(f"collecting from {chosen[0].device}", ("",)) as board:
        index = captures.collect(path, chosen[0], options, lambda capture: board.now(capture.file))
    files = sum(one.bytes > 0 for one in index.captures)
    emit(
        f"{path}: {units.plural(files, 'sample')}. Look through it, then send it with your report."
    )
    for one in index.captures:
        if one.remark:
            emit(visible(f"  {one.file}: {one.remark}"))
    if index.stopped:
        typer.echo(
            f"error: the phone went away before all was collected: {visible(index.stopped)}\n"
            "  next: plug it in again and repeat the command",
            err=True,
        )
        return ExitStatus.NOT_MEASURED
    return ExitStatus.OK
