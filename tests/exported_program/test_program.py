"""Exported programs: what comes out equals torch's, and nothing that a file says is run."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from mnv4bench.errors import BadFile
from mnv4bench.export.folding import folded
from mnv4bench.exported_program import program as exported_program

PX = 32


class Net(nn.Module):
    """A convolution with batch norm, attention over the pixels, several results, an infinity."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish()
        )
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.head = nn.Linear(8, 10)
        self.register_buffer("shift", torch.arange(8.0))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.depthwise(self.stem(image))  # (B, 8, H, W)
        tokens = features.flatten(2).transpose(1, 2) + self.shift  # (B, N, 8)
        query, key = tokens.chunk(2, dim=-1)
        scores = query @ key.transpose(1, 2)  # (B, N, N)
        far = scores < scores.amax(-1, keepdim=True) - 1
        scores = scores.masked_fill(far, float("-inf"))
        mixed = scores.softmax(-1) @ tokens
        return self.head(torch.cat([mixed.mean(1), mixed.amax(1)]).view(2, -1, 8).sum(0))


@pytest.fixture(scope="module")
def net() -> nn.Module:
    torch.manual_seed(0)
    made = Net().eval()
    with torch.no_grad():
        made.train()(torch.randn(8, 3, PX, PX))  # statistics that are no identity
    return made.eval()


@pytest.fixture(scope="module")
def saved(net: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "net.pt2"
    torch.export.save(torch.export.export(net, (torch.randn(1, 3, PX, PX),)), path)
    return path


def same(program: exported_program.Program, net: nn.Module, batch: int) -> None:
    image = torch.randn(batch, 3, PX, PX)
    with torch.no_grad():
        torch.testing.assert_close(program(image), net(image))


def test_it_computes_what_the_network_does(net: nn.Module, saved: Path) -> None:
    program = exported_program.read(saved)
    assert program.inputs == {"image": (1, 3, PX, PX)}
    assert program.dtypes == {"image": torch.float32}
    assert program.params == sum(one.numel() for one in net.parameters())
    kinds = [type(layer).__name__ for layer in program.layers.values()]
    assert kinds == ["Conv2d", "BatchNorm2d", "Conv2d", "Linear"]
    same(program, net, 1)


def test_as_a_graph_it_computes_the_same(net: nn.Module, saved: Path) -> None:
    graph = exported_program.read(saved).as_graph(torch.device("cpu"), torch.float32)
    same(graph, net, 1)
    halved = exported_program.read(saved).as_graph(torch.device("cpu"), torch.bfloat16)
    image = torch.randn(1, 3, PX, PX)
    with torch.no_grad():
        answer = halved(image.bfloat16())
        assert answer.dtype == torch.bfloat16
        torch.testing.assert_close(answer.float(), net(image), rtol=0.1, atol=0.1)


def test_a_graphs_text_holds_no_name_of_the_file(saved: Path, tmp_path: Path) -> None:
    """torch writes a graph's names into source code that it executes."""
    evil = "__import__('os').system('touch owned')"

    def change(model: dict) -> None:
        text = json.dumps(model).replace('"image"', json.dumps(evil))
        model.clear()
        model.update(json.loads(text))

    program = exported_program.read(rewritten(saved, tmp_path / "evil.pt2", in_model(change)))
    assert evil in program.inputs
    code = program.as_graph(torch.device("cpu"), torch.float32).code
    assert "owned" not in code
    assert "import" not in code


class Places(nn.Module):
    """Makes tensors on its way, with a device and types of its own."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        steps = torch.arange(4, dtype=torch.float32, device=image.device)
        return image.mean((2, 3)).to(torch.float32) @ torch.ones(3, 4) + steps


def test_as_a_graph_it_makes_its_tensors_where_it_runs(tmp_path: Path) -> None:
    image = torch.randn(1, 3, PX, PX)
    path = tmp_path / "places.pt2"
    torch.export.save(torch.export.export(Places().eval(), (image,)), path)
    graph = exported_program.read(path).as_graph(torch.device("meta"), torch.float16)
    answer = graph(image.to("meta", torch.float16))
    assert (answer.device.type, answer.dtype) == ("meta", torch.float16)


@pytest.mark.parametrize("decomposed", [False, True])
def test_open_sizes_and_decomposed_operators(net, decomposed: bool, tmp_path: Path) -> None:
    batch = {"image": {0: torch.export.Dim("batch")}}
    made = torch.export.export(net, (torch.randn(2, 3, PX, PX),), dynamic_shapes=batch)
    torch.export.save(made.run_decompositions() if decomposed else made, tmp_path / "net.pt2")
    program = exported_program.read(tmp_path / "net.pt2")
    [(name, sides)] = program.inputs.items()
    assert (name, sides[1:]) == ("image", (3, PX, PX))
    assert isinstance(sides[0], str)
    assert sides[0].isidentifier()
    kinds = {type(layer).__name__ for layer in program.layers.values()}
    assert kinds >= {"Conv2d", "BatchNorm2d"}
    same(program, net, 1)
    same(program, net, 3)


def test_two_names_of_one_weight_fold_apart(tmp_path: Path) -> None:
    """The same convolution before two norms: each has its own to fold into."""
    conv, one, two = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    one.running_var.fill_(4.0)
    shared = nn.Sequential(conv, one, conv, two).eval()
    torch.export.save(
        torch.export.export(shared, (torch.randn(1, 3, PX, PX),)), tmp_path / "net.pt2"
    )
    image = torch.randn(1, 3, PX, PX)
    small = folded(exported_program.read(tmp_path / "net.pt2"), image)
    assert not [layer for layer in small.modules() if isinstance(layer, nn.BatchNorm2d)]
    with torch.no_grad():
        torch.testing.assert_close(small(image), shared(image))


# --- hostile files ----------------------------------------------------------------------------

Changes = dict[str, Callable[[bytes], bytes]]


def rewritten(source: Path, target: Path, changes: Changes, method: int = zipfile.ZIP_STORED):
    """``source`` with some entries changed, by the end of their name."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", method) as new:
        for name in old.namelist():
            content = old.read(name)
            for end, change in changes.items():
                if name.endswith(end):
                    content = change(content)
            new.writestr(name, content)
    return target


