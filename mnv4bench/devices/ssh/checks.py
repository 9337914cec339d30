"""Everything that a run on a board needs, looked at one by one: what ``doctor`` shows.

Knows: the order in which things must be had, and what mends each. Does not know: how it is shown.
Changes nothing on the board, and never raises: what could not be looked at is "unknown".
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress

from mnv4bench.devices import Options, pushing
from mnv4bench.devices.android.benchmark import TITLES
from mnv4bench.devices.android.program_strings import told_apart
from mnv4bench.devices.cores import mask, processors
from mnv4bench.devices.host_runtimes import Runtime
from mnv4bench.devices.ssh import board, connection, program, reaching, throttling, worker
from mnv4bench.devices.ssh.board import Identity
from mnv4bench.devices.ssh.connection import Ssh
from mnv4bench.errors import BenchError
from mnv4bench.records import Check, DeviceProfile, DeviceState, SshTarget

# Of a board that is left alone.
BUSY_FRACTION = 0.10
# A Raspberry Pi lowers its clock from 80 °C on (raspberrypi.com, frequency management and thermal
# control), and one without a fan gets there within minutes of work.
WARM_C = 70.0
STEADY = "performance"


def every(
    profile: DeviceProfile, target: SshTarget, runtime: Runtime, options: Options
) -> tuple[Check, ...]:
    """In the order in which a run would stumble over them."""
    return tuple(_every(profile, target, runtime, options))


def _every(
    profile: DeviceProfile, target: SshTarget, runtime: Runtime, options: Options
) -> Iterator[Check]:
    try:
        found = f"{connection.version()} ({connection.program()})"
        yield Check(name="ssh", status="ok", found=found)
    except BenchError as error:
        yield _failed("ssh", error)
        return
    if target.tool != "python":
        yield _tool(profile, target, options)
    try:
        ssh = Ssh(reaching.host_of(profile, target, options))
        identity = reaching.identity(ssh, anew=True)
        reaching.require_fit(profile, identity)
    except BenchError as error:
        yield _failed("board", error)
        return
    yield Check(
        name="board",
        status="ok",
        found=f"{identity.name}, {identity.cpu or 'an unknown processor'}, {identity.machine}, "
        f"{ssh.host}",
    )
    try:
        if target.tool == "python":
            yield _python(ssh, target, runtime)
        else:
            yield _machine(profile, target, options, identity)
        yield from _condition(ssh, profile, target, identity)
    except BenchError as error:
        yield _failed("board", error)


def _tool(profile: DeviceProfile, target: SshTarget, options: Options) -> Check:
    name = "benchmark program"
    try:
        tool = program.find(profile, target, options.benchmark_model)
    except BenchError as error:
        return _failed(name, error)
    wanted, seen = TITLES[tool.flavour], told_apart(tool.program)
    where = f"{tool.program}, sha256 {tool.sha256[:12]}"
    if seen not in (None, tool.flavour):
        return Check(
            name=name,
            status="failed",
            found=f"{where} is the {TITLES[seen]}, and {profile.device} needs the {wanted}",
            fix=f"get it: {program.download(tool.flavour)}",
        )
    # Where it does not show which of the two it is, its own flags tell when a run asks it.
    said = wanted if seen else f"not told apart here, needed is the {wanted}"
    return Check(name=name, status="ok", found=f"{said}, {where}")


def _machine(
    profile: DeviceProfile, target: SshTarget, options: Options, identity: Identity
) -> Check:
    name = "architecture"
    try:
        tool = program.find(profile, target, options.benchmark_model)
    except BenchError:
        found = f"{identity.machine}; without a program there is nothing to hold against it"
        return Check(name=name, status="unknown", found=found)
    try:
        program.require_machine(tool, identity.machine)
    except BenchError as error:
        return _failed(name, error)
    return Check(name=name, status="ok", found=f"{identity.machine}")


def _python(ssh: Ssh, target: SshTarget, runtime: Runtime) -> Check:
    try:
        python = worker.find(ssh, target.python, runtime)
    except BenchError as error:
        return _failed("python", error)
    version = python.runtime_version(runtime)
    found = f"{python.program}, Python {python.version}, {runtime.title} {version}"
    return Check(name="python", status="ok", found=found)


def _condition(
    ssh: Ssh, profile: DeviceProfile, target: SshTarget, identity: Identity
) -> Iterator[Check]:
    now = board.state(ssh, identity, target.remote_dir)
    yield _space(ssh, now, target)
    yield _heat(now)
    yield _clock(now)
    yield _governor(ssh, now)
    yield _load(ssh, now)
    yield _cores(profile, target, identity)


def _space(ssh: Ssh, now: DeviceState, target: SshTarget) -> Check:
    free = now.storage_available_bytes
    if free is None:
        return Check(name="space", status="unknown", found="df says nothing")
    short = free < 2 * pushing.SPARE_BYTES
    return Check(
        name="space",
        status="failed" if short else "ok",
        found=f"{free / 1e6:.0f} MB free for {target.remote_dir}",
        fix=f"delete something on the board, or set remote_dir: {ssh.shell_line('df -h')}"
        if short
        else "",
    )


def _heat(now: DeviceState) -> Check:
    heat = now.temperature_c
    if heat is None:
        return Check(name="heat", status="unknown", found="no thermal zone of the processor")
    warm = heat > WARM_C
    return Check(
        name="heat",
        status="warning" if warm else "ok",
        found=f"{heat:.0f} °C",
        fix="let it cool, and give it a fan: a run waits only for what it heats itself"
        if warm
        else "",
    )


def _clock(now: DeviceState) -> Check:
    if now.throttled is None:
        return Check(name="throttling", status="unknown", found="the board says nothing of it")
    if not now.throttled:
        return Check(name="throttling", status="ok", found="nothing holds the clock down")
    power = throttling.UNDER_VOLTAGE in now.throttled
    return Check(
        name="throttling",
        status="warning",
        found=throttling.listed(now.throttled),
        fix="give it the power supply it is sold with"
        if power
        else "let it cool, and give it a fan",
    )


def _governor(ssh: Ssh, now: DeviceState) -> Check:
    if now.governor is None:
        return Check(name="governor", status="unknown", found="cpufreq cannot be read")
    if now.governor == STEADY:
        return Check(name="governor", status="ok", found=now.governor)
    files = "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor"
    line = ssh.shell_line(f"echo {STEADY} | sudo tee {files}")
    return Check(
        name="governor",
        status="warning",
        found=f"{now.governor}: clocks move with the load",
        fix=f"for steady clocks until the next start: {line}",
    )


def _load(ssh: Ssh, now: DeviceState) -> Check:
    busy = now.cpu_busy_fraction
    if busy is None:
        return Check(name="load", status="unknown", found="/proc/stat cannot be read")
    much = busy > BUSY_FRACTION
    return Check(
        name="load",
        status="warning" if much else "ok",
        found=f"{busy:.0%} of the processors are busy",
        fix=f"see with what: {ssh.shell_line('top -b -n 1')}" if much else "",
    )


def _cores(profile: DeviceProfile, target: SshTarget, identity: Identity) -> Check:
    cpus: tuple[int, ...] = ()
    with suppress(BenchError):
        cpus = processors(identity.policies, target.cores, profile.threads)
    if not cpus or "taskset" not in identity.tools:
        why = "cpufreq cannot be read" if not cpus else "the board has no taskset"
        return Check(
            name="cores",
            status="unknown",
            found=f"{why}: the process goes where the board puts it",
        )
    pin = shlex.join(("taskset", mask(cpus)))
    found = f"{target.cores}: {', '.join(map(str, cpus))} ({pin})"
    return Check(name="cores", status="ok", found=found)


def _failed(name: str, error: BenchError) -> Check:
    return Check(name=name, status="failed", found=error.what, fix=error.next_step)
