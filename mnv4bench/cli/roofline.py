"""``mnv4bench roofline``: what networks ask of hardware, and which hardware explains latencies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.reading import (
    DEFAULT_REPORTS,
    AsJson,
    FigureWidth,
    WidthOption,
    emit,
    say,
    written,
)
from mnv4bench.errors import NotMeasured, UsageError

if TYPE_CHECKING:
    from mnv4bench.findings import RidgeFit, Skipped, Sweep
    from mnv4bench.records import Costs, Precision

DEFAULT = ("mnv4-conv-s", "mnv4-conv-m", "mobilenetv3-large")
# As in the paper's appendix F, of each decade its own panel; 0 is hardware whose memory is free.
RIDGES = (
    *(index / 10 for index in range(0, 51, 5)),
    *(5.0 + 2.5 * index for index in range(1, 19)),
    *(50.0 + 25.0 * index for index in range(1, 19)),
)


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of `mnv4bench models`, timm:NAME, or networks of your own (.toml). "
            f"[default: {', '.join(DEFAULT)}]",
            show_default=False,
        ),
    ] = None,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="The ridge point of each device whose latencies are known."),
    ] = False,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep", help="Each model's time over the first one's, at ridge points from 0 to 500."
        ),
    ] = False,
    ridge: Annotated[
        float | None,
        typer.Option(min=0.1, max=100_000, help="Of the hardware, in MACs per byte. [default: 31]"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="ID", help="Take the ridge point that fits this device."),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="fp32, fp16 or int8: how wide numbers are. [default: int8]")
    ] = None,
    reports: Annotated[
        list[Path] | None,
        typer.Option("--reports", help="Where measured latencies are. [default: reports]"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where to write, without a suffix: .svg, .png, .pdf and .json are added. "
            "[default: roofline, or sweep]"
        ),
    ] = None,
    width: WidthOption = FigureWidth.SCREEN,
    as_json: AsJson = False,
) -> None:
    """Show which layers wait for memory and which for arithmetic, as in the paper's section 3.

    Counted from the network itself: no device is needed. With --fit, the ridge point that explains
    a device's latencies best, beside the paper's.

    Example: mnv4bench roofline mnv4-conv-s mnv4-conv-l --device pixel6-cpu
    """
    if fit and sweep:
        raise UsageError("--fit is about devices and --sweep about models.", "give one of them")
    if fit and models:
        raise UsageError("--fit takes all models whose latency is known.", "leave the names out")

    from mnv4bench import codec
    from mnv4bench.findings import Rooflines
    from mnv4bench.render import rooflines as rendered

    wide = _precision(precision)
    if fit or device:
        skipped: list[Skipped] = []
        fits = _fits(device, reports, skipped)
        if fit:
            found = Rooflines(fits=fits, skipped=tuple(skipped))
            if as_json:
                emit(codec.encode_json(found))
            else:
                say(rendered.fitted(found))
            return
        ridge = ridge or fits[0].ridge_macs_per_byte
        wide = wide if precision else fits[0].precision

    from mnv4bench.render import roofline_figure

    networks = _networks(models or list(DEFAULT), named=not sweep)
    if sweep:
        swept = _swept(networks, wide)
        found = Rooflines(sweep=swept)
        pictures = roofline_figure.swept(swept, width.value)
        view = rendered.swept(found)
    else:
        from mnv4bench.analysis import roofline

        placed = tuple(
            roofline.place(model, px, costs, wide, ridge or 31.0) for model, px, costs in networks
        )
        found = Rooflines(rooflines=placed)
        pictures = roofline_figure.layers(placed, width.value)
        view = rendered.layers(found)
    drawn = written(out or Path("sweep" if sweep else "roofline"), found, pictures, width)
    if as_json:
        emit(codec.encode_json(found))
        return
    say(view)
    emit(drawn)


def _precision(text: str | None) -> Precision:
    from mnv4bench.analysis.roofline import WIDTHS

    for known in WIDTHS:
        if known == (text or "int8"):
            return known
    raise UsageError(
        f"--precision {text!r} has no one width of numbers.", f"one of {', '.join(WIDTHS)}"
    )


def _networks(models: list[str], *, named: bool) -> list[tuple[str, int, Costs]]:
    from mnv4bench.cli.anchors import costs_of
    from mnv4bench.models import catalog

    return [
        (catalog.name_of(model), *costs_of(model, named=named)) for model in dict.fromkeys(models)
    ]


def _swept(networks: list[tuple[str, int, Costs]], precision: Precision) -> Sweep:
    from mnv4bench.analysis import roofline

    return roofline.sweep([(model, costs) for model, _, costs in networks], precision, RIDGES)


def _fits(
    device: str | None, reports: list[Path] | None, skipped: list[Skipped]
) -> tuple[RidgeFit, ...]:
    """Of ``device``, else of every device; raises NotMeasured where there is none."""
    from mnv4bench.analysis import roofline
    from mnv4bench.cli import anchors
    from mnv4bench.models import published_tables

    every = list(anchors.published([published_tables.paper()]))
    if reports or DEFAULT_REPORTS.exists():
        every += anchors.measured(reports, skipped)
    fits = [
        _beside_the_papers(found)
        for one in every
        if device in (None, one.device) and roofline.width(one.precision)
        if (
            found := roofline.fit(
                one.device, one.precision, one.known, origin=one.origin, source=one.source
            )
        )
    ]
    if not fits:
        which = device or "any device"
        raise NotMeasured(
            f"fewer than {roofline.FEWEST} latencies of {which} are known, so no ridge point was "
            "fitted.",
            "give one: --ridge 31; or measure: mnv4bench run",
        )
    # Measured ones first; among equals the order of the table.
    return tuple(sorted(fits, key=lambda one: one.origin != "measured"))


def _beside_the_papers(fit: RidgeFit) -> RidgeFit:
    """``fit`` with the paper's row of the same device in the same precision, where it has one."""
    from msgspec.structs import replace

    from mnv4bench.models.ridge_points import TABLE_16

    printed = TABLE_16.get(fit.device)
    if printed is None or fit.precision != "int8":
        return fit
    return replace(
        fit,
        paper_ridge=printed.ridge,
        paper_rank_correlation=printed.roofline,
        paper_rank_correlation_macs=printed.macs,
    )
