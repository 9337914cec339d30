"""A phone as a device: who it is, what is put on it, and that it is left as it was.

Knows: one profile, the phone that it means and the benchmark program it needs. Does not know: how
one invocation is read (session), nor the measuring policy.
"""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Literal

from mnv4bench import __version__
from mnv4bench.devices import Options, pushing, shell_probe
from mnv4bench.devices.android import attached, benchmark, checks, modes, phone
from mnv4bench.devices.android.adb import Adb
from mnv4bench.devices.android.benchmark import PROGRAM, TITLES, Tool
from mnv4bench.devices.android.session import (
    PID,
    RESULT_FILE,
    RUNTIME_INFO,
    AndroidSession,
    Place,
)
from mnv4bench.devices.cores import mask, processors
from mnv4bench.devices.holding import hold, undisturbed
from mnv4bench.devices.remote import sections
from mnv4bench.errors import BenchError, DeviceLost, NotMeasured, UsageError
from mnv4bench.records import (
    Accelerator,
    Artifact,
    Check,
    DeviceProfile,
    DeviceState,
    Environment,
    Timing,
)

# Accelerators that take whole numbers alone; a float graph would silently run on the processor.
INTEGER_ONLY: dict[Accelerator, str] = {"edgetpu": "the EdgeTPU", "hexagon": "the Hexagon DSP"}
NAME_DIGITS = 16  # of a digest, in names on the phone
# A cable that slipped is back within seconds, and adb finds the phone by itself.
GIVE_BACK_S = 10.0
# Program and shell start within this; --help loads no model.
HELP_TIMEOUT_S = 60.0


