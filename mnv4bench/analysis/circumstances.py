"""What must agree before latencies are compared: the chip, the software, how a file is run.

Knows: environments and profiles. Does not know: measurements or their figures.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

from msgspec.structs import replace

from mnv4bench.records import (
    CudaTarget,
    DeviceProfile,
    Environment,
    RuntimeName,
    must_match_facts,
)

# Of a SHA-256; 48 bits keep two environments of one store apart and still fit in a table.
DIGEST_DIGITS = 12

_RUNTIME_TITLES: dict[RuntimeName, str] = {
    "litert": "LiteRT",
    "onnxruntime": "ONNX Runtime",
    "coreml": "Core ML",
    "torch": "PyTorch",
}
# Of the profile: with another value of any of these, a latency means something else.
_PROFILE_KEYS = ("device", "runtime", "format", "precision", "accelerator", "threads")


def facts(environment: Environment, profile: DeviceProfile) -> dict[str, str | int | bool | None]:
    """What must agree before latencies are compared: that of which ``circumstances`` is a digest.

    Keys of the profile are called ``profile.<key>``.
    """
    found: dict[str, str | int | bool | None] = dict(must_match_facts(environment))
    return found | _profile_facts(profile)


@lru_cache(maxsize=1)
def _must_match_keys() -> tuple[str, ...]:
    return tuple(must_match_facts(Environment()))


def circumstances(environment: Environment, profile: DeviceProfile) -> tuple[str, str]:
    """(machine in words, digest of everything that must agree before latencies are compared)."""
    # How a phone is driven holds a dictionary, which nothing can be remembered by.
    return _circumstances(
        environment, replace(profile, android=None, emulated=None, ssh=None, apple=None)
    )


@lru_cache(maxsize=4096)
def _circumstances(environment: Environment, profile: DeviceProfile) -> tuple[str, str]:
    runtime = environment.runtime_name or _RUNTIME_TITLES[profile.runtime]
    if environment.runtime_version:
        runtime += f" {environment.runtime_version}"
    threads = "1 thread" if profile.threads == 1 else f"{profile.threads} threads"
    how = _on_cuda(profile.cuda) if profile.cuda else threads
    machine = ", ".join((_chip(environment, profile), runtime, how))
    facts = [(key, getattr(environment, key)) for key in _must_match_keys()]
    facts += _profile_facts(profile).items()
    digest = sha256("\n".join(f"{key}={value!r}" for key, value in facts).encode())
    return machine, digest.hexdigest()[:DIGEST_DIGITS]


def _profile_facts(profile: DeviceProfile) -> dict[str, str | int | bool | None]:
    found = {f"profile.{key}": getattr(profile, key) for key in _PROFILE_KEYS}
    return found | ({"profile.cuda": _on_cuda(profile.cuda)} if profile.cuda else {})


def _on_cuda(target: CudaTarget) -> str:
    """``"graph, fp16 arithmetic, channels last"``"""
    mode: str = target.mode
    if mode == "compile" and target.compile_mode != "default":
        mode += f" ({target.compile_mode})"
    last = ", channels last" if target.channels_last else ""
    return f"{mode}, {target.arithmetic} arithmetic{last}"


def _chip(environment: Environment, profile: DeviceProfile) -> str:
    """``"Google Pixel 8 (Tensor G3)"``, or a computer's processor."""
    if environment.soc and environment.machine:
        phone = re.sub(r" \([^()]*\)$", "", environment.machine)  # its code name
        return f"{phone} ({environment.soc})"
    if environment.gpu:
        return environment.gpu
    processor = environment.cpu_model if profile.accelerator == "cpu" else None
    return processor or environment.machine or profile.title
