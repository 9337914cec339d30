"""Samples of a phone: which come, that nothing personal does, and what a failing phone leaves."""

import base64
import io
import json
import os
import shlex
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mnv4bench import codec
from mnv4bench.devices.android import capture_commands, collecting
from mnv4bench.devices.android.collecting import Collected, collect, pack
from mnv4bench.devices.android.scrubbing import scrub, serials
from mnv4bench.devices.remote import Output
from mnv4bench.errors import DeviceLost, WorkerFailed

FOLDER = "/data/local/tmp/mnv4bench"
SERIAL = "1A011FDEE006UW"
LISTING = "[ro.product.model]: [Pixel 8]\n[ro.soc.model]: [Tensor G3]\n[ro.hardware.egl]: []\n"
RESULT = bytes(range(256))  # no text, as a protobuf is none


class Phone:
    """Answers by a part of the command; keeps what it was asked."""

    def __init__(self, **answers: Output | Exception) -> None:
        self.asked: list[str] = []
        self.answers = answers

    def __call__(self, command: str) -> Output:
        self.asked.append(command)
        for part, answer in self.answers.items():
            if part in command.replace("-", "_"):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        if command.startswith("getprop"):
            return said(SERIAL if command.endswith("ro.serialno") else "")
        if command.startswith("for name in ro."):
            return Output(0, LISTING, "")
        if command.startswith("base64"):
            return said(base64.encodebytes(RESULT).decode())
        return said("fine\n")


def said(text: str, status: int = 0, stderr: str = "") -> Output:
    return Output(status, text, stderr)


def collected(phone: Phone, **changes: object) -> Collected:
    asked = {
        "folder": FOLDER,
        "programs": {"classic": f"{FOLDER}/classic", "litert": f"{FOLDER}/litert"},
        "models": {"float": f"{FOLDER}/float.tflite", "int8": f"{FOLDER}/int8.tflite"},
        "serial": SERIAL,
        "accelerator": "google-edgetpu",
    }
    return collect(phone, **{**asked, **changes})


def test_every_parser_gets_its_sample() -> None:
    files = collected(Phone(), counter="/sys/devices/platform/tpu/count").files
    assert {
        "properties.txt", "cpufreq.txt", "thermal_zones.txt", "thermalservice.txt", "battery.txt",
        "power.txt", "display.txt", "neural_services.txt", "space.txt", "counter.txt",
    } <= set(files)  # fmt: skip
    for tool, delegates in {
        "classic": ("cpu", "gpu", "nnapi", "nnapi-google-edgetpu"),
        "litert": ("cpu", "gpu"),
    }.items():
        places = {f"{tool}/{model}-{name}" for model in ("float", "int8") for name in delegates}
        assert {name.rpartition("/")[0] for name in files if name.startswith(f"{tool}/")} == {
            tool, *places, f"{tool}/unknown-flag", f"{tool}/no-model",
        }  # fmt: skip
        assert f"{tool}/help.txt" in files
        for place in places:
            assert files[f"{place}/result.pb"] == RESULT
            assert files[f"{place}/runtime_info.pb"] == RESULT


def test_the_index_lists_the_files_and_says_which_phone_and_which_tool() -> None:
    found = collected(Phone(service=said("", status=1)))
    assert found.index.phone == {"ro.product.model": "Pixel 8", "ro.soc.model": "Tensor G3"}
    assert found.index.tool.startswith("mnv4bench ")
    assert found.index.stopped == ""
    entries = {entry.file: entry for entry in found.index.captures}
    assert len(entries) == len(found.index.captures)
    assert set(found.files) == {name for name, entry in entries.items() if entry.bytes}
    assert (entries["neural_services.txt"].status, entries["neural_services.txt"].bytes) == (1, 0)
    assert entries["classic/int8-gpu/output.txt"].command.endswith("--use_gpu=true")


def test_what_a_run_stands_on_is_asked_of_the_phones_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run here by sh, whose tools answer as toybox's; ``cmd`` is a double that fails first."""
    power = tmp_path / "cmd"
    power.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n[ "$3" = false ]\n')
    power.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def shell(command: str) -> Output:
        done = subprocess.run(("sh", "-c", command), capture_output=True, text=True, check=False)
        return Output(done.returncode, done.stdout, done.stderr)

    asked = {one.file: one.command for one in capture_commands.of_phone(FOLDER, None, {"all": "1"})}
    nanoseconds, status = shell(asked["nanoseconds.txt"]).stdout.split()
    assert (len(nanoseconds), status) == (19, "0")
    assert shell(asked["timeout.txt"]).stdout.strip() in ("124", "137")
    assert shell(asked["head.txt"]).stdout.split() == ["mnv4", "mnv4bench0"]
    encoded, status = shell(asked["base64.txt"]).stdout.split()
    assert (base64.b64decode(encoded), status) == (b"mnv4bench", "0")
    assert asked["taskset_all.txt"] == "taskset 1 true; echo $?"
    assert shell(asked["power_mode_switch.txt"]).stdout == "on 1\noff 0\n"
    mode = "power set-fixed-performance-mode-enabled"
    assert (tmp_path / "asked").read_text() == f"{mode} true\n{mode} false\n"


