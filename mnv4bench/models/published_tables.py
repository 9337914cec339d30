"""Published tables that a user brings, as TOML or CSV, beside the paper's own (published).

Knows: the format (docs/published.md) and every way in which a table can mislead: no citation, two
units, two devices taken for one, the same row twice. Does not know: measurements, fronts, profiles.
Whatever is refused is refused whole, with the line: half a table would be another table.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from stat import S_ISREG
from typing import Any, Literal, NamedTuple, cast, get_args

from msgspec import Struct
from msgspec.structs import replace

from mnv4bench import codec
from mnv4bench.errors import BadFile, UsageError, nearest
from mnv4bench.models import accuracies, catalog, published
from mnv4bench.records import MAX_SECONDS, Precision, PublishedLatency, Weights

PAPER = "paper"  # the word for the table that ships
SUFFIXES = (".toml", ".csv")
# Far above any table that was ever printed; a larger file is something else.
MAX_BYTES = 16 * 2**20
MAX_ROWS = 10_000
MAX_TEXT = 500  # characters of a citation

# column -> power of ten that makes seconds of it
_UNITS = {"latency_s": 0, "latency_ms": -3, "latency_us": -6}
_TEXTS = ("citation", "url", "device", "model", "family", "runtime", "precision")
_NUMBERS = (*_UNITS, "top1_percent", "input_px")
KEYS = (*_TEXTS, *_NUMBERS)
# What may be said once for all rows; "rows" holds them, in TOML.
_HEAD = tuple(key for key in KEYS if key not in ("model", "top1_percent", *_UNITS))
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?|[+-]?\.[0-9]+")
_WORDS: dict[str, Literal["failed", "not_benchmarked"]] = {
    "failed": "failed",
    "not_benchmarked": "not_benchmarked",
}
_NEXT = "docs/published.md has the format"


class Table(Struct, frozen=True):
    """One published table, checked."""

    source: str  # the file, or "paper"
    citation: str
    url: str
    cells: tuple[PublishedLatency, ...]
    unknown_models: tuple[str, ...]  # that the catalog does not have, in order of appearance


def named(sources: Iterable[str]) -> tuple[Table, ...]:
    """The tables of ``sources``: "paper", or files. Raises UsageError or BadFile with the reason.

    Files that cite the same are refused: their rows would stand in one front.
    """
    found: list[Table] = []
    for source in dict.fromkeys(sources):
        table = paper() if source == PAPER else read(Path(source))
        twin = next((one for one in found if one.citation == table.citation), None)
        if twin is not None:
            raise BadFile(
                f"{source}: has the citation of {twin.source}, {table.citation!r}.",
                "say in each what tells them apart, or put their rows into one file",
            )
        found.append(table)
    return tuple(found)


def paper() -> Table:
    """Table 6 of the MobileNetV4 paper."""
    cells = published.table()
    url = "https://arxiv.org/abs/2404.10518v2"
    return Table(PAPER, published.CITATION, url, cells, _unknown(cells))


def read(path: Path) -> Table:
    """The table in ``path``, .toml or .csv. Raises BadFile with line and reason, UsageError."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{path}: a published table is a .toml or .csv file, or the word {PAPER}.", _NEXT
        )
    data = _bytes(path)
    text = _text(data, path)
    toml = path.suffix.lower() == ".toml"
    head, rows = _of_toml(data, path) if toml else _of_csv(text, path)
    return _checked(head, rows, path)


def with_accuracies(
    cells: Iterable[PublishedLatency], source: Literal["timm", "paper"]
) -> tuple[PublishedLatency, ...]:
    """Where a table prints no top-1, that of the same architecture and input size in ``source``."""
    filled = []
    for cell in cells:
        weights = Weights(kind="random", detail="")
        if cell.top1 is None:
            known = accuracies.choose(cell.model, cell.input_px, source, weights)
            if known:
                cell = replace(cell, top1=known.top1, accuracy_source=known.source)
        filled.append(cell)
    return tuple(filled)


# --- the file ---------------------------------------------------------------------------------


class _RawRow(NamedTuple):
    where: str  # "line 7", "row 3"
    values: Mapping[str, Any]


def _bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise BadFile(f"{path}: not a regular file.")
        if status.st_size > MAX_BYTES:
            raise BadFile(
                f"{path}: {status.st_size / 2**20:.0f} MiB; a published table is at most "
                f"{MAX_BYTES // 2**20} MiB.",
                _NEXT,
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file.", _NEXT) from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}).") from None


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")  # spreadsheets begin with a mark
    except UnicodeDecodeError as error:
        raise BadFile(
            f"{path}: not UTF-8 (byte {error.start:,} is 0x{data[error.start]:02x}).",
            "save it as UTF-8",
        ) from None


