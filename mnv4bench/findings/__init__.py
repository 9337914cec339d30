"""What is concluded from reports: types only, in the shapes that ``--json`` prints.

Knows: the names of DESIGN.md, "JSON shapes". Does not know: how a conclusion is reached or drawn.
"""

from mnv4bench.findings.beside import Beside, PublishedSource, SideBySide, Unmatched
from mnv4bench.findings.counts import Tally
from mnv4bench.findings.devices import Attached, Availability, DeviceRow, Devices, Doctor, Examined
from mnv4bench.findings.fronts import (
    Accuracies,
    Catalog,
    Comparison,
    Evaluated,
    Front,
    Group,
    Point,
    Shown,
    Summary,
)
from mnv4bench.findings.gates import (
    Budget,
    BudgetVerdict,
    Gate,
    GateMetric,
    GateVerdict,
    Observed,
    Pair,
)
from mnv4bench.findings.insides import (
    Agreement,
    Compatibility,
    Graph,
    Inspected,
    Inspection,
    Integer,
    Movement,
    Operators,
    Share,
    Tensor,
)
from mnv4bench.findings.skipped import Skipped

__all__ = [
    "Accuracies",
    "Agreement",
    "Attached",
    "Availability",
    "Beside",
    "Budget",
    "BudgetVerdict",
    "Catalog",
    "Comparison",
    "Compatibility",
    "DeviceRow",
    "Devices",
    "Doctor",
    "Evaluated",
    "Examined",
    "Front",
    "Gate",
    "GateMetric",
    "GateVerdict",
    "Graph",
    "Group",
    "Inspected",
    "Inspection",
    "Integer",
    "Movement",
    "Observed",
    "Operators",
    "Pair",
    "Point",
    "PublishedSource",
    "Share",
    "Shown",
    "SideBySide",
    "Skipped",
    "Summary",
    "Tally",
    "Tensor",
    "Unmatched",
]
