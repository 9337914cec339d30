"""timm behind its one door: the torchvision cure, deployed forms, the hub's loader."""

import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch

from mnv4bench.models import baselines, calibration
from mnv4bench.models.inputs import sample_input


def python(code: str, **environment: str) -> str:
    """What ``code`` prints in a fresh interpreter."""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


# --- the import -------------------------------------------------------------------------------

# What a torchvision does whose compiled part is missing, and one whose compiled part is there.
BROKEN = """
import torch, torchvision.part
torch.library.register_fake("torchvision::nms")(lambda *a: None)
"""
WHOLE = """
import torch
own = torch.library.Library("torchvision", "DEF")
own.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
OUTCOME = """
from mnv4bench.models import baselines
timm = baselines.timm_package()
print(timm.__version__, len(baselines._declared))
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of packages with a timm, to which a test adds the torchvision that it needs."""
    for name in ("timm", "torchvision"):
        (tmp_path / name).mkdir()
    (tmp_path / "timm" / "__init__.py").write_text("__version__ = 'stand-in'\nimport torchvision\n")
    (tmp_path / "torchvision" / "part.py").touch()
    return tmp_path


def paths(first: Path) -> str:
    return os.pathsep.join([str(first), str(Path.cwd()), os.environ.get("PYTHONPATH", "")])


@pytest.mark.parametrize(
    ("torchvision", "declared"), [(BROKEN, 1), (WHOLE, 0)], ids=["broken", "whole"]
)
def test_operators_are_declared_only_where_torchvision_lacks_them(
    packages: Path, torchvision: str, declared: int
) -> None:
    (packages / "torchvision" / "__init__.py").write_text(torchvision)
    assert python(OUTCOME, PYTHONPATH=paths(packages)) == f"stand-in {declared}"


def test_another_failure_of_torchvision_is_not_hidden(packages: Path) -> None:
    (packages / "torchvision" / "__init__.py").write_text("raise RuntimeError('no disk')")
    code = f"try:\n    exec({OUTCOME!r})\nexcept RuntimeError as error:\n    print(error)"
    assert python(code, PYTHONPATH=paths(packages)) == "no disk"


@pytest.mark.parametrize("missing", ["torchvision", "timm"])
def test_a_missing_package_gives_the_install_line(missing: str) -> None:
    code = (
        f"import sys\nsys.modules[{missing!r}] = None\n"
        "from mnv4bench.errors import MissingExtra\n"
        f"try:\n    exec({OUTCOME!r})\nexcept MissingExtra as error:\n    print(error)"
    )
    said = python(code)
    assert f"needs the package {missing}" in said
    assert "pip install 'mnv4bench[export]'" in said


@pytest.mark.parametrize("statement", ["catalog.entry('timm:resnet18')", "from_build()"])
def test_missing_torch_gives_the_install_line(statement: str) -> None:
    said = python(
        "import sys\nsys.modules['torch'] = None\n"
        "from mnv4bench.errors import MissingExtra\nfrom mnv4bench.models import catalog\n"
        "def from_build():\n    from mnv4bench.models import build\n"
        f"try:\n    {statement}\nexcept MissingExtra as error:\n    print(error)"
    )
    assert "needs the package torch" in said
    assert "pip install 'mnv4bench[export]'" in said


def test_the_installed_pair_works() -> None:
    assert baselines.timm_package().__version__.startswith("1.")


# --- deployed form ----------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ["fastvit_t8", "fastvit_sa12"])
def test_fastvit_is_merged_without_changing_its_outputs(arch: str) -> None:
    with calibration.seeded(0):
        net = baselines.create(arch)
    calibration.calibrate(net, 128, seed=0)
    scales = [part for name, part in net.named_parameters() if "layer_scale" in name]
    assert all(bool((scale == 1).all()) for scale in scales)  # no branch is all but switched off
    merged = baselines.deployed(deepcopy(net))
    images = sample_input(128, seed=1, count=2)
    with torch.no_grad():
        before, after = net(images), merged(images)
    assert float((before - after).abs().max() / before.abs().max()) < 1e-4
    size, merged_size = (sum(p.numel() for p in n.parameters()) for n in (net, merged))
    assert merged_size < size
    assert len(list(merged.modules())) < len(list(net.modules()))
