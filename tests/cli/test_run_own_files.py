"""`run` with files of the user's own: inputs, open sizes, weights elsewhere, unknown operators."""

import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench import bench, store
from mnv4bench.records import Report
from tests.command_line import Terminal
from tests.devices.tiny_models import write_onnx, write_onnx_text, write_tflite_sum

ONCE = ("--quick", "--rounds", "1")
ORT = ("--device", "host-ort-cpu")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures do not matter here, so a busy machine may be measured at once."""
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)


def reports() -> list[Report]:
    return sorted(map(store.read, Path("reports").glob("*.json")), key=lambda one: one.report)


def test_several_inputs_of_several_types_are_measured(terminal: Terminal) -> None:
    write_onnx_text(Path("text.onnx"))
    asked = terminal("run", *ORT, *ONCE, "--model", "text.onnx")
    assert asked.status == 2
    assert "leaves sizes of its input ids open: batch x length" in asked.err
    assert "--shape ids=1xN --shape segments=1xN --shape mask=1xN" in asked.err
    ran = terminal("run", *ORT, *ONCE, "--model", "text.onnx", "--shape", "ids=1x16")
    assert ran.status == 0, ran
    assert "ids 1x16, segments 1x16, mask 1x16, scale 1" in ran.err
    [report] = reports()
    artifact = report.measurements[0].artifact
    assert artifact.input_shapes["mask"] == (1, 16)
    assert report.measurements[0].invocations


def test_two_shapes_of_one_file_are_two_things(terminal: Terminal) -> None:
    write_tflite_sum(Path("sum.tflite"))
    for length in (4, 5, 5):
        shapes = [f"--shape={name}=1x{length}x8" for name in ("left", "right")]
        assert terminal("run", *ONCE, "--model", "sum.tflite", *shapes).status == 0
    front = terminal("pareto", "--json").json
    names = [point["model"] for group in front["groups"] for point in group["points"]]
    assert sorted(names) == ["sum @left 1x4x8, right 1x4x8", "sum @left 1x5x8, right 1x5x8"]
    assert len(front["skipped"]) == 1  # the third superseded the second
    shown = terminal("show", "--json").json["measurements"]
    assert {one["chosen_shapes"] for one in shown} == {name.removeprefix("sum @") for name in names}


def test_resume_measures_the_shapes_that_the_report_holds(terminal: Terminal) -> None:
    write_onnx(Path("net.onnx"), batch="n", pixels="side")
    words = ("run", *ORT, *ONCE, "--model", "net.onnx", "--shape", "1x3x32x32")
    assert terminal(*words).status == 0
    [whole] = reports()
    assert whole.measurements[0].artifact.input_px == 32
    stopped = replace(
        whole, ended=None, finished_at=None, plan=replace(whole.plan, min_rounds=2, max_rounds=2)
    )
    store.path_of(Path("reports"), whole).unlink()
    store.write(Path("reports"), stopped)
    refused = terminal("run", "--resume", "--shape", "1x3x64x64")
    assert refused.status == 2
    ran = terminal("run", "--resume", "--model", "net.onnx")
    assert ran.status == 0, ran
    [report] = reports()
    assert len(report.measurements[0].invocations) == 2
    assert report.measurements[0].artifact.input_shapes == {"image": (1, 3, 32, 32)}


def test_weights_in_a_second_file_are_measured_or_missed_by_name(terminal: Terminal) -> None:
    import onnx

    net = onnx.load(write_onnx(Path("net.onnx")))
    onnx.save(net, "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    assert terminal("run", *ORT, *ONCE, "--model", "net.onnx").status == 0
    assert reports()[0].measurements[0].artifact.data_files == ("net.data",)
    Path("net.data").unlink()
    ran = terminal("run", *ORT, *ONCE, "--model", "net.onnx")
    assert ran.status == 4
    assert "keeps weights in net.data, and there is no such file" in ran.err


@pytest.mark.parametrize("name", ["strange.onnx", "strange.tflite"])
def test_an_operator_that_the_runtime_lacks_is_named(name: str, terminal: Terminal) -> None:
    if name.endswith("onnx"):
        write_onnx_text(Path(name), operator="NoSuchThing", domain="com.example")
        words = (*ORT, "--shape", "ids=1x16")
    else:
        write_tflite_sum(Path(name), custom="NoSuchThing")
        words = ("--shape", "left=1x4x8", "--shape", "right=1x4x8")
    ran = terminal("run", *ONCE, *words, "--model", name)
    assert ran.status == 3
    assert "NoSuchThing" in ran.err
    assert "next:" in ran.err
    assert "Traceback" not in ran.err


def test_a_shape_needs_a_file_of_ones_own(terminal: Terminal) -> None:
    ran = terminal("run", "--model", "mnv4-conv-s", "--shape", "1x3x192x192")
    assert ran.status == 2
    assert "--shape is for a model of your own" in ran.err


def test_sources_are_converted_and_measured_beside_files(terminal: Terminal) -> None:
    import keras
    import torch

    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2), torch.nn.Flatten()).eval()
    torch.export.save(torch.export.export(net, (torch.randn(1, 3, 16, 16),)), "torch_net.pt2")
    given = keras.Input((None, 6), name="tokens")
    pooled = keras.layers.GlobalAveragePooling1D()(given)
    keras.Model(given, keras.layers.Dense(3)(pooled)).save("keras_net.keras")
    write_tflite_sum(Path("sum.tflite"))
    shapes = ("--shape=tokens=1x5x6", "--shape=left=1x4x8", "--shape=right=1x4x8")
    models = ("torch_net.pt2", "keras_net.keras", "sum.tflite")
    asked = [word for model in models for word in ("--model", model)]
    open_size = terminal("run", *ONCE, *asked, *shapes[1:])
    assert open_size.status == 2
    assert "input tokens open: ? x ? x 6" in open_size.err
    assert "--shape tokens=1xNx6" in open_size.err
    ran = terminal("run", *ONCE, *asked, *shapes)
    assert ran.status == 0, ran
    measured = {m.artifact.model: m.artifact for m in reports()[-1].measurements}
    assert set(measured) == {"torch_net", "keras_net", "sum"}
    assert measured["keras_net"].input_shape == (1, 5, 6)
    wrong = terminal("run", *ORT, "--model", "keras_net.keras")
    assert wrong.status == 2
    assert "writes TFLite alone" in wrong.err


def test_a_core_ml_package_names_the_devices_that_take_it(terminal: Terminal) -> None:
    import torch

    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2), torch.nn.Flatten()).eval()
    torch.export.save(torch.export.export(net, (torch.randn(1, 3, 16, 16),)), "net.pt2")
    made = terminal("export", "net.pt2", "--format", "coreml", "--output", "net.mlpackage")
    assert made.status == 0, made
    here = terminal("run", "--model", "net.mlpackage")
    assert here.status == 2
    assert "net.mlpackage is a coreml file, and host-cpu measures tflite" in here.err
    assert "these devices take it: iphone13-ane" in here.err
    if sys.platform != "darwin":
        there = terminal("run", "--model", "net.mlpackage", "--device", "iphone13-ane")
        assert there.status == 3
        assert "not macOS" in there.err