def in_model(change: Callable[[dict], None]) -> Changes:
    def rewrite(content: bytes) -> bytes:
        model = json.loads(content)
        change(model)
        return json.dumps(model).encode()

    return {"models/model.json": rewrite}


class Payload:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


def poison(file: Path) -> Callable[[bytes], bytes]:
    """What a loader that unpickles would run."""
    buffer = io.BytesIO()
    torch.save(Payload(file), buffer)
    assert os.system(f"touch {file}") == 0
    assert file.exists()
    file.unlink()
    return lambda _: buffer.getvalue()


def test_the_poison_works_on_torch_s_own_loader(saved: Path, tmp_path: Path) -> None:
    """Else the tests below would prove nothing."""
    mark = tmp_path / "mark"
    path = rewritten(saved, tmp_path / "bad.pt2", {"sample_inputs/model.pt": poison(mark)})
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it makes of a number
        torch.export.load(path)
    assert mark.exists()


def test_pickled_example_inputs_are_not_opened(net, saved: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = rewritten(saved, tmp_path / "bad.pt2", {"sample_inputs/model.pt": poison(mark)})
    same(exported_program.read(path), net, 1)
    assert not mark.exists()


def test_pickled_weights_are_refused(saved: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    changes = {
        "weights/weight_0": poison(mark),
        "weights_config.json": lambda text: text.replace(
            b'"use_pickle": false', b'"use_pickle": true', 1
        ),
    }
    with pytest.raises(BadFile, match="as a pickle, which can run code; it was not opened"):
        exported_program.read(rewritten(saved, tmp_path / "bad.pt2", changes))
    assert not mark.exists()


@pytest.mark.parametrize(
    "target",
    [
        "torch.os.system",
        "torch.load",
        "torch.hub.load",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.save.default",
        "torch.ops.prim.Print.default",
        "torch.ops.higher_order.cond",
        "torch.ops.torchvision.nms.default",
        "torch.ops.aten.__class__.__init__",
        "_operator.attrgetter",
        "math.prod",
        "#namespace:op",
        "builtins.eval",
        "",
    ],
)
def test_only_operators_on_tensors_are_run(target: str, saved: Path, tmp_path: Path) -> None:
    def change(model: dict) -> None:
        model["graph_module"]["graph"]["nodes"][1]["target"] = target

    path = rewritten(saved, tmp_path / "bad.pt2", in_model(change))
    with pytest.raises(BadFile, match="not an operator of ATen on tensors"):
        exported_program.read(path)


def test_text_that_torch_would_evaluate_stays_text(net, saved: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"__import__('os').system('touch {mark}')"

    def change(model: dict) -> None:
        module = model["graph_module"]
        for meta in module["graph"]["tensor_values"].values():
            meta["sizes"] = [
                {"as_expr": {"expr_str": code, "hint": {"as_int": 1}}} for _ in meta["sizes"]
            ]
        model["guards_code"] = [code]
        module["module_call_graph"][0]["signature"]["in_spec"] = code
        text = json.dumps(module)
        model["graph_module"] = json.loads(text.replace('"conv2d"', json.dumps(f"x={code}#")))

    program = exported_program.read(rewritten(saved, tmp_path / "bad.pt2", in_model(change)))
    assert program.inputs == {"image": ("?", "?", "?", "?")}
    image = torch.randn(1, 3, PX, PX)
    with torch.no_grad():
        torch.testing.assert_close(program(image), net(image))
        torch.export.export(program, (image,))  # which writes and runs source code of its own
    assert not mark.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: graph["nodes"].reverse(),
        lambda graph: graph.pop("nodes"),
        lambda graph: graph["inputs"].pop(),
        lambda graph: graph["nodes"][0]["inputs"][0].update(arg={"as_graph": {}}),
        lambda graph: graph["nodes"][0]["inputs"][1].update(arg={}),
        lambda graph: graph.update(outputs=[]),
    ],
)
def test_a_graph_that_makes_no_sense_is_refused_when_read_or_run(change, saved, tmp_path) -> None:
    path = rewritten(
        saved, tmp_path / "bad.pt2", in_model(lambda model: change(model["graph_module"]["graph"]))
    )
    with pytest.raises((BadFile, KeyError, ValueError)):
        exported_program.read(path)(torch.zeros(1, 3, PX, PX))


@pytest.mark.parametrize("kept", [0, 10, 1000, 0.5, 0.99])
def test_a_file_cut_short_is_refused(kept: float, saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    path = tmp_path / "cut.pt2"
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(BadFile, match=r"cut\.pt2"):
        exported_program.read(path)


def test_an_archive_that_would_unpack_to_more_than_it_is_is_refused(saved, tmp_path: Path) -> None:
    swollen = {"weights/weight_0": lambda _: bytes(50_000_000)}
    path = rewritten(saved, tmp_path / "bomb.pt2", swollen, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(BadFile, match="unpack to"):
        exported_program.read(path)


@pytest.mark.parametrize("content", [pickle.dumps(1), b"text\n" * 100])
def test_an_alien_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.pt2").write_bytes(content)
    with pytest.raises(BadFile, match=r"net\.pt2"):
        exported_program.read(tmp_path / "net.pt2")


def test_a_program_of_training_is_refused(tmp_path: Path) -> None:
    training = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    made = torch.export.export(training, (torch.randn(2, 3, PX, PX),)).run_decompositions()
    torch.export.save(made, tmp_path / "net.pt2")
    with pytest.raises(BadFile, match="as in training") as caught:
        exported_program.read(tmp_path / "net.pt2")
    assert "net.eval()" in caught.value.next_step
