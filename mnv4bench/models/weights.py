"""What ``--weights`` means: seeded random, a checkpoint of timm's hub, or a local file.

Knows: the words, where a choice comes from, and how it is named in a cache key. Does not know:
how a network is built or exported. Only ``apply`` imports torch.
"""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct, structs

from mnv4bench.errors import BadFile, UsageError
from mnv4bench.models import accuracies, catalog, custom
from mnv4bench.records import Weights

if TYPE_CHECKING:
    from torch import nn

# Raise it when calibration.py changes what the same seed gives: cached files are then made anew.
CALIBRATION = 4
# Raise it when checkpoint.read takes other tensors from the same file.
READING = 2

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".pth.tar")
MAX_SEED = 2**63 - 1  # what torch's generator and JSON's integers both take
_FORMS = (
    "random, random:SEED, timm, timm:TAG, or a FILE ending in "
    + ", ".join(SUFFIXES)
    + " (FILE:CLASSES for a classifier of its own)"
)
_BYTES_PER_READ = 1 << 20
_DIGITS = 12  # of a network's digest: two that agree in so many are one in 10^14


class Random(Struct, frozen=True, tag=True):
    """The network's own initialisation from ``seed``, batch norm calibrated."""

    seed: int = 0


class Timm(Struct, frozen=True, tag=True):
    """A checkpoint of timm's hub. ``tag`` None: the model's default one."""

    tag: str | None = None


class File(Struct, frozen=True, tag=True):
    """A state dict in a local file. ``classes`` None: as many as the model has."""

    path: Path
    classes: int | None = None


WeightsChoice: TypeAlias = Random | Timm | File


def parse(text: str) -> WeightsChoice:
    """The choice that ``--weights text`` makes. Raises UsageError with what would be understood."""
    word, colon, detail = text.partition(":")
    match word:
        case "random" if not colon:
            return Random()
        case "random" if re.fullmatch("[0-9]{1,19}", detail) and int(detail) <= MAX_SEED:
            return Random(int(detail))
        case "random":
            raise UsageError(
                f"--weights {text}: a seed is a whole number from 0 to {MAX_SEED}.",
                "--weights random:0",
            )
        case "timm" if not colon:
            return Timm()
        case "timm" if detail:
            return Timm(detail)
    path, classes = Path(text), None
    found = _found(path)
    if found != "file" and (both := re.fullmatch("(.+):([1-9][0-9]{0,5})", text)):
        path, classes = Path(both[1]), int(both[2])
        found = _found(path)
    if not path.name.endswith(SUFFIXES):
        kind = "a file of another kind" if found == "file" else "neither a word nor a file known"
        raise UsageError(f"--weights {text} is {kind} here.", f"give {_FORMS}")
    if found != "file":
        raise UsageError(
            f"--weights {text} names a file that is {found}.", f"check the path, or give {_FORMS}"
        )
    return File(path, classes)


