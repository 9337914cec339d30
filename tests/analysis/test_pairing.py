"""One process, one number: what cancels, what is spared, and what is refused."""

import random
from math import exp, inf, log, nan
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.analysis.pairing import Order, Paired, block_time, observe

times = st.floats(min_value=1e-4, max_value=1.0)


def test_a_block_is_its_lower_decile() -> None:
    assert block_time([5.0]) == 5.0
    assert block_time(range(10, 0, -1)) == 1
    assert block_time(range(15, 0, -1)) == 2
    assert block_time([1.0] * 3 + [9.0] * 12) == 1.0
    with pytest.raises(ValueError, match="without inferences"):
        block_time([])


def test_a_process_is_the_median_ratio_of_neighbouring_blocks() -> None:
    found = observe(Paired((1.0, 1.0, 1.0), (1.1, 1.1, 1.1), "base first"))
    assert found.log_ratio == pytest.approx(log(1.1))
    assert (found.blocks, found.base_s, found.head_s) == (3, 1.0, 1.1)


@pytest.mark.parametrize("order", ["base first", "head first"])
def test_steady_drift_within_a_process_cancels(order: Order) -> None:
    drifting = [0.002 * 1.01**n for n in range(21)]  # 22 % over the process
    first, second = drifting[::2], drifting[1::2]
    base, head = (first, second) if order == "base first" else (second, first)
    found = observe(Paired(tuple(base), tuple(1.02 * one for one in head), order))
    assert found.log_ratio == pytest.approx(log(1.02), abs=1e-12)


def test_a_few_disturbed_blocks_do_not_move_a_process() -> None:
    base, head = [0.002] * 20, [0.00204] * 20
    base[3] = head[11] = 0.006
    base[12] = 0.004
    found = observe(Paired(tuple(base), tuple(head), "head first"))
    assert found.log_ratio == pytest.approx(log(1.02))


def test_a_change_of_clock_in_the_middle_does_not_move_a_process() -> None:
    base = (0.002,) * 10 + (0.004,) * 10
    head = (0.00204,) * 10 + (0.00408,) * 10
    assert observe(Paired(base, head, "base first")).log_ratio == pytest.approx(log(1.02))


def test_long_inferences_that_others_interrupt_are_taken_together() -> None:
    """Single inferences, two of three interrupted: ratios of neighbours say little."""
    draw, found, naive = random.Random(0), [], []
    for n in range(30):
        base, head = (
            [
                time * exp(draw.gauss(0, 0.005)) + (draw.random() < 0.65) * draw.uniform(0, 0.05)
                for _ in range(60)
            ]
            for time in (0.05, 0.0515)
        )
        order: Order = "head first" if n % 2 else "base first"
        found.append(observe(Paired(tuple(base), tuple(head), order)).log_ratio)
        naive.append(log(median(head) / median(base)))
    assert median(found) == pytest.approx(log(1.03), abs=0.005)
    errors, others = ([abs(one - log(1.03)) for one in kind] for kind in (found, naive))
    assert median(errors) < 0.2 * median(others)


def test_a_quiet_process_is_not_taken_together() -> None:
    """Nothing is gained by it, and a slow half would be seen by one side alone."""
    base = (0.05,) * 30 + (0.1,) * 30
    head = tuple(1.02 * one for one in base)
    assert observe(Paired(base, head, "head first")).log_ratio == pytest.approx(log(1.02))


@given(st.lists(st.tuples(times, times), min_size=1, max_size=20), st.floats(0.01, 100))
def test_the_unit_of_time_does_not_matter(blocks: list[tuple[float, float]], unit: float) -> None:
    base, head = zip(*blocks, strict=True)
    scaled = Paired(
        tuple(unit * one for one in base), tuple(unit * one for one in head), "base first"
    )
    assert observe(scaled).log_ratio == pytest.approx(
        observe(Paired(base, head, "base first")).log_ratio, abs=1e-9
    )


@given(st.lists(st.tuples(times, times), min_size=1, max_size=60))
def test_swapping_the_sides_of_a_process_inverts_its_ratio(
    blocks: list[tuple[float, float]],
) -> None:
    base, head = zip(*blocks, strict=True)
    one, other = Paired(base, head, "base first"), Paired(head, base, "head first")
    assert observe(other).log_ratio == -observe(one).log_ratio


def test_devices_that_cannot_interleave_give_one_value_a_side() -> None:
    assert observe(Paired((0.002,), (0.003,), "head first")).log_ratio == pytest.approx(log(1.5))


@pytest.mark.parametrize("bad", [nan, inf, 0.0, -0.001])
def test_what_is_no_time_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="a time above 0"):
        observe(Paired((0.002, bad), (0.002, 0.002), "base first"))


@pytest.mark.parametrize(("base", "head"), [(0, 0), (1, 0), (3, 1), (2, 3)])
def test_blocks_that_do_not_alternate_are_refused(base: int, head: int) -> None:
    with pytest.raises(ValueError, match=f"there are {base} of base and {head} of head"):
        observe(Paired((0.002,) * base, (0.002,) * head, "base first"))
