"""A folder of images, each with the number of its class: a subfolder for each class, or a list.

Knows: how folder names and labels are numbered, and when they cannot be. Does not know: networks
(only how many classes one has), runtimes, how images are decoded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnv4bench import images
from mnv4bench.accuracy import labels as label_files
from mnv4bench.accuracy import synsets
from mnv4bench.accuracy.ahead import in_order
from mnv4bench.errors import UsageError
from mnv4bench.records import DataSet

IMAGENET = 1000  # classes
SYNSETS = "ImageNet synsets"
INDICES = "class numbers"
SORTED = "folder names in sorted order"


@dataclass(frozen=True)
class Labelled:
    """Images in order, with the class of each: the place of its score among the outputs."""

    folder: Path
    files: tuple[Path, ...]
    classes: tuple[int, ...]
    numbering: str  # how the classes came to their numbers

    def name(self, place: int) -> str:
        """The path in the folder of the image at ``place``, as UTF-8 whatever bytes it holds."""
        return _as_text(self.files[place].relative_to(self.folder).as_posix())


def open_folder(folder: Path, labels: Path | None, outputs: int) -> Labelled:
    """The images below ``folder``, numbered for a network of ``outputs`` classes.

    Without a file of ``labels`` every subfolder is a class. Its number is the place of its name
    in sorted order, as torchvision's ImageFolder has it, when there are ``outputs`` of them; names
    that are numbers all mean themselves; ImageNet's synsets may also be a part of the thousand.
    Raises UsageError for anything that cannot be numbered without a guess.
    """
    files = images.find(folder)
    names = [_as_text(path.relative_to(folder).as_posix()) for path in files]
    if labels is not None:
        words = label_files.read(labels).of(names)
        classes, numbering = _numbered_labels(words, labels, outputs)
        return Labelled(folder, files, classes, f"{numbering} in {labels.name}")
    numbers, numbering = _numbered_folders(folder, names, outputs)
    return Labelled(folder, files, tuple(numbers[name.split("/")[0]] for name in names), numbering)


def _numbered_folders(
    folder: Path, names: Sequence[str], outputs: int
) -> tuple[dict[str, int], str]:
    loose = [name for name in names if "/" not in name]
    if loose:
        raise UsageError(
            f"{len(loose):,} of {len(names):,} images lie in {folder} itself, in no class's "
            f"folder: {', '.join(loose[:3])}{', ...' if len(loose) > 3 else ''}.",
            f"give their labels with --labels FILE: {label_files.FORMS}",
        )
    # Empty ones too: without them the others would be numbered differently.
    found = sorted(
        _as_text(one.name)
        for one in folder.iterdir()
        if one.is_dir() and not one.name.startswith(".")
    )
    if all(map(_is_number, found)):
        return {name: _in_range(int(name), outputs, f"folder {name}") for name in found}, INDICES
    if len(found) == outputs:
        order = {name: number for number, name in enumerate(found)}
        return order, SYNSETS if order == synsets.numbers() else SORTED
    unknown = [name for name in found if name not in synsets.numbers()]
    if unknown or outputs != IMAGENET:
        some = ", ".join(unknown[:3] or found[:3])
        if outputs == IMAGENET + 1 and not unknown:
            hint = _background_hint("name the folders by class number, the first class 1")
        else:
            hint = f"give a folder with {outputs} classes, or classes by number or ImageNet synset"
        raise UsageError(
            f"{folder} has {len(found):,} class folders ({some}{', ...' if len(found) > 3 else ''})"
            f", and the file has {outputs:,} classes: which folder is which class is not known.",
            hint,
        )
    return {name: synsets.numbers()[name] for name in found}, SYNSETS


def _background_hint(way: str) -> str:
    return f"where the output before ImageNet's thousand is the background, {way}"


def _numbered_labels(
    words: Sequence[str], source: Path, outputs: int
) -> tuple[tuple[int, ...], str]:
    distinct = sorted(set(words))
    if all(map(_is_number, distinct)):
        highest = max(map(int, distinct))
        if outputs == IMAGENET and highest == IMAGENET and "0" not in distinct:
            raise UsageError(
                f"{source} numbers its classes from 1 to 1000, as the challenge's development kit "
                "does, whose order is not that of networks' outputs.",
                "give the labels as synsets, or as class numbers 0..999 of the sorted synsets",
            )
        for word in distinct:
            _in_range(int(word), outputs, f"label {word} in {source}")
        return tuple(map(int, words)), INDICES
    unknown = [word for word in distinct if word not in synsets.numbers()]
    if unknown:
        wrong = next((word for word in unknown if not _is_number(word)), unknown[0])
        raise UsageError(
            f"{source} has a label {wrong[:40]!r}, which is neither a class number nor an ImageNet "
            "synset.",
            f"labels are numbers 0..{outputs - 1}, or synsets like n01440764",
        )
    if outputs != IMAGENET:
        hint = (
            _background_hint("give class numbers, the first class 1")
            if outputs == IMAGENET + 1
            else "give class numbers"
        )
        raise UsageError(
            f"{source} has ImageNet synsets, of which there are {IMAGENET}, and the file has "
            f"{outputs:,} classes.",
            hint,
        )
    return tuple(synsets.numbers()[word] for word in words), SYNSETS


def _in_range(number: int, outputs: int, whose: str) -> int:
    if number < outputs:
        return number
    raise UsageError(
        f"{whose} is out of range: the file has {outputs:,} classes, 0 to {outputs - 1}.",
        "give the data set that the file was trained for",
    )


def describe(labelled: Labelled, jobs: int, listen: Callable[[int], None]) -> DataSet:
    """The data set with its digest; every image is read once, ``jobs`` at a time.

    ``listen`` is told how many have been read. An image that cannot be read counts as empty.
    """
    whole = hashlib.sha256()
    for place, digest in enumerate(in_order(jobs, _digest, labelled.files)):
        facts = (labelled.name(place), str(labelled.classes[place]), digest)
        whole.update("\0".join(facts).encode() + b"\n")
        listen(place + 1)
    return DataSet(
        name=_as_text(labelled.folder.resolve().name or "/")[:200],
        sha256=whole.hexdigest(),
        count=len(labelled.files),
        numbering=labelled.numbering,
    )


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(images.content(path)).hexdigest()
    except images.Unreadable:
        return ""


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 10


def _as_text(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")
