"""A TFLite file compiled by LiteRT's GPU accelerator, run, and compared with the processor.

Without a GPU this works on a software Vulkan: slow, and a proxy (phones bring OpenCL or Metal), but
it tells which operators a GPU accelerator refuses, and whether what it runs comes out right.

Knows: ai_edge_litert 2.3's CompiledModel, and what is concluded from the lines that its native code
logs. Does not know: drivers (gpu_delegate), tolerances (agreement), processes (probe), time.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from mnv4bench import agreement, gpu_delegate
from mnv4bench.agreement import TOLERANCE, TOLERANCE_REASON, Difference
from mnv4bench.findings import Agreement, Compatibility
from mnv4bench.inspection import seeded

NO_DRIVER = f"not tried: no Vulkan driver was found ({gpu_delegate.INSTALL})"
PROXY = "a proxy: phones use LiteRT's OpenCL or Metal accelerator, which may take other operators"


class Ran(Struct, frozen=True):
    """A file that was compiled whole and run to completion."""

    difference: Difference | None
    failure: str = ""  # why there is no difference: the processor did not run it


def run(path: Path) -> Ran:
    """Compile for the GPU alone, run once on seeded inputs, compare with the processor.

    Run in a process of its own: why a compilation failed stands only in what native code prints.
    Raises RuntimeError or ValueError when the file is not wholly taken.
    """
    import numpy as np

    model = gpu_delegate.compiled(path)
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
        return Ran(agreement.difference(path, inputs, outputs))
    except Exception as error:  # noqa: BLE001 - the file is fine for the GPU, whatever this raises
        return Ran(None, " ".join(str(error).split()))


def judged(ran: Ran, log: str, version: str) -> Compatibility:
    """The finding on a file that was taken whole and run."""
    found: Agreement | None = None
    reasons: tuple[str, ...] = ()
    if ran.difference is None:
        reasons = (f"compiled whole and run, but the processor does not run it: {ran.failure}",)
    else:
        found = _agreement(ran.difference)
        if found.agrees is False:
            reasons = ("compiled whole and run, but its outputs are not the processor's",)
    return Compatibility(
        by=_judge(log, version),
        verdict="unknown" if reasons else "compatible",
        reasons=reasons,
        remark=_remark(log),
        agreement=found,
    )


def refused(reason: str, log: str, version: str, *, crashed: bool) -> Compatibility:
    """The finding on a file that was not taken, or not tried; ``log`` says which and why.

    ``crashed``: the process ended before it could say.
    """
    by, remark = _judge(log, version), _remark(log)
    if gpu_delegate.has_no_adapter(log):
        return Compatibility(by=by, verdict="unknown", reasons=(NO_DRIVER,))
    reasons = gpu_delegate.refusals(log)
    if crashed or not (reasons or gpu_delegate.adapter(log)):
        return Compatibility(by=by, verdict="unknown", reasons=(reason,), remark=remark)
    reasons = reasons or tuple(dict.fromkeys(gpu_delegate.errors(log))) or (reason,)
    return Compatibility(by=by, verdict="incompatible", reasons=reasons, remark=remark)


def _agreement(difference: Difference) -> Agreement:
    return Agreement(
        max_abs_error=difference.max_abs_error,
        largest=difference.largest,
        cosine=difference.cosine,
        kernels_apart=difference.kernels,
        tolerance=TOLERANCE,
        tolerance_reason=TOLERANCE_REASON,
        agrees=difference.agrees,
    )


def _judge(log: str, version: str) -> str:
    interface, adapter = gpu_delegate.interface(log), gpu_delegate.adapter(log)
    name = f"{interface} accelerator" if interface else "GPU accelerator"
    return f"{name} of {version}" + (f" on {adapter.name}" if adapter else "")


def _remark(log: str) -> str:
    """WebGPU is what LiteRT brings for desktops."""
    return PROXY if gpu_delegate.interface(log) == "WebGPU" else ""
