"""What one measurement rests on, in words: its file, its placement, its invocations.

Knows: which facts a reader asks for and their units. Does not know: pages, or places of texts.
"""

from __future__ import annotations

from mnv4bench import units
from mnv4bench.findings import Summary, Tally
from mnv4bench.overview import Exhibit, Step
from mnv4bench.records import Placement


def facts(one: Exhibit) -> list[tuple[str, str]]:
    """(name, value) of everything that has a value, the figures first."""
    figures = one.figures
    match figures:
        case None:
            return [("weights", "unknown")]
        case Summary():
            found = _timed(figures)
        case Tally():
            found = [
                ("instructions per inference", units.whole(figures.instructions)),
                ("emulator", figures.emulator),
                ("processes", str(figures.invocations)),
            ]
    size = f"{figures.input_px} px" if figures.input_px else ""
    found += [
        ("weights", figures.weights.text),
        ("input", figures.chosen_shapes or size),
        ("file", f"{figures.format}, {units.size(figures.size_bytes)}"),
        ("calibration", figures.calibration or ""),
        ("sha256", figures.artifact_sha256),
    ]
    return [(name, value) for name, value in found if value]


def _timed(figures: Summary) -> list[tuple[str, str]]:
    low, high = figures.low_s, figures.high_s
    interval = "none: a single invocation says nothing about its spread"
    half = None
    if low is not None and high is not None:
        half = units.half_width(figures.latency_s, low, high)
        interval = (
            f"{units.seconds(low, half)} to {units.seconds(high, half)}, "
            f"at {units.percent(figures.confidence)} confidence"
        )
    used = units.plural(figures.invocations, "invocation")
    if figures.invocations_tainted:
        used += f", {figures.invocations_tainted} more set aside as tainted"
    samples = units.plural(figures.samples, "sample")
    if figures.inferences_per_value > 1:
        samples += f", each the mean of up to {figures.inferences_per_value} inferences"
    sustained = ""
    if figures.sustained_s is not None:
        sustained = f"{units.seconds(figures.sustained_s)}, {units.ratio(figures.sustained_ratio)}"
    return [
        ("latency", units.seconds(figures.latency_s, half)),
        ("interval of the median", interval),
        ("p90", units.seconds(figures.p90_s) if figures.p90_s else ""),
        ("rests on", f"{used}, {samples}"),
        ("sustained", sustained),
        ("paced", _paced(figures)),
        ("threads", str(figures.threads)),
    ]


def _paced(figures: Summary) -> str:
    if figures.apart_s is not None:
        return f"all of it: inferences began {units.seconds(figures.apart_s)} apart"
    if figures.paced_s is None or figures.paced_period_s is None:
        return ""
    ratio = units.ratio(figures.paced_s / figures.latency_s)
    return (
        f"{units.seconds(figures.paced_s)} every {units.seconds(figures.paced_period_s)}, {ratio}"
    )


def placement(found: Placement | None) -> str:
    """``"full: 64 of 64 operators on cpu (XNNPACK)"``."""
    if found is None:
        return "unknown: nothing ran"
    if found.operators is None or found.on_unit is None:
        return f"{found.verdict}: {found.unit}"
    return f"{found.verdict}: {found.on_unit} of {found.operators} operators on {found.unit}"


def circumstances(step: Step) -> str:
    """What an invocation's own interval was like, as far as it could be read."""
    said = [units.plural(step.samples, "sample")]
    if step.warmup_steady is not None:
        said.append("warm-up became steady" if step.warmup_steady else "warm-up never steady")
    if step.load_s is not None:
        said.append(f"loaded in {units.seconds(step.load_s)}")
    if step.peak_memory_bytes is not None:
        said.append(f"peak {units.size(step.peak_memory_bytes)}")
    if step.frequency_hz:
        said.append(f"at {units.count(round(step.frequency_hz))}Hz")
    before, after = step.temperature_before_c, step.temperature_after_c
    if before is not None and after is not None:
        said.append(f"{before:.1f} to {after:.1f} °C")
    return ", ".join(said)


def fact(name: str, value: object) -> str:
    """One fact of an environment, in the words that a person reads."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("bytes") and isinstance(value, int):
        return units.size(value)
    return str(value)
