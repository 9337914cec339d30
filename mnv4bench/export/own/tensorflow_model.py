"""A Keras file or a SavedModel, opened by TensorFlow as far as it is safe.

A Keras file is data: Keras opens it in safe mode, in which it refuses Lambda layers and every class
that is not its own. A SavedModel is a program: TensorFlow runs its graph, so bring only one that
you trust. Operators of a graph that touch files or Python are refused before it is opened.

Knows: Keras 3, SavedModels. Does not know: TFLite, torch. Imported by the export's own process
alone.
"""

from __future__ import annotations

import os
import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnv4bench.errors import BadFile, MissingExtra
from mnv4bench.export.own.name import as_text
from mnv4bench.export.own.shapes import NAMELESS, Declared
from mnv4bench.export.own.source import SAVED_MODEL

MAX_EXPANSION = 20  # of a Keras file: weights hardly shrink, its small texts may by this much
# Operators that reach out of the graph; a name that holds one of these words is refused.
REACHING_OUT = (
    "PyFunc",
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "PrintV2",
    "Reader",
    "Dataset",
    "Summary",
    "Debug",
    "Rpc",
)


@dataclass(frozen=True)
class Opened:
    """A model that TensorFlow holds in memory."""

    inputs: tuple[Declared, ...]
    dtypes: tuple[str, ...]  # numpy's names
    call: Callable[..., Sequence[Any]]  # tensors in the order of ``inputs`` -> all outputs
    keeper: Any  # holds the variables
    params: int | None  # trained numbers


def tensorflow() -> Any:
    """The package, told to be quiet and to compute on one thread of the processor."""
    os.environ |= {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "KERAS_BACKEND": "tensorflow",
    }
    try:
        import tensorflow
    except ImportError:
        raise MissingExtra("tensorflow", "tensorflow", "Converting a TensorFlow model") from None
    # Sums come out in the same order every time, and two exports share two processors.
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    return tensorflow


def opened(path: Path) -> Opened:
    """The model in ``path``. Raises BadFile when it cannot or must not be opened."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow's and Keras's, about their own internals
            return _saved_model(path) if path.is_dir() else _keras(path)
    except BadFile:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged or hostile file can fail in any way
        again = "else copy it again, or save it with this TensorFlow: model.save('NET.keras')"
        raise BadFile(
            f"{path} cannot be opened as a TensorFlow model: {reason(error)}.",
            f"Lambda layers and classes of your own have to become layers of Keras; {again}",
        ) from None


def _keras(path: Path) -> Opened:
    import keras

    if path.suffix.lower() == ".keras":
        _refuse_swollen(path)
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    given = getattr(model, "inputs", None)
    if not given:
        raise BadFile(
            f"{path} does not say what its inputs are like; it was saved before it was called.",
            "call the model once, or begin it with keras.Input(shape=...), then save it",
        )

    # Only of a SavedModel does the converter find every variable: from a function of a Keras
    # model (3.15) it writes files that read variables which nothing ever set.
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        return _saved_model(Path(folder))


def _refuse_swollen(path: Path) -> None:
    """Keras stores entries as they are, or nearly; it stops at 4 GiB itself, which is late."""
    if not zipfile.is_zipfile(path):
        raise BadFile(f"{path} is not a whole Keras file.", "copy or save it again")
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_EXPANSION * path.stat().st_size:
        raise BadFile(
            f"{path} would unpack to {size:,} bytes, which is not how Keras packs a model.",
            "save it again: model.save('NET.keras')",
        )


def _saved_model(path: Path) -> Opened:
    import tensorflow

    for entry in path.rglob("*"):
        if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
            raise BadFile(
                f"{path} holds {as_text(entry.name)}, which is no plain file; its digest would not "
                "cover what that leads to.",
                "copy the SavedModel with its links followed: cp -rL",
            )
    _refuse_reaching_out(path)
    loaded = tensorflow.saved_model.load(path)
    names = list(loaded.signatures)
    name = "serving_default" if "serving_default" in names else (names[0] if names else "")
    if not name or (name != "serving_default" and len(names) > 1):
        raise BadFile(
            f"{path} has no signature serving_default; it has: {', '.join(names) or 'none'}.",
            "export it with one: model.export('FOLDER')",
        )
    signature = loaded.signatures[name]
    given = signature.structured_input_signature[1]

    def call(*tensors: Any) -> Sequence[Any]:
        outputs = signature(**dict(zip(given, tensors, strict=True)))
        return [outputs[key] for key in sorted(outputs)]

    return Opened(
        inputs=tuple(_declared(key, spec.shape) for key, spec in given.items()),
        dtypes=tuple(spec.dtype.name for spec in given.values()),
        call=call,
        keeper=loaded,
        params=sum(_numbers(one) for one in signature.trainable_variables) or None,
    )


def _refuse_reaching_out(path: Path) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((path / SAVED_MODEL).read_bytes())
    for graph in (meta.graph_def for meta in saved.meta_graphs):
        nodes = [*graph.node, *(node for body in graph.library.function for node in body.node_def)]
        for operator in sorted({node.op for node in nodes}):
            if any(word in operator for word in REACHING_OUT):
                raise BadFile(
                    f"{path} uses {as_text(operator)}, which reaches out of the graph to files or "
                    "Python; it was not opened.",
                    "export the model without it: model.export('FOLDER')",
                )


def _declared(name: str, shape: Any) -> Declared:
    if getattr(shape, "rank", 0) is None:
        return Declared(name, None)
    return Declared(name, tuple(NAMELESS if side is None else int(side) for side in shape))


def _numbers(variable: Any) -> int:
    count = 1
    for side in variable.shape:
        count *= int(side)
    return count


def reason(error: Exception) -> str:
    """The first sentence of what went wrong; the rest is often advice to trust the file."""
    text = str(error).rpartition("Exception encountered: ")[2].rpartition("error: ")[2].strip()
    first = re.split(r"\.\s|\n", text or type(error).__name__)[0]
    return as_text(first).rstrip(".")
