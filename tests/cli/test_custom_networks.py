"""Networks of one's own on the command line: counted, measured, told apart, judged, evaluated."""

from pathlib import Path

import pytest
from PIL import Image

from mnv4bench import bench, store
from tests.command_line import Terminal

TINY = """
input_px = 32
classes = 4
head_width = 16
stem = { kernel = 3, out = 8, stride = 2 }
[[stage]]
rows = [
  { block = "ExtraDW", start = 3, middle = 3, expanded = 16, out = 16, stride = 2 },
  { block = "MHSA", heads = 2, key_dim = 8 },
]
"""
WIDER = TINY.replace("expanded = 16", "expanded = 32")
ORT = ("--device", "host-ort-cpu")
ONCE = ("--quick", "--rounds", "1")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures do not matter here, so a busy machine may be measured at once."""
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)


def test_a_printed_network_is_counted_like_the_one_it_came_from(terminal: Terminal) -> None:
    printed = terminal("models", "mnv4-hybrid-m", "--toml")
    assert printed.status == 0
    Path("my-net.toml").write_text(printed.out)
    own, reference = terminal("models", "./my-net.toml", "mnv4-hybrid-m", "--json").json["models"]
    assert (own["model"], own["family"], own["accuracies"]) == ("my-net", "custom", [])
    assert (own["params"], own["macs"]) == (reference["params"], reference["macs"])
    shown = terminal("models", "my-net.toml").out
    assert "none known" in shown
    assert "11.1 M" in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("models", "--toml"), "--toml prints one network"),
        (("models", "mnv4-conv-s", "--toml", "--json"), "one of the two"),
        (("models", "fastvit-t8", "--toml"), "built by timm"),
        (("models", "timm:resnet18", "--toml"), "built by timm"),
        (("models", "none.toml"), "There is no file none.toml"),
        (("run", *ORT, "--model", "./none.toml"), "There is no file none.toml"),
        (("run", *ORT, "--model", "net.toml", "--model", "other/net.toml"), "both called net"),
        (("run", *ORT, "--model", "net.toml", "--weights", "timm"), "no published checkpoints"),
        (("eval", "net.toml", "--data", "images"), "no published checkpoints"),
    ],
)
def test_words_that_fit_no_network_end_with_2(
    words: tuple[str, ...], sentence: str, terminal: Terminal
) -> None:
    Path("other").mkdir()
    for name in ("net.toml", "other/net.toml"):
        Path(name).write_text(TINY)
    ran = terminal(*words)
    assert ran.status == 2, ran
    assert sentence in ran.err
    assert not list(Path("reports").glob("*.json"))


@pytest.mark.parametrize(
    "words",
    [
        ("models", "bad.toml"),
        ("run", *ORT, "--model", "./bad.toml"),
        ("export", "bad.toml", "--format", "onnx"),
        ("gate", "--base", "bad.toml", "--head", "bad.toml", *ORT),
        ("eval", "bad.toml", "--data", "images", "--weights", "random"),
    ],
)
def test_a_network_that_cannot_be_built_ends_with_4(
    words: tuple[str, ...], terminal: Terminal
) -> None:
    Path("bad.toml").write_text(TINY.replace("start = 3", "start = 4"))
    ran = terminal(*words)
    assert ran.status == 4, ran
    assert "bad.toml: stage 1, row 1 (ExtraDW) has start = 4; a kernel is odd" in ran.err
    assert "docs/custom_networks.md" in ran.err


def test_a_device_profile_is_told_apart(terminal: Terminal) -> None:
    profile = Path(__file__).parents[2] / "device_profiles" / "host-cpu.toml"
    ran = terminal("run", "--model", profile)
    assert ran.status == 4
    assert "is a device profile, which --device takes" in ran.err


def test_it_is_measured_and_two_of_one_name_are_never_one(terminal: Terminal) -> None:
    for text in (TINY, TINY, WIDER):
        Path("net.toml").write_text(text)
        ran = terminal("run", *ORT, *ONCE, "--model", "./net.toml")
        assert ran.status == 0, ran
    reports = [store.read(path) for path in sorted(Path("reports").glob("*.json"))]
    artifacts = [report.measurements[0].artifact for report in reports]
    assert {(one.model, one.family) for one in artifacts} == {("net", "custom")}
    assert artifacts[0].params is not None
    assert len({one.spec_sha256 for one in artifacts}) == 2
    front = terminal("pareto", "--json").json
    names = [point["model"] for group in front["groups"] for point in group["points"]]
    assert sorted(names) == sorted(f"net, {one.weights.text}" for one in artifacts[1:])
    assert {p["status"] for group in front["groups"] for p in group["points"]} == {"excluded"}
    history = terminal("history", "--json").json
    assert sorted(len(one["moments"]) for one in history["series"]) == [1, 2]
    assert {one["family"] for one in history["series"]} == {"custom"}
    one, _, other = (str(store.path_of(Path("reports"), report)) for report in reports)
    compared = terminal("compare", one, other)
    assert compared.status == 3
    assert f"network {artifacts[0].spec_sha256[:12]}" in compared.out + compared.err


def test_a_gate_takes_it_on_both_sides_and_refuses_another_network(terminal: Terminal) -> None:
    Path("v1").mkdir()
    Path("v2").mkdir()
    Path("v1/net.toml").write_text(TINY)
    Path("v2/net.toml").write_text(TINY)
    same = terminal("gate", "--base", "v1/net.toml", "--head", "v2/net.toml", *ORT, "--json")
    assert same.status == 0, same
    assert [pair["model"] for pair in same.json["pairs"]] == ["net"]
    Path("v2/net.toml").write_text(WIDER)
    other = terminal("gate", "--base", "v1/net.toml", "--head", "v2/net.toml", *ORT)
    assert other.status == 2, other
    assert "base has network" in other.err


def test_it_is_exported_inspected_and_evaluated(terminal: Terminal) -> None:
    Path("net.toml").write_text(TINY)
    ran = terminal("export", "./net.toml", "--format", "onnx", "--output", "my.onnx", "--inspect")
    assert ran.status == 0, ran
    assert Path("my.onnx").is_file()
    assert "MatMul" in ran.out
    for name in "abcd":
        Path("images", name).mkdir(parents=True)
        Image.new("RGB", (40, 40), (60 * "abcd".index(name), 90, 20)).save(f"images/{name}/1.png")
    words = ("--data", "images", "--format", "onnx", "--weights", "random")
    found = terminal("eval", "net.toml", *words, "--json")
    assert found.status == 0, found
    [evaluation] = found.json["evaluations"]
    assert (evaluation["model"], evaluation["images"]) == ("net", 4)


def test_its_latency_is_predicted_and_its_layers_stand_under_a_roof(terminal: Terminal) -> None:
    printed = terminal("models", "mnv4-conv-m", "--toml").out
    Path("net.toml").write_text(printed.replace("expanded = 160", "expanded = 240"))
    ran = terminal("predict", "--device", "pixel6-cpu", "./net.toml", "mnv4-conv-m", "--json")
    assert ran.status == 0, ran
    own, reference = ran.json["predictions"]
    assert (own["model"], reference["model"]) == ("net", "mnv4-conv-m")
    assert own["latency_s"] > reference["latency_s"]
    roof = terminal("roofline", "./net.toml", "--json")
    assert roof.status == 0, roof
    assert '"net"' in roof.out
    Path("large.toml").write_text(TINY.replace("start = 3", "start = 7"))
    refused = terminal("predict", "--device", "pixel6-cpu", "./large.toml")
    assert refused.status == 3
    assert "kernels of 7x7 and more" in refused.err
    assert "--model ./large.toml" in refused.err
