"""State dicts from files: matched whole, or refused in a sentence; never run."""

import argparse
import pickle
from pathlib import Path

import pytest
import torch
from msgspec import structs
from safetensors.torch import save_file
from torch import Tensor, nn

from mnv4bench.errors import BadFile
from mnv4bench.models import checkpoint, weights
from mnv4bench.models.mnv4 import MobileNetV4
from mnv4bench.models.specs import ConvBN, Network, ffn
from mnv4bench.records import Weights

TINY = Network(
    name="tiny",
    input_px=32,
    stem=ConvBN(3, 8, stride=2),
    stages=((ffn(16, 8),),),
    layer_scale=0.5,
    head_width=16,
    classes=4,
)


@pytest.fixture
def state() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return MobileNetV4(TINY).state_dict()


def fresh() -> nn.Module:
    torch.manual_seed(2)
    return MobileNetV4(TINY)


def apply(path: Path) -> tuple[nn.Module, Weights]:
    net = fresh()
    return net, weights.apply(net, weights.File(path), "tiny", TINY.input_px)


def wrapped(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"module.{name}": value for name, value in state.items()}


@pytest.mark.parametrize("form", ["bare", "state_dict", "model", "data parallel", "compiled"])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".pth.tar"])
def test_torch_files_load(tmp_path: Path, state: dict[str, Tensor], form: str, suffix: str) -> None:
    held = {
        "bare": state,
        "state_dict": {"epoch": 3, "state_dict": state},
        "model": {"model": state, "optimizer": {"lr": 0.1}},
        "data parallel": {"state_dict": wrapped(state)},
        "compiled": {f"_orig_mod.{name}": value for name, value in wrapped(state).items()},
    }[form]
    torch.save(held, tmp_path / f"weights{suffix}")
    net, given = apply(tmp_path / f"weights{suffix}")
    assert given == Weights(kind="file", detail=f"weights{suffix}", sha256=checkpoint.digest(state))
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    assert not net.training


@pytest.mark.parametrize("key", ["state_dict_ema", "model_ema"])
def test_the_average_of_a_training_is_taken_and_said(
    tmp_path: Path, state: dict[str, Tensor], key: str
) -> None:
    """What timm's training script stores, its arguments included."""
    last = {name: torch.zeros_like(value) for name, value in state.items()}
    held = {"arch": "tiny", "state_dict": last, key: state, "args": argparse.Namespace(lr=0.1)}
    torch.save(held, tmp_path / "model_best.pth.tar")
    _, given = apply(tmp_path / "model_best.pth.tar")
    assert given.sha256 == checkpoint.digest(state)
    assert given.detail == f"model_best.pth.tar ({key})"
    torch.save({**held, key: None}, tmp_path / "model_best.pth.tar")  # a training without one
    _, given = apply(tmp_path / "model_best.pth.tar")
    assert (given.sha256, given.detail) == (checkpoint.digest(last), "model_best.pth.tar")


