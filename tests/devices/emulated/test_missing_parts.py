"""Each part that counting needs, taken away: one sentence, a next step, status 3."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import time
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from mnv4bench import profiles
from mnv4bench.devices import open_runner
from mnv4bench.devices.emulated import board, plugin, qemu, set_up, userland
from mnv4bench.errors import BenchError, ExitStatus, NotMeasured
from tests.command_line import Terminal, command
from tests.devices.conftest import artifact_of

ARM = "cortex-a76-emulated"
SAMPLE = Path(plugin.__file__).parents[1] / "android" / "samples" / "int8.tflite"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, with links to what the machine has but no emulator."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cc", "as", "ld", "git", "sh", "cat", "echo", "sleep"):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "cache"))
    return folder


def script(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def version(text: str) -> str:
    return f'[ "$1" = --version ] && echo "qemu-aarch64 version {text}" && exit 0'


def refused(terminal: Terminal, *parts: str) -> None:
    """By doctor, devices and run alike."""
    ran = terminal("run", "--device", ARM, "--model", SAMPLE)
    assert ran.status == ExitStatus.NOT_MEASURED, ran
    for part in parts:
        assert part in ran.err
    assert "next: " in ran.err
    assert "Traceback" not in ran.err
    assert not list(Path("reports").glob("*.json"))
    assert terminal("doctor", "--device", ARM).status == ExitStatus.NOT_MEASURED
    status, detail = open_runner(profiles.load(ARM)).availability()
    assert status == "unusable"
    assert parts[0] in detail


def test_no_qemu(programs: Path, terminal: Terminal) -> None:
    refused(terminal, "there is no qemu-aarch64 on PATH", "apt-get install qemu-user")


def test_a_static_qemu_alone(programs: Path, terminal: Terminal) -> None:
    script(programs / "qemu-aarch64-static", version("7.2.22"))
    refused(terminal, "qemu-aarch64-static is there, and takes no plugins")


def test_a_qemu_that_is_too_old(programs: Path, terminal: Terminal) -> None:
    script(programs / "qemu-aarch64", version("6.2.0 (Debian 1:6.2+dfsg-2)"))
    refused(terminal, "is qemu 6.2.0; before 7.2 it lacks instructions")


def test_a_qemu_that_is_none(programs: Path, terminal: Terminal) -> None:
    script(programs / "qemu-aarch64", "echo hello")
    refused(terminal, "answers 'hello', no version of qemu")


def test_no_compiler(programs: Path, terminal: Terminal) -> None:
    script(programs / "qemu-aarch64", version("7.2.22"))
    (programs / "cc").unlink()
    refused(terminal, "there is no C compiler (cc)", "apt-get install gcc")


def test_no_system_that_runs_in_it(programs: Path, terminal: Terminal) -> None:
    script(programs / "qemu-aarch64", version("7.2.22"))
    refused(terminal, "is not set up", f"mnv4bench doctor --device {ARM} --set-up")


def test_a_qemu_without_plugins(programs: Path) -> None:
    said = "qemu: unknown option 'plugin'"
    script(programs / "qemu-aarch64", f'{version("7.2.22")}\necho "{said}" >&2; exit 1')
    found = qemu.find(profiles.load(ARM).emulated)
    with pytest.raises(NotMeasured, match="takes no plugin: qemu: unknown option"):
        plugin.built(found)
    assert not plugin.is_built(found)


def test_a_qemu_that_wants_another_interface_is_tried_until_it_is_known(programs: Path) -> None:
    """The plugin is compiled for one version of qemu's interface after the other."""
    log = programs / "log"
    script(
        programs / "qemu-aarch64",
        f"{version('10.1.0')}\necho x >> {log}\n"
        f"[ $(cat {log} | while read l; do echo -n 1; done) = 1111 ] && exit 1\n"
        'echo "Could not load plugin: plugin requires API version, but" >&2; exit 1',
    )
    assert plugin.built(qemu.find(profiles.load(ARM).emulated)).is_file()
    assert log.read_text().count("x") == 4


def test_a_damaged_plugin_is_built_again(programs: Path) -> None:
    script(
        programs / "qemu-aarch64",
        f'{version("7.2.22")}\nfile=${{2#file=}}\n[ -s "${{file%%,*}}" ] || '
        'echo "Could not load plugin: file too short" >&2\nexit 1',
    )
    found = qemu.find(profiles.load(ARM).emulated)
    kept = plugin.built(found)
    whole = kept.read_bytes()
    assert plugin.built(found).stat().st_ino == kept.stat().st_ino, "built twice"
    kept.write_bytes(b"")
    assert plugin.built(found).read_bytes() == whole


def test_a_compiler_that_fails(programs: Path) -> None:
    script(programs / "qemu-aarch64", version("7.2.22"))
    script(programs / "cc", "echo 'marks.c:1: fatal error: stdint.h: No such file' >&2; exit 1")
    with pytest.raises(NotMeasured, match=r"does not compile the counting plugin: .*stdint.h"):
        plugin.built(qemu.find(profiles.load(ARM).emulated))


def test_a_comma_in_the_path_of_the_plugin_is_kept() -> None:
    argument = plugin.argument(Path("/a,b/marks.so"), "aarch64")
    assert argument == "file=/a,,b/marks.so,marker=126"


# --- setting up -------------------------------------------------------------------------------


@pytest.fixture
def fetching(programs: Path) -> Path:
    """An emulator that takes the plugin, so that fetching is what comes next."""
    script(programs / "qemu-aarch64", f"{version('7.2.22')}\nexit 1")
    script(programs / "dpkg-deb", "exit 0")
    return programs


