"""The wheel: profiles and tables inside, and reports readable without torch or a runtime."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mnv4bench import store
from tests.sample_reports import report

ROOT = Path(__file__).parent.parent
# What a plain `pip install mnv4bench` does not bring.
ABSENT = ("torch", "timm", "onnx", "onnxruntime", "ai_edge_litert", "litert_torch", "scipy")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(out),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
    )
    [path] = out.glob("*.whl")
    return path


def test_the_wheel_holds_profiles_and_tables_and_nothing_else_of_the_repository(
    wheel: Path,
) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for profile in (ROOT / "device_profiles").glob("*.toml"):
        assert f"mnv4bench/device_profiles/{profile.name}" in names
    assert any(name.endswith("published.csv") for name in names)
    tops = {name.split("/")[0] for name in names}
    assert {top.split("-")[0] for top in tops} == {"mnv4bench"}


def test_reports_are_read_without_torch_or_a_runtime(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (site / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {ABSENT!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    store.write(tmp_path / "reports", report())
    for words in (
        ["show"],
        ["pareto", "reports"],
        ["pareto", "--published"],
        ["models"],
        ["devices"],
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "mnv4bench", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, (words, ran.stderr)
    where = subprocess.run(
        [sys.executable, "-c", "import mnv4bench; print(mnv4bench.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site))
