"""A torch module becomes a TFLite file, through LiteRT's torch converter.

Knows: the converter's settings. Does not know: whether the file is right (parity).
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnv4bench.models.build import BuiltModel


def convert(built: "BuiltModel", file: Path) -> None:
    """Write ``file``: one input (1, H, W, 3), one output (1, classes).

    The input is channels last, as cameras and TFLite's kernels have it: with the channels first
    every file would begin with a transpose (2 % of Conv-S's time on an x86 core).
    """
    import litert_torch

    from mnv4bench.export.folding import folded
    from mnv4bench.export.lowering import lowered
    from mnv4bench.models.build import sample_input

    example = sample_input(built.input_px, seed=0, count=1)  # (1, 3, H, W)
    with warnings.catch_warnings():
        # The converter warns about its own internals; whether the file is right is compared after.
        warnings.simplefilter("ignore")
        net = lowered(folded(built.net, example), "NHWC")
        channels_last = litert_torch.to_channel_last_io(net, args=[0])
        nhwc = example.permute(0, 2, 3, 1).contiguous()
        litert_torch.convert(channels_last.eval(), (nhwc,)).export(str(file))
