"""A package that is not the network does not pass, in whatever way it is wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mnv4bench.errors import ExportFailed
from mnv4bench.export.coreml import exporter as coreml
from mnv4bench.export.coreml import structure as coreml_structure
from mnv4bench.export.coreml.constants import BLOB_HEADER
from mnv4bench.export.coreml.package import open_package
from mnv4bench.export.coreml.products import products
from tests.export.coreml import coreml_nets
from tests.export.coreml.test_package import WEIGHTS, operations, rewrite


@pytest.fixture(scope="module")
def built():
    return coreml_nets.mobile()


@pytest.fixture
def copy(mobile_package: Callable[..., Path], tmp_path: Path):
    def copied(precision="fp16", target="iOS16") -> Path:
        return Path(shutil.copytree(mobile_package(precision, target), tmp_path / "m.mlpackage"))

    return copied


def change_numbers(package: Path, name: str, dtype: str, change, part: str = "val") -> Path:
    """Change the numbers of the constant ``name`` in the file of weights itself."""
    operation = open_package(package).constants.operators[name]
    content = bytearray((package / WEIGHTS).read_bytes())
    _, _, size, start = BLOB_HEADER.unpack_from(
        content, operation.attributes[part].blobFileValue.offset
    )
    change(np.frombuffer(content, dtype, size // np.dtype(dtype).itemsize, start))
    (package / WEIGHTS).write_bytes(content)
    return package


def weight_names(package: Path, type: str = "conv") -> list[str]:
    return [one.inputs["weight"][0] for one in open_package(package).operators if one.type == type]


@pytest.mark.parametrize(
    ("precision", "target", "limit"),
    [
        ("fp16", "iOS15", 5e-4),
        ("fp16", "iOS16", 5e-4),
        ("int8-weights", "iOS16", 5e-3),
        ("int8-weights", "iOS18", 5e-3),
        ("palette4", "iOS16", 1.5e-3),
        ("palette4", "iOS18", 1.5e-3),
    ],
)
def test_the_right_package_passes(built, mobile_package, precision, target, limit) -> None:
    found = coreml_structure.check(built, mobile_package(precision, target), precision, target)
    assert found.weights_compared == 2 * 17  # weights and biases of 16 convolutions and a linear
    assert 0 < found.max_weight_error <= found.tolerance <= limit
    assert found.operators["conv"] == 16
    assert found.operators["matmul"] == 2
    assert found.compute == "float16"
    assert 0 < found.program_error < 1e-3 < found.program_tolerance
    assert found.not_run.startswith("not run here: Core ML runs on macOS, and this is ")
    assert found.input.startswith("input float")


def test_timms_layers_pass(tmp_path: Path) -> None:
    other = coreml_nets.borrowed()
    coreml.convert(other, tmp_path / "m.mlpackage", "fp16")
    found = coreml_structure.check(other, tmp_path / "m.mlpackage", "fp16")
    assert found.operators["matmul"] == 4
    assert found.operators["linear"] == 1


def test_one_number_of_one_weight(built, copy) -> None:
    package = copy()

    def off(numbers) -> None:
        numbers[int(np.abs(numbers).argmax())] *= np.float16(1.01)

    change_numbers(package, weight_names(package)[5], "float16", off)
    with pytest.raises(
        ExportFailed, match=r"has other weights than torch's .*: off by at least 0\.0"
    ):
        coreml_structure.check(built, package, "fp16")


def test_one_number_of_one_bias(built, copy) -> None:
    package = copy()
    stem = next(one for one in open_package(package).operators if one.type == "conv")
    (name,) = stem.inputs["bias"]
    change_numbers(package, name, "float16", lambda numbers: numbers.__setitem__(0, 9))
    with pytest.raises(ExportFailed, match="other weights than torch's conv_stem_weight"):
        coreml_structure.check(built, package, "fp16")


def test_weights_that_are_not_numbers(built, copy) -> None:
    package = copy()
    change_numbers(
        package, weight_names(package)[3], "float16", lambda numbers: numbers.fill(np.nan)
    )
    with pytest.raises(ExportFailed, match="other weights"):
        coreml_structure.check(built, package, "fp16")


def test_one_quantised_number(built, copy) -> None:
    package = copy("int8-weights")
    name = next(name for name in weight_names(package) if name.endswith("_quantized"))

    def off(numbers) -> None:
        at = int(np.abs(numbers.astype(int)).argmax())
        numbers[at] = numbers[at] // 2

    change_numbers(package, name, "int8", off, "quantized_data")
    with pytest.raises(ExportFailed, match="other weights"):
        coreml_structure.check(built, package, "int8-weights")


def test_one_scale(built, copy) -> None:
    package = copy("int8-weights")
    name = next(name for name in weight_names(package) if name.endswith("_quantized"))
    change_numbers(
        package, name, "float16", lambda numbers: numbers.__setitem__(0, numbers[0] * 2), "scale"
    )
    with pytest.raises(ExportFailed, match="other weights"):
        coreml_structure.check(built, package, "int8-weights")


@pytest.mark.parametrize(("part", "dtype"), [("indices", "uint8"), ("lut", "float16")])
def test_one_entry_of_a_palette_or_of_its_indices(built, copy, part: str, dtype: str) -> None:
    package = copy("palette4")
    name = next(name for name in weight_names(package) if name.endswith("_palettized"))

    def off(numbers) -> None:
        numbers[7] = numbers[7] ^ 0x88 if part == "indices" else numbers[7] + numbers[15] / 50

    change_numbers(package, name, dtype, off, part)
    with pytest.raises(ExportFailed, match="other weights"):
        coreml_structure.check(built, package, "palette4")


def test_the_same_network_with_other_weights(built, tmp_path: Path) -> None:
    coreml.convert(coreml_nets.mobile(seed=1), tmp_path / "m.mlpackage", "fp16")
    with pytest.raises(
        ExportFailed, match="other weights than torch's conv_stem_weight: off by at least"
    ):
        coreml_structure.check(built, tmp_path / "m.mlpackage", "fp16")


def test_another_network(built, tmp_path: Path) -> None:
    coreml.convert(coreml_nets.borrowed(), tmp_path / "m.mlpackage", "fp16")
    with pytest.raises(ExportFailed, match=r"has \d+ conv operators; torch has 16"):
        coreml_structure.check(built, tmp_path / "m.mlpackage", "fp16")
    coreml.convert(coreml_nets.mobile(classes=6), tmp_path / "6.mlpackage", "fp16")
    with pytest.raises(ExportFailed, match=r"logits float16 \(1, 6\), not .*\(1, 5\)"):
        coreml_structure.check(built, tmp_path / "6.mlpackage", "fp16")


@pytest.mark.parametrize("kind", ["conv", "linear", "matmul"])
def test_a_missing_layer(built, copy, kind: str) -> None:
    def without(model) -> None:
        found = operations(model)
        found.remove(next(one for one in found if one.type == kind))

    with pytest.raises(ExportFailed, match=rf"has \d+ {kind} operators; torch has \d+"):
        coreml_structure.check(built, rewrite(copy(), without), "fp16")


def test_a_stride_that_is_off(built, copy) -> None:
    """The weights are all there; the layer is applied in another way."""
    package = copy()
    stem = next(one for one in open_package(package).operators if one.type == "conv")

    def change(model) -> None:
        for one in operations(model):
            if one.outputs[0].name == stem.inputs["strides"][0]:
                one.attributes["val"].immediateValue.tensor.ints.values[:] = [1, 1]

    with pytest.raises(ExportFailed, match="lacks a layer like conv_stem_weight"):
        coreml_structure.check(built, rewrite(package, change), "fp16")


def renamed(operation, parameter: str, to: str) -> None:
    operation.inputs[parameter].arguments[0].name = to


def first(model, kind: str):
    return next(one for one in operations(model) if one.type == kind)


def another_activation(model) -> None:
    first(model, "relu").type = "sigmoid"


def a_branch_that_is_not_added(model) -> None:
    add = first(model, "add")
    renamed(add, "y", add.inputs["x"].arguments[0].name)


def layers_in_another_order(model) -> None:
    """Each convolution is there, with its weights; two that are applied alike stand exchanged."""
    convs = [one for one in operations(model) if one.type == "conv"]
    sides = [str(one.inputs["weight"]) for one in convs]
    key, value = (
        next(one for one, side in zip(convs, sides, strict=True) if f"attn_{name}_proj" in side)
        for name in ("key", "value")
    )
    names = [one.inputs["weight"].arguments[0].name for one in (key, value)]
    renamed(key, "weight", names[1])
    renamed(value, "weight", names[0])


def constant(model, name: str):
    return next(one for one in operations(model) if one.outputs[0].name == name)


def softmax_over_queries(model) -> None:
    axis = first(model, "softmax").inputs["axis"].arguments[0].name
    constant(model, axis).attributes["val"].immediateValue.tensor.ints.values[:] = [3]


@pytest.mark.parametrize(
    "change",
    [
        another_activation,
        a_branch_that_is_not_added,
        layers_in_another_order,
        softmax_over_queries,
    ],
)
def test_a_program_that_computes_something_else(built, copy, change) -> None:
    """All layers are there with the right numbers, and still it is another network."""
    with pytest.raises(ExportFailed, match=r"a program that gives other outputs .*: off by"):
        coreml_structure.check(built, rewrite(copy(), change), "fp16")


def test_an_operator_that_is_not_known_leaves_the_rest_of_the_check(built, copy) -> None:
    def unknown(model) -> None:
        first(model, "relu").type = "erf"

    found = coreml_structure.check(built, rewrite(copy(), unknown), "fp16")
    assert (found.program_error, found.program_tolerance) == (None, None)
    assert found.weights_compared == 34


def test_computing_in_fp32(built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = coreml._tools()
    real = tools.convert
    monkeypatch.setattr(
        tools,
        "convert",
        lambda net, **how: real(net, **{**how, "compute_precision": tools.precision.FLOAT32}),
    )
    coreml.convert(built, tmp_path / "m.mlpackage", "fp16")
    with pytest.raises(ExportFailed, match=r"does not compute all in float16: .*conv in float32"):
        coreml_structure.check(built, tmp_path / "m.mlpackage", "fp16")


def test_another_precision_than_was_asked_for(built, mobile_package) -> None:
    with pytest.raises(ExportFailed, match="most of its weights as fp16, not palette4"):
        coreml_structure.check(built, mobile_package("fp16"), "palette4")
    with pytest.raises(ExportFailed, match="most of its weights as int8-weights, not fp16"):
        coreml_structure.check(built, mobile_package("int8-weights"), "fp16")


def test_another_target_than_was_asked_for(built, mobile_package) -> None:
    with pytest.raises(ExportFailed, match="has format version 9; iOS16 has 7"):
        coreml_structure.check(built, mobile_package("fp16", "iOS18"), "fp16", "iOS16")


def test_a_damaged_package_is_an_export_that_failed(built, copy) -> None:
    package = copy()
    (package / WEIGHTS).unlink()
    with pytest.raises(ExportFailed, match="its file of weights is missing"):
        coreml_structure.check(built, package, "fp16")


def test_a_rewritten_network_that_computes_something_else_is_seen(
    built, mobile_package, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnv4bench.export.coreml import neural_engine

    monkeypatch.setattr(neural_engine, "attend", lambda q, k, v: q + k.mean() + v.mean())
    with pytest.raises(ExportFailed, match="made from a network that is off torch's by"):
        coreml_structure.check(built, mobile_package(), "fp16")


# --- what torch's network needs ---------------------------------------------------------------


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gamma = nn.Conv2d(2, 3, 1), nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
        self.dense = nn.Linear(3, 3)

    def forward(self, x):
        x = self.conv(x) * 0.5 * self.gamma.view(1, -1, 1, 1)
        y = self.dense(x.mean((2, 3)))
        return y * self.gamma + y


def test_factors_behind_a_layer_belong_to_it_unless_it_is_read_twice() -> None:
    net = Scaled().eval()
    conv, dense = products(net, torch.randn(1, 2, 4, 4)).layers
    scale = torch.tensor([0.5, 1.0, 1.5]).view(-1, 1, 1, 1)
    np.testing.assert_allclose(conv.weight, (net.conv.weight * scale).detach(), rtol=1e-6)
    np.testing.assert_allclose(conv.bias, (net.conv.bias * scale.flatten()).detach(), rtol=1e-6)
    np.testing.assert_allclose(dense.weight, net.dense.weight.detach())


def test_products_of_activations_are_counted_wherever_they_hide() -> None:
    class Attention(nn.Module):
        def forward(self, x):
            with torch.autocast("cpu", enabled=False):
                x = x @ x.mT @ x
            y = torch.einsum("bij,bjk->bik", x, x.mT)
            return nn.functional.scaled_dot_product_attention(y, y, y)

    assert products(Attention(), torch.randn(1, 4, 4)).matmuls == 5
