"""What can be shown of a Core ML package without a Mac: that it is the network, weight for weight.

First its weights are compared with torch's. Then its program is worked out with torch's weights in
their place, and has to give torch's outputs. How Core ML itself computes is left to a Mac (parity).

Knows: what a package of ours has to hold, and how far the ways to store weights may move a number.
Does not know: how it was written (exporter), what a package looks like (package), or what an
operator computes (in_torch).
"""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench import runtimes
from mnv4bench.errors import BadFile, ExportFailed
from mnv4bench.export.coreml import exporter as coreml
from mnv4bench.export.coreml import package as coreml_package
from mnv4bench.export.coreml.package import Feature, Operator, Package
from mnv4bench.export.formats import DEFAULT_TARGET
from mnv4bench.records import Precision, Structure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnv4bench.export.coreml.products import Layer, Products
    from mnv4bench.models.build import BuiltModel

    Array = NDArray[Any]

COMPUTE = "float16"
# Rounding to float16 moves a number by at most 2**-11 of itself. Of what is tiny, coremltools makes
# the smallest number that is not zero.
STEP, TINY = 2**-11, 2**-24
# How far a number may lie from torch's, relative to the largest of its output channel; 1 % on top,
# for torch's own rounding. To 8 bits it comes from float16 and moves by at most half a step of the
# channel's scale, which is a float16 as well.
LIMITS = {"float16": 1.01 * STEP, "int8": 0.5 / 127 + 2.02 * STEP}
# A palette has no such bound. Its values have to be the means of the numbers that they stand for,
# and none of these may be nearer to another one: both up to float16's rounding, relative to the
# largest number. And they have to serve: 16 values leave 20 dB of normally distributed numbers.
PALETTE_LIMIT = 3 * STEP
PALETTE_DB = 12.0
# How far the program may be off with torch's weights, over the largest output. Other constants stay
# float16, as the slope of hard-swish or a norm that is not folded: 4.6e-3 at most in the catalog.
# A wrong activation or axis, or two layers exchanged, put it off by more than 1, and an epsilon of
# 1e-2 in place of 1e-5 by 0.02 (small networks).
PROGRAM_LIMIT = 2e-2
REASONS: dict[Precision, str] = {
    "fp16": "float16 keeps 11 bits of a number; relative to its output channel's largest",
    "int8-weights": "half a step of 8 bits, relative to the output channel's largest number",
    "palette4": "each of 16 values is the mean of the numbers nearest to it, up to float16's "
    "rounding, relative to the tensor's largest",
}


def check(
    built: BuiltModel,
    file: Path,
    precision: Precision,
    deployment_target: str | None = None,
) -> Structure:
    """Hold the package against torch's own folded network.

    Raises ExportFailed when anything differs: version, inputs and outputs, the type that operators
    compute in, the number of products, how one is applied, any of its weights or biases, or what
    the program makes of torch's own.
    """
    target = deployment_target or DEFAULT_TARGET
    version = coreml.specification(target, precision)
    try:
        package = coreml_package.open_package(file)
        if package.specification != version:
            raise _Differs(f"has format version {package.specification}; {target} has {version}")
        half = version >= coreml.HALF_AND_COMPRESSED
        _check_interface(package, built, COMPUTE if half else "float32")
        _check_compute(package, casts=0 if half else 2)
        stored = coreml_package.precision(package)
        if stored != precision:
            raise _Differs(f"holds most of its weights as {stored}, not {precision}")
        wanted = _wanted(built)
        _check_counts(package, wanted)
        pairs = _compare(package, wanted.layers)
        program_error = _program_error(built, package, pairs)
    except (_Differs, BadFile) as error:
        why = error.what.rstrip(".") if isinstance(error, BadFile) else str(error)
        raise refused(built, why) from None
    fits = [fit for pair in pairs for fit in pair.fits]
    worst = max(fits, key=lambda fit: (fit.limit, fit.error))  # of those rounded most
    return Structure(
        not_run=_not_run(),
        operators=package.counts(),
        input=str(package.inputs[0]),
        output=str(package.outputs[0]),
        compute=COMPUTE,
        weights_compared=len(fits),
        max_weight_error=worst.error,
        tolerance=worst.limit,
        tolerance_reason=REASONS[precision],
        program_error=program_error,
        program_tolerance=None if program_error is None else PROGRAM_LIMIT,
    )


