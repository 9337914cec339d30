"""Where the time of an inference goes, by operator and by block of the model; never a latency."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.records import Clock, Format, Precision, Statistic, Verdict

# name: the runtime's own name is one of the file. place: the runtime says which operator it is.
# order: of a delegate's operators, by their order and kind. neighbour: what the runtime put in, as
# part of what ran before it. none: not known.
Joined = Literal["name", "place", "order", "neighbour", "none"]


class Scope(Struct, frozen=True):
    """One module of a module path: its name in the one around it, and its class ("": not known)."""

    name: str
    kind: str


class FileOperator(Struct, frozen=True, kw_only=True):
    """One operator as it stands in a file. Its path is empty where the file does not tell."""

    operator: str
    name: str = ""
    inputs: tuple[str, ...] = ()  # names of what it reads, constants included
    outputs: tuple[str, ...] = ()
    path: tuple[Scope, ...] = ()


class OperatorRow(Struct, frozen=True, kw_only=True):
    """One operator as it ran."""

    operator: str  # in the runtime's words
    name: str  # the runtime's, or that of what it writes in the file; "": it has none
    path: str  # "blocks.2.0.pw_exp.conv"; "": not known
    block: str  # title of its row of ``blocks``; "": not known
    role: str  # "UIB ExtraDW: pw_exp.conv": what it is in any block of that kind
    seconds: float  # of one inference
    share: float  # of all operators
    calls: int
    joined: Joined
    delegate: str | None = None  # which runs it as part of a whole
    low_s: float | None = None
    high_s: float | None = None


class BlockRow(Struct, frozen=True, kw_only=True):
    """All operators of one block of the model, in the order in which blocks begin."""

    block: str  # "stem", "stage 2 block 0 UIB ExtraDW", "head"
    path: str
    seconds: float
    share: float
    operators: int


class KindRow(Struct, frozen=True, kw_only=True):
    """All operators of one kind in the runtime's words, the slowest first."""

    operator: str
    count: int
    seconds: float
    share: float


class OperatorProfile(Struct, frozen=True, kw_only=True):
    """What ``profile --json`` prints of one file on one device."""

    file: str
    model: str
    format: Format
    precision: Precision
    weights: str
    sha256: str
    device: str
    threads: int
    runtime: str
    source: str
    statistic: Statistic
    inferences: int
    operators_s: float  # all operators together, which is no latency
    profiled_s: float | None  # an inference with the profiler
    plain_s: float | None  # and without, in turns with it
    clock: Clock  # by which these two were taken
    cost: float | None  # the first over the second
    joined_share: float  # of the time, whose block is known
    placement: Verdict | None
    blocks: tuple[BlockRow, ...]
    kinds: tuple[KindRow, ...]
    operators: tuple[OperatorRow, ...]  # in the order in which they ran
    notes: tuple[str, ...] = ()


class Difference(Struct, frozen=True, kw_only=True):
    """What one block, or one role in all blocks, takes on both sides; None: the side has none."""

    name: str
    a_s: float | None
    b_s: float | None
    difference_s: float  # a less b; a side that has none counts as 0
    ratio: float | None  # a over b
    a: tuple[str, ...]  # operators there, in the runtime's words, with how many
    b: tuple[str, ...]


class ComparedProfiles(Struct, frozen=True, kw_only=True):
    """What ``profile --compare --json`` prints; the largest difference first."""

    a: OperatorProfile
    b: OperatorProfile
    ratio: float | None  # of all operators together, a over b
    plain_ratio: float | None  # of inferences without a profiler
    blocks: tuple[Difference, ...]
    roles: tuple[Difference, ...]
    notes: tuple[str, ...] = ()


class TraceEvent(Struct, frozen=True, kw_only=True):
    """One event of a trace in Chrome's form, which Perfetto reads; microseconds."""

    name: str
    ph: str  # X: complete, M: a name for a track
    pid: int
    tid: int
    ts: float = 0.0
    dur: float = 0.0
    cat: str = ""
    args: dict[str, str] = {}


class Trace(Struct, frozen=True, kw_only=True, rename="camel"):
    """A trace file. ``other_data`` is shown by viewers as facts about the whole."""

    trace_events: tuple[TraceEvent, ...]
    display_time_unit: str = "ms"
    other_data: dict[str, str] = {}
