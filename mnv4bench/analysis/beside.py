"""Measured latencies beside published ones: which belong together, and in what ratio.

Knows: that only the same device, model, precision and input size make a ratio. Does not know: where
tables come from, or how a ratio is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from mnv4bench.findings import Summary
from mnv4bench.findings.beside import Beside, PublishedSource, SideBySide, Unmatched
from mnv4bench.records import PublishedLatency


def source(
    name: str,
    citation: str,
    url: str,
    cells: Sequence[PublishedLatency],
    unknown_models: tuple[str, ...] = (),
    unknown_devices: tuple[str, ...] = (),
) -> PublishedSource:
    """A table before anything was compared with it."""
    return PublishedSource(
        source=name,
        citation=citation,
        url=url,
        cells=len(cells),
        devices=tuple(dict.fromkeys(cell.device for cell in cells)),
        unknown_models=unknown_models,
        unknown_devices=unknown_devices,
    )


def side_by_side(
    measured: Iterable[Summary],
    tables: Iterable[tuple[PublishedSource, Sequence[PublishedLatency]]],
) -> SideBySide:
    """Each of ``measured`` beside each table that has its device.

    Compared is what a front would compare: of origin "measured", placed where it was asked to be,
    untainted. Every other pair is listed with its reason, as is what one side alone has.
    """
    by_device: dict[str, list[Summary]] = defaultdict(list)
    for one in measured:
        if one.origin == "measured":
            by_device[one.device].append(one)
    sources, rows, unmatched = [], list[Beside](), list[Unmatched]()
    for about, cells in tables:
        missing = tuple(device for device in about.devices if device not in by_device)
        sources.append(replace(about, devices_not_measured=missing))
        for device in about.devices:
            if device in by_device:
                printed = [cell for cell in cells if cell.device == device]
                made, others = _of_device(by_device[device], printed, about.citation)
                rows += made
                unmatched += others
    return SideBySide(sources=tuple(sources), rows=tuple(rows), unmatched=tuple(unmatched))


def _of_device(
    measured: Sequence[Summary], printed: Sequence[PublishedLatency], citation: str
) -> tuple[list[Beside], list[Unmatched]]:
    rows, unmatched = [], []
    by_key: dict[tuple[str, str, int | None], list[PublishedLatency]] = defaultdict(list)
    by_model: dict[str, list[PublishedLatency]] = defaultdict(list)
    for cell in printed:
        by_key[_key(cell)].append(cell)
        by_model[cell.model].append(cell)
    matched, told = set(), set()
    for one in measured:
        same = by_key.get(_key(one), [])
        matched |= {id(cell) for cell in same}
        reason = _doubt(one) if same else _nearly(one, by_model.get(one.model, []))
        if reason:
            unmatched.append(_alone(one, citation, reason))
            told.add(one.model)
            continue
        for cell in same:
            if cell.latency_s is None:
                says = "failed" if cell.status == "failed" else "not benchmarked"
                unmatched.append(_alone(one, citation, f"the table says {says}"))
            else:
                rows.append(_beside(one, cell, cell.latency_s))
    models = {one.model for one in measured}
    for cell in printed:
        if id(cell) in matched or cell.model in told or cell.status == "not_benchmarked":
            continue
        reason = "not measured"
        if cell.model in models:
            reason = f"not measured in {cell.precision} at {cell.input_px} px"
        unmatched.append(_alone(cell, citation, reason))
    rows.sort(key=lambda one: one.published_runtime)  # stable: else in the order of the reports
    return rows, unmatched


def _key(one: Summary | PublishedLatency) -> tuple[str, str, int | None]:
    return (one.model, one.precision, one.input_px)


def _nearly(one: Summary, alike: Sequence[PublishedLatency]) -> str:
    """Why no printed figure is of the same; ``alike`` are those of its model."""
    if not alike:
        return "the table has no such model"
    at = sorted({f"{cell.precision} at {cell.input_px} px" for cell in alike})
    return f"measured in {one.precision} at {one.input_px} px, published in {', '.join(at)}"


def _doubt(one: Summary) -> str:
    """Why this measurement is not fit to be compared; empty: it is."""
    reasons = [f"placement {one.placement}"] if one.placement in ("none", "unproven") else []
    if one.tainted:
        reasons.append(f"tainted: {', '.join(one.tainted)}")
    return "; ".join(reasons)


def _alone(one: Summary | PublishedLatency, citation: str, reason: str) -> Unmatched:
    return Unmatched(
        device=one.device,
        model=one.model,
        precision=one.precision,
        input_px=one.input_px,
        citation=citation,
        reason=reason,
    )


def _beside(one: Summary, cell: PublishedLatency, printed_s: float) -> Beside:
    half_digit = (cell.printed_to_s or 0.0) / 2
    low = high = None
    if one.low_s is not None and one.high_s is not None:
        low = one.low_s / (printed_s + half_digit)
        # Printed as one digit alone, such as 0.1 ms, it may still have been more than nothing.
        high = one.high_s / max(printed_s - half_digit, half_digit)
    return Beside(
        device=one.device,
        machine=one.machine,
        model=one.model,
        precision=one.precision,
        input_px=cell.input_px,
        report=one.report,
        latency_s=one.latency_s,
        low_s=one.low_s,
        high_s=one.high_s,
        confidence=one.confidence,
        published_s=printed_s,
        published_runtime=cell.runtime,
        citation=cell.citation,
        ratio=one.latency_s / printed_s,
        ratio_low=low,
        ratio_high=high,
    )
