"""What a classic benchmark program's profile of operators becomes.

Knows: which programs write one. Does not know: phones, or the file itself (op_profile).
"""

from __future__ import annotations

from mnv4bench.devices.android import op_profile, remains, results
from mnv4bench.devices.android.benchmark import DOWNLOADS, OPERATORS_MODE, TITLES, target_of
from mnv4bench.devices.profiling import not_profiled
from mnv4bench.errors import NotMeasured
from mnv4bench.records import BenchmarkTool, DeviceProfile, Operators


def require(profile: DeviceProfile, flags: frozenset[str] | None) -> None:
    """Raises NotMeasured where the program writes no file of operators' times."""
    tool = target_of(profile).tool
    if tool != "classic":
        raise not_profiled(
            profile.device,
            f"the {TITLES[tool]} prints a summary and writes no file of it (the classic program "
            "does: tool = 'classic' in a profile of your own)",
            profile.format,
        )
    if flags is not None and OPERATORS_MODE not in flags:
        raise NotMeasured(
            f"the benchmark program of {profile.device} is too old to write what each operator "
            f"takes: its --help lists no --{OPERATORS_MODE}.",
            f"get a newer one: {DOWNLOADS['classic']}",
        )


def taken(ran: remains.Ran, outcome: results.Outcome, tool: BenchmarkTool) -> Operators | None:
    """The operators in what the program left; None where there is no profile that can be read."""
    data = remains.decoded(ran.sections.get("operators", ""))
    read = op_profile.read(data, ran.info)
    if read is None:
        return None
    notes = read.notes
    if ran.info is None and any(one.part is not None for one in read.operators):
        notes += ("the program did not write down what its delegate took",)
    return Operators(
        runtime=TITLES[tool],
        source="the benchmark program's profiler",
        statistic="mean",
        inferences=outcome.inferences,
        operators=read.operators,
        parts=op_profile.parts(ran.info),
        profiled_s=outcome.mean_s,
        notes=notes,
    )
