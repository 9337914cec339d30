"""What this machine says about itself; the readers get files as other machines have them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnv4bench import __version__
from mnv4bench.devices import host_facts, readings

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")


def test_the_environment_knows_what_every_machine_knows() -> None:
    environment = host_facts.environment("LiteRT", "2.3.0")
    assert environment.cpu_count == os.cpu_count()
    assert environment.architecture
    assert environment.os_name
    assert environment.memory_bytes is not None
    assert environment.memory_bytes > 2**20
    assert environment.runtime_name == "LiteRT"
    assert environment.runtime_version == "2.3.0"
    assert environment.tool_version == __version__
    assert environment.python_version == ".".join(map(str, sys.version_info[:3]))


def test_the_state_is_of_now() -> None:
    state = host_facts.state()
    assert state.taken_at.endswith("+00:00")
    assert state.cpu_busy_fraction is not None
    assert 0 <= state.cpu_busy_fraction <= 1
    assert state.memory_available_bytes is not None
    assert state.memory_available_bytes > 0


@linux
@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [
        ("processor : 0\nmodel name\t: AMD EPYC 9654\nmodel name : x\n", "AMD EPYC 9654"),
        (
            "processor : 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n",
            "Arm implementer 0x41 part 0xd0b",
        ),
    ],
)
def test_the_processor_s_name(tmp_path: Path, monkeypatch, cpuinfo, model) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(readings, "CPUINFO", tmp_path / "cpuinfo")
    assert host_facts.environment("x", None).cpu_model == model


@linux
@pytest.mark.parametrize(
    ("flags", "clocks", "maker", "virtualization"),
    [
        ("fpu avx2", "tsc hpet", "Dell Inc.", "none"),
        ("fpu hypervisor", "tsc kvm-clock", None, "kvm"),
        ("fpu hypervisor", "hyperv_clocksource_tsc_page", "Microsoft Corporation", "hyper-v"),
        ("fpu hypervisor", "tsc", "VMware, Inc.", "VMware, Inc."),
        ("fpu hypervisor", "tsc", None, "unnamed hypervisor"),
        (None, "arch_sys_counter", None, None),  # Arm: nobody says
    ],
)
def test_the_hypervisor(tmp_path: Path, monkeypatch, flags, clocks, maker, virtualization) -> None:
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n" if flags else "CPU part : 0xd0b\n")
    (tmp_path / "clocks").write_text(clocks)
    if maker:
        (tmp_path / "sys_vendor").write_text(f"{maker}\n")
    monkeypatch.setattr(readings, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(host_facts, "CLOCKSOURCES", tmp_path / "clocks")
    monkeypatch.setattr(host_facts, "DMI", tmp_path)
    assert host_facts.environment("x", None).virtualization == virtualization


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here; .ci/packages installs it")
def test_the_commit_of_the_folder_it_runs_in(tmp_path: Path, monkeypatch) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    def commit() -> str | None:
        return host_facts.environment("x", None).commit

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit() is None  # no repository
    git("init", "--quiet")
    assert commit() is None  # no commit yet
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--quiet", "--message", "one")
    head = git("rev-parse", "HEAD").strip()
    assert commit() == head
    (tmp_path / "untracked").write_text("")
    assert commit() == head
    (tmp_path / "file").write_text("two")
    assert commit() == f"{head}+dirty"


def test_without_git_the_commit_is_unknown(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host_facts.environment("x", None).commit is None
