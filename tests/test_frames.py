"""Frames and Parquet files, and `mnv4bench.load`."""

import subprocess
import sys
import warnings
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace

import mnv4bench
from mnv4bench import codec, errors, frames, notebook, store
from mnv4bench.analysis import rows
from mnv4bench.findings.rows import RowKind, columns
from mnv4bench.records import Counted
from tests.sample_reports import artifact, evaluation, measurement, report, samples

KINDS: tuple[RowKind, ...] = ("measurements", "invocations", "samples")
TYPES = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}
COUNTED = Counted(round=0, position=0, started_at="2026-11-24T10:00:00+00:00", instructions=(5, 6))


def stored(folder: Path) -> Path:
    """Two reports: two timed measurements, one that failed, one that was counted."""
    each = tuple(samples(r, 0.002, 0.003, warmup_s=(0.009,)) for r in range(6))
    store.write(folder, report(
        measurement(invocations=each),
        measurement("my_net", invocations=(), placement=None, failure="refused"),
        name="r1",
    ))  # fmt: skip
    store.write(folder, report(
        measurement("mnv4-conv-m", origin="emulated", invocations=(), counts=(COUNTED,)),
        measurement(invocations=each[:1]),
        name="r2",
    ))  # fmt: skip
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_columns_and_types_are_the_declared_ones(kind: RowKind, tmp_path: Path) -> None:
    frame = mnv4bench.load(stored(tmp_path), rows=kind)
    declared = {column.name: TYPES[column.kind] for column in columns(kind)}
    assert dict(frame.schema) == declared
    assert dict(frames.frame(kind, []).schema) == declared


def test_measurements_and_invocations(tmp_path: Path) -> None:
    frame = mnv4bench.load(stored(tmp_path))
    assert frame.sort("report", "model")["latency_s"].to_list() == [0.0025, None, None, 0.0025]
    assert frame.filter(model="mnv4-conv-m")["instructions"].to_list() == [5]
    assert frame.filter(model="my_net")["failure"].to_list() == ["refused"]
    invocations = mnv4bench.load([str(tmp_path)], rows="invocations")
    assert invocations.height == 8
    assert invocations["phase"].value_counts().sort("count")["count"].to_list() == [1, 7]


