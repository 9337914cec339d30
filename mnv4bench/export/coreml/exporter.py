"""A torch module becomes a Core ML package, through coremltools.

Knows: coremltools' settings, deployment targets, and what must not get into the file. Does not
know: how attention is written (neural_engine), or whether the package is right (structure,
and parity on a Mac).
"""

import json
import shutil
import uuid
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, assert_never

from mnv4bench import runtimes
from mnv4bench.errors import ExportFailed, MissingExtra, UsageError, nearest
from mnv4bench.export.formats import DEFAULT_TARGET
from mnv4bench.records import Precision

if TYPE_CHECKING:
    from mnv4bench.models.build import BuiltModel

# The oldest system that can load a file -> version of the format, as coremltools 9 has them. An
# ML program needs version 6.
TARGETS = {"iOS15": 6, "iOS16": 7, "iOS17": 8, "iOS18": 9, "iOS26": 10}
TARGETS |= {"macOS12": 6, "macOS13": 7, "macOS14": 8, "macOS15": 9, "macOS26": 10}
# The first version with float16 inputs and outputs, and with weights that are stored smaller.
HALF_AND_COMPRESSED = 7
INPUT_NAME = "input"
OUTPUT_NAME = "logits"
# coremltools clusters exactly, with code of its own, from this many numbers on; below it wants
# scikit-learn. Smaller tensors stay float16: they hold 1 to 5 % of the weights, and are the
# depthwise ones that a single palette of 16 values suits least.
SMALLEST_PALETTE = 10_000
CONVERSION_DATE = "com.github.apple.coremltools.conversion_date"


def specification(deployment_target: str, precision: Precision) -> int:
    """The version of the format for a target such as "iOS16" or "macOS13".

    Raises UsageError for an unknown one, and for one that cannot have ``precision``.
    """
    if deployment_target not in TARGETS:
        raise UsageError(
            f"There is no deployment target {deployment_target!r} for ML programs; "
            f"{nearest(deployment_target, list(TARGETS))}.",
            f"give one of {', '.join(TARGETS)}",
        )
    version = TARGETS[deployment_target]
    if precision != "fp16" and version < HALF_AND_COMPRESSED:
        raise UsageError(
            f"Core ML in {precision} cannot be had for {deployment_target}: weights that are "
            "stored smaller came with iOS16 and macOS13.",
            "choose a newer target, or fp16",
        )
    return version


def convert(
    built: "BuiltModel", file: Path, precision: Precision, deployment_target: str | None = None
) -> None:
    """Write the folder ``file``: ``input`` (1, 3, H, W) to ``logits`` (1, classes).

    Everything is computed in float16, and both are float16 from iOS16 on, as in the paper: the
    Neural Engine has nothing wider, and a cast would be one more operator on another unit. Before
    iOS16 both are float32, which is cast inside. The same export gives the same bytes.
    """
    import numpy as np
    import torch

    from mnv4bench.export.coreml.neural_engine import channels_first
    from mnv4bench.export.folding import folded
    from mnv4bench.models.build import sample_input

    version = specification(deployment_target or DEFAULT_TARGET, precision)
    tools = _tools()
    example = sample_input(built.input_px, seed=0, count=1)
    outside = np.float16 if version >= HALF_AND_COMPRESSED else np.float32
    with warnings.catch_warnings(), torch.no_grad():
        # torch and coremltools warn about their own internals; the file is checked afterwards.
        warnings.simplefilter("ignore")
        # Traced: an exported program gives the same operators, in five times the time.
        network = channels_first(folded(built.net, example))
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = tools.convert(
            traced,
            convert_to="mlprogram",
            minimum_deployment_target=tools.target(version),
            compute_precision=tools.precision.FLOAT16,
            inputs=[tools.TensorType(name=INPUT_NAME, shape=tuple(example.shape), dtype=outside)],
            outputs=[tools.TensorType(name=OUTPUT_NAME, dtype=outside)],
            pass_pipeline=_passes(tools, precision),
            skip_model_load=True,  # on a Mac it would be compiled, only to be written
        )
    program = model.get_spec()
    _describe(program, built)
    _write(file, program, Path(model.weights_dir))


def _tools() -> ModuleType:
    """coremltools. Raises MissingExtra where it is not installed."""
    try:
        tools = runtimes.coremltools()
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "coremltools", "export", "Core ML export") from None
    _register_hard_swish()
    return tools


def _register_hard_swish() -> None:
    """x * hard_sigmoid(x) as two operators: coremltools has a third, which changes nothing."""
    from coremltools.converters.mil import Builder, register_torch_op
    from coremltools.converters.mil.frontend.torch.ops import _get_inputs

    @register_torch_op(override=True)  # type: ignore[untyped-decorator]
    def hardswish(context: Any, node: Any) -> None:
        (x,) = _get_inputs(context, node, expected=1)
        gate = Builder.sigmoid_hard(x=x, alpha=1 / 6, beta=0.5)
        context.add(Builder.mul(x=x, y=gate, name=node.name))


def _passes(tools: ModuleType, precision: Precision) -> Any:
    """What coremltools does to a program: its usual passes, then one that stores weights smaller.

    Within the conversion this gives the same file as its functions for finished ones, which read
    the program back and write it again.
    """
    from coremltools.optimize import coreml as compression

    passes = tools.PassPipeline.DEFAULT
    match precision:
        case "fp16":
            return passes
        case "int8-weights":
            name, how = (
                "compression::linear_quantize_weights",
                compression.OpLinearQuantizerConfig(
                    mode="linear_symmetric", dtype="int8", granularity="per_channel"
                ),
            )
        case "palette4":
            name, how = (
                "compression::palettize_weights",
                compression.OpPalettizerConfig(
                    mode="kmeans", nbits=4, weight_threshold=SMALLEST_PALETTE - 1
                ),
            )
        case "fp32" | "int8" | "int8-dynamic":
            raise ExportFailed(f"Core ML files are not written in {precision}.")
        case _:
            assert_never(precision)
    passes.append_pass(name)
    passes.set_options(name, {"config": compression.OptimizationConfig(global_config=how)})
    return passes


def _describe(program: Any, built: "BuiltModel") -> None:
    """What Xcode shows; the date that coremltools adds would make every day's file another."""
    about = program.description.metadata
    about.shortDescription = f"{built.entry.model}, image classifier. Weights: {built.weights.text}"
    about.author = "mnv4bench"
    about.userDefined.pop(CONVERSION_DATE, None)
    program.description.input[
        0
    ].shortDescription = "RGB, scaled and normalised as the weights were trained"
    program.description.output[0].shortDescription = "one score a class, before softmax"


def _write(file: Path, program: Any, weights: Path) -> None:
    """A package as coremltools lays it out, but with the same bytes every time.

    Its own writer draws random identifiers, and protobuf's maps come in any order.
    """
    folder = "com.apple.CoreML"
    model_file = file / "Data" / folder / "model.mlmodel"
    model_file.parent.mkdir(parents=True)
    model_file.write_bytes(program.SerializeToString(deterministic=True))
    shutil.copytree(weights, model_file.parent / "weights")
    items = {
        str(uuid.uuid5(uuid.NAMESPACE_URL, name)): {
            "author": folder,
            "description": f"CoreML Model {what}",
            "name": name,
            "path": f"{folder}/{name}",
        }
        for name, what in (("model.mlmodel", "Specification"), ("weights", "Weights"))
    }
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": items,
        "rootModelIdentifier": next(iter(items)),
    }
    (file / "Manifest.json").write_text(json.dumps(manifest, indent=4) + "\n")
