"""From module paths to blocks: "stem", "stage 2 block 0 UIB ExtraDW", "head".

Knows: containers, stages, and what MobileNetV4's paper calls its blocks. Does not know: operators,
times, files. A block is the outermost module that is no container; what runs before the first one
with a number is the stem, what runs behind the last one the head.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mnv4bench.findings import Scope

Path = tuple[Scope, ...]

CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})
# Containers that say no more than that they hold what follows.
PLAIN = frozenset({"blocks", "stages", "layers"})
STEM, HEAD = "stem", "head"
UIB = "UniversalInvertedBottleneck"
# As rooflines call them too (models.layers).
SHORT = {"FusedInvertedBottleneck": "FusedIB", "MobileMQA": "MQA"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operator belongs. ``path`` is that of the block, ``role`` its place within."""

    block: str
    path: str
    role: str


def places(paths: Sequence[Path]) -> list[Place | None]:
    """A place for each path, given in the order in which their operators run; None: no path."""
    blocks = _in_turn([block_of(path) for path in paths])
    several = _several(blocks)
    deep = [index for index, block in enumerate(blocks) if block in several]
    first, last = (deep[0], deep[-1]) if deep else (len(paths), -1)
    inside: defaultdict[Path, set[str]] = defaultdict(set)
    for path, block in zip(paths, blocks, strict=True):
        inside[block] |= {scope.name for scope in path[len(block) :]}
    found: list[Place | None] = []
    for index, (path, block) in enumerate(zip(paths, blocks, strict=True)):
        if not path:
            found.append(None)
            continue
        rest = dotted(path[len(block) :])
        if deep and block not in several and not first < index < last:
            name = STEM if index < first else HEAD
            found.append(Place(name, name, f"{name}: {dotted(path)}"))
            continue
        kind = kind_of(block, inside[block])
        role = f"{kind}: {rest}" if kind and rest else kind or dotted(path)
        found.append(Place(title(block, kind), dotted(block), role))
    return found


def block_of(path: Path) -> Path:
    """The path down to the first module that is no container; of a leaf in one, the container."""
    for depth, scope in enumerate(path):
        if scope.kind not in CONTAINERS and not scope.kind.endswith("Stage"):
            lone = depth == len(path) - 1 and depth > 0 and not scope.name.isdigit()
            return (
                path[:depth] if lone and not path[0].kind.endswith("Stage") else path[: depth + 1]
            )
    return path


def kind_of(block: Path, inside: set[str]) -> str:
    """What the block is called; of a universal inverted bottleneck, which of the four it is."""
    if not block or block[-1].kind in CONTAINERS:
        return ""
    kind = block[-1].kind
    if kind != UIB:
        return SHORT.get(kind, kind)
    start, middle = "dw_start" in inside, "dw_mid" in inside
    return (
        "UIB "
        + {
            (True, True): "ExtraDW",
            (True, False): "ConvNext",
            (False, True): "IB",
            (False, False): "FFN",
        }[start, middle]
    )


def title(block: Path, kind: str) -> str:
    """ "stage 2 block 0 UIB ExtraDW", "layer1 block 0 BasicBlock", "stage 1 downsample Embed"."""
    words = []
    for depth, scope in enumerate(block):
        whole = depth == len(block) - 1
        if scope.name.isdigit():
            words.append(f"{'block' if whole else 'stage'} {scope.name}")
        elif scope.name not in PLAIN or whole:
            words.append(scope.name)
    if kind and kind not in words:
        words.append(kind)
    return " ".join(words)


def dotted(path: Path) -> str:
    """ "blocks.2.0.pw_exp.conv"."""
    return ".".join(scope.name for scope in path)


def _in_turn(blocks: Sequence[Path]) -> list[Path]:
    """The same, but that no block goes on when another of its kind has begun.

    litert-torch converts parts that are alike once, and names all of them after the first.
    """
    found: list[Path] = []
    current: Path = ()
    begun: set[Path] = set()
    for block in blocks:
        again = block in begun and block != current
        if again and current and block[-1].kind == current[-1].kind:
            found.append(current)
            continue
        found.append(block)
        if block:
            current = block
            begun.add(block)
    return found


def _several(blocks: Sequence[Path]) -> set[Path]:
    """Those that are one of several alike, with numbers; a stem's and a head's parts are not."""
    numbered = {
        block
        for block in blocks
        if block and block[0].name not in (STEM, HEAD) and any(one.name.isdigit() for one in block)
    }
    around = Counter(block[0] for block in numbered)
    return {block for block in numbered if around[block[0]] > 1 or block[0].kind.endswith("Stage")}
