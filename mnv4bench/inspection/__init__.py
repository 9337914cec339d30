"""What is inside a file, whoever made it, and what the runtimes on this machine do with it.

Knows: which readings each format has, and that one that fails is a note, not an end. Does not know:
how a format is read (onnx, tflite, coreml), how an answer is fetched (probe) or shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import assert_never

from msgspec.structs import replace

from mnv4bench import gpu_delegate
from mnv4bench.errors import BadFile, MissingExtra
from mnv4bench.export.own import file as own_file
from mnv4bench.findings import Compatibility, Inspection, Share
from mnv4bench.inspection import coreml as inspect_coreml
from mnv4bench.inspection import gpu_analyzer, gpu_compile, graph, probe
from mnv4bench.inspection import onnx as inspect_onnx
from mnv4bench.inspection import tflite as inspect_tflite
from mnv4bench.inspection.graph import Contents
from mnv4bench.records import Format


def inspect(path: Path, listen: Callable[[str], None] = lambda _: None) -> Inspection:
    """Everything that can be found out here about one file; what cannot be is a note.

    ``listen`` is told what is being done, in words. Raises UsageError when there is no such file,
    MissingExtra without the package that reads its format, BadFile with the reason when the content
    is no whole model.
    """
    listen("reading")
    described = own_file.describe(path)
    contents = _contents(path, described.format)
    found = Inspection(
        file=os.fsencode(path).decode("utf-8", "replace"),  # names may hold any byte
        format=described.format,
        size_bytes=described.size_bytes,
        sha256=described.sha256,
        written_by=contents.written_by,
        inputs=graph.tensors(contents, contents.inputs),
        outputs=graph.tensors(contents, contents.outputs),
        graph=graph.counted(contents),
        integer=graph.integer(contents),
        notes=contents.notes,
    )
    if described.format != "coreml" and any(-1 in one.shape for one in found.inputs):
        found = _noted(found, "sizes that the file leaves open are taken as 1 where it is run")
    match described.format:
        case "onnx":
            listen("asking ONNX Runtime")
            return _with_onnxruntime(found, path)
        case "tflite":
            listen("asking LiteRT")
            found = _with_litert(found, path, contents)
            listen("compiling for a GPU")
            return replace(found, gpu=_on_gpus(path))
        case "coreml" | "pt2":
            return found
        case _:
            assert_never(described.format)


def _contents(path: Path, format: Format) -> Contents:
    match format:
        case "tflite":
            return inspect_tflite.read(path)
        case "onnx":
            if find_spec("onnx") is None:
                raise MissingExtra("onnx", "export", "Inspecting an ONNX file")
            answer = probe.ask("onnx graph", path)
            if isinstance(answer, probe.Refusal):
                raise BadFile(
                    f"{path} cannot be read as an ONNX model: {answer.reason}.",
                    "copy or export it again",
                )
            return answer.as_(Contents)
        case "coreml":
            return inspect_coreml.read(path)
        case "pt2":
            raise AssertionError("a source of a model, which describe() takes for no file")
        case _:
            assert_never(format)


def _with_onnxruntime(found: Inspection, path: Path) -> Inspection:
    """Adds the graph that a session runs, and which provider was given the file's operators."""
    if find_spec("onnxruntime") is None:
        return _noted(found, "not optimised: the package onnxruntime is not installed")
    answer = probe.ask("onnxruntime", path)
    if isinstance(answer, probe.Refusal):
        return _noted(found, f"what is run is not known; ONNX Runtime says: {answer.reason}")
    optimised = answer.as_(inspect_onnx.Optimised)
    share = None
    if optimised.assigned is not None:
        elsewhere = [op for provider, op in optimised.assigned if provider != inspect_onnx.PROVIDER]
        share = Share(
            unit=inspect_onnx.PROVIDER,
            runtime=_version("onnxruntime"),
            operators=len(optimised.assigned),
            taken=len(optimised.assigned) - len(elsewhere),
            partitions=None,
            left=graph.tally(elsewhere),
        )
    return replace(
        found,
        optimised=graph.counted(optimised.contents),
        # Of a file with QDQ pairs only the optimised graph shows what is computed in integers.
        integer=graph.integer(optimised.contents),
        share=share,
        notes=(*found.notes, *optimised.contents.notes),
    )


def _with_litert(found: Inspection, path: Path, contents: Contents) -> Inspection:
    """Adds which operators of the main graph XNNPACK takes over."""
    answer = probe.ask("litert", path)
    if isinstance(answer, probe.Refusal):
        return _noted(found, f"what XNNPACK takes is not known; LiteRT says: {answer.reason}")
    delegated = answer.as_(inspect_tflite.Delegated)
    if delegated.operators != contents.main:
        return _noted(found, f"LiteRT shows {delegated.operators} operators; shares are unknown")
    share = Share(
        unit="XNNPACK",
        runtime=_version("ai-edge-litert"),
        operators=contents.main,
        taken=len(delegated.taken),
        partitions=delegated.partitions,
        left=graph.left(contents, delegated.taken),
    )
    return replace(found, graph=graph.counted(contents, delegated.taken), share=share)


def _on_gpus(path: Path) -> tuple[Compatibility, ...]:
    """What the judges say of a GPU: LiteRT's accelerator, and TensorFlow's analyzer where it is."""
    # Side by side: importing TensorFlow takes as long as a compilation.
    with ThreadPoolExecutor(max_workers=2) as pool:
        judges = [pool.submit(_compiled, path)]
        if find_spec("tensorflow") is not None:
            judges.append(pool.submit(_analysed, path))
        return tuple(judge.result() for judge in judges)


def _compiled(path: Path) -> Compatibility:
    version = _version("ai-edge-litert")
    answer = probe.ask("gpu", path, environment=gpu_delegate.software_driver())
    if isinstance(answer, probe.Refusal):
        return gpu_compile.refused(answer.reason, answer.log, version, crashed=answer.crashed)
    return gpu_compile.judged(answer.as_(gpu_compile.Ran), answer.log, version)


def _analysed(path: Path) -> Compatibility:
    answer = probe.ask("analyzer", path)
    if isinstance(answer, probe.Refusal):
        by, reasons = "GPU analyzer of TensorFlow", (answer.reason,)
        return Compatibility(by=by, verdict="unknown", reasons=reasons)
    return gpu_analyzer.judged(answer.as_(gpu_analyzer.Analysed))


def _noted(found: Inspection, note: str) -> Inspection:
    return replace(found, notes=(*found.notes, note))


def _version(distribution: str) -> str:
    try:
        return f"{distribution} {metadata.version(distribution)}"
    except metadata.PackageNotFoundError:  # onnxruntime-gpu and the like provide the same module
        return distribution