def _found(path: Path) -> str:
    """ "file", or what stands at ``path`` instead, as the end of a sentence."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "not there"
    except (OSError, ValueError) as error:  # no permission; a name that no file can have
        return f"out of reach ({getattr(error, 'strerror', None) or error})"
    if stat.S_ISREG(mode):
        return "file"
    return "a directory" if stat.S_ISDIR(mode) else "no regular file"


def timm_tag(choice: Timm, model: str) -> str | None:
    """The tag that ``choice`` means for ``model``; None leaves it to timm (``timm:NAME`` only).

    Without a tag it is the plain ImageNet-1k training at the model's input size, the row of
    ``accuracies.default``; timm's own default may be a fine-tuned or larger-input one.
    Raises UsageError for a network that nobody publishes checkpoints of.
    """
    if not catalog.has_checkpoints(model):
        raise UsageError(
            f"{model} has no published checkpoints.",
            "--weights random for its latency, or --weights FILE with weights of your own",
        )
    row = accuracies.default(model, "timm")
    return choice.tag or (row.weights.partition(".")[2] if row else None)


def identity(choice: WeightsChoice, model: str) -> str:
    """What tells these weights from others, for a cache key. Without torch; a file is read once.

    Raises BadFile when the file cannot be read.
    """
    match choice:
        case Random(seed=seed):
            return f"random seed {seed} calibration {CALIBRATION}"
        case Timm():
            tag = timm_tag(choice, model) or "default"
            return f"timm {catalog.timm_version()} {catalog.arch(model)}.{tag}"
        case File(path=path, classes=classes):
            return f"file sha256 {_file_sha256(path)} classes {classes} reading {READING}"


def _file_sha256(path: Path) -> str:
    sha256 = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BYTES_PER_READ):
                sha256.update(block)
    except OSError as error:
        raise BadFile(
            f"{path} cannot be read: {error.strerror}.", "check its path and permissions"
        ) from error
    return sha256.hexdigest()


def apply(net: nn.Module, choice: WeightsChoice, model: str, input_px: int) -> Weights:
    """Give ``net`` its weights in place and say what they are; ``net`` is in eval mode after it.

    For Random the network has to come freshly initialised, under ``calibration.seeded``.
    Raises UsageError (no such tag), NotMeasured (hub out of reach), BadFile (does not fit).
    """
    from mnv4bench.models import calibration, checkpoint

    kind: Literal["random", "timm", "file"]
    match choice:
        case Random(seed=seed):
            kind, detail = "random", f"seed {seed}"
            calibration.calibrate(net, input_px, seed)
        case Timm():
            kind, detail = "timm", _load_from_hub(net, choice, model)
        case File():
            kind, detail = "file", _load_from_file(net, choice, model)
    net.eval()
    return Weights(kind=kind, detail=detail, sha256=checkpoint.digest(net.state_dict()))


def of_network(weights: Weights, model: str) -> Weights:
    """``weights``, saying of which network where its name does not.

    Two files of one name may be two networks. What is measured is told apart by its weights'
    text everywhere (fronts, histories, comparisons), so that holds the network's digest.
    """
    if not custom.is_custom(model):
        return weights
    detail = f"{weights.detail}, network {catalog.spec_digest(model)[:_DIGITS]}"
    return structs.replace(weights, detail=detail)


def _load_from_hub(net: nn.Module, choice: Timm, model: str) -> str:
    """Load the tag's published file; returns "arch.tag"."""
    from mnv4bench.models import baselines, checkpoint, hub

    arch = catalog.arch(model)
    published = baselines.published(arch, timm_tag(choice, model))
    name = f"{arch}.{published.tag}"
    path = hub.fetch(published.hf_hub_id)
    try:
        state, _ = checkpoint.read(path)
        if catalog.is_timm(model) or catalog.definition(model).network is None:
            state = baselines.renamed(name, state)
        checkpoint.load_whole(net, state, f"timm's {name} in {path}", model)
    except BadFile as error:
        raise BadFile(
            error.what, f"delete {path} and run the command again with a connection"
        ) from error
    return name


def _load_from_file(net: nn.Module, choice: File, model: str) -> str:
    """Load the user's file; returns its name with what a reader has to know about it."""
    from mnv4bench.models import checkpoint

    state, average = checkpoint.read(choice.path)
    if unlike := checkpoint.other_classes(net, state):
        found, own = unlike
        raise BadFile(
            f"{choice.path} is for {found} classes, and {model} was built for {own}; nothing was "
            "loaded.",
            f"if {found} classes are meant, say so: --weights {choice.path}:{found}",
        )
    checkpoint.load_whole(net, state, str(choice.path), model)
    notes = [average, f"{choice.classes} classes" if choice.classes else ""]
    told = ", ".join(note for note in notes if note)
    return f"{choice.path.name} ({told})" if told else choice.path.name
