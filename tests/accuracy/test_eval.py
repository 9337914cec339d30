"""`mnv4bench eval` end to end: real images, a trained network, every runtime that runs here."""

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from msgspec.structs import replace

from mnv4bench import images, store
from mnv4bench.accuracy import datasets, evaluate
from mnv4bench.errors import NotMeasured
from mnv4bench.models.build import BuiltModel
from mnv4bench.records import UNREADABLE
from tests.accuracy import trained
from tests.accuracy.conftest import PRECISIONS, Files
from tests.accuracy.textures import CLASSES
from tests.command_line import Terminal, command, run_process
from tests.sample_reports import report

CHANCE = 100 / len(CLASSES)
PAIRS = [(format, precision) for format, those in PRECISIONS.items() for precision in those]
# Images of 240 on which a file may judge otherwise than torch does. fp16 and int8 move a score by
# their rounding, and some images lie that close to a border between two classes.
MAY_DIFFER = {"fp32": 0, "fp16": 1, "int8": 8, "int8-dynamic": 8}


@pytest.fixture(scope="session")
def right(built: BuiltModel, pictures: Path) -> np.ndarray:
    """Whether torch is right, by image."""
    x, own = trained.tensors(pictures / "val")
    return (built.net(x).argmax(1) == own).numpy()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(pair))
def test_a_file_is_as_right_as_torch_image_by_image(
    pair: tuple, files: Files, right: np.ndarray, pictures: Path, terminal: Terminal
) -> None:
    ran = terminal("eval", files[pair].path, "--data", pictures / "val", "--json")
    assert ran.status == 0, ran.err
    [found] = ran.json["evaluations"]
    assert right.mean() > 0.7 > 2 * CHANCE / 100  # the network has learnt something
    ranks = store.read_evaluation(Path(found["path"])).ranks
    differing = sum((np.array(ranks) == 0) != right)
    assert differing <= MAY_DIFFER[pair[1]]
    assert found["top1"] == pytest.approx(100 * np.mean(np.array(ranks) == 0))
    assert found["images"] == len(right)
    assert found["top1_low"] < found["top1"] < found["top1_high"]
    assert found["top5"] >= found["top1"]
    assert found["artifact_sha256"] == files[pair].artifact.sha256
    assert found["preprocessing"]["source"] == "a test"
    assert (found["calibration"] is not None) == (pair[1] == "int8")


def test_the_table_says_what_it_rests_on(files: Files, pictures: Path, terminal: Terminal) -> None:
    ran = terminal("eval", files["onnx", "int8"].path, "--data", pictures / "val")
    for said in (
        "accuracy on val  240 images  MEASURED",
        "textures onnx int8",
        "Calibrated on 64 images of train: textures onnx int8.",
        "onnxruntime ",
        "labels by folder names in sorted order",
        "shorter side 73 pixels, bicubic, centre 64, mean 0.5 0.4 0.3, std 0.2 0.25 0.3 (a test)",
        "Interval: Wilson's, 95.0 % confidence.",
    ):
        assert said in ran.out


def test_two_files_are_compared_on_the_same_images(
    files: Files, pictures: Path, terminal: Terminal
) -> None:
    words = ("--data", pictures / "val", "--compare", files["tflite", "int8"].path)
    ran = terminal("eval", files["onnx", "fp32"].path, *words, "--json")
    found = ran.json["comparison"]
    one, other = (
        np.array(store.read_evaluation(Path(each["path"])).ranks) == 0
        for each in ran.json["evaluations"]
    )
    assert found["only_first"] == int((one & ~other).sum())
    assert found["only_second"] == int((other & ~one).sum())
    assert found["both_right"] + found["neither"] == 240 - int((one != other).sum())
    assert found["difference"] == pytest.approx(100 * (other.mean() - one.mean()))
    said = terminal("eval", files["onnx", "fp32"].path, *words)
    assert "textures tflite int8 less textures onnx fp32" in said.out
    assert "within chance (McNemar's exact test" in said.out
    assert said.err.count("evaluated before") == 2


