"""A second Python environment in a second: links to the packages of the one that runs the tests.

It has the same versions, so it proves whose process did what, and no difference between versions.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path


def make(
    folder: Path, *, without: tuple[str, ...] = (), only: tuple[str, ...] | None = None
) -> Path:
    """The folder of the environment, with all packages but some, or with some alone.

    Names are beginnings, in small letters with underscores.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        name = entry.name.lower().removeprefix("_editable_impl_")
        if name.startswith(without) or (only is not None and not name.startswith(only)):
            continue
        (site_of(folder) / entry.name).symlink_to(entry)
    return folder


def site_of(folder: Path) -> Path:
    """Where its packages lie."""
    return folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def at_start(folder: Path, code: str) -> None:
    """Have its Python run ``code`` whenever it starts."""
    (site_of(folder) / "sitecustomize.py").write_text(code)


def told_by(program: Path, script: str) -> Path:
    """A program that is a shell script."""
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def writes_its_environment(folder: Path, log: Path) -> None:
    """Each start of its Python is a line of ``log``: what it runs, and a PYTHONPATH or "alone"."""
    at_start(
        folder,
        "import sys, os\n"
        "words = [*map(os.path.basename, sys.orig_argv), os.environ.get('PYTHONPATH', 'alone')]\n"
        f"open({os.fspath(log)!r}, 'a').write(' '.join(words) + '\\n')\n",
    )