def test_fixed_performance_goes_off_though_the_cable_is_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """adbd hangs up on the shell (HUP) while the mode is being put on, and reads no more (PIPE)."""
    power = tmp_path / "cmd"
    power.write_text(
        f'#!/bin/sh\necho "$3" >>{tmp_path}/asked\n[ "$3" = false ] || kill -HUP $PPID\necho said\n'
    )
    power.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    reader, writer = os.pipe()
    os.close(reader)
    subprocess.run(("sh", "-c", capture_commands.SWITCH), stdout=writer, stderr=writer, check=False)
    os.close(writer)
    assert (tmp_path / "asked").read_text().split() == ["true", "false"]


def test_errors_of_a_program_are_samples() -> None:
    phone = Phone(no_such_flag=said("", status=1, stderr="ERROR: Unconsumed cmdline flags\n"))
    found = collected(phone)
    assert found.files["classic/unknown-flag/output.txt.stderr"].startswith(b"ERROR: Unconsumed")
    (entry,) = (e for e in found.index.captures if e.file == "classic/unknown-flag/output.txt")
    assert (entry.status, entry.bytes) == (1, 0)


@pytest.mark.parametrize(
    "text", [f"serial {SERIAL}", SERIAL.lower(), f"x{SERIAL}x", f"a\n{SERIAL}"]
)
def test_the_serial_number_is_in_no_file(text: str) -> None:
    found = collected(
        Phone(
            dumpsys=said(text, stderr=text),
            help=WorkerFailed(f"{text} hung.", command=("adb",), status=None),
        )
    )
    whole = pack(found, codec.encode_json)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        for name in archive.namelist():
            assert SERIAL.lower().encode() not in archive.read(name).lower(), name
        assert b"<serial>" in archive.read("battery.txt")
        assert b"<serial>" in archive.read("battery.txt.stderr")
        index = json.loads(archive.read("index.json"))
    (entry,) = (e for e in index["captures"] if e["file"] == "classic/help.txt")
    assert entry["remark"].endswith("hung.")
    assert "<serial>" in entry["remark"]


def test_what_a_phone_on_the_network_is_called_is_struck_out_too() -> None:
    phone = Phone(dumpsys=said("at 192.168.178.20:5555 and 192.168.178.20\n"))
    found = collected(phone, serial="192.168.178.20:5555")
    assert found.files["battery.txt"] == b"at <serial> and <serial>\n"


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("[persist.sys.device_name]: [Anna]", "<line left out>"),
        ("[ro.boot.serialno]: [x]", "<line left out>"),
        ('  mWifiInfo SSID: "Anna at home"', "<line left out>"),
        ("Accounts: 1", "<line left out>"),
        ("imei 1", "<line left out>"),
        ("radio 02:00:5e:10:AB:ff up", "radio <address> up"),
        ("of anna.b+x@example.co.uk, too", "of <account>, too"),
        ("id 490154203237518.", "id <number>."),
        ("avg=490154203237518.25", "avg=490154203237518.25"),
        ("time_in_state 300000 12345678901234", "time_in_state 300000 12345678901234"),
        ("count=50 first=1869 avg=2118.25 std=614", "count=50 first=1869 avg=2118.25 std=614"),
        ("Temperature{mValue=25.6, mType=0}", "Temperature{mValue=25.6, mType=0}"),
    ],
)
def test_what_looks_personal_goes_and_readings_stay(line: str, left: str) -> None:
    assert scrub("before\n" + line + "\nafter", ()) == "before\n" + left + "\nafter"


def test_a_serial_that_is_none_strikes_out_nothing() -> None:
    answers = {"ro.serialno": "unknown", "ro.boot.serialno": "abc", "ril.serialnumber": " LONGER1 "}
    found = serials(lambda name: answers.get(name, ""), ("R58M12ABCDE",))
    assert found == ("R58M12ABCDE", "LONGER1")


def test_no_command_asks_for_more_than_it_needs() -> None:
    """getprop by name alone, and of the long dumps the few lines that are read."""
    for capture in capture_commands.STATE:
        assert "getprop;" not in capture.command + ";"
        for dump in ("battery", "power", "display"):
            if f"dumpsys {dump}" in capture.command:
                assert f"dumpsys {dump} | grep " in capture.command
    assert not any("serial" in name or "persist" in name for name in capture_commands.PROPERTIES)


