"""Every command in the README is executed, in order, in a copy of what a clone has."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.command_line import run_process
from tests.cuda.double import cuda_double
from tests.phone import handsets, programs
from tests.phone.genuine_adb import GenuineAdb
from tests.vulkan import has_vulkan, needs_vulkan

__all__ = ["cuda_double"]  # a fixture

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
)


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


@pytest.fixture(scope="module")
def pixel8(
    adb_server: GenuineAdb, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[pytest.MonkeyPatch]:
    """What the reader has on the desk: a phone on the cable, and the benchmark program."""
    folder = tmp_path_factory.mktemp("desk")
    phone = handsets.pixel8(folder / "phone")
    phone.set(steady_us=500.0)  # the host's noise would now and then hide the accelerator
    adb_server.plug(phone)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in adb_server.environment.items():
            if name != "HOME":
                patch.setenv(name, value)
        program = programs.write_program(folder / "benchmark_model", "classic")
        patch.setenv("MNV4BENCH_BENCHMARK_MODEL", str(program))
        yield patch
    adb_server.unplug_all()


def test_the_readme_shows_commands() -> None:
    assert len(console_lines()) >= 10


@pytest.mark.parametrize("line", console_lines())
def test_the_command_works(line: str, clone: Path, request: pytest.FixtureRequest) -> None:
    if "pixel8" in line:
        request.getfixturevalue("pixel8")
    if "emulated" in line:
        request.getfixturevalue("emulated_system")
    if "pi@board" in line:
        request.getfixturevalue("ssh_board")
    if "cuda" in line:
        request.getfixturevalue("cuda_double")
    if "host-gpu" in line and not has_vulkan():
        pytest.skip(needs_vulkan.kwargs["reason"])
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
    page = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_committed_reports_hold_both_host_devices() -> None:
    ran = run_process("show", ROOT / "reports", "--json")
    devices = {row["device"] for row in ran.json["measurements"]}
    assert devices >= {"host-cpu", "host-ort-cpu"}
    assert ran.json["skipped"] == []
