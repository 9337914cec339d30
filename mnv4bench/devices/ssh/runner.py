"""A board as a device: who it is, what is put on it, and that it is left as it was.

Knows: one profile, the board that it means, and the two ways to measure there. Does not know: how
one invocation is read (python_session, program_session), nor the measuring policy.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Literal

from mnv4bench import __version__
from mnv4bench.devices import Options, pushing, shell_probe
from mnv4bench.devices.android.benchmark import PROGRAM, TITLES, Tool
from mnv4bench.devices.cores import mask, processors
from mnv4bench.devices.holding import hold, undisturbed
from mnv4bench.devices.kernel_text import CPUFREQ
from mnv4bench.devices.remote import sections
from mnv4bench.devices.ssh import (
    asked,
    board,
    checks,
    failures,
    leash,
    program,
    reaching,
    worker,
)
from mnv4bench.devices.ssh.connection import Ssh
from mnv4bench.devices.ssh.invocation import Place
from mnv4bench.devices.ssh.program_session import Program, ProgramSession
from mnv4bench.devices.ssh.python_session import Process, PythonSession
from mnv4bench.errors import BenchError, DeviceLost, NotMeasured, UsageError
from mnv4bench.records import (
    Artifact,
    Check,
    DeviceProfile,
    DeviceState,
    Environment,
    Timing,
)

# A network that only hiccuped is back within seconds.
GIVE_BACK_S = 10.0


class SshRunner:
    """One board profile made live. Keeps the Runner contract of ``mnv4bench.devices``."""

    def __init__(self, profile: DeviceProfile, options: Options) -> None:
        """Raises UsageError for a profile whose parts do not go together; asks no board yet."""
        self._profile = profile
        self._options = options
        self._target = asked.target_of(profile)
        self._runtime = asked.runtime_of(profile)
        if options.benchmark_model is not None and self._target.tool == "python":
            raise UsageError(
                f"{profile.device} measures with the board's Python, and --benchmark-model is "
                "another program.",
                'leave it out, or set tool = "litert" in [ssh] of a profile of your own '
                "(docs/boards.md)",
            )

    # --- what it is -----------------------------------------------------------------------------

    def availability(self) -> tuple[Literal["ready", "absent", "unusable"], str]:
        """Whether the board answers, and has what measures."""
        try:
            found = reaching.identity(self._ssh)
            reaching.require_fit(self._profile, found)
        except BenchError as error:
            return "absent", f"{error.what} {error.next_step}".strip()
        try:
            measures = self._measures()
        except BenchError as error:
            return "unusable", f"{error.what} {error.next_step}".strip()
        return "ready", f"{found.name} ({self._ssh.host}), {measures}"

    def checks(self) -> tuple[Check, ...]:
        """Everything that a run on this board needs."""
        return checks.every(self._profile, self._target, self._runtime, self._options)

    def unit(self) -> str:
        """The board itself, whatever it is called: model and digest."""
        return self._identity.this_one

    def environment(self) -> Environment:
        """The board and what measures on it. Raises NotMeasured without either, DeviceLost."""
        identity, cpus = self._identity, self._cpus
        python = self._python if self._target.tool == "python" else None
        tool = None if python else self._tool
        version = python.runtime_version(self._runtime) if python else None
        return Environment(
            machine=identity.model,
            cpu_model=identity.cpu,
            cpu_count=identity.cpu_count,
            architecture=identity.machine,
            memory_bytes=identity.memory_bytes,
            os_name=identity.system,
            os_version=identity.kernel,
            runtime_name=TITLES[tool.flavour] if tool else self._runtime.title,
            runtime_version=f"sha256 {tool.sha256[:12]}" if tool else version,
            runtime_sha256=tool.sha256 if tool else None,
            soc=identity.soc,
            unit=identity.unit,
            cores=f"{self._target.cores}: {', '.join(map(str, cpus))}" if cpus else None,
            python_version=python.version if python else None,
            tool_version=__version__,
        )

    def state(self) -> DeviceState:
        """Heat, clocks and load right now. Raises DeviceLost."""
        return board.state(self._ssh, self._identity, self._target.remote_dir)

    def probe(self) -> float | None:
        """The best of a few runs of a short loop in the board's shell, on the cores in use."""
        return shell_probe.fastest_s(self._ssh.shell(self._probe_line()).stdout)

    # --- holding it -----------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Iterator[None]:
        """The board for one run, with what measures on it."""
        self._identity = reaching.identity(self._ssh, anew=True)
        reaching.require_fit(self._profile, self._identity)
        with hold(self.unit()):
            self._require_folder()
            try:
                self._ssh.shell(leash.end_line(self._target.remote_dir))
                self._place()
                yield
            finally:
                self._give_back()

    def _give_back(self) -> None:
        """Leave the board as it was; a network that only hiccuped is waited for.

        What cannot be done now, the next run there does: it ends what is left before anything else.
        """
        folder = self._target.remote_dir
        lines = [leash.end_line(folder)]
        if not self._options.keep:
            lines.append(f"rm -rf {shlex.quote(folder)}")
        with undisturbed():
            deadline = time.monotonic() + GIVE_BACK_S
            while True:
                try:
                    self._ssh.shell("\n".join(lines), stoppable=False)
                    break
                except DeviceLost:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(1.0)
            self._ssh.close()

    def install(self, file: Path, artifact: Artifact) -> PythonSession | ProgramSession:
        """Put ``file`` on the board, which is held, where it is not there already.

        Raises UsageError for another format or an absent file; NotMeasured without room;
        DeviceLost.
        """
        files = asked.files(self._profile, self._target, file, artifact)
        folder = shlex.quote(str(Path(files[0][1]).parent))
        self._ssh.shell(f"mkdir -p {folder}")
        for local, remote in files:
            pushing.push(self._ssh, local, remote)
        return self._session(file, artifact, files[0][1])

    def commands(
        self,
        measured: Sequence[tuple[Path, Artifact]],
        timing: Timing,
        sustained: Timing | None = None,
    ) -> tuple[str, ...]:
        """A run of one round with these files, line by line, ready to paste.

        The real one puts a marker that nobody can foresee between the parts of its questions, and
        ends each process when the connection ends.
        """
        ssh, folder = self._ssh, self._target.remote_dir
        state = ssh.shell_line(sections({**board.STATE, "space": f"df -k {folder}"}, "mnv4bench"))
        probe = ssh.shell_line(self._probe_line())
        pushes, processes, windows = [], [], []
        for file, artifact in measured:
            files = asked.files(self._profile, self._target, file, artifact)
            session = self._session(file, artifact, files[0][1])
            parent = shlex.quote(str(Path(files[0][1]).parent))
            pushes += [f"# {file.name!r}", ssh.shell_line(f"mkdir -p {parent}")]
            pushes += chain.from_iterable(pushing.lines(ssh, *one) for one in files)
            processes += [f"# {file.name!r}", *session.lines(timing)]
            if sustained is not None:
                windows += [f"# {file.name!r} back to back: this again until its time is over"]
                windows += [state, *session.lines(sustained)]
        end = leash.end_line(folder)
        tidy = [] if self._options.keep else [ssh.shell_line(f"rm -rf {shlex.quote(folder)}")]
        return (
            "# who it is",
            ssh.shell_line(sections(board.IDENTITY, "mnv4bench")),
            "# its folder, and what an earlier run may have left running",
            ssh.shell_line(self._folder_line()),
            ssh.shell_line(end),
            "# what measures, sent where it is not there yet",
            *self._placing_lines(),
            *pushes,
            "# how it is: before all, as what it starts from, and whether it is cool",
            *(state, state, state),
            "# a round: how fast and how hot it is, each file in a process of its own, and again",
            *(probe, state),
            *processes,
            *(state, probe),
            *windows,
            "# how it is at the end, and as it was before",
            *(state, ssh.shell_line(end)),
            *tidy,
        )

    # --- parts ----------------------------------------------------------------------------------

    @cached_property
    def _ssh(self) -> Ssh:
        return Ssh(reaching.host_of(self._profile, self._target, self._options))

    @cached_property
    def _identity(self) -> board.Identity:
        found = reaching.identity(self._ssh)
        reaching.require_fit(self._profile, found)
        return found

    @cached_property
    def _python(self) -> worker.Python:
        return worker.find(self._ssh, self._target.python, self._runtime)

    @cached_property
    def _tool(self) -> Tool:
        found = program.find(self._profile, self._target, self._options.benchmark_model)
        program.require_machine(found, self._identity.machine)
        return found

    def _measures(self) -> str:
        """What measures, in words. Raises NotMeasured where it lacks something."""
        if self._target.tool != "python":
            return TITLES[self._tool.flavour]
        version = self._python.runtime_version(self._runtime)
        return f"{self._runtime.title} {version} in Python {self._python.version}"

    @cached_property
    def _cpus(self) -> tuple[int, ...]:
        identity = self._identity
        if "taskset" not in identity.tools:
            return ()
        return processors(identity.policies, self._target.cores, self._profile.threads)

    @property
    def _pin(self) -> tuple[str, ...]:
        """What keeps a process on its processors; nothing where it cannot be had."""
        return ("taskset", mask(self._cpus)) if self._cpus else ()

    @property
    def _where(self) -> Place:
        identity = self._identity
        last = self._cpus[-1] if self._cpus else None
        policy = next((one.cpus[0] for one in identity.policies if last in one.cpus), None)
        return Place(
            folder=self._target.remote_dir,
            pin=self._pin,
            policy=None if policy is None else f"{CPUFREQ}/policy{policy}",
            boot=identity.boot,
        )

    def _session(
        self, file: Path, artifact: Artifact, remote: str
    ) -> PythonSession | ProgramSession:
        if self._target.tool == "python":
            process = Process(self._python, self._worker, self._runtime)
            return PythonSession(
                self._profile,
                self._ssh,
                self._where,
                process,
                artifact,
                name=file.name,
                file=remote,
            )
        flags = self._flags if "_flags" in self.__dict__ else None
        return ProgramSession(
            program.as_phone(self._profile, self._target),
            self._ssh,
            self._where,
            Program(self._tools, flags),
            name=file.name,
            file=remote,
        )

    @property
    def _worker(self) -> str:
        return f"{self._target.remote_dir}/{worker.name()}"

    @property
    def _tools(self) -> str:
        return f"{self._target.remote_dir}/tools-{self._tool.digest[: asked.NAME_DIGITS]}"

    def _probe_line(self) -> str:
        return shell_probe.line(f"{shlex.join(self._pin)} " if self._pin else "")

    def _folder_line(self) -> str:
        """The folder, ours alone: in a shared /tmp somebody else could have made it first."""
        here = shlex.quote(self._target.remote_dir)
        return f"( umask 077; mkdir -p {here} ) && [ -O {here} ] && [ -w {here} ]"

    def _require_folder(self) -> None:
        said = self._ssh.shell(self._folder_line())
        if said.status:
            words = failures.last_words(said.stderr) or "it is somebody else's"
            raise NotMeasured(
                f"{self._target.remote_dir} on {self._ssh.called} cannot be used: {words}.",
                "free some room there, or set remote_dir in the profile to a folder of your own",
            )

    def _place(self) -> None:
        """What measures on the board, checked."""
        if self._target.tool == "python":
            _ = self._python
            pushing.push(self._ssh, worker.here(), self._worker)
            return
        self._ssh.shell(f"mkdir -p {shlex.quote(self._tools)}")
        pushing.push(self._ssh, self._tool.program, f"{self._tools}/{PROGRAM}")
        self._ssh.shell(program.executable_line(self._tools))
        _ = self._flags

    def _placing_lines(self) -> tuple[str, ...]:
        ssh = self._ssh
        if self._target.tool == "python":
            return pushing.lines(ssh, worker.here(), self._worker)
        return (
            ssh.shell_line(f"mkdir -p {shlex.quote(self._tools)}"),
            *pushing.lines(ssh, self._tool.program, f"{self._tools}/{PROGRAM}"),
            ssh.shell_line(program.executable_line(self._tools)),
            ssh.shell_line(program.help_line(self._tools)),
        )

    @cached_property
    def _flags(self) -> frozenset[str]:
        """What the program's own --help lists. Raises NotMeasured when it is the other program."""
        return program.flags(
            self._ssh, self._tool, self._tools, self._identity.machine, self._profile.device
        )
