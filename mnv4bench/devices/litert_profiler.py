"""LiteRT's own profiler, which also sees the operators inside XNNPACK.

LiteRT's Python has no way to a profiler. Its C interface has (``litert/c/litert_profiler.h``, in
the wheel's ``libLiteRt.so``), for a CompiledModel, which hands the file to the same XNNPACK as the
interpreter that is measured.

Knows: so much of that interface as it is in ai-edge-litert 2.3 (earlier ones had other arguments),
and of its events: kind 2 is an operator in LiteRT's own kernels with its place in the file, 4 and 8
are operators inside a delegate, numbered from 0 within each part. Does not know: the rest of it.
Sources: litert/c/*.h, litert/c/options/litert_runtime_options.h, tflite/core/api/profiler.h of
google-ai-edge/LiteRT. Imported by its own process alone: a wrong argument there is a crash.
"""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench.devices.litert_cpu import LiteRtModel
from mnv4bench.devices.profile_worker import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mnv4bench.devices.inputs import InputSpec

    Turn = tuple[Callable[[], object], Callable[[], object]]

KNOWN = (2, 3)  # major and minor of the versions whose interface this is
LIBRARIES = ("libLiteRt.so", "libLiteRt.dylib", "libLiteRt.dll")  # by system; a wheel has one
CPU = 1  # kLiteRtHwAcceleratorCpu
WRITE = 1  # kLiteRtTensorBufferLockModeWrite
OPERATOR, IN_DELEGATE, DELEGATE_PROFILED = 2, 4, 8
MAX_SIDES = 8


class _Layout(Structure):
    _fields_ = (
        ("rank", c_uint32),  # seven bits, then whether there are strides
        ("dimensions", c_int32 * MAX_SIDES),
        ("strides", c_uint32 * MAX_SIDES),
    )


class _Type(Structure):
    _fields_ = (("element", c_int32), ("layout", _Layout))


class _Event(Structure):
    """ProfiledEventData: a tag, a time, memory before and after, two words more, a source."""

    _fields_ = (
        ("tag", c_char_p),
        ("kind", c_int),
        ("start_us", c_uint64),
        ("elapsed_us", c_uint64),
        ("memory", c_int64 * 6),
        ("place", c_uint64),
        ("subgraph", c_uint64),
        ("source", c_int),
    )


