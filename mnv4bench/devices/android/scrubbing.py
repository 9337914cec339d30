"""What must not leave a phone: its numbers, its owner's accounts, addresses of its radios.

Knows: where a phone keeps its serial numbers and how addresses look. Does not know: which outputs
are collected or where they go.
"""

import re
from collections.abc import Callable, Iterable

# Properties that hold a number of this one phone. They are read to be struck out, never kept.
# The last four are Samsung's.
SERIAL_PROPERTIES = (
    "ro.serialno",
    "ro.boot.serialno",
    "ril.serialnumber",
    "ro.boot.ap_serial",
    "ro.boot.em.did",
    "vendor.boot.em.did",
)
# A shorter one would strike out ordinary words and readings; serial numbers are longer.
_SHORTEST = 6
_NO_SERIAL = {"unknown", "0123456789", "0123456789ABCDEF"}
# A property or line that is nobody's business, should a filter on the phone have let it by.
_PRIVATE_LINE = r"(?im)^.*(?:\bpersist\.|serialno|serial ?number|imei|ssid|accounts?\b).*$"
_PATTERNS = (
    (re.compile(_PRIVATE_LINE), "<line left out>"),
    (re.compile(r"(?i)\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b"), "<address>"),
    # Begins where a word does: otherwise a megabyte of letters takes for ever.
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]*\w"), "<account>"),
    (re.compile(r"(?<![\d.])\d{15}(?!\d|\.\d)"), "<number>"),  # an IMEI
)


def serials(read_property: Callable[[str], str], known: Iterable[str] = ()) -> tuple[str, ...]:
    """Everything that names this phone alone, the longest first: what ``scrub`` strikes out.

    ``read_property`` asks the phone; ``known`` is what adb calls it, whose host part counts too
    (a phone on the network is called ADDRESS:PORT).
    """
    found = {read_property(name).strip() for name in SERIAL_PROPERTIES}
    for name in known:
        found |= {name, name.partition(":")[0]}
    usable = {each for each in found if len(each) >= _SHORTEST and each not in _NO_SERIAL}
    return tuple(sorted(usable, key=lambda each: (-len(each), each)))


def scrub(text: str, secrets: tuple[str, ...]) -> str:
    """``text`` without ``secrets`` (whatever their case) and without what looks personal."""
    for secret in secrets:
        text = re.sub(re.escape(secret), "<serial>", text, flags=re.IGNORECASE)
    for pattern, stand_in in _PATTERNS:
        text = pattern.sub(stand_in, text)
    return text


def holds(data: bytes, secrets: tuple[str, ...]) -> bool:
    """Whether ``data``, which cannot be edited since it is no text, would give the phone away."""
    return any(secret.encode().lower() in data.lower() for secret in secrets)
