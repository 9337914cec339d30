"""`profile`: real runtimes on tiny files, one real network, a phone, and bad input."""

import json
from pathlib import Path

import pytest

from mnv4bench.devices import host_profile
from mnv4bench.devices.process import Finished
from mnv4bench.export import ExportRequest, ensure
from tests.cli.test_phones import MINE
from tests.command_line import Terminal
from tests.devices.tiny_models import write_onnx, write_tflite
from tests.phone import programs
from tests.phone.android import Phone
from tests.phone.graphs import write_convolutions
from tests.sample_reports import report as a_report

FEW = ("--inferences", "5")


@pytest.fixture(scope="module")
def conv_s() -> dict[str, Path]:
    """A real network, in both formats."""
    requests = [ExportRequest("mnv4-conv-s", kind, "random") for kind in ("tflite", "onnx")]
    exports = ensure(requests)
    return {request.format: exports.files[request].path for request in requests}


def test_a_real_network_by_block(terminal: Terminal, conv_s: dict[str, Path]) -> None:
    found = terminal("profile", "mnv4-conv-s", "--json", *FEW)
    assert found.status == 0, found.err
    profile = found.json
    assert profile["model"] == "mnv4-conv-s"
    assert profile["device"] == "host-cpu"
    blocks = [one["block"] for one in profile["blocks"]]
    assert blocks[0] == "stem"
    assert blocks[-1] == "head"
    assert "stage 2 block 0 UIB ExtraDW" in blocks
    assert "stage 2 block 5 UIB ConvNext" in blocks
    assert "stage 3 block 2 UIB IB" in blocks
    assert profile["joined_share"] == pytest.approx(1.0)
    assert sum(one["seconds"] for one in profile["blocks"]) == pytest.approx(profile["operators_s"])
    paths = {one["path"]: one["operator"] for one in profile["operators"]}
    assert paths["blocks.2.0.dw_start.conv"].endswith("DWConv")
    assert paths["classifier"].startswith("Fully Connected")
    assert profile["cost"] == pytest.approx(profile["profiled_s"] / profile["plain_s"])
    assert not Path("reports").exists()


def test_two_runtimes_by_block(terminal: Terminal, conv_s: dict[str, Path]) -> None:
    found = terminal(
        "profile", "mnv4-conv-s", "--device2", "host-ort-cpu", "--json", "--threads", "1", *FEW
    )
    assert found.status == 0, found.err
    both = found.json
    assert both["a"]["runtime"].startswith("LiteRT")
    assert both["b"]["runtime"].startswith("ONNX Runtime")
    named = {one["name"]: one for one in both["blocks"]}
    assert all(one["a_s"] and one["b_s"] for one in named.values())
    sizes = [abs(one["difference_s"]) for one in both["blocks"]]
    assert sizes == sorted(sizes, reverse=True)
    roles = {one["name"]: one for one in both["roles"]}
    assert roles["UIB IB: dw_mid.conv"]["a"]
    assert roles["UIB IB: dw_mid.conv"]["b"]
    assert both["notes"] == []


def test_tables_a_figure_and_a_trace(terminal: Terminal, conv_s: dict[str, Path]) -> None:
    file = conv_s["tflite"]
    found = terminal("profile", file, *FEW, "--out", "where.svg", "--trace", "where.json")
    assert found.status == 0, found.err
    assert "stage 2 block 0 UIB ExtraDW" in found.out
    assert "Slowest operators" in found.out
    assert "None of this is a latency" in " ".join(found.out.split())
    assert "where.svg" in found.out
    assert "stage 2 block 0 UIB ExtraDW" in Path("where.svg").read_text("utf-8")
    trace = json.loads(Path("where.json").read_text("utf-8"))
    assert len(trace["traceEvents"]) > 50
    markdown = terminal("profile", file, *FEW, "--markdown", "--compare", conv_s["onnx"])
    assert markdown.status == 0, markdown.err
    assert "| Block | A | B | A - B | A/B |" in markdown.out


def test_a_file_of_one_s_own_has_operators_and_no_blocks(terminal: Terminal) -> None:
    write_tflite(Path("mine.tflite"), odd=True)
    found = terminal("profile", "mine.tflite", *FEW)
    assert found.status == 0, found.err
    assert "CUMSUM" in found.out
    assert "The file names no modules" in found.out
    assert "Block " not in found.out
    assert "Placement: partial" in found.out
    write_onnx(Path("mine.onnx"))
    onnx = terminal("profile", "mine.onnx", "--json", *FEW).json
    assert onnx["device"] == "host-ort-cpu"
    assert onnx["blocks"] == []


