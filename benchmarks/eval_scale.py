"""How `mnv4bench eval` uses its processors: threads against processes, and its parts against each
other, on seeded JPEGs of ImageNet's usual size. Run: python benchmarks/eval_scale.py FILE

Ratios of one run, alternating: the machine's speed cancels. Processes are the threads' work handed
to forked workers, each with the file loaded; what they cost to start is not counted.
"""

import multiprocessing
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from mnv4bench import images
from mnv4bench.accuracy import classifier
from mnv4bench.accuracy.ahead import in_order
from mnv4bench.export.own import file as own_file

IMAGES, ROUNDS, JOBS, CHUNK = 160, 7, 2, 8


def photographs(folder: Path) -> list[Path]:
    """Smoothed noise, 500 x 375, about 100 kB as JPEG."""
    rng = np.random.default_rng(0)
    for number in range(IMAGES):
        small = Image.fromarray(rng.integers(0, 256, (94, 125, 3), dtype=np.uint8))
        large = np.asarray(small.resize((500, 375), Image.Resampling.BICUBIC), np.int16)
        noisy = large + rng.integers(-12, 13, large.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.jpg")
    return list(images.find(folder))


FILE = Path(sys.argv[1])
FORMAT = own_file.open_file(FILE).artifact.format
HOW = classifier.usual_preprocessing(224)
LOADED: dict[int, classifier.Classifier] = {}


def work(files: list[Path]) -> None:
    key = threading.get_ident()
    if key not in LOADED:
        LOADED[key] = classifier.load(FILE, FORMAT)
    for file in files:
        LOADED[key].scores([images.read(file, HOW)])


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = photographs(Path(folder))
        chunks = [files[at : at + CHUNK] for at in range(0, len(files), CHUNK)]
        with multiprocessing.get_context("fork").Pool(JOBS) as pool:
            pool.map(work, chunks)  # load and warm
            ways = {
                "one thread": lambda: work(files),
                "two threads": lambda: list(in_order(JOBS, work, chunks)),
                "two processes": lambda: pool.map(work, chunks, chunksize=1),
                "reading alone": lambda: [images.read(file, HOW) for file in files],
            }
            for call in ways.values():
                call()
            times: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(ROUNDS):
                for name, call in ways.items():
                    times[name].append(timed(call))
    for name in ("two threads", "two processes", "reading alone"):
        ratios = [one / other for one, other in zip(times[name], times["one thread"], strict=True)]
        print(f"{name}: {median(ratios):.3f} [{min(ratios):.2f}..{max(ratios):.2f}] of one thread")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = median(times["one thread"]) / IMAGES
    print(f"{IMAGES} images, {each * 1e3:.1f} ms an image, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
