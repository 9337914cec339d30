"""What was measured beside what was published: types only."""

from __future__ import annotations

from msgspec import Struct

from mnv4bench.records import Precision


class PublishedSource(Struct, frozen=True, kw_only=True):
    """One published table, as it was read."""

    source: str  # the file, or "paper"
    citation: str
    url: str
    cells: int
    devices: tuple[str, ...]
    unknown_models: tuple[str, ...] = ()  # that the catalog does not have; drawn all the same
    unknown_devices: tuple[str, ...] = ()  # that no profile has, so none can be measured
    devices_not_measured: tuple[str, ...] = ()  # so nothing stands beside their rows


class Beside(Struct, frozen=True, kw_only=True):
    """One measurement beside the published figure of the same device, model, precision and size.

    ``ratio`` is measured over published: 1.04 is 4 % slower than published.
    ``ratio_low``..``ratio_high`` carries the measured interval, at its ``confidence``, and the
    rounding of the printed figure: the lower end over the most that may have been rounded to it,
    and the upper end over the least. None where a single invocation has no interval.
    """

    device: str
    machine: str
    model: str
    precision: Precision
    input_px: int
    report: str
    latency_s: float
    low_s: float | None
    high_s: float | None
    confidence: float
    published_s: float
    published_runtime: str  # in the table's words; empty where it says none
    citation: str
    ratio: float
    ratio_low: float | None
    ratio_high: float | None


class Unmatched(Struct, frozen=True, kw_only=True):
    """A figure of a measured device that stands beside nothing, with the reason."""

    device: str
    model: str
    precision: Precision
    input_px: int | None
    citation: str
    reason: str


class SideBySide(Struct, frozen=True, kw_only=True):
    """Measured beside published, device by device."""

    sources: tuple[PublishedSource, ...]
    rows: tuple[Beside, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()
