"""A TFLite file as a graph that can be walked and changed.

Knows: the file's schema, as the runtime brings it. Does not know: what is changed, or why.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class Graph:
    """The one subgraph of a file. Operators are the schema's own objects; tensors are numbers."""

    def __init__(self, file: Path) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema = schema
        self._model = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
        (self._graph,) = self._model.subgraphs
        builtin = vars(schema.BuiltinOperator)
        self._codes = {name: code for name, code in builtin.items() if isinstance(code, int)}
        self._names = {code: name for name, code in self._codes.items()}

    def content(self) -> bytes:
        """The file with all changes."""
        from ai_edge_litert.tools import flatbuffer_utils

        return bytes(flatbuffer_utils.convert_object_to_bytearray(self._model))

    # --- walking ------------------------------------------------------------------------------

    @property
    def operators(self) -> list[Any]:
        """In the order in which they run."""
        found: list[Any] = self._graph.operators
        return found

    @property
    def outputs(self) -> list[int]:
        """The tensors that the file gives."""
        self._graph.outputs = list(map(int, self._graph.outputs))
        found: list[int] = self._graph.outputs
        return found

    def kind(self, operator: Any) -> str:
        """The operator's type, e.g. ``"CONV_2D"``."""
        code = self._model.operatorCodes[operator.opcodeIndex]
        name: str = self._names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        return name

    def name(self, tensor: int) -> str:
        """The tensor's name."""
        name = self._graph.tensors[tensor].name
        return name.decode() if isinstance(name, bytes) else str(name)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The tensor's sides: (N, H, W, C) of an image, (C_out, k, k, C_in) of weights."""
        return tuple(int(side) for side in self._graph.tensors[tensor].shape)

    def makers(self) -> dict[int, Any]:
        """Tensor -> the operator that computes it."""
        return {int(tensor): one for one in self.operators for tensor in one.outputs}

    def readers(self) -> dict[int, list[Any]]:
        """Tensor -> the operators that read it, once for each time."""
        found: dict[int, list[Any]] = {}
        for one in self.operators:
            for tensor in one.inputs:
                found.setdefault(int(tensor), []).append(one)
        return found

    def constant(self, tensor: int) -> "Floats | None":
        """The values of a float32 constant, flat; changing them changes the file.

        None for anything else.
        """
        import numpy as np

        described = self._graph.tensors[tensor]
        buffer = self._model.buffers[described.buffer]
        if described.type != self._schema.TensorType.FLOAT32 or buffer.data is None:
            return None
        if not buffer.data.flags.writeable:
            buffer.data = np.array(buffer.data, np.uint8)
        values: Floats = buffer.data.view(np.float32)
        return values

    def read_once(self, tensor: int) -> bool:
        """Whether one operator alone reads the tensor and what it is stored in."""
        buffer = self._graph.tensors[tensor].buffer
        sharing = [one for one in self._graph.tensors if one.buffer == buffer]
        return len(sharing) == 1 == len(self.readers().get(tensor, []))

    # --- changing -----------------------------------------------------------------------------

    def add_constant(self, name: str, values: "Floats") -> int:
        """A new float32 constant; returns its number."""
        import numpy as np

        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return self._add_tensor(name, values.shape, len(self._model.buffers) - 1)

    def add_like(self, tensor: int, name: str) -> int:
        """A new float32 tensor, computed while running, of the same shape; returns its number."""
        return self._add_tensor(name, self.shape(tensor), 0)

    def _add_tensor(self, name: str, shape: tuple[int, ...], buffer: int) -> int:
        made = self._schema.TensorT()
        made.name, made.shape, made.buffer = name, list(shape), buffer
        made.type = self._schema.TensorType.FLOAT32
        self._graph.tensors.append(made)
        return len(self._graph.tensors) - 1

    def replace(self, operator: Any, operators: list[Any]) -> None:
        """Let ``operators`` run in the place of ``operator``."""
        place = next(index for index, one in enumerate(self.operators) if one is operator)
        self.operators[place : place + 1] = operators

    def add(self, first: int, second: int, result: int, *, relu6: bool = False) -> Any:
        """An ADD, to be put into the graph by ``replace``."""
        options = self._schema.AddOptionsT()
        if relu6:
            options.fusedActivationFunction = self._schema.ActivationFunctionType.RELU6
        return self._operator("ADD", options, [first, second], result)

    def subtract(self, first: int, second: int, result: int) -> Any:
        """A SUB, to be put into the graph by ``replace``."""
        return self._operator("SUB", self._schema.SubOptionsT(), [first, second], result)

    def multiply(self, first: int, second: int, result: int, *, relu: bool = False) -> Any:
        """A MUL, to be put into the graph by ``replace``."""
        options = self._schema.MulOptionsT()
        if relu:
            options.fusedActivationFunction = self._schema.ActivationFunctionType.RELU
        return self._operator("MUL", options, [first, second], result)

    def reciprocal_root(self, value: int, result: int) -> Any:
        """An RSQRT, to be put into the graph by ``replace``."""
        return self._operator("RSQRT", None, [value], result)

    def _operator(self, kind: str, options: Any, inputs: list[int], output: int) -> Any:
        made = self._schema.OperatorT()
        made.opcodeIndex = self._opcode(self._codes[kind])
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            made.builtinOptionsType = getattr(self._schema.BuiltinOptions, name)
        made.builtinOptions, made.inputs, made.outputs = options, inputs, [output]
        return made

    def _opcode(self, builtin: int) -> int:
        for index, code in enumerate(self._model.operatorCodes):
            if builtin in (code.builtinCode, code.deprecatedBuiltinCode):
                return index
        code = self._schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)  # one byte
        code.version = 1
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1
