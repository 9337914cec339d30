"""A phone measured from end to end: the genuine adb, the double, real LiteRT behind the program."""

import os
import random
import re
import shlex
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from mnv4bench import bench
from mnv4bench.devices import Options
from mnv4bench.devices.android import modes
from mnv4bench.devices.holding import undisturbed
from mnv4bench.errors import NotMeasured
from mnv4bench.records import Artifact, Measurement, Plan, Verdict
from tests.devices.android.conftest import EDGETPU, MakeRunner
from tests.devices.conftest import TIMING, artifact_of, phone_profile
from tests.phone import programs
from tests.phone.android import Phone
from tests.phone.genuine_adb import GenuineAdb
from tests.phone.graphs import write_convolutions

FOLDER = "/data/local/tmp/mnv4bench"


def once(runner, graph: Path, artifact: Artifact):
    with runner.held():
        return runner.install(graph, artifact).invoke(TIMING, round=0, position=0)


def test_an_edgetpu_run_is_proven_by_two_witnesses(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    samples, placement = once(make_runner(**EDGETPU), graph, int8)
    assert placement.verdict == "full"
    assert placement.unit == "edgetpu (NNAPI google-edgetpu)"
    assert {signal.name for signal in placement.signals} >= {
        "delegate lines", "replaced nodes", "contrast with the processor"
    }  # fmt: skip
    assert len(samples.latencies_s) == 1
    assert samples.inferences_per_value >= TIMING.min_count
    assert samples.spread is not None
    assert samples.noise.frequency_mean_hz
    assert samples.noise.thermal_status_after == 0


def test_nnapi_that_lies_is_not_believed(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    phone.accelerator("google-edgetpu", mode="lies")
    _, placement = once(make_runner(**EDGETPU), graph, int8)
    assert placement.verdict == "unproven"
    assert any("completely executed" in signal.evidence for signal in placement.signals)


@pytest.mark.parametrize(
    ("mode", "verdict"), [("partial", "partial"), ("untouched", "none"), ("works", "full")]
)
def test_what_the_delegate_took(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, mode: str, verdict: Verdict
) -> None:
    phone.accelerator("google-edgetpu", factor=20.0, mode=mode)
    assert once(make_runner(**EDGETPU), graph, int8)[1].verdict == verdict


@pytest.mark.parametrize(("mode", "verdict"), [("works", "full"), ("lies", "none")])
def test_roots_counter_settles_it(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, mode: str, verdict: Verdict
) -> None:
    phone.accelerator("google-edgetpu", factor=20.0, mode=mode)
    counter = "/sys/devices/platform/1a000000.rio/inference_count"
    phone.expose_counter(counter)
    _, placement = once(make_runner(**EDGETPU, counter=counter), graph, int8)
    assert placement.verdict == verdict
    assert any(signal.name == "accelerator counter" for signal in placement.signals)


def with_libraries(tmp_path: Path, flavour: str, *names: str) -> Options:
    """A benchmark program, and a folder with ELF files of these names."""
    folder = tmp_path / "libraries"
    folder.mkdir()
    for name in names:
        programs.write_elf(folder / name, machine=0xB7, bits=64)
    program = programs.write_program(tmp_path / "program", flavour)
    return Options(benchmark_model=program, libraries=folder)


def test_a_gpu(phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact) -> None:
    _, placement = once(make_runner(delegate="gpu"), graph, int8)
    assert placement.verdict == "full"
    assert "Initialized OpenCL-based API" in placement.signals[-1].evidence


def test_litert_needs_its_library_for_a_gpu(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    library = "libLiteRtClGlAccelerator.so"
    options = with_libraries(tmp_path, "litert", library)
    runner = make_runner("litert", options=options, delegate="gpu", libraries=(library,))
    assert once(runner, graph, int8)[1].verdict == "full"
    # Without it the program goes on with the processor and says nothing.
    without = make_runner("litert", options=options, delegate="gpu")
    assert once(without, graph, int8)[1].verdict == "none"


def test_the_legacy_hexagon_delegate_with_its_libraries(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    phone.accelerator("hexagon", factor=8.0)
    names = ("libhexagon_interface.so", "libhexagon_nn_skel_v66.so")
    runner = make_runner(
        options=with_libraries(tmp_path, "classic", *names),
        delegate="hexagon",
        libraries=("libhexagon_interface.so", "libhexagon_nn_skel*.so"),
    )
    assert once(runner, graph, int8)[1].verdict == "full"


def test_an_external_delegate_with_options(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    phone.accelerator("external", factor=15.0)
    library = "libQnnTFLiteDelegate.so"
    runner = make_runner(
        options=with_libraries(tmp_path, "classic", library),
        delegate="external",
        libraries=(library,),
        external_delegate=library,
        external_options=("backend_type:htp", "skel_library_dir:LIBRARIES"),
    )
    assert once(runner, graph, int8)[1].verdict == "full"
    ran = [line for line in phone.commands if "external_delegate_options" in line]
    assert "'--external_delegate_options=backend_type:htp;skel_library_dir:" in ran[-1]


def test_an_npu_by_dispatch(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    phone.accelerator("npu", factor=15.0)
    names = ("libLiteRtDispatch_Qualcomm.so", "libLiteRtCompilerPlugin_Qualcomm.so")
    runner = make_runner(
        "litert",
        options=with_libraries(tmp_path, "litert", *names),
        delegate="npu",
        libraries=names,
    )
    assert once(runner, graph, int8)[1].verdict == "full"


def test_old_builds_are_read_from_their_text(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    program = programs.write_program(tmp_path / "old", "classic-old")
    samples, _ = once(make_runner(options=Options(benchmark_model=program)), graph, int8)
    assert samples.spread is not None
    assert samples.spread.p95_s is None


def test_the_program_runs_on_the_phones_fastest_core(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    runner = make_runner()
    once(runner, graph, int8)
    assert {call[0] for call in phone.calls("taskset")} == {"100"}
    assert runner.environment().cores == "fastest: 8"


def test_nothing_outside_its_own_folder_is_written_and_all_of_it_is_removed(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    before, whole = phone.files(outside=FOLDER), phone.files(outside="/nowhere")
    once(make_runner(**EDGETPU), graph, int8)
    assert phone.files(outside=FOLDER) == before
    assert phone.files(outside="/nowhere") == whole


def test_keep_leaves_the_files_and_they_are_not_sent_again(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    program = programs.write_program(tmp_path / "program", "classic")
    options = Options(benchmark_model=program, keep=True)
    once(make_runner(options=options), graph, int8)
    kept = [name for name in phone.files(outside="/nowhere") if name.startswith(FOLDER + "/")]
    assert any(name.endswith(".tflite") for name in kept)
    pushes = [service for service in phone.services if service.startswith("sync:")]
    once(make_runner(options=options), graph, int8)
    assert [service for service in phone.services if service.startswith("sync:")] == pushes
    assert not phone.fixed_performance


def test_fixed_performance_mode_is_on_meanwhile_and_off_afterwards(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    runner = make_runner()
    assert not phone.fixed_performance
    with pytest.raises(KeyboardInterrupt), runner.held():  # noqa: PT012
        assert phone.fixed_performance
        assert runner.environment().fixed_performance is True
        raise KeyboardInterrupt
    assert not phone.fixed_performance


def test_a_later_run_restores_what_a_killed_one_left(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    adb = make_runner()._adb
    adb.shell(f"mkdir -p {FOLDER}")
    assert modes.enter(adb, FOLDER)  # and then the program is killed
    checks = {check.name: check for check in make_runner().checks()}
    assert "left it on" in checks["fixed performance"].found
    without = make_runner(fixed_performance=False)
    with without.held():
        assert not phone.fixed_performance
        assert without.environment().fixed_performance is False


def test_a_phone_without_the_mode_is_measured_all_the_same(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    phone.set(fixed_performance_supported=False)
    runner = make_runner()
    with runner.held():
        assert runner.environment().fixed_performance is False
        assert runner.install(graph, int8).invoke(TIMING, round=0, position=0)


def test_a_slowed_phone_shows_in_the_probe(phone: Phone, make_runner: MakeRunner) -> None:
    runner = make_runner()
    first = runner.probe()
    phone.slowdown = 3.0
    second = runner.probe()
    assert first
    assert second
    assert second > 1.5 * first


def test_the_state_of_a_phone(phone: Phone, make_runner: MakeRunner) -> None:
    phone.thermal_status = 1
    phone.battery(level=42, temperature_c=38.5, charging=True)
    phone.screen = "Asleep"
    phone.low_power = True
    state = make_runner().state()
    assert (state.thermal_status, state.battery_fraction) == (1, 0.42)
    assert (state.battery_temperature_c, state.charging) == (38.5, True)
    assert (state.screen, state.low_power_mode, state.on_battery) == ("Asleep", True, False)
    assert state.temperatures_c["BIG"] == 33.0
    assert state.governor == "sched_pixel"
    assert state.boot == phone.boot_id


@pytest.mark.parametrize(("changes", "sustained_s"), [(EDGETPU, None), (EDGETPU, 0.1), ({}, None)])
def test_a_dry_run_prints_what_a_run_then_does(
    phone: Phone,
    make_runner: MakeRunner,
    graph: Path,
    int8: Artifact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    sustained_s: float | None,
) -> None:
    """Finding 22 of the review: of two models, line by line, and nothing but those lines."""
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)
    second = write_convolutions(tmp_path / "second.tflite", quantised=True, layers=4)
    measured = [(graph, int8), (second, artifact_of(second, precision="int8", sha256="1" * 64))]
    plan = in_this_order(sustained_s)
    sustained = bench.sustained_timing(plan) if sustained_s else None
    runner = make_runner(**changes)
    lines = runner.commands(measured, TIMING, sustained)
    files = phone.files(outside="/nowhere")
    assert make_runner(**changes).commands(measured, TIMING, sustained) == lines
    assert phone.files(outside="/nowhere") == files, "a dry run writes nothing"
    asked_before = len(phone.commands)
    report = bench.new_report(phone_profile("classic", **changes), runner, [int8], plan)
    report = replace(report, measurements=tuple(Measurement(artifact=one) for _, one in measured))
    with runner.held():
        sessions = [runner.install(*one) for one in measured]
        bench.measure(report, sessions, runner, lambda report: None, Silent())
    printed = [
        shlex.split(line)[-1]
        for line in lines
        if not line.startswith("#") and "shell" in shlex.split(line)
    ]
    assert "getprop" in printed.pop(0)  # who it is was asked before
    did = [as_printed(line) for line in phone.commands[asked_before:]]
    assert did == [as_printed(line) for line in printed]
    assert sum("dumpsys battery" in line for line in did) == (6 if sustained_s is None else 8)


def in_this_order(sustained_s: float | None) -> Plan:
    """One round whose random order of two models is the one they stand in."""
    seed = next(seed for seed in range(99) if shuffled(f"{seed}/0") == [0, 1])
    return Plan(
        seed=seed, min_rounds=1, max_rounds=1, target=0.01, timing=TIMING, sustained_s=sustained_s
    )


def shuffled(seed: str) -> list[int]:
    order = [0, 1]
    random.Random(seed).shuffle(order)
    return order


def as_printed(line: str) -> str:
    """A command without what nobody can foresee, nor what adb's seam puts around it."""
    line = re.sub(r"mnv4bench(-end)?-[0-9a-f]{12}", "mnv4bench", line)
    line = re.sub(r"^\( (.*)\n\) &\nline=.*\necho mnv4bench \$\?$", r"\1", line, flags=re.DOTALL)
    return re.sub(r"echo mnv4bench space\n\{ (df [^;]*); \} 2>/dev/null$", r"\1", line)


class Silent:
    """A bench.Listener that hears nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *words: None


def test_a_file_name_is_only_a_name(
    phone: Phone, make_runner: MakeRunner, graph: Path, tmp_path: Path
) -> None:
    hostile = tmp_path / "a'; touch pwned; $(touch pwned)\n touch pwned #.tflite"
    hostile.write_bytes(graph.read_bytes())
    before = phone.files(outside=FOLDER)
    runner = make_runner()
    once(runner, hostile, artifact_of(hostile))
    assert phone.files(outside=FOLDER) == before
    for line in runner.commands([(hostile, artifact_of(hostile))], TIMING):
        assert "\n touch" not in line or not line.startswith("#")


# --- giving the phone back -----------------------------------------------------------------------


def refuse_to_put_it_off(phone: Phone) -> None:
    """From now on the phone does not leave the mode."""
    tool = phone.path("/system/bin/cmd")
    genuine = tool.resolve()
    tool.unlink()
    tool.write_text(
        f'#!/bin/sh\ncase "$*" in *false) exit 255;; esac\nexec -a cmd {genuine} "$@"\n'
    )
    tool.chmod(0o755)


def test_a_mode_that_cannot_be_put_off_is_told_and_its_marker_stays(
    phone: Phone, make_runner: MakeRunner
) -> None:
    with pytest.raises(NotMeasured) as caught, make_runner().held():
        refuse_to_put_it_off(phone)
    assert "may still be on" in caught.value.what
    assert modes.OFF in caught.value.next_step
    assert modes.left_on(make_runner()._adb, FOLDER)


def test_a_cable_that_slips_at_the_end_is_waited_for(phone: Phone, make_runner: MakeRunner) -> None:
    phone.at("enabled false", 2, phone.drop)  # the first is for what an earlier run left
    with make_runner().held():
        assert phone.fixed_performance
    assert not phone.fixed_performance
    assert not phone.path(FOLDER).exists()


def test_a_second_ctrl_c_does_not_stop_the_tidying() -> None:
    with undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_one_phone_by_two_ways_is_one_phone(
    phone: Phone, genuine_adb: GenuineAdb, make_runner: MakeRunner, tmp_path: Path
) -> None:
    other_way = phone.serial.replace("127.0.0.1", "localhost")
    genuine_adb.run("connect", other_way)
    try:
        program = programs.write_program(tmp_path / "program", "classic")
        both = [
            make_runner(options=Options(serials=(serial,), benchmark_model=program))
            for serial in (phone.serial, other_way)
        ]
        assert both[0].unit() == both[1].unit()
        with both[0].held(), pytest.raises(NotMeasured, match="another run"), both[1].held():
            pass
    finally:
        genuine_adb.run("disconnect", other_way)


def test_a_program_that_outlived_its_run_is_ended_by_the_next(
    phone: Phone, make_runner: MakeRunner, genuine_adb: GenuineAdb
) -> None:
    # As a killed run leaves it: a process whose words hold our folder, and its id.
    genuine_adb.shell(
        phone, f"mkdir -p {FOLDER}; sleep 300 >/dev/null 2>&1 & echo $! >{FOLDER}/pid"
    )
    left = int(phone.read(f"{FOLDER}/pid"))
    phone.write(f"/proc/{left}/cmdline", f"./benchmark_model --graph={phone.path(FOLDER)}/x")
    assert psutil.pid_exists(left)
    with make_runner().held():
        assert not psutil.pid_exists(left) or psutil.Process(left).status() == "zombie"