def test_samples_are_every_value_in_measured_order(tmp_path: Path) -> None:
    frame = mnv4bench.load(stored(tmp_path), rows="samples")
    assert frame.height == 7 * 3 + 2
    one = frame.filter(report="r1", round=3)
    assert one.select("phase", "index", "latency_s", "instructions").rows() == [
        ("warm-up", 0, 0.009, None), ("timed", 0, 0.002, None), ("timed", 1, 0.003, None),
    ]  # fmt: skip
    counted = frame.filter(phase="counted")
    assert counted.select("origin", "index", "latency_s", "instructions").rows() == [
        ("emulated", 0, None, 5), ("emulated", 1, None, 6),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_parquet_file_of_many_pieces_is_the_frame(
    kind: RowKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = mnv4bench.load(stored(tmp_path / "reports"), rows=kind)
    monkeypatch.setattr(frames, "PIECE", 3)
    out = tmp_path / "made.parquet"
    reports = [report for _, report in store.walk([tmp_path / "reports"])]
    made = {
        "measurements": lambda one: rows.measurements(one, lambda _: None),
        "invocations": rows.invocations,
        "samples": rows.samples,
    }[kind]
    count = frames.write_parquet(out, kind, (row for one in reports for row in made(one)))
    read = pl.read_parquet(out)
    assert count == frame.height
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["made.parquet"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made.parquet", "reports"]
    unlike = ["top1_percent", "accuracy_source"] if kind == "measurements" else []
    assert read.drop(unlike).equals(frame.drop(unlike))


def test_a_parquet_file_without_rows_has_its_columns(tmp_path: Path) -> None:
    assert frames.write_parquet(tmp_path / "none.parquet", "invocations", []) == 0
    assert pl.read_parquet(tmp_path / "none.parquet").columns == [
        column.name for column in columns("invocations")
    ]


def test_a_measured_accuracy_goes_before_a_published_one(tmp_path: Path) -> None:
    stored(tmp_path)
    before = mnv4bench.load(tmp_path).filter(report="r1", model="mnv4-conv-s")
    assert before["accuracy_source"].to_list() == ["timm"]
    store.write_evaluation(tmp_path, evaluation(0, 0, 0, 5))
    [row] = mnv4bench.load(tmp_path).filter(report="r1", model="mnv4-conv-s").to_dicts()
    assert (row["accuracy_source"], row["top1_percent"]) == ("measured", 75.0)
    assert row["top1_low_percent"] < 75 < row["top1_high_percent"]


def test_published_rows_stand_behind_and_are_told_apart(tmp_path: Path) -> None:
    frame = mnv4bench.load(stored(tmp_path), published="paper")
    origins = frame["origin"].to_list()
    assert origins[:4] == ["emulated", "measured", "measured", "measured"]
    assert set(origins[4:]) == {"published"}
    assert frame.filter(origin="published")["citation"].null_count() == 0
    assert frame.filter(pl.col("origin") != "published")["citation"].null_count() == 4
    with pytest.raises(errors.UsageError, match="published tables have no samples"):
        mnv4bench.load(tmp_path, rows="samples", published="paper")


def test_what_cannot_be_read_is_warned_of_each_time(tmp_path: Path) -> None:
    stored(tmp_path)
    (tmp_path / "cut.json").write_text('{"format": "mnv4b')
    (tmp_path / "\x1b[31mred.json").write_text("no JSON")
    for _ in range(2):  # a notebook's cell that runs again is warned again
        with pytest.warns(notebook.NotRead) as caught:
            assert mnv4bench.load(tmp_path).height == 4
        said = sorted(str(one.message) for one in caught)
        assert len(said) == 2
        assert "cut.json: not readable as JSON" in said[1] + said[0]
        assert "\x1b" not in "".join(said)


TOO_LARGE = {
    "size_bytes": lambda one: replace(one, artifact=replace(one.artifact, size_bytes=2**63)),
    "input_shape": lambda one: replace(
        one, artifact=replace(one.artifact, input_shape=(1, 2**63, 2**63, 3))
    ),
    **{
        name: lambda one, name=name: replace(
            one, invocations=(replace(one.invocations[0], **{name: 2**70}),)
        )
        for name in ("round", "inferences_per_value", "peak_memory_bytes")
    },
    "thermal_status_before": lambda one: replace(
        one,
        invocations=(
            replace(
                one.invocations[0],
                noise=replace(one.invocations[0].noise, thermal_status_before=2**63),
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_number_that_no_column_holds_spoils_its_own_report_alone(
    name: str, tmp_path: Path
) -> None:
    """One such report would otherwise keep Parquet from being written of the whole store."""
    store.write(tmp_path, report(measurement(), name="good"))
    bad = report(TOO_LARGE[name](measurement()), name="bad")
    (tmp_path / "bad.json").write_bytes(codec.encode_report(bad))
    for kind in KINDS:
        with pytest.warns(notebook.NotRead, match=r"bad.json.*(<=|range)"):
            frame = mnv4bench.load(tmp_path, rows=kind)
        assert set(frame["report"]) == {"good"}


def test_of_many_bad_files_the_number_is_said(tmp_path: Path) -> None:
    stored(tmp_path)
    for number in range(25):
        (tmp_path / f"bad{number}.json").write_text("{}")
    with pytest.warns(notebook.NotRead) as caught:
        mnv4bench.load(tmp_path)
    assert len(caught) == notebook.MAX_WARNINGS + 1
    assert "and 5 more" in str(caught[-1].message)


def test_a_damaged_evaluation_is_warned_of(tmp_path: Path) -> None:
    stored(tmp_path)
    (tmp_path / "accuracy").mkdir()
    (tmp_path / "accuracy" / "x.json").write_text("{}")
    with pytest.warns(notebook.NotRead, match="not an evaluation"):
        mnv4bench.load(tmp_path)


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(errors.NotMeasured, match="holds no report"):
        mnv4bench.load(tmp_path)
    (tmp_path / "bad.json").write_text("{}")
    with pytest.warns(notebook.NotRead), pytest.raises(errors.BadFile, match="warnings say why"):
        mnv4bench.load(tmp_path)
    with pytest.raises(errors.UsageError, match="no such file"):
        mnv4bench.load(tmp_path / "elsewhere")
    with pytest.raises(errors.UsageError, match="is no table"):
        mnv4bench.load(tmp_path, rows="sample")  # type: ignore[arg-type]


def test_hostile_names_are_left_as_they_are(tmp_path: Path) -> None:
    odd = '=HYPERLINK("http://x","y")\x1b[31m'
    store.write(tmp_path, report(measurement(artifact=artifact(odd))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mnv4bench.load(tmp_path)["model"].to_list() == [odd]


def test_without_polars_the_install_line_is_given(tmp_path: Path) -> None:
    stored(tmp_path)
    probe = (
        "import sys; sys.modules['polars'] = None\n"
        "import mnv4bench\n"
        "try: mnv4bench.load(sys.argv[1])\n"
        "except mnv4bench.notebook.frames.MissingExtra as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "pip install 'mnv4bench[data]'" in ran.stdout
