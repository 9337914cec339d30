"""Runs the program for tests: in this process where that is enough, else as a real one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mnv4bench import cli


class Ran(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "mnv4bench", *map(str, words)]


def run_process(*words: object, cwd: Path | None = None, **environment: str) -> Ran:
    """The program as a user starts it."""
    ran = subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        timeout=600,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


class Terminal:
    """``terminal(words)`` runs the program in this process and captures what it prints."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capture = patch, capture

    def __call__(self, *words: object) -> Ran:
        self._patch.setattr(sys, "argv", ["mnv4bench", *map(str, words)])
        self._capture.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        out, err = self._capture.readouterr()
        return Ran(status, out, err)
