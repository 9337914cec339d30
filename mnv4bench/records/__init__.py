"""What happened: the frozen values that travel between making reports and reading them.

Knows: names, units and ranges. Does not know: files, JSON, statistics, torch or any runtime.
Units are base units and stand in the name: ``_s`` seconds, ``_bytes``, ``_hz``, ``_c`` degrees
Celsius, ``_fraction`` 0..1; top-1 is in percent. ``None`` means unknown, never "fine".
"""

from mnv4bench.records.accuracy import UNREADABLE, DataSet, Evaluation, Rank, UnreadableImage
from mnv4bench.records.artifacts import (
    Accuracy,
    Artifact,
    Calibration,
    Deviation,
    ModelEntry,
    Parity,
    Preprocessing,
    PublishedLatency,
    Structure,
    Weights,
)
from mnv4bench.records.devices import (
    DeviceProfile,
    DeviceState,
    Environment,
    Placement,
    Signal,
    must_match_facts,
)
from mnv4bench.records.measuring import Ended, Measurement, Noise, Plan, Report, Samples, Timing
from mnv4bench.records.words import (
    MAX_SECONDS,
    Accelerator,
    AccuracySource,
    ActivationType,
    Count,
    Duration,
    Format,
    Fraction,
    Name,
    Origin,
    Precision,
    RunnerName,
    RuntimeName,
    Seconds,
    Sha256,
    Verdict,
)

__all__ = [
    "MAX_SECONDS",
    "UNREADABLE",
    "Accelerator",
    "Accuracy",
    "AccuracySource",
    "ActivationType",
    "Artifact",
    "Calibration",
    "Count",
    "DataSet",
    "Deviation",
    "DeviceProfile",
    "DeviceState",
    "Duration",
    "Ended",
    "Environment",
    "Evaluation",
    "Format",
    "Fraction",
    "Measurement",
    "ModelEntry",
    "Name",
    "Noise",
    "Origin",
    "Parity",
    "Placement",
    "Plan",
    "Precision",
    "Preprocessing",
    "PublishedLatency",
    "Rank",
    "Report",
    "RunnerName",
    "RuntimeName",
    "Samples",
    "Seconds",
    "Sha256",
    "Signal",
    "Structure",
    "Timing",
    "UnreadableImage",
    "Verdict",
    "Weights",
    "must_match_facts",
]
