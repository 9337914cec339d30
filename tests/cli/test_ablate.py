"""``mnv4bench ablate``: stored reports as the paper's tables, and a device that is measured."""

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench import bench, profiles, store
from mnv4bench.cli.exporting import requested
from mnv4bench.export import cache, identity
from mnv4bench.models import ablations, catalog
from tests.command_line import Terminal
from tests.devices.tiny_models import write_onnx
from tests.sample_reports import artifact, counted, measurement, report, samples

LEVELS = {
    "mnv4-conv-l": 0.100,
    "mnv4-conv-l-3mhsa": 0.110,
    "mnv4-conv-l-3mqa": 0.106,
    "mnv4-conv-l-3mqa-plain": 0.108,
    "mnv4-hybrid-m": 0.020,
    "mnv4-hybrid-m-full-kv": 0.022,
    "mnv4-conv-l-ib": 0.099,
}


def store_all(directory: Path = Path("reports"), rounds: int = 8) -> None:
    """Every row but two of the last study; processes scatter by a tenth of a percent."""
    steps = [1 + 0.001 * (step - rounds / 2) for step in range(rounds)]
    store.write(
        directory,
        report(
            *(
                measurement(
                    model,
                    invocations=tuple(
                        samples(number, *[level * step] * 3) for number, step in enumerate(steps)
                    ),
                )
                for model, level in LEVELS.items()
            )
        ),
    )


def test_stored_reports_stand_beside_the_papers_tables(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    store_all()
    ran = terminal("ablate")
    assert ran.status == 0, ran
    for table in (
        "Table 2:",
        "Table 3:",
        "Table 17:",
        "Table 1:",
        "host-cpu: MEASURED / PUBLISHED",
    ):
        assert table in ran.out
    lines = {line.split("  ")[0]: line for line in ran.out.splitlines()}
    assert "-40.0 %" in ran.out  # (106 - 100) / (110 - 100) - 1
    assert lines["mnv4-conv-l-3mhsa"].split()[1:5] == ["35.7", "M", "6.89", "G"]
    assert "9.69 ms" in lines["mnv4-conv-l-3mhsa"]
    assert "-84.2 %   -39.0 %    -41.1 %" in ran.out
    assert "-46.7 %    -5.8 %     -8.3 %" in ran.out
    assert "headline of 39 % is the Pixel 8's, on the added latency" in ran.out
    assert "gain, old / new" in ran.out
    assert "+10.0 %" in ran.out
    assert "random (seed 0)" in ran.out
    assert "from a search of its own" in ran.out
    assert "mnv4-conv-l-extradw: not in this report" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 140


def test_json_has_the_same_and_one_study_may_be_asked_for(terminal: Terminal) -> None:
    store_all(Path("elsewhere"))
    found = terminal("ablate", "elsewhere", "--study", "layout", "--json").json
    [study] = found["studies"]
    assert (study["study"], study["table"], study["device"]) == ("layout", "17", "host-cpu")
    arithmetic = study["arithmetic"]
    assert arithmetic["here"]["value"] == pytest.approx(6 / 8 - 1)
    assert arithmetic["here"]["low"] < arithmetic["here"]["value"] < arithmetic["here"]["high"]
    assert arithmetic["printed"]["devices"] == {"pixel7-edgetpu": -68.4, "pixel8-edgetpu": -13.8}
    assert arithmetic["recomputed"]["pixel8-edgetpu"] == pytest.approx(-0.138, abs=0.001)
    assert study["rows"][0]["printed"]["row"] == "base"


def test_three_rounds_have_no_intervals_and_it_is_said(terminal: Terminal) -> None:
    store_all(rounds=3)
    ran = terminal("ablate", "--study", "mqa")
    assert "No intervals: fewer than six processes" in ran.out
    assert "±" not in ran.out


def test_counts_are_no_latencies(terminal: Terminal) -> None:
    models = [
        replace(
            measurement(model),
            invocations=(),
            counts=tuple(counted(number, *[int(1e9 * level)] * 3) for number in range(2)),
            origin="emulated",
        )
        for model, level in LEVELS.items()
    ]
    store.write(Path("reports"), report(*models))
    ran = terminal("ablate", "--study", "mqa")
    assert ran.status == 0, ran
    assert "EMULATED / PUBLISHED" in ran.out
    assert "100 M instr." in ran.out
    assert "a cost, not a latency" in ran.out
    assert "100 ms" not in ran.out


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("--quick",), 2, "--quick is for measuring, and no device is named"),
        (("--rounds", "4"), 2, "--rounds is for measuring"),
        (("reports", "--device", "host-cpu"), 2, "leave out one of the two"),
        (("--study", "heads"), 2, "heads"),
        (("--device", "nowhere"), 2, "nowhere"),
        (("empty",), 3, "no report"),
        (("other",), 3, "No report holds two rows of one study (mqa, kv, layout, uib)"),
    ],
)
def test_what_cannot_be_done(
    words: tuple[str, ...], status: int, sentence: str, terminal: Terminal
) -> None:
    Path("empty").mkdir()
    store.write(Path("other"), report(measurement("mnv4-conv-s")))
    store_all()
    ran = terminal("ablate", *words)
    assert ran.status == status, ran
    assert sentence in ran.err


@pytest.fixture
def tiny_variants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny network stands for each row of Table 3 in the cache: Hybrid-M takes a minute."""
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)
    held = cache.Cache()
    plain = requested(profiles.load("host-ort-cpu"))
    for channels, variant in zip((8, 16), ablations.study("kv").variants, strict=True):
        request = dataclasses.replace(plain, model=variant.model, weights="random")
        with held.staging() as staged:
            file = write_onnx(staged / cache.file_name(variant.model, "onnx"), channels=channels)
            described = artifact(
                variant.model,
                family=catalog.entry(variant.model).family,
                format="onnx",
                sha256=cache.digest(file),
                spec_sha256=catalog.spec_digest(variant.model),
            )
            held.commit(staged, identity.key(request), described)


def test_a_device_is_measured_and_its_report_kept(tiny_variants: None, terminal: Terminal) -> None:
    words = ("--device", "host-ort-cpu", "--study", "kv", "--quick")
    ran = terminal("ablate", *words, "--reports", "mine")
    assert ran.status == 0, ran
    [path] = Path("mine").glob("*.json")
    assert f"report: {path}" in ran.out
    measured = store.read(path)
    assert [one.artifact.model for one in measured.measurements] == [
        "mnv4-hybrid-m-full-kv",
        "mnv4-hybrid-m",
    ]
    assert len(measured.measurements[0].invocations) == bench.QUICK_ROUNDS
    assert "Table 3: K/V down-sampling in Hybrid-M" in ran.out
    again = terminal("ablate", "mine", "--json").json
    assert [one["report"] for one in again["studies"]] == [measured.report]
    front = terminal("pareto", "mine", "--json").json
    drawn = {p["model"]: p["status"] for group in front["groups"] for p in group["points"]}
    assert drawn["mnv4-hybrid-m-full-kv"] == "excluded"  # nobody knows its accuracy
