"""The one seam to the processes in which a file of unknown origin meets native code.

A runtime that is handed a damaged file may crash, hang or fill the terminal; here that costs one
answer and no more.

Knows: the questions, the processes, their time limits. Does not know: what the answers mean.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import IO, Any, Literal, TypeVar, assert_never

import msgspec

Question = Literal["onnx graph", "onnx modules", "onnxruntime", "litert", "gpu", "analyzer"]
T = TypeVar("T")
# The largest reference model takes a few seconds; a file of gigabytes on a slow disk a minute.
LIMIT_S = 300.0
MAX_REASON = 300  # characters of a runtime's own words
MAX_LOG_BYTES = 1 << 20


@dataclass(frozen=True)
class Refusal:
    """No answer, and why, in words that follow a colon: the runtime's own, or the process's end."""

    reason: str
    log: str = ""  # what the process printed
    crashed: bool = True  # False: the runtime refused in good order


@dataclass(frozen=True)
class Answer:
    """``value`` is JSON; ``log`` is what the process and its native code printed."""

    value: bytes
    log: str

    def as_(self, kind: type[T]) -> T:
        return msgspec.json.decode(self.value, type=kind)


def ask(
    question: Question,
    file: Path,
    *,
    environment: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
) -> Answer | Refusal:
    """The answer about ``file`` from a process of its own. Never raises for a bad file.

    ``environment`` is added to ours.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as log:
        try:
            ended = subprocess.run(
                # -P: a numpy.py in the folder that the user stands in must not be imported.
                [sys.executable, "-P", "-m", __spec__.name, question, str(file.absolute())],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=log,
                env=_package_environment() | dict(environment or {}),
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Refusal(f"it did not end within {limit_s:.0f} s and was stopped", _text(log))
        except OSError as error:
            return Refusal(f"its process could not be started: {error.strerror or error}")
        answer, printed = _bytes(said), _text(log)
    if ended.returncode < 0:
        return Refusal(f"its process was killed by {_signal(-ended.returncode)}", printed)
    if ended.returncode or not answer:
        return Refusal(f"its process ended with status {ended.returncode}", printed)
    mark, value = answer[:1], answer[1:]
    if mark == b"-":
        return Refusal(value.decode("utf-8", "replace"), printed, crashed=False)
    return Answer(value, printed)


def main(question: Question, file: Path) -> None:
    """Within the process: one mark (+ or -), then the answer as JSON, or why there is none."""
    # The answer has a stream of its own; whatever prints to stdout joins the log.
    said = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        answer = b"+" + msgspec.json.encode(_answer(question, file))
    except Exception as error:  # noqa: BLE001 - runtimes raise what they like
        reason = " ".join(str(error).split())[:MAX_REASON] or type(error).__name__
        answer = b"-" + reason.encode("utf-8", "replace")
    said.write(answer)
    said.close()


def _answer(question: Question, file: Path) -> Any:
    match question:
        case "onnx graph":
            from mnv4bench.inspection import onnx as inspect_onnx

            return inspect_onnx.read(file)
        case "onnx modules":
            from mnv4bench.inspection import paths

            return paths.in_onnx(file)
        case "onnxruntime":
            from mnv4bench.inspection import onnx as inspect_onnx

            return inspect_onnx.optimised(file)
        case "litert":
            from mnv4bench.inspection import tflite as inspect_tflite

            return inspect_tflite.delegated(file)
        case "gpu":
            from mnv4bench.inspection import gpu_compile

            return gpu_compile.run(file)
        case "analyzer":
            from mnv4bench.inspection import gpu_analyzer

            return gpu_analyzer.analyse(file)
        case _:
            assert_never(question)


def _package_environment() -> dict[str, str]:
    """Our own, with this very package on the path, installed or not."""
    package_parent = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), package_parent)))
    return os.environ | {"PYTHONPATH": path}


def _bytes(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read(MAX_LOG_BYTES).decode("utf-8", "replace")


def _signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))  # type: ignore[arg-type]
