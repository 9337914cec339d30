"""What a model of the user's own is called in reports and tables.

Knows: file names, and which names are the catalog's. Does not know: what is inside the file.
"""

import os
from pathlib import Path

from mnv4bench.errors import UsageError

FAMILY = "own file"
MAX_NAME = 200  # records.Name


def name_of(path: Path) -> str:
    """The stem; the whole file name where the stem is a model of the catalog.

    A file called mnv4-conv-s.onnx would otherwise pass for that model, its accuracy included.
    """
    from mnv4bench.models import catalog, custom

    stem = as_text(path.stem)
    if custom.is_custom(stem):  # net.toml.onnx: no reason to read a net.toml
        return stem
    try:
        catalog.entry(stem)
    except UsageError:
        return stem
    return as_text(path.name)


def as_text(name: str) -> str:
    """A file name as printable UTF-8 of bounded length; names may hold any byte."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "�" for char in text)[:MAX_NAME]
