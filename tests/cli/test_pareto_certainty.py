"""`pareto` on how sure it is, under limits, over other things than latency, and across devices."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from mnv4bench import store
from tests.cli.test_reading_verbs import assert_sentence
from tests.command_line import Terminal
from tests.sample_reports import (
    PROFILE,
    counted,
    counting_report,
    evaluation,
    measurement,
    report,
    samples,
)

# Medians of six invocations; the second one's reach below the first one's.
SMALL = (0.00100, 0.00101, 0.00102, 0.00100, 0.00101, 0.00102)
LARGE = (0.0020, 0.0021, 0.0022, 0.0020, 0.0021, 0.0022)


def stored(directory: Path, name: str, device: str, **latencies_s: tuple[float, ...]) -> None:
    """A report on ``device``; of mobilenetv3_small the model is mobilenetv3-small."""
    measured = [
        measurement(
            model.replace("_", "-"),
            invocations=tuple(
                samples(i, value, load_s=0.05 + i / 1e3) for i, value in enumerate(values)
            ),
        )
        for model, values in latencies_s.items()
    ]
    profile = replace(PROFILE, device=device)
    store.write(directory, report(*measured, name=name, profile=profile))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    stored(folder, "r1", "host-cpu", mobilenetv3_small=SMALL, mnv4_conv_s=LARGE)
    return folder


def test_every_compared_model_has_a_probability(terminal: Terminal, reports: Path) -> None:
    [group] = terminal("pareto", reports, "--json").json["groups"]
    assert {p["model"]: p["front_probability"] for p in group["points"]} == {
        "mobilenetv3-small": 1.0,
        "mnv4-conv-s": 1.0,
    }
    certainty = group["certainty"]
    assert (certainty["resamples"], certainty["seed"]) == (2000, 0)
    assert certainty["monte_carlo_error"] == pytest.approx(0.0112, abs=1e-4)
    [area] = certainty["hypervolumes"]
    assert area["low"] <= area["value"] <= area["high"]
    assert (area["reference_x"], area["reference_given"]) == (pytest.approx(2 * 0.0021), False)
    assert group["points"][0]["values"] == list(SMALL)
    assert group["points"][0]["margin_x"] == pytest.approx(0.0021 - 0.00101)


def test_the_table_says_how_sure_it_is(terminal: Terminal, reports: Path) -> None:
    out = terminal("pareto", reports).out
    assert "On front" in out
    assert ">99.9 %" in out
    assert "2,000 resamples of the invocations (seed 0)" in out
    assert "Hypervolume" in out


def test_files_evaluated_on_the_same_images_are_drawn_on_the_same_ones(
    terminal: Terminal, reports: Path
) -> None:
    """The slower one is right twice more, and never wrong where the other is right."""
    store.write_evaluation(reports, evaluation(*[0] * 80, *[1] * 20, model="mobilenetv3-small"))
    store.write_evaluation(reports, evaluation(*[0] * 82, *[1] * 18, model="mnv4-conv-s"))
    ran = terminal("pareto", reports, "--json", "--universality")
    [group] = ran.json["groups"]
    assert (group["certainty"]["evaluated"], group["certainty"]["paired"]) == (2, 2)
    [share] = [p["front_probability"] for p in group["points"] if p["model"] == "mnv4-conv-s"]
    assert 0.85 < share < 0.98  # apart, 2 points of 100 images would be 0.65
    table = " ".join(terminal("pareto", reports).out.split())
    assert "resamples of the invocations and of the images, the same for all files" in table
    page = terminal("report", reports, "--json").json
    assert page["front"]["groups"][0]["certainty"] == group["certainty"]


def test_one_invocation_has_no_probability_and_no_interval(
    terminal: Terminal, tmp_path: Path
) -> None:
    stored(tmp_path / "reports", "r1", "host-cpu", mobilenetv3_small=SMALL[:1])
    ran = terminal("pareto", "reports", "--json")
    [group] = ran.json["groups"]
    assert group["points"][0]["front_probability"] is None
    assert group["certainty"]["resamples"] == 0
    assert "too few to know how much they vary" in terminal("pareto", "reports").out


def test_the_best_model_under_a_budget(terminal: Terminal, reports: Path) -> None:
    ran = terminal("pareto", reports, "--max-latency", "1.5ms", "--json")
    [pick] = ran.json["groups"][0]["certainty"]["picks"]
    assert (pick["model"], pick["share"], pick["runner_up"]) == ("mobilenetv3-small", 1.0, None)
    assert ran.json["limits"] == {"max_latency_s": pytest.approx(0.0015), "min_top1": None}
    shown = terminal("pareto", reports, "--max-latency", "2.12 ms").out
    assert "With latency at most 2.12 ms: mnv4-conv-s (most accurate), the best in " in shown
    assert "next: mobilenetv3-small (the best in " in shown
    least = terminal("pareto", reports, "--min-top1", "70").out
    assert "With top-1 at least 70.0 %: mnv4-conv-s (least latency)" in least
    none = terminal("pareto", reports, "--max-latency", "1us", "--min-top1", "70").out
    assert "With latency at most 1.00 µs and top-1 at least 70.0 %: no model." in none


def test_a_reference_point_of_ones_own(terminal: Terminal, reports: Path) -> None:
    ran = terminal("pareto", reports, "--reference", "10ms,60", "--json")
    [area] = ran.json["groups"][0]["certainty"]["hypervolumes"]
    assert (area["reference_x"], area["reference_top1"], area["reference_given"]) == (
        pytest.approx(0.01), 60.0, True,
    )  # fmt: skip
    size = terminal("pareto", reports, "--x", "size", "--reference", "100MB,60", "--json")
    [area] = size.json["groups"][0]["certainty"]["hypervolumes"]
    assert area["reference_x"] == 1e8


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("--max-latency", "5"), ("no time above 0", "--max-latency 5ms")),
        (("--max-latency", "0ms"), ("no time above 0",)),
        (("--max-latency", "5ms", "--x", "size"), ("over size", "--min-top1")),
        (("--min-top1", "nan"), ("--min-top1",)),
        (("--min-top1", "101"), ("--min-top1",)),
        (("--reference", "10ms"), ("--reference 10ms,60",)),
        (("--reference", "10ms,nan"), ("top-1 in percent",)),
        (("--reference", "10MB,60"), ("latency with its unit",)),
        (("--reference", "10ms,60", "--x", "size"), ("--reference 100MB,60",)),
        (("--reference", "1ms,60", "--x", "instructions"), ("--reference 500M,60",)),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    terminal: Terminal, reports: Path, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    assert_sentence(terminal("pareto", reports, *arguments), 2, *parts)


def test_other_objectives(terminal: Terminal, reports: Path) -> None:
    load = terminal("pareto", reports, "--x", "load-time", "--json").json["groups"][0]
    assert load["objective"] == "load-time"
    assert load["points"][0]["x"] == pytest.approx(0.0525)
    assert load["points"][0]["x_low"] == pytest.approx(0.05)
    size = terminal("pareto", reports, "--x", "size")
    assert "Size" in size.out
    assert "sizes are exact" in size.out
    memory = terminal("pareto", reports, "--x", "peak-memory")
    assert "excluded: its report has no peak memory" in memory.out
    assert "No front: 2 models, and each is excluded." in memory.out
    assert memory.status == 0


def test_counted_instructions_are_exact_and_never_a_latency(
    terminal: Terminal, tmp_path: Path
) -> None:
    for number, (model, count) in enumerate((("mnv4-conv-s", 120), ("mobilenetv3-small", 60))):
        each = (counted(0, count * 10**6), counted(1, count * 10**6))
        made = counting_report(*each, model=model, name=f"r{number}")
        store.write(tmp_path / "reports", made)
    ran = terminal("pareto", "reports", "--x", "instructions", "--json")
    [group] = ran.json["groups"]
    assert (group["origin"], group["objective"]) == ("emulated", "instructions")
    assert [(p["model"], p["x"], p["x_low"], p["status"]) for p in group["points"]] == [
        ("mobilenetv3-small", 60e6, None, "front"),
        ("mnv4-conv-s", 120e6, None, "front"),
    ]
    shown = terminal("pareto", "reports", "--x", "instructions").out
    assert "EMULATED" in shown
    assert "60.0 M" in shown
    assert "Interval" not in shown
    assert "counts of instructions are exact" in shown
    over_latency = terminal("pareto", "reports").out
    assert "excluded: instructions were counted: a cost, not a latency" in " ".join(
        over_latency.split()
    )


def test_universality_of_what_was_measured(
    terminal: Terminal, tmp_path: Path, reports: Path
) -> None:
    stored(reports, "r2", "host-ort-cpu", mobilenetv3_small=LARGE, mnv4_conv_s=SMALL)
    stored(reports, "r3", "pixel6-cpu", mnv4_conv_s=SMALL)
    ran = terminal("pareto", reports, "--universality", "--json")
    [found] = ran.json["universality"]
    assert [column["device"] for column in found["columns"]] == [
        "host-cpu", "host-ort-cpu", "pixel6-cpu",
    ]  # fmt: skip
    rows = {row["model"]: row for row in found["rows"]}
    assert [cell["status"] for cell in rows["mobilenetv3-small"]["cells"]] == [
        "front", "dominated", "unknown",
    ]  # fmt: skip
    assert rows["mnv4-conv-s"]["on_front"] == rows["mnv4-conv-s"]["known"] == 3
    assert json.loads((tmp_path / "universality.json").read_text()) == ran.json
    ElementTree.parse(tmp_path / "universality.svg")
    shown = terminal("pareto", reports, "--universality", "--out", "u").out
    assert "3 devices  MEASURED" in shown
    assert "drawn: u.svg, u.png, u.pdf, u.json" in shown
    best = terminal("pareto", reports, "--universality", "--max-latency", "1.5ms").out
    assert "host-ort-cpu, fp32, measured: With latency at most 1.50 ms: mnv4-conv-s" in best


def test_the_papers_claim_is_replayed(terminal: Terminal) -> None:
    out = terminal("pareto", "--published", "--universality").out
    assert "7 devices  PUBLISHED" in out
    assert "MobileNetV4: 30 of 31 known cells on the front, more than half of them on 7 of 7" in out
    assert "holds of no other family" in out
    assert "By model it has rivals" in out
    assert "mnv4-conv-m on pixel7-gpu, fp16: ×1.01 of the front, dominated by mnv4-hybrid-m." in out


def test_measured_and_published_never_share_a_table(terminal: Terminal, reports: Path) -> None:
    ran = terminal("pareto", reports, "--published", "--universality", "--json")
    assert [one["origin"] for one in ran.json["universality"]] == ["measured", "published"]
    assert len(ran.json["universality"][1]["columns"]) == 7


def test_markdown_to_paste(terminal: Terminal, reports: Path) -> None:
    ran = terminal("pareto", reports, "--format", "markdown", "--max-latency", "1.5ms")
    assert ran.out.startswith("### `host-cpu`, fp32, measured\n\n| Model | Latency |")
    assert "* **With latency at most 1.50 ms: mobilenetv3-small (most accurate)" in ran.out
    assert "drawn:" not in ran.out
    across = terminal("pareto", reports, "--format", "markdown", "--universality").out
    assert "| `mnv4-conv-s` | front | 1 of 1 |" in across
    assert terminal("pareto", reports, "--format", "json").json["groups"]
    assert_sentence(terminal("pareto", reports, "--json", "--format", "markdown"), 2, "two formats")


def test_a_published_table_beside_the_measured_as_markdown(
    terminal: Terminal, tmp_path: Path
) -> None:
    stored(tmp_path / "reports", "r1", "pixel6-cpu", mnv4_conv_s=LARGE)
    vendor = tmp_path / "vendor.csv"
    vendor.write_text(
        "# citation: A @note | 1\ndevice,precision,model,input_px,latency_ms,top1_percent\n"
        "pixel6-cpu,fp32,mnv4-conv-s,224,2.0,73.8\n"
    )
    out = terminal("pareto", "reports", "--published", vendor, "--format", "markdown").out
    assert "### `pixel6-cpu`, measured beside published" in out
    assert "| `mnv4-conv-s` | fp32 | 224 | 2.10 ms | 2.0 ms | 1.050 (0.976..1.128) |" in out
    assert "* **Your pixel6-cpu" in out
    assert "@note" not in out
    assert "A <code>&#64;</code>note &#124; 1" in out


def test_published_numbers_have_no_probability(terminal: Terminal) -> None:
    ran = terminal("pareto", "--published", "--json", "--max-latency", "3ms")
    for group in ran.json["groups"]:
        assert {p["front_probability"] for p in group["points"]} == {None}
        assert {pick["share"] for pick in group["certainty"]["picks"]} == {None}
    assert "with unknown certainty" in terminal("pareto", "--published", "--max-latency", "3ms").out


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    """One model with the table's own top-1, one without."""
    table = tmp_path / "vendor.csv"
    table.write_text(
        "# citation: Example note 42\n# precision: int8\n"
        "device,model,input_px,latency_ms,top1_percent\n"
        "pixel8-edgetpu,mnv4-conv-s,224,5,73.8\n"
        "pixel8-edgetpu,mnv4-conv-m,256,0.700,\n"
    )
    return table


def test_answers_on_a_tables_own_accuracies_do_not_name_another_source(
    terminal: Terminal, vendor: Path
) -> None:
    said = terminal("pareto", "--published", vendor, "--max-latency", "6ms").out
    assert "top-1 from the same table: mnv4-conv-s (most accurate)" in said
    assert "top-1 from timm: mnv4-conv-m (most accurate)" in said


def test_published_times_on_the_page_have_the_digits_that_were_printed(
    terminal: Terminal, vendor: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert terminal("report", "--published", vendor, "--out", page).status == 0
    written = page.read_text()
    assert '"5 ms"' in written
    assert '"0.700 ms"' in written
