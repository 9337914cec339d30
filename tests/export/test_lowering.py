"""The other way of writing a part computes the same, and lowers to what it promises."""

import warnings
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from mnv4bench.export.lowering import LinearAttention, Multiplied, Summed, TokenAttention, lowered
from mnv4bench.models import baselines

baselines.timm_package()
from timm.layers import Conv2dSame  # noqa: E402 - timm needs the line above
from timm.models.efficientvit_mit import LiteMLA  # noqa: E402
from timm.models.fastvit import Attention  # noqa: E402

LAYOUTS = ("NCHW", "NHWC")


def depthwise(channels: int, kernel, times: int = 1, **how) -> nn.Conv2d:
    return nn.Conv2d(channels, channels * times, kernel, groups=channels, **how)


def parts(net: nn.Module, kind: type) -> list[nn.Module]:
    return [module for module in net.modules() if isinstance(module, kind)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("make", "exchanged"),
    [
        (lambda: depthwise(6, 3, times=2, padding=1), (Multiplied,)),
        (lambda: depthwise(6, 5, times=3, stride=2, bias=False), (Multiplied,)),
        (lambda: depthwise(6, 7, times=2, padding=3, stride=2), (Multiplied, Summed)),
        (lambda: depthwise(6, 7, padding=3), (Summed,)),
        (lambda: depthwise(6, 7, padding=3, stride=2, bias=False), (Summed,)),
        (lambda: depthwise(6, (9, 5), padding=(4, 2)), (Summed,)),
        (lambda: depthwise(6, (5, 11), padding=(2, 5)), (Summed,)),
        (lambda: LiteMLA(16, 16, dim=8, scales=(3, 5)), (LinearAttention,)),
        (lambda: Attention(64, head_dim=16, qkv_bias=True), (TokenAttention,)),
    ],
)
def test_the_function_stays_the_same(make, exchanged, layout: str) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(make()).eval().requires_grad_(False)
    channels = next(p.shape[1] for p in net.parameters() if p.dim() > 1)
    convolution = isinstance(net[0], nn.Conv2d)
    x = torch.randn(2, net[0].in_channels if convolution else channels, 16, 12)
    expected = net(x)
    again = lowered(net, layout)
    torch.testing.assert_close(again(x), expected, rtol=1e-5, atol=1e-5)
    for kind in exchanged:
        wanted = kind is not Summed or layout == "NHWC"  # ONNX Runtime has large kernels
        assert bool(parts(again, kind)) == wanted


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "make",
    [
        lambda: depthwise(6, 5, padding=2),
        lambda: depthwise(6, 7),  # not centred
        lambda: depthwise(6, 7, padding=6, dilation=2),
        lambda: depthwise(6, 15, padding=7),  # no two rows fit
        lambda: depthwise(6, 7, padding=3, padding_mode="circular"),
        lambda: depthwise(6, 3, times=2, padding=1, padding_mode="reflect"),
        lambda: nn.Conv2d(6, 12, 7, padding=3, groups=3),
        lambda: nn.Conv2d(1, 6, 7, padding=3),
        lambda: Conv2dSame(6, 12, 7, stride=2, groups=6),
    ],
)
def test_what_is_not_known_stays(make, layout: str) -> None:
    net = nn.Sequential(make())
    before = net[0]
    assert lowered(net, layout)[0] is before


class Everything(nn.Module):
    """One of each, small."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.large = depthwise(16, 7, padding=3)
        self.wider = depthwise(16, 7, times=2, padding=3, stride=2)
        self.linear = LiteMLA(32, 32, dim=8, norm_layer=None)
        self.attention = Attention(32, head_dim=8)
        self.classes = nn.Conv2d(32, 4, 1)

    def forward(self, x):
        x = self.attention(self.linear(self.wider(self.large(self.stem(x)))))
        return self.classes(x.mean((2, 3), keepdim=True)).flatten(1)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory):
    """The net lowered, as TFLite, in its runtime; and what torch makes of the example."""
    import litert_torch
    from ai_edge_litert.interpreter import Interpreter

    torch.manual_seed(0)
    net, x = Everything().eval().requires_grad_(False), torch.randn(1, 3, 32, 32)
    expected = net(x)
    file: Path = tmp_path_factory.mktemp("lowered") / "net.tflite"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        channels_last = litert_torch.to_channel_last_io(lowered(net, "NHWC"), args=[0]).eval()
        image = x.permute(0, 2, 3, 1).contiguous()
        litert_torch.convert(channels_last, (image,)).export(str(file))
    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image.numpy())
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-4, atol=1e-5)
    return interpreter


def test_xnnpack_takes_all_of_it(converted) -> None:
    found = Counter(op["op_name"] for op in converted._get_ops_details())
    assert found["DELEGATE"] == 1
    assert found["DEPTHWISE_CONV_2D"] == 3 + 3 + 1
    assert found["BATCH_MATMUL"] == 2 + 2
    # Linear attention in and out, attention in and out, the order of the multiplied channels.
    assert found["TRANSPOSE"] == 2 + 2 + 1
    assert found["PADV2"] == 0


def test_no_depthwise_kernel_is_too_large_or_gives_more_than_one_result(converted) -> None:
    shapes = {each["index"]: each["shape"] for each in converted.get_tensor_details()}
    for op in converted._get_ops_details():
        if op["op_name"] == "DEPTHWISE_CONV_2D":
            image, kernel = (tuple(shapes[index]) for index in op["inputs"][:2])
            assert kernel[1] * kernel[2] <= 25
            assert kernel[3] == image[3]


def test_no_tensor_has_more_than_four_dimensions(converted) -> None:
    """GPU delegates refuse them."""
    assert max(len(each["shape"]) for each in converted.get_tensor_details()) == 4
