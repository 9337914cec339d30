"""timm's networks: built, looked up, given their published checkpoints, brought to deployed form.

The only module that imports timm, through ``timm_package``.

Knows: timm 1.0. Does not know: our names for models, exporters, accuracies.
"""

from __future__ import annotations

import importlib
import sys
from difflib import get_close_matches
from functools import cache
from types import ModuleType
from typing import Any

from mnv4bench.errors import MissingExtra, NotMeasured, UsageError

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError as error:
    raise MissingExtra("torch", "export", "A timm model") from error

# Operators that torchvision describes to torch at import and that only its compiled part declares.
_TORCHVISION_OPERATORS = ("nms", "qnms")

# Keeps the declarations alive: torch forgets an operator when its Library is collected.
_declared: list[torch.library.Library] = []


@cache
def timm_package() -> ModuleType:
    """timm, imported once. Raises MissingExtra when it or torchvision is not installed.

    timm needs torchvision for its image transforms, which are not used here. A torchvision built
    for CUDA beside a torch built for CPU, a pair that package indexes easily give, cannot load its
    compiled part and then dies at import: "operator torchvision::nms does not exist". In that case,
    and only then, the missing operators are declared (no kernel: nobody calls them) and the import
    is repeated. Where torchvision works nothing is touched: declaring twice would clash.
    """
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError as error:
        raise MissingExtra("torchvision", "export", "timm") from error
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        _declare_torchvision_operators()
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError as error:
        raise MissingExtra("timm", "export", "A baseline model") from error


def _declare_torchvision_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in _TORCHVISION_OPERATORS:
        if not hasattr(torch.ops.torchvision, operator):
            schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # what the failed import left behind


def config(arch: str) -> Any:
    """timm's PretrainedCfg of ``arch``: that of its default checkpoint, where it has one.

    Raises UsageError for a name that timm does not have, and for a network that does not turn one
    square RGB image into class scores.
    """
    timm = timm_package()
    if "." in arch or not timm.is_model(arch):  # timm itself would take "arch.tag" here
        known = timm.list_models()
        close = get_close_matches(arch, known, n=3, cutoff=0.5)
        hint = f"nearest: {', '.join(close)}" if close else f"it has {len(known)} models"
        raise UsageError(
            f"timm {timm.__version__} has no model {arch!r}; {hint}.",
            "give the architecture's name; a checkpoint's tag goes into --weights timm:TAG",
        )
    found = _config(arch)
    channels, height, width = found.input_size
    if (channels, height) != (3, width) or not found.num_classes:
        raise UsageError(
            f"timm:{arch} is no classifier of square RGB images: input {found.input_size}, "
            f"{found.num_classes} classes.",
            "choose one with a classifier, e.g. timm:resnet18",
        )
    return found


def published(arch: str, tag: str | None) -> Any:
    """timm's PretrainedCfg of the checkpoint ``arch.tag``; ``tag`` None takes timm's default.

    Raises UsageError for a tag that timm does not publish for this architecture and its number of
    classes, and as ``config`` does.
    """
    timm = timm_package()
    default = config(arch)
    tag = tag or default.tag
    name = f"{arch}.{tag}"
    tags = [one.partition(".")[2] for one in timm.list_pretrained(f"{arch}.*")]
    if tag not in tags:
        raise UsageError(
            f"timm {timm.__version__} publishes no checkpoint {name!r}; for this architecture it "
            f"has: {', '.join(tags) or 'none'}.",
            "give one of them as --weights timm:TAG, or use --weights random",
        )
    found = _config(name)
    if found.num_classes != default.num_classes:
        raise UsageError(
            f"{name} was trained for {found.num_classes} classes; this model has "
            f"{default.num_classes}.",
            "choose a checkpoint whose tag ends in in1k",
        )
    return found


def create(arch: str) -> nn.Module:
    """The network freshly initialised from torch's generator, in training form."""
    net: nn.Module = timm_package().create_model(arch, pretrained=False)
    return net


def deployed(net: nn.Module) -> nn.Module:
    """``net`` in the form in which it is deployed: parallel branches merged (FastViT, RepVGG).

    Works in place, after the weights are in, and in eval mode, because merging uses the
    statistics of batch norm.
    """
    timm_package()
    from timm.utils import reparameterize_model

    merged: nn.Module = reparameterize_model(net.eval(), inplace=True)
    return merged


def hub_state(arch: str, tag: str | None) -> tuple[str, dict[str, Tensor]]:
    """("arch.tag", its state dict), through timm's hub loader and its cache.

    Raises UsageError as ``published`` does, NotMeasured when the hub cannot be reached.
    """
    timm = timm_package()
    name = f"{arch}.{published(arch, tag).tag}"
    try:
        net = timm.create_model(name, pretrained=True)
    except Exception as error:  # the hub client and its HTTP library raise many kinds
        raise NotMeasured(
            f"timm's hub could not be reached for the checkpoint {name}, and no copy of it is in "
            f"the local cache ({type(error).__name__}: {_first_line(error)}).",
            "try again with a connection, give a file as --weights FILE, or use --weights random",
        ) from error
    return name, net.state_dict()


def _config(name: str) -> Any:
    """timm's PretrainedCfg of ``arch`` or ``arch.tag``."""
    timm_package()
    from timm.models import get_pretrained_cfg

    return get_pretrained_cfg(name)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no reason given")[:200]
