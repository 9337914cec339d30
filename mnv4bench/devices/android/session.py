"""One file on a phone: one invocation is one process of the benchmark program there.

Knows: the shell line of an invocation, and how what it leaves behind becomes samples and a
placement. Does not know: how the file came there, nor how often it is measured.

A benchmark program tells one mean of its inferences and no single ones, so an invocation holds one
value, with the count behind it. Everything of an invocation is one trip to the phone: the clocks
before, the program, the clocks after, its result file.
"""

from __future__ import annotations

import re
import secrets
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from mnv4bench import records
from mnv4bench.devices import Session, kernel_text
from mnv4bench.devices.android import (
    operator_times,
    phone,
    placement,
    remains,
    results,
    timings,
    unread,
)
from mnv4bench.devices.android.adb import Adb
from mnv4bench.devices.android.benchmark import PROGRAM, Call, arguments, target_of
from mnv4bench.devices.android.placement import Counted
from mnv4bench.devices.contrast import Contrast, processes, short
from mnv4bench.devices.counting import OnlyTimed
from mnv4bench.devices.kernel_text import CPUFREQ, Policy
from mnv4bench.devices.pairing import in_turn
from mnv4bench.devices.remote import sections, split
from mnv4bench.errors import DeviceLost, WorkerFailed
from mnv4bench.records import DeviceProfile, Noise, Paired, Placement, Samples, Timing

