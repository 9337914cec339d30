"""Why ssh could not, in its own words: read, and turned into a sentence with the next step.

Knows: what OpenSSH's client prints (ssh.c, sshconnect.c, sshconnect2.c, clientloop.c, mux.c and
packet.c of portable OpenSSH 7.6 to 10). Does not know: how it was run.
"""

from __future__ import annotations

import re
import shlex

from mnv4bench.errors import DeviceLost

INSTALL = "install OpenSSH's client: apt install openssh-client (macOS and Windows have it)"
SHOWN_CHARACTERS = 200

# How it went away after it had answered.
_WENT = re.compile(
    r"closed by remote host|Connection (?:closed|reset)|Broken pipe|not responding"
    r"|kex_exchange_identification|read from master failed|disconnect|Read from remote host",
    re.IGNORECASE,
)
_ASLEEP = re.compile(
    r"timed out|No route to host|Network is unreachable|Host is down|Host is unreachable",
    re.IGNORECASE,
)


def lost(host: str, said: str, *, began: bool = False) -> DeviceLost:
    """The failure of a call of ssh to ``host`` that ended with its own status 255.

    ``began``: after its command had begun there, whose words are among what was ``said``.
    """
    by_hand = shlex.join(("ssh", host))
    if began:
        said = "\n".join(line for line in said.splitlines() if _WENT.search(line))
    last = last_words(said)
    if "IDENTIFICATION HAS CHANGED" in said or re.search(r"Host key for .* has changed", said):
        key = re.search(r"SHA256:[A-Za-z0-9+/=]+", said)
        forget = re.search(r"^\s*(ssh-keygen .*-R .*)$", said, re.MULTILINE)
        command = forget[1].strip() if forget else f"ssh-keygen -R {shlex.quote(host)}"
        return DeviceLost(
            f"the host key of {host} has changed"
            + (f" (it now shows {key[0]})" if key else "")
            + ": it was set up anew, or another machine answers in its place.",
            f"if you know why: {command}; then once {by_hand}, and compare the key that it shows",
        )
    if "host key is known" in said or "Host key verification failed" in said:
        return DeviceLost(
            f"{host} is not in known_hosts yet, and whether its key is right is yours to say: "
            f"{last}.",
            f"once, by hand: {by_hand}, compare the key that it shows, and say yes",
        )
    if refused := re.search(r"Permission denied(?: \(([^)]*)\))?|Too many authentication", said):
        takes = f" (it takes {refused[1]})" if refused[1] else ""
        return DeviceLost(
            f"{host} refused every key that ssh offered{takes}: {last}.",
            f"ssh-copy-id {shlex.quote(host)}, or ssh-add your key; {by_hand} must log in without "
            "a question",
        )
    if "Could not resolve hostname" in said:
        return DeviceLost(
            f"there is no host called {host}: {last}.",
            "give its address (--host user@192.168.1.20), or a Host of ~/.ssh/config",
        )
    if "Connection refused" in said:
        return DeviceLost(
            f"{host} is there, and no ssh server answers on it: {last}.",
            "on the board: sudo systemctl enable --now ssh; its port belongs into ~/.ssh/config",
        )
    if re.search(r"Bad configuration option|Bad owner or permissions|bad configuration", said):
        return DeviceLost(f"ssh refuses your configuration: {last}.", f"mend it; then {by_hand}")
    if _ASLEEP.search(said) and "Read from" not in said:
        return DeviceLost(
            f"{host} does not answer: {last}.",
            f"wake it or switch it on, and see that it is in the same network: {by_hand}",
        )
    # Over a kept connection the client that is cut off has nothing to say.
    if not last or _WENT.search(said):
        return DeviceLost(
            f"the connection to {host} was lost" + (f": {last}." if last else "."),
            f"see that it is on and has its power ({by_hand}); then: mnv4bench run --resume",
        )
    return DeviceLost(
        f"ssh could not reach {host}: {last}.",
        f"see what it says: {shlex.join(('ssh', '-v', host))}",
    )


def last_words(said: str) -> str:
    """The last line that says something, short, without its full stop."""
    lines = [line.strip(" @\t") for line in said.splitlines()]
    # "Connection to X closed." and what the multiplexing says stand behind the reason.
    telling = [
        line
        for line in lines
        if line and not line.startswith(("mux_client", "Shared connection", "client_loop"))
    ]
    rest = telling or [line for line in lines if line]
    return rest[-1][:SHOWN_CHARACTERS].rstrip(".") if rest else ""
