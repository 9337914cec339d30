"""A gate as a badge: an SVG of our own, or the JSON that shields.io draws one from.

Knows: colours, words and widths. Does not know: where the file goes. Both are offered, as a
private repository cannot show shields.io its files, and a public one may want the style of its
other badges. Green is for exit status 0 alone.

shields.io/badges/endpoint-badge: ``schemaVersion`` is 1, ``message`` must not be empty, and
``isError`` keeps whoever embeds the badge from overriding its colour.
"""

from __future__ import annotations

from html import escape

from msgspec import Struct

from mnv4bench import units
from mnv4bench.findings import Gate
from mnv4bench.render.gate_rows import counted, said
from mnv4bench.render.untrusted import visible

LABEL = "latency gate"
# White on each has a contrast of at least 4.5 (WCAG 2.1, 1.4.3); told apart by their words too.
_GREEN, _RED, _AMBER, _GREY = "#2a7d3f", "#b3261e", "#8a5a00", "#555555"
_CHARACTER = 6.6  # pixels: a generous mean of DejaVu Sans and Verdana at 11 pixels
_MARGIN, _HEIGHT = 6, 20  # pixels


class Endpoint(Struct, frozen=True, kw_only=True, rename="camel"):
    """What shields.io asks for."""

    schema_version: int = 1
    label: str = LABEL
    message: str
    color: str
    is_error: bool = False


def endpoint(found: Gate, status: int) -> Endpoint:
    """The badge as data."""
    return Endpoint(
        message=_message(found, status),
        color=_colour(found, status),
        is_error=status != 0,
    )


def svg(found: Gate, status: int) -> str:
    """The badge as a picture, with its meaning as a title for whoever hears it."""
    message, colour = _message(found, status), _colour(found, status)
    left, right = _width(LABEL), _width(message)
    on = f" on {visible(found.device)}" if found.device else ""
    title = escape(f"{LABEL}{on}: {message}. {visible(counted(found))}".strip())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" '
        f'role="img" aria-label="{title}">\n'
        f"<title>{title}</title>\n"
        f'<clipPath id="round"><rect width="{left + right}" height="{_HEIGHT}" rx="3"/>'
        "</clipPath>\n"
        f'<g clip-path="url(#round)">\n'
        f'<rect width="{left}" height="{_HEIGHT}" fill="{_GREY}"/>\n'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{colour}"/>\n'
        "</g>\n"
        f'<g fill="#ffffff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\n'
        f"{_text(LABEL, 0, left)}{_text(message, left, right)}</g>\n</svg>\n"
    )


def _message(found: Gate, status: int) -> str:
    """The verdict, with how much where something became slower."""
    said_of = said(found, status)
    slower = [pair.ratio for pair in found.pairs if pair.verdict == "slower" and pair.ratio]
    return f"{said_of} {units.change(max(slower))}" if status == 1 and slower else said_of


def _colour(found: Gate, status: int) -> str:
    if status == 1:
        return _RED
    if status == 0 and found.verdict in ("same", "faster"):
        return _GREEN
    return _AMBER


def _width(text: str) -> int:
    return round(len(text) * _CHARACTER) + 2 * _MARGIN


def _text(text: str, start: int, width: int) -> str:
    """Centred and held to its width, whatever font there is."""
    return (
        f'<text x="{start + _MARGIN}" y="14" textLength="{width - 2 * _MARGIN}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>\n'
    )
