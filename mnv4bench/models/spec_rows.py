"""Rows of a network as plain keys and values, the way a TOML file has them, both ways.

Knows: which keys each kind of block has, in the paper's words (Appendix D, Tables 11 to 15), and
which single numbers no row may have. Does not know: files, what stands in the row before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, assert_never

from mnv4bench.errors import nearest
from mnv4bench.models.specs import MHSA, MQA, UIB, Block, ConvBN, FusedIB, PlainMQA

Key: TypeAlias = Literal[
    "kernel", "start", "middle", "expanded", "out", "stride", "heads", "key_dim", "kv_stride"
]
# What a row may say of the map that comes in, to be held to it: the paper's column "Input".
CHECKS = ("px", "in")
MAX_WIDTH = 16_384  # channels; five times the widest layer of Hybrid-L is 10,240
MAX_KERNEL = 31  # the largest that anybody has published as useful (RepLKNet, arXiv:2203.06717)
MAX_STRIDE = 8
MAX_HEADS = 128


class Kind(NamedTuple):
    """The keys of one kind of block."""

    required: tuple[Key, ...]
    optional: tuple[Key, ...] = ("stride",)


KINDS: dict[str, Kind] = {
    "ConvBN": Kind(("kernel", "out")),
    "FusedIB": Kind(("kernel", "expanded", "out")),
    "ExtraDW": Kind(("start", "middle", "expanded", "out")),
    "IB": Kind(("middle", "expanded", "out")),
    "ConvNext": Kind(("start", "expanded", "out")),
    "FFN": Kind(("expanded", "out"), ()),
    "MQA": Kind(("heads", "key_dim"), ("kv_stride",)),
    "PlainMQA": Kind(("heads", "key_dim"), ("kv_stride",)),
    "MHSA": Kind(("heads", "key_dim"), ("kv_stride",)),
}


class WrongRow(Exception):
    """What is wrong with a row, as the end of a sentence that begins with where it stands."""


def block(row: object) -> Block:
    """The block that ``row`` says. Raises WrongRow for anything that no block has."""
    if not isinstance(row, Mapping):
        raise WrongRow(f'is {said(row)}; a row is a table such as {{ block = "IB", ... }}')
    kind = row.get("block")
    if not isinstance(kind, str) or kind not in KINDS:
        found = f"has block = {said(kind)}" if "block" in row else "does not say its block"
        hint = nearest(kind, list(KINDS)) if isinstance(kind, str) else f"known: {_listed(KINDS)}"
        raise WrongRow(f"{found}; {hint}")
    return _built(kind, _numbers(kind, row))


def stem(row: object) -> ConvBN:
    """The first row of all, which has no ``block``: it is a ConvBN in every network."""
    if not isinstance(row, Mapping):
        raise WrongRow(
            f"is {said(row)}; it is a table such as {{ kernel = 3, out = 32, stride = 2 }}"
        )
    if "block" in row and row["block"] != "ConvBN":
        raise WrongRow(f"has block = {said(row['block'])}; a stem is always a ConvBN")
    numbers = _numbers("ConvBN", row)
    return ConvBN(numbers["kernel"], numbers["out"], numbers.get("stride", 1))


def row(block: Block) -> dict[str, str | int]:
    """The keys and values that ``block`` is written with; ``block`` of the module reads them."""
    match block:
        case ConvBN() | FusedIB() | MQA() | MHSA():
            kind = type(block).__name__
        case UIB():
            kind = block.variant
        case _:
            assert_never(block)
    known = KINDS[kind]
    found: dict[str, str | int] = {"block": kind}
    found |= {key: getattr(block, key) for key in known.required}
    found |= {key: getattr(block, key) for key in known.optional if getattr(block, key) != 1}
    return found


def number(key: str, value: object, low: int, high: int) -> int:
    """``value`` as a whole number between the two. Raises WrongRow."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongRow(f"has {key} = {said(value)}; it is a whole number from {low} to {high:,}")
    if not low <= value <= high:
        raise WrongRow(f"has {key} = {said(value)}; it is from {low} to {high:,}")
    return value


def refuse_unknown(of: str, values: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raises WrongRow for a key that is none of ``known``."""
    for key in values:
        if key not in known:
            raise WrongRow(f"has {said(key)}, which no {of} has; {nearest(str(key), list(known))}")


def said(value: object) -> str:
    """A value of somebody's file, short enough to be read."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _numbers(kind: str, row: Mapping[str, Any]) -> dict[str, int]:
    keys = KINDS[kind]
    refuse_unknown(kind, row, ("block", *CHECKS, *keys.required, *keys.optional))
    for key in keys.required:
        if key not in row:
            raise WrongRow(f"lacks {key}; {kind} has {_listed(keys.required)}")
    wanted = (*keys.required, *keys.optional)
    numbers = {str(key): _number(key, row[key], kind) for key in wanted if key in row}
    if (wide := numbers.get("heads", 1) * numbers.get("key_dim", 1)) > MAX_WIDTH:
        raise WrongRow(f"has heads x key_dim = {wide:,} channels; at most {MAX_WIDTH:,} fit")
    return numbers


def _number(key: Key, value: object, kind: str) -> int:
    match key:
        case "kernel" | "start" | "middle":
            if value == 0 and key != "kernel":
                raise WrongRow(f"has {key} = 0; {_without(kind, key)}")
            found = number(key, value, 1 if key == "kernel" else 3, MAX_KERNEL)
            if found % 2 == 0:
                raise WrongRow(
                    f"has {key} = {found}; a kernel is odd, so that it has a middle: "
                    f"{found - 1} or {found + 1}"
                )
            return found
        case "expanded" | "out" | "key_dim":
            return number(key, value, 1, MAX_WIDTH)
        case "stride" | "kv_stride":
            return number(key, value, 1, MAX_STRIDE)
        case "heads":
            return number(key, value, 1, MAX_HEADS)
        case _:
            assert_never(key)


def _without(kind: str, key: Key) -> str:
    """What a UIB is called that lacks this depthwise convolution."""
    others = {("ExtraDW", "start"): "IB", ("ExtraDW", "middle"): "ConvNext"}
    return f"without that convolution the block is {others.get((kind, key), 'FFN')}"


def _built(kind: str, numbers: Mapping[str, int]) -> Block:
    match kind:
        case "ConvBN":
            return ConvBN(**numbers)
        case "FusedIB":
            return FusedIB(**numbers)
        case "MQA":
            return MQA(**numbers)
        case "PlainMQA":
            return PlainMQA(**numbers)
        case "MHSA":
            return MHSA(**numbers)
        case _:  # the four UIBs
            return UIB(**{"start": 0, "middle": 0, **numbers})


def _listed(words: Mapping[str, object] | tuple[str, ...]) -> str:
    return ", ".join(words)
