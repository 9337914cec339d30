"""Stands in for ``mnv4bench.devices.cuda.gpu`` within measuring processes of tests.

The processor computes and the host's clock stands for the GPU's events, so everything is real but
the times. What goes wrong is chosen by MNV4BENCH_TEST_GPU, which nothing outside of tests reads.
"""

import os
import time

import torch

from mnv4bench.devices.cuda import nvidia_smi  # noqa: F401 - the double lives in the real package

WARM_RUNS = 3
WRONG = os.environ.get("MNV4BENCH_TEST_GPU", "")
OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB of "
    "which 1.00 GiB is free."
)


class NoGpu(Exception):
    pass


class Facts:
    name = "NVIDIA H100 80GB HBM3"
    uuid = "GPU-00000000-1111-2222-3333-444444444444"
    torch = str(torch.__version__)
    cuda = "12.8"
    cudnn = "91002"


class Mark:
    def __init__(self) -> None:
        self.at = 0.0

    def record(self) -> None:
        self.at = time.perf_counter()


def device() -> torch.device:
    return torch.device("cpu")


def facts() -> Facts:
    if WRONG == "no gpu":
        raise NoGpu("torch sees no CUDA GPU: No CUDA GPUs are available")
    return Facts()


def settle(arithmetic: str) -> torch.dtype:
    if WRONG == "busy":
        raise RuntimeError("CUDA error: CUDA-capable device(s) is/are busy or unavailable")
    if WRONG == "out of memory":
        raise torch.cuda.OutOfMemoryError(OUT_OF_MEMORY)
    return {"fp16": torch.float16, "bf16": torch.bfloat16}.get(arithmetic, torch.float32)


def wait() -> None:
    pass


def mark() -> Mark:
    return Mark()


def between_s(start: Mark, end: Mark) -> float:
    return end.at - start.at


def recorded(run):
    for _ in range(WARM_RUNS):
        run()
    if WRONG == "waits for the GPU":
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
    if WRONG == "wrong answers":

        def spoilt() -> None:
            run().mul_(1.5)

        return spoilt, run()
    return run, run()


def peak_memory_bytes() -> int:
    return 12_345_678
