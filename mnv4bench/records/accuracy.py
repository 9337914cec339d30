"""What a file answered to labelled images."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mnv4bench.records.artifacts import Artifact, Preprocessing
from mnv4bench.records.devices import Environment
from mnv4bench.records.words import Name, Sha256

UNREADABLE = -1
Rank = Annotated[int, Meta(ge=UNREADABLE)]


class DataSet(Struct, frozen=True, kw_only=True):
    """A folder of labelled images, as it was at the time."""

    name: Name  # the folder's
    sha256: Sha256  # over each image's path in the folder, class and content, in order
    count: Annotated[int, Meta(ge=1)]  # images, unreadable ones included
    numbering: str  # how a label became the number of an output, e.g. "ImageNet synsets"


class UnreadableImage(Struct, frozen=True, kw_only=True):
    """An image that was no part of the evaluation."""

    name: str  # its path in the folder
    reason: str


class Evaluation(Struct, frozen=True, kw_only=True):
    """One artifact on one data set: for each image how many classes came before its own."""

    artifact: Artifact
    dataset: DataSet
    preprocessing: Preprocessing
    environment: Environment  # the runtime's name is its package's
    decoder: str | None = None  # the package that decoded the images, with version
    classes: Annotated[int, Meta(ge=2)]  # outputs of the artifact
    # In the data set's order. 0: the image's own class scored highest; UNREADABLE: not an image.
    # Of equal scores the lower class comes first; an output that is not finite ranks last.
    ranks: tuple[Rank, ...] = ()
    unreadable: tuple[UnreadableImage, ...] = ()  # one for each such rank, in order
    started_at: str
    finished_at: str | None = None  # set when sealed
