"""A network of one's own: a TOML file becomes the same table as those of ``specs``, or is refused.

Knows: the format (docs/custom_networks.md), what chains, and what is too large to be meant. Does
not know: which names the catalog has, torch, weights. The file is untrusted: nothing in it is a
path or is executed, every number is bounded, and the first thing that is wrong is one sentence with
its place.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

from mnv4bench import codec
from mnv4bench.errors import BadFile, UsageError, nearest
from mnv4bench.models import counts, spec_rows
from mnv4bench.models.spec_rows import MAX_WIDTH, WrongRow, number, refuse_unknown, said
from mnv4bench.models.specs import (
    CLASSES,
    HEAD_WIDTH,
    MHSA,
    MQA,
    UIB,
    Activation,
    Block,
    FusedIB,
    Network,
)

SUFFIX = ".toml"
FAMILY = "custom"
HEAD = ("name", "input_px", "classes", "activation", "layer_scale", "head_width")
KEYS = (*HEAD, "stem", "stage")
MAX_BYTES = 2**20  # Hybrid-L takes 4 KB
MAX_STAGES, MAX_ROWS = 32, 500  # Hybrid-L: 5 and 37
MIN_PX, MAX_PX = 8, 4096
MAX_CLASSES = 100_000
# Of one image in fp32, 256 MiB; calibration holds eight. The largest of Hybrid-L is a 38th.
MAX_NUMBERS = 2**26
MAX_PARAMS = 500_000_000  # an ONNX or TFLite file holds 2 GB
MAX_MACS = 10**12  # 130 times Hybrid-L; a minute or more on a core
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_NEXT = "docs/custom_networks.md has the format; mnv4bench models mnv4-conv-s --toml prints one"


def is_custom(model: str) -> bool:
    """Whether these words of the command line name such a file; it need not be there."""
    return model.lower().endswith(SUFFIX)


def read(path: Path) -> Network:
    """The network in ``path``.

    Raises UsageError when there is no such file, BadFile with place and reason when it is not a
    network that can be built.
    """
    return parse(_bytes(path), str(path), path.stem)


def parse(data: bytes, source: str, stem: str) -> Network:
    """The network in ``data``; ``source`` is named in errors, ``stem`` names it if it does not."""
    table = codec.decode_table(data, source)
    try:
        network = _network(table, stem)
        _require_size(network)
    except WrongRow as wrong:
        raise BadFile(f"{source}: {wrong}.", _NEXT) from None
    return network


def _bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
            raise UsageError(f"{path} is not a file.", "give the network's own .toml file")
        if status.st_size > MAX_BYTES:
            raise BadFile(
                f"{path}: {status.st_size:,} bytes; a network is at most {MAX_BYTES:,}.", _NEXT
            )
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"There is no file {path}.", "mnv4bench models mnv4-conv-s --toml prints one to edit"
        ) from None
    except ValueError:  # a name that no file can have
        raise UsageError(f"{said(str(path))} names no file.", "check the path") from None
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}.") from None


def _network(table: Mapping[str, Any], stem: str) -> Network:
    if "device" in table and "runner" in table:
        raise WrongRow("is a device profile, which --device takes, and no network")
    refuse_unknown("network", table, KEYS)
    for key in ("input_px", "stem", "stage"):
        if key not in table:
            raise WrongRow(f"lacks {key}; a network has {', '.join(KEYS)}")
    try:
        first = spec_rows.stem(table["stem"])
    except WrongRow as wrong:
        raise WrongRow(f"stem {wrong}") from None
    if checks := [key for key in spec_rows.CHECKS if key in table["stem"]]:
        raise WrongRow(f"stem has {checks[0]}; what comes into it is an image of input_px")
    px = number("input_px", table["input_px"], MIN_PX, MAX_PX)
    entering = _Map("stem", 3, px, 1)
    _require_room("stem", first.out, -(-px // first.stride))
    return Network(
        name=_name(table.get("name"), stem),
        input_px=px,
        stem=first,
        stages=_stages(table["stage"], entering.after(first.out, first.stride)),
        activation=_activation(table.get("activation", "relu")),
        layer_scale=_layer_scale(table["layer_scale"]) if "layer_scale" in table else None,
        head_width=number("head_width", table.get("head_width", HEAD_WIDTH), 1, MAX_WIDTH),
        classes=number("classes", table.get("classes", CLASSES), 1, MAX_CLASSES),
    )


class _Map(NamedTuple):
    """What leaves a row and enters the next one."""

    left_by: str
    channels: int
    px: int
    strides: int  # multiplied so far

    def after(self, channels: int, stride: int) -> _Map:
        return _Map(self.left_by, channels, -(-self.px // stride), self.strides * stride)


def _stages(stages: object, entering: _Map) -> tuple[tuple[Block, ...], ...]:
    if not isinstance(stages, list) or not stages:
        raise WrongRow(f"has stage = {said(stages)}; each stage is a table [[stage]]")
    if len(stages) > MAX_STAGES:
        raise WrongRow(f"has {len(stages)} stages; at most {MAX_STAGES} fit")
    found: list[tuple[Block, ...]] = []
    for which, stage in enumerate(stages, start=1):
        if not isinstance(stage, Mapping):
            raise WrongRow(f"stage {which} is {said(stage)}; it is a table [[stage]]")
        try:
            refuse_unknown("stage", stage, ("rows",))
        except WrongRow as wrong:
            raise WrongRow(f"stage {which} {wrong}") from None
        rows = stage.get("rows")
        if not isinstance(rows, list) or not rows:
            raise WrongRow(f"stage {which} has no rows; rows = [ a row a block ]")
        if sum(map(len, found)) + len(rows) > MAX_ROWS:
            raise WrongRow(f"stage {which} brings more than {MAX_ROWS} rows in all; fewer fit")
        blocks: list[Block] = []
        for place, row in enumerate(rows, start=1):
            where = f"stage {which}, row {place}"
            block, entering = _row(where, row, entering)
            blocks.append(block)
        found.append(tuple(blocks))
    return tuple(found)


def _row(where: str, row: object, entering: _Map) -> tuple[Block, _Map]:
    """The block, and what it leaves. Raises WrongRow, which says ``where``."""
    kind = row.get("block") if isinstance(row, Mapping) else None
    if isinstance(kind, str) and kind in spec_rows.KINDS:
        where = f"{where} ({kind})"
    try:
        block = spec_rows.block(row)
        _require_chain(cast("Mapping[str, Any]", row), entering)
    except WrongRow as wrong:
        raise WrongRow(f"{where} {wrong}") from None
    match block:
        case MQA() | MHSA():
            out, stride, kv_px = entering.channels, 1, -(-entering.px // block.kv_stride)
            _require_room(where, block.heads * block.key_dim, entering.px)
            _require_room(where, block.heads, entering.px, kv_px, what="attention weights")
            taken = block.kv_stride
        case _:
            out, stride = block.out, block.stride
            wide = block.expanded if isinstance(block, UIB | FusedIB) else out
            # A UIB expands before it strides, the others after.
            px = entering.px if isinstance(block, UIB) else -(-entering.px // stride)
            _require_room(where, max(wide, out), px)
            taken = stride
    if taken > entering.px:
        raise WrongRow(
            f"{where} strides by {taken} over a map of {entering.px} x {entering.px}: the strides "
            f"multiply to {entering.strides * taken} by here, more than the input has pixels; "
            "take a larger input_px or a stride out"
        )
    return block, entering.after(out, stride)._replace(left_by=where)


def _require_chain(row: Mapping[str, Any], entering: _Map) -> None:
    """What the row says of the map that comes in has to be what does."""
    for key, known in (("px", entering.px), ("in", entering.channels)):
        if key in row and number(key, row[key], 1, MAX_WIDTH) != known:
            what = f"{known} channels" if key == "in" else f"a map of {known} x {known}"
            raise WrongRow(
                f"has {key} = {row[key]}, and {entering.left_by} leaves {what}: write {key} = "
                f"{known}, leave {key} out, or change {entering.left_by}"
            )


def _require_room(
    where: str, channels: int, px: int, other_px: int = 1, *, what: str = "numbers"
) -> None:
    held = channels * px**2 * other_px**2
    if held > MAX_NUMBERS:
        raise WrongRow(
            f"{where} computes {held:,} {what} for one image; at most {MAX_NUMBERS:,} fit: a "
            "smaller input_px or width, or a larger stride before it"
        )


def _require_size(network: Network) -> None:
    params, macs = counts.total_params(network), counts.total_macs(network)
    if params > MAX_PARAMS:
        raise WrongRow(f"has {params:,} parameters in all; at most {MAX_PARAMS:,} fit into a file")
    if macs > MAX_MACS:
        raise WrongRow(f"takes {macs:,} MACs an image; at most {MAX_MACS:,} can be measured here")


def _name(given: object, stem: str) -> str:
    if given is not None and not isinstance(given, str):
        raise WrongRow(f"has name = {said(given)}; it is a text")
    name = stem if given is None else given
    if not _NAME.fullmatch(name):
        whose = "is called" if given is None else "has name ="
        raise WrongRow(
            f"{whose} {said(name)}; a name is letters, digits and ._- (at most 80, the first no "
            'sign): name = "my-uib-net"'
        )
    return name


def _activation(given: object) -> Activation:
    known = get_args(Activation)
    if not isinstance(given, str) or given not in known:
        hint = nearest(given, list(known)) if isinstance(given, str) else f"known: {known}"
        raise WrongRow(f"has activation = {said(given)}; {hint}")
    return cast(Activation, given)


def _layer_scale(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= 1:
        raise WrongRow(
            f"has layer_scale = {said(given)}; it is above 0 and at most 1 (the Hybrids' is "
            "1e-5), or left out"
        )
    return float(given)


def written(network: Network) -> str:
    """``network`` as the text of such a file, without its name: that is the file's own."""
    px = network.input_px
    lines = [
        "# A network of MobileNetV4's blocks: a stage a table, a row a block, as in the paper's",
        "# Appendix D. Edit it; mnv4bench models ./THIS.toml says what it costs.",
        codec.key_line("input_px", px),
        codec.key_line("classes", network.classes),
        codec.key_line("activation", network.activation),
    ]
    if network.layer_scale is not None:
        lines.append(codec.key_line("layer_scale", network.layer_scale))
    lines.append(codec.key_line("head_width", network.head_width))
    stem = {key: value for key, value in spec_rows.row(network.stem).items() if key != "block"}
    after = -(-px // network.stem.stride)
    lines.append(f"stem = {codec.inline_table(stem)}  # {px} -> {after}")
    leaving = iter(counts.by_block(network)[1:])
    for stage in network.stages:
        before, left = after, [next(leaving) for _ in stage]
        after = left[-1].px
        size = f"{before} -> {after}" if before != after else f"{before}"
        lines += ["", f"[[stage]]  # {size}", "rows = ["]
        lines += [f"  {codec.inline_table(spec_rows.row(block))}," for block in stage]
        lines.append("]")
    return "\n".join(lines) + "\n"
