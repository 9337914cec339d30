"""Numbers as text."""

import pytest

from mnv4bench import units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (float("nan"), "unknown"),
        (float("inf"), "unknown"),
        (0.0, "0 s"),
        (0.00235, "2.35 ms"),
        (0.0120, "12.0 ms"),
        (0.123, "123 ms"),
        (1.234, "1.23 s"),
        (0.000452, "452 µs"),
        (0.0009996, "1.00 ms"),  # rounding carries into the next unit
        (0.99999, "1.00 s"),
        (3.2e-9, "3.20 ns"),
    ],
)
def test_seconds(value: float | None, text: str) -> None:
    assert units.seconds(value) == text


@pytest.mark.parametrize(
    ("half_width", "text"),
    [
        (0.0000188, "2.35 ms"),  # 0.8 %
        (0.0000008, "2.3512 ms"),
        (0.000002, "2.351 ms"),
        (0.001, "2.35 ms"),  # however wide, three digits
        (1e-12, "2.3512 ms"),  # however narrow, five
    ],
)
def test_seconds_end_where_the_uncertainty_begins(half_width: float, text: str) -> None:
    assert units.seconds(0.0023512, half_width) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (0.0024, "2.4 ms"),
        (0.0007, "0.7 ms"),
        (0.00045, "0.45 ms"),
        (0.009, "9.0 ms"),
        (0.2413, "241.3 ms"),
    ],
)
def test_published_times_keep_their_digits(value: float | None, text: str) -> None:
    assert units.seconds_as_printed(value) == text


@pytest.mark.parametrize(
    ("value", "printed_to", "text"),
    [
        (0.005, 1e-3, "5 ms"),
        (0.005, 1e-4, "5.0 ms"),
        (0.0024, 1e-5, "2.40 ms"),
        (0.0061 - 0.0024, 1e-4, "3.7 ms"),
        (1e-4, 1e-6, "0.100 ms"),
        (0.012, 1e-2, "12 ms"),
        (0.005, None, "5.0 ms"),
    ],
)
def test_published_times_have_the_digits_that_were_printed(
    value: float, printed_to: float | None, text: str
) -> None:
    assert units.seconds_as_printed(value, printed_to) == text


@pytest.mark.parametrize(
    ("value", "half_width", "text"),
    [
        (None, None, "unknown"),
        (0.0, None, "0 ms"),
        (0.000738, 0.00002, "0.738 ms"),
        (0.0023512, 0.000002, "2.351 ms"),
        (1.5, None, "1500 ms"),
    ],
)
def test_milliseconds_beside_a_printed_table(
    value: float | None, half_width: float | None, text: str
) -> None:
    assert units.seconds_in_ms(value, half_width) == text


def test_an_interval_shows_its_wider_side() -> None:
    assert units.spread(0.100, 0.099, 0.103) == "±3.0 %"
    assert units.spread(0.1, None, None) == "unknown"


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (None, "unknown"),
        (0.0, "0 %"),
        (0.008, "0.8 %"),
        (0.0004, "0.04 %"),
        (0.00001, "<0.01 %"),
        (0.0123, "1.2 %"),
        (0.96875, "96.9 %"),
        (1.0, "100 %"),
    ],
)
def test_percent(fraction: float | None, text: str) -> None:
    assert units.percent(fraction) == text


def test_counts_bytes_and_the_rest() -> None:
    assert units.count(3_774_024) == "3.77 M"
    assert units.count(999_999) == "1.00 M"
    assert units.count(999) == "999"
    assert units.count(None) == "unknown"
    assert units.size(15_200_000) == "15.2 MB"
    assert units.size(12) == "12 B"
    assert units.top1(73.8) == "73.8 %"
    assert units.top1(None) == "unknown"
    assert units.milliseconds(0.0005) == "0.5"
    assert units.decibels(23.456) == "23.5 dB"
    assert units.decibels(None) == "without end"
    assert units.plural(1, "model") == "1 model"
    assert units.plural(20_000, "measurement") == "20,000 measurements"
    assert units.plural(2, "family", "families") == "2 families"


def test_accuracies_and_their_differences() -> None:
    assert units.top1_interval(72.66, 73.5) == "72.7..73.5 %"
    assert units.top1_interval(None, 73.5) == "unknown"
    assert [units.points(value) for value in (-0.62, 1.0, 0.04, -0.04)] == [
        "-0.6",
        "+1.0",
        "0.0",
        "0.0",
    ]
    assert [units.p_value(value) for value in (1.0, 0.0314, 9e-5, 0.0)] == [
        "p = 1",
        "p = 0.031",
        "p < 0.0001",
        "p < 0.0001",
    ]


def test_a_ratio_has_two_decimals() -> None:
    assert units.ratio(1.2345) == "×1.23"
    assert units.ratio(None) == units.UNKNOWN


@pytest.mark.parametrize(
    ("text", "value"),
    [("15.2MB", 15.2e6), ("300M", 3e8), ("1 GB", 1e9), ("512", 512.0), ("2kB", 2000.0),
     ("0MB", None), ("-1MB", None), ("5ms", None), ("MB", None), ("", None), ("nan", None)],
)  # fmt: skip
def test_amount(text: str, value: float | None) -> None:
    found = units.amount(text)
    assert found is None if value is None else found == pytest.approx(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(4.31, "4.3 points"), (1.0, "1.0 point"), (0.04, "0.04 points"), (0.0, "0.0 points")],
)
def test_gap(value: float, text: str) -> None:
    assert units.gap(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "<0.1 %"), (0.0009, "<0.1 %"), (0.001, "0.1 %"), (0.0099, "1.0 %"), (0.01, "1 %"),
     (0.623, "62 %"), (0.994, "99 %"), (0.996, "99.6 %"), (0.9995, ">99.9 %"), (1.0, ">99.9 %")],
)  # fmt: skip
def test_a_share_is_never_certainty(value: float, text: str) -> None:
    assert units.share(value) == text


def test_area_and_plain() -> None:
    assert [units.area(value) for value in (0, 23.456, 99.996, 123.4, 1234.5)] == [
        "0.00", "23.46", "100.0", "123.4", "1234",
    ]  # fmt: skip
    assert [units.plain(value) for value in (0.5, 20.0, 1.5)] == ["0.5", "20", "1.5"]


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.000625, "0.063 %"), (0.00125, "0.13 %"), (0.025, "2.5 %"), (0.5, "50 %"), (0.0, "0 %")],
)
def test_a_bound_is_never_rounded_down(fraction: float, text: str) -> None:
    assert units.at_most(fraction) == text


def test_published_figures_keep_their_digits_and_changes_their_wider_side() -> None:
    assert [units.as_printed(value) for value in (6.0, 30.9, 84.88, 1.285)] == [
        "6.0",
        "30.9",
        "84.88",
        "1.285",
    ]
    assert units.points_within(-0.458, -0.48, -0.419) == "±3.9"
