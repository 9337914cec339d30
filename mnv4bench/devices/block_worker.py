"""The measured process of one side, where base and head need two: it times blocks on order.

Knows: one order a line on standard input, one answer a line. Does not know: that there is another
side. ``alternation.py`` holds the other end, and lets one of two such processes run at a time.

    the request    answered with Ready, once the file is loaded and warm
    a number       so many inferences, answered with their nanoseconds in measured order
    anything else, or the end of the input: answered with Served
"""

from __future__ import annotations

import gc
from itertools import cycle
from statistics import median
from typing import BinaryIO

import msgspec
from msgspec import Struct

from mnv4bench.devices import noise
from mnv4bench.devices.host_worker import converse, opened, placed, stage
from mnv4bench.devices.timed_loop import NS_PER_S, clock_tick_s, timed, warm_up
from mnv4bench.devices.worker_messages import Request
from mnv4bench.records import Duration, Noise, Placement, Seconds


class Ready(Struct, frozen=True, kw_only=True, tag="ready"):
    """Loaded and warm."""

    inference_s: Duration


class Served(Struct, frozen=True, kw_only=True, tag="served"):
    """The last answer: where the file ran, and what disturbed it from the first order on."""

    placement: Placement
    noise: Noise
    clock_tick_s: Seconds


def main() -> int:
    """Read one request and then orders; the exit status is 0 when they were answered."""
    return converse(_serve)


def _serve(orders: BinaryIO, answers: BinaryIO) -> Served:
    request = msgspec.json.decode(orders.readline(), type=Request)
    model, turns, _ = opened(request, request.file, request.shapes)
    tick_s, cap_s = clock_tick_s(), request.timing.max_duration_s
    gc.collect()
    gc.disable()
    with stage("run"):
        warm_ns, _ = warm_up(turns, request.timing)
        sides = cycle(turns)
        _say(answers, msgspec.json.encode(Ready(inference_s=median(warm_ns) / NS_PER_S)))
        order = orders.readline().strip()  # which waits for the other side to be ready
        before = noise.read()
        while order.isdigit():
            block = [next(sides) for _ in range(int(order))]
            durations, _ = timed(
                block, min_count=len(block), min_duration_s=0.0, max_duration_s=cap_s
            )
            _say(answers, msgspec.json.encode(durations))
            order = orders.readline().strip()
    return Served(
        placement=placed(model),
        noise=noise.between(before, noise.read()),
        clock_tick_s=tick_s,
    )


def _say(answers: BinaryIO, line: bytes) -> None:
    answers.write(b"\n" + line + b"\n")
    answers.flush()