def test_another_number_of_classes_is_named_with_the_way_to_ask_for_it(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    path = tmp_path / "ten.safetensors"
    ten = MobileNetV4(structs.replace(TINY, classes=10))
    save_file(ten.state_dict(), path)
    with pytest.raises(BadFile, match="is for 10 classes, and tiny was built for 4") as caught:
        apply(path)
    assert caught.value.next_step.endswith(f"--weights {path}:10")
    given = weights.apply(ten, weights.parse(f"{path}:10"), "tiny", TINY.input_px)
    assert given.detail == "ten.safetensors (10 classes)"
    save_file(state, path)
    with pytest.raises(BadFile, match="is for 4 classes, and tiny was built for 10"):
        weights.apply(ten, weights.parse(f"{path}:10"), "tiny", TINY.input_px)


@pytest.mark.parametrize("other", ["a missing tensor", "a wider head", "an empty classifier"])
def test_other_differences_are_not_taken_for_classes(state: dict[str, Tensor], other: str) -> None:
    ten = MobileNetV4(structs.replace(TINY, classes=10)).state_dict()
    assert checkpoint.other_classes(fresh(), ten) == (10, 4)
    assert checkpoint.other_classes(fresh(), state) is None
    match other:
        case "a missing tensor":
            del ten["bn1.weight"]
        case "a wider head":
            ten = MobileNetV4(structs.replace(TINY, head_width=32, classes=10)).state_dict()
        case "an empty classifier":
            ten |= {"classifier.weight": torch.zeros(0, 16), "classifier.bias": torch.zeros(0)}
    assert checkpoint.other_classes(fresh(), ten) is None


def test_safetensors_load_and_give_the_same_digest(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    save_file(state, tmp_path / "weights.safetensors")
    torch.save(state, tmp_path / "weights.pth")
    _, one = apply(tmp_path / "weights.safetensors")
    _, other = apply(tmp_path / "weights.pth")
    assert one.sha256 == other.sha256


def test_step_counts_may_be_left_out(tmp_path: Path, state: dict[str, Tensor]) -> None:
    kept = {name: v for name, v in state.items() if not name.endswith("num_batches_tracked")}
    assert len(kept) < len(state)
    save_file(kept, tmp_path / "weights.safetensors")
    _, given = apply(tmp_path / "weights.safetensors")
    assert given.sha256 == checkpoint.digest(state)


def test_half_precision_is_taken(tmp_path: Path, state: dict[str, Tensor]) -> None:
    halves = {n: v.half() if v.is_floating_point() else v for n, v in state.items()}
    save_file(halves, tmp_path / "weights.safetensors")
    net, _ = apply(tmp_path / "weights.safetensors")
    assert torch.equal(net.classifier.weight, state["classifier.weight"].half().float())


def test_values_beyond_single_precision_are_refused(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    state["bn1.bias"] = torch.full((8,), 1e300, dtype=torch.float64)
    save_file(state, tmp_path / "weights.safetensors")
    with pytest.raises(BadFile, match="NaN or infinite"):
        apply(tmp_path / "weights.safetensors")


def test_every_disagreement_is_listed_and_nothing_is_loaded(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    changed = dict(state)
    del changed["bn1.weight"], changed["bn1.bias"]
    changed["extra.weight"] = torch.zeros(2)
    changed["classifier.weight"] = torch.zeros(10, 16)
    changed["conv_stem.weight"] = torch.zeros(8, 3, 3, 3, dtype=torch.int8)
    save_file(changed, tmp_path / "weights.safetensors")
    net = fresh()
    before = checkpoint.digest(net.state_dict())
    with pytest.raises(BadFile) as caught:
        weights.apply(net, weights.File(tmp_path / "weights.safetensors"), "tiny", 32)
    for fact in (
        "2 missing (bn1.weight, bn1.bias)",
        "1 unexpected (extra.weight)",
        "1 of another shape (classifier.weight is (10, 16) instead of (4, 16))",
        "1 of another type (conv_stem.weight is torch.int8)",
    ):
        assert fact in caught.value.what
    assert checkpoint.digest(net.state_dict()) == before


def test_long_lists_are_cut_and_counted(tmp_path: Path, state: dict[str, Tensor]) -> None:
    save_file({"other": torch.zeros(1)}, tmp_path / "weights.safetensors")
    wanted = sum(not name.endswith("num_batches_tracked") for name in state)
    with pytest.raises(BadFile, match=rf"{wanted} missing \([^()]*, \.\.\.\)"):
        apply(tmp_path / "weights.safetensors")


def test_values_that_are_no_numbers_are_refused(tmp_path: Path, state: dict[str, Tensor]) -> None:
    state["bn1.bias"][3] = float("nan")
    save_file(state, tmp_path / "weights.safetensors")
    with pytest.raises(BadFile, match=r"NaN or infinite values in bn1\.bias"):
        apply(tmp_path / "weights.safetensors")


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("kind", ["torch file", "plain pickle"])
def test_a_malicious_pickle_is_refused_and_never_run(
    tmp_path: Path, state: dict[str, Tensor], kind: str
) -> None:
    mark, path = tmp_path / "it ran", tmp_path / "weights.pth"
    held = {**state, "payload": Malicious(mark)}
    if kind == "torch file":
        torch.save(held, path)
    else:
        path.write_bytes(pickle.dumps(held))
    with pytest.raises(BadFile, match="no code in it was run") as caught:
        apply(path)
    if kind == "torch file":
        assert "it asks for getattr, which is no tensor" in caught.value.what
    assert "weights_only" not in str(caught.value)  # torch advises to read it unprotected
    assert not mark.exists()
    pickle.loads(pickle.dumps(Malicious(mark)))  # the trap itself works
    assert mark.exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "zeros"])
def test_damaged_files_are_a_sentence(
    tmp_path: Path, state: dict[str, Tensor], suffix: str, damage: str
) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "text": b"{}" * 50,
            "truncated": whole[: len(whole) // 2],
            "zeros": bytes(len(whole)),
        }[damage]
    )
    with pytest.raises(BadFile, match="cannot be read as weights"):
        apply(path)


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ([torch.zeros(1)], "holds a list"),
        ({}, "holds an empty mapping"),
        ({"state_dict": {}}, "holds an empty mapping"),
        (torch.zeros(3), "holds a Tensor"),
        ({"epoch": 3, "a": torch.zeros(1)}, "no plain tensors: epoch"),
        ({"a": torch.eye(2).to_sparse()}, "no plain tensors: a"),
        ({"a": torch.zeros(1, device="meta")}, "no plain tensors: a"),
        ({1: torch.zeros(1)}, "no plain tensors: 1"),
    ],
)
def test_files_of_something_else_are_a_sentence(
    tmp_path: Path, held: object, sentence: str
) -> None:
    torch.save(held, tmp_path / "weights.pth")
    with pytest.raises(BadFile, match=sentence):
        apply(tmp_path / "weights.pth")


def test_the_digest_sees_names_types_shapes_and_values(state: dict[str, Tensor]) -> None:
    one = {"a": torch.arange(4.0), "b": torch.ones(2)}
    alike = {"b": torch.ones(2), "a": torch.arange(4.0)}
    others = (
        {"a": torch.arange(4.0), "c": torch.ones(2)},
        {"a": torch.arange(4.0).reshape(2, 2), "b": torch.ones(2)},
        {"a": torch.arange(4.0), "b": torch.ones(2).half()},
        {"a": torch.arange(4.0) + 1e-6, "b": torch.ones(2)},
    )
    assert checkpoint.digest(one) == checkpoint.digest(alike)
    assert len({checkpoint.digest(other) for other in (one, *others)}) == 5
