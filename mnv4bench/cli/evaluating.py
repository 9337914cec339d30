"""Files on a data set, from the first look to the sealed evaluation, with a display."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench import images, units
from mnv4bench.accuracy.classifier import Classifier
from mnv4bench.accuracy.datasets import Labelled
from mnv4bench.cli.preparing import Preparing
from mnv4bench.errors import UsageError
from mnv4bench.export import ExportedFile
from mnv4bench.records import UNREADABLE, DataSet, Evaluation, Preprocessing
from mnv4bench.render.progress import Board

if TYPE_CHECKING:
    from mnv4bench.accuracy.evaluate import Part

REDRAW_EVERY_S = 0.2
LINE_EVERY_S = 30.0  # where there is no terminal


@dataclass(frozen=True)
class Subject:
    """One file with everything that its evaluation rests on."""

    file: ExportedFile
    classifier: Classifier
    preprocessing: Preprocessing
    labelled: Labelled


def subject(file: ExportedFile, asked: Preparing, data: Path, labels: Path | None) -> Subject:
    """The file loaded once, and the data set numbered for its classes; nothing slow yet."""
    from mnv4bench.accuracy import classifier, datasets

    loaded = classifier.load(file.path, file.artifact.format, file.artifact.input_px)
    prepared = asked.settle(file.artifact, loaded)
    return Subject(file, loaded, prepared, datasets.open_folder(data, labels, loaded.classes))


def require_alike(subjects: Sequence[Subject]) -> None:
    """Raises UsageError when two files are one, or number the same classes differently."""
    first, last = subjects[0], subjects[-1]
    if first is not last and first.file.artifact.sha256 == last.file.artifact.sha256:
        raise UsageError(
            f"{first.file.path.name} and {last.file.path.name} are the same file, byte for byte.",
            "give another one to --compare",
        )
    if first.labelled.classes != last.labelled.classes:
        raise UsageError(
            f"the two files number the classes of {first.labelled.folder} differently "
            f"({first.classifier.classes} and {last.classifier.classes} outputs).",
            "compare files that were trained for the same classes",
        )


def evaluate_all(subjects: Sequence[Subject], reports: Path, jobs: int) -> list[Evaluation]:
    """An evaluation of each, kept below ``reports``; one that is there already is taken as it is.

    Ctrl-C passes through; what was done by then is kept and gone on with.
    """
    from mnv4bench.accuracy import datasets

    labelled = subjects[0].labelled
    with EvaluatingBoard(labelled) as board:
        dataset = datasets.describe(labelled, jobs, board.looked_at)
        return [_evaluate(one, dataset, reports, jobs, board) for one in subjects]


def _evaluate(
    subject: Subject, dataset: DataSet, reports: Path, jobs: int, board: EvaluatingBoard
) -> Evaluation:
    from mnv4bench import store
    from mnv4bench.accuracy import evaluate

    begun = _begin(subject, dataset)
    path = store.evaluation_path(reports, begun)
    if kept := store.kept_evaluation(reports, begun):
        begun = evaluate.without_mended(kept, subject.labelled)
        if begun.finished_at is not None:
            board.line(f"evaluated before, on {begun.finished_at[:10]}: {path}")
            return begun
        if kept.finished_at is not None:
            board.line("an image that could not be read then can be read now")
            store.reopen(reports, begun)
        board.line(f"going on after {len(begun.ranks):,} of {dataset.count:,} images: {path}")
    board.begin(begun)
    try:
        return evaluate.evaluate(
            begun,
            subject.labelled,
            subject.file.path,
            batch=subject.classifier.batch,
            jobs=jobs,
            save=lambda current: store.write_evaluation(reports, current),
            listen=board.heard,
        )
    except KeyboardInterrupt:
        board.line(f"stopped; {path} holds what was done. The same command goes on from there.")
        raise


def _begin(subject: Subject, dataset: DataSet) -> Evaluation:
    from mnv4bench.devices import host_facts

    name, _, version = subject.classifier.loaded.runtime.rpartition(" ")
    return Evaluation(
        artifact=subject.file.artifact,
        dataset=dataset,
        preprocessing=subject.preprocessing,
        environment=host_facts.environment(name or version, version if name else None),
        decoder=images.decoder(),
        classes=subject.classifier.classes,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


class EvaluatingBoard(Board):
    """Images so far and top-1 among them."""

    def __init__(self, labelled: Labelled) -> None:
        self._count = len(labelled.files)
        self._model, self._done, self._right, self._unreadable = "", 0, 0, 0
        self._began_at = self._said_at = self._drawn_at = 0.0
        self._began_with = 0
        count = units.plural(self._count, "image")
        super().__init__(
            f"evaluating on {count} of {labelled.folder}",
            ("file", "images", "top-1 so far", "unreadable", "left"),
        )

    def looked_at(self, done: int) -> None:
        if time.monotonic() - self._drawn_at > REDRAW_EVERY_S or done == self._count:
            self.now(f"looked at {done:,} of {self._count:,} images")
            self._drawn_at = time.monotonic()

    def begin(self, evaluation: Evaluation) -> None:
        artifact = evaluation.artifact
        self._model = f"{artifact.model} {artifact.format} {artifact.precision}"
        self._done, self._right = len(evaluation.ranks), evaluation.ranks.count(0)
        self._unreadable = evaluation.ranks.count(UNREADABLE)
        self._began_at = self._said_at = time.monotonic()
        self._began_with = self._done
        self.now("")

    def heard(self, part: Part) -> None:
        self._done += len(part.ranks)
        self._right += part.ranks.count(0)
        self._unreadable += len(part.unreadable)
        if time.monotonic() - self._drawn_at > REDRAW_EVERY_S or self._done == self._count:
            self.rows([self._row()])
            self._drawn_at = time.monotonic()
        if time.monotonic() - self._said_at > LINE_EVERY_S:
            model, images, top1, _, left = self._row()
            self.line_elsewhere(f"{model}: {images} images, top-1 so far {top1}, {left} left")
            self._said_at = time.monotonic()

    def _row(self) -> tuple[str, ...]:
        readable = self._done - self._unreadable
        rate = (self._done - self._began_with) / max(time.monotonic() - self._began_at, 1e-9)
        left = (self._count - self._done) / rate if rate else 0.0
        return (
            self._model,
            f"{self._done:,} of {self._count:,}",
            units.top1(100 * self._right / readable) if readable else "",
            f"{self._unreadable:,}" if self._unreadable else "",
            f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s",
        )
