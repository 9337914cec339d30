"""State dicts: read from a file without running its code, and loaded whole or not at all.

Knows: tensors by name. Does not know: what ``--weights`` means, timm's hub.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mnv4bench.errors import BadFile

# Batch norm's count of training steps. No output depends on it, and some checkpoints leave it out.
STEP_COUNT = "num_batches_tracked"

# Where training scripts put the tensors. An average over the steps is what such a run is meant to
# give, so it comes first, as in timm's own loader.
AVERAGED = ("state_dict_ema", "model_ema")
PLAIN = ("state_dict", "model")
# What data-parallel training and torch.compile put before every name.
PREFIXES = ("_orig_mod.", "module.", "_orig_mod.")

NAMES_SHOWN = 3  # of each kind of disagreement; the count tells the rest


def read(path: Path) -> tuple[dict[str, Tensor], str]:
    """(tensors of a ``.safetensors`` or a torch file, on the CPU, by name; which average they are).

    A torch file is a pickle, which could run code: it is opened with ``weights_only``, which
    builds tensors and containers and nothing else (and the plain record of a script's arguments
    that timm's training stores). Taken are a bare state dict, one under a name of ``AVERAGED``,
    which is then told, or of ``PLAIN``, and names with ``PREFIXES``. Raises BadFile.
    """
    next_step = (
        "save its tensors alone (torch.save(net.state_dict(), FILE), or as .safetensors), or use "
        "--weights random"
    )
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            held: object = load_file(path, device="cpu")
        else:
            with torch.serialization.safe_globals([argparse.Namespace]):
                held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file can fail in any way
        raise BadFile(
            f"{path} cannot be read as weights; no code in it was run ({_reason(error)}).",
            next_step,
        ) from error
    average = ""
    if isinstance(held, Mapping):
        inner = (key for key in AVERAGED + PLAIN if isinstance(held.get(key), Mapping))
        if key := next(inner, ""):
            held, average = held[key], key if key in AVERAGED else ""
    if not isinstance(held, Mapping) or not held:
        found = "an empty mapping" if held == {} else f"a {type(held).__name__}"
        raise BadFile(f"{path} holds {found}, not tensors by name.", next_step)
    alien = [
        str(name)
        for name, value in held.items()
        if not isinstance(name, str)
        or not isinstance(value, Tensor)
        or value.layout != torch.strided
        or value.is_meta  # shapes without values
    ]
    if alien:
        raise BadFile(f"{path} holds things that are no plain tensors: {_some(alien)}.", next_step)
    return _without_prefix(held), average


def _reason(error: Exception) -> str:
    """The fact in a reader's message. torch's own goes on to advise reading without protection."""
    text = str(error)
    if asked := re.search(r"Unsupported global: GLOBAL (\S+)", text):
        return f"it asks for {asked[1][:200]}, which is no tensor"
    _, _, inner = text.rpartition("WeightsUnpickler error:")
    lines = inner.strip().splitlines() or [type(error).__name__]
    return lines[0].partition(". ")[0][:200]


def _without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return dict(state)


def other_classes(net: nn.Module, state: Mapping[str, Tensor]) -> tuple[int, int] | None:
    """(classes of ``state``, classes of ``net``) where the two differ in nothing else.

    Then the first dimension of the classifier's tensors is another one, and all else is alike.
    """
    wanted = {name: own for name, own in net.state_dict().items() if not name.endswith(STEP_COUNT)}
    if not wanted.keys() <= state.keys() <= net.state_dict().keys():
        return None
    unlike = {
        (tuple(state[name].shape), tuple(own.shape))
        for name, own in wanted.items()
        if state[name].shape != own.shape
    }
    counts = {found[:1] + own[:1] for found, own in unlike if found[1:] == own[1:]}
    if len(counts) != 1 or any(found[1:] != own[1:] for found, own in unlike):
        return None
    found, *own = counts.pop()
    return (found, own[0]) if found and own else None


def load_whole(net: nn.Module, state: Mapping[str, Tensor], source: str, model: str) -> None:
    """Copy ``state`` into ``net``: every name and shape matches, every value is finite.

    ``source`` and ``model`` name both sides in the message. Raises BadFile; ``net`` is untouched
    then.
    """
    wanted = net.state_dict()
    missing = [name for name in wanted if name not in state and not name.endswith(STEP_COUNT)]
    unexpected = [name for name in state if name not in wanted]
    shapes = [
        f"{name} is {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    kinds = [
        f"{name} is {state[name].dtype}"
        for name in wanted
        if name in state and wanted[name].is_floating_point() != state[name].is_floating_point()
    ]
    unlike = [
        f"{len(names)} {what} ({_some(names)})"
        for what, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", shapes),
            ("of another type", kinds),
        )
        if names
    ]
    if unlike:
        raise BadFile(
            f"{source} does not fit {model}; nothing was loaded. Tensors: {', '.join(unlike)}.",
            f"give a checkpoint of {model} with its own classes, or use --weights random",
        )
    strange = [
        name
        for name, own in wanted.items()
        if name in state and not state[name].to(own.dtype).isfinite().all()
    ]
    if strange:
        raise BadFile(
            f"{source} holds NaN or infinite values in {_some(strange)}; nothing was loaded.",
            "give a checkpoint of finished training, or use --weights random",
        )
    net.load_state_dict(wanted | dict(state), strict=True)


def digest(state: Mapping[str, Tensor]) -> str:
    """sha256 over names, types, shapes and values, in the order of the names."""
    sha256 = hashlib.sha256()
    for name in sorted(state):
        if not name.endswith(STEP_COUNT):
            tensor = state[name].detach().cpu().contiguous()
            sha256.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            sha256.update(tensor.numpy().tobytes())
    return sha256.hexdigest()


def _some(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:NAMES_SHOWN]) + (", ..." if len(shown) > NAMES_SHOWN else "")
