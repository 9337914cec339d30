"""``mnv4bench predict``: the latency of networks on a device that is not attached."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.reading import AsJson, emit, say
from mnv4bench.errors import NotMeasured

if TYPE_CHECKING:
    from mnv4bench.cli.anchors import Anchors
    from mnv4bench.findings import Skipped

NEAREST = 4  # devices that are named where the one asked for has no latencies


class Source(StrEnum):
    """Whose latencies are the anchors."""

    MEASURED = "measured"
    PUBLISHED = "published"


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of `mnv4bench models`, timm:NAME, or networks of your own (.toml). "
            "[default: all]",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="ID", help="A profile of `mnv4bench devices`.")
    ] = ...,  # type: ignore[assignment]  # typer's way to say that it must be given
    input_px: Annotated[
        int | None, typer.Option(min=32, max=4096, help="Side of the image. [default: its own]")
    ] = None,
    source: Annotated[
        Source | None,
        typer.Option(
            "--from", help="Predict from these alone. [default: measured, where they suffice]"
        ),
    ] = None,
    reports: Annotated[
        list[Path] | None,
        typer.Option("--reports", help="Where measured ones are. [default: reports]"),
    ] = None,
    tables: Annotated[
        list[str] | None,
        typer.Option("--published", help='Tables beside the paper\'s ("paper"): FILE.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict latencies from those that were measured or published for the same device.

    How good it is stands beside: each known latency is left out and predicted from the others. A
    prediction is never drawn among measurements.

    Example: mnv4bench predict --device pixel6-cpu mnv4-conv-m
    """
    from mnv4bench import codec, profiles
    from mnv4bench.analysis import prediction
    from mnv4bench.cli.anchors import costs_of
    from mnv4bench.findings import LeftOut, Predictions
    from mnv4bench.models import catalog

    profile = profiles.load(device)
    skipped: list[Skipped] = []
    chosen = _chosen(profile.device, profile.precision, source, reports, tables or [], skipped)
    predictor = prediction.fit(
        chosen.device, chosen.precision, chosen.known, origin=chosen.origin, source=chosen.source
    )
    assert predictor is not None  # so it was chosen
    predictions, refused = [], []
    words = models or [entry.model for entry in catalog.entries()]
    for word in words:
        px, costs = costs_of(word, input_px)
        model = catalog.name_of(word)
        why = prediction.refusal(predictor, costs)
        if why:
            refused.append(LeftOut(model=model, reason=why))
        else:
            predictions.append(prediction.predict(predictor, model, px, costs))
    found = Predictions(
        predictor=predictor,
        predictions=tuple(predictions),
        refused=tuple(refused),
        skipped=tuple(skipped),
    )
    if as_json:
        emit(codec.encode_json(found))
    else:
        from mnv4bench.render import predictions as rendered

        say(rendered.listed(found, profile.title))
    if not predictions:
        raise NotMeasured(
            f"nothing was predicted: {refused[0].model}: {refused[0].reason}.",
            f"measure it: mnv4bench run --device {profile.device} --model {words[0]}",
        )


def _chosen(
    device: str,
    precision: str,
    source: Source | None,
    reports: list[Path] | None,
    tables: list[str],
    skipped: list[Skipped],
) -> Anchors:
    """The anchors of ``device``; raises NotMeasured where there are too few."""
    from mnv4bench.analysis import prediction
    from mnv4bench.analysis.roofline import explained, width
    from mnv4bench.cli import anchors
    from mnv4bench.cli.reading import DEFAULT_REPORTS
    from mnv4bench.models import published_tables

    every: list[Anchors] = []
    if source is not Source.PUBLISHED and (reports or DEFAULT_REPORTS.exists()):
        every += anchors.measured(reports, skipped)
    if source is not Source.MEASURED:
        every += anchors.published(published_tables.named([published_tables.PAPER, *tables]))
    every = [one for one in every if width(one.precision)]
    counts = {id(one): len(explained(one.known)[0]) for one in every}
    usable = [one for one in every if counts[id(one)] >= prediction.FEWEST]
    here = [one for one in usable if one.device == device]
    if here:
        # In the order of trust: measured first, then the precision that the profile measures in.
        return max(
            here,
            key=lambda one: (one.origin == "measured", one.precision == precision, counts[id(one)]),
        )
    most = max((counts[id(one)] for one in every if one.device == device), default=0)
    others = sorted({one.device for one in usable})
    shown = ", ".join(others[: NEAREST * 2]) or "none yet"
    raise NotMeasured(
        f"{most} latencies of {device} are known whose networks' layers are known too, and "
        f"{prediction.FEWEST} are needed to predict others; nothing was predicted.",
        f"devices with enough: {shown}; or measure {prediction.FEWEST} models on it: "
        f"mnv4bench run --device {device}",
    )