def test_the_wrong_preprocessing_is_seen_in_the_accuracy(
    files: Files, pictures: Path, terminal: Terminal
) -> None:
    """The weights' own means are used: with others the same file does worse."""
    file = files["onnx", "fp32"].path
    own = terminal("eval", file, "--data", pictures / "val", "--json").json
    words = ("--mean", 0, 0, 0, "--std", 1, 1, 1)
    other = terminal("eval", file, "--data", pictures / "val", *words, "--json").json
    assert other["evaluations"][0]["preprocessing"]["source"] == "a test, with options"
    assert other["evaluations"][0]["top1"] < own["evaluations"][0]["top1"] - 10
    assert other["evaluations"][0]["path"] != own["evaluations"][0]["path"]


def test_a_file_of_ones_own_gets_imagenets_usual_and_says_so(
    files: Files, pictures: Path, terminal: Terminal, tmp_path: Path
) -> None:
    model = onnx.load(files["onnx", "fp32"].path)
    model.producer_name = "someone else"  # another digest, so that the cache does not know it
    onnx.save(model, tmp_path / "own.onnx")
    ran = terminal("eval", "own.onnx", "--data", pictures / "val")
    assert ran.status == 0
    assert "73 pixels, bilinear, centre 64, mean 0.485 0.456 0.406" in ran.out
    assert "(ImageNet's usual)" in ran.out


def test_a_file_that_takes_several_images_is_given_several(
    built: BuiltModel, files: Files, pictures: Path, tmp_path: Path, terminal: Terminal
) -> None:
    """A batch of seven, which does not divide the images of the set."""
    model = onnx.load(files["onnx", "fp32"].path)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 7
    for node in model.graph.node:  # the exporter writes the batch into the shape of a reshape
        for name in node.input[1:] if node.op_type == "Reshape" else ():
            for constant in model.graph.initializer:
                if constant.name == name:
                    shape = onnx.numpy_helper.to_array(constant).copy()
                    shape[0] = 7
                    constant.CopyFrom(onnx.numpy_helper.from_array(shape, name))
    del model.graph.value_info[:]
    onnx.save(model, tmp_path / "seven.onnx")
    words = ("--data", pictures / "val", "--mean", 0.5, 0.4, 0.3, "--std", 0.2, 0.25, 0.3)
    ran = terminal("eval", "seven.onnx", *words, "--interpolation", "bicubic", "--json")
    one = terminal("eval", files["onnx", "fp32"].path, "--data", pictures / "val", "--json")
    batched, single = (
        store.read_evaluation(Path(each.json["evaluations"][0]["path"])) for each in (ran, one)
    )
    assert batched.ranks == single.ranks


def test_a_model_of_the_catalog_is_exported_first(pictures: Path, terminal: Terminal) -> None:
    """Random weights: what is tested is the way there, through the preprocessing of the weights."""
    for number, synset in enumerate(("n01440764", "n15075141")):
        Path("val", synset).mkdir(parents=True)
        for picture in images.find(pictures / "val")[number * 9 :: 60]:
            Path("val", synset, f"{picture.parent.name} {picture.name}").symlink_to(picture)
    words = ("--format", "onnx", "--weights", "random", "--data", "val")
    ran = terminal("eval", "mnv4-conv-s", *words, "--json")
    [found] = ran.json["evaluations"]
    assert (found["classes"], found["images"]) == (1000, 8)
    assert found["numbering"] == "ImageNet synsets"
    assert found["weights"]["kind"] == "random"
    assert found["preprocessing"]["crop_px"] == 224
    assert found["preprocessing"]["source"].startswith("timm mobilenetv4_conv_small")


# --- stopping and going on ----------------------------------------------------------------------


