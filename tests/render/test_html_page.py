"""The page as a file: its data, its policy, and that nothing in it can be fetched or run."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mnv4bench.analysis.overview import Material
from mnv4bench.models import accuracies
from mnv4bench.overview import Overview
from mnv4bench.records import Report
from mnv4bench.render.html import page
from mnv4bench.render.palette import looks
from tests.render.fixed import published
from tests.render.report_stores import HOSTILE, changing, hard
from tests.sample_reports import measurement, report, samples

PARTS = Path(page.__file__).parent
# Of echarts 6.1.0 as npm has it, dist/echarts.min.js.
ECHARTS_SHA256 = "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0"


def overview(*reports: Report, **more: Any) -> Overview:
    material = Material()
    for one in reports:
        material.add(one)
    return material.overview(
        lambda one: accuracies.choose(one.model, one.input_px, "timm", one.weights), **more
    )


def text_of(whole: Overview) -> str:
    return page.document(whole).decode()


def data_in(text: str) -> dict[str, Any]:
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    made: dict[str, Any] = json.loads(found)
    return made


def without_library(text: str) -> str:
    library = (PARTS / "vendor" / "echarts.min.js").read_text()
    assert library in text
    return text.replace(library, "")


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(overview(*hard(), *changing(), published=published()))


def test_the_library_is_the_published_one_with_its_licences() -> None:
    vendor = PARTS / "vendor"
    assert sha256((vendor / "echarts.min.js").read_bytes()).hexdigest() == ECHARTS_SHA256
    assert "Apache License" in (vendor / "LICENSE-echarts").read_text()
    assert (vendor / "NOTICE-echarts").exists()
    assert "Bostock" in (vendor / "LICENSE-d3").read_text()


def test_the_policy_allows_these_scripts_and_this_style_and_nothing_else(text: str) -> None:
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in unescape(policy).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy
    assert "http" not in policy

    def digests(tag: str) -> set[str]:
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        return {f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in found}

    assert set(rules["script-src"].split()) == digests("script")
    assert set(rules["style-src"].split()) == digests("style")
    # A policy holds for what follows it.
    assert text.index("Content-Security-Policy") < text.index("<style>") < text.index("<script")


def test_nothing_is_fetched(text: str) -> None:
    own = without_library(text)
    assert "fetch(" not in own
    assert "XMLHttpRequest" not in own
    assert "@import" not in own
    assert "url(" not in own
    # Names of namespaces are no requests.
    assert set(re.findall(r"https?://[^\s'\"<>\\]+", own)) <= {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"<(?:img|iframe|object|embed|audio|video|form)\b", own)
    assert re.findall(r"<link[^>]*>", own) == ['<link rel="icon" href="data:,">']


def test_no_script_writes_markup() -> None:
    for part in PARTS.glob("*.js"):
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in part.read_text(), part


def test_hostile_names_are_text_in_the_data(text: str) -> None:
    [found] = re.findall(r'id="data">(.*?)</script>', text, re.S)
    assert not set(found) & set("<>&\u2028\u2029")
    words = data_in(text)["words"]
    # As the terminal has it: acting characters written out, all else as it is.
    shown = HOSTILE.replace("\u2028", "\\u2028").replace("\u202e", "\\u202e")
    assert shown in words
    assert "no room <left>" in " ".join(words)


@pytest.mark.parametrize("value", ["</script>", "<!--", "]]>", "\u2028\u2029", "&lt;", '"\\'])
def test_json_in_a_script_comes_back_as_it_was(value: str) -> None:
    inside = page.in_script({"a": [value]})
    assert not set(inside) & set("<>&\u2028\u2029")
    assert json.loads(inside) == {"a": [value]}


def test_every_number_comes_with_its_text(text: str) -> None:
    found = data_in(text)
    points, words = found["points"], found["words"]
    row = [words[one] for one in points["model"]].index("efficientvit-b1")  # the measured one
    assert words[points["reason"][row]].startswith("tainted: another program used 34 %")
    assert words[points["cost"][row]].endswith(" ms")
    assert "published in the paper's Table 6" in words
    assert {words[one] for one in found["groups"]["origin"]} == {
        "measured", "published", "emulated",
    }  # fmt: skip


def test_a_page_depends_on_its_content_alone() -> None:
    assert text_of(overview(*hard())) == text_of(overview(*reversed(hard())))


def test_a_single_invocation_has_no_interval_and_no_probability() -> None:
    lone = report(measurement(invocations=(samples(0),)))
    found = data_in(text_of(overview(lone)))
    assert found["points"]["low"] == [None]
    assert found["words"][found["points"]["spread"][0]] == ""
    assert found["words"][found["points"]["shareText"][0]] == ""
    assert any("a single invocation says nothing about its spread" in one for one in found["words"])


def test_a_date_that_is_none_has_no_place_in_time() -> None:
    broken = [replace(one, started_at="yesterday") for one in changing()[:4]]
    broken = [
        replace(
            one,
            measurements=tuple(
                replace(m, invocations=tuple(replace(s, started_at="soon") for s in m.invocations))
                for m in one.measurements
            ),
        )
        for one in broken
    ]
    found = data_in(text_of(overview(*broken)))
    assert {moment[0] for moment in found["history"]["series"][0]["moments"]} == {None}


def test_nothing_at_all_is_a_page_too() -> None:
    found = data_in(text_of(Material().overview(lambda _: None)))
    assert found["points"]["model"] == []
    assert found["history"] is None


def test_every_look_has_a_symbol_in_the_page() -> None:
    from mnv4bench.render.html.payload import _SYMBOLS

    drawn = looks([f"stranger {index}" for index in range(30)] + ["custom"])
    assert {look.marker for look in drawn.values()} <= _SYMBOLS.keys()
