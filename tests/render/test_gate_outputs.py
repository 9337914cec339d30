"""A gate in Markdown, annotations, JUnit XML and a badge: golden texts, and names that attack."""

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from xml.etree import ElementTree as Xml

import pytest
from markdown_it import MarkdownIt

from mnv4bench import codec
from mnv4bench.errors import ExitStatus
from mnv4bench.findings import Gate, Skipped
from mnv4bench.render import gate_annotations, gate_badge, gate_junit, gate_rows, gate_summary
from mnv4bench.render.untrusted import visible
from tests.render import fixed_gates as fixed
from tests.render.golden import assert_golden

HOSTILE = [
    "a|b",
    "a\\|b|c",
    "`tick` ``two`` ```",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "::set-output name=x::y",
    "::error::not mine",
    "##[error]not mine",
    "%0A::error::not mine",
    "line\n::error::not mine\r\n| x | y |",
    "tab\tbell\x07escape\x1b[31m",
    "]]>",
    "&lt;b&gt; &#60;b&#62; &amp;",
    "[text](javascript:alert(1))",
    "![x](https://example.com/x.png)",
    "https://example.com www.example.com a@example.com",
    "**bold** _under_ ~~gone~~ # 1. > - *",
    "<!-- comment",
    "</code></td></table><h1>",
    "\u202egnp.exe",
    "\ufffe\udc80\x00",
    "ünï·码 ± ×",
    " leading and trailing ",
    "\\",
]


# --- golden -----------------------------------------------------------------------------------


def test_golden_texts() -> None:
    assert_golden("gate_summary.md", gate_summary.summary(fixed.MIXED, 1))
    assert_golden("gate_junit.xml", gate_junit.junit(fixed.MIXED, 1))
    assert_golden("gate_annotations.txt", "\n".join(gate_annotations.commands(fixed.MIXED, 1)))
    assert_golden("gate_badge.svg", gate_badge.svg(fixed.MIXED, 1))


def test_golden_texts_of_a_gate_that_measured_nothing() -> None:
    found, status = fixed.UNMEASURED, 3
    parts = (
        gate_summary.summary(found, status),
        gate_junit.junit(found, status),
        "\n".join(gate_annotations.commands(found, status)),
        gate_badge.svg(found, status),
        codec.encode_json(gate_badge.endpoint(found, status)),
    )
    assert_golden("gate_unmeasured.txt", "\n---\n".join(parts))


def test_counts_are_shown_as_counts_and_called_cost() -> None:
    text = gate_summary.summary(fixed.COUNTED, 0)
    assert "| 412,300,211 instr. | 413,702,031 instr. |" in text
    assert "exact, without noise, and a cost. It is no latency" in text
    assert "alarms in at most" not in text


# --- every exit status ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [int(status) for status in ExitStatus])
@pytest.mark.parametrize("found", [fixed.MIXED, fixed.UNMEASURED, fixed.gate(fixed.SAME)])
def test_green_is_for_status_0_alone(found: Gate, status: int) -> None:
    colour = gate_badge.endpoint(found, status).color
    root = Xml.fromstring(gate_junit.junit(found, status))
    if status != 0:
        assert int(root.get("failures", "")) + int(root.get("errors", "")) > 0
        assert gate_annotations.commands(found, status)
    assert (colour == "#2a7d3f") is (status == 0 and found.verdict == "same")
    assert colour in gate_badge.svg(found, status)
    assert f"exit status {status}" in gate_summary.summary(found, status)


def test_slower_could_not_measure_and_unproven_are_told_apart() -> None:
    said = {
        gate_rows.said(fixed.gate(fixed.SLOWER, verdict="slower"), 1),
        gate_rows.said(fixed.gate(fixed.WILD, verdict="inconclusive"), 3),
        gate_rows.said(fixed.UNMEASURED, 3),
        gate_rows.said(fixed.gate(fixed.SAME, skipped=(fixed.LEFT_OUT,)), 3),
        gate_rows.said(fixed.gate(fixed.UNPROVEN), 5),
        gate_rows.said(fixed.UNMEASURED, 130),
        gate_rows.said(fixed.gate(budgets=(fixed.OVER,), verdict="slower"), 1),
    }
    assert said == {
        "slower",
        "inconclusive",
        "not measured",
        "not everything measured",
        "placement unproven",
        "interrupted",
        "over budget",
    }


