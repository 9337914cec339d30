"""One file on a board without Python: an invocation is one process of the benchmark program.

Knows: what the program is asked, and how what it leaves behind becomes samples and a placement.
Does not know: how file and program came there. As on a phone, the program tells one mean of its
inferences, so an invocation holds one value, with the count behind it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from mnv4bench.devices import Session, noise
from mnv4bench.devices.android import placement, remains, results, unread
from mnv4bench.devices.android.benchmark import PROGRAM, Call, arguments
from mnv4bench.devices.counting import OnlyTimed
from mnv4bench.devices.pairing import in_turn
from mnv4bench.devices.profiling import OnlyWhole
from mnv4bench.devices.ssh import invocation, leash
from mnv4bench.devices.ssh.connection import Ssh
from mnv4bench.devices.ssh.invocation import Place, Ran
from mnv4bench.errors import WorkerFailed
from mnv4bench.records import (
    DeviceProfile,
    Noise,
    Paired,
    Placement,
    Samples,
    Timing,
)

MAX_OUTPUT_BYTES = 1_000_000  # of each stream; a program that never stops talking is cut
# Builds of some years lack them.
RESULT_FILE = "result_file_path"
RUNTIME_INFO = "model_runtime_info_output_file"


@dataclass(frozen=True, slots=True)
class Program:
    """The benchmark program on the board."""

    folder: str
    flags: frozenset[str] | None  # that it lists; None: not asked yet

    def takes(self, flag: str) -> bool:
        """Whether it lists ``flag``; taken for granted where it was not asked."""
        return self.flags is None or flag in self.flags


class ProgramSession(OnlyTimed, OnlyWhole):
    """Keeps the Session contract of ``mnv4bench.devices``."""

    def __init__(
        self,
        profile: DeviceProfile,
        ssh: Ssh,
        place: Place,
        program: Program,
        *,
        name: str,
        file: str,
    ) -> None:
        """``profile`` has the program's table (``program.as_phone``)."""
        self._profile = profile
        self._ssh = ssh
        self._place = place
        self._program = program
        self._name = name
        self._file = file

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        """Time the file once, in one process of the program on the board.

        Raises WorkerFailed with the command to repeat it when that process fails, DeviceLost.
        """
        started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        marker = invocation.new_marker()
        trip = _Trip(self._place.folder, marker)
        words = self._words(timing, trip)
        ran = invocation.run(
            self._ssh,
            self._place,
            words,
            limit_s=invocation.limit_s(timing),
            streams=trip.streams,
            behind=trip.behind,
            tidy=trip.tidy,
            marker=marker,
        )
        stdout, said = ran.sections.get("stdout", ""), ran.sections.get("stderr", "")
        log = f"{stdout}\n{said}\n{ran.stderr}"
        outcome = self._outcome(ran, log, words)
        info = results.runtime_info(remains.decoded(ran.sections.get("info", "")))
        placed = placement.judge("xnnpack", "cpu (XNNPACK)", log, info=info)
        capped = outcome.inferences < timing.min_count
        evidence = self._noise(ran)
        samples = Samples(
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
            noise=evidence,
            tainted=(*_taints(evidence, outcome, capped=capped), *ran.taints),
        )
        return samples, placed

    def beside(self, head: Session, timing: Timing, *, base_first: bool) -> Paired:
        """Two processes in turn: a benchmark program takes one file."""
        return in_turn(self, head, timing, base_first=base_first)

    def remove(self) -> None:
        """The file goes with the program's folder when the board is given back."""

    def lines(self, timing: Timing) -> tuple[str, ...]:
        """The shell lines of an invocation, as the board gets them."""
        trip = _Trip(self._place.folder, "mnv4bench")
        script = invocation.script(
            self._place,
            self._words(timing, trip),
            limit_s=invocation.limit_s(timing),
            marker="mnv4bench",
            streams=trip.streams,
            behind=trip.behind,
            tidy=trip.tidy,
            watched=False,
        )
        return (self._ssh.shell_line(script),)

    def _words(self, timing: Timing, trip: _Trip) -> tuple[str, ...]:
        tools = self._program.folder
        call = Call(
            graph=self._file,
            folder=tools,
            threads=self._profile.threads,
            result=trip.result if self._program.takes(RESULT_FILE) else None,
            runtime_info=trip.info if self._program.takes(RUNTIME_INFO) else None,
        )
        flags = arguments(self._profile, call, timing)
        return ("env", f"LD_LIBRARY_PATH={tools}", f"{tools}/{PROGRAM}", *flags)

    def _outcome(self, ran: Ran, log: str, words: tuple[str, ...]) -> results.Outcome:
        outcome = results.from_result_file(remains.decoded(ran.sections.get("result", "")))
        outcome = outcome or results.from_text(log)
        how = None
        if unknown := results.unknown_flags(log):
            how = f"does not know {unknown}, so what it ran is not what was asked for"
        elif ran.status in leash.HUNG:
            how = "hung and was stopped"
        elif "failed to set" in log or "sched_setaffinity" in log:
            how = f"could not be kept on its processors ({shlex.join(self._place.pin)})"
        elif (number := ran.was_killed_by) is not None:
            how = f"was killed by {remains.signal_name(number)}"
        elif ran.status:
            how = f"ended with status {ran.status}"
        elif outcome is None:
            printed = (ran.sections.get("stdout", ""), ran.sections.get("stderr", ""))
            kept = unread.keep(self._profile.device, shlex.join(words), *printed)
            where = f"; what it printed is kept in {kept}" if kept else ""
            raise self._failed(ran, words, f"printed no result that is known here{where}", "")
        if how is None:
            assert outcome is not None
            return outcome
        raise self._failed(ran, words, how, remains.last_words(log))

    def _failed(self, ran: Ran, words: tuple[str, ...], how: str, last: str) -> WorkerFailed:
        sentence = f"{PROGRAM} on {self._ssh.host} {how} (measuring {self._name})"
        program = shlex.join((*self._place.pin, *words))
        return WorkerFailed(
            f"{sentence}: {last}" if last else sentence,
            command=("ssh", self._ssh.host, program),
            status=ran.status,
            stdout=ran.sections.get("stdout", ""),
            stderr=ran.sections.get("stderr", ""),
            next_step=f"run it again with --keep, then by hand: {self._ssh.shell_line(program)}",
        )

    def _noise(self, ran: Ran) -> Noise:
        before_hz, after_hz, mean_hz = ran.frequency_hz(self._place)
        return Noise(
            wall_s=ran.wall_s,
            frequency_before_hz=before_hz,
            frequency_after_hz=after_hz,
            frequency_mean_hz=mean_hz,
            temperature_before_c=ran.before.temperature_c,
            temperature_after_c=ran.after.temperature_c,
        )


class _Trip:
    """The files of one invocation, which bear its marker: nobody else writes them."""

    def __init__(self, folder: str, marker: str) -> None:
        self.result, self.info, *streams = (
            f"{folder}/{marker}.{end}" for end in ("pb", "info", "out", "err")
        )
        self.streams = (streams[0], streams[1])
        every = (self.result, self.info, *self.streams)
        self.tidy = f"rm -f {shlex.join(every)}"
        self.behind = {
            "result": f"base64 {shlex.quote(self.result)}",
            "info": f"base64 {shlex.quote(self.info)}",
            "stdout": f"head -c {MAX_OUTPUT_BYTES} {shlex.quote(streams[0])}",
            "stderr": f"head -c {MAX_OUTPUT_BYTES} {shlex.quote(streams[1])}",
        }


def _taints(evidence: Noise, outcome: results.Outcome, *, capped: bool) -> tuple[str, ...]:
    seen = noise.taints(
        evidence,
        latencies_s=(outcome.mean_s,),
        warmup_steady=None,
        capped=False,
        clock_tick_s=None,
    )
    if not capped:
        return seen
    return (
        *seen,
        f"stopped at its time limit after {outcome.inferences} inferences in "
        f"{evidence.wall_s:.3g} s",
    )
