"""Intervals and McNemar's test against brute force and published values."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mnv4bench.analysis import accuracy
from mnv4bench.records import UNREADABLE
from tests.sample_reports import artifact, evaluation


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe 1998, Stat. Med. 17, 857, table I, method 3."""
    for right, count, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        found = accuracy.wilson(right, count)
        assert found == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("count", [10, 50, 240])
def test_wilsons_interval_covers_what_it_promises_on_average(count: int) -> None:
    shares = [step / 200 for step in range(1, 200)]
    covered = []
    for share in shares:
        total = 0.0
        for right in range(count + 1):
            low, high = accuracy.wilson(right, count)
            if low <= share <= high:
                total += comb(count, right) * share**right * (1 - share) ** (count - right)
        covered.append(total)
    assert sum(covered) / len(covered) == pytest.approx(0.95, abs=0.006)
    assert min(covered) > 0.83


@given(st.integers(1, 60_000), st.data())
def test_wilsons_interval_holds_the_share(count: int, data) -> None:
    right = data.draw(st.integers(0, count))
    low, high = accuracy.wilson(right, count)
    assert 0 <= low <= right / count <= high <= 1


def test_the_paired_interval_is_its_formula() -> None:
    """By its formula, on 21 pairs of which 1 and 7 disagree."""
    first, second = (1 + 1) / 23, (7 + 1) / 23  # only_first 1, only_second 7 of 21 pairs
    reach = 1.959964 * ((first + second - (second - first) ** 2) / 23) ** 0.5
    assert accuracy.paired_interval(1, 7, 21) == pytest.approx(
        (second - first - reach, second - first + reach), abs=1e-6
    )
    assert accuracy.paired_interval(0, 21, 21)[1] <= 1


@pytest.mark.parametrize(("p10", "p01"), [(0.02, 0.02), (0.05, 0.01), (0.2, 0.1)])
def test_the_paired_interval_covers_what_it_promises(p10: float, p01: float) -> None:
    count, covered = 60, 0.0
    for b in range(count + 1):
        for c in range(count + 1 - b):
            low, high = accuracy.paired_interval(b, c, count)
            if low <= p01 - p10 <= high:
                ways = comb(count, b) * comb(count - b, c)
                covered += ways * p10**b * p01**c * (1 - p10 - p01) ** (count - b - c)
    assert covered > 0.94


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_twice_the_binomial_tail(b: int, c: int) -> None:
    tail = sum(Fraction(comb(b + c, k), 2 ** (b + c)) for k in range(min(b, c) + 1))
    assert accuracy.mcnemar(b, c) == pytest.approx(float(min(1, 2 * tail)))


def test_mcnemar_of_a_whole_data_set_is_reckoned() -> None:
    assert accuracy.mcnemar(0, 0) == 1.0
    assert accuracy.mcnemar(1200, 1400) == pytest.approx(9.4e-5, rel=0.1)
    assert accuracy.mcnemar(0, 50_000) == 0.0  # too small for a float


def test_an_evaluation_in_figures() -> None:
    found = accuracy.summarise(evaluation(0, 0, 3, 4, 5, 900, UNREADABLE), "e.json")
    assert (found.images, len(found.unreadable)) == (6, 1)
    assert found.top1 == pytest.approx(100 * 2 / 6)
    assert found.top5 == pytest.approx(100 * 4 / 6)
    assert (found.top1_low, found.top1_high) == pytest.approx(
        tuple(100 * end for end in accuracy.wilson(2, 6))
    )
    assert found.runtime == "ai-edge-litert 2.3.0"
    assert found.calibration is None
    few = accuracy.summarise(evaluation(0, 1, classes=5))
    assert few.top5 is few.top5_low is few.top5_high is None


def test_two_files_on_the_same_images() -> None:
    first = evaluation(0, 0, 0, 1, 1, UNREADABLE, 0)
    second = evaluation(0, 2, 2, 0, 1, 0, UNREADABLE, model="mnv4-conv-m")
    found = accuracy.compare(first, second)
    assert (found.both_right, found.only_first, found.only_second, found.neither) == (1, 2, 1, 1)
    assert found.images == 5
    assert found.difference == pytest.approx(-20)
    assert found.low < -20 < found.high
    assert found.p_value == 1.0
    assert (found.first, found.second) == ("mnv4-conv-s tflite fp32", "mnv4-conv-m tflite fp32")
    other = evaluation(0, artifact=replace(artifact(), sha256="e" * 64))
    alike = accuracy.compare(evaluation(0), other)
    assert alike.second == "mnv4-conv-s tflite fp32 eeeeeeee"


def test_the_most_images_stand_for_a_file_then_the_latest() -> None:
    def on(count: int, day: int, path: str, model: str = "mnv4-conv-s"):
        made = evaluation(*[0] * count, model=model, finished_at=f"2026-11-{day}T10:00:00+00:00")
        return accuracy.summarise(made, path)

    large, small, later = on(9, 20, "large"), on(2, 23, "small"), on(9, 22, "later")
    other = on(1, 20, "other", "mnv4-conv-m")
    chosen, skipped = accuracy.choose([later, small, other, large])
    assert {one.path for one in chosen.values()} == {"later", "other"}
    assert sorted(one.path for one in skipped) == ["large", "small"]
    assert accuracy.choose([large, other, small, later])[0] == chosen


def test_the_data_set_of_most_files_stands_for_each() -> None:
    """So that they can be compared; a larger one that only one file has seen cannot."""

    def on(sha256: str, count: int, path: str, model: str):
        made = evaluation(*[0] * count, model=model)
        made = replace(made, dataset=replace(made.dataset, sha256=sha256))
        return accuracy.summarise(made, path)

    large = on("a" * 64, 9, "large", "mnv4-conv-s")
    both = [on("b" * 64, 2, model, model) for model in ("mnv4-conv-s", "mnv4-conv-m")]
    chosen, skipped = accuracy.choose([large, *both])
    assert {one.path for one in chosen.values()} == {"mnv4-conv-s", "mnv4-conv-m"}
    assert [one.path for one in skipped] == ["large"]
