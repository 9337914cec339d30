"""Confirmations, and how models add up to a gate."""

from math import log

import msgspec
import pytest

from mnv4bench.analysis.gating import FALSE_ALARM_RATE, MAX_PROCESSES, Look, Rules, judge
from mnv4bench.analysis.pairing import Observation
from mnv4bench.analysis.verdicts import confirm, exact, gate, identical, pair
from mnv4bench.findings import Budget, Gate, Pair, Skipped
from tests.analysis.test_gating import SCALE, noise, observations

SLOW, SAME, FAST = [SCALE] * 6, [0.0] * 6, [-SCALE] * 6
UNCLEAR = noise(MAX_PROCESSES, 0.08)
# From the design: names that others build on.
PAIR_NAMES = {
    "model", "ratio", "low", "high", "p", "significant", "relevant", "verdict", "blocks",
    "confirmed",
}  # fmt: skip
GATE_NAMES = {"verdict", "pairs", "false_alarm_rate", "smallest_detectable_ratio"}


def first(values: list[float]) -> Look:
    return judge({"m": observations(values)})["m"]


def concluded(one: list[float], two: list[float] | None = None) -> Pair:
    second = None if two is None else confirm({"m": observations(two)})["m"]
    stands = observations(one if two is None else two)
    return pair("m", first(one), second, stands)


@pytest.mark.parametrize(
    ("two", "verdict", "confirmed", "reason"),
    [
        (SLOW, "slower", True, "in two independent measurements"),
        (SAME, "same", False, "but not in an independent second"),
        (FAST, "inconclusive", False, "something else has changed"),
        (UNCLEAR, "inconclusive", False, "a second could not confirm it"),
        (SLOW[:4], "inconclusive", False, "the second was stopped before the answer was clear"),
        ([], "inconclusive", False, "before any process ended"),
    ],
)
def test_an_alarm_is_raised_only_when_confirmed(
    two: list[float], verdict: str, confirmed: bool, reason: str
) -> None:
    found = concluded(SLOW, two)
    assert (found.verdict, found.confirmed) == (verdict, confirmed)
    assert reason in found.reason
    assert found.first_ratio == pytest.approx(1.03)
    assert found.processes == len(two)


def test_an_alarm_that_nothing_confirmed_is_none() -> None:
    found = concluded(SLOW)
    assert (found.verdict, found.confirmed, found.significant) == ("inconclusive", False, True)
    assert "nothing has confirmed" in found.reason


@pytest.mark.parametrize(("values", "verdict"), [(SAME, "same"), (FAST, "faster")])
def test_what_is_no_alarm_needs_no_second(values: list[float], verdict: str) -> None:
    found = concluded(values)
    assert (found.verdict, found.confirmed, found.first_ratio) == (verdict, False, None)


def test_a_gate_that_was_stopped_is_inconclusive() -> None:
    found = concluded(SAME[:3])
    assert found.verdict == "inconclusive"
    assert found.reason == "stopped before the answer was clear, after 3 processes"


def test_a_confirmation_is_corrected_for_the_suspects_alone() -> None:
    others = {f"other {n}": observations(SAME) for n in range(20)}
    assert judge({"m": observations(SLOW), **others})["m"].decision == "go on"
    assert confirm({"m": observations(SLOW)})["m"].decision == "slower"
    two = confirm({"m": observations(SLOW), "n": observations(SAME)})
    assert (two["m"].decision, two["n"].decision) == ("go on", "same")


def test_the_figures_are_those_of_the_confirming_measurement() -> None:
    found = concluded([log(1.08)] * 6, [log(1.05)] * 6)
    assert found.ratio == pytest.approx(1.05)
    assert found.first_ratio == pytest.approx(1.08)


@pytest.mark.parametrize(
    ("kinds", "verdict"),
    [
        ([SAME, SAME], "same"),
        ([SAME, FAST], "faster"),
        ([SAME, FAST, UNCLEAR], "inconclusive"),
        ([], "inconclusive"),
    ],
)
def test_a_gate_is_its_gravest_model(kinds: list[list[float]], verdict: str) -> None:
    assert gate(concluded(values) for values in kinds).verdict == verdict


def test_one_slower_model_makes_a_gate_slower() -> None:
    found = gate([concluded(UNCLEAR), concluded(SLOW, SLOW), concluded(SAME)])
    assert found.verdict == "slower"
    assert [one.verdict for one in found.pairs] == ["inconclusive", "slower", "same"]


def test_a_gate_that_measured_nothing_says_so() -> None:
    found = gate([])
    assert (found.verdict, found.smallest_detectable_ratio) == ("inconclusive", None)
    assert "no model was measured" in found.reason


def test_two_measurements_must_err_for_a_false_alarm() -> None:
    assert gate([concluded(SAME)]).false_alarm_rate == pytest.approx(0.025 * 0.025)


