"""Fixed gates for the golden texts of CI: invented latencies, no measurement."""

from msgspec.structs import replace

from mnv4bench.findings import Budget, Gate, Observed, Pair, Skipped


def pair(model: str, ratio: float | None = 1.002, **changes: object) -> Pair:
    made = Pair(
        model=model,
        ratio=ratio,
        low=ratio and ratio - 0.011,
        high=ratio and ratio + 0.012,
        p=0.31,
        significant=False,
        relevant=False,
        verdict="same",
        blocks=120,
        confirmed=False,
        confidence=0.95,
        processes=6,
        processes_tainted=0,
        reason="a slowdown of 1.030 is excluded, and so is its inverse",
        smallest_detectable_ratio=1.03,
        base_s=0.00235,
        head_s=ratio and 0.00235 * ratio,
        base_artifact_sha256="b" * 64,
        head_artifact_sha256="c" * 64,
    )
    return replace(made, **changes)


SLOWER = pair(
    "mnv4-conv-s",
    1.0812,
    verdict="slower",
    significant=True,
    relevant=True,
    confirmed=True,
    first_ratio=1.0793,
    reason="slower in two independent measurements",
)
WILD = pair(
    "mnv4-conv-m",
    1.019,
    verdict="inconclusive",
    needs_more=24,
    reason="the answer was not clear at the limit of 40 processes",
    smallest_detectable_ratio=1.061,
)
UNPROVEN = pair(
    "mobilenetv3-small",
    0.998,
    unproven=True,
    notes=("placement: base full, head unproven (edgetpu)",),
)
FASTER = pair(
    "fastvit-t8",
    0.91,
    verdict="faster",
    significant=True,
    relevant=True,
    reason="the interval excludes 1",
)
SAME = pair("efficientvit-b0")
IDENTICAL = pair(
    "mobilenetv3-large",
    1.0,
    low=1.0,
    high=1.0,
    processes=0,
    base_s=None,
    head_s=None,
    reason="base and head are the same file, so nothing was measured",
)
OVER = Budget(
    model="mnv4-conv-s",
    budget_s=0.0025,
    verdict="over",
    latency_s=0.00254,
    low_s=0.00252,
    high_s=0.00257,
    confidence=0.95,
    processes=14,
    processes_tainted=0,
    confirmed=True,
    reason="the whole interval lies above the budget",
)
WITHIN = replace(
    OVER,
    model="fastvit-t8",
    verdict="within",
    budget_s=0.003,
    confirmed=False,
    reason="the whole interval lies within the budget",
)
LEFT_OUT = Skipped(path="mnv4-hybrid-m", reason="head does not run: no kernel for CUMSUM")


def gate(*pairs: Pair, **changes: object) -> Gate:
    made = Gate(
        verdict="same",
        pairs=pairs,
        false_alarm_rate=0.000625,
        smallest_detectable_ratio=1.03,
        max_slowdown=1.03,
        device="host-cpu",
        measured_at="2026-11-24T20:15:00Z",
    )
    return replace(made, **changes)


MIXED = gate(
    SAME,
    IDENTICAL,
    SLOWER,
    WILD,
    UNPROVEN,
    FASTER,
    verdict="slower",
    unit="ci-runner-3",
    smallest_detectable_ratio=1.061,
    budgets=(OVER, WITHIN),
    skipped=(LEFT_OUT,),
    notes=("mnv4-hybrid-l is only in build/head",),
)
UNMEASURED = gate(
    verdict="inconclusive",
    device="",
    measured_at="",
    reason="the device is absent: no phone is attached",
    false_alarm_rate=0.0,
    smallest_detectable_ratio=None,
)
COUNTED = gate(
    pair(
        "mnv4-conv-s",
        1.0034,
        low=1.0034,
        high=1.0034,
        base_s=None,
        head_s=None,
        confidence=1.0,
        reason="the counts differ by less than what matters",
        observed=(
            Observed(base=412_300_211, head=413_702_031, ratio=1.0034, base_first=True,
                     confirming=False),
        ),
    ),
    metric="instructions",
    device="cortex-a76-emulated",
    false_alarm_rate=0.0,
)  # fmt: skip
