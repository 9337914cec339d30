"""Markdown that can be pasted: figures with units, names that do nothing."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mnv4bench.analysis import rows
from mnv4bench.analysis.universality import across
from mnv4bench.findings import Front, Skipped
from mnv4bench.models import published
from mnv4bench.records import Accuracy
from mnv4bench.render import front_markdown, inert, markdown
from tests.render import fixed
from tests.render.golden import assert_golden
from tests.sample_reports import artifact, measurement, report, samples

TIMM = Accuracy(top1=73.76, source="timm", weights="a tag", input_px=224, citation="timm")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def lines(*measured, skipped=(), accuracy=None) -> list[str]:
    return list(markdown.table(rows.measurements(report(*measured), lambda _: accuracy), skipped))


def test_a_row_reads_like_the_table() -> None:
    each = tuple(samples(r, 0.002 * (1 + r / 1000)) for r in range(6))
    heading, rule, row = lines(measurement(invocations=each), accuracy=TIMM)
    found = dict(zip(cells(heading), cells(row), strict=True))
    assert len(cells(rule)) == len(found)
    assert found["Model"] == "`mnv4-conv-s`"
    assert (found["Median"], found["Interval"], found["Invocations"]) == ("2.005 ms", "±0.2 %", "6")
    assert found["Top-1"] == "73.8 % (timm's)"


def test_a_count_keeps_every_digit() -> None:
    """It is exact, and a gate calls a difference in the last digit a difference."""
    [row] = rows.measurements(report(measurement()), lambda _: None)
    counted = replace(row, origin="emulated", latency_s=None, instructions=104_536_497)
    *_, line = markdown.table([counted], ())
    assert "104,536,497 instructions" in line


def test_a_quantised_files_accuracy_is_the_float_networks() -> None:
    _, _, row = lines(measurement(artifact=artifact(precision="int8")), accuracy=TIMM)
    assert "73.8 % (timm's, float network)" in row


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("front.md", front_markdown.lines(fixed.sure())),
        ("front_int8.md", front_markdown.lines(Front(groups=(fixed.quantised(),)))),
        ("universality.md", front_markdown.across(fixed.spanned())),
    ],
)
def test_fronts_as_they_are_pasted(name: str, found: Iterator[str]) -> None:
    assert_golden(name, "\n".join(found) + "\n")


def test_every_row_of_a_front_has_the_cells_of_its_heading() -> None:
    hostile = fixed.hostile()
    spanned = Front(groups=(hostile,), universality=across([hostile]), limits=fixed.LIMITS)
    for view in (front_markdown.lines, front_markdown.across):
        text = "\n".join(view(spanned))
        counts = {len(cells(line)) for line in text.split("\n") if line.startswith("|")}
        assert len(counts) == 1
        outside = re.sub(r"`[^`]*`", "", text)
        for acting in ("<script", "[red]", "@", "\x1b", "](", "<img"):
            assert acting not in outside


def test_a_front_of_nothing_says_so() -> None:
    assert list(front_markdown.lines(Front(groups=()))) == [front_markdown.NOTHING]
    left = Skipped(path="a|b.json", reason="cut short")
    assert list(front_markdown.across(Front(groups=(), skipped=(left,))))[-1] == (
        "* <code>a&#124;b.json</code>: `cut short`"
    )


def test_names_do_nothing() -> None:
    odd = "a|b`<img src=x>@someone [x](http://y)\x1b[31m\nz"
    heading, _, row = lines(measurement(artifact=artifact(odd)))
    assert len(cells(row)) == len(cells(heading))
    assert cells(row)[0] == (
        "<code>a&#124;b&#96;&#60;img src=x&#62;&#64;someone &#91;x&#93;(http&#58;//y)"
        "&#92;x1b&#91;31m&#92;nz</code>"
    )


@given(st.text(max_size=40))
def test_any_text_in_code_is_inert(text: str) -> None:
    made = inert.plain_code(text)
    assert made.count("`") in (0, 2)
    inside = made.strip("`").removeprefix("<code>").removesuffix("</code>")
    assert not re.search(r"[|`<>@\[\]*~\\\n]", inside)
    if "`" in made:
        assert inside == text.strip()


def test_failures_taint_and_what_was_not_used_are_said() -> None:
    failed = measurement(invocations=(), placement=None, failure="refused | by `it`")
    odd = measurement("mnv4-conv-m", invocations=(samples(0, tainted=("steal 12 %",)),))
    skipped = (Skipped(path="bad.json", reason="cut short"),)
    text = "\n".join(lines(failed, odd, skipped=skipped))
    assert "not measured: <code>refused &#124; by &#96;it&#96;</code>" in text
    assert "tainted: <code>steal 12 %, in 1 of 1 invocations</code>" in text
    assert "* `bad.json`: `cut short`" in text


def test_published_figures_keep_their_digits_and_their_source() -> None:
    text = "\n".join(markdown.table(rows.published(published.table()), ()))
    assert "| 0.7 ms |" in text
    assert f"as published in <code>{published.CITATION}</code>" in text
