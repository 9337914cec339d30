"""How long counting and predicting take: every network of the catalog, and a thousand made ones.

    python benchmarks/prediction_speed.py

Counting is by running a network on shapes (torch) and is timed without torch's import, which is
said apart. The thousand are MobileNetV4s with widths and depths drawn anew: counted by arithmetic
and predicted from the paper's latencies of one phone, in a process that has no torch.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time

from msgspec.structs import replace

from mnv4bench.models.specs import CONV_M, UIB, Network

SPECS = 1000


def drawn(chosen: random.Random, number: int) -> Network:
    """Conv-M with other widths, and with blocks of a stage left out."""
    stages = []
    for stage in CONV_M.stages:
        out = 8 * chosen.randint(6, 40)
        rows = [stage[0], *(row for row in stage[1:] if chosen.random() > 0.3)]
        stages.append(
            tuple(
                replace(row, out=out, expanded=8 * chosen.randint(8, 128))
                if isinstance(row, UIB)
                else row
                for row in rows
            )
        )
    return replace(CONV_M, name=f"drawn-{number}", stages=tuple(stages))


def predict() -> None:
    """A thousand networks, drawn, counted and predicted."""
    began = time.perf_counter()
    from mnv4bench.analysis import prediction
    from mnv4bench.cli import anchors
    from mnv4bench.models import published_tables, spec_layers

    every = anchors.published([published_tables.paper()])
    one = next(one for one in every if one.device == "pixel6-cpu")
    predictor = prediction.fit(
        one.device, one.precision, one.known, origin=one.origin, source=one.source
    )
    assert predictor is not None
    fitted = time.perf_counter()
    chosen, predicted = random.Random(0), 0
    for number in range(SPECS):
        network = drawn(chosen, number)
        costs = spec_layers.of(network)
        if prediction.refusal(predictor, costs) is None:
            predicted += prediction.predict(predictor, network.name, 256, costs).latency_s > 0
    ended = time.perf_counter()
    assert "torch" not in sys.modules
    print(
        f"fit, once: {fitted - began:.2f} s; {SPECS} networks: {ended - fitted:.2f} s "
        f"({predicted} predicted, {SPECS - predicted} outside of what is known)"
    )


def count() -> None:
    """Each network of the catalog, on shapes."""
    began = time.perf_counter()
    from mnv4bench.models import baselines, catalog, layers

    baselines.timm_package()
    print(f"torch and timm, once: {time.perf_counter() - began:.2f} s")
    took = {}
    for entry in catalog.entries():
        before = time.perf_counter()
        assert layers.of(entry.model).macs == entry.macs
        took[entry.model] = time.perf_counter() - before
    slowest = max(took, key=lambda model: took[model])
    print(
        f"{len(took)} networks counted: {sum(took.values()):.1f} s in all, the slowest "
        f"{slowest} {took[slowest]:.2f} s"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["count"]:
        count()
    elif sys.argv[1:] == ["predict"]:
        predict()
    else:  # each in a fresh process
        for part in ("count", "predict"):
            subprocess.run([sys.executable, __file__, part], check=True)
