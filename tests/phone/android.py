"""What makes the adb device an Android phone: a folder with a phone's files, tools and state.

Knows: its state (heat, battery, screen, space, accelerators), which tests set at any time or by
script; its faults; and a log of everything it was asked. Does not know: where its files lie
(`folder`), which phones there are (`handsets`), what its tools print (`toolbox`), nor the wire
(`protocol`).

A phone's folder::

    root/         what the phone sees as /; root/system/bin is the PATH of its shell
    state.json    its state, written here, read by the tools and by the benchmark's double
    told.json     what tools were told (fixed-performance mode, settings), written by the tools
    calls.jsonl   every call of a tool, in order
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.phone.folder import PhoneFolder
from tests.phone.protocol import FEATURES, Behaviour, Service, Socket, Stream
from tests.phone.shell import Shell
from tests.phone.sync import Sync


class Phone(PhoneFolder):
    """One phone on its own port of loopback.

    ``clusters`` are pairs of (CPUs, highest kHz), little first; ``zones`` maps the type of a
    thermal zone to degrees C; ``properties`` is what getprop shows.
    """

    behaviour: Behaviour = "ready"

    def __init__(
        self,
        folder: Path,
        properties: dict[str, str],
        clusters: list[tuple[list[int], int]],
        zones: dict[str, float],
        accelerators: dict[str, float],
    ) -> None:
        super().__init__(folder, clusters, zones)
        self._lock = threading.RLock()
        self.services: list[str] = []
        self.commands: list[str] = []
        self.refused: list[str] = []  # prefixes of services that are not served
        self.hanging: str | None = None  # a shell command in which this is found never ends
        self.shell_delay_s = 0.0
        self.cut_push_after: int | None = None  # bytes; the cable is pulled in the middle
        self._scripted: list[tuple[re.Pattern[str], int, bool, Callable[[], object]]] = []
        self._seen: dict[re.Pattern[str], int] = {}
        self._state: dict[str, Any] = {
            "properties": properties,
            "cpus": self.cpus,
            "thermal_status": 0,
            "temperatures": {"AP": (0, 31.0), "skin": (3, 29.5), "battery": (2, 25.0)},
            "battery": {"level": 80, "temperature_c": 25.0, "charging": False, "plugged": False},
            "screen": "Awake",
            "low_power": False,
            "fixed_performance_supported": True,
            "capacity_bytes": 64 * 10**9,
            "slowdown": 1.0,
            "uid": 2000,
            "nnapi": True,
            "counter": None,
            "accelerators": {},
            # What an inference on the processor is said to take; 0: what it takes on the host. For
            # tests of what follows from times, which another program on the host must not sway.
            "steady_us": 0.0,
        }
        for name, factor in accelerators.items():
            self.accelerator(name, factor=factor)
        self._shell = Shell(
            self.root,
            {
                "PATH": str(self.root / "system/bin"),
                "HOME": "/",
                "TMPDIR": str(self.root / "data/local/tmp"),
                "ANDROID_ROOT": "/system",
                "PHONE_FOLDER": str(self.folder),
            },
        )
        self._socket = Socket(self)
        self.serial = f"127.0.0.1:{self._socket.port}"

    # -- state ---------------------------------------------------------------------------------

    def _save(self) -> None:
        made = self.folder / "state.json.new"
        made.write_text(json.dumps(self._state))
        made.replace(self.folder / "state.json")

    def set(self, **facts: Any) -> None:
        """Change facts of the state, all at once."""
        with self._lock:
            unknown = facts.keys() - self._state.keys()
            assert not unknown, unknown
            self._state.update(facts)
            self._save()

    def get(self, fact: str) -> Any:
        """One fact of the state."""
        return self._state[fact]

    @property
    def thermal_status(self) -> int:
        """0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown."""
        return self._state["thermal_status"]

    @thermal_status.setter
    def thermal_status(self, status: int) -> None:
        self.set(thermal_status=status)

    @property
    def screen(self) -> str:
        """Awake, Asleep or Dozing."""
        return self._state["screen"]

    @screen.setter
    def screen(self, wakefulness: str) -> None:
        self.set(screen=wakefulness)

    @property
    def low_power(self) -> bool:
        """Battery saver."""
        return self._state["low_power"]

    @low_power.setter
    def low_power(self, on: bool) -> None:
        self.set(low_power=on)

    @property
    def free_bytes(self) -> int:
        """What is left on /data: a push beyond it fails, and df says so."""
        return max(0, self._state["capacity_bytes"] - self.used())

    @free_bytes.setter
    def free_bytes(self, count: int) -> None:
        self.set(capacity_bytes=count + self.used())

    @property
    def slowdown(self) -> float:
        """How many times slower the phone is than it was: its benchmarks take longer, and so does
        anything timed by its ``date``."""
        return self._state["slowdown"]

    @slowdown.setter
    def slowdown(self, factor: float) -> None:
        clock = self.folder / "clock"
        clock.unlink(missing_ok=True)
        if factor != 1.0:
            clock.write_text(f"{time.time_ns()} {factor}")
        self.set(slowdown=factor)

    @property
    def boot_id(self) -> str:
        """Another one after each start of the phone."""
        return self.read("/proc/sys/kernel/random/boot_id").strip()

    @property
    def fixed_performance(self) -> bool:
        """Whether the mode is on, as the phone was last told."""
        return bool(self._told().get("fixed_performance", False))

    @property
    def running_commands(self) -> int:
        """How many shell commands run on the phone now."""
        return self._shell.running

    @property
    def running_benchmarks(self) -> int:
        """How many doubles of a benchmark program run on the phone now."""
        return sum(_alive(int(mark.name)) for mark in (self.folder / "running").glob("*"))

    def _told(self) -> dict[str, Any]:
        file = self.folder / "told.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def battery(self, **facts: Any) -> None:
        """Change ``level`` (percent), ``temperature_c``, ``charging`` or ``plugged``."""
        with self._lock:
            battery = {**self._state["battery"], **facts}
            if "charging" in facts and "plugged" not in facts:
                battery["plugged"] = facts["charging"]
            temperatures = dict(self._state["temperatures"])
            temperatures["battery"] = (2, battery["temperature_c"])
            self.set(battery=battery, temperatures=temperatures)

    def sensor(self, name: str, degrees: float, kind: int = 3) -> None:
        """A sensor of dumpsys thermalservice; ``kind`` is mType (3 is skin, 0 the processor)."""
        self.set(temperatures={**self._state["temperatures"], name: (kind, degrees)})

    def accelerator(self, name: str, *, factor: float = 1.0, mode: str = "works") -> None:
        """Give the phone an accelerator, ``factor`` times as fast as the host's CPU.

        ``name`` is ``cpu``, ``gpu``, ``hexagon``, ``npu``, ``external`` or a driver of NNAPI such
        as ``google-edgetpu``. ``mode``: works; lies (says that it took the whole graph, and it ran
        on the CPU); partial; untouched (takes no node); refuses; segfault; hang; garbage (output
        that no parser knows); no-result-file; no-op-profile; garbled-op-profile; missing-library;
        fails (each inference).
        """
        table = {**self._state["accelerators"], name: {"factor": factor, "mode": mode}}
        self.set(accelerators=table)

    def no_accelerator(self, name: str) -> None:
        """Take an accelerator away."""
        table = dict(self._state["accelerators"])
        del table[name]
        self.set(accelerators=table)

    def expose_counter(self, name: str = "/sys/devices/platform/1a000000.rio/inference_count"):
        """Show the accelerator's counter of inferences: three fields, as on a rooted Pixel 8."""
        self.write(name, "0 0 0\n")
        self.set(counter=name)

    # -- scripts and faults --------------------------------------------------------------------

    def at(self, pattern: str, nth: int, action: Callable[[], object]) -> None:
        """Call ``action`` when the ``nth`` (from 1) shell command that ``pattern`` (a regular
        expression) is found in has begun: its process runs."""
        self._scripted.append((re.compile(pattern), nth, True, action))

    def after(self, pattern: str, nth: int, action: Callable[[], object]) -> None:
        """Call ``action`` when the ``nth`` such command has ended, before its exit status is
        sent."""
        self._scripted.append((re.compile(pattern), nth, False, action))

    def drop(self) -> None:
        """Pull the cable; a genuine adb server plugs it in again within a second."""
        self._socket.cut()

    def reboot(self) -> None:
        """Pull the cable, end what runs, forget what a start forgets, with another boot id."""
        self.drop()
        self._shell.kill()
        with self._lock:
            self.restart()
            (self.folder / "told.json").unlink(missing_ok=True)

    def unauthorized(self) -> None:
        """The owner has not pressed "Allow" yet; what is connected is cut off."""
        self.behaviour = "unauthorized"
        self.drop()

    def offline(self) -> None:
        """Connected, and not answering."""
        self.behaviour = "offline"
        self.drop()

    def ready(self) -> None:
        """Well again."""
        self.behaviour = "ready"
        self.drop()

    def close(self) -> None:
        """Switch the phone off."""
        self._socket.close()
        self._shell.kill()

    # -- what adb asks -------------------------------------------------------------------------

    def banner(self) -> bytes:
        """What adb shows in ``devices -l``."""
        shown = "".join(
            f"{name}={self._state['properties'].get(name, '')};"
            for name in ("ro.product.name", "ro.product.model", "ro.product.device")
        )
        return f"device::{shown}features={FEATURES}".encode()

    def calls(self, tool: str) -> list[list[str]]:
        """The arguments of each call of one of the phone's own tools, in order."""
        file = self.folder / "calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [call["arguments"] for line in lines if (call := json.loads(line))["tool"] == tool]

    def service(self, name: str) -> Service | None:
        """Who serves ``name``."""
        self.services.append(name)
        if any(name.startswith(prefix) for prefix in self.refused):
            return None
        kind, _, rest = name.partition(":")
        match kind.split(",")[0]:
            case "sync":
                return self._sync
            case "shell":
                return lambda stream: self._command(stream, rest, newer="v2" in kind)
            case "exec":
                return lambda stream: self._command(stream, rest, newer=False)
            case "reboot":
                return lambda stream: self.reboot()
            case "root":
                return self._become_root
        return None

    def _become_root(self, stream: Stream) -> None:
        if self._state["properties"].get("ro.build.type") == "userdebug":
            self.set(uid=0)
            stream.write(b"restarting adbd as root\n")
            self.drop()  # the client waits until the phone went and came back
        else:
            stream.write(b"adbd cannot run as root in production builds\n")

    def _sync(self, stream: Stream) -> None:
        Sync(stream, self.path, lambda: self.free_bytes, self.cut_push_after, self.drop).serve()

    def _command(self, stream: Stream, command: str, *, newer: bool) -> None:
        with self._lock:
            self.commands.append(command)
            self.tick()
            begun, ended = [], []
            for pattern in {pattern for pattern, *_ in self._scripted}:
                if pattern.search(command):
                    self._seen[pattern] = self._seen.get(pattern, 0) + 1
            for pattern, nth, first, action in self._scripted:
                if pattern.search(command) and self._seen[pattern] == nth:
                    (begun if first else ended).append(action)
        time.sleep(self.shell_delay_s)
        if self.hanging is not None and self.hanging in command:
            while True:  # until the client has enough
                stream.read()

        def run(actions: list[Callable[[], object]]) -> None:
            for action in actions:
                action()

        over = threading.Event()
        threading.Thread(target=self._tick_until, args=(over,), daemon=True).start()
        try:
            self._shell.run(
                stream,
                command,
                newer=newer,
                started=lambda: run(begun),
                ended=lambda: run(ended),
            )
        finally:
            over.set()

    def _tick_until(self, over: threading.Event) -> None:
        while not over.wait(0.05):
            self.tick()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