class LiteRtProfiler:
    """One loaded file that is run with the profiler on."""

    SOURCE = "LiteRT's profiler"

    def __init__(self, file: Path, plain: LiteRtModel, *, threads: int) -> None:
        """``plain`` is the same file as it is measured: its inputs, and what XNNPACK took of it.

        Raises RuntimeError for another version, and with LiteRT's status where it refuses.
        """
        version = metadata.version("ai-edge-litert")
        if tuple(version.split(".")[:2]) != tuple(map(str, KNOWN)):
            raise RuntimeError(
                f"its profiler is read in ai-edge-litert {'.'.join(map(str, KNOWN))}, and this is "
                f"{version}"
            )
        self._library: Any = ctypes.CDLL(str(_library()))
        self._inputs, self._parts = plain.inputs(), plain.parts()
        self._operators = plain.operators()
        self._kept: list[object] = []  # what native code points to
        self._found: list[list[Event]] = []
        environment, model, options = c_void_p(), c_void_p(), c_void_p()
        self._call("CreateEnvironment", 0, None, byref(environment))
        path = str(file).encode("utf-8", "surrogateescape")
        self._call("CreateModelFromFile", environment, path, byref(model))
        self._call("CreateOptions", byref(options))
        self._call("SetOptionsHardwareAccelerators", options, CPU)
        self._add(options, "runtime_options_string", "enable_profiling = true\n")
        self._add(options, "xnnpack", f"num_threads = {threads}\n")
        self._environment, self._model = environment, model
        self._compiled, self._profiler = c_void_p(), c_void_p()
        self._call("CreateCompiledModel", environment, model, options, byref(self._compiled))
        self._call("CompiledModelGetProfiler", self._compiled, byref(self._profiler))
        if not self._profiler:
            raise RuntimeError("it made no profiler, though one was asked for")
        self._signature = c_void_p()
        self._call("GetModelSignature", model, c_size_t(0), byref(self._signature))
        self._resize(self._inputs)

    def inputs(self) -> tuple[InputSpec, ...]:
        """The inputs in the file's order."""
        return self._inputs

    def turns(self, buffers: Sequence[Sequence[NDArray[np.generic]]]) -> tuple[Turn, ...]:
        """As LiteRtModel's: fill copies the inputs in, infer runs the file."""
        places = {self._input_name(index): index for index in range(len(self._inputs))}
        order = [places.get(spec.name, index) for index, spec in enumerate(self._inputs)]
        given = [self._buffer("Input", index) for index in range(len(self._inputs))]
        wanted = [self._buffer("Output", index) for index in range(self._outputs())]
        run = partial(
            self._call,
            "RunCompiledModel",
            self._compiled,
            c_size_t(0),
            c_size_t(len(given)),
            (c_void_p * len(given))(*(one.value for one in given)),
            c_size_t(len(wanted)),
            (c_void_p * len(wanted))(*(one.value for one in wanted)),
        )
        return tuple(
            (
                partial(
                    self._fill,
                    [(given[place], value) for place, value in zip(order, values, strict=True)],
                ),
                run,
            )
            for values in buffers
        )

    def begin(self) -> None:
        """Record from now on."""
        self._call("StartProfiler", self._profiler)

    def end(self) -> None:
        """Keep what the inference since ``begin`` recorded."""
        self._call("StopProfiler", self._profiler)
        count = c_int()
        self._call("GetNumProfilerEvents", self._profiler, byref(count))
        events = (_Event * max(1, count.value))()
        if count.value:
            self._call("GetProfilerEvents", self._profiler, count, events)
        self._found.append(read(list(events)[: count.value], self._operators))
        self._call("ResetProfiler", self._profiler)

    def inferences(self) -> list[list[Event]]:
        """The operators of each inference in the order in which they ran."""
        return self._found

    def parts(self) -> tuple[tuple[int, ...], ...]:
        """Operators of the file that XNNPACK runs as one, a tuple for each of its parts."""
        return self._parts

    # --- the interface --------------------------------------------------------------------------

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._library, f"LiteRt{name}")(*arguments)
        if status:
            raise RuntimeError(f"LiteRt{name} gave status {status}")

    def _add(self, options: c_void_p, name: str, text: str) -> None:
        """Options in words (TOML), under the name by which a part of the runtime looks for them."""
        words = ctypes.create_string_buffer(text.encode())
        dispose = ctypes.CFUNCTYPE(None, c_void_p)(lambda _: None)  # they are kept here
        self._kept += [words, dispose]
        added = c_void_p()
        self._call(
            "CreateOpaqueOptions",
            name.encode(),
            ctypes.cast(words, c_void_p),
            dispose,
            byref(added),
        )
        self._call("AddOpaqueOptions", options, added)

    def _input_name(self, index: int) -> str:
        tensor = self._tensor("Input", index)
        name = c_char_p()
        self._call("GetTensorName", tensor, byref(name))
        return (name.value or b"").decode("utf-8", "replace")

    def _tensor(self, which: str, index: int) -> c_void_p:
        tensor = c_void_p()
        call = f"GetSignature{which}TensorByIndex"
        self._call(call, self._signature, c_size_t(index), byref(tensor))
        return tensor

    def _outputs(self) -> int:
        count = c_size_t()
        self._call("GetNumSignatureOutputs", self._signature, byref(count))
        return count.value

    def _resize(self, inputs: Sequence[InputSpec]) -> None:
        """Sizes that the file leaves open, as they are measured."""
        places = {spec.name: spec.shape for spec in inputs}
        for index in range(len(inputs)):
            shape = places.get(self._input_name(index))
            declared = self._type("Input", index).layout.dimensions
            if shape is not None and tuple(declared[: len(shape)]) != shape:
                sides = (c_int * len(shape))(*shape)
                self._call(
                    "CompiledModelResizeInputTensor",
                    self._compiled,
                    c_size_t(0),
                    c_size_t(index),
                    sides,
                    c_size_t(len(shape)),
                )

    def _type(self, which: str, index: int) -> _Type:
        found = _Type()
        self._call("GetRankedTensorType", self._tensor(which, index), byref(found))
        return found

    def _buffer(self, which: str, index: int) -> c_void_p:
        """Memory for one input or output, of the shape that it has by now."""
        kind = self._type(which, index)
        if which == "Input":
            self._call(
                "GetCompiledModelInputTensorLayout",
                self._compiled,
                c_size_t(0),
                c_size_t(index),
                byref(kind.layout),
            )
        else:
            layouts = (_Layout * self._outputs())()
            self._call(
                "GetCompiledModelOutputTensorLayouts",
                self._compiled,
                c_size_t(0),
                c_size_t(len(layouts)),
                layouts,
                ctypes.c_bool(True),
            )
            kind.layout = layouts[index]
        requirements, buffer = c_void_p(), c_void_p()
        call = f"GetCompiledModel{which}BufferRequirements"
        self._call(call, self._compiled, c_size_t(0), c_size_t(index), byref(requirements))
        self._call(
            "CreateManagedTensorBufferFromRequirements",
            self._environment,
            byref(kind),
            requirements,
            byref(buffer),
        )
        return buffer

    def _fill(self, values: Sequence[tuple[c_void_p, NDArray[np.generic]]]) -> None:
        for buffer, value in values:
            memory, room = c_void_p(), c_size_t()
            self._call("GetTensorBufferSize", buffer, byref(room))
            if value.nbytes > room.value:
                raise RuntimeError(f"an input of {value.nbytes} bytes has room for {room.value}")
            self._call("LockTensorBuffer", buffer, byref(memory), WRITE)
            ctypes.memmove(memory, value.ctypes.data_as(POINTER(c_int)), value.nbytes)
            self._call("UnlockTensorBuffer", buffer)


def _library() -> Path:
    import ai_edge_litert

    folder = Path(ai_edge_litert.__path__[0])
    found = next((folder / name for name in LIBRARIES if (folder / name).is_file()), None)
    if found is None:
        raise RuntimeError(f"this wheel has none of {', '.join(LIBRARIES)}, whose profiler it is")
    return found


def read(events: Sequence[_Event], operators: int) -> list[Event]:
    """The operators of one inference; the file has ``operators`` of them.

    A delegate's own are numbered anew in each of its parts. One that tells nothing of them is one
    operator, with a place behind all those of the file.
    """
    found: list[Event] = []
    part, next_place = -1, 0
    for one in events:
        if one.kind not in (OPERATOR, IN_DELEGATE, DELEGATE_PROFILED) or (
            one.kind == OPERATOR and one.subgraph
        ):
            continue  # a body's operators are part of the time of what calls it
        tag = (one.tag or b"").decode("utf-8", "replace")
        if one.kind == OPERATOR:
            whole = one.place >= operators
            node, of = (None, one.place - operators) if whole else (one.place, None)
            found.append(Event(tag, "", node, of, one.elapsed_us, whole))
            next_place = 0
            continue
        if next_place == 0 or one.place < next_place:
            part += 1
        next_place = one.place + 1
        found.append(Event(tag, "", None, part, one.elapsed_us))
    return found
