"""Ridge points that the MobileNetV4 paper fitted, Table 16 (arXiv:2404.10518v2, appendix F).

The paper says neither which models entered nor how wide numbers were; its targets are int8. There
are none of the GPUs and of the Apple Neural Engine.

Knows: the table. Does not know: how a fit is made (analysis.roofline).
"""

from __future__ import annotations

from typing import NamedTuple


class Printed(NamedTuple):
    """One row: MACs per byte, and rank correlations of the roofline and of the MAC count."""

    ridge: float
    roofline: float
    macs: float


TABLE_16 = {
    "pixel6-cpu": Printed(31.2, 0.973, 0.962),
    "s23-cpu": Printed(39.7, 0.962, 0.940),
    "pixel4-hexagon": Printed(347.3, 0.962, 0.758),
    "pixel8-edgetpu": Printed(433.8, 0.973, 0.857),
}
