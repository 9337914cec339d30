"""The phone's double, held to what the genuine adb and the genuine programs do."""

import re
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.phone.android import Phone
from tests.phone.genuine_adb import GenuineAdb
from tests.phone.graphs import write_convolutions
from tests.phone.handsets import galaxy_s23, pixel4, pixel6, pixel8, pixel9
from tests.phone.programs import write_elf, write_program
from tests.phone.result_files import BenchmarkResult
from tests.phone.shell import OnPhone, on_host

HERE = "/data/local/tmp/mnv4bench"


@pytest.fixture
def phone(tmp_path: Path, genuine_adb: GenuineAdb) -> Phone:
    """A Pixel 8, plugged in."""
    made = pixel8(tmp_path / "pixel8")
    genuine_adb.plug(made)
    return made


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("graphs")
    return {
        "int8": write_convolutions(folder / "int8.tflite", quantised=True),
        "fp32": write_convolutions(folder / "fp32.tflite", quantised=False),
    }


class Bench:
    """A phone with the programs and graphs pushed."""

    def __init__(self, adb: GenuineAdb, phone: Phone, folder: Path, graphs: dict[str, Path]):
        self.adb, self.phone = adb, phone
        for flavour in ("classic", "classic-old", "litert"):
            self.push(write_program(folder / flavour, flavour))
        for graph in graphs.values():
            self.push(graph)

    def push(self, file: Path) -> None:
        pushed = self.adb.run("-s", self.phone.serial, "push", str(file), f"{HERE}/{file.name}")
        assert pushed.returncode == 0, pushed.stdout + pushed.stderr

    def run(self, flavour: str, flags: str, *, graph: str = "int8", timeout_s: float = 20.0):
        """The program as a runner starts it; its status, stdout and stderr."""
        self.phone.path(f"{HERE}/r.pb").unlink(missing_ok=True)
        done = self.adb.shell(
            self.phone,
            f"cd {HERE} && env LD_LIBRARY_PATH={HERE} taskset 1f0 ./{flavour} "
            f"--graph={HERE}/{graph}.tflite --num_runs=30 --min_secs=0.01 --warmup_min_secs=0.01 "
            f"--num_threads=1 {flags}",
            timeout_s=timeout_s,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def result(self):
        """What the result file says."""
        return BenchmarkResult.FromString(self.phone.path(f"{HERE}/r.pb").read_bytes())


@pytest.fixture
def bench(genuine_adb: GenuineAdb, phone: Phone, tmp_path: Path, graphs: dict[str, Path]) -> Bench:
    return Bench(genuine_adb, phone, tmp_path, graphs)


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
    assert b"1 file pushed" in pushed.stdout
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


def test_a_shell_that_hangs_until_its_client_goes(genuine_adb, phone):
    phone.hanging = "getprop"
    with pytest.raises(subprocess.TimeoutExpired):
        genuine_adb.shell(phone, "getprop", timeout_s=0.3)
    assert genuine_adb.shell(phone, "echo well").stdout == b"well\n"


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


def test_a_killed_client_takes_the_shell_with_it(genuine_adb, phone):
    with pytest.raises(subprocess.TimeoutExpired):
        genuine_adb.shell(
            phone, f"mkdir -p {HERE}; sleep 2; echo late > {HERE}/late", timeout_s=0.3
        )
    time.sleep(0.1)
    assert genuine_adb.shell(phone, f"ls {HERE}").stdout == b""


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
    text = b"a /tmp/x/root/data/b /tmp/x/root /tmp/x/rest /tmp/x/root\n/tmp/x/ro"
    expected = b"a /data/b / /tmp/x/rest /\n/tmp/x/ro"
    for cut in range(len(text)):
        back = OnPhone(Path("/tmp/x/root"))
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


# -- the benchmark programs ------------------------------------------------------------------------


def test_classic_on_the_cpu(bench):
    status, out, err = bench.run("classic", f"--use_xnnpack=true --result_file_path={HERE}/r.pb")
    assert status == 0, err
    assert out.startswith("INFO: STARTING!\nINFO: Log parameter values verbosely: [0]\n")
    assert f"INFO: Graph: [{HERE}/int8.tflite]" in out
    assert "completely executed by the delegate." in out
    assert "Replacing 5 out of 5 node(s) with delegate (TfLiteXNNPackDelegate)" in err
    warm_up, measured = re.findall(r"count=(\d+) .*p95=\d+", out)
    last = re.search(r"Inference \(avg\): ([\d.e+]+)", out)
    assert last
    result = bench.result()
    assert result.misc_metrics.num_warmup_runs == int(warm_up)
    assert result.misc_metrics.num_runs == int(measured) >= 30
    assert result.latency_metrics.avg_ms == pytest.approx(float(last[1]) / 1e3, rel=1e-4)
    assert str(bench.phone.root) not in out + err
    spent = bench.phone.read("/sys/devices/system/cpu/cpufreq/policy8/stats/time_in_state")
    assert int(spent.split()[-1]) > 1000
    little = bench.phone.read("/sys/devices/system/cpu/cpufreq/policy0/stats/time_in_state")
    assert int(little.split()[-1]) == 1000


def test_classic_of_old_has_no_prefix_percentiles_or_result_file(bench):
    status, out, err = bench.run("classic-old", f"--use_gpu=true --result_file_path={HERE}/r.pb")
    assert (status, out) == (0, "")
    assert f"\nUnconsumed cmdline flags: --result_file_path={HERE}/r.pb\n" in err
    assert "\nExplicitly applied GPU delegate" in err
    assert "median" not in err
    assert "Inference timings in us: Init: " in err
    assert not bench.phone.path(f"{HERE}/r.pb").exists()


def test_litert_on_the_cpu(bench):
    info = f"{HERE}/info.pb"
    status, _, err = bench.run(
        "litert",
        f"--use_cpu=true --result_file_path={HERE}/r.pb --model_runtime_info_output_file={info}",
    )
    assert status == 0, err
    assert "========== BENCHMARK RESULTS ==========" in err
    runs = re.search(r"Inference \(avg\):      [\d.]+ ms \((\d+) runs\)", err)
    assert runs
    assert bench.result().misc_metrics.num_runs == int(runs[1])
    from ai_edge_litert import model_runtime_info_pb2

    details = model_runtime_info_pb2.ModelRuntimeDetails.FromString(
        bench.phone.path(info).read_bytes()
    )
    *nodes, delegate = details.subgraphs[0].nodes
    assert delegate.delegate_node_details.delegate_name == "TfLiteXNNPackDelegate"
    assert list(delegate.delegate_node_details.tflite_node_ids_replaced) == [0, 1, 2, 3, 4]
    assert {node.delegated_to_node_id for node in nodes} == {5}
    assert list(details.subgraphs[0].execution_plan) == [5]


EDGETPU = f"--use_nnapi=true --nnapi_accelerator_name=google-edgetpu --result_file_path={HERE}/r.pb"


def test_the_edge_tpu_is_as_many_times_faster_and_counts(bench):
    bench.phone.expose_counter()
    bench.phone.accelerator("google-edgetpu", factor=10.0)
    status, out, err = bench.run("classic", EDGETPU)
    assert status == 0, err
    assert "NNAPI accelerators available: [google-edgetpu,nnapi-reference]" in out
    assert "Explicitly applied NNAPI delegate, and the model graph will be completely" in out
    assert "Replacing 5 out of 5 node(s) with delegate (TfLiteNnapiDelegate)" in err
    misc = bench.result().misc_metrics
    counter = bench.phone.read("/sys/devices/platform/1a000000.rio/inference_count").split()
    assert sum(map(int, counter)) == misc.num_runs + misc.num_warmup_runs
    fast = bench.result().latency_metrics.min_ms
    bench.run("classic", f"--use_xnnpack=true --result_file_path={HERE}/r.pb")
    assert bench.result().latency_metrics.min_ms > 3 * fast


def test_the_lie_of_nnapi(bench):
    bench.phone.expose_counter()
    bench.phone.accelerator("google-edgetpu", factor=1000.0, mode="lies")
    status, out, err = bench.run("classic", EDGETPU)
    assert status == 0
    assert "will be completely executed by the delegate" in out
    assert "Replacing 5 out of 5" in err
    assert bench.result().latency_metrics.min_ms > 0.01  # a thousandth would be nothing
    assert bench.phone.read("/sys/devices/platform/1a000000.rio/inference_count") == "0 0 0\n"


def test_a_float_graph_is_not_for_the_edge_tpu(bench):
    status, out, err = bench.run("classic", EDGETPU, graph="fp32")
    assert status == 0
    assert "Replacing 5 out of 5" in err  # seen on a Pixel 8: it says so all the same
    assert "the model graph will not be executed by the delegate" in out
    status, _, err = bench.run("classic", f"{EDGETPU} --require_full_delegation=true", graph="fp32")
    assert status == 1
    assert "ERROR: Disallowed CPU fallback detected.\nERROR: Benchmarking failed." in err


@pytest.mark.parametrize(
    ("mode", "status", "out_has", "err_has"),
    [
        ("partial", 0, "partially executed by the delegate w/ 2 delegate kernels.", "2 out of 5"),
        ("untouched", 0, "the model graph will not be executed by the delegate.", ""),
        ("refuses", 1, "NNAPI delegate created.", "ERROR: Failed to apply NNAPI delegate."),
        ("segfault", 139, "NNAPI delegate created.", ""),
        ("garbage", 0, "3.1 parsecs", ""),
        ("no-result-file", 0, "Inference timings in us", ""),
        ("missing-library", 1, "", "CANNOT LINK EXECUTABLE"),
        ("fails", 1, "count=", "ANEURALNETWORKS_MISSED_DEADLINE_TRANSIENT"),
    ],
)
def test_accelerators_in_a_bad_way(bench, mode, status, out_has, err_has):
    bench.phone.accelerator("google-edgetpu", factor=10.0, mode=mode)
    ended, out, err = bench.run("classic", EDGETPU)
    assert ended == status, err
    assert out_has in out
    assert err_has in err
    assert bench.phone.path(f"{HERE}/r.pb").exists() == (mode in ("partial", "untouched"))
    assert bench.phone.running_benchmarks == 0


def test_a_hanging_program_is_ended_by_timeout(bench):
    bench.phone.accelerator("google-edgetpu", mode="hang")
    done = bench.adb.shell(
        bench.phone, f"timeout -k 1 1 {HERE}/classic --graph={HERE}/int8.tflite {EDGETPU}; echo $?"
    )
    assert done.stdout.decode().endswith("\n124\n")
    assert bench.phone.running_benchmarks == 0


def test_a_phone_without_the_driver(bench):
    bench.phone.no_accelerator("google-edgetpu")
    status, _, err = bench.run("classic", EDGETPU)
    assert status == 1
    assert "Could not find the specified NNAPI accelerator: google-edgetpu." in err
    bench.phone.set(nnapi=False)
    status, out, _ = bench.run("classic", EDGETPU)
    assert status == 0  # on the CPU, with no more than a warning
    assert "WARN: NNAPI acceleration is unsupported on this platform." in out
    assert "delegate, and the model graph" not in out


def test_hexagon_wants_its_libraries(bench):
    flags = f"--use_hexagon=true --hexagon_lib_path={HERE}"
    bench.phone.accelerator("hexagon", factor=8.0)
    status, out, _ = bench.run("classic", flags)
    assert status == 0
    assert "WARN: Could not create Hexagon delegate" in out
    bench.phone.write(f"{HERE}/libhexagon_nn_skel_v66.so", "")
    bench.phone.write(f"{HERE}/libhexagon_interface.so", "")
    status, out, err = bench.run("classic", flags)
    assert "Explicitly applied Hexagon delegate, and the model graph will be completely" in out
    assert "(TfLiteHexagonDelegate)" in err


def test_an_external_delegate_that_cannot_be_loaded_dies_after_created(bench):
    flags = f"--external_delegate_path={HERE}/libQnnTFLiteDelegate.so"
    bench.phone.accelerator("external", factor=8.0)
    status, out, _ = bench.run("classic", flags)
    assert status == 139
    assert out.endswith("INFO: EXTERNAL delegate created.\n")
    bench.phone.write(f"{HERE}/libQnnTFLiteDelegate.so", "")
    status, out, _ = bench.run("classic", f"{flags} --external_delegate_options='a:b;c:d'")
    assert status == 0
    assert "External delegate options: [a:b;c:d]" in out
    assert "Explicitly applied EXTERNAL delegate" in out


def test_litert_on_the_npu(bench):
    npu = f"--use_npu=true --dispatch_library_path={HERE} --compiler_plugin_library_path={HERE}"
    full = f"{npu} --use_cpu=false --require_full_delegation=true"
    bench.phone.accelerator("npu", factor=15.0)
    status, _, err = bench.run("litert", npu)
    assert status == 0  # on the CPU
    assert "NPU accelerator could not be loaded and registered" in err
    status, _, err = bench.run("litert", full)
    assert status == 1
    assert "Failed to compile model." in err
    for name in ("libLiteRtDispatch_Qualcomm.so", "libLiteRtCompilerPlugin_Qualcomm.so"):
        bench.phone.write(f"{HERE}/{name}", "")
    status, _, err = bench.run("litert", full)
    assert status == 0, err
    assert "NPU accelerator registered." in err
    assert "Replacing 5 out of 5 node(s) with delegate (DispatchDelegate)" in err
    bench.phone.accelerator("npu", factor=15.0, mode="partial")
    assert bench.run("litert", full)[0] == 1
    assert bench.run("litert", npu)[0] == 0


def test_litert_on_the_gpu(bench):
    flags = "--use_gpu=true --gpu_backend=opengl"
    assert "(LITERT" not in bench.run("litert", flags)[2]  # no accelerator library: the CPU
    bench.phone.write(f"{HERE}/libLiteRtClGlAccelerator.so", "")
    status, _, err = bench.run("litert", flags)
    assert status == 0
    assert "Dynamically loaded GPU accelerator(libLiteRtClGlAccelerator.so) registered." in err
    assert "Replacing 5 out of 5 node(s) with delegate (LITERT_OPENGL)" in err


def test_litert_aborts_when_full_delegation_meets_the_cpu(bench):
    status, _, err = bench.run("litert", "--require_full_delegation=true")
    assert status == 134
    assert "full delegation and CPU acceleration are incompatible" in err


@pytest.mark.parametrize("flavour", ["classic", "litert"])
def test_help_unknown_flags_and_a_missing_graph(bench, flavour):
    done = bench.adb.shell(bench.phone, f"{HERE}/{flavour} --help")
    text = done.stderr.decode()
    assert done.returncode == 1
    assert f"ERROR: usage: {HERE}/{flavour} <flags>\nFlags:\n" in text
    assert ("--use_nnapi=false" in text) == (flavour == "classic")
    assert ("--use_npu=false" in text) == (flavour == "litert")
    status, out, _ = bench.run(flavour, "--no_such_flag=1 stray")
    assert status == 0
    assert "WARN: Unconsumed cmdline flags: --no_such_flag=1 stray\n" in out
    status, _, err = bench.run(flavour, "--use_gpu=perhaps")
    assert status == 1
    assert "Failed to parse flag 'use_gpu' against argv '--use_gpu=perhaps'" in err
    status, _, err = bench.run(flavour, "", graph="none")
    assert status == 1
    assert "Failed to load model" in err
    assert err.endswith("ERROR: Benchmarking failed.\n")


def test_a_dry_run_times_nothing(bench):
    status, out, _ = bench.run("classic", "--dry_run=true")
    assert status == 0
    assert "count=0 p5=0 median=0 p95=0" in out


def test_a_slowed_phone_is_slower_in_its_results(bench):
    flags = f"--use_xnnpack=true --result_file_path={HERE}/r.pb"
    bench.run("classic", flags)
    usual = bench.result().latency_metrics.min_ms
    bench.phone.slowdown = 20.0
    bench.run("classic", flags)
    assert bench.result().latency_metrics.min_ms > 5 * usual


def test_a_program_for_another_machine_does_not_start(bench, tmp_path):
    file = write_elf(tmp_path / "arm32")
    assert struct.unpack_from("<H", file.read_bytes(), 18) == (0x28,)
    bench.push(file)
    done = bench.adb.shell(bench.phone, f"{HERE}/arm32 --help")
    assert done.returncode in (2, 126, 127)
    assert done.stderr
