"""The phone's double, held to what the genuine adb and the genuine programs do."""

import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.phone.conftest import HERE
from tests.phone.genuine_adb import PATIENCE_S
from tests.phone.handsets import galaxy_s23, pixel4, pixel6, pixel8, pixel9
from tests.phone.shell import OnPhone, on_host

# -- adb -------------------------------------------------------------------------------------------


def test_exit_statuses_and_both_outputs(genuine_adb, phone):
    done = genuine_adb.shell(phone, "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")
    assert genuine_adb.shell(phone, "kill -9 $$").returncode == 137
    assert genuine_adb.shell(phone, "no-such-tool").returncode == 127


def test_stdin_and_large_outputs_arrive_whole(genuine_adb, phone):
    data = bytes(range(256)) * 8000
    assert genuine_adb.shell(phone, "cat", stdin=data).stdout == data
    assert len(genuine_adb.shell(phone, "head -c 5000000 /dev/zero").stdout) == 5_000_000


def test_exec_out_is_exact_to_the_byte(genuine_adb, phone):
    data = bytes(range(256)) * 50 + b"\r\n\n"
    phone.path("/data/local/tmp/x").write_bytes(data)
    pulled = genuine_adb.run("-s", phone.serial, "exec-out", "cat /data/local/tmp/x")
    assert pulled.stdout == data


def test_push_and_pull_are_exact_and_keep_the_mode(genuine_adb, phone, tmp_path):
    source, back = tmp_path / "with space", tmp_path / "back"
    source.write_bytes(bytes(range(256)) * 3000)
    source.chmod(0o755)
    remote = f"{HERE}/a folder/with space"
    pushed = genuine_adb.run("-s", phone.serial, "push", str(source), remote)
    assert b"1 file pushed" in pushed.stdout + pushed.stderr  # stderr since adb 36
    assert phone.path(remote).stat().st_mode & 0o777 == 0o755
    assert genuine_adb.run("-s", phone.serial, "pull", remote, str(back)).returncode == 0
    assert back.read_bytes() == source.read_bytes()
    absent = genuine_adb.run("-s", phone.serial, "pull", "/data/local/tmp/none", str(back))
    assert absent.returncode == 1
    assert b"No such file" in absent.stderr + absent.stdout


def test_eight_shells_at_once(genuine_adb, phone):
    answers = {}

    def ask(number):
        answers[number] = genuine_adb.shell(phone, f"sleep 0.05; echo {number}").stdout

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"{number}\n".encode() for number in range(8)}


def test_a_pulled_cable_looks_like_a_success_and_comes_back(genuine_adb, phone):
    phone.at("sleep 20", 1, phone.drop)
    done = genuine_adb.shell(phone, "echo begun; sleep 20; echo done")
    # adb 29.0.6 exits 0 when no exit status came, adb 36.0.0 exits 255; neither says a word. Only
    # a mark at the command's end tells.
    assert done.returncode in (0, 255)
    assert done.stderr == b""
    assert b"done" not in done.stdout
    genuine_adb.wait_for(phone, "device")
    assert genuine_adb.shell(phone, "echo again").stdout == b"again\n"


def test_unauthorized_offline_and_unknown(genuine_adb, tmp_path, phone):
    phone.unauthorized()
    genuine_adb.wait_for(phone, "unauthorized")
    refused = genuine_adb.shell(phone, "true")
    assert refused.returncode == 1
    assert b"unauthorized" in refused.stderr
    phone.offline()
    genuine_adb.wait_for(phone, "offline")
    refused = genuine_adb.shell(phone, "true")
    assert refused.returncode == 1
    assert b"offline" in refused.stderr
    phone.ready()
    genuine_adb.wait_for(phone, "device")
    unknown = genuine_adb.run("-s", "nobody", "shell", "true")
    assert unknown.returncode == 1
    assert b"'nobody' not found" in unknown.stderr


def test_two_phones_ask_for_a_serial(genuine_adb, tmp_path, phone):
    other = pixel6(tmp_path / "pixel6")
    genuine_adb.plug(other)
    assert genuine_adb.states() == {phone.serial: "device", other.serial: "device"}
    undecided = genuine_adb.run("shell", "true")
    assert undecided.returncode == 1
    assert b"more than one device" in undecided.stderr
    asked = [genuine_adb.shell(p, "getprop ro.product.device").stdout for p in (phone, other)]
    assert asked == [b"shiba\n", b"oriole\n"]
    genuine_adb.unplug(other)
    other.close()
    assert genuine_adb.run("shell", "getprop ro.product.model").stdout == b"Pixel 8\n"


