"""The wheel: profiles and tables inside, and reports readable without torch or a runtime."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mnv4bench import store
from tests import plain_install
from tests.sample_reports import report

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run([*build, "--outdir", str(out), str(ROOT)], check=True, capture_output=True)
    [path] = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel with its base dependencies, as pip would install them."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)
    plain_install.lay_out(site)
    return site


def test_the_wheel_holds_profiles_and_tables_and_nothing_else_of_the_repository(
    wheel: Path,
) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for profile in (ROOT / "device_profiles").glob("*.toml"):
        assert f"mnv4bench/device_profiles/{profile.name}" in names
    assert "mnv4bench/models/published.csv" in names
    assert "mnv4bench/models/accuracies.csv" in names
    assert "mnv4bench/models/ablations.csv" in names
    parts = [path for path in (ROOT / "mnv4bench/render/html").rglob("*") if path.is_file()]
    assert len(parts) > 15
    for part in parts:  # of a report's page: its scripts, its style, the chart library
        if part.suffix != ".pyc":
            assert str(part.relative_to(ROOT)) in names
    assert "mnv4bench/devices/emulated/marks.c" in names  # compiled where it is used
    for network in ("float", "int8"):  # what a phone is asked for samples with
        assert f"mnv4bench/devices/android/samples/{network}.tflite" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"mnv4bench"}


def test_the_base_dependencies_bring_neither_torch_nor_a_runtime() -> None:
    heavy = {
        "torch",
        "timm",
        "onnx",
        "onnxruntime",
        "ai-edge-litert",
        "litert-torch",
        "scipy",
        "polars",
    }
    assert not heavy & plain_install.base_distributions()


@pytest.mark.parametrize(
    "words",
    [
        "show",
        "show --format csv",
        "show --format markdown",
        "pareto reports",
        "pareto --published",
        "report reports",
        "models",
        "devices",
        "--version",
    ],
)
def test_reports_are_read_without_torch_or_a_runtime(
    words: str, installed: Path, tmp_path: Path
) -> None:
    store.write(tmp_path / "reports", report())
    ran = plain_install.run(installed, *words.split(), cwd=tmp_path)
    assert ran.status == 0, ran
    assert ran.out


def test_measuring_without_the_extra_gives_the_install_line(
    installed: Path, tmp_path: Path
) -> None:
    listed = plain_install.run(installed, "devices", "--json", cwd=tmp_path).json["devices"]
    by_name = {device["device"]: device for device in listed}
    assert by_name["host-cpu"]["status"] == "unusable"
    assert "pip install 'mnv4bench[run]'" in by_name["host-cpu"]["detail"]
    ran = plain_install.run(installed, "run", "--model", "mnv4-conv-s", cwd=tmp_path)
    assert ran.status == 3
    assert "pip install 'mnv4bench[run]'" in ran.err
    exported = plain_install.run(
        installed, "export", "mnv4-conv-s", "--format", "onnx", cwd=tmp_path
    )
    assert exported.status == 2
    assert "pip install 'mnv4bench[export]'" in exported.err
    timm = plain_install.run(installed, "export", "timm:resnet18", "--format", "onnx", cwd=tmp_path)
    assert timm.status == 2
    assert "pip install 'mnv4bench[export]'" in timm.err
    for each in (ran, exported, timm):
        assert "Traceback" not in each.err
