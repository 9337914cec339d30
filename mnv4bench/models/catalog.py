"""The one table of models: what can be built here, under which name, and what it costs.

Names are mnv4bench's own and stay as they are; ``timm:NAME`` takes any image classifier of timm,
and a path that ends in .toml a network of one's own (custom). The variants that the paper's
ablations compare have names too, and stand in no list.

Knows: names, families, input sizes, counts. Does not know: torch, weights, latency. Asking for a
``timm:NAME`` is the exception that has to import timm, because only timm knows its input size.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from mnv4bench.errors import MissingExtra, UsageError, nearest
from mnv4bench.models import ablations, accuracies, counts, custom, published, specs
from mnv4bench.models.specs import Network
from mnv4bench.records import ModelEntry

TIMM_PREFIX = "timm:"

# What `run` measures when nothing is said: four families from 60 M to 1.3 G MACs, each exported
# in seconds and at most some 20 ms an inference on one laptop core, so that all of it takes
# about five minutes.
DEFAULT_MODELS = (
    "mnv4-conv-s",
    "mnv4-conv-m",
    "mnv4-hybrid-m",
    "mobilenetv3-small",
    "mobilenetv3-large",
    "fastvit-t8",
    "efficientvit-b0",
    "efficientvit-b1",
)


class Definition(Struct, frozen=True):
    """One row: how a model is built. ``network`` is None for what timm builds."""

    model: str
    family: str
    arch: str  # timm's name of the architecture, which its checkpoints carry; "": it has none
    input_px: int  # the paper's, or the training's where the paper has no such row
    params: int  # as trained, 1000 classes: before re-parameterisation
    macs: int  # deployed form, one image of input_px
    network: Network | None = None


def _mnv4(network: Network, arch: str) -> Definition:
    return Definition(
        network.name,
        "MobileNetV4",
        arch,
        network.input_px,
        counts.total_params(network),
        counts.total_macs(network),
        network,
    )


# Counts of timm's networks were taken from timm 1.0.31 by build.measured_macs and are taken again
# by a test. FastViT's parameters are those of training, its MACs those of the deployed form.
_TABLE = (
    _mnv4(specs.CONV_S, "mobilenetv4_conv_small"),
    _mnv4(specs.CONV_M, "mobilenetv4_conv_medium"),
    _mnv4(specs.CONV_L, "mobilenetv4_conv_large"),
    _mnv4(specs.HYBRID_M, "mobilenetv4_hybrid_medium"),
    _mnv4(specs.HYBRID_L, "mobilenetv4_hybrid_large"),
    Definition(
        "mobilenetv3-small", "MobileNetV3", "mobilenetv3_small_100", 224, 2_542_856, 56_510_400
    ),
    Definition(
        "mobilenetv3-large", "MobileNetV3", "mobilenetv3_large_100", 224, 5_483_032, 216_589_760
    ),
    Definition("fastvit-t8", "FastViT", "fastvit_t8", 256, 4_026_232, 685_160_448),
    Definition("fastvit-t12", "FastViT", "fastvit_t12", 256, 7_553_704, 1_390_944_256),
    Definition("fastvit-s12", "FastViT", "fastvit_s12", 256, 9_473_576, 1_793_597_440),
    Definition("fastvit-sa12", "FastViT", "fastvit_sa12", 256, 11_580_968, 1_937_219_584),
    Definition("fastvit-sa24", "FastViT", "fastvit_sa24", 256, 21_554_216, 3_762_069_504),
    Definition("fastvit-sa36", "FastViT", "fastvit_sa36", 256, 31_527_464, 5_586_919_424),
    Definition("efficientvit-b0", "EfficientViT", "efficientvit_b0", 224, 3_410_008, 100_233_216),
    Definition("efficientvit-b1", "EfficientViT", "efficientvit_b1", 224, 9_102_024, 519_214_592),
    Definition(
        "efficientvit-b2", "EfficientViT", "efficientvit_b2", 256, 24_330_712, 2_067_533_824
    ),
    Definition(
        "efficientvit-b3", "EfficientViT", "efficientvit_b3", 224, 48_646_056, 3_953_822_208
    ),
)


@cache
def entries() -> tuple[ModelEntry, ...]:
    """Every model of the table, MobileNetV4 first, each family from small to large."""
    return tuple(_entry(row) for row in _TABLE)


def _entry(row: Definition) -> ModelEntry:
    return ModelEntry(
        model=row.model,
        family=row.family,
        input_px=row.input_px,
        params=row.params,
        macs=row.macs,
        accuracies=accuracies.of(row.model),
    )


def entry(model: str) -> ModelEntry:
    """The entry of ``model``; for ``timm:NAME`` without counts, which cost a build.

    A network of one's own has no accuracies, whatever it is called.
    Raises UsageError for an unknown name, and for a timm model that is no image classifier; for a
    .toml file as ``definition`` does.
    """
    if is_timm(model):
        from mnv4bench.models import baselines

        px = int(baselines.config(arch(model)).input_size[1])
        return ModelEntry(model=model, family="timm", input_px=px, params=None, macs=None)
    wanted = definition(model)
    return next((row for row in entries() if row.model == wanted.model), _entry(wanted))


def definition(model: str) -> Definition:
    """The table's row of ``model``, that of an ablation's variant, or of a .toml file, now read.

    Raises UsageError with the nearest names for any other, and when there is no such file; BadFile
    with place and reason for one that is no network.
    """
    if custom.is_custom(model):
        return _own(custom.read(Path(model)))
    for row in _TABLE:
        if row.model == model:
            return row
    if network := ablations.networks().get(model):
        return structs.replace(_mnv4(network, ""), family=ablations.FAMILY)
    raise UsageError(
        f"There is no model {model!r}; {nearest(model, [row.model for row in _TABLE])}.",
        "mnv4bench models lists them; timm:NAME takes any image classifier of timm, FILE.toml a "
        "network of your own",
    )


def _own(network: Network) -> Definition:
    """The row of a network that somebody brought.

    A name that has published figures would borrow them, so it becomes one that has none.
    """
    taken = {row.model for row in _TABLE} | {cell.model for cell in published.table()}
    taken |= ablations.networks().keys()
    name = f"{network.name}{custom.SUFFIX}" if network.name in taken else network.name
    return structs.replace(_mnv4(network, ""), model=name, family=custom.FAMILY)


def name_of(model: str) -> str:
    """What ``model`` is called in reports. Raises as ``definition`` does for a .toml file."""
    return definition(model).model if custom.is_custom(model) else model


def has_checkpoints(model: str) -> bool:
    """Whether anybody publishes trained weights of this architecture."""
    return is_timm(model) or bool(definition(model).arch)


def is_timm(model: str) -> bool:
    """Whether ``model`` has the form ``timm:NAME``; says nothing about whether timm has it."""
    return model.startswith(TIMM_PREFIX)


def arch(model: str) -> str:
    """timm's name of the architecture: what its checkpoints are called after."""
    return model.removeprefix(TIMM_PREFIX) if is_timm(model) else definition(model).arch


def spec_digest(model: str) -> str:
    """sha256 of the definition: our table's rows, or timm's architecture name and version.

    A changed digest starts a new history of measurements. Does not import torch or timm.
    """
    network = None if is_timm(model) else definition(model).network
    if network is None:
        text = f"timm {timm_version()} {arch(model)} deployed".encode()
    else:
        text = b"mnv4 %d " % specs.DEFINITION + msgspec.json.encode(network, order="deterministic")
    return hashlib.sha256(text).hexdigest()


def timm_version() -> str:
    """The installed timm's version. Raises MissingExtra when there is none."""
    try:
        return metadata.version("timm")
    except metadata.PackageNotFoundError as error:
        raise MissingExtra("timm", "export", "A baseline model") from error
