"""A program on the board that cannot outlive its run.

Knows: the shell script that starts it under ``timeout -k``, watches the connection, and writes its
process id down; and the line that ends what an earlier run left. Does not know: the program.

Killing ssh, a lost connection or a host that crashes leaves a remote program running, handed to
init, where it would disturb every later measurement. But it ends the script's input. So a second
shell waits in ``read`` for that, asleep, and then ends the program.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from mnv4bench.devices.ssh.connection import KILL_AFTER_S

# Of one that timeout ended: its own status, and where it becomes the program (BusyBox), SIGTERM's.
HUNG = frozenset({124, 128 + 15})


def script(
    words: Sequence[str],
    *,
    limit_s: float,
    pid: str,
    request: str | None = None,
    out: str | None = None,
    err: str | None = None,
    watched: bool = True,
) -> str:
    """Runs ``words`` for at most ``limit_s``; leaves its status in ``$status``.

    ``pid``: the file for its process id. ``request``: its input; none without. ``out`` and
    ``err``: files for its streams; else they go where the script's go. ``watched=False``: as a
    person pastes it, where the input says nothing of the connection.
    """
    given = f"printf %s {shlex.quote(request)} | " if request is not None else ""
    streams = "" if request is not None else " </dev/null"
    streams += f" >{shlex.quote(out)}" if out else ""
    streams += f" 2>{shlex.quote(err)}" if err else ""
    # The id that is written is the program's own: sh becomes it.
    starter = shlex.join(("sh", "-c", 'echo $$ >"$0"; exec "$@"', pid, *words))
    program = f"{given}timeout -k {KILL_AFTER_S} {limit_s:.0f} {starter}{streams}"
    if not watched:
        return f"{program}; status=$?\nrm -f {shlex.quote(pid)}"
    return "\n".join(
        (
            "exec 3<&0",
            f"{program} 3<&- &",
            "child=$!",
            "( while read -r line; do :; done",
            f"kill $child; kill -9 $(cat {shlex.quote(pid)}) ) <&3 >/dev/null 2>&1 &",
            "watch=$!",
            "exec 3<&-",
            "wait $child; status=$?",
            "kill $watch 2>/dev/null",
            f"rm -f {shlex.quote(pid)}",
        )
    )


def end_line(folder: str) -> str:
    """Ends the programs that earlier runs left running, and no other process."""
    here = shlex.quote(folder)
    return (
        f'for f in {here}/*.pid; do p=$(cat "$f" 2>/dev/null) && '
        f"grep -qF {here} /proc/$p/cmdline 2>/dev/null && kill -9 $p 2>/dev/null && echo ended $p; "
        'rm -f "$f"; done'
    )
