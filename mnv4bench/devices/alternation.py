"""Two files timed side by side in two processes, which take turns block by block.

No process can hold two versions of one runtime. So each side has a process of its own; both stay
alive, and one of them runs a block while the other waits for its order. Knows: whose turn it is,
and when there is enough. Does not know: what the processes are or which runtimes they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from mnv4bench.devices import noise
from mnv4bench.devices.block_worker import Ready, Served
from mnv4bench.devices.dialogue import Dialogue
from mnv4bench.devices.host_worker import block_count
from mnv4bench.devices.process import Finished
from mnv4bench.devices.timed_loop import NS_PER_S, lower_decile
from mnv4bench.devices.worker_messages import Refused
from mnv4bench.records import Noise, Paired, Timing

A = TypeVar("A", Ready, Served, list[int])


@dataclass(frozen=True, slots=True)
class Side:
    """One process to be: what runs it, what it is asked, and where it finds its packages."""

    command: tuple[str, ...]
    request: bytes
    environment: dict[str, str]
    purpose: str  # "measures net.tflite"
    runtime: str  # "LiteRT 2.3.0"
    file: str


def measure(
    base: Side, head: Side, timing: Timing, *, base_first: bool, limit_s: float
) -> tuple[Paired, tuple[Finished, Finished]]:
    """(blocks of base and head in turn, what each process left behind); both are warm before.

    The side that is first is loaded first. ``limit_s`` holds for each answer. Raises WorkerFailed.
    """
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    sides = (base, head) if base_first else (head, base)
    with ExitStack() as open_until_here:
        voices: list[Dialogue] = []
        ready: list[Ready] = []
        for side in sides:
            voice = Dialogue(
                side.command, side.request, purpose=side.purpose, environment=side.environment
            )
            voices.append(open_until_here.enter_context(voice))
            ready.append(_answer(side, voice, limit_s, Ready, first=True))
        block = block_count(max(one.inference_s for one in ready))
        blocks, enough = _blocks(sides, voices, block, timing, limit_s)
        served = []
        for side, voice in zip(sides, voices, strict=True):
            voice.say(b"end")
            served.append(_answer(side, voice, limit_s, Served))
        finished = [voice.finished() for voice in voices]
    disturbed = _together(*(one.noise for one in served))
    if not base_first:
        blocks, served, finished = blocks[::-1], served[::-1], finished[::-1]
    of_base, of_head = served
    base_s, head_s = (tuple(lower_decile(one) / NS_PER_S for one in side) for side in blocks)
    paired = Paired(
        started_at=started_at,
        base_s=base_s,
        head_s=head_s,
        base_first=base_first,
        inferences_per_block=block,
        base_placement=of_base.placement,
        head_placement=of_head.placement,
        noise=disturbed,
        tainted=noise.pair_taints(
            blocks_s=(*base_s, *head_s),
            block=block,
            capped=not enough,
            clock_tick_s=max(of_base.clock_tick_s, of_head.clock_tick_s),
        ),
    )
    return paired, (finished[0], finished[1])


def _blocks(
    sides: Sequence[Side], voices: Sequence[Dialogue], block: int, timing: Timing, limit_s: float
) -> tuple[list[list[list[int]]], bool]:
    """As ``timed_loop.alternating``; the time spent counts the inferences alone."""
    blocks: list[list[list[int]]] = [[], []]
    spent_ns = [0, 0]
    while True:
        for place, (side, voice) in enumerate(zip(sides, voices, strict=True)):
            voice.say(b"%d" % block)
            samples = _answer(side, voice, limit_s, list[int])
            if not samples or min(samples) <= 0:
                raise voice.failed("answered a block without times", None)
            blocks[place].append(samples)
            spent_ns[place] += sum(samples)
        if (
            len(blocks[0]) * block >= timing.min_count
            and min(spent_ns) >= timing.min_duration_s * NS_PER_S
        ):
            return blocks, True
        if sum(spent_ns) >= timing.max_duration_s * NS_PER_S:
            return blocks, False


def _answer(
    side: Side, voice: Dialogue, limit_s: float, wanted: type[A], *, first: bool = False
) -> A:
    """What it answers; at first after whatever a site's start-up files print."""
    while True:
        line = voice.hear(limit_s)
        try:
            answer: A | Refused = msgspec.json.decode(line, type=wanted | Refused)
        except msgspec.DecodeError as error:
            if first:
                continue
            raise voice.failed(f"answered nonsense: {error}", None) from None
        if isinstance(answer, Refused):
            what = f"{side.runtime} could not {answer.stage} {side.file}: {answer.reason}"
            raise voice.failure(what, 1)
        return answer


def _together(one: Noise, other: Noise) -> Noise:
    """Of both processes; the first's interval holds the other's, as one waits for the other."""

    def added(first: float | None, second: float | None) -> float | None:
        return None if first is None or second is None else first + second

    switches = (one.involuntary_switches, other.involuntary_switches)
    return msgspec.structs.replace(
        one,
        cpu_s=added(one.cpu_s, other.cpu_s),
        involuntary_switches=None if None in switches else sum(filter(None, switches)),
    )
