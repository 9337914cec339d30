"""Fetching what an emulated device needs into the cache, once: one command, no root.

Knows: apt-get and dpkg-deb as a way to download and unpack (nothing is installed), pip as a way to
download wheels. Where they fetch from is the system's own configuration. Does not know: counting.

Interrupted or on a full disk, what was fetched is kept and used by the next try; what is unpacked
shows up under its name when it is whole.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from mnv4bench.devices import process
from mnv4bench.devices.emulated import plugin, qemu, userland
from mnv4bench.devices.emulated.runner import EmulatedRunner
from mnv4bench.errors import NotMeasured, WorkerFailed
from mnv4bench.records import DeviceProfile

Say = Callable[[str], None]

LISTS_TIMEOUT_S = 600.0
FETCH_TIMEOUT_S = 1800.0
UNPACK_TIMEOUT_S = 120.0
# Packages, wheels, both unpacked, and apt's lists: 250 MB were seen.
ROOM_BYTES = 400 * 10**6
_FULL = re.compile(r"no space left|disk quota exceeded|don't have enough free space", re.IGNORECASE)


class _ProgramFailed(NotMeasured):
    """apt-get, dpkg-deb or pip ended with words of its own; not for want of room or time."""


def set_up(profile: DeviceProfile, say: Say) -> None:
    """Make everything that ``profile`` needs and check that it computes right.

    ``say`` is told what is fetched, how large it is and where it goes. Raises NotMeasured with the
    step that failed; repeated, it goes on where it was.
    """
    runner = EmulatedRunner(profile)
    assert profile.emulated is not None
    found = qemu.find(profile.emulated)
    say(f"{profile.device}: {found.banner}")
    kept = plugin.built(found)
    say(f"the counting plugin: {kept}")
    if profile.emulated.architecture == "aarch64":
        with _alone():
            if userland.facts() is None:
                _fetch(say)
        say(f"the aarch64 system: {userland.folder()}")
    try:
        say(f"numerics: {runner.require_right(again=True).sentence}")
    except WorkerFailed as error:  # nothing runs at all: what lies there may be damaged
        raise NotMeasured(
            f"{error.what.rstrip('.')}.",
            f"if it worked before, remove the folder {userland.home()} and repeat the command; "
            f"or {error.next_step}",
        ) from error


@contextmanager
def _alone() -> Iterator[None]:
    """One set-up at a time; full disks and folders that cannot be written become sentences."""
    try:
        userland.home().mkdir(parents=True, exist_ok=True)
        with FileLock(userland.home() / "set-up.lock", timeout=0.2):
            yield
    except Timeout:
        raise NotMeasured(
            f"another set-up is fetching into {userland.home()}.", "wait until it has ended"
        ) from None
    except OSError as error:
        raise _unwritable(error.strerror or str(error)) from None


def _fetch(say: Say) -> None:
    for left in userland.home().glob("unpacking-*"):  # of one that was killed
        shutil.rmtree(left, ignore_errors=True)
    tools = {name: shutil.which(name) for name in ("apt-get", "dpkg-deb")}
    if lacking := [name for name, path in tools.items() if path is None]:
        raise NotMeasured(
            f"there is no {' and no '.join(lacking)} here, and the aarch64 system is made of "
            "Debian or Ubuntu packages.",
            "set it up on Debian or Ubuntu, a container will do, and copy the folder "
            f"{userland.folder()} here; or count x86-64 with --device host-instructions",
        )
    if importlib.util.find_spec("pip") is None:
        raise NotMeasured(
            "this Python has no pip, which fetches the aarch64 wheels.", "python -m ensurepip"
        )
    if (free := shutil.disk_usage(userland.home()).free) < ROOM_BYTES:
        raise _unwritable(
            f"{free / 1e6:.0f} MB are free and up to {ROOM_BYTES / 1e6:.0f} MB are needed"
        )
    work = userland.home() / f"fetching-{userland.folder().name}"
    debs = _packages(work / "apt", say)
    python = _python(debs)
    wheels = _wheels(work / "wheels", python, say)
    _unpack(debs, wheels, python)
    shutil.rmtree(work, ignore_errors=True)


def _packages(folder: Path, say: Say) -> list[Path]:
    """The system's packages for arm64, fetched with a state and a cache of apt's of their own."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "state" / "status").write_text("")  # nothing is installed, so all of it is wanted
    configuration = folder / "apt.conf"
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    configuration.write_text(
        'APT::Architecture "arm64";\n'
        'APT::Architectures { "arm64"; };\n'
        'APT::Install-Recommends "false";\n'
        'APT::Sandbox::User "";\n'  # root's apt would fetch as a user who may not write here
        'Acquire::Languages "none";\n'
        # A list that could not be fetched is an error with its reason, not a warning that is lost.
        'APT::Update::Error-Mode "any";\n'
        f'Dir::State "{quoted}/state";\n'
        f'Dir::State::status "{quoted}/state/status";\n'
        f'Dir::Cache "{quoted}/cache";\n'
    )
    apt = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"}
    install = ("apt-get", "install", "--yes", "--quiet=2")
    say(f"fetching the lists of arm64 packages from this system's own sources into {folder}")
    listed = _listed((*install, "--print-uris", *userland.SYSTEM_PACKAGES), apt)
    wanted = [(name, int(size)) for name, size in re.findall(r"'[^']*' (\S+) (\d+)", listed)]
    archives = folder / "cache" / "archives"
    missing = sum(size for _, size in wanted)
    say(
        f"fetching {len(wanted)} packages, {missing / 1e6:.1f} MB, with apt-get --download-only "
        f"(nothing is installed) into {archives}"
    )
    # An earlier try may have left a version that was replaced since; one of each is unpacked.
    _run(("apt-get", "autoclean", "--quiet=2"), LISTS_TIMEOUT_S, apt)
    _run((*install, "--download-only", *userland.SYSTEM_PACKAGES), FETCH_TIMEOUT_S, apt)
    found = sorted(archives.glob("*.deb"))
    if not any(deb.name.startswith("libc6_") for deb in found):
        raise NotMeasured(
            f"apt-get fetched {len(found)} packages and no C library among them.",
            "see what it says: "
            + " ".join((*install, "--download-only", *userland.SYSTEM_PACKAGES)),
        )
    return found


