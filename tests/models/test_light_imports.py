"""What reading needs loads no torch."""

import subprocess
import sys

PROBE = """
import sys
from mnv4bench.models import accuracies, catalog, counts, preprocessing, published, specs, weights
catalog.entries(), published.table(), catalog.entry("mnv4-conv-s"), accuracies.of("fastvit-t8")
catalog.spec_digest("timm:resnet18"), catalog.spec_digest("mnv4-hybrid-l")
weights.identity(weights.parse("random:3"), "mnv4-conv-s")
weights.identity(weights.parse("timm"), "fastvit-t8")
preprocessing.input_px("mnv4-conv-s", weights.parse("timm:e3600_r256_in1k"))
preprocessing.of("fastvit-t8", weights.parse("random:3"))
heavy = ("torch", "timm", "torchvision", "numpy", "safetensors", "huggingface_hub")
print([name for name in heavy if name in sys.modules])
"""


def test_the_light_half_loads_nothing_heavy() -> None:
    ran = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
