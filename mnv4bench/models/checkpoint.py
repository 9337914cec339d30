"""State dicts: read from a file without running its code, and loaded whole or not at all.

Knows: tensors by name. Does not know: what ``--weights`` means, timm's hub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mnv4bench.errors import BadFile

# Batch norm's count of training steps. No output depends on it, and some checkpoints leave it out.
STEP_COUNT = "num_batches_tracked"

NAMES_SHOWN = 3  # of each kind of disagreement; the count tells the rest


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` or a torch file, on the CPU, by name.

    A torch file is a pickle, which could run code: it is opened with ``weights_only``, which
    builds tensors and containers and nothing else. Taken are a bare state dict, one under
    "state_dict" or "model", and names with the "module." of data-parallel training.
    Raises BadFile.
    """
    next_step = "give a state dict saved as .safetensors, or use --weights random"
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            held: object = load_file(path, device="cpu")
        else:
            held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file can fail in any way
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise BadFile(
            f"{path} cannot be read as weights; no code in it was run ({reason[0][:200]}).",
            next_step,
        ) from error
    if isinstance(held, Mapping):
        inner = (held.get(key) for key in ("state_dict", "model"))
        held = next((value for value in inner if isinstance(value, Mapping)), held)
    if not isinstance(held, Mapping) or not held:
        found = "an empty mapping" if held == {} else f"a {type(held).__name__}"
        raise BadFile(f"{path} holds {found}, not tensors by name.", next_step)
    alien = [
        str(name)
        for name, value in held.items()
        if not isinstance(name, str)
        or not isinstance(value, Tensor)
        or value.layout != torch.strided
    ]
    if alien:
        raise BadFile(f"{path} holds things that are no plain tensors: {_some(alien)}.", next_step)
    return _without_prefix(held)


def _without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = "module."
    wrapped = all(name.startswith(prefix) for name in state)
    return {name.removeprefix(prefix) if wrapped else name: state[name] for name in state}


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
