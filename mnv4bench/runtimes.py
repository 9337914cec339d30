"""A file loaded in its own runtime on this machine, to be asked for outputs (not for time).

The one seam through which parity and accuracy run files: the very runtimes that measure them.

Knows: LiteRT, ONNX Runtime, exported programs of torch and, on a Mac, Core ML; how quantised inputs
and outputs become floats. Does not know: images, what is compared with what.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, assert_never

from mnv4bench.errors import BadFile, MissingExtra, NotMeasured
from mnv4bench.records import Format

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

ERRORS_ONLY = 3  # onnxruntime's severity


@dataclass(frozen=True)
class TensorSpec:
    """One input or output as the file declares it. A quantised value q means scale * (q - zero)."""

    name: str
    shape: tuple[int, ...]  # -1: left open
    dtype: str  # numpy's name
    scale: float = 0.0  # 0: not quantised
    zero_point: int = 0

    def encode(self, values: Array) -> Array:
        """Floats as this tensor takes them: rounded to its grid and clipped, or cast."""
        import numpy as np

        if self.scale:
            limits = np.iinfo(self.dtype)
            grid = np.round(values / self.scale) + self.zero_point
            return grid.clip(limits.min, limits.max).astype(self.dtype)
        return values.astype(self.dtype, copy=False)

    def decode(self, values: Array) -> NDArray[np.float32]:
        """This tensor's values as float32."""
        import numpy as np

        if self.scale:
            return (values.astype(np.float32) - self.zero_point) * np.float32(self.scale)
        return values.astype(np.float32, copy=False)


@dataclass(frozen=True)
class Loaded:
    """A file that is ready to run. ``run`` takes and gives arrays in the file's own types."""

    name: str  # of the file, for messages
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    runtime: str  # with version, e.g. "ai-edge-litert 2.3.0"
    run: Callable[[Sequence[Array]], list[Array]]

    def floats(self, values: Sequence[Array]) -> list[NDArray[np.float32]]:
        """Run on float inputs, encoded as the file wants them; the outputs decoded to float32.

        Raises BadFile with the runtime's own words when it fails at it.
        """
        encoded = [spec.encode(value) for spec, value in zip(self.inputs, values, strict=True)]
        try:
            given = self.run(encoded)
        except Exception as error:  # noqa: BLE001 - a runtime raises what it likes
            raise BadFile(f"{self.name} fails while running: {_reason(error)}.") from None
        return [spec.decode(value) for spec, value in zip(self.outputs, given, strict=True)]


def can_run(format: Format) -> bool:
    """Whether this system has the runtime at all; says nothing about installed packages."""
    return format != "coreml" or sys.platform == "darwin"


def load(file: Path, format: Format, *, threads: int = 1) -> Loaded:
    """``file`` in its runtime, on the processor (Core ML: on the units that it chooses).

    Raises MissingExtra without the runtime's package, NotMeasured where ``can_run`` is false,
    BadFile with the runtime's own words when it will not have the file.
    """
    if not can_run(format):
        raise NotMeasured(
            f"{file.name} is a Core ML file, and Core ML runs on macOS only; this is "
            f"{sys.platform}.",
            "run this command on a Mac, or take the ONNX or TFLite file of the model",
        )
    opener = _opener(format)
    try:
        return opener(file, threads)
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or format, "run", f"Running a {format} file") from None
    except Exception as error:  # noqa: BLE001 - a runtime raises what it likes
        raise BadFile(
            f"{file} cannot be loaded: {_reason(error)}.", "export or copy it again"
        ) from None


def _opener(format: Format) -> Callable[[Path, int], Loaded]:
    match format:
        case "onnx":
            return _onnxruntime
        case "tflite":
            return _litert
        case "coreml":
            return _coreml
        case "pt2":
            return _torch
        case _:
            assert_never(format)


def _onnxruntime(file: Path, threads: int) -> Loaded:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def spec(declared: Any) -> TensorSpec:
        shape = tuple(side if isinstance(side, int) else -1 for side in declared.shape)
        kind = declared.type.removeprefix("tensor(").removesuffix(")")
        kind = {"float": "float32", "double": "float64"}.get(kind, kind)
        return TensorSpec(declared.name, shape, kind)

    inputs = tuple(map(spec, session.get_inputs()))
    outputs = tuple(map(spec, session.get_outputs()))
    names = [one.name for one in inputs]

    def run(values: Sequence[Array]) -> list[Array]:
        return list(session.run(None, dict(zip(names, values, strict=True))))

    return Loaded(file.name, inputs, outputs, _version("onnxruntime"), run)


