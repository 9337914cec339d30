"""A CUDA GPU through torch: the only module that knows torch.cuda.

Knows: events, streams, graphs, memory, the switches of arithmetic. Does not know: programs, files,
what is timed. Every function is about the first GPU that the process may see
(CUDA_VISIBLE_DEVICES). Imported by measuring processes alone; tests put a double in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from mnv4bench.records import Arithmetic

# torch's own advice: what is recorded as a graph runs three times before on a stream of its own
# (docs, "CUDA Graphs"), so that libraries have chosen and allocated what they choose lazily.
WARM_RUNS = 3
NO_CUDA = "this torch is built without CUDA"
NO_GPU = "torch sees no CUDA GPU"


@dataclass(frozen=True, slots=True)
class Facts:
    """What torch says of the GPU and of itself."""

    name: str
    uuid: str  # as nvidia-smi writes it, "GPU-..."; empty: this torch does not say
    torch: str
    cuda: str
    cudnn: str


class NoGpu(Exception):
    """There is none; the argument is a sentence without its full stop."""


def device() -> torch.device:
    """Where tensors go."""
    return torch.device("cuda", 0)


def facts() -> Facts:
    """Raises NoGpu where torch cannot compute on one, with its own reason where it has one."""
    if torch.version.cuda is None:
        what = "ROCm" if torch.version.hip else "processors"
        raise NoGpu(f"{NO_CUDA}: {torch.__version__} is for {what}")
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]  # is_available() would say no without the reason
        found = torch.cuda.get_device_properties(0)
    except (RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise NoGpu(f"{NO_GPU}: {reason}") from None
    uuid = str(getattr(found, "uuid", ""))
    library: Any = torch.backends.cudnn
    version = library.version() if library.is_available() else None
    return Facts(
        name=found.name,
        uuid=f"GPU-{uuid}" if uuid and not uuid.startswith("GPU-") else uuid,
        torch=str(torch.__version__),  # a class of its own, which JSON has no word for
        cuda=torch.version.cuda,
        cudnn="none" if version is None else str(version),
    )


def settle(arithmetic: Arithmetic) -> torch.dtype:
    """Switch the libraries to ``arithmetic``; the type that tensors have in it.

    cuDNN tries its kernels on the first run of each shape and keeps the fastest.
    """
    torch.backends.cudnn.benchmark = True
    rounded = arithmetic == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = rounded
    torch.backends.cudnn.allow_tf32 = rounded
    return {
        "fp32": torch.float32,
        "tf32": torch.float32,
        "fp16": torch.float16,
        "bf16": torch.bfloat16,
    }[arithmetic]


def wait() -> None:
    """Until everything that was asked of it is done."""
    torch.cuda.synchronize()


def mark() -> Any:
    """An event to record; torch makes one on its first record, which is not to be timed."""
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


def between_s(start: Any, end: Any) -> float:
    """Seconds from one recorded event to another, by the GPU's clock; both must have passed."""
    return float(start.elapsed_time(end)) / 1e3


def recorded(run: Callable[[], torch.Tensor]) -> tuple[Callable[[], object], torch.Tensor]:
    """(what replays ``run``'s kernels as one graph, the tensor that then holds its answer).

    Raises RuntimeError for a run that waits for the GPU on its way.
    """
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_RUNS):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            answer = run()
    except RuntimeError as error:
        # Ending a recording that failed fails as well, and does not say why.
        raise RuntimeError(str(error.__context__ or error)) from error
    return graph.replay, answer


def peak_memory_bytes() -> int:
    """The most that tensors of this process had at once."""
    return int(torch.cuda.max_memory_allocated())
