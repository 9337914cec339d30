"""Text from a report, made safe to show: it may name things, never act.

Knows: which characters drive a terminal, reorder a line or break XML, and which words drive the
runner of GitHub, that reads commands from all that a step prints. Does not know: where the text
goes. Markup is the receiver's matter (rich ``Text``, XML escaping).

The runner takes ``::name`` at the beginning of a line and ``##[name]`` anywhere in it
(actions/runner, ``src/Runner.Common/ActionCommand.cs``). Where a table breaks its lines nobody
knows beforehand, so both are written out wherever they stand, of the commands that it registers
(``src/Runner.Worker/ActionCommandManager.cs``).
"""

from __future__ import annotations

import re
from unicodedata import category

# Control, format (bidirectional overrides, zero width), surrogate, private and unassigned
# characters, and the two separators that end a line.
_ACTING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_NAMES = (
    "add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|internal-set-repo-path|notice|"
    "remove-matcher|save-state|set-env|set-output|stop-commands|warning"
)
_COMMAND = re.compile(rf"(?:::|##\[)(?=(?:{_NAMES})\b)", re.IGNORECASE)


def visible(text: str) -> str:
    """``text`` with every acting character written out: ESC becomes ``\\x1b``.

    So is the first character of what GitHub's runner would obey: ``::error`` becomes
    ``\\x3a:error``.
    """
    text = _COMMAND.sub(_written_out, text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("ascii", "backslashreplace").decode("ascii")
        if category(character) in _ACTING and ord(character) > 0x7F
        else repr(character)[1:-1]
        if category(character) in _ACTING
        else character
        for character in text
    )


def _written_out(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0][0]):02x}{found[0][1:]}"
