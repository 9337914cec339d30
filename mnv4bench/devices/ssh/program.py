"""The benchmark program of a board without Python: where it is found, whether it fits, its flags.

Knows: Google's builds for Linux on Arm, and ELF's machines. Does not know: its flags and output,
which are those of the phones' programs (``android/benchmark.py``, ``results.py``).
"""

from __future__ import annotations

import re
import shlex
import struct
from pathlib import Path

from msgspec.structs import replace

from mnv4bench.devices.android import benchmark
from mnv4bench.devices.android.benchmark import PROGRAM, TITLES, Builds, Tool
from mnv4bench.devices.ssh import failures
from mnv4bench.devices.ssh.connection import Ssh
from mnv4bench.errors import NotMeasured
from mnv4bench.records import AndroidTarget, BenchmarkTool, DeviceProfile, SshTarget

# As upstream documents them; this program fetches neither.
BUILDS = Builds(
    folder="linux_arm64",
    variable="MNV4BENCH_BOARD_BENCHMARK_MODEL",
    downloads={
        "classic": "https://storage.googleapis.com/tensorflow-nightly-public/prod/tensorflow/"
        "release/lite/tools/nightly/latest/linux_aarch64_benchmark_model",
        "litert": "https://storage.googleapis.com/litert/binaries/2.2.0/linux_arm64/"
        "benchmark_model",
    },
)
# Program and shell start within this.
HELP_TIMEOUT_S = 60.0
# e_machine of an ELF file, and what uname -m calls it.
_MACHINES = {183: "aarch64", 40: "armv7l", 62: "x86_64", 3: "i686", 243: "riscv64"}


def as_phone(profile: DeviceProfile, target: SshTarget) -> DeviceProfile:
    """``profile`` in the words of the phones' programs: on the processor, with XNNPACK."""
    assert target.tool != "python"
    table = AndroidTarget(
        tool=target.tool,
        delegate="xnnpack",
        benchmark_model=target.benchmark_model,
        benchmark_sha256=target.benchmark_sha256,
    )
    return replace(profile, android=table)


def find(profile: DeviceProfile, target: SshTarget, option: Path | None) -> Tool:
    """The program on this machine. Raises NotMeasured with what to download where there is none."""
    return benchmark.find(as_phone(profile, target), option, None, builds=BUILDS)


def require_machine(tool: Tool, machine: str | None) -> None:
    """Raises NotMeasured when the program is for another processor than ``machine``, uname's."""
    try:
        with tool.program.open("rb") as stream:
            head = stream.read(20)
    except OSError as error:
        raise NotMeasured(f"{tool.program} cannot be read: {error.strerror}.") from None
    if head[:4] == b"\x7fELF" and len(head) == 20:
        number = struct.unpack_from("<H", head, 18)[0]
        built_for = _MACHINES.get(number, f"machine {number}")
        if machine and built_for != machine and (built_for, machine) != ("armv7l", "aarch64"):
            raise NotMeasured(
                f"{tool.program} is built for {built_for}, and the board is {machine}.",
                f"get the one for {machine}; for aarch64: {download(tool.flavour)}",
            )
    elif head[:2] != b"#!":
        raise NotMeasured(
            f"{tool.program} is no program for Linux (neither ELF nor a script).",
            f"get it anew: {download(tool.flavour)}",
        )


def download(flavour: BenchmarkTool) -> str:
    """Where the program for aarch64 is published."""
    return BUILDS.downloads[flavour]


def executable_line(tools: str) -> str:
    """What makes the program of the folder ``tools`` on the board one that can be run."""
    return f"chmod 755 {shlex.quote(f'{tools}/{PROGRAM}')}"


def help_line(tools: str) -> str:
    """What asks it for its flags; it loads no model for that."""
    here = shlex.quote(tools)
    return f"cd {here} && LD_LIBRARY_PATH={here} timeout -k 5 30 ./{PROGRAM} --help"


def flags(ssh: Ssh, tool: Tool, tools: str, machine: str | None, device: str) -> frozenset[str]:
    """The flags that the program in ``tools`` on the board lists; empty where it lists none.

    Raises NotMeasured when the board cannot run it, or it is the other of the two; DeviceLost.
    """
    said = ssh.shell(help_line(tools), HELP_TIMEOUT_S)
    text = f"{said.stdout}\n{said.stderr}"
    if said.status in (126, 127) or re.search(r"Exec format error|cannot execute", text):
        absent = "not found" in text or "No such file" in text
        hint = "; a 32-bit system on a 64-bit kernel has no loader for it" if absent else ""
        said_last = failures.last_words(text)
        raise NotMeasured(
            f"{ssh.called} ({machine}) cannot run {tool.program}: {said_last}{hint}.",
            f"get the one for its system; for 64-bit Arm: {download(tool.flavour)}",
        )
    listed = benchmark.listed_flags(text)
    found = benchmark.flavour(listed)
    if found not in (None, tool.flavour):
        raise NotMeasured(
            f"{tool.program} is the {TITLES[found]}, and {device} needs the "
            f"{TITLES[tool.flavour]}.",
            f"get it: {download(tool.flavour)}",
        )
    return listed
