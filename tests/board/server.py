"""The ssh server of a board's double: ``python -m tests.board.server FOLDER``.

Knows: logins by key, and commands in the host's shell, in which the board's own paths stand for the
board's folder. Does what sshd does when a client goes away: the command's input ends, and nothing
is killed. Does not know: what a board is (`double`). Prints its port, then serves until its input
ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from pathlib import Path

import asyncssh

from tests.phone.shell import OnPhone

# Where a board's files are its own; everything else is the host's.
BOARDS = re.compile(
    r"(?<![\w.\-/*?\]}])/(?=(?:sys|proc/device-tree|proc/cpuinfo|proc/sys/kernel/random|"
    r"etc/machine-id|home/pi|tmp/mnv4bench)(?:[/\-_.\s'\";)]|$))"
)


class Server(asyncssh.SSHServer):
    """Anybody may try, with a key."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return False


class Commands:
    """Runs what clients ask for."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self._root, self._environment = root, environment

    async def serve(self, client: asyncssh.SSHServerProcess) -> None:
        command = BOARDS.sub(lambda _: f"{self._root}/", client.command or "exec sh")
        ran = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._environment["HOME"],
            env=self._environment,
            start_new_session=True,
        )
        assert ran.stdin
        assert ran.stdout
        assert ran.stderr
        feeding = asyncio.create_task(_feed(client, ran.stdin))
        await asyncio.gather(
            _pump(ran.stdout, client.stdout, self._root),
            _pump(ran.stderr, client.stderr, self._root),
        )
        status = await ran.wait()
        feeding.cancel()
        with contextlib.suppress(Exception):
            client.exit(status if status >= 0 else 128 - status)


async def _feed(client: asyncssh.SSHServerProcess, pipe: asyncio.StreamWriter) -> None:
    with contextlib.suppress(Exception):  # the client went away, or the command ended
        while data := await client.stdin.read(65536):
            pipe.write(data)
            await pipe.drain()
    pipe.close()


async def _pump(pipe: asyncio.StreamReader, to: asyncssh.SSHWriter[bytes], root: Path) -> None:
    back, gone = OnPhone(root), False

    def send(data: bytes) -> None:
        nonlocal gone
        try:
            if data and not gone:
                to.write(data)
        except (OSError, asyncssh.Error):
            gone = True  # and the command's output goes nowhere

    while data := await pipe.read(65536):
        send(back.feed(data))
        if not gone:
            with contextlib.suppress(OSError, asyncssh.Error):
                await to.drain()
    send(back.rest())


async def main(folder: Path) -> None:
    facts = json.loads((folder / "server.json").read_text())
    commands = Commands(folder / "root", facts["environment"])
    listening = await asyncssh.create_server(
        Server,
        "127.0.0.1",
        facts["port"],
        server_host_keys=[folder / "host_key"],
        authorized_client_keys=str(folder / "authorized_keys"),
        process_factory=commands.serve,
        encoding=None,
    )
    print(listening.get_port(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
