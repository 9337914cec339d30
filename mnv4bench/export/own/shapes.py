"""Sizes that a file leaves open become numbers: the user's, the file's own names, or a batch of 1.

Knows: how shapes are written on the command line and which open sizes belong together. Does not
know: formats (own.file reads what a file declares), runtimes.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mnv4bench.errors import UsageError

NAMELESS = "?"  # an open size that the file gives no name
MAX_SIZE = 2**31 - 1  # LiteRT counts in int32
WORDS = re.compile(r"[1-9][0-9]{0,9}(?:[xX][1-9][0-9]{0,9})*")

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Declared:
    """An input as its file declares it."""

    name: str
    # A size, or for one left open what the file calls it; None where the file gives no shape.
    sides: tuple[int | str, ...] | None

    @property
    def is_open(self) -> bool:
        return self.sides is None or any(isinstance(side, str) for side in self.sides)

    @property
    def text(self) -> str:
        """``batch x 3 x ? x ?``"""
        if self.sides is None:
            return "of any shape"
        return " x ".join(map(str, self.sides)) or "a single number"


def parse(words: Sequence[str]) -> dict[str, Shape]:
    """``NAME=1x3x224x224`` or ``1x3x224x224`` (name ""): name -> shape, in the order given.

    Raises UsageError for other words, and for two shapes under one name.
    """
    shapes: dict[str, Shape] = {}
    for word in words:
        name, _, sizes = word.rpartition("=")
        if not WORDS.fullmatch(sizes) or max(found := _sizes(sizes)) > MAX_SIZE:
            raise UsageError(
                f"--shape {word} is not a shape.",
                "write sizes from 1 up with an x between them: --shape 1x3x224x224, or with the "
                "input's name: --shape ids=1x128",
            )
        if name in shapes:
            of = f" for {name}" if name else ""
            raise UsageError(f"--shape is given twice{of}.", "give each input one shape")
        shapes[name] = found
    return shapes


def _sizes(text: str) -> Shape:
    return tuple(int(size) for size in re.split("[xX]", text))


def settle(file: str, inputs: Sequence[Declared], given: Mapping[str, Shape]) -> dict[str, Shape]:
    """Every input's shape, in the file's order, with ``given`` (by name; "" for a sole input) in.

    A name that the file gives to several open sizes stands for one number. An open first size
    that nothing settles is a batch, and 1; so a sole open size is not (it may be a length).
    Raises UsageError naming the input, what it declares and the option to give; the same for a
    shape that contradicts the file. Shapes for names that the file lacks are left aside.
    """
    wanted = {one.name: given.get(one.name) for one in inputs}
    if "" in given and len(inputs) == 1:
        wanted[inputs[0].name] = given[""]
    elif "" in given:
        names = ", ".join(one.name for one in inputs)
        raise UsageError(
            f"{file} has {len(inputs)} inputs ({names}), so a shape has to name its own.",
            _options(inputs),
        )
    known: dict[str, int] = {}
    for one in inputs:
        if (shape := wanted[one.name]) is not None:
            _learn(file, one, shape, known)
    elsewhere = {side for one in inputs for side in (one.sides or ())[1:]}
    for one in inputs:  # the batch of one input is that of every other with its name
        first = one.sides[0] if one.sides and len(one.sides) > 1 else NAMELESS
        if isinstance(first, str) and first != NAMELESS and first not in elsewhere:
            known.setdefault(first, 1)
    settled = {}
    for one in inputs:
        shape = wanted[one.name] or _filled(one, known)
        if shape is None:
            raise UsageError(
                f"{file} leaves sizes of its input {one.name} open: {one.text}.",
                f"say which to measure: {_options([o for o in inputs if o.is_open])}, "
                "with a number for each N",
            )
        settled[one.name] = shape
    return settled


def _learn(file: str, one: Declared, shape: Shape, known: dict[str, int]) -> None:
    """Keep what ``shape`` says of the file's named sizes."""
    if one.sides is None:
        return
    agrees = len(shape) == len(one.sides)
    for side, size in zip(one.sides, shape, strict=False):
        if isinstance(side, int):
            agrees = agrees and side == size
        elif side != NAMELESS:
            agrees = agrees and known.setdefault(side, size) == size
    if not agrees:
        named = ", ".join(f"{name} is {size}" for name, size in known.items() if name in one.sides)
        raise UsageError(
            f"--shape {'x'.join(map(str, shape))} does not fit the input {one.name} of {file}, "
            f"which is {one.text}{f' ({named})' if named else ''}.",
            _options([one]),
        )


def _filled(one: Declared, known: Mapping[str, int]) -> Shape | None:
    if one.sides is None:
        return None
    sizes = [side if isinstance(side, int) else known.get(side) for side in one.sides]
    if len(sizes) > 1 and one.sides[0] == NAMELESS:
        sizes[0] = 1
    shape = tuple(size for size in sizes if size is not None)
    return shape if len(shape) == len(sizes) else None


def _options(inputs: Sequence[Declared]) -> str:
    """The options to give, with N for every open size but the batch."""
    words = []
    for one in inputs:
        sides = ("N",) if one.sides is None else one.sides
        sizes = ["N" if isinstance(side, str) else str(side) for side in sides]
        if len(sizes) > 1 and sizes[0] == "N":
            sizes[0] = "1"
        words.append(f"--shape {shlex.quote(one.name)}={'x'.join(sizes)}")
    return " ".join(words)
