"""A file of labels, in the forms that ImageNet's are handed round in.

Knows: ``name label`` and ``name,label`` lines (Kaggle's LOC_val_solution.csv among them), and bare
labels one a line, in the order of the sorted images. Does not know: images, or what a label means.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mnv4bench.accuracy import synsets
from mnv4bench.errors import BadFile, UsageError

MAX_BYTES = 64 * 2**20  # a line for each of a million images; anything larger is another file
FORMS = "lines of NAME LABEL or NAME,LABEL, or one label a line for each image in sorted order"


@dataclass(frozen=True)
class Labels:
    """What the file says: a label by image name, or labels in order."""

    source: Path
    by_name: Mapping[str, str]  # empty: they are in order
    in_order: Sequence[str]

    def of(self, names: Sequence[str]) -> list[str]:
        """One label for each of ``names``, which are paths in the data set, sorted.

        A name in the file may be such a path, a file's name, or that without its suffix. Raises
        UsageError naming the images that have no label.
        """
        if not self.by_name:
            if len(self.in_order) != len(names):
                raise UsageError(
                    f"{self.source} holds {len(self.in_order):,} labels in order, and there are "
                    f"{len(names):,} images.",
                    "give the labels with names: lines of NAME LABEL",
                )
            return list(self.in_order)
        found = [self._label(PurePosixPath(name)) for name in names]
        missing = [name for name, label in zip(names, found, strict=True) if label is None]
        if missing:
            raise UsageError(
                f"{self.source} has no label for {len(missing):,} of {len(names):,} images: "
                f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}.",
                "add them, or take these images out of the folder",
            )
        return [label for label in found if label is not None]

    def _label(self, name: PurePosixPath) -> str | None:
        for word in (str(name), name.name, name.stem):
            if (label := self.by_name.get(word)) is not None:
                return label
        return None


def read(path: Path) -> Labels:
    """The labels in ``path``. Raises UsageError when there is no such file, BadFile for its form.

    A first line whose label is no number and no synset, unlike the second's, is a heading.
    """
    rows = _rows(path)
    if all(len(row) == 1 for row in rows):
        return Labels(path, {}, [row[0] for row in rows])
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        if len(row) < 2:
            raise BadFile(f"{path}: entry {number} has no label: {row[0]!r}.", FORMS)
        name, label = row
        if found.setdefault(name, label) != label:
            raise BadFile(f"{path}: {name} has two labels, {found[name]} and {label}.", FORMS)
    return Labels(path, found, ())


def _rows(path: Path) -> list[list[str]]:
    """[name, label] or [label], without empty lines, comments and a heading."""
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "is not there"
            raise UsageError(f"{path} {what}.", f"--labels takes a text file: {FORMS}")
        if path.stat().st_size > MAX_BYTES:
            raise BadFile(f"{path}: larger than {MAX_BYTES // 2**20} MiB, so no list of labels.")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise BadFile(f"{path}: not readable as text.", FORMS) from None
    lines = [line.strip() for line in text.splitlines()]
    rows = [_row(line) for line in lines if line and not line.startswith("#")]
    if len(rows) > 1 and len(rows[0]) == 2 and not _is_label(rows[0][1]) and _is_label(rows[1][1]):
        rows = rows[1:]
    if not rows:
        raise BadFile(f"{path} holds no labels.", FORMS)
    return rows


def _row(line: str) -> list[str]:
    """A name may hold blanks where a comma or a tab ends it. Of several labels the first counts:
    Kaggle's lines go on with boxes."""
    for separator in (",", "\t"):
        if separator in line:
            name, *rest = next(csv.reader([line], delimiter=separator))
            words = rest[0].split() if rest else []
            return [name.strip(), *words[:1]]
    return line.rsplit(maxsplit=1)


def _is_label(word: str) -> bool:
    return word.isdecimal() or word in synsets.numbers()
