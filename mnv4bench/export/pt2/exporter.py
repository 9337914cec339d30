"""A torch module becomes an exported program (.pt2), through torch.export.

Little is lowered: torch has a kernel for every operator of these networks, and how it runs them is
what is measured. Knows: torch.export's two calls. Does not know: whether the file is right.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnv4bench.models.build import BuiltModel

INPUT_NAME = "image"


def convert(built: "BuiltModel", file: Path) -> None:
    """Write one file: an image (1, 3, H, W) to logits (1, classes), weights in fp32."""
    import torch

    from mnv4bench.export.folding import folded
    from mnv4bench.export.lowering import for_torch
    from mnv4bench.models.build import sample_input

    example = sample_input(built.input_px, seed=0, count=1)
    with warnings.catch_warnings(), torch.no_grad():
        # torch warns about its own internals; whether the file is right is compared afterwards.
        warnings.simplefilter("ignore")
        program = torch.export.export(for_torch(folded(built.net, example)), (example,))
        torch.export.save(program, file)
