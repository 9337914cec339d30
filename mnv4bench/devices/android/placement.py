"""From what a benchmark program and the phone show to where the model ran.

Knows: the lines with which TFLite's and LiteRT's programs tell of delegates (tflite/tools/benchmark
and tflite/tools/delegates), and what each is worth. Does not know: how they were fetched; pure.

A program's own account is one witness. NNAPI's driver, an external delegate, a Hexagon or NPU
library can be handed every node and run them on the processor all the same, and no line tells
(seen on a Pixel 8: 31 of 31 nodes "replaced", and XNNPACK's time). So for these a second witness
must agree: root's counter of the accelerator, or the same file on the processor in the same
session, which must be clearly slower. The classic program's GPU delegate brings its own API up and
says which; XNNPACK is the processor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mnv4bench.devices.android.results import RuntimeInfo
from mnv4bench.devices.contrast import Contrast
from mnv4bench.records import Delegate, Placement, Signal, Verdict

# How the programs call a delegate in their lines, and how in "Replacing n out of m node(s)".
_SPOKEN: dict[Delegate, str] = {
    "xnnpack": "XNNPACK",
    "gpu": "GPU",
    "nnapi": "NNAPI",
    "hexagon": "Hexagon",
    "external": "EXTERNAL",
    "npu": "NPU",
}
_XNNPACK_NODES = "TfLiteXNNPackDelegate"
_REPLACING = re.compile(
    r"Replacing (\d{1,7}) out of (\d{1,7}) node\(s\) with delegate \(([^)]*)\)([^\n]*)"
)
# Lines with which a program goes on without the delegate, on the processor, with exit status 0.
_WITHOUT: dict[Delegate, tuple[str, ...]] = {
    "xnnpack": (),
    "gpu": (
        "GPU acceleration is unsupported on this platform",
        "GPU accelerator could not be loaded and registered",
    ),
    "nnapi": (
        "NNAPI acceleration is unsupported on this platform",
        "Couldn't load NNAPI support library",
        "must be set for the provided NNAPI accelerator",
    ),
    "hexagon": ("Could not create Hexagon delegate",),
    "external": (),
    "npu": (
        "NPU accelerator could not be loaded and registered",
        "No usable Dispatch runtime found",
    ),
}
# LiteRT's "Dynamically loaded GPU accelerator ... registered" is none: it is printed wherever the
# library could be opened, whatever then runs.
_GPU_API = re.compile(r"Initialized (?:OpenCL|OpenGL)-based API")
_WORST_FIRST: tuple[Verdict, ...] = ("none", "unproven", "partial", "full")
MAX_EVIDENCE = 300


@dataclass(frozen=True, slots=True)
class Counted:
    """Inferences that the accelerator's own counter saw, and how many were made."""

    path: str
    grown: int
    made: int


def judge(
    delegate: Delegate,
    unit: str,
    log: str,
    *,
    info: RuntimeInfo | None = None,
    contrast: Contrast | None = None,
    counted: Counted | None = None,
) -> Placement:
    """Where the model ran, by everything that is known. ``log``: both streams of the program."""
    nodes = _replaced(delegate, log)
    account = [_lines(delegate, log), _counts(nodes), _info(delegate, info)]
    own = [signal for signal in account if signal is not None]
    beside = contrast.signal() if contrast else None
    proof = [signal for signal in (_counter(counted), beside) if signal is not None]
    if delegate == "gpu":
        proof.append(_gpu_api(log))
    told = _worst(signal.says for signal in own) if own else "unproven"
    verdict = told
    if counted is not None and counted.grown == 0:
        verdict = "none"
    elif delegate != "xnnpack" and told in ("full", "partial"):
        agreed = any(signal.says == "full" for signal in proof)
        verdict = told if agreed else "unproven"
    operators, on_unit = (info.operators, _taken(delegate, info)) if info else (None, None)
    if nodes:
        operators, on_unit = nodes[1], nodes[0]
    return Placement(
        verdict=verdict,
        unit=unit,
        operators=operators,
        on_unit=on_unit,
        signals=(*own, *proof),
    )


