"""One measuring process on the board, in one trip: the clocks, the process, the clocks again.

Knows: the script of a trip and what its answer says of the board. Does not know: what the process
is, nor what its own words mean.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mnv4bench.devices import kernel_text
from mnv4bench.devices.android import remains
from mnv4bench.devices.remote import sections, split
from mnv4bench.devices.ssh import board, failures, leash, throttling
from mnv4bench.devices.ssh.connection import Ssh
from mnv4bench.errors import DeviceLost, NotMeasured
from mnv4bench.records import Timing

WHEN = ("before", "after")  # the process
# Loading from a cold card, and starting Python on a slow board.
START_ALLOWANCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where things lie on the board, and what is known of it."""

    folder: str
    pin: tuple[str, ...]  # ("taskset", "f"), or nothing
    policy: str | None  # the cpufreq folder of the processors in use
    boot: str | None  # changes when the board is started anew


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the board shows beside a process."""

    kernel: Mapping[str, str]
    temperature_c: float | None
    throttled: int | None


@dataclass(frozen=True, slots=True)
class Ran:
    """One process, as it ended."""

    status: int
    stdout: str
    stderr: str
    sections: Mapping[str, str]
    before: Clocks
    after: Clocks
    wall_s: float  # with loading; 0 where the board's date has no nanoseconds

    def frequency_hz(self, place: Place) -> tuple[float | None, float | None, float | None]:
        """(before, after, mean over the whole process) of the processors in use."""
        path = f"{place.policy}/scaling_cur_freq"
        before, after = self.before.kernel, self.after.kernel
        return (
            kernel_text.hertz(before.get(path)),
            kernel_text.hertz(after.get(path)),
            kernel_text.mean_frequency_hz(before, after, place.policy or ""),
        )

    @property
    def taints(self) -> tuple[str, ...]:
        """Why the board makes it unfit to compare."""
        return throttling.taints(self.before.throttled, self.after.throttled)

    @property
    def was_killed_by(self) -> int | None:
        """The signal, where it was one."""
        number = self.status - 128
        return number if number > 0 and remains.is_signal(number) else None


def script(
    place: Place,
    words: Sequence[str],
    *,
    limit_s: float,
    marker: str,
    request: str | None = None,
    streams: tuple[str, str] | None = None,
    prepare: str = "true",
    behind: Mapping[str, str] | None = None,
    tidy: str = "true",
    watched: bool = True,
) -> str:
    """A trip with ``words`` as its process.

    ``prepare`` comes first, ``tidy`` last whatever happens. ``streams``: files for the process's;
    else they are the trip's own. ``behind``: what is asked when it has ended, by name.
    ``watched``: as of ``leash.script``.
    """
    out, err = streams or (None, None)
    clocks = [
        sections(
            {f"time-{when}": "date +%s%N"}
            | {f"{name}-{when}": line for name, line in board.CLOCKS.items()},
            marker,
        )
        for when in WHEN
    ]
    return "\n".join(
        (
            f"trap {shlex.quote(tidy)} EXIT",
            leash.end_line(place.folder),
            f"echo {marker} prepared",
            f"{{ {prepare}\n}} 2>&1 && echo fine || exit 0",
            clocks[0],
            f"cd {shlex.quote(place.folder)} || exit 0",
            f"echo {marker} run",
            leash.script(
                (*place.pin, *words),
                limit_s=limit_s,
                pid=f"{place.folder}/{marker}.pid",
                request=request,
                out=out,
                err=err,
                watched=watched,
            ),
            f"echo; echo {marker} status; echo $status",
            clocks[1],
            sections(behind or {}, marker),
        )
    )


def run(
    ssh: Ssh,
    place: Place,
    words: Sequence[str],
    *,
    limit_s: float,
    request: str | None = None,
    streams: tuple[str, str] | None = None,
    prepare: str = "true",
    behind: Mapping[str, str] | None = None,
    tidy: str = "true",
    marker: str | None = None,
) -> Ran:
    """One trip. Raises DeviceLost, NotMeasured where ``prepare`` fails on the board."""
    marker = marker or new_marker()
    line = script(
        place,
        words,
        limit_s=limit_s,
        marker=marker,
        request=request,
        streams=streams,
        prepare=prepare,
        behind=behind,
        tidy=tidy,
    )
    said = ssh.leashed(line, limit_s)
    parts = split(said.stdout, marker)
    prepared = parts.get("prepared", "")
    if prepared.split()[-1:] != ["fine"]:
        words_of = failures.last_words(f"{prepared}\n{said.stderr}")
        raise NotMeasured(
            f"{ssh.called} could not make ready what is measured: {words_of}.",
            f"make room in {place.folder} there, or set remote_dir in the profile",
        )
    boot = parts.get("boot-after", "").strip()
    if boot and place.boot and boot != place.boot:
        raise DeviceLost(
            f"{ssh.called} was started anew meanwhile, and is not as it was.",
            "when it has settled: mnv4bench run --resume",
        )
    return Ran(
        status=remains.status(parts.get("status", "")),
        stdout=parts.get("run", ""),
        stderr=said.stderr,
        sections=parts,
        before=_clocks(parts, "before"),
        after=_clocks(parts, "after"),
        wall_s=remains.wall_s(parts),
    )


def limit_s(timing: Timing) -> float:
    """When an invocation that obeys ``timing`` must long have ended."""
    return START_ALLOWANCE_S + 2 * (timing.warmup_cap_s + timing.max_duration_s)


def new_marker() -> str:
    """What nobody can foresee."""
    return f"mnv4bench-{secrets.token_hex(6)}"


def _clocks(parts: Mapping[str, str], when: str) -> Clocks:
    zones = board.zone_temperatures({"zones": parts.get(f"zones-{when}", "")})
    return Clocks(
        kernel=kernel_text.files(parts.get(f"cpufreq-{when}", "")),
        temperature_c=board.processor_temperature(zones),
        throttled=throttling.flags(parts.get(f"throttled-{when}", "")),
    )
