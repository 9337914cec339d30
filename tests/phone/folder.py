"""The files of a phone: what a shell finds under /, and the tools on its PATH.

Knows: where a phone keeps its clusters' clocks, thermal zones, load, boot id and counters; which
tools it has. Does not know: the state that has no file (`android`).

Paths are those of Android 10 to 15 on kernels 4.14 to 6.1 (policy*/, thermal_zone*/, /proc).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import threading
import time
import uuid
from pathlib import Path

from tests.phone import toolbox
from tests.phone.shell import SHELL

# What toybox gives a phone and the host's program of that name does well enough. A name that is
# not here is "not found" on the phone, as it should be.
TOYBOX = shutil.which("toybox")  # Android's own tools; .ci/packages installs it
TOYBOX_TOOLS = frozenset(
    (
        "base64", "cat", "chmod", "cp", "cut", "dirname", "env", "grep", "head", "kill", "mkdir",
        "mktemp", "mv", "rm", "sed", "sha256sum", "sleep", "sort", "tail", "timeout", "touch",
        "uniq", "wc", "xargs",
    )
)  # fmt: skip
HOST_TOOLS = (
    "awk", "base64", "basename", "cat", "chmod", "cksum", "cmp", "cp", "cut", "dd", "dirname", "du",
    "echo", "env", "expr", "false", "find", "grep", "head", "kill", "ln", "ls", "md5sum", "mkdir",
    "mktemp", "mv", "nice", "nohup", "od", "paste", "printf", "ps", "pwd", "readlink", "realpath",
    "rm", "rmdir", "sed", "seq", "sha1sum", "sha256sum", "sleep", "sort", "split", "stat",
    "sync", "tail", "tee", "test", "timeout", "touch", "tr", "true", "uniq", "wc", "which",
    "xargs",
)  # fmt: skip


class PhoneFolder:
    """A phone's files in ``folder``/root. ``clusters`` are pairs of (CPUs, highest kHz), little
    first; ``zones`` maps the type of a thermal zone to degrees C."""

    def __init__(
        self, folder: Path, clusters: list[tuple[list[int], int]], zones: dict[str, float]
    ) -> None:
        assert " " not in str(folder)  # its path is put into shell commands
        self.folder, self.root = folder.resolve(), folder.resolve() / "root"
        self._clusters = clusters
        self.cpus = sorted(cpu for cpus, _ in clusters for cpu in cpus)
        self.busy = 0.02  # share of the CPUs' time that other programs take
        self._booted = self._ticked = time.monotonic() - 5000
        self._spent = [0.0, 0.0]  # seconds busy and idle, over all CPUs
        self._ticking = threading.Lock()
        self._build(zones)

    def _build(self, zones: dict[str, float]) -> None:
        for name in ("data/local/tmp", "system/bin", "vendor/lib64", "proc", "sdcard"):
            (self.root / name).mkdir(parents=True)
        for cpus, highest in self._clusters:
            policy = f"sys/devices/system/cpu/cpufreq/policy{cpus[0]}"
            steps = [highest * step // 4 for step in (1, 2, 3, 4)]
            self.write(f"/{policy}/related_cpus", " ".join(map(str, cpus)) + "\n")
            self.write(f"/{policy}/affected_cpus", " ".join(map(str, cpus)) + "\n")
            self.write(f"/{policy}/cpuinfo_max_freq", f"{highest}\n")
            self.write(f"/{policy}/cpuinfo_min_freq", f"{steps[0]}\n")
            self.write(f"/{policy}/scaling_max_freq", f"{highest}\n")
            self.write(f"/{policy}/scaling_cur_freq", f"{steps[1]}\n")
            self.write(f"/{policy}/scaling_governor", "sched_pixel\n")
            self.write(f"/{policy}/scaling_available_frequencies", " ".join(map(str, steps)) + "\n")
            self.write(f"/{policy}/stats/time_in_state", "".join(f"{s} 1000\n" for s in steps))
        count = len(self.cpus)
        self.write("/sys/devices/system/cpu/possible", f"0-{count - 1}\n")
        self.write("/sys/devices/system/cpu/online", f"0-{count - 1}\n")
        for index, (kind, degrees) in enumerate(zones.items()):
            self.write(f"/sys/class/thermal/thermal_zone{index}/type", f"{kind}\n")
            self.write(f"/sys/class/thermal/thermal_zone{index}/temp", f"{round(degrees * 1e3)}\n")
        self.load(0.5)
        self.write("/proc/meminfo", "MemTotal:        7823456 kB\nMemAvailable:    4012345 kB\n")
        self.write("/proc/sys/kernel/random/boot_id", f"{uuid.uuid4()}\n")
        self.tick()
        self._fill_path()

    def _fill_path(self) -> None:
        path = self.root / "system/bin"
        (path / "sh").symlink_to(SHELL)
        for name in HOST_TOOLS:
            own = TOYBOX if name in TOYBOX_TOOLS else None
            if found := own or shutil.which(name, path="/usr/bin:/bin"):
                (path / name).symlink_to(found)
        box = self.folder / "toolbox"
        # -I -S: the interpreter is up in ten milliseconds, since no site is looked at.
        script = Path(toolbox.__file__).read_text(encoding="utf-8")
        box.write_text(f"#!{sys.executable} -IS\n{script}", encoding="utf-8")
        box.chmod(0o755)
        for name in toolbox.TOOLS:
            (path / name).symlink_to(box)
        date = path / "date"
        date.unlink()
        date.write_text(
            f'#!/bin/sh\n[ -f "$PHONE_FOLDER/clock" ] && exec {box} date "$@"\n'
            f'exec {shutil.which("date", path="/usr/bin:/bin")} "$@"\n'
        )
        date.chmod(0o755)

    def path(self, name: str) -> Path:
        """Where the phone's file ``name`` lies on the host; never above the phone's root."""
        return self.root / os.path.normpath("/" + name).lstrip("/")

    def write(self, name: str, text: str) -> None:
        """Write the phone's file ``name`` whole, folders included."""
        place = self.path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        made = place.with_name(f"{place.name}.{threading.get_ident()}")
        made.write_text(text, encoding="utf-8")
        made.replace(place)  # a reader sees the old text or the new

    def read(self, name: str) -> str:
        """The text of the phone's file ``name``."""
        return self.path(name).read_text(encoding="utf-8")

    def files(self, *, outside: str) -> dict[str, str]:
        """Every file and folder that is not in the folder ``outside``: path to digest or kind.

        What the phone itself changes (/proc, /sys) is left out: two listings that are equal prove
        that nothing outside was written or removed.
        """
        left_out = self.path(outside)
        found: dict[str, str] = {}
        for folder, folders, names in os.walk(self.root):
            here = Path(folder)
            folders[:] = [
                name
                for name in folders
                if here / name != left_out and not (here == self.root and name in ("proc", "sys"))
            ]
            for name in folders:
                found[f"/{(here / name).relative_to(self.root)}"] = "folder"
            for name in names:
                place = here / name
                kind = "link" if place.is_symlink() else _digest(place)
                found[f"/{place.relative_to(self.root)}"] = kind
        return found

    def zone(self, kind: str, degrees: float) -> None:
        """The temperature of the thermal zone ``kind``, in degrees C."""
        for file in (self.root / "sys/class/thermal").glob("thermal_zone*/type"):
            if file.read_text().strip() == kind:
                self.write(f"/sys/class/thermal/{file.parent.name}/temp", f"{degrees * 1e3:.0f}\n")
                return
        raise KeyError(kind)

    def governor(self, name: str) -> None:
        """The governor of every policy."""
        for cpus, _ in self._clusters:
            policy = f"/sys/devices/system/cpu/cpufreq/policy{cpus[0]}"
            self.write(f"{policy}/scaling_governor", f"{name}\n")

    def load(self, average: float) -> None:
        """The load average of the last minute."""
        self.write("/proc/loadavg", f"{average:.2f} {average:.2f} {average:.2f} 2/4021 31415\n")

    def restart(self) -> None:
        """What a start of the phone does to its files."""
        self.write("/proc/sys/kernel/random/boot_id", f"{uuid.uuid4()}\n")
        with self._ticking:
            self._booted, self._spent = time.monotonic(), [0.0, 0.0]
        self.tick()

    def tick(self) -> None:
        """Let the kernel's clocks go on: /proc/uptime and /proc/stat."""
        with self._ticking:
            now = time.monotonic()
            passed = (now - self._ticked) * len(self.cpus)
            self._ticked = now
            self._spent[0] += passed * self.busy
            self._spent[1] += passed * (1 - self.busy)
            busy, idle = (int(seconds * 100) for seconds in self._spent)
            up = now - self._booted
            self.write("/proc/uptime", f"{up:.2f} {self._spent[1]:.2f}\n")
            self.write("/proc/stat", f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\nctxt 1\n")

    def used(self) -> int:
        """Bytes of the files on /data."""
        return sum(
            place.lstat().st_size for place in (self.root / "data").rglob("*") if place.is_file()
        )


def _digest(place: Path) -> str:
    mode = stat.S_IMODE(place.stat().st_mode)
    return f"{mode:o} {hashlib.sha256(place.read_bytes()).hexdigest()}"
