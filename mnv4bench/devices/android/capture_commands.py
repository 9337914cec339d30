"""The shell commands whose output the parsers of this room read, as a phone is asked for samples.

Knows: the commands, what of their output is wanted, and the name that each output gets. Does not
know: adb, what the outputs mean, or how a measurement calls the programs (benchmark).

The shell is Android's mksh with toybox. What a command prints about people is filtered on the
phone, so that it never gets here.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mnv4bench.devices.android import modes
from mnv4bench.records.devices import BenchmarkTool


@dataclass(frozen=True, slots=True)
class Capture:
    """One command, and the file in the zip that its output becomes."""

    file: str  # what it wrote to stderr goes to FILE.stderr
    command: str  # for the phone's shell, every foreign word quoted
    base64: bool = False  # the command prints a binary file encoded; it is kept decoded


# Named one by one: a whole getprop holds serial numbers, networks and the SIM card's.
PROPERTIES = (
    "ro.product.manufacturer",
    "ro.product.model",
    "ro.product.device",
    "ro.product.cpu.abi",
    "ro.product.cpu.abilist",
    "ro.soc.manufacturer",
    "ro.soc.model",
    "ro.board.platform",
    "ro.hardware",
    "ro.hardware.egl",
    "ro.hardware.vulkan",
    "ro.opengles.version",
    "ro.build.fingerprint",
    "ro.build.type",
    "ro.build.version.release",
    "ro.build.version.sdk",
    "ro.build.version.security_patch",
)
_POLICY = "/sys/devices/system/cpu/cpufreq/policy*"
_FREQUENCIES = (
    "related_cpus",
    "cpuinfo_min_freq",
    "cpuinfo_max_freq",
    "scaling_min_freq",
    "scaling_max_freq",
    "scaling_cur_freq",
    "scaling_governor",
    "stats/time_in_state",
)
_ZONE = "/sys/class/thermal/thermal_zone*"
_BATTERY = "state|powered|status|health|present|level|scale|voltage|temperature|technology|counter"

KNOWN = "mnv4bench"
# On and off again, each with its status. Nothing is said in between, and a cable that is pulled
# (HUP, and PIPE of what is said then) ends nothing: the mode must not stay on.
SWITCH = (
    f"trap '' HUP INT PIPE TERM; {modes.ON}; on=$?; {modes.OFF}; off=$?; echo on $on; echo off $off"
)

STATE = (
    Capture(
        "properties.txt",
        f'for name in {" ".join(PROPERTIES)}; do echo "[$name]: [$(getprop $name)]"; done',
    ),
    Capture("system.txt", "uname -srm; id; getenforce"),
    Capture("shell_tools.txt", "toybox --version; which taskset timeout base64 sha256sum; echo $?"),
    Capture("processors.txt", "grep -v -i serial /proc/cpuinfo"),
    Capture("cpufreq.txt", 'grep -H "" ' + " ".join(f"{_POLICY}/{name}" for name in _FREQUENCIES)),
    Capture("load.txt", "cat /proc/loadavg; head -n 1 /proc/stat; head -n 3 /proc/meminfo"),
    Capture("thermal_zones.txt", f'grep -H "" {_ZONE}/type {_ZONE}/temp'),
    Capture("thermalservice.txt", "dumpsys thermalservice"),
    Capture("battery.txt", f"dumpsys battery | grep -iE '{_BATTERY}'"),
    Capture(
        "power.txt",
        "dumpsys power | grep -oE "
        "'(mWakefulness|mIsPowered|mStayOn|mLowPower[A-Za-z]*|[a-zA-Z]*IdleMode)=[A-Za-z]+'",
    ),
    # Only the matching part: the lines themselves hold the panel's number.
    Capture("display.txt", "dumpsys display | grep -oE 'm[A-Za-z]*State=[A-Z_]+'"),
    Capture(
        "settings.txt",
        "for name in low_power stay_on_while_plugged_in; do settings get global $name; done",
    ),
    Capture("power_modes.txt", "cmd power help 2>&1 | grep -i -A 2 fixed"),
    # What a run stands on and what toybox of some years lacks: nanoseconds, a limit that ends what
    # hangs (124, or 137 where only KILL helped), and files that come back whole.
    Capture("nanoseconds.txt", "date +%s%N; echo $?"),
    Capture("timeout.txt", "timeout -k 1 1 sleep 3; echo $?"),
    Capture(
        "head.txt", f"printf {KNOWN} | head -c 4; echo; printf {KNOWN} | head -c 1000; echo $?"
    ),
    Capture("base64.txt", f"printf {KNOWN} | base64; echo $?"),
    Capture("power_mode_switch.txt", SWITCH),
    Capture("neural_services.txt", "service list | grep -i neural"),
    Capture(
        "gpu_libraries.txt",
        "ls -l /vendor/lib64/libOpenCL.so; grep -i opencl /vendor/etc/public.libraries.txt",
    ),
    Capture("tpu.txt", "ls -l /sys/class/edgetpu; ls /sys/class/edgetpu/*/device/"),
)

# As short as a run can be that still prints both blocks of statistics, and bounded by the phone.
_SHORT = ("--warmup_runs=1", "--warmup_min_secs=0", "--num_runs=5", "--min_secs=0", "--max_secs=20")
LIMIT_S = 60
_NO_MODEL = "there-is-no-such-model.tflite"


def of_phone(
    folder: str, counter: str | None, masks: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Capture]:
    """The phone itself: identity, state, room in ``folder``, and a profile's counter.

    ``masks`` are of processors, by a word each, as taskset takes them ("big": "100").
    """
    yield from STATE
    for word, mask in masks.items():
        yield Capture(f"taskset_{word}.txt", f"taskset {shlex.quote(mask)} true; echo $?")
    yield Capture("space.txt", f"df -k {shlex.quote(folder)}")
    if counter is not None:
        path = shlex.quote(counter)
        yield Capture("counter.txt", f"ls -l {path}; cat {path}")


def of_program(
    tool: BenchmarkTool,
    program: str,
    models: Mapping[str, str],
    folder: str,
    accelerator: str | None,
) -> Iterator[Capture]:
    """What ``program`` prints: its help, each model on each delegate, and two kinds of failure.

    ``models`` maps a word for the outputs' names ("float", "int8") to the file on the phone; the
    quickest of each kind will do. Delegates that need libraries are the caller's own (benchmark).
    A float model on NNAPI is wanted too: that it runs on the processor is what must be seen.
    """
    yield Capture(f"{tool}/help.txt", run_in(folder, (program, "--help")))
    for word, model in models.items():
        for name, flags in _delegates(tool, accelerator):
            yield from trial(tool, f"{word}-{name}", program, model, folder, flags)
    for model in list(models.values())[:1]:
        yield Capture(
            f"{tool}/unknown-flag/output.txt",
            run_in(folder, (program, f"--graph={model}", "--no_such_flag=1", *_SHORT)),
        )
    missing = f"--graph={folder}/{_NO_MODEL}"
    yield Capture(f"{tool}/no-model/output.txt", run_in(folder, (program, missing, *_SHORT)))


def trial(
    tool: BenchmarkTool,
    name: str,
    program: str,
    model: str,
    folder: str,
    flags: tuple[str, ...],
) -> Iterator[Capture]:
    """One short run with ``flags``: its output, its result file, and its runtime information.

    Programs that do not know a flag say so and go on, and that is a sample too.
    A flag that ``flags`` has too is as they have it. The two files lie in ``folder`` under the
    names that they have in the zip, / being -.
    """
    place = f"{tool}/{name}"
    files = {
        "result.pb": "--result_file_path",
        "runtime_info.pb": "--model_runtime_info_output_file",
    }
    paths = {file: f"{folder}/capture-{tool}-{name}-{file}" for file in files}
    outputs = tuple(f"{flag}={paths[file]}" for file, flag in files.items())
    asked = (f"--graph={model}", *_SHORT, *outputs, *flags)
    words = {word.partition("=")[0]: word for word in asked}.values()
    yield Capture(f"{place}/output.txt", run_in(folder, (program, *words)))
    for file, path in paths.items():
        yield Capture(f"{place}/{file}", f"base64 {shlex.quote(path)}", base64=True)


def run_in(folder: str, words: tuple[str, ...]) -> str:
    """The shell line that runs a program in ``folder``, its libraries beside it, for a minute."""
    place = shlex.quote(folder)
    environment = f"LD_LIBRARY_PATH={place} ADSP_LIBRARY_PATH={place}"
    return f"cd {place} && {environment} timeout {LIMIT_S} {shlex.join(words)}"


def _delegates(
    tool: BenchmarkTool, accelerator: str | None
) -> Iterator[tuple[str, tuple[str, ...]]]:
    # Flags: tensorflow/lite/tools/benchmark and litert/tools, their --help.
    if tool == "litert":
        yield "cpu", ("--use_cpu=true", "--num_threads=1")
        yield "gpu", ("--use_gpu=true",)
        return
    yield "cpu", ("--use_xnnpack=true", "--num_threads=1")
    yield "gpu", ("--use_gpu=true",)
    yield "nnapi", ("--use_nnapi=true",)  # names the accelerators that there are
    if accelerator is not None:
        named = f"--nnapi_accelerator_name={accelerator}"
        yield f"nnapi-{accelerator}", ("--use_nnapi=true", named, "--disable_nnapi_cpu=true")
