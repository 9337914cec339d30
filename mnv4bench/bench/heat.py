"""A device that is hot is slow: wait for it to cool, and see when it was slowed all the same.

Knows: thermal status, temperatures and the probe, and what of them is too much. Does not know: how
a device is asked, nor what is measured.
"""

import time
from typing import Protocol

from msgspec.structs import replace

from mnv4bench.devices import Runner
from mnv4bench.devices.stopping import pause
from mnv4bench.errors import DeviceHot
from mnv4bench.records import DeviceState, Measurement, Report, Round

# A chip this much hotter than at the start may have lowered its clock (krun waits for "a few").
COOL_RISE_C = 10.0
COOL_WAIT_S = 60.0
# A phone that throttles is given longer: one heated through takes minutes to lose it.
HOT_WAIT_S = 600.0
# Android's thermal status: from 2, "moderate", on it throttles.
THROTTLING_STATUS = 2
# Of a board: what its firmware lowers the clock for and waiting mends; not a weak power supply.
HEAT_FLAGS = ("throttled", "frequency capped", "soft temperature limit")
# Where phones are usually still at full speed (RNE's gate; MLPerf Mobile pauses for the same end).
MAX_BATTERY_C = 37.0
# Jetpack's Microbenchmark repeats a test when its probe takes 1.1 to 1.2 times as long.
MAX_PROBE_RATIO = 1.10
POLL_S = 1.0
AWAKE = "Awake"  # DeviceState.screen of a phone in use


class Listener(Protocol):
    """Who hears what is waited for."""

    def waiting(self, why: str) -> None:
        """Not measuring yet; ``why`` carries the reading that is waited for."""


def cool_down(
    start: DeviceState,
    runner: Runner,
    listener: Listener,
    *,
    device: str,
    wait_s: float | None = None,
) -> None:
    """Wait until the device is as cool as it needs to be. Unknown is not waited for.

    Raises DeviceHot when it throttles to the end of that time; one that is merely warmer than at
    the start is measured then, and its invocations carry their own temperatures and taints.
    """
    known = (start.temperature_c, start.thermal_status, start.battery_temperature_c)
    if all(reading is None for reading in (*known, start.throttled)):
        return
    began = time.monotonic()
    while hot := _hot(start, now := runner.state()):
        throttling = (now.thermal_status or 0) >= THROTTLING_STATUS or "throttled" in hot
        patience = wait_s if wait_s is not None else HOT_WAIT_S if throttling else COOL_WAIT_S
        if time.monotonic() - began >= patience:
            if not throttling:
                return
            raise DeviceHot(
                f"{device} did not cool within {patience:.0f} s: {hot}.",
                "put it in a cool place, off the charger (a board: under a fan), then: mnv4bench "
                "run --resume "
                "(--cool-wait SECONDS waits longer)",
            )
        listener.waiting(f"cooling down: {hot}")
        pause(POLL_S)


def _hot(start: DeviceState, now: DeviceState) -> str:
    """The reading that is too high, with its limit; empty when there is none."""
    if now.thermal_status:
        return f"thermal status {now.thermal_status} (limit 0)"
    if held := [flag for flag in now.throttled or () if flag in HEAT_FLAGS]:
        heat = "" if now.temperature_c is None else f" at {now.temperature_c:.0f} °C"
        return f"the firmware holds the clock down{heat} ({', '.join(held)})"
    battery = now.battery_temperature_c
    if battery is not None and battery > MAX_BATTERY_C:
        return f"battery {battery:.1f} °C (limit {MAX_BATTERY_C:.0f} °C)"
    if start.temperature_c is not None and now.temperature_c is not None:
        limit = start.temperature_c + COOL_RISE_C
        if now.temperature_c > limit:
            return f"{now.temperature_c:.0f} °C (limit {limit:.0f} °C)"
    return ""


def look(runner: Runner, round: int) -> Round:
    """What the device shows before ``round``; nothing of one that has no probe."""
    probe_s = runner.probe()
    if probe_s is None:
        return Round(round=round)
    state = runner.state()
    return Round(
        round=round,
        probe_before_s=probe_s,
        thermal_status_before=state.thermal_status,
        screen_before=state.screen,
        low_power_before=state.low_power_mode,
    )


def look_again(runner: Runner, before: Round) -> Round:
    """``before`` with what the device shows after the round."""
    if before.probe_before_s is None:
        return before
    state = runner.state()
    return replace(
        before,
        probe_after_s=runner.probe(),
        thermal_status_after=state.thermal_status,
        screen_after=state.screen,
        low_power_after=state.low_power_mode,
    )


def first_probe(report: Report) -> float | None:
    """What the probe took when the run began, which on a resume was another time."""
    return next((one.probe_before_s for one in report.rounds if one.probe_before_s), None)


def judge(report: Report, seen: Round, first_probe_s: float | None) -> Report:
    """Keep what the device showed around a round; taint its invocations where it was slowed."""
    if seen.probe_before_s is None:
        return report
    reasons = []
    slowest = max(seen.probe_before_s, seen.probe_after_s or 0.0)
    if first_probe_s and slowest > MAX_PROBE_RATIO * first_probe_s:
        reasons.append(
            f"the same work took the device {slowest / first_probe_s:.2f} times as long as at the "
            f"start (limit {MAX_PROBE_RATIO:.2f})"
        )
    rose = (seen.thermal_status_after or 0) > (seen.thermal_status_before or 0)
    if rose:
        reasons.append(
            f"the thermal status rose from {seen.thermal_status_before or 0} to "
            f"{seen.thermal_status_after} during the round"
        )
    if seen.screen_before == AWAKE and seen.screen_after not in (AWAKE, None):
        reasons.append(
            f"the screen went off during the round ({seen.screen_after}), when many phones keep "
            "programs on their slow cores"
        )
    if seen.low_power_after and not seen.low_power_before:
        reasons.append("battery saver came on during the round")
    return replace(
        report,
        rounds=(*report.rounds, seen),
        measurements=tuple(_tainted(one, seen.round, reasons) for one in report.measurements),
    )


def _tainted(measurement: Measurement, round: int, reasons: list[str]) -> Measurement:
    if not reasons:
        return measurement
    return replace(
        measurement,
        invocations=tuple(
            replace(one, tainted=tuple(dict.fromkeys((*one.tainted, *reasons))))
            if one.round == round
            else one
            for one in measurement.invocations
        ),
    )