def test_a_full_phone(genuine_adb, phone, tmp_path):
    phone.free_bytes = 100_000
    (tmp_path / "big").write_bytes(b"x" * 500_000)
    pushed = genuine_adb.run("-s", phone.serial, "push", str(tmp_path / "big"), f"{HERE}/big")
    assert pushed.returncode == 1
    assert b"No space left on device" in pushed.stdout + pushed.stderr
    phone.free_bytes = 0
    row = genuine_adb.shell(phone, "df -k /data/local/tmp").stdout.decode().splitlines()[1]
    assert row.split()[3] == "0"


def test_a_push_cut_short_leaves_a_part(genuine_adb, phone, tmp_path):
    phone.cut_push_after = 200_000
    (tmp_path / "big").write_bytes(b"x" * 1_000_000)
    pushed = genuine_adb.run("-s", phone.serial, "push", str(tmp_path / "big"), f"{HERE}/big")
    assert pushed.returncode == 1
    assert 0 < phone.path(f"{HERE}/big").stat().st_size < 1_000_000
    phone.cut_push_after = None
    genuine_adb.wait_for(phone, "device")
    pushed = genuine_adb.run("-s", phone.serial, "push", str(tmp_path / "big"), f"{HERE}/big")
    assert pushed.returncode == 0


def test_a_service_that_is_refused(genuine_adb, phone):
    phone.refused.append("shell")
    done = genuine_adb.shell(phone, "true")
    assert done.returncode != 0
    assert b"closed" in done.stderr


def test_a_shell_that_hangs_until_its_client_goes_or_is_slow(genuine_adb, phone):
    phone.hanging = "getprop"
    with pytest.raises(subprocess.TimeoutExpired):
        genuine_adb.shell(phone, "getprop", timeout_s=0.3)
    assert genuine_adb.shell(phone, "echo well").stdout == b"well\n"
    phone.shell_delay_s = 1.0
    with pytest.raises(subprocess.TimeoutExpired):
        genuine_adb.shell(phone, "echo slow", timeout_s=0.3)
    assert genuine_adb.shell(phone, "echo slow").stdout == b"slow\n"


def test_a_reboot_has_another_boot_id_and_forgets_the_mode(genuine_adb, phone):
    genuine_adb.shell(phone, "cmd power set-fixed-performance-mode-enabled true")
    assert phone.fixed_performance
    before = phone.boot_id
    phone.at("sleep 20", 1, phone.reboot)
    genuine_adb.shell(phone, "sleep 20")
    genuine_adb.wait_for(phone, "device")
    after = genuine_adb.shell(phone, "cat /proc/sys/kernel/random/boot_id").stdout.decode().strip()
    assert after == phone.boot_id != before
    assert not phone.fixed_performance


def test_a_killed_client_takes_the_shell_with_it_and_nothing_else(genuine_adb, phone):
    def until(holds):
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.02)

    with pytest.raises(subprocess.TimeoutExpired):
        genuine_adb.shell(phone, "exec sleep 600", timeout_s=0.5)
    until(lambda: not phone.running_commands)
    with pytest.raises(subprocess.TimeoutExpired):
        genuine_adb.shell(phone, "sleep 601; true", timeout_s=0.5)
    [shell] = phone._shell._running
    until(lambda: shell.poll() is not None)
    # What it started has its output open, as with adbd; mksh may take it along, dash does not.
    assert phone.running_commands <= 1
    phone._shell.kill()
    until(lambda: not phone.running_commands)
    assert phone.commands == ["exec sleep 600", "sleep 601; true"]


# -- the phone -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cat /data/x", "cat R/data/x"),
        ("bm --graph=/data/local/tmp/m", "bm --graph=R/data/local/tmp/m"),
        ("LD=/data/a:/vendor/lib64 x", "LD=R/data/a:R/vendor/lib64 x"),
        ("cat '/sys/a b' \"/proc/uptime\"", "cat 'R/sys/a b' \"R/proc/uptime\""),
        ("echo a/data/b > /dev/null; ls /database", "echo a/data/b > /dev/null; ls /database"),
        ("cat /sys/class/thermal/thermal_zone*/temp", "cat R/sys/class/thermal/thermal_zone*/temp"),
        ('"library_path:/data/q.so;dir:/data"', '"library_path:R/data/q.so;dir:R/data"'),
        ("(cd /data/local/tmp&&pwd)", "(cd R/data/local/tmp&&pwd)"),
    ],
)
def test_paths_of_the_phone_in_a_command(command, expected):
    assert on_host(command, Path("R")) == expected


