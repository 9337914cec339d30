"""What a Raspberry Pi's firmware says about its clocks: throttled, and why.

Knows: the bits of ``vcgencmd get_throttled`` (raspberrypi.com, documentation/computers/os.html,
"vcgencmd"), which the kernel shows too (drivers/firmware/raspberrypi.c, get_throttled). Does not
know: what follows. Pure; what is not such a number is None, never "fine".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# vcgencmd needs the group video; the kernel's file is anybody's to read.
LINE = (
    "vcgencmd get_throttled 2>/dev/null || "
    "cat /sys/devices/platform/soc*/soc*:firmware/get_throttled"
)
UNDER_VOLTAGE = "under-voltage"
# Bit -> what it means now; the same bit 16 higher: it has been so since the board was started.
_BITS = {0: UNDER_VOLTAGE, 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
_SINCE = 16


def flags(text: str) -> int | None:
    """The number in ``throttled=0x50005`` or in the kernel's ``50005``."""
    found = re.fullmatch(r"\s*(?:throttled=0x)?([0-9a-fA-F]{1,8})\s*", text)
    return int(found[1], 16) if found else None


def now(flags: int | None) -> tuple[str, ...] | None:
    """What holds the clocks down at this moment; None: the board does not say."""
    if flags is None:
        return None
    return tuple(word for bit, word in _BITS.items() if flags >> bit & 1)


def meanwhile(before: int | None, after: int | None) -> tuple[str, ...]:
    """What held them down at some time between two readings, as far as that can be told.

    What the firmware remembers of earlier times tells nothing new.
    """
    if after is None:
        return ()
    new = after & ~(before or 0) if before is not None else 0
    return tuple(
        word for bit, word in _BITS.items() if after >> bit & 1 or new >> (bit + _SINCE) & 1
    )


def taints(before: int | None, after: int | None) -> tuple[str, ...]:
    """The reason that makes what was measured between two readings unfit to compare."""
    said = meanwhile(before, after)
    return (f"the board's firmware held its clock down: {listed(said)}",) if said else ()


def listed(words: Sequence[str]) -> str:
    """``"under-voltage, throttled"``."""
    return ", ".join(words)
