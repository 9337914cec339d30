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

from mnv4bench.errors import MissingExtra, UsageError

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

    Raises UsageError for a tag that timm does not publish on the hub for this architecture and its
    number of classes, and as ``config`` does.
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
    if not found.hf_hub_id:  # a few old ones
        raise UsageError(
            f"timm keeps {name} outside the hub, at {found.url}.",
            "download it and give it as --weights FILE, or use --weights random",
        )
    return found


def create(arch: str, tag: str | None = None, classes: int | None = None) -> nn.Module:
    """The network freshly initialised from torch's generator, in training form.

    With ``tag`` at that checkpoint's size, where the size is part of the network; ``classes`` None
    takes as many as timm's configuration names.
    """
    chosen = {} if classes is None else {"num_classes": classes}
    name = f"{arch}.{tag}" if tag else arch
    net: nn.Module = timm_package().create_model(name, pretrained=False, **chosen)
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


def renamed(name: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """``state`` of the published checkpoint "arch.tag" with the names of today's network.

    timm still loads the first files of some architectures (Swin, ConvNeXt) through a filter of
    theirs. What timm cannot load comes back as it is, for the caller to say what does not fit.
    """
    try:
        net = timm_package().create_model(
            name, pretrained=True, pretrained_cfg_overlay={"state_dict": state}
        )
    except Exception:  # noqa: BLE001 - the filters expect their own files and fail in any way
        return state
    loaded: dict[str, Tensor] = net.state_dict()
    return loaded


def _config(name: str) -> Any:
    """timm's PretrainedCfg of ``arch`` or ``arch.tag``."""
    timm_package()
    from timm.models import get_pretrained_cfg

    return get_pretrained_cfg(name)