def test_a_file_that_runs_on_no_unit_of_the_device_ends_with_5(terminal: Terminal) -> None:
    write_tflite(Path("odd.tflite"), only_odd=True)
    found = terminal("profile", "odd.tflite", *FEW)
    assert found.status == 5
    assert "CUMSUM" in found.out


def test_an_artifact_of_a_report(terminal: Terminal, conv_s: dict[str, Path]) -> None:
    assert terminal("run", "--model", "mnv4-conv-s", "--quick", "--rounds", "1").status == 0
    [report] = Path("reports").glob("*.json")
    found = terminal("profile", report, "--json", *FEW)
    assert found.status == 0, found.err
    assert found.json["model"] == "mnv4-conv-s"
    wrong = terminal("profile", report, "--model", "fastvit-t8", *FEW)
    assert wrong.status == 2
    assert "has no model fastvit-t8" in wrong.err


def test_an_artifact_that_is_no_longer_in_the_cache(terminal: Terminal) -> None:
    from mnv4bench import store

    path = store.write(Path("reports"), a_report())
    found = terminal("profile", path, *FEW)
    assert found.status == 3
    assert "is not in the cache" in found.err


def test_a_phone(phone: Phone, terminal: Terminal, tmp_path: Path) -> None:
    Path("mine.toml").write_text(MINE.format(name="mine", code="shiba"))
    write_convolutions(Path("net.tflite"), quantised=False)
    program = programs.write_program(tmp_path / "benchmark_model")
    words = ("--device", "./mine.toml", "--benchmark-model", program)
    found = terminal("profile", "net.tflite", *words, *FEW, "--json")
    assert found.status == 0, found.err
    profile = found.json
    assert [one["operator"] for one in profile["operators"]] == [
        "Convolution (NHWC, F32) IGEMM"
    ] * 5
    assert profile["statistic"] == "mean"
    assert profile["source"] == "the benchmark program's profiler"
    assert profile["plain_s"]
    assert profile["operators"][0]["name"] == "features0"
    beside = terminal("profile", "net.tflite", "--device2", "./mine.toml", *words[2:], *FEW)
    assert beside.status == 0, beside.err
    assert "benchmark_model" in beside.out
    assert "which are not quite alike" in beside.out
    phone.accelerator("cpu", mode="garbled-op-profile")
    garbled = terminal("profile", "net.tflite", *words, *FEW)
    assert garbled.status == 3
    assert "wrote no profile of operators that can be read" in garbled.err


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("no-such-model",), 2, "There is no model 'no-such-model'"),
        (("gone.tflite",), 2, "There is no file gone.tflite"),
        (("",), 2, "there is nothing to profile"),
        (("mine.tflite", "--device", "host-ort-cpu"), 2, "host-ort-cpu runs onnx"),
        (("mine.tflite", "--device", "no-device"), 2, "no device profile called 'no-device'"),
        (("mine.tflite", "--device", "pixel8-cpu"), 3, "pixel8-cpu is absent"),
        (("mine.tflite", "--device", "cortex-a76-emulated"), 3, "nothing of single operators"),
        (("mine.tflite", "--serial", "X1"), 2, "are for phones"),
        (("mine.tflite", "--model", "a"), 2, "chooses among the artifacts of a report"),
        (("mine.tflite", "--out", "x.gif"), 2, "a figure is .svg, .png, .pdf"),
        (("mine.tflite", "--width", "column"), 2, "is of a figure"),
        (("mine.tflite", "--trace", "x.txt"), 2, "a trace is a .json file"),
        (("mine.tflite", "--json", "--markdown"), 2, "two ways to print"),
        (("cut.tflite",), 4, "cut short or damaged"),
        (("none.json",), 4, "none.json"),
        (("mine.tflite", "--compare", "gone.onnx"), 2, "There is no file gone.onnx"),
    ],
)
def test_bad_input(terminal: Terminal, words: tuple[str, ...], status: int, sentence: str) -> None:
    whole = write_tflite(Path("mine.tflite")).read_bytes()
    Path("cut.tflite").write_bytes(whole[:600])
    Path("none.json").write_text("{}")
    found = terminal("profile", *words, *FEW)
    assert found.status == status, found.err
    assert sentence in found.err
    assert "next:" in found.err or status == 4
    assert found.out == ""


def test_a_profiler_that_says_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tflite(Path("mine.tflite"))
    finished = Finished(command=("python",), status=-11, stdout=b"", stderr="")
    monkeypatch.setattr(host_profile.worker_process, "run", lambda *_, **__: finished)
    found = terminal("profile", "mine.tflite", *FEW)
    assert found.status == 3
    assert "the process that profiles mine.tflite was killed by SIGSEGV" in found.err
