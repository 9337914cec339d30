"""Whether an answer in some arithmetic is right: it may lose what that arithmetic alone loses.

No one figure can do. With random weights tf32 leaves MobileNetV4-Hybrid-M 0.22 of the largest
output off, and Conv-S 0.0013, both rightly (torch 2.13 on a processor, seeded inputs). So the
program is run on the processor in the same arithmetic too, and an answer may be MARGIN_DB worse.

Knows: signal over noise, and how factors are rounded. Does not know: GPUs, modes, time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from mnv4bench.exported_program.program import Program
from mnv4bench.records import Arithmetic, Signal

# fp32: sums in another order over some hundred layers, as for every format.
EXACT = 1e-4
# A GPU rounds in other places and sums in another order; 6 dB are twice the noise's size.
MARGIN_DB = 6.0
# A file of zeros has 0 dB. Below this a limit would tell hardly more.
LEAST_DB = 1.0
# tf32 keeps 10 of the 23 bits behind the point of each factor; sums stay in 32 bits.
TF32_LOST_BITS = 13
MULTIPLYING = (
    "conv2d",
    "convolution",
    "linear",
    "matmul",
    "bmm",
    "mm",
    "addmm",
    "einsum",
    "scaled_dot_product_attention",
)


def held_against(
    program: Program, inputs: Sequence[Tensor], answer: Tensor, arithmetic: Arithmetic
) -> Signal:
    """The evidence about ``answer`` to ``inputs``, all on the processor; ``program`` is in fp32.

    Raises ValueError for one that is wrong: then no time of it means anything. Where rounding
    alone leaves nothing to tell by, the signal says "unproven".
    """
    expected = program(*inputs)
    if answer.shape != expected.shape or not bool(torch.isfinite(answer).all()):
        raise ValueError(
            f"its outputs on the GPU in {arithmetic} are not finite or of another shape, so its "
            "times mean nothing"
        )
    if arithmetic == "fp32":
        return _exact(expected, answer)
    found = sqnr_db(expected, answer)
    alone = sqnr_db(expected, rounded(program, inputs, arithmetic))
    least = alone - MARGIN_DB
    said = f"{found:.1f} dB of signal over noise against the processor's in fp32"
    if not least >= LEAST_DB:  # or no number
        return Signal(
            name="outputs",
            evidence=f"{said}; {arithmetic} alone leaves {alone:.1f} dB, too little to tell by",
            says="unproven",
        )
    if not found >= least:
        raise ValueError(
            f"its outputs on the GPU in {arithmetic} are wrong: {said}, and {arithmetic} alone "
            f"leaves {alone:.1f} dB, so its times mean nothing"
        )
    return Signal(
        name="outputs", evidence=f"{said}; {arithmetic} alone leaves {alone:.1f} dB", says="full"
    )


def _exact(expected: Tensor, answer: Tensor) -> Signal:
    largest, error = float(expected.abs().max()), float((answer - expected).abs().max())
    apart = f"{error:.2g} from the processor's, of at most {largest:.3g}"
    if not error <= EXACT * largest:
        raise ValueError(
            f"its outputs on the GPU in fp32 are wrong: {apart} (tolerance {EXACT:g} of that), so "
            "its times mean nothing"
        )
    return Signal(name="outputs", evidence=apart, says="full")


def sqnr_db(expected: Tensor, answer: Tensor) -> float:
    """Signal over noise in decibels, both around their mean over the last side (the classes).

    Infinity for no noise at all, minus infinity for no signal; no number where
    ``answer`` is not finite.
    """
    signal, noise = expected.double(), answer.double() - expected.double()
    if expected.shape[-1] > 1:
        signal = signal - signal.mean(-1, keepdim=True)
        noise = noise - noise.mean(-1, keepdim=True)
    strength, power = float((signal**2).sum()), float((noise**2).sum())
    if not power:
        return math.inf
    return 10 * math.log10(strength / power) if strength else -math.inf


def rounded(program: Program, inputs: Sequence[Tensor], arithmetic: Arithmetic) -> Tensor:
    """What the processor answers in ``arithmetic``, as 32-bit floats."""
    if arithmetic == "tf32":
        graph = program.as_graph(torch.device("cpu"), torch.float32)
        answer: Tensor = _Tf32(graph).run(*inputs)
        return answer
    kind = torch.float16 if arithmetic == "fp16" else torch.bfloat16
    graph = program.as_graph(torch.device("cpu"), kind)
    halved: Tensor = graph(*(one.to(kind) if one.is_floating_point() else one for one in inputs))
    return halved.float()


class _Tf32(fx.Interpreter):
    """Runs a graph with the factors of every product rounded to tf32."""

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        module = self.fetch_attr(target)
        if isinstance(module, nn.Conv2d | nn.Linear):
            weight = tf32(module.weight)
            args = (tf32(args[0]), *args[1:])
            return torch.func.functional_call(module, {"weight": weight}, args, kwargs)
        return super().call_module(target, args, kwargs)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        name = str(target).split(".")[-2] if "." in str(target) else ""
        if name in MULTIPLYING:
            args = fx.node.map_aggregate(
                args, lambda one: tf32(one) if isinstance(one, Tensor) else one
            )
        return super().call_function(target, args, kwargs)


def tf32(value: Tensor) -> Tensor:
    """``value`` (float32) with the bits that tf32 loses rounded away, to the nearest."""
    if value.dtype != torch.float32:
        return value
    bits = value.contiguous().view(torch.int32)
    half = 1 << (TF32_LOST_BITS - 1)
    return ((bits + half) & -(1 << TF32_LOST_BITS)).view(torch.float32)
