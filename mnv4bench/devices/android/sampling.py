"""The phone of a profile asked for samples: two small networks on every program that is here.

Knows: what has to lie on the phone for that, and that it is taken away again. Does not know: which
commands are run (capture_commands), the zip (collecting).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from mnv4bench.devices import Options, pushing
from mnv4bench.devices.android import attached, benchmark, capture_commands, phone
from mnv4bench.devices.android.adb import Adb
from mnv4bench.devices.android.benchmark import Call, Tool
from mnv4bench.devices.android.capture_commands import LIMIT_S, Capture
from mnv4bench.devices.android.collecting import Captured, Collected, collect
from mnv4bench.devices.cores import mask, processors
from mnv4bench.devices.holding import hold
from mnv4bench.devices.kernel_text import Policy
from mnv4bench.errors import DeviceLost, NotMeasured
from mnv4bench.records import AndroidTarget, BenchmarkTool, DeviceProfile, Timing

# Two convolutions each, of tests/phone/graphs.py.
MODELS = {"float": "float.tflite", "int8": "int8.tflite"}
FOLDER = "samples"
# The phone ends a program that hangs; only then is it asked in vain.
ANSWER_S = LIMIT_S + 30.0
# One that compiles for its chip, and then five inferences.
_TIMING = Timing(
    warmup_window_s=0.01,
    warmup_window_count=1,
    warmup_agreement=1.0,
    warmup_cap_s=0.03,
    min_count=5,
    min_duration_s=0.0,
    max_duration_s=20.0,
    input_seed=0,
    input_buffers=1,
)


def sample(
    profile: DeviceProfile,
    options: Options,
    on_step: Callable[[Capture], None] = lambda _: None,
) -> Collected:
    """Samples of the phone that ``profile`` means.

    Without a benchmark program those of the phone alone are collected, and the index says what is
    missing. Raises NotMeasured without the phone, while a run is on it, or without room on it;
    DeviceLost where it goes away before the first sample.
    """
    target = benchmark.target_of(profile)
    chosen = attached.choose(profile, options.serials)
    adb = Adb(chosen.serial)
    tools, missing = _tools(profile, options)
    folder = f"{target.remote_dir}/{FOLDER}"
    # The lock of AndroidRunner.unit: a run on this phone would be disturbed.
    with hold(phone.identify(adb).this_one):
        try:
            programs, models = _push(adb, folder, tools)
            found = collect(
                lambda line: adb.shell(line, ANSWER_S),
                folder=folder,
                programs=programs,
                models=models,
                serial=adb.serial,
                counter=target.counter,
                accelerator=target.nnapi_accelerator,
                masks=_masks(chosen.identity.policies if chosen.identity else ()),
                further=_own(profile, folder, programs, models),
                on_step=on_step,
            )
        finally:
            with suppress(DeviceLost):
                adb.shell(_tidy_line(target.remote_dir, folder), stoppable=False)
    return Collected(replace(found.index, captures=(*found.index.captures, *missing)), found.files)


def _tools(profile: DeviceProfile, options: Options) -> tuple[list[Tool], list[Captured]]:
    """(the profile's program and the other one where it is here too, what is missing)."""
    target = benchmark.target_of(profile)
    tools: list[Tool] = []
    missing: list[Captured] = []
    try:
        tools.append(benchmark.find(profile, options.benchmark_model, options.libraries))
    except NotMeasured as error:
        place = f"{target.tool}/help.txt"
        missing.append(Captured(file=place, command="", status=None, bytes=0, remark=error.what))
    other: BenchmarkTool = "litert" if target.tool == "classic" else "classic"
    with suppress(NotMeasured):
        processor = AndroidTarget(tool=other, delegate="xnnpack")
        plain = replace(profile, accelerator="cpu", android=processor)
        tool = benchmark.find(plain, None, None)
        # One variable of the environment may have named the same file twice.
        if tool.sha256 not in [one.sha256 for one in tools]:
            tools.append(tool)
    return tools, missing


def _masks(policies: tuple[Policy, ...]) -> dict[str, str]:
    """One of the fastest processors, and all; nothing where the phone does not name them."""
    if not policies:
        return {}
    everyone = processors(policies, "all", 1)
    return {"big": mask(policies[-1].cpus[-1:]), "all": mask(everyone)}


def _push(
    adb: Adb, folder: str, tools: list[Tool]
) -> tuple[dict[BenchmarkTool, str], dict[str, str]]:
    """Everything in ``folder``: (the programs' paths on the phone, those of the networks)."""
    said = adb.shell(f"mkdir -p {shlex.quote(folder)}")
    if said.status:
        words = (said.stderr or said.stdout).strip()[:200]
        raise NotMeasured(
            f"{folder} on {adb.serial} cannot be written: {words}.",
            "free some room there, or set remote_dir in the profile",
        )
    here = Path(__file__).parent / FOLDER
    models = {word: f"{folder}/{name}" for word, name in MODELS.items()}
    for word, name in MODELS.items():
        pushing.push(adb, here / name, models[word])
    programs: dict[BenchmarkTool, str] = {}
    for tool in tools:
        programs[tool.flavour] = f"{folder}/benchmark_model-{tool.flavour}"
        pushing.push(adb, tool.program, programs[tool.flavour])
        adb.shell(f"chmod 755 {shlex.quote(programs[tool.flavour])}")
        for library in tool.libraries:
            pushing.push(adb, library, f"{folder}/{library.name}")
    return programs, models


def _own(
    profile: DeviceProfile,
    folder: str,
    programs: dict[BenchmarkTool, str],
    models: dict[str, str],
) -> list[Capture]:
    """Runs with the profile's delegate as a measurement calls it."""
    target = benchmark.target_of(profile)
    program = programs.get(target.tool)
    captures: list[Capture] = []
    for word, model in models.items() if program else ():
        assert program is not None
        call = Call(graph=model, folder=folder, threads=profile.threads)
        flags = benchmark.arguments(profile, call, _TIMING)
        name = f"{word}-as-{profile.device}"
        captures += capture_commands.trial(target.tool, name, program, model, folder, flags)
    return captures


def _tidy_line(remote_dir: str, folder: str) -> str:
    """The program's folder goes too where nothing else lies in it."""
    return f"rm -rf {shlex.quote(folder)}; rmdir {shlex.quote(remote_dir)} 2>/dev/null"