class AndroidRunner:
    """One phone profile made live. Keeps the Runner contract of ``mnv4bench.devices``."""

    def __init__(self, profile: DeviceProfile, options: Options) -> None:
        """Raises UsageError for a profile whose parts do not go together; asks no phone yet."""
        self._profile = profile
        self._options = options
        self._target = benchmark.target_of(profile)
        if profile.format != "tflite":
            raise UsageError(
                f"{profile.device} pairs phones with .{profile.format} files, and their benchmark "
                "programs run .tflite.",
                'set format = "tflite" in the profile',
            )
        self._steady: bool | None = None  # fixed-performance mode; None: not held yet

    # --- what it is -----------------------------------------------------------------------------

    def availability(self) -> tuple[Literal["ready", "absent", "unusable"], str]:
        """Whether the phone is there and the benchmark program is here."""
        try:
            chosen = attached.choose(self._profile, self._options.serials)
        except BenchError as error:
            return "absent", f"{error.what} {error.next_step}".strip()
        try:
            tool = self._tool
            benchmark.require_abi(tool, self._identity.abi)
        except BenchError as error:
            return "unusable", f"{error.what} {error.next_step}".strip()
        return "ready", f"{chosen.name} ({chosen.serial}), {TITLES[tool.flavour]}"

    def checks(self) -> tuple[Check, ...]:
        """Everything that a run on this phone needs."""
        return checks.every(self._profile, self._options, pushing.SPARE_BYTES)

    def unit(self) -> str:
        """The phone itself, whichever way it is attached (a cable, Wi-Fi): model and digest."""
        return self._identity.this_one

    def environment(self) -> Environment:
        """The phone and the program on it. Raises NotMeasured without either, DeviceLost."""
        identity, tool = self._identity, self._tool
        cpus = self._cpus
        return Environment(
            machine=identity.name,
            cpu_model=identity.soc,
            cpu_count=sum(len(policy.cpus) for policy in identity.policies) or None,
            architecture=identity.abi,
            memory_bytes=identity.memory_bytes,
            os_name="Android",
            os_version=identity.properties.get("ro.build.version.release"),
            runtime_name=TITLES[tool.flavour],
            runtime_version=f"sha256 {tool.sha256[:12]}",
            runtime_sha256=tool.sha256,
            soc=identity.soc,
            build=identity.properties.get("ro.build.fingerprint"),
            sdk=identity.sdk,
            unit=identity.unit,
            cores=f"{self._target.cores}: {', '.join(map(str, cpus))}" if cpus else None,
            fixed_performance=self._wants_steady if self._steady is None else self._steady,
            tool_version=__version__,
        )

    def state(self) -> DeviceState:
        """Heat, power, screen, clocks and load right now. Raises DeviceLost."""
        return phone.state(self._adb, self._identity.policies)

    def probe(self) -> float | None:
        """The best of a few runs of a short loop in the phone's shell, on the cores in use."""
        return shell_probe.fastest_s(self._adb.shell(self._probe_line()).stdout)

    # --- holding it -----------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Iterator[None]:
        """The phone for one run, with the benchmark program on it and its clocks held steady."""
        with hold(self.unit()):
            adb, folder = self._adb, self._target.remote_dir
            self._require_folder(adb, folder)
            adb.shell(self._end_line(folder))
            modes.leave(adb, folder)  # what a run that was killed has left
            try:
                self._steady = self._wants_steady and modes.enter(adb, folder)
                self._place()
                yield
            finally:
                error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
                self._give_back(adb, folder, error)

    def _give_back(self, adb: Adb, folder: str, error: BaseException | None) -> None:
        """Leave the phone as it was; a cable that only slipped is waited for.

        Raises NotMeasured when it could not be done, unless the program is being stopped, which
        goes on up.
        """
        steady, self._steady = self._steady, None
        restored = False
        with undisturbed():
            deadline = time.monotonic() + GIVE_BACK_S
            while True:
                try:
                    adb.shell(self._end_line(folder), stoppable=False)
                    restored = modes.leave(adb, folder)
                    if restored and not self._options.keep:
                        adb.shell(f"rm -rf {shlex.quote(folder)}", stoppable=False)
                    break
                except DeviceLost:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(1.0)
        if restored or not steady:
            return
        what = "fixed-performance mode may still be on"
        fix = f"the next run puts it off; by hand: {adb.line('shell', modes.OFF)}"
        if error is None:
            raise NotMeasured(f"{self._identity.name} was measured, but {what}.", fix)
        if isinstance(error, BenchError):
            error.what += f" Its {what}."
            error.next_step += f"; {fix}"
        else:  # stopped: nobody above has a word for it
            sys.stderr.write(f"{self._identity.name}: {what}; {fix}\n")

    def install(self, file: Path, artifact: Artifact) -> AndroidSession:
        """Put ``file`` on the phone, which is held, where it is not there already.

        Raises UsageError for another format, an absent file, or a float graph on an accelerator of
        whole numbers; NotMeasured without room; DeviceLost. Whether the accelerator is there only
        the program can say, when it runs: NNAPI's HALs of old, and lazy ones, are in no list.
        """
        self._require(file, artifact)
        pushing.push(self._adb, file, self._graph(file))
        return AndroidSession(self._profile, self._adb, self._where(file))

    def commands(
        self,
        measured: Sequence[tuple[Path, Artifact]],
        timing: Timing,
        sustained: Timing | None = None,
    ) -> tuple[str, ...]:
        """A run of one round with these files, line by line, ready to paste.

        The real one puts a marker that nobody can foresee between the parts of its questions.
        """
        for file, artifact in measured:
            self._require(file, artifact)
        adb, folder, tool = self._adb, self._target.remote_dir, self._tool
        steady = [modes.enter_line(folder)] if self._wants_steady else []
        state, probe = sections(phone.STATE, "mnv4bench"), self._probe_line()
        tidy = [] if self._options.keep else [f"rm -rf {shlex.quote(folder)}"]
        programs = [pushing.lines(adb, one, f"{self._tools}/{name}") for name, one in tool.files]

        def shell(*lines: str) -> list[str]:
            return [adb.line("shell", line) for line in lines]

        def invocation(file: Path, timing: Timing, *, first: bool) -> list[str]:
            session = AndroidSession(self._profile, adb, self._where(file))
            return shell(*session.lines(timing, first=first))

        pushes, processes, windows = [], [], []
        for file, _ in measured:
            pushes += [f"# {file.name!r}", *pushing.lines(adb, file, self._graph(file))]
            processes += [f"# {file.name!r}", *invocation(file, timing, first=True)]
            if sustained is not None:
                windows += [f"# {file.name!r} back to back: this again until its time is over"]
                windows += [*shell(state), *invocation(file, sustained, first=False)]
        return (
            "# who it is",
            *shell(sections(phone.IDENTITY, "mnv4bench")),
            "# its folder, and what an earlier run may have left; steady clocks",
            *shell(self._folder_line(folder), self._end_line(folder)),
            *shell(modes.leave_line(folder), *steady),
            "# the benchmark program, sent where it is not there yet",
            *shell(f"mkdir -p {shlex.quote(self._tools)}"),
            *chain.from_iterable(programs),
            *shell(self._executable_line(), self._help_line()),
            *pushes,
            "# how it is: before all, as what it starts from, and whether it is cool",
            *shell(state, state, state),
            "# a round: how fast and how hot it is, each file in a process of its own, and again",
            *shell(probe, state),
            f"# (without --{RESULT_FILE} or --{RUNTIME_INFO} where --help does not list it)",
            *processes,
            *shell(state, probe),
            *windows,
            "# how it is at the end, and as it was before",
            *shell(state, self._end_line(folder), modes.leave_line(folder), *tidy),
        )

    # --- parts ----------------------------------------------------------------------------------

    @cached_property
    def _adb(self) -> Adb:
        return Adb(attached.choose(self._profile, self._options.serials).serial)

    @cached_property
    def _identity(self) -> phone.Identity:
        return phone.identify(self._adb)

    @cached_property
    def _tool(self) -> Tool:
        options = self._options
        return benchmark.find(self._profile, options.benchmark_model, options.libraries)

    @cached_property
    def _cpus(self) -> tuple[int, ...]:
        return processors(self._identity.policies, self._target.cores, self._profile.threads)

    @property
    def _pin(self) -> str:
        """What keeps a program on its processors; nothing where cpufreq does not name them."""
        return f"taskset {mask(self._cpus)} " if self._cpus else ""

    @property
    def _wants_steady(self) -> bool:
        return self._target.fixed_performance and (self._identity.sdk or 0) >= modes.FIRST_SDK

    @property
    def _tools(self) -> str:
        return f"{self._target.remote_dir}/tools-{self._tool.digest[:NAME_DIGITS]}"

    def _probe_line(self) -> str:
        return shell_probe.line(self._pin)

    def _graph(self, file: Path) -> str:
        return f"{self._target.remote_dir}/{pushing.digest(file)[:NAME_DIGITS]}.tflite"

    def _where(self, file: Path) -> Place:
        return Place(
            name=file.name,
            folder=self._target.remote_dir,
            tools=self._tools,
            graph=self._graph(file),
            pin=self._pin,
            fastest=self._cpus[-1] if self._cpus else None,
            policies=self._identity.policies,
            flags=self._flags if self._steady is not None else None,
            driver=self._target.nnapi_accelerator,
            boot=self._identity.boot,
        )

    @cached_property
    def _flags(self) -> frozenset[str]:
        """What the program's own --help lists. Raises NotMeasured when it is the other program."""
        said = self._adb.shell(self._help_line(), HELP_TIMEOUT_S)
        text = f"{said.stdout}\n{said.stderr}"
        if re.search(r"not executable|Exec format error|Permission denied|inaccessible", text):
            last = text.strip().splitlines()[-1][:200]
            raise NotMeasured(
                f"the phone cannot run {self._tool.program}: {last}.",
                f"get the one for {self._identity.abi}: {benchmark.DOWNLOADS[self._tool.flavour]}",
            )
        flags = benchmark.listed_flags(text)
        found = benchmark.flavour(flags)
        if found not in (None, self._tool.flavour):
            raise NotMeasured(
                f"{self._tool.program} is the {TITLES[found]}, and {self._profile.device} needs "
                f"the {TITLES[self._tool.flavour]}.",
                f"get it: {benchmark.DOWNLOADS[self._tool.flavour]}",
            )
        return flags

    def _help_line(self) -> str:
        tools = shlex.quote(self._tools)
        return f"cd {tools} && LD_LIBRARY_PATH={tools} timeout -k 5 30 ./{PROGRAM} --help"

    def _require(self, file: Path, artifact: Artifact) -> None:
        if artifact.format != "tflite":
            raise UsageError(
                f"{self._profile.device} runs .tflite files, and {file.name} is "
                f"{artifact.format}; nothing was measured.",
                "measure it with --device host-ort-cpu"
                if artifact.format == "onnx"
                else "Core ML files run on Apple devices; see: mnv4bench devices",
            )
        if not file.is_file():
            raise UsageError(
                f"there is no file {file} to measure.",
                "check the path, or export it again: mnv4bench export --help",
            )
        accelerator = INTEGER_ONLY.get(self._profile.accelerator)
        if accelerator and artifact.precision != "int8":
            raise UsageError(
                f"{accelerator} takes int8 graphs alone, and {file.name} is {artifact.precision}: "
                "it would run on the processor and look as if it had not. Nothing was pushed.",
                "export it in int8, or measure it with a profile of the phone's GPU or processor",
            )

    @staticmethod
    def _end_line(folder: str) -> str:
        """Ends a benchmark program that an earlier run left running, and no other process."""
        pid = shlex.quote(f"{folder}/{PID}")
        return (
            f"p=$(cat {pid} 2>/dev/null) && grep -q {shlex.quote(folder)} /proc/$p/cmdline "
            f"2>/dev/null && kill -9 $p; rm -f {pid}"
        )

    @staticmethod
    def _folder_line(folder: str) -> str:
        return f"mkdir -p {shlex.quote(folder)} && [ -w {shlex.quote(folder)} ]"

    def _require_folder(self, adb: Adb, folder: str) -> None:
        said = adb.shell(self._folder_line(folder))
        if said.status:
            words = (said.stderr or said.stdout).strip().splitlines()
            raise NotMeasured(
                f"{folder} on {self._identity.name} cannot be written"
                + (f": {words[-1][:200]}." if words else "."),
                "free some room there, or set remote_dir in the profile",
            )

    def _executable_line(self) -> str:
        return f"chmod 755 {shlex.quote(f'{self._tools}/{PROGRAM}')}"

    def _place(self) -> None:
        """The program and its libraries on the phone, checked; then its flags are asked."""
        benchmark.require_abi(self._tool, self._identity.abi)
        self._adb.shell(f"mkdir -p {shlex.quote(self._tools)}")
        for name, local in self._tool.files:
            pushing.push(self._adb, local, f"{self._tools}/{name}")
        self._adb.shell(self._executable_line())
        _ = self._flags
