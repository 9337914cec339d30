"""The thousand classes of ImageNet-1k as WordNet synsets, in the order of every network's outputs.

The list is that of ILSVRC 2012 (Russakovsky et al. 2015, Int. J. Comput. Vis. 115, 211), sorted by
synset as torchvision, timm and the paper's authors number it: n01440764, a tench, is 0. A folder
that holds some of the classes only could not be numbered without it.

Knows: the list. Does not know: folders, labels, networks.
"""

from functools import cache
from pathlib import Path


@cache
def numbers() -> dict[str, int]:
    """synset -> class, 0..999."""
    lines = Path(__file__).with_name("imagenet_synsets.txt").read_text("ascii").split()
    return {synset: number for number, synset in enumerate(lines)}
