"""What `pip install mnv4bench` alone brings: a folder with the base dependencies and nothing else.

Python started with -S sees only this folder, so whatever is missing from the base dependencies, or
should not be needed, is truly absent.
"""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from tests.command_line import Ran


def base_distributions() -> set[str]:
    """Names of everything that the base requirements pull in, mnv4bench itself left out."""
    found: set[str] = set()
    waiting = ["mnv4bench"]
    while waiting:
        for line in metadata.requires(waiting.pop()) or ():
            needed = Requirement(line)
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
            if needed.name not in found:
                found.add(needed.name)
                waiting.append(needed.name)
    return found


def lay_out(site: Path) -> None:
    """Link the base distributions into ``site``."""
    site.mkdir(exist_ok=True)
    for name in base_distributions():
        distribution = metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
        for top in tops - {"__pycache__"}:
            link = site / top
            if not link.exists():
                link.symlink_to(str(distribution.locate_file(top)))


def run(site: Path, *words: str, cwd: Path) -> Ran:
    """``mnv4bench`` in a Python that sees ``site`` alone."""
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "mnv4bench", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)
