"""Numbers to text: the only place that formats seconds, bytes, counts, ratios and percentages.

And back, for a time that a person typed.

Knows: SI prefixes and how many digits a precision deserves. Does not know: where a number comes
from. Text may hold ``±`` and ``×``; a terminal that cannot show them is the renderer's matter.
"""

from __future__ import annotations

import re
from math import ceil, floor, isfinite, log10

# Three digits tell two latencies one percent apart; more would claim what was not measured.
DEFAULT_DIGITS = 3
# An interval narrower than one part in 10,000 is below what any clock here can support.
MAX_DIGITS = 5
MIN_DIGITS = 3  # a wide interval stands beside the value; two digits would only look careless

_TIME = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
_SI = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))
_BYTES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
UNKNOWN = "unknown"


def seconds(value: float | None, half_width: float | None = None) -> str:
    """``0.00235`` -> ``"2.35 ms"``.

    With ``half_width`` (seconds) the last digit shown is the one where the uncertainty begins.
    """
    if value is None or not isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0 s"
    digits = _digits(value, half_width)
    unit, scale = _scale(abs(value), _TIME, digits)
    return f"{_significant(value / scale, digits)} {unit}"


def seconds_in_ms(value: float | None, half_width: float | None = None) -> str:
    """As ``seconds``, in milliseconds whatever it is: to stand beside a printed table's figure."""
    if value is None or not isfinite(value):
        return UNKNOWN
    return f"{_significant(value / 1e-3, _digits(value, half_width))} ms" if value else "0 ms"


def _digits(value: float, half_width: float | None) -> int:
    """How many of ``value``'s digits the uncertainty leaves."""
    if not half_width:
        return DEFAULT_DIGITS
    return min(MAX_DIGITS, max(MIN_DIGITS, _exponent(abs(value)) - _exponent(half_width) + 1))


def seconds_as_printed(value: float | None) -> str:
    """A published time with its digits, at least one decimal: ``0.005`` -> ``"5.0 ms"``.

    Tables print milliseconds, sub-millisecond times too.
    """
    if value is None or not isfinite(value):
        return UNKNOWN
    text = f"{value * 1e3:.{MAX_DIGITS}g}"
    return f"{text if '.' in text or 'e' in text else text + '.0'} ms"


def duration(text: str) -> float | None:
    """``"2.5ms"`` -> ``0.0025`` seconds; None for what is no time above 0 with its unit."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s?(s|ms|us|µs|ns)", text.strip())
    if found is None:
        return None
    value = float(found[1]) * dict(_TIME)[found[2].replace("us", "µs")]
    return value if value > 0 else None


def amount(text: str) -> float | None:
    """``"15.2MB"`` -> ``15_200_000``, ``"300M"`` -> ``300_000_000``; None for anything else."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s?([TGMk]?)B?", text.strip())
    if found is None:
        return None
    value = float(found[1]) * (dict(_SI)[found[2]] if found[2] else 1.0)
    return value if value > 0 else None


def plain(value: float) -> str:
    """An axis tick in the unit of its axis: ``0.5`` -> ``"0.5"``."""
    return f"{value:.6g}"


def milliseconds(value: float) -> str:
    """An axis tick: plain milliseconds without the unit, ``0.0005`` -> ``"0.5"``."""
    return f"{value * 1e3:.6g}"


def spread(value: float, low: float | None, high: float | None) -> str:
    """The wider side of an interval relative to its value: ``"±0.8 %"``, or ``"unknown"``."""
    if low is None or high is None or value <= 0:
        return UNKNOWN
    return f"±{percent(half_width(value, low, high) / value)}"


def half_width(value: float, low: float, high: float) -> float:
    """The wider side of ``low``..``high`` around ``value``, so that ``±`` never understates."""
    return max(value - low, high - value)


def percent(fraction: float | None) -> str:
    """``0.008`` -> ``"0.8 %"``: one decimal, two below 0.1 %."""
    if fraction is None or not isfinite(fraction):
        return UNKNOWN
    value = 100 * fraction
    if value == 0:
        return "0 %"
    if abs(value) < 0.01:
        return "<0.01 %"
    decimals = 2 if abs(value) < 0.095 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{decimals}f} %"


def at_most(fraction: float) -> str:
    """A bound, ``0.000625`` -> ``"0.063 %"``: two digits, rounded up, or it would be none."""
    value = 100 * fraction
    if value <= 0:
        return "0 %"
    decimals = 1 - floor(log10(value))
    # What a product of floats adds in its last digits is no reason to round up.
    digits = ceil(round(value * 10**decimals, 6))
    return f"{digits / 10**decimals:.{max(0, decimals)}f} %"


def ratio(value: float | None) -> str:
    """``1.2345`` -> ``"×1.23"``."""
    return UNKNOWN if value is None or not isfinite(value) else f"×{value:.2f}"


