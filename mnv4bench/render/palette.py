"""Colours and markers of model families: told apart by either alone.

Knows: a palette safe for the common colour-vision deficiencies (Okabe and Ito 2008, completed from
Paul Tol's muted set). Does not know: which models exist; an unknown family takes a free pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

INK = "#1a1a1a"
GREY = "#6b6b6b"
GRID = "#e6e6e6"
FRAME = "#9a9a9a"
LIMIT = "#f2f2f2"  # what a limit rules out
WHITE = "#ffffff"


@dataclass(frozen=True, slots=True)
class Look:
    """How one family is drawn."""

    colour: str
    marker: str  # a marker code of matplotlib
    scale: float = 1.0  # of its size, so that all look equally large


_LOOKS: tuple[Look, ...] = (
    Look("#0072b2", "o"),
    Look("#d55e00", "s", 0.92),
    Look("#009e73", "^", 1.08),
    Look("#cc79a7", "D", 0.88),
    Look("#e69f00", "v", 1.08),
    Look("#56b4e9", "p", 1.12),
    Look("#882255", "P", 1.1),
    Look("#332288", ">", 1.08),
    Look("#999933", "<", 1.08),
    Look("#44aa99", "*", 1.4),
    Look("#661100", "X", 1.08),
)
# The families of the field keep their looks from one figure to the next.
_KNOWN = {
    "mobilenetv4": 0,
    "mobilenetv3": 1,
    "fastvit": 2,
    "efficientvit": 3,
    "efficientvitmit": 3,
    "mobilenetv2": 4,
    "mobilenetv1": 5,
    "mobilenetmultihardware": 6,
    "mobileone": 7,
    "convnext": 8,
    "nextvit": 9,
    "custom": 10,
}


def _key(family: str) -> str:
    return "".join(character for character in family.lower() if character.isalnum())


def looks(families: Iterable[str]) -> Mapping[str, Look]:
    """A look of its own for each family (up to 100), known ones first, then by name."""
    found: dict[str, Look] = {}
    ordered = sorted(set(families), key=lambda family: (_KNOWN.get(_key(family), 99), family))
    taken = {_KNOWN[_key(family)] for family in ordered if _key(family) in _KNOWN}
    free = (index for index in range(len(_LOOKS) ** 2) if index not in taken)
    for family in ordered:
        known = _KNOWN.get(_key(family))
        index = next(free, 0) if known is None else known
        turn, place = divmod(index, len(_LOOKS))
        # Past the eleventh family every colour comes again, each time with another marker.
        shape = _LOOKS[(place + turn) % len(_LOOKS)]
        found[family] = Look(_LOOKS[place].colour, shape.marker, shape.scale)
    return found


def paler(colour: str, share: float) -> str:
    """``colour`` mixed with ``share`` (0..1) of white."""
    channels = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
    return "#" + "".join(f"{round(one + (255 - one) * share):02x}" for one in channels)