def refused(built: BuiltModel, why: str) -> ExportFailed:
    """``why`` follows the file's name."""
    return ExportFailed(
        f"The coreml file of {built.entry.model} {why}. It was thrown away.",
        "export it to another format, or see whether another version of coremltools agrees",
    )


def _not_run() -> str:
    """The sentence for systems without Core ML; empty on a Mac, where parity runs the file too."""
    if runtimes.can_run("coreml"):
        return ""
    return f"not run here: Core ML runs on macOS, and this is {platform.system()}"


class _Differs(Exception):
    """What of the package is not as it should be, without its name."""


def _check_interface(package: Package, built: BuiltModel, dtype: str) -> None:
    import torch

    px = built.input_px
    with torch.no_grad():
        (_, classes) = built.net(torch.zeros(1, 3, px, px)).shape
    wanted = (
        Feature(coreml.INPUT_NAME, (1, 3, px, px), dtype),
        Feature(coreml.OUTPUT_NAME, (1, classes), dtype),
    )
    found = (*package.inputs, *package.outputs)
    if found != wanted:
        raise _Differs(f"has {'; '.join(map(str, found))}, not {'; '.join(map(str, wanted))}")


def _check_compute(package: Package, casts: int) -> None:
    """Everything in float16, but for the casts of an input and an output that are float32."""
    others = [one for one in package.operators if one.dtype != COMPUTE and one.type != "cast"]
    if others:
        kinds = ", ".join(sorted({f"{one.type} in {one.dtype}" for one in others}))
        raise _Differs(f"does not compute all in {COMPUTE}: {kinds}")
    found = package.counts().get("cast", 0)
    if found != casts:
        raise _Differs(f"casts between types {found} times, not {casts}")


def _wanted(built: BuiltModel) -> Products:
    """Of the network in the form that is exported, once it is seen to compute the same."""
    import torch

    from mnv4bench.export.coreml.neural_engine import channels_first
    from mnv4bench.export.coreml.products import products
    from mnv4bench.export.folding import folded
    from mnv4bench.export.parity import EXACT
    from mnv4bench.models.build import sample_input

    example = sample_input(built.input_px, seed=1, count=1)  # not the one that was traced with
    net = channels_first(folded(built.net, example))
    with torch.no_grad():
        expected, found = built.net(example), net(example)
    off = float((found - expected).abs().max() / expected.abs().max())
    if not off <= EXACT.limit:
        raise _Differs(f"is made from a network that is off torch's by {off:.2g} ({EXACT.reason})")
    return products(net, example)


def _check_counts(package: Package, wanted: Products) -> None:
    found = package.counts()
    kinds = [str(layer.kind[0]) for layer in wanted.layers]
    for kind, count in {
        "conv": kinds.count("conv"),
        "linear": kinds.count("linear"),
        "matmul": wanted.matmuls,
    }.items():
        if found.get(kind, 0) != count:
            raise _Differs(f"has {found.get(kind, 0)} {kind} operators; torch has {count}")


@dataclass(frozen=True)
class _Fit:
    """How far a tensor lies from torch's, and how far it may."""

    error: float
    limit: float
    sqnr_db: float = PALETTE_DB

    @property
    def good(self) -> bool:
        return self.error <= self.limit and self.sqnr_db >= PALETTE_DB  # false for NaN


@dataclass(frozen=True)
class _Pair:
    """A layer of torch and the file's operator that holds its numbers."""

    layer: Layer
    operator: Operator
    fits: tuple[_Fit, _Fit]  # of the weight and of the bias


def _compare(package: Package, layers: Sequence[Layer]) -> list[_Pair]:
    """Each layer of torch with one operator of the file that is applied alike; none is left over.

    Operators stand in the order in which torch runs them, but branches may be swapped: so the first
    one of the same kind whose numbers fit is taken.
    """
    left: dict[tuple[object, ...], list[Operator]] = {}
    for operator in package.operators:
        if operator.type in ("conv", "linear"):
            left.setdefault(_kind(package, operator), []).append(operator)
    return [_pair(package, layer, left.get(layer.kind, [])) for layer in layers]


def _pair(package: Package, layer: Layer, alike: list[Operator]) -> _Pair:
    """The first of ``alike`` that fits, which is taken out."""
    if not alike:
        raise _Differs(f"lacks a layer like {layer.name}: {layer.kind}")
    least = math.inf
    for operator in alike:
        fits = _fit(package, operator, layer)
        if all(fit.good for fit in fits):
            alike.remove(operator)
            return _Pair(layer, operator, fits)
        least = min(least, max(fit.error for fit in fits))
    raise _Differs(
        f"has other weights than torch's {layer.name}: off by at least {least:.2g}, which is more "
        "than rounding moves them by"
    )


