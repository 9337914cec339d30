"""A TFLite file compiled by LiteRT's GPU accelerator, run, and compared with the processor.

Without a GPU this works on a software Vulkan: slow, and a proxy (phones bring OpenCL or Metal), but
it tells which operators a GPU accelerator refuses, and whether what it runs comes out right.

Knows: ai_edge_litert 2.3's CompiledModel, the lines that its native code logs, and where a software
driver may lie. Does not know: processes (probe runs this), time.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mnv4bench.findings import Agreement, Compatibility
from mnv4bench.inspection import seeded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

# Sums come out in another order, over some hundred layers, as in the comparison with torch.
TOLERANCE = 1e-4
TOLERANCE_REASON = "fp32 sums in another order, over some hundred layers"
# Of a quantised file a GPU accelerator leaves out some of the processor's rounding. LiteRT's two
# sets of processor kernels round differently as well, both rightly: a file on which they are far
# apart cannot tell whether the GPU is right, unless it is much farther off. Conv-S in dynamic int8:
# kernels 0.72 apart, the GPU 0.70 off, and 2e-5 off a float file with the same weights dequantised;
# in static int8: kernels 15 steps apart, the GPU 8 off.
KERNEL_DISTANCES = 2.0
SWIFTSHADER = tuple(
    Path(folder) / "vk_swiftshader_icd.json"
    for folder in (
        "/usr/lib/chromium",  # Debian: chromium-common
        "/usr/lib64/chromium-browser",  # Fedora
        "/opt/google/chrome",
    )
)
CHOSEN_BY_USER = ("VK_ICD_FILENAMES", "VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES")
NO_DRIVER = (
    "not tried: no Vulkan driver was found (libvulkan1 and a software driver such as SwiftShader, "
    "in Debian's chromium-common, make it possible)"
)
PROXY = "a proxy: phones use LiteRT's OpenCL or Metal accelerator, which may take other operators"

_NO_ADAPTER = re.compile(r"No adapters found|Couldn't load Vulkan|No GPU accelerator")
_ADAPTER = re.compile(r"Selected adapter: (.+?), .*adapterType=([^\r\n]+)")
_ACCELERATOR = re.compile(r"RegisterAccelerator: .*name=GPU (\w+)")
_REFUSED = re.compile(
    r"Following operations are not supported by GPU delegate:\n(.*?)\n"
    r"((?:No|\d+) operations? will run on the GPU[^\n]*)",
    re.DOTALL,
)
_NATIVE_ERROR = re.compile(r"^ERROR: (?!Following operations)(.+)$", re.MULTILINE)


class Difference(Struct, frozen=True):
    """Outputs on the GPU against those of the processor, dequantised."""

    max_abs_error: float
    largest: float  # largest |output| of the processor
    cosine: float  # the smallest over the outputs
    kernels: float  # largest distance between LiteRT's two sets of processor kernels


class Ran(Struct, frozen=True):
    """A file that was compiled whole and run to completion."""

    difference: Difference | None
    failure: str = ""  # why there is no difference: the processor did not run it


def environment() -> dict[str, str]:
    """What the process needs to find a software driver, where the user has not chosen drivers."""
    if any(os.environ.get(name) for name in CHOSEN_BY_USER):
        return {}
    found = next((driver for driver in SWIFTSHADER if driver.is_file()), None)
    return {"VK_ADD_DRIVER_FILES": str(found)} if found else {}


def run(path: Path) -> Ran:
    """Compile for the GPU alone, run once on seeded inputs, compare with the processor.

    Run in a process of its own: why a compilation failed stands only in what native code prints.
    Raises RuntimeError or ValueError when the file is not wholly taken.
    """
    import numpy as np
    from ai_edge_litert.compiled_model import (
        CompiledModel,
        GpuOptions,
        HardwareAccelerator,
        Options,
    )

    options = Options(
        # With the processor allowed as well, operators fall back to it and nothing says so.
        hardware_accelerators=HardwareAccelerator.GPU,
        gpu_options=GpuOptions(enforce_f32=True),
    )
    model: Any = CompiledModel.from_file(str(path), options=options)
    key, names = next(iter(model.get_signature_list().items()))
    taken, given = model.get_input_tensor_details(key), model.get_output_tensor_details(key)
    inputs = {
        place["index"]: seeded.values(place["shape"], place["dtype"])
        for place in (taken[name] for name in names["inputs"])
    }
    buffers, results = model.create_input_buffers(0), model.create_output_buffers(0)
    for buffer, value in zip(buffers, inputs.values(), strict=True):
        buffer.write(value)
    model.run_by_index(0, buffers, results)
    places = [given[name] for name in names["outputs"]]
    outputs = {
        place["index"]: buffer.read(int(np.prod(place["shape"])), np.dtype(place["dtype"]).type)
        for buffer, place in zip(results, places, strict=True)
    }
    try:
        return Ran(_compared(path, inputs, outputs))
    except Exception as error:  # noqa: BLE001 - the file is fine for the GPU, whatever this raises
        return Ran(None, " ".join(str(error).split()))


def judged(ran: Ran, log: str, version: str) -> Compatibility:
    """The finding on a file that was taken whole and run."""
    agreement: Agreement | None = None
    reasons: tuple[str, ...] = ()
    if ran.difference is None:
        reasons = (f"compiled whole and run, but the processor does not run it: {ran.failure}",)
    else:
        agreement = _agreement(ran.difference)
        if agreement.agrees is False:
            reasons = ("compiled whole and run, but its outputs are not the processor's",)
    return Compatibility(
        by=_judge(log, version),
        verdict="unknown" if reasons else "compatible",
        reasons=reasons,
        remark=_remark(log),
        agreement=agreement,
    )


def refused(reason: str, log: str, version: str, *, crashed: bool) -> Compatibility:
    """The finding on a file that was not taken, or not tried; ``log`` says which and why.

    ``crashed``: the process ended before it could say.
    """
    by, remark = _judge(log, version), _remark(log)
    if _NO_ADAPTER.search(log):
        return Compatibility(by=by, verdict="unknown", reasons=(NO_DRIVER,))
    listed = _REFUSED.search(log)
    if crashed or not (listed or _ADAPTER.search(log)):
        return Compatibility(by=by, verdict="unknown", reasons=(reason,), remark=remark)
    errors = [error.strip() for error in _NATIVE_ERROR.findall(log)]
    reasons = list(dict.fromkeys(errors)) or [reason]
    if listed:
        reasons = [*_alike(listed[1].splitlines()), listed[2].strip()]
    return Compatibility(by=by, verdict="incompatible", reasons=tuple(reasons), remark=remark)


def _agreement(difference: Difference) -> Agreement:
    agrees: bool | None = difference.max_abs_error <= TOLERANCE * difference.largest
    if not agrees and difference.max_abs_error <= KERNEL_DISTANCES * difference.kernels:
        agrees = None
    return Agreement(
        max_abs_error=difference.max_abs_error,
        largest=difference.largest,
        cosine=difference.cosine,
        kernels_apart=difference.kernels,
        tolerance=TOLERANCE,
        tolerance_reason=TOLERANCE_REASON,
        agrees=agrees,
    )


def _judge(log: str, version: str) -> str:
    accelerator, adapter = _ACCELERATOR.search(log), _ADAPTER.search(log)
    name = f"{accelerator[1]} accelerator" if accelerator else "GPU accelerator"
    return f"{name} of {version}" + (f" on {adapter[1]}" if adapter else "")


def _remark(log: str) -> str:
    """WebGPU is what LiteRT brings for desktops."""
    accelerator = _ACCELERATOR.search(log)
    return PROXY if accelerator and accelerator[1] == "WebGPU" else ""


def _alike(lines: Sequence[str]) -> list[str]:
    """``"RESHAPE: Tensor dimensions must be less than 5. (8 times)"``: without the tensors' names,
    which follow some of the sentences."""
    sentences = Counter(re.sub(r"(?<=\.) \S+$", "", line.strip()) for line in lines if line.strip())
    return [one + (f" ({count} times)" if count > 1 else "") for one, count in sentences.items()]


def _compared(path: Path, inputs: Mapping[int, Array], outputs: Mapping[int, Array]) -> Difference:
    import numpy as np

    places = tuple(outputs)
    reference, scales = _on_processor(path, inputs, places)
    other, _ = _on_processor(path, inputs, places, delegate=False)

    def real(values: Mapping[int, Array]) -> list[NDArray[np.float64]]:
        return [_real(values[place], scales[place]) for place in places]

    ours, theirs, others = real(outputs), real(reference), real(other)
    if not all(np.isfinite(one).all() for one in (*ours, *theirs, *others)):
        raise ValueError("its outputs on seeded inputs are not finite")
    return Difference(
        max_abs_error=max(map(_distance, ours, theirs)),
        largest=max(float(np.abs(one).max()) for one in theirs),
        cosine=min(map(_cosine, ours, theirs)),
        kernels=max(map(_distance, others, theirs)),
    )


def _on_processor(
    path: Path, inputs: Mapping[int, Array], outputs: Sequence[int], *, delegate: bool = True
) -> tuple[dict[int, Array], dict[int, tuple[float, int]]]:
    """The outputs by place, and their (scale, zero point); with or without XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter: Any = Interpreter(str(path), num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    for index, value in inputs.items():
        interpreter.set_tensor(index, value)
    interpreter.invoke()
    scales = {one["index"]: one["quantization"] for one in interpreter.get_output_details()}
    return {place: interpreter.get_tensor(place) for place in outputs}, scales


def _real(values: Array, scaled: tuple[float, int]) -> NDArray[np.float64]:
    scale, zero = scaled
    flat = values.astype("float64").ravel()
    return (flat - zero) * scale if scale else flat


def _distance(one: Array, other: Array) -> float:
    return float(abs(one - other).max())


def _cosine(one: Array, other: Array) -> float:
    import numpy as np

    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / norms if norms else float(np.array_equal(one, other))
