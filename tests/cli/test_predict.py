"""``mnv4bench predict`` and ``mnv4bench roofline``, as a user types them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from mnv4bench import store
from mnv4bench.models import catalog, layer_table
from tests.sample_reports import artifact, measurement, report, samples

ANCHORS = 13


def test_a_prediction_stands_beside_how_good_it_is(terminal) -> None:
    ran = terminal("predict", "--device", "pixel6-cpu", "mnv4-conv-m", "mobilenetv3-large")
    assert ran.status == 0, ran.err
    assert ran.out.startswith("PREDICTED for Pixel 6 CPU")
    assert "11.4 ms" in ran.out  # what is published for Conv-M
    assert "off by 6.2 % on average" in ran.out
    assert "The MAC count alone: off by 24.9 %" in ran.out
    assert "fastvit-t8" in ran.out  # not among the anchors


def test_the_json_says_predicted_and_carries_every_anchor(terminal) -> None:
    found = terminal("predict", "--device", "pixel6-cpu", "mnv4-conv-m", "--json").json
    (one,) = found["predictions"]
    assert one["origin"] == "predicted"
    assert one["low_s"] < one["latency_s"] < one["high_s"]
    assert one["known_s"] == 0.0114
    assert len(found["predictor"]["anchors"]) == ANCHORS
    assert found["predictor"]["origin"] == "published"


def test_what_is_outside_is_refused_with_the_reason(terminal) -> None:
    ran = terminal("predict", "--device", "s23-gpu", "fastvit-t8")
    assert ran.status == 3
    assert "Not predicted: fastvit-t8: kernels of 7x7 and more" in ran.out
    assert "mnv4bench run --device s23-gpu --model fastvit-t8" in ran.err
    both = terminal("predict", "--device", "s23-gpu", "fastvit-t8", "mnv4-conv-s")
    assert both.status == 0  # one of them was


def test_a_device_with_too_few_latencies_is_refused(terminal) -> None:
    ran = terminal("predict", "--device", "pixel9-cpu", "mnv4-conv-s")
    assert ran.status == 3
    assert "0 latencies of pixel9-cpu" in ran.err
    assert "pixel6-cpu" in ran.err  # which has enough
    assert "mnv4bench run --device pixel9-cpu" in ran.err


def test_an_unknown_name_is_usage(terminal) -> None:
    assert terminal("predict", "--device", "pixel6-cpu", "mnv4-conv-xs").status == 2
    assert terminal("predict", "--device", "no-such-phone", "mnv4-conv-s").status == 2
    assert terminal("predict", "mnv4-conv-s").status == 2


def test_another_size_is_another_network(terminal) -> None:
    small, own = (
        terminal("predict", "--device", "pixel6-cpu", "mnv4-conv-m", "--json", *size).json
        for size in (("--input-px", "192"), ())
    )
    assert small["predictions"][0]["latency_s"] < own["predictions"][0]["latency_s"]
    assert small["predictions"][0]["known_s"] is None


def stored(folder: Path, models: Sequence[str], precision: str = "fp32", **changes: object) -> Path:
    """A report of a device that takes a microsecond for each million MACs."""
    rows = []
    for model in models:
        px = next((one.input_px for one in catalog.entries() if one.model == model), 224)
        costs = layer_table.of(model, px)
        assert costs is not None
        took = costs.macs / 1e12
        rows.append(
            measurement(
                artifact=artifact(model, precision=precision, input_shape=(1, px, px, 3)),
                invocations=tuple(
                    samples(round, took, took, took, **changes) for round in range(3)
                ),
            )
        )
    store.write(folder, report(*rows))
    return folder


MEASURED = [
    "mnv4-conv-s", "mnv4-conv-m", "mnv4-conv-l", "mnv4-hybrid-m", "mnv4-hybrid-l",
    "mobilenetv3-small", "mobilenetv3-large", "mobileone-s0", "fastvit-t8",
]  # fmt: skip


def test_own_measurements_are_anchors(terminal, tmp_path: Path) -> None:
    folder = stored(tmp_path / "mine", MEASURED)
    found = terminal(
        "predict", "--device", "host-cpu", "mnv4-conv-m", "--reports", folder, "--json"
    ).json
    predictor = found["predictor"]
    assert predictor["origin"] == "measured"
    assert "Test CPU" in predictor["source"]
    assert {one["model"] for one in predictor["anchors"]} == set(MEASURED[:-1])
    assert [one["model"] for one in predictor["left_out"]] == ["fastvit-t8"]
    assert predictor["rank_correlation_macs"] == pytest.approx(1)
    none = terminal("predict", "--device", "host-cpu", "--reports", folder, "--from", "published")
    assert none.status == 3
    fits = terminal("roofline", "--fit", "--device", "host-cpu", "--reports", folder, "--json")
    assert [one["origin"] for one in fits.json["fits"]] == ["measured"]


def test_numbers_of_no_one_width_are_no_anchors(terminal, tmp_path: Path) -> None:
    folder = stored(tmp_path / "mine", MEASURED, precision="int8-weights")
    words = ("predict", "--device", "host-cpu", "mnv4-conv-m", "--reports", folder)
    refused = terminal(*words)
    assert refused.status == 3
    assert "0 latencies of host-cpu" in refused.err


def test_a_report_that_cannot_be_read_is_said(terminal, tmp_path: Path) -> None:
    folder = stored(tmp_path / "mine", MEASURED)
    (folder / "broken.json").write_text("{")
    for words in (("predict", "--device", "host-cpu"), ("roofline", "--fit")):
        found = terminal(*words, "--reports", folder)
        assert found.status == 0
        assert "Not used (1)" in found.out
        assert "broken.json" in found.out
        assert len(terminal(*words, "--reports", folder, "--json").json["skipped"]) == 1


def test_tainted_measurements_are_no_anchors(terminal, tmp_path: Path) -> None:
    folder = stored(tmp_path / "mine", MEASURED, tainted=("it throttled",))
    ran = terminal("predict", "--device", "host-cpu", "--reports", folder)
    assert ran.status == 3
    assert "0 latencies of host-cpu" in ran.err


def test_a_run_without_its_device_offers_the_prediction(terminal) -> None:
    ran = terminal("run", "--device", "pixel6-cpu", "--model", "mnv4-conv-s")
    assert ran.status == 3
    assert "mnv4bench predict --device pixel6-cpu" in ran.err
    assert "predict" not in terminal("run", "--device", "pixel9-cpu").err


def test_layers_are_drawn_and_listed_by_block(terminal) -> None:
    ran = terminal("roofline", "mnv4-conv-s", "--device", "pixel6-cpu")
    assert ran.status == 0, ran.err
    assert "UIB ExtraDW" in ran.out
    assert "not measured" in ran.out
    assert {path.suffix for path in Path().glob("roofline.*")} == {".svg", ".png", ".pdf", ".json"}
    kept = json.loads(Path("roofline.json").read_text())["rooflines"][0]
    assert kept["macs"] == sum(row["layer"]["macs"] for row in kept["layers"])
    assert sum(row["share"] for row in kept["layers"]) == pytest.approx(1)
    assert kept["ridge_macs_per_byte"] == pytest.approx(31.2, rel=0.1)


def test_ridge_points_stand_beside_the_papers(terminal) -> None:
    ran = terminal("roofline", "--fit")
    assert ran.status == 0, ran.err
    assert "31.2, 0.973, 0.962" in ran.out
    fits = {one["device"]: one for one in terminal("roofline", "--fit", "--json").json["fits"]}
    assert len(fits) == 7
    assert fits["s23-gpu"]["paper_ridge"] is None
    assert [one["model"] for one in fits["s23-gpu"]["left_out"]].count("efficientvit-b1") == 1


def test_the_sweep_starts_with_macs_alone(terminal) -> None:
    ran = terminal("roofline", "--sweep", "mnv4-conv-s", "mobilenetv3-large", "--json")
    sweep = ran.json["sweep"]
    assert (sweep["ridges"][0], sweep["ridges"][-1]) == (0, 500)
    assert sweep["models"][1]["relative"][0] == pytest.approx(216_589_760 / 186_005_568)
    assert Path("sweep.svg").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--fit", "--sweep"),
        ("--fit", "mnv4-conv-s"),
        ("mnv4-conv-s", "--precision", "palette4"),
        ("mnv4-conv-s", "--ridge", "0"),
        ("mnv4-conv-xs",),
    ],
)
def test_what_makes_no_sense_is_usage(terminal, words) -> None:
    ran = terminal("roofline", *words)
    assert ran.status == 2
    assert "Traceback" not in ran.err


def test_a_device_without_latencies_has_no_ridge_point(terminal) -> None:
    ran = terminal("roofline", "mnv4-conv-s", "--device", "pixel9-gpu")
    assert ran.status == 3
    assert "--ridge" in ran.err


def test_no_torch_is_needed_for_the_models_of_the_table(terminal, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    assert terminal("predict", "--device", "pixel6-cpu").status == 0


def test_a_network_of_ones_own_is_counted_and_predicted(terminal) -> None:
    written = terminal("models", "mnv4-conv-m", "--toml")
    Path("my-net.toml").write_text(written.out.replace("mnv4-conv-m", "my-net"))
    own = terminal("predict", "--device", "pixel6-cpu", "./my-net.toml", "--json").json
    (one,) = own["predictions"]
    assert one["model"] == "my-net"
    assert one["known_s"] is None  # it is called after nothing that was published
    assert one["latency_s"] == pytest.approx(0.0114, rel=0.1)
    drawn = terminal("roofline", "./my-net.toml", "--json").json["rooflines"]
    assert drawn[0]["macs"] == one["macs"]
    Path("my-net.toml").write_text("[network]\n")
    assert terminal("predict", "--device", "pixel6-cpu", "./my-net.toml").status == 4