def failing(terminal: Terminal, *parts: str) -> None:
    ran = terminal("doctor", "--device", ARM, "--set-up")
    assert ran.status == ExitStatus.NOT_MEASURED, ran
    assert "Traceback" not in ran.err
    for part in parts:
        assert part in ran.err
    assert userland.facts() is None
    assert not list(userland.home().glob("unpacking-*"))


def test_without_apt_get_it_says_what_to_do(fetching: Path, terminal: Terminal) -> None:
    failing(terminal, "there is no apt-get here", "a container will do", "host-instructions")


def test_apt_gets_own_words_reach_the_user(fetching: Path, terminal: Terminal) -> None:
    script(fetching / "apt-get", "echo 'E: Unable to locate package python3-minimal' >&2; exit 100")
    failing(terminal, "E: Unable to locate package python3-minimal", "Debian container")


def test_a_source_without_arm64_matters_only_where_no_other_has_it(
    fetching: Path, terminal: Terminal
) -> None:
    script(
        fetching / "apt-get",
        """case "$1" in update) echo 'E: no binary-arm64 at one source' >&2; exit 100;; esac
case "$*" in *--download-only*) echo 'E: came as far as this' >&2; exit 100;; esac
echo "'https://somewhere/python3.deb' python3.deb 12345"
""",
    )
    failing(terminal, "fetching 1 packages, 0.0 MB", "E: came as far as this")


def test_an_unreachable_source_is_the_reason(fetching: Path, terminal: Terminal) -> None:
    """apt-get update calls it a warning, and succeeds, unless it is told otherwise."""
    script(
        fetching / "apt-get",
        """while read -r key value; do
case "$key $value" in 'APT::Update::Error-Mode "any";') strict=yes;; esac
done < "$APT_CONFIG"
case "$1$strict" in
updateyes) echo 'E: Failed to fetch http://deb.debian.org  Could not connect' >&2; exit 100;;
update) exit 0;;
esac
echo 'E: Unable to locate package python3-minimal' >&2; exit 100
""",
    )
    failing(terminal, "Could not connect", "see that this machine reaches its sources")


def test_a_disk_that_fills_up_while_fetching(fetching: Path, terminal: Terminal) -> None:
    said = "E: Write error - write (28: No space left on device)"
    script(fetching / "apt-get", f"echo '{said}' >&2; exit 100")
    failing(terminal, "no space left on the disk", "MNV4BENCH_CACHE")


def test_a_disk_without_room_is_said_before_anything_is_fetched(
    fetching: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(fetching / "apt-get", "exit 99")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 9 * 10**8, 10**8))
    failing(terminal, "100 MB are free and up to 400 MB are needed")


def test_an_old_python_in_the_distribution(fetching: Path, terminal: Terminal) -> None:
    names = "libc6_2.35-0_arm64.deb python3.10-minimal_3.10.6_arm64.deb"
    script(
        fetching / "apt-get",
        'case "$*" in *--download-only*) ;; *) exit 0;; esac\n'
        'while read -r key value; do case "$key" in Dir::Cache) cache=$value;; esac; done '
        '< "$APT_CONFIG"\n'
        "cache=${cache#?}; cache=${cache%??}\n"
        f'for name in {names}; do echo > "$cache/archives/$name"; done',
    )
    failing(terminal, "Python for arm64 is 3.10, and the worker needs 3.11")


def test_two_set_ups_at_once(fetching: Path, terminal: Terminal) -> None:
    with set_up._alone():
        failing(terminal, "another set-up is fetching")


def test_a_folder_that_cannot_be_written(fetching: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "symlink_to", full)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(NotMeasured, match="No space left on device"):
        board.prepared(profiles.load(ARM).emulated)
    assert not list(userland.home().glob("building-*"))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--device", "host-cpu"), "host-cpu is none"),
        ((), "--device says which"),
    ],
)
def test_only_emulated_devices_are_set_up(words, part: str, terminal: Terminal) -> None:
    ran = terminal("doctor", *words, "--set-up")
    assert ran.status == ExitStatus.USAGE
    assert part in ran.err


def test_the_versions_that_are_fetched_are_the_pinned_ones() -> None:
    pinned = (Path(__file__).parents[3] / "constraints.txt").read_text().splitlines()
    for name, wanted in userland.WHEELS.items():
        assert f"{name}=={wanted}" in pinned


def test_every_sentence_ends_in_a_next_step(programs: Path) -> None:
    for device in ("cortex-a76-emulated", "cortex-a72-emulated", "host-instructions"):
        with pytest.raises(BenchError) as caught:
            open_runner(profiles.load(device)).install(SAMPLE, artifact_of(SAMPLE))
        assert caught.value.next_step


def test_ctrl_c_while_fetching_leaves_nothing_running_and_nothing_half_made(
    fetching: Path, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    script(fetching / "apt-get", f"echo $$ > {started}\nexec sleep 600")
    left = userland.home() / "unpacking-of-one-that-was-killed"
    (left / "root").mkdir(parents=True)
    with subprocess.Popen(
        command("doctor", "--device", ARM, "--set-up"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        deadline = time.monotonic() + 60
        while (
            not (started.exists() and started.read_text())
            and running.poll() is None
            and time.monotonic() < deadline
        ):
            time.sleep(0.02)
        fetcher = int(started.read_text())
        running.send_signal(signal.SIGINT)  # of the program alone: it ends what it started
        _, err = running.communicate(timeout=60)
    assert running.returncode == ExitStatus.INTERRUPTED
    assert "Traceback" not in err
    assert not psutil.pid_exists(fetcher)
    assert userland.facts() is None
    assert not left.exists()
    assert not list(userland.home().glob("unpacking-*"))
