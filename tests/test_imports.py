"""The staircase of DESIGN.md, "Who may import whom", and what must stay out of a start."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mnv4bench"

# room or module -> what it may import inside the package ("*": everything)
MAY_IMPORT = {
    "__init__": {"notebook"},
    "__main__": {"cli"},
    "records": set(),
    "units": set(),
    "errors": set(),
    "delegation": set(),
    "places": {"errors"},
    "findings": {"records"},
    "over_time": {"findings", "records"},
    "overview": {"over_time", "findings", "records"},
    "codec": {"records", "findings", "errors"},
    "store": {"codec", "records", "errors"},
    "profiles": {"codec", "records", "errors"},
    "frames": {"findings", "errors"},
    "notebook": {
        "frames",
        "store",
        "analysis",
        "models",
        "findings",
        "records",
        "errors",
        "render",
    },
    "analysis": {"records", "findings", "over_time", "overview"},
    "runtimes": {"records", "errors"},
    "images": {"records", "errors"},
    "devices": {"delegation", "places", "records", "errors"},
    "models": {"records", "errors", "codec"},
    "export": {"models", "runtimes", "images", "places", "records", "errors", "codec"},
    "inspection": {"export", "delegation", "records", "findings", "errors"},
    "accuracy": {"runtimes", "images", "codec", "records", "errors"},
    "bench": {"models", "export", "devices", "store", "analysis", "records", "errors"},
    "render": {"records", "findings", "over_time", "overview", "units"},
    "cli": {"*"},
}
HEAVY = ("torch", "timm", "torchvision", "tensorflow", "onnx", "onnxruntime", "ai_edge_litert",
         "litert_torch", "matplotlib", "scipy", "numpy", "coremltools", "polars")  # fmt: skip
# Rooms that never see torch or a runtime, not even inside a function.
NEVER_HEAVY = {
    "records",
    "units",
    "errors",
    "findings",
    "over_time",
    "overview",
    "codec",
    "store",
    "profiles",
    "analysis",
    "cli",
}
# What looks at millions of numbers may do so with numpy; it is loaded when a front is judged.
MAY_SEE_NUMPY = {
    "analysis/resampling.py",
    "analysis/certainty.py",
    "analysis/universality.py",
    "analysis/roofline.py",
    "analysis/prediction.py",
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every dotted name that the file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module or ""}
            if node.module == "mnv4bench":
                names |= {f"mnv4bench.{alias.name}" for alias in node.names}
    return names


def rooms_of(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("mnv4bench.")}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    allowed = MAY_IMPORT[room(path)]
    if "*" in allowed:
        return
    strangers = rooms_of(imported(path)) - allowed - {room(path), "__version__"}
    assert not strangers, f"{path.relative_to(PACKAGE)} imports {sorted(strangers)}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_light_rooms_never_see_torch_or_a_runtime(path: Path) -> None:
    if room(path) in NEVER_HEAVY:
        heavy = {name.split(".")[0] for name in imported(path)} & set(HEAVY)
        if str(path.relative_to(PACKAGE)) in MAY_SEE_NUMPY:
            heavy -= {"numpy"}
        assert not heavy, f"{path.relative_to(PACKAGE)} imports {sorted(heavy)}"


def test_nobody_imports_the_command_line() -> None:
    for path in modules():
        if room(path) not in ("cli", "__main__"):
            assert "cli" not in rooms_of(imported(path)), path


def test_a_broken_rule_would_be_seen(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from mnv4bench import store\n    import torch.nn\n")
    assert rooms_of(imported(bad)) == {"store"}
    assert "torch.nn" in imported(bad)


@pytest.mark.parametrize(
    "statement",
    [
        "import mnv4bench",
        "import mnv4bench.models, mnv4bench.export, mnv4bench.devices, mnv4bench.analysis",
        "import mnv4bench.bench, mnv4bench.store, mnv4bench.profiles",
        "import sys; sys.argv = ['mnv4bench', '--help']\n"
        "from mnv4bench.cli import app\n"
        "try: app()\nexcept SystemExit: pass",
    ],
)
def test_a_start_loads_nothing_heavy(statement: str) -> None:
    probe = f"{statement}\nimport sys\nprint('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "LOADED []"