def test_quiet_where_nothing_is_wrong() -> None:
    assert gate_annotations.commands(fixed.gate(fixed.SAME, fixed.IDENTICAL), 0) == []


# --- names that attack ------------------------------------------------------------------------


def hostile(name: str) -> Gate:
    return fixed.gate(
        fixed.pair(name, reason=f"because {name}", notes=(f"note {name}",)),
        device=name,
        unit=name,
        skipped=(Skipped(path=f"other {name}", reason=name),),
        notes=(name,),
        reason=name,
    )


class Page(HTMLParser):
    """Which elements a page has, and what stands in its table's cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self._in_a_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Sequence[object]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_a_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_a_cell = self._in_a_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_a_cell:
            self.rows[-1][-1] += data


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_stays_a_table(name: str) -> None:
    text = gate_summary.summary(hostile(name), 3)
    page = Page(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    assert set(page.tags) <= {
        "h3", "p", "code", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li",
    }  # fmt: skip
    assert [len(row) for row in page.rows] == [7, 7, 7]
    first = next(row for row in page.rows if row[1] == "same")
    assert first[0] == visible(name)
    assert first[6].startswith(f"because {visible(name)}; note")
    # Nothing that GitHub's own filters would make a link, a mention or an issue of.
    assert not re.search(r"https?://|www\.|@\w|#\d", text.replace("&#", "&"))


@pytest.mark.parametrize("name", HOSTILE)
def test_junit_stays_xml(name: str) -> None:
    root = Xml.fromstring(gate_junit.junit(hostile(name), 3).encode())
    first, second = root.iter("testcase")
    assert first.get("name") == visible(name)
    assert second.get("name") == f"other {visible(name)}"
    assert {element.tag for element in root.iter()} == {
        "testsuites", "testsuite", "properties", "property", "testcase", "error", "system-out",
    }  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_an_annotation_is_one_command(name: str) -> None:
    for line in gate_annotations.commands(hostile(name), 3):
        assert "\n" not in line
        command, properties, data = as_the_runner_reads(line)
        assert command == "warning"
        assert set(properties) == {"title"}
        assert properties["title"].startswith(f"other {visible(name)}: not measured on ")
        assert data == visible(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_badge_stays_a_picture(name: str) -> None:
    root = Xml.fromstring(gate_badge.svg(hostile(name), 0))
    kinds = {element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in root.iter()}
    assert kinds == {"svg", "title", "clipPath", "rect", "g", "text"}


def as_the_runner_reads(line: str) -> tuple[str, dict[str, str], str]:
    """(command, properties, message), by the rules of actions/runner's ActionCommand.cs."""
    line = line.lstrip()
    assert line.startswith("::")
    information, _, data = line[2:].partition("::")
    command, _, rest = information.partition(" ")
    properties = {}
    for one in filter(None, rest.strip().split(",")):
        key, _, value = one.partition("=")
        for mark, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","),
                                ("%25", "%")):  # fmt: skip
            value = value.replace(mark, character)
        properties[key] = value
    for mark, character in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        data = data.replace(mark, character)
    return command, properties, data


# --- limits -----------------------------------------------------------------------------------


def many(count: int) -> Gate:
    slower = [fixed.pair(f"net-{n}", 1.1, verdict="slower") for n in range(count)]
    same = [fixed.pair(f"quiet-{n}") for n in range(count)]
    return fixed.gate(*same, *slower, verdict="slower")


@pytest.mark.parametrize("limit", [1, 400, 3000, 40_000])
def test_a_summary_is_cut_to_its_limit_and_says_so(limit: int) -> None:
    text = gate_summary.summary(many(200), 1, limit)
    assert len(text.encode()) <= limit
    if limit < 400:
        assert text == ""
        return
    assert text.startswith("### Latency gate: slower on")
    if limit > 400:
        rows = text.count("| **slower** |") + text.count("| same |")
        (left,) = re.findall(r"\*\*(\d+) rows left out\*\*", text)
        assert rows + int(left) == 400
        assert "| same |" not in text or text.count("| **slower** |") == 200


