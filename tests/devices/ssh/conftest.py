"""A runner on the double that ssh calls ``board``."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mnv4bench.devices import Options
from mnv4bench.devices.ssh.runner import SshRunner
from tests.board.double import Board
from tests.devices.conftest import board_profile
from tests.phone import programs

MakeRunner = Callable[..., SshRunner]


@pytest.fixture
def make_runner(ssh_board: Board, tmp_path: Path) -> MakeRunner:
    """A runner of the board; ``changes`` are of the profile's ssh table."""

    def make(tool: str = "python", options: Options | None = None, **changes: object) -> SshRunner:
        if options is None:
            program = None if tool == "python" else programs.write_program(tmp_path / tool, tool)
            options = Options(benchmark_model=program)
        return SshRunner(board_profile(tool, **changes), options)

    return make