def _lines(delegate: Delegate, log: str) -> Signal | None:
    """The program's sentence about the delegate; None where this program prints none."""
    fatal = _WITHOUT[delegate]
    without = next((line for line in log.splitlines() if any(w in line for w in fatal)), None)
    if without:
        return _signal("delegate lines", without, "none")
    name = _SPOKEN[delegate]
    kinds: tuple[tuple[str, Verdict], ...] = (
        (f"Though {name} delegate is explicitly applied", "none"),
        (f"applied {name} delegate, and the model graph will be partially", "partial"),
        (f"applied {name} delegate, and the model graph will be completely", "full"),
    )
    for words, says in kinds:
        line = next((line for line in log.splitlines() if words in line), None)
        if line:
            return _signal("delegate lines", line, says)
    if "Explicitly applied" in log or "delegate created." in log:
        return _signal("delegate lines", f"no line says what {name} took", "unproven")
    return None


def _replaced(delegate: Delegate, log: str) -> tuple[int, int, str] | None:
    """(nodes that the delegate took, nodes in all, its name in the line); None without a line.

    XNNPACK takes what an accelerator leaves, in a line of its own: the graph is then counted
    as the accelerator found it.
    """
    taken = whole = 0
    names = []
    # A line that is printed twice (a graph that is prepared anew) is still one delegation.
    for count, of, name, _ in dict.fromkeys(_REPLACING.findall(log)):
        if (name == _XNNPACK_NODES) == (delegate == "xnnpack"):
            taken, whole = taken + int(count), max(whole, int(of))
            names.append(name)
        elif delegate != "xnnpack":
            whole = max(whole, int(of))
    if not whole:
        return None
    return min(taken, whole), whole, ", ".join(dict.fromkeys(names)) or "the delegate"


def _counts(nodes: tuple[int, int, str] | None) -> Signal | None:
    if nodes is None:
        return None
    taken, whole, name = nodes
    return _signal(
        "replaced nodes", f"{taken} of {whole} nodes replaced by {name}", _share(taken, whole)
    )


def _info(delegate: Delegate, info: RuntimeInfo | None) -> Signal | None:
    if info is None:
        return None
    taken = _taken(delegate, info)
    by = ", ".join(f"{name} {count}" for name, count in sorted(info.taken.items())) or "no delegate"
    return _signal(
        "runtime info file", f"{info.operators} operators: {by}", _share(taken, info.operators)
    )


def _taken(delegate: Delegate, info: RuntimeInfo) -> int:
    return sum(
        count
        for name, count in info.taken.items()
        if ("xnnpack" in name.lower()) == (delegate == "xnnpack")
    )


def _counter(counted: Counted | None) -> Signal | None:
    if counted is None:
        return None
    says: Verdict = "full" if counted.grown >= counted.made else "none"
    if 0 < counted.grown < counted.made:
        says = "unproven"
    evidence = f"{counted.path} grew by {counted.grown} over {counted.made} inferences"
    return _signal("accelerator counter", evidence, says)


def _gpu_api(log: str) -> Signal:
    line = next((line for line in log.splitlines() if _GPU_API.search(line)), None)
    if line is None:
        return _signal("GPU interface", "no line says that one was brought up", "unproven")
    return _signal("GPU interface", line, "full")


def _signal(name: str, evidence: str, says: Verdict) -> Signal:
    return Signal(name=name, evidence=evidence.strip()[:MAX_EVIDENCE], says=says)


def _share(taken: int, whole: int) -> Verdict:
    if whole == 0:
        return "unproven"
    return "full" if taken >= whole else "partial" if taken else "none"


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    return min(verdicts, key=_WORST_FIRST.index)
