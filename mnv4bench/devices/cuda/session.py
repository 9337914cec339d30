"""One exported program on an NVIDIA GPU: the host's session, and what a GPU can do wrong besides.

Knows: the words of a GPU without memory, and that one that went away takes the run with it. Does
not know: how a process is asked (host).
"""

from __future__ import annotations

from mnv4bench.devices import Session
from mnv4bench.devices.cuda import nvidia_smi
from mnv4bench.devices.host_session import HostSession
from mnv4bench.devices.process import Finished
from mnv4bench.devices.worker_messages import Refused
from mnv4bench.errors import DeviceLost, WorkerFailed
from mnv4bench.records import Paired, Placement, Samples, Timing

# torch.cuda.OutOfMemoryError; "CUDA error: out of memory" of the driver itself.
NO_MEMORY = "out of memory"
# "CUDA-capable device(s) is/are busy or unavailable": somebody has it in exclusive mode.
BUSY = "busy or unavailable"


class CudaSession(HostSession):
    """Keeps the Session contract."""

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        """As the host's; raises DeviceLost where the driver no longer knows the GPU afterwards."""
        try:
            return super().invoke(timing, round=round, position=position)
        except WorkerFailed as error:
            raise _lost(error) or error from None

    def beside(self, head: Session, timing: Timing, *, base_first: bool) -> Paired:
        """As the host's; raises as ``invoke`` does."""
        try:
            return super().beside(head, timing, base_first=base_first)
        except WorkerFailed as error:
            raise _lost(error) or error from None

    def _refused(
        self, answer: Refused, finished: Finished, request: bytes, name: str
    ) -> WorkerFailed:
        error = super()._refused(answer, finished, request, name)
        if NO_MEMORY in answer.reason:
            error.next_step = (
                "free the GPU's memory (nvidia-smi shows which programs hold it), or measure a "
                "smaller model"
            )
        if BUSY in answer.reason:
            error.next_step = "wait until whoever has the GPU to itself has ended; see: nvidia-smi"
        return error


def _lost(error: WorkerFailed) -> DeviceLost | None:
    """What ``error`` was, where there is no GPU any more."""
    try:
        nvidia_smi.read()
    except nvidia_smi.NotRead as gone:
        return DeviceLost(
            f"the GPU went away: {error.what}; {gone}.",
            "look at the system's log (dmesg) for its Xid, then: mnv4bench run --resume",
        )
    return None
