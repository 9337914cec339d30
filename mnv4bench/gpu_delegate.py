"""LiteRT's GPU accelerator: where a driver may lie, what its native code says, how it is asked.

Without a GPU it works on a software Vulkan, which the processor plays: right answers, and a time
that is no GPU's.

Knows: ai_edge_litert 2.3's CompiledModel and the lines that it logs (2.3.0, Linux). Does not know:
what is concluded from them (inspection judges a file, devices a placement), processes, time.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SWIFTSHADER = tuple(
    Path(folder) / "vk_swiftshader_icd.json"
    for folder in (
        "/usr/lib/chromium",  # Debian: chromium-common
        "/usr/lib64/chromium-browser",  # Fedora
        "/opt/google/chrome",
    )
)
CHOSEN_BY_USER = ("VK_ICD_FILENAMES", "VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES")
INSTALL = (
    "libvulkan1 and a software driver such as SwiftShader, in Debian's chromium-common, make it "
    "possible"
)
# Dawn's adapterType for one on the processor is "CPU / Software"; the names are of the drivers that
# are known to be such, where another version calls its type otherwise.
SOFTWARE_KIND = re.compile(r"\b(cpu|software)\b", re.IGNORECASE)
SOFTWARE_NAMES = re.compile(
    r"swiftshader|llvmpipe|lavapipe|softpipe|basic render driver", re.IGNORECASE
)

_NO_ADAPTER = re.compile(r"No adapters found|Couldn't load Vulkan|No GPU accelerator")
_ADAPTER = re.compile(r"Selected adapter: (.+?), .*adapterType=([^\r\n]+)")
_ACCELERATOR = re.compile(r"RegisterAccelerator: .*name=GPU (\w+)")
_REFUSED = re.compile(
    r"Following operations are not supported by GPU delegate:\n(.*?)\n"
    r"((?:No|\d+) operations? will run on the GPU[^\n]*)",
    re.DOTALL,
)
_ERROR = re.compile(r"^ERROR: (?!Following operations)(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Adapter:
    """What WebGPU calls a GPU, or what plays one."""

    name: str
    kind: str  # "DiscreteGPU", "CPU / Software", ...
    line: str = ""  # of the log, from "Selected adapter" on

    @property
    def is_software(self) -> bool:
        """Whether the processor plays it."""
        return bool(SOFTWARE_KIND.search(self.kind) or SOFTWARE_NAMES.search(self.name))


def software_driver(variables: dict[str, str] | None = None) -> dict[str, str]:
    """What a process needs to find a software driver, where ``variables`` choose no drivers.

    Added to the system's drivers, so that a real GPU is found all the same.
    """
    chosen = os.environ if variables is None else variables
    if any(chosen.get(name) for name in CHOSEN_BY_USER):
        return {}
    found = next((driver for driver in SWIFTSHADER if driver.is_file()), None)
    return {"VK_ADD_DRIVER_FILES": str(found)} if found else {}


def adapter(log: str) -> Adapter | None:
    """The adapter that the accelerator says it took; None where it says nothing."""
    found = _ADAPTER.search(log)
    return Adapter(found[1].strip(), found[2].strip(), found[0].strip()) if found else None


def interface(log: str) -> str | None:
    """``"WebGPU"``: which of LiteRT's GPU accelerators was loaded."""
    found = _ACCELERATOR.search(log)
    return found[1] if found else None


def has_no_adapter(log: str) -> bool:
    """Whether it says that there is no GPU, nor anything that plays one."""
    return bool(_NO_ADAPTER.search(log))


def refusals(log: str) -> tuple[str, ...]:
    """Why operators are not taken, each sentence once, and how many would run where; empty: none.

    ``"RESHAPE: Tensor dimensions must be less than 5. (8 times)"``: without the tensors' names,
    which follow some of the sentences.
    """
    listed = _REFUSED.search(log)
    if listed is None:
        return ()
    said = (line.strip() for line in listed[1].splitlines() if line.strip())
    counts = Counter(re.sub(r"(?<=\.) \S+$", "", line) for line in said)
    alike = [one + (f" ({count} times)" if count > 1 else "") for one, count in counts.items()]
    return (*alike, listed[2].strip())


def errors(log: str) -> tuple[str, ...]:
    """Its other errors, in order."""
    return tuple(line.strip() for line in _ERROR.findall(log))


def compiled(file: Path) -> Any:
    """A CompiledModel of ``file``, on the GPU alone and in 32-bit arithmetic.

    With the processor allowed as well, operators fall back to it and nothing says so. Raises
    RuntimeError or ValueError when the file is not wholly taken; why stands in the log alone.
    """
    from ai_edge_litert.compiled_model import (
        CompiledModel,
        GpuOptions,
        HardwareAccelerator,
        Options,
    )

    options = Options(
        hardware_accelerators=HardwareAccelerator.GPU,
        gpu_options=GpuOptions(enforce_f32=True),
    )
    return CompiledModel.from_file(str(file), options=options)