def test_the_folder_never_shows_wherever_packets_are_cut():
    text = b"a /away/x/tree/data/b /away/x/tree /away/x/rest /away/x/tree\n/away/x/tr"
    expected = b"a /data/b / /away/x/rest /\n/away/x/tr"
    for cut in range(len(text)):
        back = OnPhone(Path("/away/x/tree"))
        assert back.feed(text[:cut]) + back.feed(text[cut:]) + back.rest() == expected


def test_paths_in_outputs_are_the_phones(genuine_adb, phone):
    done = genuine_adb.shell(
        phone, f"mkdir -p {HERE} && cd {HERE} && pwd && echo $PATH && cat {HERE}/none; pwd"
    )
    assert done.stdout.decode() == f"{HERE}\n/system/bin\n{HERE}\n"
    assert f"{HERE}/none" in done.stderr.decode()
    assert str(phone.root).encode() not in done.stdout + done.stderr


def test_the_path_holds_what_a_phone_has_and_no_more(genuine_adb, phone):
    assert genuine_adb.shell(phone, "python3 --version").returncode == 127
    assert genuine_adb.shell(phone, "sha256sum --version > /dev/null").returncode == 0


@pytest.mark.parametrize(
    ("make", "device", "soc"),
    [
        (pixel4, "flame", "SM8150"),
        (pixel6, "oriole", "Tensor"),
        (pixel8, "shiba", "Tensor G3"),
        (pixel9, "tokay", "Tensor G4"),
        (galaxy_s23, "dm1q", "SM8550"),
    ],
)
def test_ready_made_phones_say_what_they_are(genuine_adb, tmp_path, make, device, soc):
    phone = make(tmp_path / device)
    genuine_adb.plug(phone)
    listing = genuine_adb.shell(phone, "getprop").stdout.decode()
    properties = dict(re.findall(r"^\[(.+?)\]: \[(.*?)\]$", listing, re.MULTILINE))
    assert properties["ro.product.device"] == device
    assert properties["ro.soc.model"] == soc
    cpus = genuine_adb.shell(
        phone, "cat /sys/devices/system/cpu/cpufreq/policy*/related_cpus"
    ).stdout.split()
    assert [int(cpu) for cpu in cpus] == list(range(len(cpus)))
    possible = genuine_adb.shell(phone, "cat /sys/devices/system/cpu/possible").stdout
    assert possible == f"0-{len(cpus) - 1}\n".encode()


def test_state_shows_in_the_tools(genuine_adb, phone):
    def ask(command):
        return genuine_adb.shell(phone, command).stdout.decode()

    phone.thermal_status = 3
    phone.sensor("skin", 43.5)
    phone.battery(level=41, temperature_c=38.2, charging=True)
    phone.screen = "Asleep"
    phone.low_power = True
    phone.governor("powersave")
    phone.zone("BIG", 71.25)
    thermal = ask("dumpsys thermalservice")
    assert "IsStatusOverride: false" in thermal
    assert "Thermal Status: 3\n" in thermal
    fresh = thermal.partition("Current temperatures from HAL:")[2]
    assert "Temperature{mValue=43.5, mType=3, mName=skin, mStatus=3}" in fresh
    battery = ask("dumpsys battery")
    assert "  level: 41\n" in battery
    assert "  temperature: 382\n" in battery
    assert "  status: 2\n" in battery
    assert "  USB powered: true\n" in battery
    assert "mWakefulness=Asleep" in ask("dumpsys power")
    assert "mScreenState=OFF" in ask("dumpsys display")
    assert ask("settings get global low_power") == "1\n"
    assert ask("settings get global no_such_thing") == "null\n"
    assert "powersave" in ask("cat /sys/devices/system/cpu/cpufreq/policy8/scaling_governor")
    assert "71250" in ask("cat /sys/class/thermal/thermal_zone*/temp").split()
    assert "google-edgetpu" in ask("service list | grep -i neural")
    assert ask("uname -m; id -u") == "aarch64\n2000\n"