def _listed(command: tuple[str, ...], apt: Mapping[str, str]) -> str:
    """What apt-get would fetch, after it has read the lists.

    A source that has nothing for arm64 makes the update fail as a whole, and matters only where
    the packages are in no other.
    """
    failed: _ProgramFailed | None = None
    try:
        _run(("apt-get", "update", "--quiet=2"), LISTS_TIMEOUT_S, apt)
    except _ProgramFailed as error:
        failed = error
    try:
        return _run(command, LISTS_TIMEOUT_S, apt)
    except _ProgramFailed as error:
        if failed is None:
            raise
        raise NotMeasured(
            f"{failed.what} Then: {error.what}",
            "see that this machine reaches its sources; add one of its packages for arm64 (an "
            "amd64 Ubuntu has them in another archive), set it up in a Debian container, or count "
            "x86-64 with --device host-instructions",
        ) from None


def _python(debs: Sequence[Path]) -> str:
    """``"3.11"``: which Python the distribution has. Raises NotMeasured for one that is too old."""
    versions = [
        found[1] for deb in debs if (found := re.match(r"python(3\.\d+)-minimal_", deb.name))
    ]
    if not versions:
        raise NotMeasured("apt-get fetched no Python for arm64.", "report this, with your system")
    version = versions[0]
    if tuple(map(int, version.split("."))) < userland.OLDEST_PYTHON:
        oldest = ".".join(map(str, userland.OLDEST_PYTHON))
        raise NotMeasured(
            f"this system's Python for arm64 is {version}, and the worker needs {oldest}.",
            "set it up on a newer release (Debian 12, Ubuntu 24.04), a container will do, and "
            f"copy the folder {userland.folder()} here",
        )
    return version


def _wheels(folder: Path, python: str, say: Say) -> list[Path]:
    """The aarch64 wheels, from the index that pip is set to."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [f"{name}=={version}" for name, version in userland.WHEELS.items()]
    say(f"fetching wheels for aarch64 with pip, about 35 MB, into {folder}: {', '.join(wanted)}")
    platforms = [word for tag in userland.PLATFORMS for word in ("--platform", tag)]
    _run(
        (
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)),
            *("--implementation", "cp", "--python-version", python),
            *platforms,
            *wanted,
        ),
        FETCH_TIMEOUT_S,
        os.environ,
    )
    found = sorted(folder.glob("*.whl"))
    if len(found) < len(wanted):
        raise NotMeasured(f"pip fetched {len(found)} of {len(wanted)} wheels.", "try again")
    return found


def _unpack(debs: Sequence[Path], wheels: Sequence[Path], python: str) -> None:
    """Beside its place, then there in one step."""
    building = Path(tempfile.mkdtemp(dir=userland.home(), prefix="unpacking-"))
    try:
        root, site = building / "root", building / "site"
        root.mkdir()
        for deb in debs:  # no maintainer script runs
            _run(("dpkg-deb", "--extract", str(deb), str(root)), UNPACK_TIMEOUT_S, os.environ)
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
        facts = userland.Facts(
            python=python,
            packages=tuple(deb.name for deb in debs),
            wheels=tuple(wheel.name for wheel in wheels),
            libc=_libc(debs),
        )
        (building / "facts.json").write_bytes(msgspec.json.encode(facts))
        building.chmod(0o755)

        shutil.rmtree(userland.folder(), ignore_errors=True)  # one without facts
        building.replace(userland.folder())
    except zipfile.BadZipFile as error:
        for wheel in wheels:
            wheel.unlink(missing_ok=True)
        raise NotMeasured(f"a wheel that pip fetched is damaged: {error}.", "try again") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _libc(debs: Sequence[Path]) -> str:
    """``"glibc 2.36"``, from ``libc6_2.36-9+deb12u14_arm64.deb``."""
    for deb in debs:
        if found := re.match(r"libc6_(?:\d+%3a)?(\d+\.\d+)", deb.name):
            return f"glibc {found[1]}"
    return ""


def _run(command: tuple[str, ...], timeout_s: float, environment: Mapping[str, str]) -> str:
    """What ``command`` prints. Raises NotMeasured with its own words when it fails."""
    program = "pip" if "pip" in command else command[0]
    try:
        done = process.run(command, timeout_s=timeout_s, environment=environment)
    except process.TimedOut:
        raise NotMeasured(
            f"{program} did not end within {timeout_s:.0f} s and was stopped.",
            "repeat the command; what was fetched is kept",
        ) from None
    if done.status == 0:
        return done.stdout.decode(errors="replace")
    said = f"{done.stderr}\n{done.stdout.decode(errors='replace')}"
    if _FULL.search(said):
        raise _unwritable("no space left on the disk")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(E:|ERROR:|dpkg-deb: error)", line)] or lines
    raise _ProgramFailed(
        f"{program} failed: {errors[0][:300] if errors else f'status {done.status}'}",
        "mend that and repeat the command; what was fetched is kept",
    )


def _unwritable(why: str) -> NotMeasured:
    return NotMeasured(
        f"the aarch64 system cannot be kept in {userland.home()}: {why}.",
        "make room there, or export MNV4BENCH_CACHE=/a/folder/with/space, and repeat the command; "
        "what was fetched is kept",
    )
