"""Predictions as text, always beside how good they are."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import Predictions, Predictor
from mnv4bench.render.terminal import View, Write, left_out, plain_table


def listed(found: Predictions, title: str) -> View:
    """Each model's latency with its interval, and what the MAC count alone would say."""

    def build(write: Write) -> RenderableType:
        one = found.predictor
        table = plain_table(
            write,
            ("Model", "left"),
            ("Input", "right"),
            ("MACs", "right"),
            ("Predicted", "right"),
            (f"{units.share(one.coverage)} within", "right"),
            ("By MACs alone", "right"),
            (one.origin.capitalize(), "right"),
            names=(row.model for row in found.predictions),
            title=write(f"PREDICTED for {title} ({one.device}), {one.precision}", "bold"),
        )
        for row in found.predictions:
            table.add_row(
                write(row.model, "bold"),
                write(str(row.input_px)),
                write(units.count(row.macs)),
                write(units.seconds(row.latency_s, row.high_s - row.latency_s)),
                write(f"{units.seconds(row.low_s)} .. {units.seconds(row.high_s)}"),
                write(units.seconds(row.by_macs_s), "dim"),
                write("" if row.known_s is None else units.seconds_as_printed(row.known_s), "dim"),
            )
        parts: list[RenderableType] = [table] if found.predictions else []
        parts += [Text(""), *(write(line, "dim") for line in notes(one))]
        for reason in dict.fromkeys(row.reason for row in found.refused):
            alike = ", ".join(row.model for row in found.refused if row.reason == reason)
            parts.append(write(f"Not predicted: {alike}: {reason}."))
        return Group(*parts, *left_out(found.skipped, write))

    return View(build)


def notes(one: Predictor) -> list[str]:
    """How good a predictor is, in sentences."""
    worst = max(one.anchors, key=lambda anchor: abs(anchor.predicted_s / anchor.latency_s - 1))
    off = [
        max(row.predicted_s, row.latency_s) / min(row.predicted_s, row.latency_s)
        for row in one.anchors
    ]
    held = sum(factor <= one.spread * (1 + 1e-9) for factor in off)
    lines = [
        f"From {len(one.anchors)} {one.origin} latencies ({one.source}). Each left out and "
        f"predicted from the others: off by {units.percent(one.mean_error)} on average, at worst "
        f"by {units.percent(one.worst_error)} ({worst.model}), rank correlation "
        f"{one.rank_correlation:.3f}.",
        f"The MAC count alone: off by {units.percent(one.mean_error_macs)}, rank correlation "
        f"{one.rank_correlation_macs:.3f}.",
        f"The interval is the factor, {units.ratio(one.spread)}, that held {held} of these "
        f"{len(off)}: by the conformal rule {units.share(one.coverage)} for one more network, as "
        "far as it is like them. A model with a known latency is itself predicted from the others "
        "alone.",
    ]
    if one.left_out:
        names = ", ".join(row.model for row in one.left_out)
        lines.append(f"Not among the anchors, since work and traffic do not explain them: {names}.")
    return lines
