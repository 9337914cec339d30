"""What is inside a file, and what the runtimes take of it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.records import Format


class Tensor(Struct, frozen=True, kw_only=True):
    """An input or output as the file declares it. A quantised q means scale * (q - zero_point)."""

    name: str
    type: str  # element type in numpy's words, e.g. "float32", "int8", "int4"
    shape: tuple[int, ...]  # -1: left open
    scale: float | None = None  # None: not quantised
    zero_point: int | None = None


class Operators(Struct, frozen=True, kw_only=True):
    """Operators of one type that read and write the same element types."""

    operator: str
    count: int
    reads: str  # types of what it computes on, e.g. "float32", "bool, float32"; "": constants alone
    constants: str  # type of its largest constant, shapes and indices left out; "": none
    writes: str
    on_unit: int | None = None  # of them, taken by the unit of ``Share``; None: not known


class Movement(Struct, frozen=True, kw_only=True):
    """Operators that move or convert values and compute nothing, alike in type and shapes."""

    operator: str
    count: int
    reads: tuple[int, ...] | None  # shape of the largest input; None: not known
    writes: tuple[int, ...] | None
    detail: str  # e.g. "permutation 0 3 1 2", "float32 to int8"; "": nothing more to say
    first: str  # where the first of them stands: a node's name, or that of the tensor it writes
    values: int | None  # numbers written by all of them in one inference


class Graph(Struct, frozen=True, kw_only=True):
    """Operators counted, the most frequent first; subgraphs included."""

    operators: int
    kinds: tuple[Operators, ...]
    movements: tuple[Movement, ...]  # transposes first, then by values
    graphs: int = 1  # more than 1: bodies of loops and branches, or several entry points


class Share(Struct, frozen=True, kw_only=True):
    """How much of the main graph a runtime's fast unit takes, as the runtime itself says."""

    unit: str  # "XNNPACK", "CPUExecutionProvider"
    runtime: str  # with version
    operators: int
    taken: int
    partitions: int | None  # parts that the unit runs as one; None: the runtime has no such notion
    left: dict[str, int] = {}  # operator -> count


class Integer(Struct, frozen=True, kw_only=True):
    """Whether a network that computes in integers does so from its inputs to its outputs."""

    full: bool  # no floats
    in_8_bits: bool  # nor wider integers than accelerators of 8 bits take
    reasons: tuple[str, ...] = ()  # what is not so


class Agreement(Struct, frozen=True, kw_only=True):
    """Outputs of one file on a GPU and on the processor for the same inputs, dequantised."""

    max_abs_error: float
    largest: float  # largest |output| of the processor
    cosine: float  # the smallest over the outputs
    kernels_apart: float  # largest distance between the processor's own two sets of kernels
    tolerance: float  # limit of max_abs_error / largest
    tolerance_reason: str
    agrees: bool | None  # None: beyond the tolerance, but the processor's own kernels are as well


class Compatibility(Struct, frozen=True, kw_only=True):
    """What one judge says of a TFLite file on a GPU."""

    by: str  # e.g. "GPU analyzer of TensorFlow 2.21.0"
    verdict: Literal["compatible", "incompatible", "unknown"]
    reasons: tuple[str, ...] = ()  # verbatim where the judge gives any; why it is unknown
    remark: str = ""  # what a reader must know of the judge
    agreement: Agreement | None = None  # None: nothing was run


class Inspection(Struct, frozen=True, kw_only=True):
    """What is inside one file, whoever made it, and what the runtimes here make of it."""

    file: str
    format: Format
    size_bytes: int
    sha256: str
    written_by: str  # producer and format version as the file says
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    graph: Graph  # as it stands in the file
    optimised: Graph | None = None  # as the runtime runs it; None: it runs the file's, or unknown
    share: Share | None = None
    integer: Integer | None = None  # None: no operator computes on quantised numbers
    gpu: tuple[Compatibility, ...] = ()
    notes: tuple[str, ...] = ()  # what could not be found out, and why


class Inspected(Struct, frozen=True, kw_only=True):
    """What ``export --inspect --json`` prints."""

    inspections: tuple[Inspection, ...]