def _litert(file: Path, threads: int) -> Loaded:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=threads)
    interpreter.allocate_tensors()
    given, taken = interpreter.get_output_details(), interpreter.get_input_details()

    def spec(declared: Any) -> TensorSpec:
        import numpy as np

        scale, zero_point = declared["quantization"]
        shape = tuple(int(side) for side in declared.get("shape_signature", declared["shape"]))
        kind = np.dtype(declared["dtype"]).name
        return TensorSpec(declared["name"], shape, kind, float(scale), int(zero_point))

    def run(values: Sequence[Array]) -> list[Array]:
        for place, value in zip(taken, values, strict=True):
            interpreter.set_tensor(place["index"], value)
        interpreter.invoke()
        return [interpreter.get_tensor(place["index"]) for place in given]

    inputs, outputs = tuple(map(spec, taken)), tuple(map(spec, given))
    return Loaded(file.name, inputs, outputs, _version("ai-edge-litert"), run)


def _coreml(file: Path, threads: int) -> Loaded:
    """Core ML takes and gives float16 as float32 (coremltools 9, CoreMLPythonUtils.mm)."""
    import numpy as np

    del threads  # Core ML has no such setting
    tools = coremltools()
    with warnings.catch_warnings():
        # coremltools only warns when the system refuses a file, and fails at the first prediction.
        warnings.simplefilter("error", RuntimeWarning)
        model = tools.models.MLModel(str(file))
    described = model.get_spec().description
    if getattr(model, "__proxy__", None) is None:
        version = model.get_spec().specificationVersion
        raise ValueError(f"this macOS is too old for version {version} of the format")

    def spec(declared: Any) -> TensorSpec:
        array = declared.type.multiArrayType
        if declared.type.WhichOneof("Type") != "multiArrayType":
            raise ValueError(f"{declared.name} is no array of numbers")
        name = str(array.ArrayDataType.Name(array.dataType)).lower()  # FLOAT16, DOUBLE, INT32
        return TensorSpec(declared.name, tuple(array.shape), np.dtype(name).name)

    inputs, outputs = tuple(map(spec, described.input)), tuple(map(spec, described.output))

    def run(values: Sequence[Array]) -> list[Array]:
        answer = model.predict(dict(zip([one.name for one in inputs], values, strict=True)))
        return [np.asarray(answer[one.name]).astype(one.dtype, copy=False) for one in outputs]

    return Loaded(file.name, inputs, outputs, _version("coremltools"), run)


def _torch(file: Path, threads: int) -> Loaded:
    """On the processor; the graph is walked as data (exported_program)."""
    import torch

    from mnv4bench.exported_program import program as exported_program

    torch.set_num_threads(threads)
    program = exported_program.read(file)

    def spec(name: str, sides: Sequence[int | str], kind: torch.dtype) -> TensorSpec:
        shape = tuple(side if isinstance(side, int) else -1 for side in sides)
        return TensorSpec(name, shape, str(kind).removeprefix("torch."))

    inputs = tuple(
        spec(name, sides, program.dtypes[name]) for name, sides in program.inputs.items()
    )
    outputs = (spec("logits", program.output, torch.float32),)

    def run(values: Sequence[Array]) -> list[Array]:
        with torch.inference_mode():
            return [program(*map(torch.from_numpy, values)).numpy()]

    return Loaded(file.name, inputs, outputs, _version("torch"), run)


def _reason(error: Exception) -> str:
    """The runtime's own words in one line."""
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__


# Frameworks that coremltools imports where it finds them, each for a converter of its own.
_CONVERTED_FROM = (
    "tensorflow",
    "torchvision",
    "torchao",
    "transformers",
    "sklearn",
    "xgboost",
    "libsvm",
)


def coremltools() -> ModuleType:
    """The package, imported without the frameworks that it converts from, except torch.

    It imports every one that it finds: with TensorFlow and torchao beside it, 18 s instead of 1.
    Its notes on their versions, and on what is missing off a Mac, are left out.
    """
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    modules: dict[str, Any] = sys.modules
    absent = [name for name in _CONVERTED_FROM if name not in modules]
    modules.update(dict.fromkeys(absent))  # None: importing it fails at once
    try:
        return import_module("coremltools")
    finally:
        for name in absent:
            del modules[name]


def _version(distribution: str) -> str:
    try:
        return f"{distribution} {metadata.version(distribution)}"
    except metadata.PackageNotFoundError:  # onnxruntime-gpu and the like provide the same module
        return distribution