def begun(files: Files, pictures: Path):
    """An evaluation that has not begun, and what it needs."""
    file = files["onnx", "fp32"]
    labelled = datasets.open_folder(pictures / "val", None, len(CLASSES))
    dataset = datasets.describe(labelled, 2, lambda _: None)
    from mnv4bench.devices import host_facts
    from mnv4bench.records import Evaluation

    made = Evaluation(
        artifact=file.artifact,
        dataset=dataset,
        preprocessing=trained.PREPARED,
        environment=host_facts.environment("onnxruntime", "1"),
        classes=len(CLASSES),
        started_at="2026-11-24T00:00:00+00:00",
    )
    return made, labelled, file.path


def test_an_interrupted_evaluation_goes_on_and_ends_the_same(
    files: Files, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, labelled, file = begun(files, pictures)
    saved, read = [], []

    def stop(part: evaluate.Part) -> None:
        if saved or sum(len(one.ranks) for one in heard) > 100:
            raise KeyboardInterrupt
        heard.append(part)

    heard: list[evaluate.Part] = []
    with pytest.raises(KeyboardInterrupt):
        evaluate.evaluate(made, labelled, file, batch=1, jobs=2, save=saved.append, listen=stop)
    [stopped] = saved
    assert 100 < len(stopped.ranks) < 240
    assert stopped.finished_at is None

    real = images.read
    monkeypatch.setattr(images, "read", lambda path, how: read.append(path) or real(path, how))
    resumed = evaluate.evaluate(
        stopped, labelled, file, batch=1, jobs=2, save=saved.append, listen=lambda _: None
    )
    assert sorted(read) == list(labelled.files[len(stopped.ranks) :])  # nothing is done twice
    whole = evaluate.evaluate(
        made, labelled, file, batch=1, jobs=1, save=saved.append, listen=lambda _: None
    )
    assert resumed.ranks == whole.ranks
    assert resumed.finished_at is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_program_leaves_a_whole_file_and_the_same_command_goes_on(
    number: signal.Signals, files: Files, pictures: Path, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    for copy in range(8):  # long enough to be stopped in the middle
        for picture in images.find(pictures / "val"):
            link = many / picture.parent.name / f"{copy}-{picture.name}"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(picture)
    words = ("eval", files["onnx", "fp32"].path, "--data", many, "--jobs", 1)
    hurry = "import mnv4bench.accuracy.evaluate as e; e.SAVE_EVERY_S = 0.05; "
    start = "import sys; from mnv4bench import cli; cli.main()"
    running = subprocess.Popen(
        [command()[0], "-c", hurry + start, *map(str, words)],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    folder = tmp_path / "reports" / store.ACCURACY
    deadline = time.monotonic() + 60
    while not list(folder.glob("[!.]*.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert "Traceback" not in err
    assert running.returncode == {signal.SIGKILL: -9}.get(number, 130)
    [path] = folder.glob("[!.]*.json")
    kept = store.read_evaluation(path)
    assert kept.finished_at is None
    assert 0 < len(kept.ranks) < 240 * 8
    if number != signal.SIGKILL:
        assert "The same command goes on from there." in err

    ran = run_process(*words, "--json", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert f"going on after {len(kept.ranks):,} of 1,920 images" in ran.err
    done = store.read_evaluation(path)
    assert done.ranks[: len(kept.ranks)] == kept.ranks
    assert len(done.ranks) == 240 * 8


def test_a_changed_image_is_another_data_set(
    files: Files, pictures: Path, tmp_path: Path, terminal: Terminal
) -> None:
    import shutil

    shutil.copytree(pictures / "val", tmp_path / "val")
    file = files["onnx", "fp32"].path
    first = terminal("eval", file, "--data", "val", "--json").json["evaluations"][0]
    (tmp_path / "val" / "blue fine" / "001.png").write_bytes(
        (tmp_path / "val" / "red fine" / "001.png").read_bytes()
    )
    second = terminal("eval", file, "--data", "val", "--json").json["evaluations"][0]
    assert first["dataset_sha256"] != second["dataset_sha256"]
    assert first["path"] != second["path"]


# --- what goes wrong ----------------------------------------------------------------------------


def test_unreadable_images_are_counted_and_named(
    files: Files, pictures: Path, tmp_path: Path, terminal: Terminal
) -> None:
    import shutil

    shutil.copytree(pictures / "val", tmp_path / "val")
    cut = tmp_path / "val" / "green fine" / "000.jpg"
    cut.write_bytes(cut.read_bytes()[:900])
    (tmp_path / "val" / "red coarse" / "zero.png").write_bytes(b"")
    ran = terminal("eval", files["onnx", "fp32"].path, "--data", "val")
    assert ran.status == 3
    assert "2 images could not be read" in ran.err
    assert "Not read (2)" in ran.out
    assert "green fine/000.jpg: image file is truncated" in ran.out
    assert "red coarse/zero.png: its content is none of" in ran.out
    ran = terminal("eval", files["onnx", "fp32"].path, "--data", "val", "--json")
    [found] = ran.json["evaluations"]
    assert found["images"] == 239
    ranks = store.read_evaluation(Path(found["path"])).ranks
    assert ranks.count(UNREADABLE) == 2
    assert len(ranks) == 241


def test_an_image_that_can_be_read_again_is_evaluated_by_the_same_command(
    files: Files, pictures: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, words = images.read, ("eval", files["onnx", "fp32"].path, "--data", pictures / "val")

    def read(path: Path, how: object):
        if path.stem == "007":
            raise images.Unreadable(path, "trouble")
        return real(path, how)

    monkeypatch.setattr(images, "read", read)
    first = terminal(*words)
    assert (first.status, "6 images could not be read" in first.err) == (3, True)
    again = terminal(*words)  # nothing has changed
    assert (again.status, "evaluated before" in again.err) == (3, True)
    monkeypatch.setattr(images, "read", real)
    mended = terminal(*words, "--json")
    assert mended.status == 0
    assert "going on after 7 of 240 images" in mended.err
    [found] = mended.json["evaluations"]
    kept = store.read_evaluation(Path(found["path"]))
    assert (found["images"], kept.unreadable) == (240, ())
    Path(found["path"]).unlink()
    [anew] = terminal(*words, "--json").json["evaluations"]
    assert store.read_evaluation(Path(anew["path"])).ranks == kept.ranks


def test_trouble_of_the_machine_is_not_sealed(
    files: Files, pictures: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, words = images.read, ("eval", files["onnx", "fp32"].path, "--data", pictures / "val")

    def read(path: Path, how: object):
        if path.stem == "039":
            raise NotMeasured(f"{path} could not be read: too many open files.", "again")
        return real(path, how)

    monkeypatch.setattr(images, "read", read)
    ran = terminal(*words)
    assert (ran.status, "too many open files" in ran.err) == (3, True)
    [path] = Path("reports", store.ACCURACY).glob("[!.]*.json")
    assert store.read_evaluation(path).finished_at is None
    monkeypatch.setattr(images, "read", real)
    assert terminal(*words).status == 0


def test_an_image_that_only_the_second_file_lacks_is_no_success(capsys) -> None:
    from mnv4bench.cli.evaluate import _status
    from tests.sample_reports import evaluation

    assert _status([evaluation(0, 1), evaluation(0, 1)]) == 0
    assert _status([evaluation(0, 1, UNREADABLE), evaluation(UNREADABLE, 1, UNREADABLE)]) == 3
    assert "2 images could not be read" in capsys.readouterr().err


def test_a_result_under_the_name_of_another_is_a_bad_file(
    files: Files, pictures: Path, terminal: Terminal
) -> None:
    words = ("--data", pictures / "val", "--json")
    first, second = (
        Path(terminal("eval", files["onnx", one].path, *words).json["evaluations"][0]["path"])
        for one in ("fp32", "fp16")
    )
    first.write_bytes(second.read_bytes())
    ran = terminal("eval", files["onnx", "fp32"].path, *words)
    assert ran.status == 4
    assert "holds an evaluation of another file than its name says" in ran.err


def test_a_folder_of_broken_images_is_no_evaluation(
    files: Files, tmp_path: Path, terminal: Terminal
) -> None:
    for name in CLASSES:
        (tmp_path / "val" / name).mkdir(parents=True)
        (tmp_path / "val" / name / "a.jpg").write_bytes(b"nothing")
    ran = terminal("eval", files["onnx", "fp32"].path, "--data", "val")
    assert ran.status == 3
    assert "none of the 6 images could be read" in ran.err


def test_two_evals_at_once_are_one_too_many(
    files: Files, pictures: Path, tmp_path: Path, terminal: Terminal
) -> None:
    with store.hold(tmp_path / "reports", "accuracy"):
        ran = terminal("eval", files["onnx", "fp32"].path, "--data", pictures / "val")
    assert ran.status == 3
    assert "another run or eval is working in reports" in ran.err


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("none.onnx", "--data", "VAL"), 2, "There is no file none.onnx"),
        (("FILE", "--data", "nowhere"), 2, "nowhere is not there"),
        (("FILE", "--data", "VAL", "--labels", "none.txt"), 2, "none.txt is not there"),
        (("FILE", "--data", "VAL", "--crop", 80), 2, "--crop 80 is larger than the resized image"),
        (("FILE", "--data", "VAL", "--resize", 99, "--crop", 80), 2, "takes images of 64 pixels"),
        (("FILE", "--data", "VAL", "--std", 1, 0, 1), 2, "--std takes three finite numbers above"),
        (("FILE", "--data", "VAL", "--std", "nan", 1, 1), 2, "--std takes three finite numbers"),
        (("FILE", "--data", "VAL", "--std", 1, "inf", 1), 2, "--std takes three finite numbers"),
        (("FILE", "--data", "VAL", "--std", 1, 1, "-1"), 2, "--std takes three finite numbers"),
        (("FILE", "--data", "VAL", "--mean", "inf", 0, 0), 2, "--mean takes three finite numbers"),
        (("FILE", "--data", "VAL", "--compare", "FILE"), 2, "are the same file, byte for byte"),
        (("FILE", "--data", "VAL", "--compare", "gone.tflite"), 2, "There is no file gone.tflite"),
        (("no-such-model", "--data", "VAL"), 2, "no-such-model"),
    ],
)
def test_wrong_words_are_sentences(
    words: tuple, status: int, sentence: str, files: Files, pictures: Path, terminal: Terminal
) -> None:
    places = {"FILE": files["onnx", "fp32"].path, "VAL": pictures / "val"}
    ran = terminal("eval", *(places.get(word, word) for word in words))
    assert (ran.status, ran.out) == (status, "")
    assert sentence in ran.err
    assert "Traceback" not in ran.err


def test_a_damaged_result_is_a_bad_file(files: Files, pictures: Path, terminal: Terminal) -> None:
    words = ("eval", files["onnx", "fp32"].path, "--data", pictures / "val", "--json")
    path = Path(terminal(*words).json["evaluations"][0]["path"])
    value = json.loads(path.read_text())
    value["evaluation"]["ranks"][0] = 3 - value["evaluation"]["ranks"][0]
    path.write_text(json.dumps(value))
    ran = terminal(*words)
    assert ran.status == 4
    assert "do not match the seal" in ran.err


def test_an_evaluation_of_nothing_yet_is_not_shown_as_one(
    files: Files, pictures: Path, terminal: Terminal, tmp_path: Path
) -> None:
    made, *_ = begun(files, pictures)
    store.write_evaluation(tmp_path / "reports", replace(made, ranks=(0,) * 10))
    assert "holds no report" in terminal("show").err
    store.write(tmp_path / "reports", report())
    ran = terminal("show", "--json")
    assert ran.json["evaluations"] == []
    [left] = ran.json["skipped"]
    assert left["reason"] == "stopped after 10 of 240 images"
