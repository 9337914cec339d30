"""Every command in the README is executed, in order, in a copy of what a clone has."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.command_line import run_process

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "DESIGN.md", "CONTRIBUTING.md")


def console_lines() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "reports", folder / "reports", ignore=shutil.ignore_patterns(".lock*"))
    for number, synset in enumerate(("n01440764", "n15075141")):  # what the reader brings
        (folder / "imagenet" / "val" / synset).mkdir(parents=True)
        for colour in range(0, 250, 50):
            picture = Image.new("RGB", (300, 240), (colour, 120 * number, 90))
            picture.save(folder / "imagenet" / "val" / synset / f"{colour}.jpg")
    return folder


def test_the_readme_shows_commands() -> None:
    assert len(console_lines()) >= 10


@pytest.mark.parametrize("line", console_lines())
def test_the_command_works(line: str, clone: Path) -> None:
    program, *words = shlex.split(line)
    if program == "make":  # run for real by whoever reads this; here only that they exist
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    assert program == "mnv4bench"
    ran = run_process(*words, cwd=clone)
    assert ran.status == 0, ran
    assert ran.out


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text()):
        assert (ROOT / target).exists(), target


def test_committed_reports_hold_both_host_devices() -> None:
    ran = run_process("show", ROOT / "reports", "--json")
    devices = {row["device"] for row in ran.json["measurements"]}
    assert devices >= {"host-cpu", "host-ort-cpu"}
    assert ran.json["skipped"] == []
