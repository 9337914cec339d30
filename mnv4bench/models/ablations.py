"""The paper's ablations of latency as networks that can be built, and what it prints about them.

arXiv:2404.10518v2, Tables 1 (UIB), 2 (MHSA and MQA), 3 (K/V down-sampling) and 17 (einsum layout,
Appendix G). ``ablations.csv`` has the tables: times in milliseconds as printed, MACs and parameters
in the paper's G and M, and, where ``percent`` is yes, the change that the paper computes itself.

Knows: which rows of which reference network are exchanged, and where that differs from the paper.
Does not know: torch, measurements, how a change is computed.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from mnv4bench.models import specs
from mnv4bench.models.specs import MHSA, MQA, UIB, Block, Network, PlainMQA
from mnv4bench.records import PublishedAblation

FAMILY = "ablation"
_COLUMNS = ("top1", "macs_g", "params_m")
_WORDS = ("study", "row", "percent", "citation")

StudyName: TypeAlias = Literal["mqa", "kv", "layout", "uib"]
# How the paper compares ``new`` with ``old``: what each adds to ``base``, or old over new.
Arithmetic: TypeAlias = Literal["increment", "gain", "none"]


class Variant(Struct, frozen=True):
    """One row of a study. ``network`` is None for a reference network, which the catalog has."""

    model: str
    what: str
    printed_as: str  # the paper's row; "": it has none
    network: Network | None = None


class Study(Struct, frozen=True):
    """One table of the paper, to be measured."""

    study: StudyName
    table: str  # the paper's number
    title: str
    arithmetic: Arithmetic
    base: str
    old: str
    new: str
    variants: tuple[Variant, ...]  # the base first
    notes: tuple[str, ...]


def _with_attention(model: str, what: str, printed_as: str, block: Block) -> Variant:
    """Conv-L with ``block`` before each of the last three rows of its last stage of UIBs."""
    *first, last, head = specs.CONV_L.stages
    added = [one for row in last[-3:] for one in (block, row)]
    stages = (*first, (*last[:-3], *added), head)
    network = structs.replace(specs.CONV_L, name=model, stages=stages)
    return Variant(model, what, printed_as, network)


def _replaced(network: Network, name: str, exchange: dict[Block, Block]) -> Network:
    """``network`` with every row that ``exchange`` has exchanged."""
    stages = tuple(tuple(exchange.get(row, row) for row in stage) for stage in network.stages)
    return structs.replace(network, name=name, stages=stages)


def _only(model: str, what: str, printed_as: str, *, start: bool, middle: bool) -> Variant:
    """Conv-L with every UIB of one kind; widths, expansions and strides as they are.

    A kernel that stays keeps its size; one that comes takes that of the block's other kernel, and
    3 where it has none.
    """
    uibs = [row for stage in specs.CONV_L.stages for row in stage if isinstance(row, UIB)]
    exchange: dict[Block, Block] = {
        uib: structs.replace(
            uib,
            start=(uib.start or uib.middle or 3) if start else 0,
            middle=(uib.middle or uib.start or 3) if middle else 0,
        )
        for uib in uibs
    }
    return Variant(model, what, printed_as, _replaced(specs.CONV_L, model, exchange))


_CONV_L, _HYBRID_M = specs.CONV_L.name, specs.HYBRID_M.name
# Heads and key dim are those of Hybrid-L's last stage, which is as wide as Conv-L's.
_HEADS, _KEY_DIM = 8, 64
_MHSA = _with_attention(
    "mnv4-conv-l-3mhsa", "three MHSA blocks added", "+3 MHSA", MHSA(_HEADS, _KEY_DIM)
)
_MQA = _with_attention(
    "mnv4-conv-l-3mqa", "three Mobile MQA blocks added", "+3 MQA", MQA(_HEADS, _KEY_DIM)
)
_PLAIN = _with_attention(
    "mnv4-conv-l-3mqa-plain",
    "the same, heads before positions",
    "+3 MQA without the change",
    PlainMQA(_HEADS, _KEY_DIM),
)
_NO_KV = Variant(
    "mnv4-hybrid-m-full-kv",
    "keys and values at full resolution",
    "no K/V down-sampling",
    _replaced(
        specs.HYBRID_M,
        "mnv4-hybrid-m-full-kv",
        {MQA(heads=4, key_dim=64, kv_stride=2): MQA(heads=4, key_dim=64)},
    ),
)
_WHERE = (
    "The blocks stand before the last three rows of Conv-L's last stage each, as in Hybrid-L, and "
    f"have its {_HEADS} heads of {_KEY_DIM} channels; the paper does not say where they stand or "
    "how wide they are."
)
_ONE_MORE = (
    "The paper's two rows hold some 2.1 M parameters (of 2^20) more than three such blocks add, "
    "both alike: about one more ConvNext row of that stage, which Hybrid-L's has too. Its "
    "percentages are on an increment that is larger by so much."
)
_UNITS = "In this table the paper's M and G fit 2^20 and 2^30 better than 10^6 and 10^9."

STUDIES: tuple[Study, ...] = (
    Study(
        study="mqa",
        table="2",
        title="MHSA or Mobile MQA in Conv-L's last stage",
        arithmetic="increment",
        base=_CONV_L,
        old=_MHSA.model,
        new=_MQA.model,
        variants=(Variant(_CONV_L, "Conv-L as it is", "base"), _MHSA, _MQA),
        notes=(_WHERE, _ONE_MORE, _UNITS),
    ),
    Study(
        study="kv",
        table="3",
        title="K/V down-sampling in Hybrid-M",
        arithmetic="gain",
        base=_NO_KV.model,
        old=_NO_KV.model,
        new=_HYBRID_M,
        variants=(_NO_KV, Variant(_HYBRID_M, "Hybrid-M as it is", "K/V down-sampling")),
        notes=(
            "Keys and values of the four blocks with 16 x 16 tokens, by a 3x3 depthwise "
            "convolution of stride 2; those with 8 x 8 tokens have none in either row.",
            "The paper's MACs of this table do not come of counting its network, and its 12.8 ms "
            "on the S23's processor are 10.8 ms in its Table 6.",
        ),
    ),
    Study(
        study="layout",
        table="17",
        title="Order of the einsum's indices in Mobile MQA (Appendix G)",
        arithmetic="increment",
        base=_CONV_L,
        old=_PLAIN.model,
        new=_MQA.model,
        variants=(
            Variant(_CONV_L, "Conv-L as it is", "base"),
            _PLAIN,
            structs.replace(_MQA, printed_as="+3 Mobile MQA with the change"),
        ),
        notes=(
            _WHERE,
            "Both compute the same. Heads before positions is how multi-query attention was "
            "published (arXiv:1911.02150); a converter may fold some of its transposes, which "
            "export --inspect shows.",
            _ONE_MORE,
            _UNITS,
        ),
    ),
    Study(
        study="uib",
        table="1",
        title="One kind of UIB alone",
        arithmetic="none",
        base=_CONV_L,
        old=_CONV_L,
        new=_CONV_L,
        variants=(
            Variant(_CONV_L, "Conv-L: all kinds", "full UIB"),
            _only(
                "mnv4-conv-l-convnext",
                "ConvNext-like alone",
                "ConvNext-like only",
                start=True,
                middle=False,
            ),
            _only(
                "mnv4-conv-l-ib",
                "IB alone",
                "IB only",
                start=False,
                middle=True,
            ),
            _only(
                "mnv4-conv-l-extradw",
                "ExtraDW alone",
                "",
                start=True,
                middle=True,
            ),
        ),
        notes=(
            "The paper's rows came each from a search of its own, over widths too, and cannot be "
            "rebuilt: here every UIB of Conv-L is exchanged for one kind, with the widths and "
            "expansions that Conv-L has. A kernel that stays keeps its size; one that comes takes "
            "that of the block's other kernel, and 3 in an FFN.",
            "The paper's first row is no network of Table 6 either; Conv-L is the nearest.",
        ),
    ),
)


def study(name: str) -> Study:
    """The study called ``name``, one of ``STUDIES``. Raises KeyError."""
    return {str(one.study): one for one in STUDIES}[name]


@cache
def networks() -> dict[str, Network]:
    """Every network that is in a study and not in the catalog, by name."""
    return {
        variant.model: variant.network
        for one in STUDIES
        for variant in one.variants
        if variant.network is not None
    }


@cache
def printed() -> tuple[PublishedAblation, ...]:
    """The paper's rows, in its order."""
    lines = Path(__file__).with_name("ablations.csv").read_text("utf-8").splitlines()
    return tuple(map(_printed, csv.DictReader(lines)))


def _printed(row: dict[str, str]) -> PublishedAblation:
    percent = row["percent"] == "yes"
    # Read as decimal text: 2.6 ms is the double nearest to 0.0026.
    unit = "" if percent else "e-3"
    return PublishedAblation(
        study=row["study"],
        row=row["row"],
        percent=percent,
        **{name: float(row[name]) for name in _COLUMNS if row[name]},
        devices={
            name: float(f"{value}{unit}")
            for name, value in row.items()
            if name not in (*_COLUMNS, *_WORDS) and value
        },
        citation=row["citation"],
    )
