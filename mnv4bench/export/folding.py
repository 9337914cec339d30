"""Batch norms go into the convolutions before them, before any exporter sees the network.

The exporters would fold them too, but only after writing each one out as a dozen operators: a
network folded beforehand gives the same graph in half the time (Conv-S to TFLite: 9 s, not 16).

Knows: which norm follows which convolution. Does not know: formats; and nobody has to trust it,
because a finished file is compared with the network as it was built (parity).
"""

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


def folded(net: "nn.Module", example: "Tensor") -> "nn.Module":
    """A copy of ``net`` (eval) without the batch norms that alone use what a convolution gives.

    ``example`` is one input: which norm follows which convolution is seen by running it once. A
    norm whose input is anything else stays. So does one behind a convolution that runs twice, or
    whose output goes elsewhere too: FastViT adds its position encoding to the norm's result.
    """
    import torch
    from torch import nn
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    net = copy.deepcopy(net).eval()
    outputs: list[tuple[Tensor, nn.Conv2d]] = []  # kept alive, so that no identity is used twice
    uses: dict[int, int] = {}  # identity of an output -> how many operators read it
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d, Tensor]] = []
    ran: list[nn.Module] = []

    class CountUses(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own, untyped
        def __torch_dispatch__(
            self, operator: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            for leaf in tree_leaves((args, kwargs)):
                if id(leaf) in uses:
                    uses[id(leaf)] += 1
            return operator(*args, **(kwargs or {}))

    def convolved(conv: nn.Module, _: object, output: "Tensor") -> None:
        assert isinstance(conv, nn.Conv2d)
        ran.append(conv)
        outputs.append((output, conv))
        uses[id(output)] = 0

    def normalising(norm: nn.Module, inputs: "tuple[Tensor, ...]") -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        ran.append(norm)
        pairs.extend((conv, norm, seen) for seen, conv in outputs if seen is inputs[0])

    hooks = [
        module.register_forward_hook(convolved)
        if isinstance(module, nn.Conv2d)
        else module.register_forward_pre_hook(normalising)
        for module in net.modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    with torch.no_grad(), CountUses():  # type: ignore[no-untyped-call]
        net(example)
    for hook in hooks:
        hook.remove()
    for conv, norm, output in pairs:
        alone = ran.count(conv) == ran.count(norm) == 1 and uses[id(output)] == 1
        if alone and norm.running_var is not None:
            _fold(conv, norm)
            _replace(net, norm, _rest(norm))
    return net


def _fold(conv: "nn.Conv2d", norm: "nn.BatchNorm2d") -> None:
    """torch's own folding, computed in double precision and rounded once."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    assert norm.running_mean is not None
    assert norm.running_var is not None
    weight, bias = fuse_conv_bn_weights(
        conv.weight.double(),  # (C_out, C_in / groups, k, k)
        None if conv.bias is None else conv.bias.double(),
        norm.running_mean.double(),  # (C_out,), as all that follow
        norm.running_var.double(),
        norm.eps,
        None if norm.weight is None else norm.weight.double(),
        None if norm.bias is None else norm.bias.double(),
    )
    conv.weight = nn.Parameter(weight.to(norm.running_mean.dtype), requires_grad=False)
    conv.bias = nn.Parameter(bias.to(norm.running_mean.dtype), requires_grad=False)


def _rest(norm: "nn.BatchNorm2d") -> "nn.Module":
    """What else the module did: timm's BatchNormAct2d is a norm, a drop-out and an activation."""
    from torch import nn

    after = [part for name, part in norm.named_children() if name in ("drop", "act")]
    return nn.Sequential(*after) if after else nn.Identity()


def _replace(net: "nn.Module", old: "nn.Module", new: "nn.Module") -> None:
    for name, module in list(net.named_modules()):
        if module is old:
            parent, _, child = name.rpartition(".")
            setattr(net.get_submodule(parent), child, new)