def test_a_gate_sees_what_its_noisiest_model_lets_it() -> None:
    noisy, quiet = concluded(noise(30, 0.05)), concluded(SAME)
    found = gate([quiet, noisy]).smallest_detectable_ratio
    assert found == noisy.smallest_detectable_ratio
    assert found is not None
    assert found > 1.03


def test_a_file_against_itself_is_the_same_without_a_measurement() -> None:
    found = identical("m", "ab" * 32)
    assert (found.verdict, found.ratio, found.blocks) == ("same", 1.0, 0)
    assert "the same file" in found.reason
    assert gate([found]).verdict == "same"
    assert gate([found]).smallest_detectable_ratio is None


@pytest.mark.parametrize(
    ("base", "head", "verdict", "significant", "relevant"),
    [
        (1_000_000, 1_000_000, "same", False, False),
        (1_000_000, 1_000_001, "same", True, False),
        (1_000_000, 1_030_000, "slower", True, True),
        (1_030_000, 1_000_000, "faster", True, True),
        (1_000_000, 1_029_999, "same", True, False),
    ],
)
def test_an_exact_metric_is_judged_at_the_limit_itself(
    base: int, head: int, verdict: str, significant: bool, relevant: bool
) -> None:
    found = exact("m", [base] * 3, [head] * 3)
    assert (found.verdict, found.significant, found.relevant) == (verdict, significant, relevant)
    assert found.confirmed == (verdict == "slower")
    assert gate([found]).false_alarm_rate == 0


@pytest.mark.parametrize("bad", [[], [0], [-1]])
def test_counts_that_are_none_are_refused(bad: list[int]) -> None:
    with pytest.raises(ValueError, match="counts must be above 0"):
        exact("m", bad, [1])


def test_counts_that_do_not_repeat_are_no_answer() -> None:
    found = exact("m", [1000] * 3, [2000] * 3, tainted=("another count in the next process",))
    assert found.verdict == "inconclusive"
    assert "another count in the next process" in found.reason


def test_a_faster_head_that_lost_something_is_not_faster() -> None:
    fast = observations([log(0.8)] * 8)
    look = judge({"m": fast})["m"]
    assert pair("m", look, None, fast).verdict == "faster"
    found = pair("m", look, None, fast, lost=["placement went from full to partial"])
    assert found.verdict == "inconclusive"
    assert "placement went from full to partial" in found.reason
    slow = judge({"m": observations([log(1.2)] * 8)})["m"]
    assert pair("m", slow, slow, lost=["anything"]).verdict == "slower"
    assert exact("m", [2000], [1000], lost=["its accuracy"]).verdict == "inconclusive"


def test_a_budget_counts_as_a_model_does() -> None:
    same = identical("m", "0" * 64)
    within, over, unclear = (
        Budget(
            model="m", budget_s=0.001, verdict=verdict, latency_s=None, low_s=None, high_s=None,
            confidence=0.95, processes=6, processes_tainted=0, confirmed=False, reason="why",
        )
        for verdict in ("within", "over", "inconclusive")
    )  # fmt: skip
    assert gate([same], budgets=(within,)).verdict == "same"
    assert gate([same], budgets=(within, unclear)).verdict == "inconclusive"
    assert gate([same], budgets=(within, unclear, over)).verdict == "slower"
    assert gate([same], budgets=(within,)).false_alarm_rate == FALSE_ALARM_RATE
    assert gate([same, concluded(SLOW, SLOW)], budgets=(within,)).false_alarm_rate == (
        2 * FALSE_ALARM_RATE
    )


def test_what_was_skipped_is_not_green() -> None:
    same = identical("m", "0" * 64)
    assert gate([same], skipped=(Skipped(path="n", reason="why"),)).verdict == "inconclusive"


def test_the_names_that_others_build_on() -> None:
    found = msgspec.to_builtins(gate([concluded(SLOW, SLOW)], unit="serial 1", device="host-cpu"))
    assert set(found) >= GATE_NAMES
    assert set(found["pairs"][0]) >= PAIR_NAMES


def test_a_gate_of_one_process_goes_through_json() -> None:
    """No infinities: ends of an interval that nobody knows are null."""
    one = Observation(0.01, "base first", 20, 0.002, 0.002)
    found = gate([pair("m", judge({"m": [one]})["m"], None, [one])])
    assert msgspec.json.decode(msgspec.json.encode(found), type=Gate) == found
    assert found.pairs[0].low is None


def test_the_rules_reach_the_gate() -> None:
    rules = Rules(max_slowdown=1.1)
    observed = observations([log(1.03)] * 8)
    found = gate(
        [pair("m", judge({"m": observed}, rules)["m"], None, observed, rules=rules)], rules
    )
    assert (found.verdict, found.max_slowdown) == ("same", 1.1)
    assert found.smallest_detectable_ratio == 1.1
