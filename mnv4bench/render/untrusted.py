"""Text from a report, made safe to show: it may name things, never act.

Knows: which characters drive a terminal, reorder a line or break XML. Does not know: where the
text goes. Markup is the receiver's matter (rich ``Text``, XML escaping).
"""

from __future__ import annotations

from unicodedata import category

# Control, format (bidirectional overrides, zero width), surrogate, private and unassigned
# characters, and the two separators that end a line.
_ACTING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """``text`` with every acting character written out: ESC becomes ``\\x1b``."""
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
