"""qemu's user mode as a program: where it is, its version, and what is known to be wrong with it.

Knows: ``qemu-<architecture>`` on PATH. Does not know: what it is to run.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass

from mnv4bench.devices import process
from mnv4bench.errors import NotMeasured
from mnv4bench.records import EmulatedTarget

ASK_TIMEOUT_S = 20.0
# 7.2 is the first that executes AVX and AVX2 (its change log, "x86"), and has cortex-a76 (7.1).
OLDEST = (7, 2)
INSTALL = "apt-get install qemu-user (qemu-user-static takes no plugins)"


@dataclass(frozen=True, slots=True)
class Qemu:
    """One installed emulator."""

    path: str
    version: tuple[int, ...]
    banner: str  # its whole first line: a distribution's build is another program

    @property
    def release(self) -> str:
        """``"7.2"``: what counts have to agree in."""
        return ".".join(map(str, self.version[:2]))


def find(target: EmulatedTarget) -> Qemu:
    """The emulator for ``target``. Raises NotMeasured: absent, broken, too old, or wrong."""
    name = f"qemu-{target.architecture}"
    path = shutil.which(name)
    if path is None:
        static = shutil.which(f"{name}-static")
        beside = f" ({static} is there, and takes no plugins)" if static else ""
        raise NotMeasured(
            f"there is no {name} on PATH{beside}; it counts the instructions.", INSTALL
        )
    try:
        done = process.run((path, "--version"), timeout_s=ASK_TIMEOUT_S)
    except (OSError, process.TimedOut) as error:
        raise NotMeasured(f"{path} cannot be asked for its version: {error}.", INSTALL) from None
    banner = done.stdout.decode(errors="replace").partition("\n")[0].strip()
    said = re.search(r"version (\d+(?:\.\d+)+)", banner)
    if done.status or said is None:
        raise NotMeasured(f"{path} --version answers {banner!r}, no version of qemu.", INSTALL)
    found = Qemu(path, tuple(map(int, said[1].split("."))), banner)
    if found.version < OLDEST:
        raise NotMeasured(
            f"{path} is qemu {said[1]}; before {'.'.join(map(str, OLDEST))} it lacks instructions "
            "that the kernels use.",
            "install a newer qemu-user",
        )
    _refuse_wrong(found, target)
    return found


def _refuse_wrong(found: Qemu, target: EmulatedTarget) -> None:
    """Raises NotMeasured for a processor that this emulator is known to play wrongly.

    ``-cpu max`` of 7.2 gives wrong int8 results in LiteRT 2.3 with top-1 changed; with ``sme=off``
    or ``sve=off`` they are right (seen on 7.2.22). Nobody has shown a later version to be right.
    """
    model, *options = target.cpu.split(",")
    if (
        target.architecture == "aarch64"
        and model == "max"
        and not {"sme=off", "sve=off"} & set(options)
    ):
        raise NotMeasured(
            f"qemu {found.release} with -cpu {target.cpu} computes int8 networks wrongly (its "
            "SME), so what it counts is another network.",
            'name a processor in the profile: cpu = "cortex-a76", or add ",sme=off"',
        )
