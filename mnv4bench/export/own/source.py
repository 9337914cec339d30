"""A model that the user brings to be converted: a torch exported program or a TensorFlow model.

Knows: how to tell them apart, and what names one in the cache. Does not know: how a program's
graph is read (exported_program) or how TensorFlow converts (tensorflow_lite). Without
torch and TensorFlow until one is opened.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mnv4bench.errors import BadFile, UsageError
from mnv4bench.export import ExportRequest, cache
from mnv4bench.export.own import shapes as input_shapes
from mnv4bench.export.own.name import FAMILY, as_text, name_of
from mnv4bench.export.own.shapes import Declared
from mnv4bench.records import ModelEntry, Weights

if TYPE_CHECKING:
    from mnv4bench.models.build import BuiltModel

Kind = Literal["torch", "tensorflow"]

SUFFIXES: dict[str, Kind] = {".pt2": "torch", ".keras": "tensorflow", ".h5": "tensorflow"}
SAVED_MODEL = "saved_model.pb"  # what makes a folder a SavedModel


def kind(model: str) -> Kind | None:
    """What these words of the command line name, if it is such a model; it need not be there."""
    path = Path(model)
    if found := SUFFIXES.get(path.suffix.lower()):
        return found
    try:
        return "tensorflow" if (path / SAVED_MODEL).is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def digest(path: Path) -> str:
    """What names the model: the sha256 of the file, or of a SavedModel's files (cache.digest).

    Raises UsageError when it is not there, BadFile when it cannot be read.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe would be waited for
            raise UsageError(f"{path} is not a file.", "give the model's own file or folder")
        return cache.digest(path)
    except FileNotFoundError:
        raise UsageError(
            f"There is no file {path}.", "mnv4bench models lists what needs no file"
        ) from None
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}.") from None


def built(request: ExportRequest) -> BuiltModel:
    """The torch program as a network that is ready to export.

    Raises BadFile for a file that is no such program; UsageError for one whose input is not one
    square image of floats, or leaves sizes open that ``request.shapes`` does not say.
    """
    import torch

    from mnv4bench.exported_program import program as exported_program
    from mnv4bench.models.build import BuiltModel, measured_macs

    path = Path(request.model)
    program = exported_program.read(path)
    declared = [Declared(name, sides) for name, sides in program.inputs.items()]
    name = as_text(path.name)
    shapes = input_shapes.settle(name, declared, input_shapes.parse(request.shapes))
    first = next(iter(shapes.values()), ())
    px = first[-1] if first else 0
    floats = set(program.dtypes.values()) == {torch.float32}
    if list(shapes.values()) != [(1, 3, px, px)] or not floats:
        said = ", ".join(
            f"{one} {program.dtypes[one]} {shape}".replace("torch.", "")
            for one, shape in shapes.items()
        )
        raise UsageError(
            f"{name} takes {said or 'no input'}; what is exported here takes one square image, "
            "float32 (1, 3, S, S).",
            "export it to ONNX or TFLite yourself and measure that file: run --model FILE.onnx",
        )
    model = name_of(path)
    try:
        with torch.no_grad():
            result = program(torch.zeros(1, 3, px, px))
    except Exception as error:  # noqa: BLE001 - a graph can be wrong in any way
        raise BadFile(
            f"{path} holds a graph that does not run: {exported_program.first_line(error)}.",
            exported_program.SAVE_AGAIN,
        ) from None
    if not isinstance(result, torch.Tensor) or result.dim() < 2 or not result.is_floating_point():
        raise UsageError(
            f"{name} does not give floats for a batch of images.",
            "wrap it in a module that returns its scores, (B, classes)",
        )
    macs = measured_macs(program, px)
    return BuiltModel(
        net=program,
        entry=ModelEntry(model=model, family=FAMILY, input_px=px, params=program.params, macs=macs),
        weights=Weights(kind="own", detail=name, sha256=digest(path)),
        preprocessing=None,
        input_px=px,
        params=program.params,
        macs=macs,
    )
