"""Text from outside in Markdown: itself and nothing else.

Knows: what acts in GitHub-flavoured Markdown. Does not know: where the text stands.

**Names are hostile until shown otherwise.** A backslash does not end the meaning of every
character: a row of a table is split before backslashes are looked at, and GitHub links ``@names``
and addresses afterwards. A numeric reference does ("cannot be used in place of symbols indicating
structure", GitHub Flavored Markdown Spec 0.29, section 6.2), so names are written with those, in a
``<code>``, where GitHub's filters link nothing.
"""

from __future__ import annotations

import re

from mnv4bench.render.untrusted import visible

LONGEST_NAME = 200  # characters; a name is no place for an essay
LONGEST_SENTENCE = 600

# Everything of ASCII but what stands for itself anywhere in a line; "." makes a link behind "www"
# and ":" before "//" alone. The signs of our own numbers are no part of Markdown.
_ACTING = re.compile(r"(?<=www)\.|:(?=/)|[^\w\s.,:;/()%+'=µ±×-]|_", re.IGNORECASE | re.ASCII)
# In backticks these are themselves, in a table too, and can be read where nobody renders them.
_PLAIN = re.compile(r"[\w .,()=+-]+", re.ASCII)


def code(text: str) -> str:
    """A name, as itself and nothing else."""
    return f"<code>{_references(_short(visible(text), LONGEST_NAME))}</code>"


def sentence(text: str) -> str:
    """Words that may quote what a device or a file said."""
    inert = _references(_short(visible(text), LONGEST_SENTENCE))
    return inert.replace("&#64;", "<code>&#64;</code>")  # GitHub links @names, but not in code


def _references(text: str) -> str:
    return _ACTING.sub(lambda found: f"&#{ord(found[0])};", text)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def plain_code(text: str) -> str:
    """As ``code``, in backticks where nothing in ``text`` speaks against it; empty stays empty."""
    short = _short(text, LONGEST_NAME).strip()
    if not short:
        return ""
    return f"`{short}`" if _PLAIN.fullmatch(short) else code(text)
