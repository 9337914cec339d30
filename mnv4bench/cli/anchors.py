"""Networks whose latency on a device is known, with their layers: what is fitted to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mnv4bench.analysis.roofline import Known
    from mnv4bench.findings import LeftOut, Skipped
    from mnv4bench.models.published_tables import Table
    from mnv4bench.records import Costs, Origin, Precision


class Anchors(NamedTuple):
    """Latencies of one device in one precision, from one source: a table, or one environment."""

    device: str
    precision: Precision
    origin: Origin
    source: str
    known: tuple[Known, ...]
    left_out: tuple[LeftOut, ...]  # whose layers nobody here knows


def published(tables: Sequence[Table]) -> Iterator[Anchors]:
    """One for each device, precision and table."""
    for table in tables:
        keys = dict.fromkeys(
            (cell.device, cell.precision) for cell in table.cells if cell.status == "ok"
        )
        for device, precision in keys:
            rows = (
                (cell.model, cell.input_px, cell.latency_s)
                for cell in table.cells
                if (cell.device, cell.precision) == (device, precision) and cell.latency_s
            )
            yield _made(device, precision, "published", table.citation, rows)


def measured(paths: list[Path] | None, skipped: list[Skipped]) -> Iterator[Anchors]:
    """One for each device and precision in the reports, of the environment that has most models."""
    from mnv4bench.cli.gathering import latest

    found = [
        one
        for one in latest(paths, skipped).summaries()
        if one.origin == "measured" and not one.tainted
    ]
    for device, precision in dict.fromkeys((one.device, one.precision) for one in found):
        here = [one for one in found if (one.device, one.precision) == (device, precision)]
        environment = Counter(one.environment for one in here).most_common(1)[0][0]
        same = [one for one in here if one.environment == environment]
        rows = ((one.model, one.input_px, one.latency_s) for one in same)
        yield _made(device, precision, "measured", same[0].machine, rows)


def _made(
    device: str,
    precision: Precision,
    origin: Origin,
    source: str,
    rows: Iterable[tuple[str, int | None, float]],
) -> Anchors:
    from mnv4bench.analysis.roofline import Known
    from mnv4bench.findings import LeftOut
    from mnv4bench.models import layer_table

    known, left_out = [], []
    for model, input_px, latency_s in rows:
        costs = layer_table.of(model, input_px) if input_px else None
        if costs is None:
            left_out.append(LeftOut(model=model, reason="its layers are not known here"))
        else:
            known.append(Known(model, costs, latency_s))
    return Anchors(device, precision, origin, source, tuple(known), tuple(left_out))


def costs_of(model: str, input_px: int | None = None, *, named: bool = False) -> tuple[int, Costs]:
    """(input px, layers) of a model that the command line names; torch is asked where no table is.

    The table's layers have no names; ``named`` asks torch for these too, where it is installed.
    Raises UsageError for an unknown model, MissingExtra where torch is needed and missing.
    """
    from importlib.util import find_spec

    from mnv4bench.models import catalog, layer_table

    px = input_px or catalog.entry(model).input_px
    found = layer_table.of(model, px)
    nameless = found is not None and not found.layers[0].name
    if found is None or (named and nameless and find_spec("torch")):
        from mnv4bench.models import layers

        found = layers.of(model, px)
    return px, found


def predictable(device: str) -> bool:
    """Whether the paper's table alone suffices to predict for ``device``."""
    from mnv4bench.analysis.prediction import FEWEST
    from mnv4bench.analysis.roofline import explained
    from mnv4bench.models import published_tables

    return any(
        one.device == device and len(explained(one.known)[0]) >= FEWEST
        for one in published([published_tables.paper()])
    )
