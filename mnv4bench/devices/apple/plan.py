"""From Core ML's compute plan to where a model runs.

The plan (MLComputePlan, macOS 14.4 and iOS 17.4) names the unit that each operator is meant for and
the operator's share of an estimated cost. It is what Core ML intends, not what it was seen to do:
one witness. Knows: what it is worth. Does not know: how it is asked for; pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from mnv4bench.devices.contrast import Contrast
from mnv4bench.records import Accelerator, Placement, Signal, Verdict

# How coremltools calls the units that a model may use; the processor is always among them.
COMPUTE_UNITS: dict[Accelerator, str] = {
    "cpu": "CPU_ONLY",
    "gpu": "CPU_AND_GPU",
    "ane": "CPU_AND_NE",
}
TITLES: dict[Accelerator, str] = {"cpu": "processor", "gpu": "GPU", "ane": "Neural Engine"}
MAX_LISTED = 6


@dataclass(frozen=True, slots=True)
class Planned:
    """One operator as it is planned; constants are none."""

    operator: str  # "ios16.conv"
    unit: Accelerator
    weight: float | None  # of the file's estimated cost, 0..1


def placed(unit: Accelerator, planned: Sequence[Planned], cores: int | None = None) -> Placement:
    """What the plan says of a file that was loaded for ``unit``. ``cores`` of the Neural Engine."""
    mine = [one for one in planned if one.unit == unit]
    says: Verdict = "none"
    if not planned:
        says = "unproven"
    elif mine:
        says = "full" if len(mine) == len(planned) else "partial"
    weights = [one.weight for one in planned if one.weight is not None]
    whole = sum(weights)
    cost = sum(one.weight or 0.0 for one in mine) / whole if whole else None
    signals = [Signal(name="compute plan", evidence=_told(unit, planned, cost, cores), says=says)]
    if unit == "cpu":
        evidence = "loaded with CPU_ONLY, which leaves Core ML no other unit"
        signals.append(Signal(name="compute units", evidence=evidence, says="full"))
    return Placement(
        verdict=says,
        unit=f"{unit} (Core ML)",
        operators=len(planned) or None,
        on_unit=len(mine) if planned else None,
        cost_on_unit=None if cost is None else min(cost, 1.0),
        signals=tuple(signals),
    )


def unread(unit: Accelerator, why: str) -> Placement:
    """Without a plan nothing is known; the processor alone is certain, by how it was loaded."""
    signal = Signal(
        name="compute plan", evidence=f"could not be read: {why}"[:300], says="unproven"
    )
    alone = placed(unit, ())
    return replace(
        alone,
        verdict="full" if unit == "cpu" else "unproven",
        signals=(signal, *alone.signals[1:]),
    )


def witnessed(plan: Placement, contrast: Contrast | None) -> Placement:
    """The plan with its second witness: what a plan puts on a unit has to be faster there too.

    Without agreement it is unproven; a plan that puts nothing there needs no second witness.
    """
    if contrast is None:
        return plan
    seen = contrast.signal()
    believed = plan.verdict == "none" or seen.says == "full"
    return replace(
        plan,
        verdict=plan.verdict if believed else "unproven",
        signals=(*plan.signals, seen),
    )


def _told(
    unit: Accelerator, planned: Sequence[Planned], cost: float | None, cores: int | None
) -> str:
    if not planned:
        return "names no operators of this kind of model"
    count = sum(one.unit == unit for one in planned)
    told = f"{count} of {len(planned)} operators"
    if cost is not None:
        told += f" and {cost * 100:.3g} % of the estimated cost"
    told += f" meant for the {TITLES[unit]}"
    if unit == "ane" and cores:
        told += f" ({cores} cores)"
    left = Counter(
        f"{one.operator.rpartition('.')[2]} on {one.unit}" for one in planned if one.unit != unit
    )
    if left:
        listed = [f"{name} x{count}" for name, count in left.most_common(MAX_LISTED)]
        more = len(left) - len(listed)
        told += f"; elsewhere: {', '.join(listed)}" + (f" and {more} more" if more > 0 else "")
    return told