def test_a_binary_that_names_the_phone_or_is_none_is_left_out() -> None:
    def remark(text: str) -> tuple[bool, str]:
        found = collected(Phone(base64=said(text)))
        (entry,) = (e for e in found.index.captures if e.file == "classic/int8-cpu/result.pb")
        return "classic/int8-cpu/result.pb" in found.files, entry.remark

    named = base64.b64encode(b"\x0a\x0e" + SERIAL.encode()).decode()
    assert remark(named) == (False, "left out: it names the phone")
    assert remark("base64: not found") == (False, "left out: not base64")
    large = base64.b64encode(bytes(collecting.LARGEST_BYTES + 1)).decode()
    assert remark(large) == (False, "left out: too large")


def test_an_endless_output_is_cut_and_it_is_said() -> None:
    found = collected(Phone(thermalservice=said("x" * (collecting.LARGEST_BYTES + 7))))
    assert len(found.files["thermalservice.txt"]) == collecting.LARGEST_BYTES
    (entry,) = (e for e in found.index.captures if e.file == "thermalservice.txt")
    assert entry.remark == "cut"


def test_a_program_that_hangs_does_not_end_the_collecting() -> None:
    hung = WorkerFailed("It ran past 60 s.", command=("adb",), status=None)
    found = collected(Phone(use_nnapi=hung))
    (entry,) = (e for e in found.index.captures if e.file == "classic/float-nnapi/output.txt")
    assert (entry.status, entry.remark, entry.bytes) == (None, "It ran past 60 s.", 0)
    assert "litert/int8-gpu/output.txt" in found.files


def test_a_pulled_cable_leaves_what_there_was() -> None:
    found = collected(Phone(use_nnapi=DeviceLost(f"{SERIAL} is gone.")))
    assert found.index.stopped == "<serial> is gone."
    assert "classic/float-gpu/result.pb" in found.files
    assert "litert/help.txt" not in found.files
    assert found.index.phone["ro.product.model"] == "Pixel 8"


def test_a_phone_that_is_not_there_at_all_leaves_an_index() -> None:
    found = collected(Phone(getprop=DeviceLost("It is gone.")))
    assert (found.index.stopped, found.index.captures, found.files) == ("It is gone.", (), {})
    assert found.index.phone == {}


def test_foreign_words_reach_the_shell_quoted() -> None:
    phone = Phone()
    odd = "/data/local/tmp/mnv4bench a;reboot"
    collected(
        phone,
        folder=odd,
        programs={"classic": f"{odd}/classic"},
        models={"int8": f"{odd}/m'$(reboot).tflite"},
        counter="/sys/a b",
    )
    asked = [shlex.split(command) for command in phone.asked if "reboot" in command]
    assert len(asked) > 10
    for words in asked:  # one word, blank, semicolon and all
        assert any(odd in word for word in words)
        assert not any(word.startswith(("a;", "$(", "reboot")) for word in words)
    assert "ls -l '/sys/a b'; cat '/sys/a b'" in phone.asked


def test_nothing_is_written_outside_the_folder() -> None:
    phone = Phone()
    collected(phone)
    for command in phone.asked:
        words = shlex.split(command)
        assert not [
            word for word in words if word.startswith((">", "rm", "mv", "cp", "settings put"))
        ]
        for word in words:
            if word.startswith(("--result_file_path=", "--model_runtime_info_output_file=")):
                assert word.partition("=")[2].startswith(f"{FOLDER}/capture-")


def test_the_caller_adds_runs_and_is_told_of_each() -> None:
    steps: list[str] = []
    own = capture_commands.trial(
        "classic", "int8-qnn", f"{FOLDER}/classic", f"{FOLDER}/int8.tflite", FOLDER, ("--x=1",)
    )
    found = collected(Phone(), further=own, on_step=lambda capture: steps.append(capture.file))
    assert "classic/int8-qnn/result.pb" in found.files
    assert steps == [entry.file for entry in found.index.captures]


def test_equal_samples_make_equal_zips() -> None:
    packed = [pack(collected(Phone()), codec.encode_json) for _ in range(2)]
    assert packed[0] == packed[1]
    with zipfile.ZipFile(io.BytesIO(packed[0])) as archive:
        assert archive.testzip() is None
        index = json.loads(archive.read("index.json"))
        assert index["format"] == "mnv4bench captures"
        assert index["phone"]["ro.soc.model"] == "Tensor G3"
        assert all(not name.startswith(("/", "..")) for name in archive.namelist())


def test_the_commands_are_shell(tmp_path: Path, real_shell: Callable[[str], str]) -> None:
    for capture in (
        *capture_commands.of_phone(FOLDER, "/sys/a", {"big": "100"}),
        *capture_commands.of_program("litert", "/p q", {"a": "/m n"}, FOLDER, None),
        *capture_commands.of_program("classic", "/p q", {"a": "/m n"}, FOLDER, "dsp"),
    ):
        assert real_shell(capture.command) == ""


@pytest.fixture
def real_shell() -> Callable[[str], str]:
    """Parses a line with sh without running it; gives what sh complains of."""
    return lambda line: (
        subprocess.run(("sh", "-n", "-c", line), capture_output=True, text=True, check=False).stderr
    )
