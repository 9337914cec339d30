"""What `doctor` says of a phone before it is measured, each check for itself; and the probe."""

from pathlib import Path

import pytest

from mnv4bench.devices import Options
from mnv4bench.devices.android import benchmark, modes, program_strings
from mnv4bench.devices.android.program_strings import told_apart
from mnv4bench.devices.android.runner import AndroidRunner
from mnv4bench.devices.holding import hold
from mnv4bench.records import Check
from tests.devices.android.conftest import MakeRunner
from tests.phone import programs
from tests.phone.android import Phone

FOLDER = "/data/local/tmp/mnv4bench"
CLASSIC = b"\0use_nnapi\0use_xnnpack\0"
LITERT = b"\0use_npu\0"


def checked(runner: AndroidRunner) -> dict[str, Check]:
    return {check.name: check for check in runner.checks()}


def program(path: Path, strings: bytes) -> Path:
    programs.write_elf(path, machine=0xB7, bits=64)
    path.write_bytes(path.read_bytes() + strings)
    return path


@pytest.mark.parametrize(
    ("text", "flavour"),
    [
        (CLASSIC, "classic"),
        (LITERT, "litert"),
        (CLASSIC + LITERT, None),
        (b"use_npu_cache\0 use_nnapix\0", None),
        (b"", None),
        (b"x" * 37 + b"--use_npu", "litert"),
        (b"x" * 58 + b"use_xnnpack\0" + b"y" * 90, "classic"),  # across two blocks
        (b"x" * 53 + b"use_xnnpack" + b"_y" * 90, None),
    ],
)
def test_programs_are_told_apart_by_the_names_of_their_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, flavour: str | None
) -> None:
    file = tmp_path / "program"
    file.write_bytes(text)
    for size in (16, 64, 2**20):
        monkeypatch.setattr(program_strings, "BLOCK_BYTES", size)
        assert told_apart(file) == flavour
    assert told_apart(tmp_path / "none") is None


def test_the_other_program_is_seen_before_a_run(
    phone: Phone, make_runner: MakeRunner, tmp_path: Path
) -> None:
    other = program(tmp_path / "program", LITERT)
    check = checked(make_runner(options=Options(benchmark_model=other)))["benchmark program"]
    assert check.status == "failed"
    assert "is the LiteRT benchmark_model" in check.found
    assert "needs the TFLite benchmark_model" in check.found
    assert benchmark.DOWNLOADS["classic"] in check.fix


@pytest.mark.parametrize(("strings", "words"), [(CLASSIC, "TFLite"), (b"", "not told apart here")])
def test_the_title_is_what_the_file_shows(
    phone: Phone, make_runner: MakeRunner, tmp_path: Path, strings: bytes, words: str
) -> None:
    own = program(tmp_path / "program", strings)
    found = checked(make_runner(options=Options(benchmark_model=own)))
    assert found["benchmark program"].status == "ok"
    assert words in found["benchmark program"].found
    assert found["ABI"].status == "ok"


def test_missing_libraries_are_a_check_of_their_own(phone: Phone, make_runner: MakeRunner) -> None:
    found = checked(make_runner(delegate="hexagon", libraries=("libhexagon_nn_skel*.so",)))
    assert found["benchmark program"].status == "ok"
    assert found["delegate libraries"].status == "failed"
    assert "libhexagon_nn_skel*.so" in found["delegate libraries"].found
    assert "--libraries" in found["delegate libraries"].fix
    assert found["ABI"].status == "ok"


def test_without_a_program_its_abi_is_unknown(
    phone: Phone, make_runner: MakeRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "empty"))
    missing = ("libhexagon_nn_skel*.so",)
    found = checked(make_runner(options=Options(), delegate="hexagon", libraries=missing))
    assert found["benchmark program"].status == "failed"
    assert "is not here" in found["benchmark program"].found
    assert found["ABI"].status == "unknown"
    assert "arm64-v8a" in found["ABI"].found
    assert "delegate libraries" not in found


def test_the_program_is_looked_for_once(
    phone: Phone, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make_runner()
    looked: list[object] = []
    find = benchmark.find
    monkeypatch.setattr(benchmark, "find", lambda *words: looked.append(words) or find(*words))
    runner.checks()
    assert len(looked) == 1


def test_a_phone_in_use_gets_no_advice_about_its_mode(
    phone: Phone, make_runner: MakeRunner
) -> None:
    """The run that is on it put the mode on; whoever put it off would spoil that run."""
    runner = make_runner()
    adb = runner._adb
    adb.shell(f"mkdir -p {FOLDER}")
    assert modes.enter(adb, FOLDER)
    with hold(runner.unit()):
        asked = len(phone.commands)
        check = checked(make_runner())["fixed performance"]
        assert not any(modes.MARKER in command for command in phone.commands[asked:])
    assert check.status == "warning"
    assert "in use by another run" in check.found
    assert modes.OFF not in check.fix
    assert "left it on" in checked(make_runner())["fixed performance"].found


# --- the probe ------------------------------------------------------------------------------------


def test_a_loop_that_did_not_run_gives_no_time(phone: Phone, make_runner: MakeRunner) -> None:
    """A taskset that the phone refuses is quick, and would pass for a fast phone."""
    runner = make_runner()
    runner._cpus = (63,)  # this phone has none; what the property has kept
    assert runner.probe() is None


def test_of_the_repeats_those_that_ran_count(phone: Phone, make_runner: MakeRunner) -> None:
    taskset = phone.path("/system/bin/taskset")
    taskset.unlink()
    taskset.write_text(  # refuses at first, as while processors are switched on
        '#!/bin/sh\n[ -e "$TMPDIR/once" ] || { : >"$TMPDIR/once"; exit 1; }\nshift\nexec "$@"\n'
    )
    taskset.chmod(0o755)
    runner = make_runner()
    took = runner.probe()
    assert took
    said = runner._adb.shell(runner._probe_line()).stdout.split()
    assert len(said) == 9  # three repeats of two times and a token
    whole = [(int(said[at + 2]) - int(said[at])) / 1e9 for at in (0, 3, 6)]
    assert took > min(whole) / 5  # not the time of a taskset that ended at once


@pytest.mark.parametrize("stamp", ["1732000000N", "1732000000%N", "1732000000", "9" * 5000, ""])
def test_a_date_without_nanoseconds_gives_no_time(
    phone: Phone, make_runner: MakeRunner, stamp: str
) -> None:
    date = phone.path("/system/bin/date")
    date.unlink()
    date.write_text(f"#!/bin/sh\necho {stamp}\n")
    date.chmod(0o755)
    assert make_runner().probe() is None
