"""What an emulated program finds at the paths that describe its machine.

Knows: qemu's ``-L``, which looks up every absolute path in one folder first; /proc/cpuinfo and
/sys/devices/system/cpu. Does not know: kernels or counts.

Without it a program reads the host's files: LiteRT's cpuinfo then meets x86 where it expects Arm
and ends with SIGSEGV; and what it picks would change from host to host.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from mnv4bench.devices.emulated import userland
from mnv4bench.errors import NotMeasured
from mnv4bench.records import EmulatedTarget


def identity(target: EmulatedTarget) -> str:
    """A short digest of everything that a program is told about its machine."""
    content = "\0".join(f"{path}\0{text}" for path, text in sorted(_files(target).items()))
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def prepared(target: EmulatedTarget) -> Path:
    """The folder for ``-L``, made where it is not there. Raises NotMeasured on a full disk."""
    root = userland.folder() / "root" if target.architecture == "aarch64" else None
    name = f"board-{identity(target)}-{root.parent.name if root else target.architecture}"
    place = userland.home() / name
    if place.is_dir():
        return place
    try:
        userland.home().mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=userland.home(), prefix="building-"))
        try:
            _fill(building, target, root)
            building.chmod(0o755)
            building.replace(place)
        except OSError:
            shutil.rmtree(building, ignore_errors=True)
            if not place.is_dir():  # another run was first
                raise
    except OSError as error:
        raise NotMeasured(
            f"the files of an emulated board cannot be kept in {userland.home()}: "
            f"{error.strerror}.",
            "make room there, or export MNV4BENCH_CACHE=/a/folder/with/space",
        ) from None
    return place


def _fill(place: Path, target: EmulatedTarget, root: Path | None) -> None:
    for path, text in _files(target).items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    if root is None:
        return
    for entry in root.iterdir():
        # Relative, so that a cache that is moved or reached by another path still holds together.
        (place / entry.name).symlink_to(Path("..", root.parent.name, root.name, entry.name))


def _files(target: EmulatedTarget) -> dict[str, str]:
    """Text by path, without the leading slash. As Linux has them (Documentation/ABI/testing)."""
    count, cpu = target.processors, "sys/devices/system/cpu"
    listed = f"0-{count - 1}" if count > 1 else "0"
    block = target.cpuinfo.strip("\n")
    blocks = [f"processor\t: {number}\n{block}\n" for number in range(count)]
    files = {
        "proc/cpuinfo": "\n".join(blocks) + "\n",
        f"{cpu}/kernel_max": f"{count - 1}\n",
        **{f"{cpu}/{name}": f"{listed}\n" for name in ("possible", "present", "online")},
    }
    for number in range(count):
        each = {
            "topology/physical_package_id": "0",
            "topology/core_id": str(number),
            "topology/cluster_cpus_list": listed,
            "topology/core_siblings_list": listed,
            "topology/thread_siblings_list": str(number),
            "cpufreq/cpuinfo_max_freq": str(target.khz),
            "cpufreq/cpuinfo_min_freq": str(target.khz),
        }
        files |= {f"{cpu}/cpu{number}/{name}": f"{text}\n" for name, text in each.items()}
    return files
