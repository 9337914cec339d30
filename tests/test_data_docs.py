"""What docs/ say of tables: every column, every example, run."""

import re
import shlex
import shutil
from pathlib import Path
from typing import get_args

import pytest

from mnv4bench.findings.rows import RowKind, columns
from mnv4bench.models import published_tables
from tests.command_line import run_process

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TYPES = {str: "text", int: "integer", float: "number", bool: "truth"}


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / document).read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "reports", folder / "reports", ignore=shutil.ignore_patterns(".lock*"))
    shutil.copytree(DOCS / "published", folder / "docs" / "published")
    return folder


@pytest.mark.parametrize("kind", get_args(RowKind))
def test_every_column_is_documented_as_it_is_declared(kind: RowKind) -> None:
    text = (DOCS / "data.md").read_text()
    section = text.split(f"## Columns of {kind}\n")[1].split("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", section, re.MULTILINE)
    declared = [(one.name, TYPES[one.kind], one.meaning) for one in columns(kind)]
    assert documented == declared


def test_no_column_is_renamed_or_lost() -> None:
    """Scripts of users rest on them; a new column is a new line of the file."""
    kinds: tuple[RowKind, ...] = get_args(RowKind)
    declared = [f"{kind} {one.name} {one.kind.__name__}" for kind in kinds for one in columns(kind)]
    frozen = (ROOT / "tests" / "golden" / "columns.txt").read_text().splitlines()
    assert [line for line in frozen if line not in declared] == []
    assert [line for line in declared if line not in frozen] == []


@pytest.mark.parametrize("kind", get_args(RowKind))
def test_names_of_quantities_have_their_unit(kind: RowKind) -> None:
    pure = {
        "confidence", "input_px",  # a fraction; pixels
        "params", "macs", "instructions", "instructions_low", "instructions_high",
        "load_instructions",
        "invocations", "invocations_tainted", "samples",
        "inferences_per_value", "operators", "operators_on_unit", "cost_on_unit", "threads",
        "round", "position",
        "index", "warmup_samples", "involuntary_switches", "thermal_status_before",
        "thermal_status_after",
    }  # fmt: skip
    for column in columns(kind):
        if column.kind in (int, float) and column.name not in pure:
            assert re.search(r"_(s|bytes|hz|c|percent)$", column.name), column.name


def test_the_notebook_runs_from_top_to_bottom(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(clone)
    cells = blocks("notebook.md", "python")
    assert len(cells) >= 8
    names: dict[str, object] = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"notebook.md, block {number}", "exec"), names)
    assert capsys.readouterr().out.count("shape:") >= 6
    assert names["table"].height > 20  # type: ignore[attr-defined]
    assert names["speed"].height >= 5  # type: ignore[attr-defined]
    assert (clone / "fit.parquet").exists()


def test_the_python_in_data_md_runs(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    [cell] = blocks("data.md", "python")
    names: dict[str, object] = {}
    exec(compile(cell, "data.md", "exec"), names)
    assert {"frame", "samples", "with_paper"} <= set(names)


@pytest.mark.parametrize(
    "line",
    [
        line[2:]
        for document in ("data.md", "published.md")
        for block in blocks(document, "console")
        for line in block.splitlines()
    ],
)
def test_the_commands_work(line: str, clone: Path) -> None:
    program, *words = shlex.split(line)
    assert program == "mnv4bench"
    ran = run_process(*words, cwd=clone)
    assert ran.status == 0, ran


@pytest.mark.parametrize(("language", "rows"), [("toml", 2), ("csv", 3)])
def test_the_formats_examples_are_read(language: str, rows: int, tmp_path: Path) -> None:
    [text] = blocks("published.md", language)
    path = tmp_path / f"example.{language}"
    path.write_text(text)
    table = published_tables.read(path)
    assert len(table.cells) == rows
    assert "application note 42" in table.citation


def test_every_key_of_the_format_is_documented() -> None:
    text = (DOCS / "published.md").read_text()
    for key in published_tables.KEYS:
        assert f"`{key}`" in text, key


def test_the_vendors_example_is_read() -> None:
    table = published_tables.read(DOCS / "published" / "qualcomm_mobilenet_v4.toml")
    assert len(table.cells) == 5
    assert table.unknown_models == ()
