"""What coremltools' helper app needs before it can be built and put on a phone.

coremltools builds it with a shell line, in which its words stand as they are. So every word is
looked at before: a signing team by its shape, paths for what a shell would take another way.
Knows: the app, its folder, who signs it. Does not know: phones, or how it is spoken to (remote).
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

from mnv4bench import places
from mnv4bench.devices.apple.package import INSTALL
from mnv4bench.devices.host_runtimes import COREML
from mnv4bench.errors import NotMeasured
from mnv4bench.records import AppleTarget, Check

TEAM = "MNV4BENCH_APPLE_TEAM"
BUNDLE = "com.coremltools.modelrunnerd"  # coremltools' own, where a profile names none
SIGN_IN = (
    "sign in: Xcode, Settings, Accounts (a free Apple Account will do); its team's ten characters "
    f"stand there under the team's name; then: export {TEAM}=ABCDE12345, or development_team in "
    "the profile's [apple] table"
)
_TEAM = re.compile(r"[A-Z0-9]{10}\Z")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+@-]+\Z")


def project() -> Path | None:
    """Where coremltools keeps the app's Xcode project; None without coremltools."""
    found = importlib.util.find_spec(COREML.module)
    return Path(found.origin).parent / "modelrunner" if found and found.origin else None


def source() -> Path:
    """The app's Xcode project. Raises NotMeasured: only coremltools' wheel for macOS has it."""
    place = project()
    if place is None or not (place / "ModelRunner.xcworkspace").is_dir():
        raise NotMeasured(
            "coremltools' helper app for phones is not here: it is part of its wheel for macOS.",
            f"{INSTALL} (from PyPI, not built from source)",
        )
    return _plain(place, "coremltools lies in", "make the environment under a path without them")


def folder(target: AppleTarget) -> Path:
    """Where it is built, once for each coremltools and signer.

    Raises NotMeasured for a path of odd words, and without a signer.
    """
    signer = target.provisioning_profile or team(target)
    place = places.cache() / "apple" / f"helper-{COREML.version()}-{signer}-{bundle(target)}"
    return _plain(place, "it would be built in", "export MNV4BENCH_CACHE=/a/path/without/them")


def team(target: AppleTarget) -> str:
    """The signing team; empty where a provisioning profile is named. Raises NotMeasured."""
    if target.provisioning_profile:
        return ""
    named = target.development_team or os.environ.get(TEAM, "")
    if not named:
        raise NotMeasured("No signing team is named, and phones run signed apps alone.", SIGN_IN)
    if not _TEAM.match(named):
        raise NotMeasured(f"{TEAM} is not the ten characters of a team: {named[:40]!r}.", SIGN_IN)
    return named


def bundle(target: AppleTarget) -> str:
    """The app's identifier on the phone."""
    return target.bundle_identifier or BUNDLE


def checks(target: AppleTarget) -> tuple[Check, ...]:
    """The project, the folder and the team."""
    found: list[Check] = []
    for name, ask, said in (
        ("helper app", source, "its source is here"),
        ("signing", lambda: team(target), "signed by team {}"),
        ("build folder", lambda: folder(target), "built in {}"),
    ):
        try:
            answer = ask()
        except NotMeasured as error:
            check = Check(name=name, status="failed", found=error.what, fix=error.next_step)
            if name == "signing":  # which the folder is named after
                return (*found, check)
        else:
            told = said.format(answer) if answer else "signed by the profile's provisioning profile"
            check = Check(name=name, status="ok", found=told)
        found.append(check)
    return tuple(found)


def _plain(path: Path, how: str, fix: str) -> Path:
    if not _PLAIN_PATH.match(str(path)):
        raise NotMeasured(
            f"{how} {path}, and coremltools' shell line for xcodebuild falls apart at spaces and "
            "the like in it.",
            fix,
        )
    return path