def quotient(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """``1.0812`` -> ``"1.081"``; with an interval ``"1.081 (1.050..1.112)"``."""
    if value is None or not isfinite(value):
        return UNKNOWN

    def digits(one: float) -> str:
        return f"{one:.3f}" if one < 10 else f"{one:.3g}"

    interval = "" if low is None or high is None else f" ({digits(low)}..{digits(high)})"
    return digits(value) + interval


def change(ratio: float) -> str:
    """A ratio as what it adds: ``1.081`` -> ``"+8.1 %"``, ``0.5`` -> ``"-50.0 %"``."""
    return f"{'+' if ratio >= 1 else '-'}{percent(abs(ratio - 1))}"


def certainty(p_value: float) -> str:
    """What a p-value leaves: ``0.00018`` -> ``"99.98 %"``; never the whole."""
    if p_value < 1e-5:
        return ">99.999 %"
    return f"{100 * (1 - p_value):.{2 if p_value >= 1e-4 else 3}f} %"


def top1(value: float | None) -> str:
    """Top-1 accuracy, already in percent: ``73.8`` -> ``"73.8 %"``."""
    return UNKNOWN if value is None else f"{value:.1f} %"


def top1_interval(low: float | None, high: float | None) -> str:
    """Both ends, already in percent: ``"72.7..73.5 %"``."""
    return UNKNOWN if low is None or high is None else f"{low:.1f}..{high:.1f} %"


def points(value: float) -> str:
    """A difference of two accuracies in percent, with its sign: ``-0.62`` -> ``"-0.6"``."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("-0.0", "+0.0") else text


def gap(value: float) -> str:
    """How far apart two accuracies are: ``4.31`` -> ``"4.3 points"``."""
    text = f"{value:.1f}" if value >= 0.095 or value == 0 else f"{value:.2g}"
    return f"{text} {'point' if text == '1.0' else 'points'}"


def share(value: float) -> str:
    """Of resamples, never certainty: ``0.623`` -> ``"62 %"``, ``1.0`` -> ``">99.9 %"``."""
    percents = 100 * value
    if percents < 0.1:
        return "<0.1 %"
    if percents > 99.9:
        return ">99.9 %"
    return f"{percents:.{0 if 0.995 <= percents < 99.5 else 1}f} %"


def area(value: float) -> str:
    """A hypervolume, which has no unit of its own: ``23.456`` -> ``"23.46"``."""
    return f"{value:.{2 if value < 99.995 else 1 if value < 999.95 else 0}f}"


def p_value(value: float) -> str:
    """``0.0314`` -> ``"p = 0.031"``; below 0.0001 only that it is."""
    return "p < 0.0001" if value < 1e-4 else f"p = {value:.2g}"


def size(value: int | None) -> str:
    """Bytes, decimal: ``15_200_000`` -> ``"15.2 MB"``."""
    if value is None:
        return UNKNOWN
    if value < 1000:
        return f"{value} B"
    unit, scale = _scale(value, _BYTES, DEFAULT_DIGITS)
    return f"{_significant(value / scale, DEFAULT_DIGITS)} {unit}"


def count(value: int | None) -> str:
    """A large count: ``3_774_024`` -> ``"3.77 M"``."""
    if value is None:
        return UNKNOWN
    if value < 1000:
        return str(value)
    unit, scale = _scale(value, _SI, DEFAULT_DIGITS)
    return f"{_significant(value / scale, DEFAULT_DIGITS)} {unit}"


def whole(value: int) -> str:
    """A count whose every digit counts: ``120465190`` -> ``"120,465,190"``."""
    return f"{value:,}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """``(1, "model")`` -> ``"1 model"``; ``(20000, "model")`` -> ``"20,000 models"``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def _exponent(value: float) -> int:
    return floor(log10(value))


def _scale(value: float, units: tuple[tuple[str, float], ...], digits: int) -> tuple[str, float]:
    """The largest unit in which ``value``, once rounded, is at least one."""
    for unit, scale in units:
        scaled = value / scale
        # Rounding is worth its time where it can make a one; a page of 20,000 asks 300,000 times.
        if scaled >= 1 or (scaled > 0.9 and float(f"{scaled:.{digits - 1}e}") >= 1):
            return unit, scale
    return units[-1]


def _significant(value: float, digits: int) -> str:
    """``digits`` significant digits, never in exponent form."""
    if value == 0:
        return "0"
    rounded = f"{value:.{digits - 1}e}"
    decimals = digits - 1 - int(rounded[rounded.index("e") + 1 :])
    return f"{value:.{decimals}f}" if decimals >= 0 else f"{float(rounded):.0f}"


def decibels(value: float | None) -> str:
    """``23.456`` -> ``"23.5 dB"``; None, which is no noise at all, ``"without end"``."""
    return "without end" if value is None else f"{value:.1f} dB"
