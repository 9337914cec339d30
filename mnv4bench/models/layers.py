"""The layers of any network, by running it once on shapes alone.

The network is built on torch's "meta" device: no weight is drawn, no number multiplied, so the
largest takes a second or two, most of it torch's import. What is counted is what the deployed form
runs (baselines.deployed), and agrees to the digit with torch's own FlopCounterMode (tested).

Knows: torch's operators. Does not know: precision, hardware, latencies.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mnv4bench.errors import MissingExtra

try:
    import torch
    from torch import Tensor, nn
    from torch.utils._python_dispatch import TorchDispatchMode
except ModuleNotFoundError as error:
    raise MissingExtra("torch", "export", "Counting a network's layers") from error

from mnv4bench.models import baselines, catalog, mnv4
from mnv4bench.records import Costs, Layer, LayerKind

LARGE_KERNEL = 7
LARGE = f"kernels of {LARGE_KERNEL}x{LARGE_KERNEL} and more"
GROUPED = "grouped convolutions"
WIDENING = "depthwise convolutions that widen"
LAYER_NORM = "layer norm"
LINEAR_ATTENTION = "attention without softmax"

_aten = torch.ops.aten
_PRODUCTS = {_aten.mm: 0, _aten.addmm: 1, _aten.bmm: 0, _aten.baddbmm: 1}  # -> first operand


def of(model: str, input_px: int | None = None) -> Costs:
    """The layers of ``model`` (of the catalog, or timm:NAME) for one image of ``input_px``.

    Raises UsageError for an unknown model, MissingExtra without torch or timm.
    """
    network = None if catalog.is_timm(model) else catalog.definition(model).network
    px = input_px or catalog.entry(model).input_px
    with torch.device("meta"):
        if network is not None:
            return of_module(mnv4.MobileNetV4(network).eval(), px)
        return of_module(baselines.deployed(baselines.create(catalog.arch(model))), px)


@torch.no_grad()
def of_module(net: nn.Module, input_px: int) -> Costs:
    """The layers of ``net``, a classifier on the meta device in its deployed form."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.module_tracker import ModuleTracker

    with (
        torch.device("meta"),
        ModuleTracker() as tracker,
        sdpa_kernel(SDPBackend.MATH),  # the fused form is one operator that hides its products
        _Seen(net, tracker) as seen,
    ):
        net(torch.zeros(1, 3, input_px, input_px))
    products = any(layer.kind == "matmul" for layer in seen.layers)
    if products and not seen.softmax:
        seen.unexplained.append(LINEAR_ATTENTION)
    return Costs(tuple(seen.layers), tuple(dict.fromkeys(seen.unexplained)))


class _Seen(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's __init_subclass__
    """Writes down every operator that multiplies, with its shapes."""

    def __init__(self, net: nn.Module, tracker: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._net, self._tracker = net, tracker
        self.layers: list[Layer] = []
        self.unexplained: list[str] = []
        self.softmax = False

    def __torch_dispatch__(
        self,
        operator: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = operator(*args, **(kwargs or {}))
        packet = operator.overloadpacket
        if packet is _aten.convolution:
            self._convolution(args[0], args[1], args[8], out)
        elif packet in _PRODUCTS:
            first = _PRODUCTS[packet]
            self._product(
                args[first], args[first + 1], out, linear=packet in (_aten.mm, _aten.addmm)
            )
        elif packet is _aten.native_layer_norm:
            self.unexplained.append(LAYER_NORM)
        elif packet in (_aten._softmax, _aten._safe_softmax):
            self.softmax = True
        return out

    def _convolution(self, x: Tensor, weight: Tensor, groups: int, out: Tensor) -> None:
        kernel = int(weight.shape[-1])
        kind: LayerKind = "pointwise" if kernel == 1 else "convolution"
        if groups > 1:
            if weight.shape[1] > 1:
                self.unexplained.append(GROUPED)
            else:
                kind = "depthwise"
                if weight.shape[0] > groups:
                    self.unexplained.append(WIDENING)
        if kernel >= LARGE_KERNEL:
            self.unexplained.append(LARGE)
        macs = out.numel() * weight[0].numel()
        self._add(kind, kernel, macs, weight.numel(), x.numel(), out.numel())

    def _product(self, left: Tensor, right: Tensor, out: Tensor, *, linear: bool) -> None:
        macs = out.numel() * int(left.shape[-1])
        weights = right.numel() if linear else 0
        read = left.numel() + right.numel() - weights
        self._add("linear" if linear else "matmul", 1, macs, weights, read, out.numel())

    def _add(
        self, kind: LayerKind, kernel: int, macs: int, weights: int, inputs: int, outputs: int
    ) -> None:
        # The tracker's names begin with the class of the whole network.
        name = max(self._tracker.parents, key=len).partition(".")[2]
        block = _block(self._net, name)
        self.layers.append(Layer(name, block, kind, kernel, macs, weights, inputs, outputs))


_CONTAINERS = (nn.Sequential, nn.ModuleList)


def _block(net: nn.Module, name: str) -> str:
    """What the layer ``name`` is part of: ours by the paper's words, timm's by class."""
    module: nn.Module = net
    parts = name.split(".") if name else []
    for index, part in enumerate(parts):
        module = module.get_submodule(part)
        if (ours := _ours(module)) is not None:
            return ours
        kind = type(module)
        if isinstance(module, _CONTAINERS) and kind is not mnv4.ConvNorm:
            continue
        if kind.__name__.endswith("Stage"):
            continue
        if kind.__module__.startswith("torch.nn.") or index == 0:
            return parts[0]
        return kind.__name__
    return parts[0] if parts else "net"


def _ours(module: nn.Module) -> str | None:
    match module:
        case mnv4.UniversalInvertedBottleneck():
            return f"UIB {module.variant}"
        case mnv4.FusedInvertedBottleneck():
            return "FusedIB"
        case mnv4.MobileMQA():
            return "MQA"
        case mnv4.ConvNorm():
            return "ConvBN"
        case _:
            return None