# The phone ends a program that hangs; the host waits a little longer before the phone is lost.
ANSWER_ALLOWANCE_S = 30.0
MAX_OUTPUT_BYTES = 1_000_000  # of each stream; a program that never stops talking is cut
PID = "pid"  # of the program that runs, in the program's folder
# Builds of some years lack them.
RESULT_FILE = "result_file_path"
RUNTIME_INFO = "model_runtime_info_output_file"


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything lies on the phone, and what is known of it."""

    name: str  # of the user's file
    folder: str
    tools: str
    graph: str
    pin: str  # "taskset 100 ", or nothing
    fastest: int | None  # one of the processors in use
    policies: tuple[Policy, ...]
    flags: frozenset[str] | None  # that the program lists; None: not asked yet
    driver: str | None  # of NNAPI
    boot: str | None  # changes when the phone is started anew


class AndroidSession(OnlyTimed):
    """Keeps the Session contract of ``mnv4bench.devices``."""

    def __init__(self, profile: DeviceProfile, adb: Adb, place: Place) -> None:
        self._profile = profile
        self._target = target_of(profile)
        self._adb = adb
        self._place = place
        self._cpu_s: list[float] = []  # the same file on the processor, a process each

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        """Time the file once, in one process on the phone; at first on its processor too.

        Raises WorkerFailed with the command to repeat it when that process fails, DeviceLost.
        """
        if self._target.delegate != "xnnpack":
            self._look_at_the_processor(timing, round)
        started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        ran, outcome = self._timed(timing, accelerated=True)
        return self._samples(ran, outcome, timing, round, position, started_at), self._judge(
            ran, outcome
        )

    def beside(self, head: Session, timing: Timing, *, base_first: bool) -> Paired:
        """Two processes in turn: a benchmark program takes one file."""
        return in_turn(self, head, timing, base_first=base_first)

    def operators(self, inferences: int) -> records.Operators:
        """What each operator takes: a process with the program's profiler between two without.

        Raises NotMeasured where this program writes no such file, else as ``invoke`` does.
        """
        operator_times.require(self._profile, self._place.flags)
        timing = timings.profiled(inferences)
        plain = [self._timed(timing, accelerated=True)[1].mean_s]
        ran, outcome = self._timed(timing, accelerated=True, operators=True)
        plain.append(self._timed(timing, accelerated=True)[1].mean_s)
        if self._target.delegate != "xnnpack":
            self._look_at_the_processor(timing, 0)
        taken = operator_times.taken(ran, outcome, self._target.tool)
        if taken is None:
            raise self._failed(
                ran,
                self._line(timing, accelerated=True, marker="mnv4bench", operators=True),
                "wrote no profile of operators that can be read",
            )
        return replace(taken, plain_s=sum(plain) / len(plain), placement=self._judge(ran, outcome))

    def remove(self) -> None:
        """The file goes with the program's folder when the phone is given back."""

    def _look_at_the_processor(self, timing: Timing, round: int) -> None:
        while len(self._cpu_s) < processes(round):
            self._cpu_s.append(self._timed(short(timing), accelerated=False)[1].mean_s)

    def lines(self, timing: Timing, *, first: bool) -> tuple[str, ...]:
        """The shell lines of an invocation, in order; the ``first`` looks at the processor too."""
        marker = "mnv4bench"
        own = self._line(timing, accelerated=True, marker=marker)
        if self._target.delegate == "xnnpack" or not first:
            return (own,)
        plain = self._line(short(timing), accelerated=False, marker=marker)
        return (plain, plain, own)

    def _timed(
        self, timing: Timing, *, accelerated: bool, operators: bool = False
    ) -> tuple[remains.Ran, results.Outcome]:
        """One process of the program; raises WorkerFailed when it gives no outcome."""
        marker = f"mnv4bench-{secrets.token_hex(6)}"
        line = self._line(timing, accelerated=accelerated, marker=marker, operators=operators)
        limit = timings.limit_s(timing) + ANSWER_ALLOWANCE_S
        said = self._adb.shell(line, limit)
        parts = split(said.stdout, marker)
        boot = parts.get("boot", "").strip()
        if boot and self._place.boot and boot != self._place.boot:
            raise DeviceLost(
                f"the phone {self._adb.serial} was started anew meanwhile, and is not as it was.",
                "when it has settled: mnv4bench run --resume",
            )
        result, info = (
            remains.decoded(parts.get("result", "")),
            remains.decoded(parts.get("info", "")),
        )
        stdout, stderr = parts.get("stdout", ""), parts.get("stderr", "")
        ran = remains.Ran(
            status=remains.status(parts.get("status", "")),
            stdout=stdout,
            # The shell's own words as well: no room for a file, a folder that is gone.
            stderr=f"{stderr}\n{said.stderr}".strip(),
            outcome=results.from_result_file(result) or results.from_text(f"{stdout}\n{stderr}"),
            info=results.runtime_info(info),
            sections=parts,
            wall_s=remains.wall_s(parts),
        )
        return ran, self._outcome(ran, line)

    def _outcome(self, ran: remains.Ran, line: str) -> results.Outcome:
        unknown = results.unknown_flags(ran.log)
        if unknown:
            raise self._failed(
                ran, line, f"does not know {unknown}, so what it ran is not what was asked for"
            )
        offered = re.search(r"NNAPI accelerators available: \[([^\]]*)\]", ran.log)
        driver = self._place.driver
        if ran.status and offered and driver and driver not in offered[1].split(","):
            raise self._failed(
                ran, line, f"found no NNAPI accelerator {driver}; this phone has {offered[1]}"
            )
        if "late" in ran.sections.get("late", ""):
            raise self._failed(ran, line, "hung and was stopped")
        if "failed to set" in ran.stderr or "sched_setaffinity" in ran.stderr:
            raise self._failed(
                ran,
                line,
                f"could not be kept on its processors ({self._place.pin.strip()}); with the screen "
                "off many phones take their fast cores away (adb shell input keyevent 224)",
            )
        if ran.status > 128 and remains.is_signal(ran.status - 128):
            raise self._failed(ran, line, f"was killed by {remains.signal_name(ran.status - 128)}")
        if ran.status:
            raise self._failed(ran, line, f"ended with status {ran.status}")
        if ran.outcome is None:
            kept = unread.keep(self._profile.device, line, ran.stdout, ran.stderr)
            where = f"; what it printed is kept in {kept}" if kept else ""
            raise self._failed(ran, line, f"printed no result that is known here{where}")
        return ran.outcome

    def _failed(self, ran: remains.Ran, line: str, how: str) -> WorkerFailed:
        sentence = f"{PROGRAM} on {self._adb.serial} {how} (measuring {self._place.name})"
        last = remains.last_words(ran.log)
        # Only the program's own part of the line: a person wants to see what it says.
        folder, _, rest = line.partition("cd ")[2].partition(" || ")
        program = f"cd {folder} && {rest.partition(chr(10))[2].partition(' >')[0]}"
        return WorkerFailed(
            f"{sentence}: {last}" if last and "printed no" not in how else sentence,
            command=("adb", "-s", self._adb.serial, "shell", line),
            status=ran.status,
            stdout=ran.stdout,
            stderr=ran.stderr,
            next_step=f"run it again with --keep, then by hand: {self._adb.line('shell', program)}",
        )

    def _line(
        self, timing: Timing, *, accelerated: bool, marker: str, operators: bool = False
    ) -> str:
        """One process of the program, with the clocks around it and its files behind it.

        The program is the shell's own child (env and taskset become it), so whatever ends the
        shell's line ends it too: adbd hangs up on the shell alone, and a program that outlived its
        run would disturb the next. A watchdog ends one that hangs. Files bear the marker's name:
        nobody else writes them.
        """
        place = self._place
        result, info, out, err, late, rows = (
            f"{place.folder}/{marker}.{end}" for end in ("pb", "info", "out", "err", "late", "ops")
        )
        call = Call(
            graph=place.graph,
            folder=place.tools,
            threads=self._profile.threads,
            result=result if self._takes(RESULT_FILE, otherwise=True) else None,
            runtime_info=info if self._takes(RUNTIME_INFO, otherwise=True) else None,
            operators=rows if operators else None,
        )
        left = (result, info, out, err, late, *((rows,) if operators else ()))
        words = arguments(self._profile, call, timing, accelerated=accelerated)
        limit = timings.limit_s(timing)
        tools, pid = shlex.quote(place.tools), shlex.quote(f"{place.folder}/{PID}")
        program = (
            f"env LD_LIBRARY_PATH={tools} ADSP_LIBRARY_PATH={tools} "
            f"{place.pin}./{PROGRAM} {shlex.join(words)}"
        )
        behind = {
            "boot": phone.BOOT,
            "status": "echo $status",
            "late": f"cat {shlex.quote(late)}",
            "result": f"base64 {shlex.quote(result)}",
            "info": f"base64 {shlex.quote(info)}",
            **({"operators": f"base64 {shlex.quote(rows)}"} if operators else {}),
            "stdout": f"head -c {MAX_OUTPUT_BYTES} {shlex.quote(out)}",
            "stderr": f"head -c {MAX_OUTPUT_BYTES} {shlex.quote(err)}",
        }
        return "\n".join(
            (
                sections(self._clocks("before"), marker),
                f"cd {tools} || exit 1",
                f"{program} >{shlex.quote(out)} 2>{shlex.quote(err)} &",
                f"child=$!; echo $child >{pid}",
                f"( trap 'kill $nap; exit' TERM; sleep {limit:.0f} & nap=$!; wait $nap",
                f"echo late >{shlex.quote(late)}; kill -9 $child ) >/dev/null 2>&1 &",
                "watch=$!",
                "trap 'kill -9 $child; kill $watch; exit 129' HUP INT TERM",
                "wait $child; status=$?",
                "trap - HUP INT TERM; kill $watch",
                sections(self._clocks("after"), marker),
                sections(behind, marker),
                f"rm -f {shlex.join(left)} {pid}",
            )
        )

    def _takes(self, flag: str, *, otherwise: bool) -> bool:
        """Whether the program lists ``flag``; ``otherwise`` where it was not asked."""
        listed = self._place.flags
        return otherwise if listed is None else flag in listed

    def _clocks(self, when: str) -> dict[str, str]:
        """What is read on either side of the program."""
        asked = {
            f"time-{when}": "date +%s%N",
            f"thermal-{when}": "dumpsys thermalservice | grep -E 'Thermal Status|IsStatusOverride'",
            f"clocks-{when}": f"grep -H . {CPUFREQ}/policy*/stats/time_in_state "
            f"{CPUFREQ}/policy*/scaling_cur_freq",
        }
        if self._target.counter:
            asked[f"counter-{when}"] = f"cat {shlex.quote(self._target.counter)}"
        return asked

    def _samples(
        self,
        ran: remains.Ran,
        outcome: results.Outcome,
        timing: Timing,
        round: int,
        position: int,
        started_at: str,
    ) -> Samples:
        noise = self._noise(ran)
        # Both programs go on until count and duration are reached, or their time limit comes.
        capped = outcome.inferences < timing.min_count
        return Samples(
            round=round,
            position=position,
            started_at=started_at,
            latencies_s=(outcome.mean_s,),
            inferences_per_value=outcome.inferences,
            warmup_s=(outcome.warmup_s,) if outcome.warmup_s else (),
            warmup_inferences=outcome.warmups,
            load_s=outcome.load_s,
            first_inference_s=outcome.first_s,
            capped=capped,
            spread=outcome.spread,
            peak_memory_bytes=outcome.peak_memory_bytes,
            noise=noise,
            tainted=timings.taints(noise, outcome, capped=capped),
        )

    def _noise(self, ran: remains.Ran) -> Noise:
        before = kernel_text.files(ran.sections.get("clocks-before", ""))
        after = kernel_text.files(ran.sections.get("clocks-after", ""))
        policy = self._policy()
        current = f"{policy}/scaling_cur_freq"
        return Noise(
            wall_s=ran.wall_s,
            frequency_before_hz=kernel_text.hertz(before.get(current)),
            frequency_after_hz=kernel_text.hertz(after.get(current)),
            frequency_mean_hz=kernel_text.mean_frequency_hz(before, after, policy),
            thermal_status_before=remains.thermal_status(ran.sections.get("thermal-before", "")),
            thermal_status_after=remains.thermal_status(ran.sections.get("thermal-after", "")),
        )

    def _policy(self) -> str:
        """The folder of the cpufreq policy of the processors in use; named after its first."""
        cpu = self._place.fastest
        first = next((p.cpus[0] for p in self._place.policies if cpu in p.cpus), cpu)
        return f"{CPUFREQ}/policy{first}"

    def _judge(self, ran: remains.Ran, outcome: results.Outcome) -> Placement:
        counted = None
        if self._target.counter:
            before, after = (
                remains.counter(ran.sections.get(f"counter-{w}", "")) for w in remains.WHEN
            )
            if before is not None and after is not None:
                made = outcome.inferences + (outcome.warmups or 0)
                counted = Counted(self._target.counter, after - before, made)
        contrast = Contrast(min(self._cpu_s), outcome.mean_s) if self._cpu_s else None
        return placement.judge(
            self._target.delegate,
            f"{self._profile.accelerator} ({_unit(self._target.delegate, self._place.driver)})",
            ran.log,
            info=ran.info,
            contrast=contrast,
            counted=counted,
        )


def _unit(delegate: str, driver: str | None) -> str:
    return {"xnnpack": "XNNPACK", "gpu": "GPU delegate", "nnapi": f"NNAPI {driver}"}.get(
        delegate, f"{delegate} delegate"
    )
