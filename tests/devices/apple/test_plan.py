"""What a compute plan is worth, alone and with its second witness."""

import pytest

from mnv4bench.devices.apple import plan
from mnv4bench.devices.apple.plan import Planned
from mnv4bench.devices.contrast import Contrast

CONV = Planned("ios16.conv", "ane", 0.45)
ON_CPU = Planned("ios16.cast", "cpu", 0.1)
FASTER, ALIKE = Contrast(0.004, 0.001), Contrast(0.004, 0.0039)


def test_everything_on_the_unit() -> None:
    placement = plan.placed("ane", [CONV, CONV], cores=16)
    assert placement.verdict == "full"
    assert (placement.operators, placement.on_unit, placement.cost_on_unit) == (2, 2, 1.0)
    assert placement.unit == "ane (Core ML)"
    (signal,) = placement.signals
    assert signal.evidence == (
        "2 of 2 operators and 100 % of the estimated cost meant for the Neural Engine (16 cores)"
    )


def test_shares_of_operators_and_of_cost_are_told_apart() -> None:
    placement = plan.placed("ane", [CONV, CONV, ON_CPU])
    assert placement.verdict == "partial"
    assert (placement.operators, placement.on_unit) == (3, 2)
    assert placement.cost_on_unit == pytest.approx(0.9)
    assert "2 of 3 operators and 90 % of the estimated cost" in placement.signals[0].evidence
    assert "elsewhere: cast on cpu x1" in placement.signals[0].evidence


def test_a_plan_that_puts_nothing_there_is_believed_alone() -> None:
    nothing = plan.placed("gpu", [ON_CPU])
    assert nothing.verdict == "none"
    assert nothing.cost_on_unit == 0.0
    assert plan.witnessed(nothing, FASTER).verdict == "none"


@pytest.mark.parametrize("planned", [[CONV], [CONV, ON_CPU]])
def test_a_plan_needs_a_second_witness(planned: list[Planned]) -> None:
    told = plan.placed("ane", planned)
    agreed, alone = plan.witnessed(told, FASTER), plan.witnessed(told, ALIKE)
    assert agreed.verdict == told.verdict
    assert alone.verdict == "unproven"
    assert [signal.name for signal in agreed.signals] == [
        "compute plan",
        "contrast with the processor",
    ]
    assert "1.03 times as fast (proof from 1.50 on)" in alone.signals[1].evidence


def test_without_costs_there_is_no_share() -> None:
    placement = plan.placed("ane", [Planned("innerProduct", "ane", None)])
    assert placement.verdict == "full"
    assert placement.cost_on_unit is None
    assert "cost" not in placement.signals[0].evidence


def test_a_pipeline_of_models_names_no_operators() -> None:
    placement = plan.placed("ane", [])
    assert placement.verdict == "unproven"
    assert placement.operators is None
    assert plan.witnessed(placement, FASTER).verdict == "unproven"


def test_the_processor_alone_is_certain() -> None:
    assert len(plan.placed("cpu", [ON_CPU]).signals) == 2
    unread = plan.unread("cpu", "too old")
    assert unread.verdict == "full"
    assert [signal.says for signal in unread.signals] == ["unproven", "full"]
    assert plan.unread("ane", "too old").verdict == "unproven"


def test_evidence_stays_short() -> None:
    many = [Planned(f"ios16.operator_{n}", "cpu", 0.001) for n in range(100)]
    evidence = plan.placed("ane", [CONV, *many]).signals[0].evidence
    assert len(evidence) < 400
    assert "and 94 more" in evidence