def _program_error(built: BuiltModel, package: Package, pairs: list[_Pair]) -> float | None:
    """See records.Structure."""
    import torch

    from mnv4bench.export.coreml.in_torch import UnknownOperatorError, work_out
    from mnv4bench.models.build import sample_input

    exact = {}
    for pair in pairs:
        exact[pair.operator.inputs["weight"][0]] = torch.from_numpy(pair.layer.weight)
        if "bias" in pair.operator.inputs:
            exact[pair.operator.inputs["bias"][0]] = torch.from_numpy(pair.layer.bias)
    images = sample_input(built.input_px, seed=1, count=1)
    with torch.no_grad():
        expected = built.net(images)
    try:
        found = work_out(package, images, exact)
    except UnknownOperatorError:
        return None
    error = float((found - expected).abs().max() / expected.abs().max())
    if not error <= PROGRAM_LIMIT:
        raise _Differs(
            f"has a program that gives other outputs than torch's network: off by {error:.2g} of "
            "the largest, with torch's own weights"
        )
    return error


def _weight(package: Package, operator: Operator) -> str:
    """The name of its constant."""
    (name,) = operator.inputs["weight"]
    if name not in package.constants:
        raise _Differs(f"computes the weights of {operator.name} while it runs")
    return name


def _kind(package: Package, operator: Operator) -> tuple[object, ...]:
    """As products.Layer has it."""
    weight = package.constants.shape(_weight(package, operator))
    if operator.type == "linear":
        return "linear", weight

    def numbers(parameter: str) -> tuple[object, ...]:
        (name,) = operator.inputs[parameter]
        return tuple(package.constants.value(name).ravel().tolist())

    # "valid", "custom", or a rule that torch does not have.
    rule = str(*numbers("pad_type"))
    none = (0,) * (2 * (len(weight) - 2))
    pads = none if rule == "valid" else numbers("pad") if rule == "custom" else ()
    return "conv", weight, numbers("strides"), pads, numbers("dilations"), *numbers("groups")


def _fit(package: Package, operator: Operator, layer: Layer) -> tuple[_Fit, _Fit]:
    """Of the weight and of the bias."""
    import numpy as np

    name, constants = _weight(package, operator), package.constants
    weight, stored = constants.value(name), constants.stored_as(name)
    bias = np.zeros_like(layer.bias)
    if "bias" in operator.inputs:
        bias = constants.value(*operator.inputs["bias"])
    if stored == "palette4":
        fit = _palette_fit(weight, layer.weight)
    elif stored in LIMITS:
        rows = len(layer.weight)
        largest = np.abs(layer.weight.reshape(rows, -1)).max(1)  # (C_out,)
        fit = _Fit(
            _off(weight.reshape(rows, -1), layer.weight.reshape(rows, -1), largest[:, None]),
            LIMITS[stored],
        )
    else:
        raise _Differs(f"stores the weights of {operator.name} as {stored}")
    return fit, _Fit(_off(bias, layer.bias, np.abs(layer.bias)), LIMITS["float16"])


def _off(found: Array, wanted: Array, largest: Array) -> float:
    """The largest difference over ``largest``, less what float16 cannot hold at all."""
    import numpy as np

    difference = np.abs(found.astype(np.float64) - wanted) - TINY
    return float(np.max(difference.clip(min=0) / np.maximum(largest, TINY)))


def _palette_fit(found: Array, wanted: Array) -> _Fit:
    import numpy as np

    flat, exact = found.astype(np.float64).ravel(), wanted.astype(np.float64).ravel()
    palette, members = np.unique(flat, return_inverse=True)
    means = np.bincount(members, exact) / np.bincount(members)
    middles = (palette[1:] + palette[:-1]) / 2
    nearest = palette[np.searchsorted(middles, exact)]
    beyond = np.abs(exact - flat) - np.abs(exact - nearest)
    off = max(float(np.abs(means - palette).max()), float(beyond.max()))
    noise = float(((flat - exact) ** 2).sum())
    sqnr_db = 10 * float(np.log10((exact**2).sum() / noise)) if noise else float("inf")
    return _Fit(off / float(np.abs(exact).max()), PALETTE_LIMIT, sqnr_db)