def test_a_whole_summary_says_nothing_of_a_cut() -> None:
    text = gate_summary.summary(many(200), 1)
    assert text.count("| same |") == 200
    assert "left out" not in text


def test_githubs_limit_holds_for_names_of_any_length() -> None:
    wordy = fixed.gate(*(fixed.pair(f"{n}{'<' * 9000}", reason="|" * 9000) for n in range(900)))
    assert len(gate_summary.summary(wordy, 0).encode()) <= 1024 * 1024


def test_no_more_annotations_than_github_shows() -> None:
    # A failing step gets one error of the runner's own, and ten of a kind are shown.
    lines = gate_annotations.commands(many(25), 1)
    assert len(lines) == 9
    assert "17 more models slower" in lines[-1]
    assert all(line.startswith("::error title=net-") for line in lines[:-1])
    assert len(gate_annotations.commands(many(9), 1)) == 9


# --- what readers ask for ---------------------------------------------------------------------

# Jenkins' junit-10.xsd (jenkinsci/xunit-plugin): children and required attributes.
XSD = {
    "testsuites": ({"testsuite"}, set()),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"tests"},
    ),
    "properties": ({"property"}, set()),
    "property": (set(), {"name", "value"}),
    "testcase": ({"skipped", "error", "failure", "system-out", "system-err"}, {"name"}),
    "failure": (set(), set()),
    "error": (set(), set()),
    "system-out": (set(), set()),
}
XSD_ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "disabled", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "time", "classname"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "system-out": set(),
}
# Where GitLab's reader (Ruby on Rails' Hash.from_xml) takes `type` as one of its own.
RAILS_TYPES = {"file", "array", "hash", "string", "symbol", "integer", "float", "decimal",
               "boolean", "date", "datetime", "yaml", "base64Binary", "duration"}  # fmt: skip


@pytest.mark.parametrize("found", [fixed.MIXED, fixed.UNMEASURED, many(30), hostile("x")])
def test_junit_is_what_its_readers_take(found: Gate) -> None:
    root = Xml.fromstring(gate_junit.junit(found, 3))
    for element in root.iter():
        children, required = XSD[element.tag]
        assert {child.tag for child in element} <= children
        assert required <= set(element.keys()) <= XSD_ATTRIBUTES[element.tag]
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(cases) == len(set(cases))
    assert root.get("tests") == str(len(cases))
    for kind, total in (("failure", "failures"), ("error", "errors")):
        troubles = list(root.iter(kind))
        assert root.get(total) == str(len(troubles))
        assert not RAILS_TYPES & {trouble.get("type") for trouble in troubles}
        for trouble in troubles:  # GitLab shows the text, the others the attribute
            assert trouble.get("message")
            assert (trouble.text or "").startswith(trouble.get("message", ""))


def test_two_of_one_name_stay_two() -> None:
    found = fixed.gate(fixed.SAME, fixed.SLOWER, fixed.SAME, verdict="slower")
    names = [
        case.get("name") for case in Xml.fromstring(gate_junit.junit(found, 1)).iter("testcase")
    ]
    assert names == ["efficientvit-b0", "mnv4-conv-s", "efficientvit-b0 (2)"]


def test_shields_gets_its_words() -> None:
    made = json.loads(codec.encode_json(gate_badge.endpoint(fixed.MIXED, 1)))
    assert made == {
        "schemaVersion": 1,
        "label": "latency gate",
        "message": "slower +8.1 %",
        "color": "#b3261e",
        "isError": True,
    }


@pytest.mark.parametrize("status", [0, 1, 3])
def test_badges_can_be_read(status: int) -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    picture = gate_badge.svg(fixed.gate(fixed.SAME), status)
    for colour in re.findall(r'rect[^>]*fill="(#\w+)"', picture):
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5, colour
    title = Xml.fromstring(picture).find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert (title.text or "").startswith("latency gate on host-cpu: ")
