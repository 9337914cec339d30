"""All images of a data set through one file, by all processors; goes on where it was stopped.

Each thread has the file to itself, on one thread of the runtime: reading an image takes as long as
a small network does, both leave Python's lock alone, and nothing waits for anything. So the
outputs do not depend on how many threads there are.

Knows: how scores become ranks, and what of the work is worth keeping. Does not know: where it is
kept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mnv4bench import images
from mnv4bench.accuracy import classifier
from mnv4bench.accuracy.ahead import in_order
from mnv4bench.accuracy.classifier import Classifier
from mnv4bench.accuracy.datasets import Labelled
from mnv4bench.errors import NotMeasured
from mnv4bench.records import UNREADABLE, Evaluation, UnreadableImage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Images handed to a thread at once, or one batch: enough that handing them over costs nothing.
CHUNK = 8
# A kill loses at most what was done in this time; writing a large evaluation takes a hundredth.
SAVE_EVERY_S = 5.0


@dataclass(frozen=True)
class Part:
    """What came of some images, in order."""

    ranks: tuple[int, ...]
    unreadable: tuple[UnreadableImage, ...]


def evaluate(
    begun: Evaluation,
    labelled: Labelled,
    file: Path,
    *,
    batch: int,
    jobs: int,
    save: Callable[[Evaluation], object],
    listen: Callable[[Part], object],
) -> Evaluation:
    """The rest of ``begun``, sealed. ``labelled`` must be its data set, ``file`` its artifact.

    ``batch`` is how many images the file takes at once. Saved every SAVE_EVERY_S, at the end, and
    when it is stopped; each time as a whole evaluation of the images so far. ``listen`` is told
    each part once. Raises NotMeasured when no image at all can be read; errors of the runtime and
    KeyboardInterrupt pass through, after saving.
    """
    threads, stop = threading.local(), threading.Event()
    artifact, prepared = begun.artifact, begun.preprocessing

    def work(places: Sequence[int]) -> Part:
        if not hasattr(threads, "classifier"):
            threads.classifier = classifier.load(file, artifact.format, prepared.crop_px)
        return _ranked(threads.classifier, labelled, places, begun, stop)

    ranks, unreadable = list(begun.ranks), list(begun.unreadable)

    def so_far(finished_at: str | None = None) -> Evaluation:
        return replace(
            begun, ranks=tuple(ranks), unreadable=tuple(unreadable), finished_at=finished_at
        )

    count, saved_at = len(labelled.files), time.monotonic()
    step = batch * max(1, CHUNK // batch)
    chunks = [range(at, min(at + step, count)) for at in range(len(ranks), count, step)]
    results = in_order(jobs, work, chunks)
    with images.without_warnings():
        try:
            for part in results:
                ranks += part.ranks
                unreadable += part.unreadable
                listen(part)
                if time.monotonic() - saved_at > SAVE_EVERY_S:
                    save(so_far())
                    saved_at = time.monotonic()
        except BaseException:
            stop.set()
            results.close()
            save(so_far())
            raise
    if len(unreadable) == len(ranks):
        raise NotMeasured(
            f"none of the {len(ranks):,} images could be read; {unreadable[0].name}: "
            f"{unreadable[0].reason}.",
            "give a folder of whole images",
        )
    sealed = so_far(datetime.now(UTC).isoformat(timespec="seconds"))
    save(sealed)
    return sealed


def without_mended(kept: Evaluation, labelled: Labelled) -> Evaluation:
    """``kept``, reopened before the first image that can be read by now and could not then.

    The digest of the data set stays the same when only the machine was at fault. ``kept`` itself
    where nothing has changed.
    """
    places = [place for place, one in enumerate(kept.ranks) if one == UNREADABLE]
    with images.without_warnings():
        for order, place in enumerate(places):
            try:
                images.read(labelled.files[place], kept.preprocessing)
            except images.Unreadable:
                continue
            return replace(
                kept,
                ranks=kept.ranks[:place],
                unreadable=kept.unreadable[:order],
                finished_at=None,
            )
    return kept


def _ranked(
    net: Classifier,
    labelled: Labelled,
    places: Sequence[int],
    begun: Evaluation,
    stop: threading.Event,
) -> Part:
    """The images at ``places``; fewer when it is stopped, and then nothing of it is used."""
    ranks: dict[int, int] = {}
    unreadable = []
    waiting: list[tuple[int, NDArray[np.float32]]] = []

    def flush() -> None:
        if waiting:
            for (place, _), scores in zip(
                waiting, net.scores([image for _, image in waiting]), strict=True
            ):
                ranks[place] = rank(scores, labelled.classes[place])
            waiting.clear()

    for place in places:
        if stop.is_set():
            break
        try:
            waiting.append((place, images.read(labelled.files[place], begun.preprocessing)))
        except images.Unreadable as error:
            ranks[place] = UNREADABLE
            unreadable.append(UnreadableImage(name=labelled.name(place), reason=error.reason))
        if len(waiting) == net.batch:
            flush()
    flush()
    return Part(tuple(ranks[place] for place in sorted(ranks)), tuple(unreadable))


def rank(scores: NDArray[np.float32], own: int) -> int:
    """How many classes come before ``own`` when the highest of ``scores`` (classes,) comes first.

    Equal scores stand in the order of their classes, as argmax has it; eight bits make many equal.
    Behind all classes when any score is not finite: a file that overflows is never right.
    """
    import numpy as np

    if not np.isfinite(scores).all():
        return len(scores)
    before = int((scores > scores[own]).sum())
    return before + int((scores[:own] == scores[own]).sum())