def _of_toml(data: bytes, path: Path) -> tuple[dict[str, Any], list[_RawRow]]:
    found = codec.decode_table(data.removeprefix(b"\xef\xbb\xbf"), str(path))
    rows = found.pop("rows", None)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadFile(f"{path}: has no [[rows]], one for each model.", _NEXT)
    return found, [_RawRow(f"row {number}", row) for number, row in enumerate(rows, 1)]


def _of_csv(text: str, path: Path) -> tuple[dict[str, Any], list[_RawRow]]:
    """Lines "# key: value" come first and hold for all rows; then a line of column names."""
    lines = text.splitlines(keepends=True)
    head: dict[str, Any] = {}
    for begins, line in enumerate(lines):
        if not line.startswith("#") and line.strip():
            break
        key, colon, value = line.lstrip("# \t").partition(":")
        if not colon:
            continue  # a remark
        if key.strip() in head:
            raise BadFile(f"{path}, line {begins + 1}: {_cut(key.strip())} is given twice.", _NEXT)
        if key.strip() in KEYS:
            head[key.strip()] = value.strip()
    else:
        begins = len(lines)  # a head alone
    reader = csv.reader(lines[begins:], strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise BadFile(f"{path}: the column {_cut(min(twice))} stands there twice.", _NEXT)
        rows = []
        for cells in reader:
            where = f"line {begins + reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                raise BadFile(
                    f"{path}, {where}: {len(cells)} cells under {len(names)} columns.",
                    "write decimals with a point, and put text with a comma in quotes",
                )
            filled = {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
            rows.append(_RawRow(where, {name: cell for name, cell in filled.items() if cell}))
            if len(rows) > MAX_ROWS:
                break
    except csv.Error as error:
        raise BadFile(f"{path}: not readable as CSV ({error}).", _NEXT) from None
    _known(names, KEYS, path, "a column")
    return head, rows


# --- what it says -----------------------------------------------------------------------------


def _checked(head: Mapping[str, Any], rows: Sequence[_RawRow], path: Path) -> Table:
    _known(head, _HEAD, path, "a key for the whole table")
    if not rows:
        raise BadFile(f"{path}: has no row.", _NEXT)
    if len(rows) > MAX_ROWS:
        raise BadFile(f"{path}: has more than {MAX_ROWS:,} rows.", _NEXT)
    for row in rows:
        _known(row.values, KEYS, path, f"{row.where}: a key")
    whole = [_RawRow(row.where, _joined(head, row, path)) for row in rows]
    citation = _one("citation", whole, path)
    url = _one("url", whole, path) if any("url" in row.values for row in whole) else ""
    unit = _unit(whole, path)
    cells: dict[tuple[object, ...], tuple[str, PublishedLatency]] = {}
    for row in whole:
        cell = _cell(row, unit, citation, path)
        key = (cell.device, cell.model, cell.precision, cell.input_px, cell.runtime)
        if key in cells:
            raise BadFile(
                f"{path}, {row.where}: {cell.model} on {cell.device} ({cell.precision}, "
                f"{cell.input_px} px) stands in {cells[key][0]} already.",
                "keep one of the two, or tell them apart by runtime",
            )
        cells[key] = (row.where, cell)
    made = tuple(cell for _, cell in cells.values())
    return Table(str(path), citation, url, made, _unknown(made))


def _known(given: Iterable[str], known: Sequence[str], path: Path, what: str) -> None:
    for key in given:
        if key not in known:
            raise BadFile(f"{path}: {what} {_cut(key)} is not known.", nearest(key, list(known)))


def _joined(head: Mapping[str, Any], row: _RawRow, path: Path) -> dict[str, Any]:
    """The row with what holds for all. Said twice and differently, a table is of two things."""
    for key, value in row.values.items():
        if key in head and head[key] != value:
            raise BadFile(
                f"{path}, {row.where}: {key} is {_cut(value)} here and {_cut(head[key])} "
                "for the whole table.",
                f"leave {key} to the rows, or make a file of each",
            )
    return {**head, **row.values}


def _one(key: str, rows: Sequence[_RawRow], path: Path) -> str:
    """What must be the same in all rows."""
    said = {row.where: _words(row, key, path) for row in rows if key in row.values}
    silent = next((row.where for row in rows if row.where not in said), None)
    if silent is not None:
        where = "" if not said else f" in {silent}"
        raise BadFile(
            f"{path}: has no {key}{where}. A figure that nobody can look up is not drawn.",
            f'{key} = "who published it, where, which version" for the whole table',
        )
    if len(set(said.values())) > 1:
        first, *others = dict.fromkeys(said.values())
        raise BadFile(
            f"{path}: has two {key}s, {first!r} and {others[0]!r}.", "make a file of each"
        )
    return next(iter(said.values()))


def _unit(rows: Sequence[_RawRow], path: Path) -> str:
    used: dict[str, str] = {}
    for row in rows:
        for key in _UNITS:
            if key in row.values:
                used.setdefault(key, row.where)
    if len(used) > 1:
        told = ", ".join(f"{key} in {where}" for key, where in used.items())
        raise BadFile(f"{path}: has latencies in several units: {told}.", "one unit in one file")
    if not used:
        raise BadFile(f"{path}: has no latency.", f"one of {', '.join(_UNITS)}")
    return next(iter(used))


def _cell(row: _RawRow, unit: str, citation: str, path: Path) -> PublishedLatency:
    precision = _words(row, "precision", path)
    if precision not in get_args(Precision):
        known = nearest(precision, list(get_args(Precision)))
        raise BadFile(f"{path}, {row.where}: the precision {_cut(precision)} is not known.", known)
    status, latency_s, printed_to_s = _latency(row, unit, path)
    top1 = None
    if "top1_percent" in row.values:
        top1 = float(_number(row, "top1_percent", path))
        if not 1 < top1 <= 100:
            raise BadFile(
                f"{path}, {row.where}: top1_percent is {top1:g}; it is a percentage, 1 to 100.",
                "73.8, not 0.738",
            )
    model = _words(row, "model", path)
    family = _words(row, "family", path) if "family" in row.values else None
    return PublishedLatency(
        model=model,
        family=family or _families().get(model, "published"),
        device=_words(row, "device", path),
        status=status,
        latency_s=latency_s,
        printed_to_s=printed_to_s,
        top1=top1,
        input_px=_side(row, path),
        precision=cast(Precision, precision),
        citation=citation,
        confidence="as given in the file",
        runtime=_words(row, "runtime", path) if "runtime" in row.values else "",
        accuracy_source="table",
    )


def _latency(
    row: _RawRow, unit: str, path: Path
) -> tuple[Literal["ok", "failed", "not_benchmarked"], float | None, float | None]:
    """(status, seconds, its last printed digit in seconds)."""
    if unit not in row.values:
        raise BadFile(f"{path}, {row.where}: has no {unit}.", f"a number, or {' or '.join(_WORDS)}")
    if word := _WORDS.get(str(row.values[unit])):
        return word, None, None
    printed = _number(row, unit, path)
    latency_s = float(printed.scaleb(_UNITS[unit]))
    if not 0 < latency_s <= MAX_SECONDS:
        raise BadFile(
            f"{path}, {row.where}: {unit} is {row.values[unit]}; a latency is above 0 and at most "
            f"{MAX_SECONDS:g} s.",
            f"a number, or {' or '.join(_WORDS)}",
        )
    exponent = printed.as_tuple().exponent
    assert isinstance(exponent, int)
    # Of a whole number nobody knows which of its zeros are rounded: 20 is taken for 20, not 2e1.
    digit = float(Decimal(1).scaleb(min(exponent, 0) + _UNITS[unit]))
    return "ok", latency_s, digit


def _side(row: _RawRow, path: Path) -> int:
    if "input_px" not in row.values:
        raise BadFile(
            f"{path}, {row.where}: has no input_px, the side of the input image in pixels.",
            "the same network at another size is another latency",
        )
    side = _number(row, "input_px", path)
    if side != side.to_integral_value() or not 0 < side <= 65_536:
        raise BadFile(f"{path}, {row.where}: input_px is {side}.", "e.g. 224")
    return int(side)


def _number(row: _RawRow, key: str, path: Path) -> Decimal:
    """As decimal text: 2.4 ms is the double nearest to 0.0024, not 2.4 / 1000."""
    value = row.values[key]
    text = str(value)
    if isinstance(value, bool) or len(text) > 60 or not _DECIMAL.fullmatch(text):
        raise BadFile(
            f"{path}, {row.where}: {key} is {_cut(text)}, which is no number.",
            "digits with a decimal point and no unit behind them",
        )
    return Decimal(text)


def _words(row: _RawRow, key: str, path: Path) -> str:
    value = row.values.get(key)
    if value is None:
        raise BadFile(f"{path}, {row.where}: has no {key}.", f"{key} in every row, or once for all")
    longest = MAX_TEXT if key in ("citation", "url") else 200
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise BadFile(
            f"{path}, {row.where}: {key} is {_cut(value)}.",
            f"text of at most {longest} characters",
        )
    return value.strip()


def _cut(value: object) -> str:
    """Enough of what stands there to be found again."""
    text = str(value)
    return repr(text) if len(text) <= 60 else f"{text[:60]!r} and so on"


@cache
def _families() -> dict[str, str]:
    known = {cell.model: cell.family for cell in published.table()}
    return known | {entry.model: entry.family for entry in catalog.entries()}


def _unknown(cells: Iterable[PublishedLatency]) -> tuple[str, ...]:
    known = {entry.model for entry in catalog.entries()}
    return tuple(dict.fromkeys(cell.model for cell in cells if cell.model not in known))
