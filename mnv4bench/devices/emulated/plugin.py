"""The counting plugin of qemu: built on first use, and what it writes.

Knows: ``marks.c``, a C compiler, the versions of qemu's plugin interface. Does not know: what is
counted or why.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from mnv4bench import places
from mnv4bench.devices import process
from mnv4bench.devices.emulated.qemu import INSTALL, Qemu
from mnv4bench.errors import NotMeasured

SOURCE = Path(__file__).with_name("marks.c")
COMPILE_TIMEOUT_S = 120.0
TRY_TIMEOUT_S = 20.0
# qemu refuses a plugin made for another version of the interface: 7.2 has version 1, 10.2 has 5 and
# takes none before 2. Which one it wants is tried, oldest first.
INTERFACES = range(1, 13)
COMPILER = "apt-get install gcc libc6-dev"
FLAGS = ("-O2", "-shared", "-fPIC", "-fvisibility=hidden")
# The number of sched_get_priority_min: Linux, arch/x86/entry/syscalls/syscall_64.tbl and
# include/uapi/asm-generic/unistd.h.
MARKERS = {"x86_64": 147, "aarch64": 126}
_MARK = re.compile(r"^mnv4bench-mark (\d+) (\d+)$", re.MULTILINE)


def built(qemu: Qemu) -> Path:
    """The plugin for ``qemu``, compiled where it is not in the cache, or is damaged there.

    Raises NotMeasured without a compiler, or where qemu takes no plugin.
    """
    folder = _folder(qemu)
    kept = folder / "marks.so"
    if kept.is_file() and _refusal(qemu, kept) is None:
        return kept
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotMeasured(
            "there is no C compiler (cc) on PATH; the plugin that counts is built on first use.",
            COMPILER,
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as building:
            made = Path(building) / "marks.so"
            _build(compiler, qemu, made)
            folder.mkdir(exist_ok=True)
            made.replace(kept)  # whole or not at all; of two at once the last counts
    except OSError as error:
        raise NotMeasured(
            f"the counting plugin cannot be kept in {folder.parent}: {error.strerror}.",
            "make room there, or export MNV4BENCH_CACHE=/a/folder/with/space",
        ) from None
    return kept


def is_built(qemu: Qemu) -> bool:
    """Whether ``built`` has nothing to do."""
    return (_folder(qemu) / "marks.so").is_file()


def argument(plugin: Path, architecture: str) -> str:
    """What follows qemu's ``-plugin``: a comma in a path is doubled there."""
    return f"file={str(plugin).replace(',', ',,')},marker={MARKERS[architecture]}"


def marks(errors: str) -> list[tuple[int, int]]:
    """Of each mark in ``errors``: (instructions of the thread that marked, of all others)."""
    return [(int(own), int(others)) for own, others in _MARK.findall(errors)]


def without_marks(errors: str) -> str:
    """What the program itself wrote."""
    return re.sub(r"\n?^mnv4bench-mark .*\n", "", errors, flags=re.MULTILINE)


def _folder(qemu: Qemu) -> Path:
    content = SOURCE.read_bytes() + qemu.banner.encode() + qemu.path.encode()
    return places.cache() / "emulated" / f"plugin-{hashlib.sha256(content).hexdigest()[:16]}"


def _build(compiler: str, qemu: Qemu, made: Path) -> None:
    """Compile for one version of the interface after the other until qemu takes it."""
    for interface in INTERFACES:
        command = (compiler, *FLAGS, f"-DINTERFACE={interface}", "-o", str(made), str(SOURCE))
        try:
            done = process.run(command, timeout_s=COMPILE_TIMEOUT_S)
        except process.TimedOut:
            raise NotMeasured(
                f"{compiler} did not compile the counting plugin within {COMPILE_TIMEOUT_S:.0f} s.",
                "try again on a quieter machine",
            ) from None
        if done.status:
            raise NotMeasured(
                f"{compiler} does not compile the counting plugin: {_first(done.stderr)}",
                COMPILER,
            )
        refusal = _refusal(qemu, made)
        if refusal is None:
            return
        if "API version" not in refusal:
            raise NotMeasured(
                f"{qemu.path} (qemu {qemu.release}) takes no plugin: {_first(refusal)}", INSTALL
            )
    raise NotMeasured(
        f"{qemu.path} (qemu {qemu.release}) wants another version of the plugin interface than "
        f"those known here ({INTERFACES[0]} to {INTERFACES[-1]}): {_first(refusal or '')}",
        "use a qemu that is known to work: 7.2",
    )


def _refusal(qemu: Qemu, plugin: Path) -> str | None:
    """What qemu says against it; None: it loads. Plugins load before the program is looked for."""
    nothing = str(plugin.with_name("no-program"))
    loading = (qemu.path, "-plugin", argument(plugin, "x86_64"), nothing)
    try:
        said = process.run(loading, timeout_s=TRY_TIMEOUT_S).stderr
    except process.TimedOut:
        return "it hangs while loading one"
    wrong = "plugin" in said.lower() or "unknown option" in said.lower()
    return said if wrong else None


def _first(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0][:300] if lines else "it says nothing"
