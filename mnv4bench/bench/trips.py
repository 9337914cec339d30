"""How a device is timed where every inference is a trip of seconds: an iPhone from a Mac.

Knows: how many trips an invocation takes. Does not know: how one is made.

Warm-up until steady and half a second of inferences would be hundreds of trips. And the device
rests for seconds before each one, so its inferences scatter by more than any window agrees within.
"""

from msgspec.structs import replace

from mnv4bench.bench import QUICK_TIMING
from mnv4bench.devices.apple.session import not_gated
from mnv4bench.records import DeviceProfile, Plan

# Five or six trips, of which two windows of two may agree; then a median over ten that are kept.
WINDOW_COUNT = 2
AGREEMENT = 0.10
WARM_UP_S = 15.0
COUNT = 10
QUICK_COUNT = 5
# At three seconds a trip half a minute; a device that is slower to answer is cut here, and says so.
LIMIT_S = 180.0


def are_needed(profile: DeviceProfile) -> bool:
    """Whether an inference on ``profile`` is a trip."""
    return profile.apple is not None and profile.apple.kind != "mac"


def require_gate(profile: DeviceProfile) -> None:
    """Raises NotMeasured on a device where a gate would take hours."""
    if are_needed(profile):
        raise not_gated(profile.device)


def plan_of(plan: Plan) -> Plan:
    """``plan`` with trips in the place of inferences back to back."""
    quick = plan.timing.min_count <= QUICK_TIMING.min_count
    timing = replace(
        plan.timing,
        warmup_window_s=1e-6,
        warmup_window_count=WINDOW_COUNT,
        warmup_agreement=AGREEMENT,
        warmup_cap_s=WARM_UP_S,
        min_count=QUICK_COUNT if quick else COUNT,
        min_duration_s=0.0,
        max_duration_s=LIMIT_S,
    )
    return replace(plan, timing=timing)
