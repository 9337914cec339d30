"""A network becomes a package that means the same, with the same bytes every time."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mnv4bench import runtimes
from mnv4bench.errors import UsageError
from mnv4bench.export.coreml import exporter as coreml
from mnv4bench.export.coreml import messages as coreml_messages
from mnv4bench.export.coreml import running
from mnv4bench.export.coreml.in_torch import work_out
from mnv4bench.export.coreml.package import open_package
from mnv4bench.export.parity import _sqnr_db
from mnv4bench.export.rounding import rounded_outputs
from tests.export.coreml import coreml_nets

NETS = {"mobile": coreml_nets.mobile, "borrowed": coreml_nets.borrowed}


def digest(package: Path) -> str:
    files = sorted(path for path in package.rglob("*") if path.is_file())
    content = [(str(path.relative_to(package)), path.read_bytes()) for path in files]
    return hashlib.sha256(repr(content).encode()).hexdigest()


def outputs(package: Path, images: torch.Tensor) -> torch.Tensor:
    return work_out(open_package(package), images)


@pytest.mark.parametrize("net", NETS)
def test_the_program_means_what_the_network_means(net: str, tmp_path: Path) -> None:
    """To within what float16 alone does to the network."""
    built, images = NETS[net](), coreml_nets.images(8)
    coreml.convert(built, tmp_path / "m.mlpackage", "fp16", "iOS16")
    with torch.no_grad():
        expected = built.net(images)
        found = outputs(tmp_path / "m.mlpackage", images)
        rounded = rounded_outputs(built.net, "fp16", images, images)
    alone = _sqnr_db(expected.numpy(), rounded.numpy())
    assert alone > 35
    assert _sqnr_db(expected.numpy(), found.numpy()) > alone - running.MARGIN_DB
    kinds = open_package(tmp_path / "m.mlpackage").counts()
    assert "transpose" not in kinds
    assert not {"thresholded_relu", "clip", "einsum"} & set(kinds)


def test_queries_of_zero_divide_nothing_by_zero(tmp_path: Path) -> None:
    """What is added to EfficientViT's divisor must not vanish in float16, where keys are large."""
    built = coreml_nets.borrowed()
    attention = built.net[4]
    heads = attention.qkv.conv.weight.reshape(-1, 3, attention.dim, 32)  # a view: (h, qkv, d, C)
    heads[:, 0] = 0
    heads[:, 1] *= 100
    coreml.convert(built, tmp_path / "m.mlpackage", "fp16")
    found = outputs(tmp_path / "m.mlpackage", coreml_nets.images(2))
    assert found.isfinite().all()


@pytest.mark.parametrize(
    ("precision", "target", "least_db"),
    [
        ("fp16", "iOS15", 35),
        ("fp16", "iOS18", 35),
        ("int8-weights", "iOS16", 25),
        ("int8-weights", "iOS18", 25),
        ("palette4", "macOS13", 5),
        ("palette4", "iOS18", 5),
    ],
)
def test_every_precision_and_target_means_it_too(
    precision, target: str, least_db: float, mobile_package
) -> None:
    """Only the rounding of weights differs, and both ways to write it down agree."""
    built, images = coreml_nets.mobile(), coreml_nets.images(4)
    package = mobile_package(precision, target)
    with torch.no_grad():
        found = outputs(package, images)
        assert _sqnr_db(built.net(images).numpy(), found.numpy()) > least_db
    older = outputs(mobile_package(precision, "iOS16"), images)
    if target != "iOS15":  # its inputs are not rounded
        torch.testing.assert_close(found, older, rtol=1e-2, atol=1e-2)


def test_inputs_and_outputs_are_half_from_ios16_on(mobile_package) -> None:
    new, old = (open_package(mobile_package("fp16", target)) for target in ("iOS16", "iOS15"))
    assert [str(one) for one in (*new.inputs, *new.outputs)] == [
        "input float16 (1, 3, 32, 32)",
        "logits float16 (1, 5)",
    ]
    assert (old.inputs[0].dtype, old.outputs[0].dtype) == ("float32", "float32")
    assert (old.specification, new.specification) == (6, 7)
    assert "cast" not in new.counts()


def test_weights_take_the_room_that_they_promise(mobile_package) -> None:
    half, quantised, palette = (
        open_package(mobile_package(precision)).constants.numbers()
        for precision in ("fp16", "int8-weights", "palette4")
    )
    assert set(half) == {"float16"}
    assert quantised["int8"] > 0.8 * half["float16"]
    # Tensors of fewer than 10,000 numbers stay as they are.
    assert palette["palette4"] == 240 * 48 + 240 * 64 + 2 * 256 * 64
    assert sum(palette.values()) == sum(half.values())


def test_the_same_export_gives_the_same_bytes_in_another_process(
    mobile_package, tmp_path: Path
) -> None:
    script = (
        "import sys, torch; from pathlib import Path; torch.set_num_threads(1)\n"
        "from mnv4bench.export.coreml import exporter\n"
        "from tests.export.coreml import coreml_nets\n"
        "exporter.convert(coreml_nets.mobile(), Path(sys.argv[1]), 'palette4', 'iOS16')"
    )
    again = tmp_path / "another name.mlpackage"
    subprocess.run([sys.executable, "-c", script, str(again)], check=True, capture_output=True)
    assert digest(again) == digest(mobile_package("palette4"))


def test_nothing_of_this_machine_or_day_is_inside(mobile_package) -> None:
    package = mobile_package()
    model_file = package / "Data" / "com.apple.CoreML" / "model.mlmodel"
    content = model_file.read_bytes()
    for private in (str(Path.home()), str(package.parent), "site-packages", "/tmp"):
        assert private.encode() not in content
    model = coreml_messages.messages().Model()
    model.ParseFromString(content)
    about = model.description.metadata
    assert about.shortDescription == "tiny, image classifier. Weights: random (seed 0)"
    assert not [key for key in about.userDefined if "date" in key]
    assert sorted(path.name for path in package.iterdir()) == ["Data", "Manifest.json"]


def test_coremltools_itself_opens_it(mobile_package) -> None:
    """Its own reader of packages, which is Apple's."""
    tools = runtimes.coremltools()
    spec = tools.utils.load_spec(str(mobile_package()))
    assert spec.WhichOneof("Type") == "mlProgram"
    manifest = json.loads((mobile_package() / "Manifest.json").read_text())
    assert manifest["fileFormatVersion"] == "1.0.0"


def test_targets_are_those_of_coremltools() -> None:
    tools = runtimes.coremltools()
    known = {
        name: int(member)
        for name, member in tools.target.__members__.items()
        if name.startswith(("iOS", "macOS")) and int(member) >= 6
    }
    assert known == coreml.TARGETS


def test_an_unknown_target_is_named() -> None:
    with pytest.raises(UsageError, match=r"no deployment target 'iOS61'.*nearest: iOS"):
        coreml.specification("iOS61", "fp16")


@pytest.mark.parametrize("precision", ["int8-weights", "palette4"])
def test_smaller_weights_need_a_newer_system(precision) -> None:
    with pytest.raises(UsageError, match="cannot be had for macOS12"):
        coreml.specification("macOS12", precision)
    assert coreml.specification("macOS13", precision) == 7


def test_frameworks_are_as_they_were_before() -> None:
    """coremltools is imported as if some were not installed; afterwards they can be had again."""
    before = {name for name, module in sys.modules.items() if module is None}
    runtimes.coremltools()
    assert {name for name, module in sys.modules.items() if module is None} <= before
