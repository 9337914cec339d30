"""The fixture that puts the double of a GPU on this machine's PATH and into measuring processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnv4bench.devices.cuda import runner
from mnv4bench.records import CudaTarget, DeviceProfile

HERE = Path(__file__).parent
UUID = "GPU-00000000-1111-2222-3333-444444444444"
# As nvidia-smi 535 and later print them with csv,noheader,nounits.
QUIET = (
    f"{UUID}, NVIDIA H100 80GB HBM3, 580.95.05, P0, 1980, 1980, 2619, 41, 118.62, 37, 1024, 81559, "
    "0x0000000000000000"
)
# Says its files; each question is noted, so that a test can see that nothing else was ever asked.
PROGRAM = """\
#!/bin/sh
here=${0%/*}
echo "$*" >> "$here/asked"
case "$*" in
  *--query-compute-apps*) cat "$here/apps" ;;
  *clocks_event_reasons*) cat "$here/gpu"; exit "$(cat "$here/status")" ;;
  *clocks_throttle_reasons*) cat "$here/older"; exit 0 ;;
  *) exit 2 ;;
esac
"""
HOOK = """\
import importlib.abc
import importlib.util
import sys


class Double(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "mnv4bench.devices.cuda.gpu":
            return importlib.util.spec_from_file_location(name, {double!r})
        return None


sys.meta_path.insert(0, Double())
"""


class Driver:
    """The double of the driver's program; what it says can be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "nvidia-smi"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        self.says(QUIET)
        self.runs("")

    def says(self, line: str, status: int = 0, older: str = "") -> None:
        """About the GPU; ``older`` to a question in the words of drivers before 535."""
        (self.folder / "gpu").write_text(line + "\n")
        (self.folder / "status").write_text(str(status))
        (self.folder / "older").write_text(older + "\n")

    def runs(self, lines: str) -> None:
        """Which programs are on the GPU: ``"4711, /usr/bin/python3"``"""
        (self.folder / "apps").write_text(lines)

    @property
    def asked(self) -> list[str]:
        """Every line of options so far."""
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.is_file() else []


@pytest.fixture
def cuda_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    folder, hook = tmp_path / "driver", tmp_path / "hook"
    folder.mkdir()
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK.format(double=str(HERE / "gpu_double.py")))
    path = os.pathsep.join(filter(None, (str(hook), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("PATH", os.pathsep.join((str(folder), os.environ["PATH"])))
    runner._asked.cache_clear()
    yield Driver(folder)
    runner._asked.cache_clear()


def cuda_profile(**changes: object) -> DeviceProfile:
    """A profile of the double; ``changes`` are of its cuda table."""
    target = CudaTarget(**{"mode": "eager", **changes})
    return DeviceProfile(
        device=f"cuda-{target.mode}",
        title="the double",
        runner="cuda",
        runtime="torch",
        format="pt2",
        precision="fp32",
        accelerator="gpu",
        cuda=target,
    )
