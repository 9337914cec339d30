"""The kernel's files as they look on real machines, and on those that lack them."""

from pathlib import Path

import pytest

from mnv4bench.devices import readings

# First line of /proc/stat: user nice system idle iowait irq softirq steal guest guest_nice
STAT_WITH_STEAL = "cpu  21790 0 5834 192037 1375 0 133 1149 0 0\ncpu0 2416 0 1299 106732 0 0 0 0\n"
STAT_WITHOUT = "cpu  21790 0 5834 192037 1375 0 133 0 0 0\n"
STAT_EMPTY = "cpu  0 0 0 0 0 0 0 0 0 0\n"
GUEST = "processor : 0\nflags\t\t: fpu sse hypervisor avx2\n"
METAL = "processor : 0\nflags\t\t: fpu sse avx2\n"
ARM = "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /proc and /sys, empty at first."""
    for name in ("STAT", "CPUINFO", "PRESSURE", "CPUS", "HWMON", "THERMAL", "STATUS"):
        monkeypatch.setattr(readings, name, tmp_path / name.lower())
    return tmp_path


def put(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_a_machine_that_says_nothing_gives_none_everywhere(kernel: Path) -> None:
    assert readings.steal_s() is None
    assert readings.pressure_s() is None
    assert readings.frequency_hz() is None
    assert readings.governor() is None
    assert readings.temperature_c() is None
    assert readings.hypervisor_flag() is None


@pytest.mark.skipif(not hasattr(readings.os, "sysconf"), reason="ticks need POSIX sysconf")
@pytest.mark.parametrize(
    ("stat", "cpuinfo", "known"),
    [
        (STAT_WITH_STEAL, GUEST, True),
        (STAT_WITH_STEAL, ARM, True),
        (STAT_WITHOUT, METAL, True),  # bare metal: nobody can steal
        (STAT_WITHOUT, GUEST, False),  # a hypervisor that does not tell
        (STAT_WITHOUT, ARM, False),
        (STAT_EMPTY, METAL, False),  # a sandbox
        ("intr 5\n", METAL, False),
    ],
)
def test_zero_steal_is_a_reading_only_where_it_can_be_one(kernel, stat, cpuinfo, known) -> None:
    put(kernel, {"stat": stat, "cpuinfo": cpuinfo})
    assert (readings.steal_s() is not None) == known


@pytest.mark.skipif(not hasattr(readings.os, "sysconf"), reason="ticks need POSIX sysconf")
def test_steal_is_in_seconds(kernel: Path) -> None:
    put(kernel, {"stat": STAT_WITH_STEAL, "cpuinfo": GUEST})
    assert readings.steal_s() == pytest.approx(1149 / readings.os.sysconf("SC_CLK_TCK"))


def test_pressure_is_the_some_line_in_seconds(kernel: Path) -> None:
    content = (
        "some avg10=1.71 avg60=1.26 avg300=0.42 total=6498520\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=17\n"
    )
    put(kernel, {"pressure": content})
    assert readings.pressure_s() == pytest.approx(6.49852)


def test_the_fastest_processor_s_frequency(kernel: Path) -> None:
    put(
        kernel,
        {
            "cpus/cpu0/cpufreq/scaling_cur_freq": "1400000\n",
            "cpus/cpu1/cpufreq/scaling_cur_freq": "3900000\n",
            "cpus/cpu2/cpufreq/scaling_cur_freq": "<unknown>\n",
            "cpus/cpu0/cpufreq/scaling_governor": "schedutil\n",
        },
    )
    assert readings.frequency_hz() == 3.9e9
    assert readings.governor() == "schedutil"


def test_only_sensors_of_the_processor_count(kernel: Path) -> None:
    put(
        kernel,
        {
            "hwmon/hwmon0/name": "nvme\n",
            "hwmon/hwmon0/temp1_input": "80000\n",
            "hwmon/hwmon1/name": "k10temp\n",
            "hwmon/hwmon1/temp1_input": "55250\n",
            "hwmon/hwmon1/temp3_input": "48000\n",
            "thermal/thermal_zone0/type": "iwlwifi_1\n",
            "thermal/thermal_zone0/temp": "90000\n",
            "thermal/thermal_zone1/type": "x86_pkg_temp\n",
            "thermal/thermal_zone1/temp": "56000\n",
        },
    )
    assert readings.temperature_c() == 56.0


def test_a_sensor_that_reads_zero_or_less_is_not_one(kernel: Path) -> None:
    put(kernel, {"thermal/thermal_zone0/type": "cpu-thermal", "thermal/thermal_zone0/temp": "0"})
    assert readings.temperature_c() is None


def test_the_peak_is_that_of_this_program_alone(
    kernel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings.sys, "platform", "linux")
    assert readings.peak_memory_bytes() is None
    put(kernel, {"status": "Name:\tpython\nVmPeak:\t  900 kB\nVmHWM:\t  15820 kB\nVmRSS:\t 9 kB\n"})
    assert readings.peak_memory_bytes() == 15820 * 1024
    put(kernel, {"status": "VmHWM:\t a lot\n"})
    assert readings.peak_memory_bytes() is None