def test_fixed_performance_mode_needs_android_11(genuine_adb, phone, tmp_path):
    told = "cmd power set-fixed-performance-mode-enabled"
    assert genuine_adb.shell(phone, f"{told} true").returncode == 0
    assert phone.fixed_performance
    assert genuine_adb.shell(phone, f"{told} false").returncode == 0
    assert not phone.fixed_performance
    assert phone.calls("cmd") == [
        ["power", "set-fixed-performance-mode-enabled", "true"],
        ["power", "set-fixed-performance-mode-enabled", "false"],
    ]
    phone.set(properties={**phone.get("properties"), "ro.build.version.sdk": "29"})
    refused = genuine_adb.shell(phone, f"{told} true")
    assert refused.returncode == 255
    assert b"Unknown command" in refused.stdout
    assert not phone.fixed_performance
    phone.set(properties={**phone.get("properties"), "ro.build.version.sdk": "35"})
    phone.set(fixed_performance_supported=False)
    refused = genuine_adb.shell(phone, f"{told} true")
    assert refused.returncode == 255
    assert b"Failed to set FIXED_PERFORMANCE mode" in refused.stderr


def test_an_overridden_thermal_status_is_seen(genuine_adb, phone):
    genuine_adb.shell(phone, "cmd thermalservice override-status 2")
    dumped = genuine_adb.shell(phone, "dumpsys thermalservice").stdout
    assert b"IsStatusOverride: true" in dumped
    assert b"Thermal Status: 2" in dumped
    genuine_adb.shell(phone, "cmd thermalservice reset")
    assert b"Thermal Status: 0" in genuine_adb.shell(phone, "dumpsys thermalservice").stdout


def test_taskset_takes_masks_of_cpus_that_exist(genuine_adb, phone):
    assert genuine_adb.shell(phone, "taskset 100 echo on X3").stdout == b"on X3\n"
    for mask in ("200", "3ff", "0"):
        refused = genuine_adb.shell(phone, f"taskset {mask} echo no")
        assert refused.returncode == 1
        assert b"Invalid argument" in refused.stderr
    assert genuine_adb.shell(phone, "taskset f0 no-such").returncode == 127
    assert [call[0] for call in phone.calls("taskset")] == ["100", "200", "3ff", "0", "f0"]


def test_a_slowed_phone_takes_longer_by_its_own_clock(genuine_adb, phone):
    probe = "a=$(date +%s%N); sleep 0.2; b=$(date +%s%N); echo $((b - a))"
    usual = int(genuine_adb.shell(phone, probe).stdout)
    phone.slowdown = 5.0
    slowed = int(genuine_adb.shell(phone, probe).stdout)
    assert slowed >= 5 * 200_000_000
    assert usual >= 200_000_000
    phone.slowdown = 1.0
    assert "clock" not in {file.name for file in phone.folder.iterdir()}


def test_how_busy_the_phone_is_shows_in_proc_stat(genuine_adb, phone):
    def share():
        asked = "head -n 1 /proc/stat; sleep 0.2; head -n 1 /proc/stat"
        lines = genuine_adb.shell(phone, asked).stdout.decode().splitlines()
        (busy, idle), (busy_then, idle_then) = (
            (int(line.split()[1]), int(line.split()[4])) for line in lines
        )
        return (busy_then - busy) / (busy_then - busy + idle_then - idle)

    assert share() < 0.1
    phone.busy = 0.5
    assert 0.4 < share() < 0.6


def test_scripted_events(genuine_adb, phone):
    phone.after("dumpsys", 2, lambda: phone.set(thermal_status=3))
    shown = [genuine_adb.shell(phone, "dumpsys thermalservice").stdout for _ in range(3)]
    assert [b"Thermal Status: 3" in text for text in shown] == [False, False, True]
    assert phone.commands == ["dumpsys thermalservice"] * 3


def test_what_lies_outside_a_folder_is_listed(genuine_adb, phone):
    before = phone.files(outside=HERE)
    genuine_adb.shell(phone, f"mkdir -p {HERE}; echo x > {HERE}/x; cat /proc/uptime")
    assert phone.files(outside=HERE) == before
    genuine_adb.shell(phone, "echo x > /data/local/tmp/stray")
    assert phone.files(outside=HERE).keys() - before.keys() == {"/data/local/tmp/stray"}
    assert "/system/bin/getprop" in before


def test_root_is_for_userdebug_builds(genuine_adb, phone):
    assert b"production builds" in genuine_adb.run("-s", phone.serial, "root").stdout
    phone.set(properties={**phone.get("properties"), "ro.build.type": "userdebug"})
    genuine_adb.run("-s", phone.serial, "root")
    genuine_adb.wait_for(phone, "device")
    assert genuine_adb.shell(phone, "id -u").stdout == b"0\n"
