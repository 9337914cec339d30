"""The page as one file: its parts, its data, and what the browser may run of it.

Knows: how text gets into HTML and JSON into a script, and the Content-Security-Policy: nothing is
loaded from anywhere, and only the scripts and the style in here run, by their digests. Does not
know: what the data says. The parts lie beside this module; vendor/ is Apache ECharts 6.1.0
(Apache-2.0, with parts of d3 under BSD-3) as published, unchanged.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

import msgspec

from mnv4bench import __version__
from mnv4bench.overview import Overview
from mnv4bench.render.html.payload import about, payload

_SCRIPTS = (
    "data.js", "marks.js", "filters.js", "sorting.js", "chart.js", "axes.js", "lines.js",
    "labels.js", "limits.js", "fronts.js", "measurements.js", "devices.js", "time_line.js",
    "model.js", "history.js", "main.js",
)  # fmt: skip
_LIBRARY = "vendor/echarts.min.js"


def document(whole: Overview) -> bytes:
    """The whole page, UTF-8."""
    style = _part("style.css")
    library = _part(_LIBRARY)
    # One function around all parts, so that none of their names is the page's.
    script = "(function () {\n'use strict';\n" + "".join(map(_part, _SCRIPTS)) + "})();\n"
    parts = {
        "policy": _policy(style, (library, script)),
        "title": escape(f"mnv4bench: {', '.join(about(whole))}"),
        "style": style,
        "data": in_script(payload(whole, __version__)),
        "library": library,
        "script": script,
    }
    pieces = []
    # Cut at the marks rather than replaced one after another: data may hold what looks like one.
    head, *rest = _part("page.html").split("<!--{")
    pieces.append(head)
    for piece in rest:
        name, _, after = piece.partition("}-->")
        pieces += [parts[name], after]
    return "".join(pieces).encode("utf-8", "backslashreplace")


def in_script(value: object) -> str:
    """JSON that no HTML parser takes for markup, and no older JavaScript for the end of a line."""
    text = msgspec.json.encode(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _policy(style: str, scripts: tuple[str, ...]) -> str:
    """Styles that a script sets on elements need no permission; style attributes have none."""
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return escape(
        f"default-src 'none'; script-src {allowed}; style-src 'sha256-{_digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _part(name: str) -> str:
    return files("mnv4bench.render.html").joinpath(name).read_text("utf-8")
