"""Networks of one's own: what a file may say, and what the sentence is where it may not."""

import random
import re
from pathlib import Path

import pytest

from mnv4bench.errors import BadFile, UsageError
from mnv4bench.models import (
    catalog,
    counts,
    custom,
    preprocessing,
    spec_rows,
    specs,
    weights,
)
from mnv4bench.models.weights import Random

SMALL = """
input_px = 64
classes = 10
activation = "gelu"
layer_scale = 1e-5
head_width = 72
stem = { kernel = 5, out = 16, stride = 2 }

[[stage]]
rows = [
  { block = "FusedIB", kernel = 3, expanded = 32, out = 24, stride = 2 },
  { block = "ConvBN", kernel = 1, out = 24, px = 16, in = 24 },
]

[[stage]]
rows = [
  { block = "ExtraDW", start = 3, middle = 7, expanded = 48, out = 32, stride = 2 },
  { block = "MQA", heads = 2, key_dim = 16, kv_stride = 2 },
  { block = "ConvNext", start = 9, expanded = 64, out = 40, stride = 2 },
  { block = "IB", middle = 5, expanded = 64, out = 32 },
  { block = "PlainMQA", heads = 2, key_dim = 16 },
  { block = "MHSA", heads = 4, key_dim = 8 },
  { block = "FFN", expanded = 64, out = 48 },
]
"""
SMALL_NETWORK = specs.Network(
    name="small",
    input_px=64,
    stem=specs.ConvBN(5, 16, stride=2),
    stages=(
        (specs.FusedIB(3, 32, 24, stride=2), specs.ConvBN(1, 24)),
        (
            specs.extra_dw(3, 7, 48, 32, stride=2),
            specs.MQA(heads=2, key_dim=16, kv_stride=2),
            specs.UIB(9, 0, 64, 40, stride=2),
            specs.ib(5, 64, 32),
            specs.PlainMQA(heads=2, key_dim=16),
            specs.MHSA(heads=4, key_dim=8),
            specs.ffn(64, 48),
        ),
    ),
    activation="gelu",
    layer_scale=1e-5,
    head_width=72,
    classes=10,
)


def parse(text: str, name: str = "small") -> specs.Network:
    return custom.parse(text.encode(), "small.toml", name)


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) >= 1, old
    return SMALL.replace(old, new, 1)


def test_a_file_is_the_table_that_it_says() -> None:
    assert parse(SMALL) == SMALL_NETWORK


def test_what_is_written_is_read_back() -> None:
    assert parse(custom.written(SMALL_NETWORK)) == SMALL_NETWORK


@pytest.mark.parametrize("network", specs.NETWORKS, ids=lambda network: network.name)
def test_the_reference_networks_can_be_written(network: specs.Network, tmp_path: Path) -> None:
    """The same rows, counts and digest; but never the name, which would borrow an accuracy."""
    path = tmp_path / f"{network.name}.toml"
    path.write_text(custom.written(network))
    assert custom.read(path) == network
    assert catalog.spec_digest(str(path)) == catalog.spec_digest(network.name)
    own, reference = catalog.entry(str(path)), catalog.entry(network.name)
    assert (own.params, own.macs, own.input_px) == (
        reference.params,
        reference.macs,
        reference.input_px,
    )
    assert (own.model, own.family, own.accuracies) == (f"{network.name}.toml", "custom", ())


def test_the_name_is_the_files_unless_it_says_another() -> None:
    assert parse(SMALL, "my-net.v2").name == "my-net.v2"
    assert parse('name = "other"\n' + SMALL, "my net").name == "other"
    with pytest.raises(BadFile, match=r"small\.toml: is called 'my net'; a name is letters"):
        parse(SMALL, "my net")


@pytest.mark.parametrize("taken", ["mnv4-conv-s", "fastvit-t8", "mobilenetv2"])
def test_no_name_borrows_published_figures(taken: str, tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(f'name = "{taken}"\n' + SMALL)
    assert catalog.entry(str(path)).model == f"{taken}.toml"


def test_every_change_of_a_network_is_another_digest(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    texts = [SMALL, changed("classes = 10", "classes = 11"), changed("start = 9", "start = 7")]
    texts += [changed('"gelu"', '"relu"'), changed("PlainMQA", "MQA")]
    digests = []
    for text in texts:
        path.write_text(text)
        digests.append(catalog.spec_digest(str(path)))
    assert len(set(digests)) == len(texts)
    path.write_text("# a remark\n" + SMALL.replace(" = ", "=").replace("[[stage]]", "\n[[stage]]"))
    assert catalog.spec_digest(str(path)) == digests[0]


def test_counts_are_torchs() -> None:
    import torch

    from mnv4bench.models import build
    from mnv4bench.models.mnv4 import MobileNetV4

    with torch.device("meta"):
        net = MobileNetV4(SMALL_NETWORK).eval()
        assert build.measured_macs(net, 64) == counts.total_macs(SMALL_NETWORK)
    assert sum(p.numel() for p in net.parameters()) == counts.total_params(SMALL_NETWORK)


WRONG = {
    "kernel even": (
        changed("start = 9", "start = 8"),
        "stage 2, row 3 (ConvNext) has start = 8; a kernel is odd, so that it has a middle: 7 or 9",
    ),
    "kernel 0": (
        changed("start = 9", "start = 0"),
        "stage 2, row 3 (ConvNext) has start = 0; without that convolution the block is FFN",
    ),
    "kernel 0 of ExtraDW": (
        changed("start = 3, middle = 7", "start = 3, middle = 0"),
        "has middle = 0; without that convolution the block is ConvNext",
    ),
    "kernel huge": (
        changed("kernel = 5", "kernel = 33"),
        "stem has kernel = 33; it is from 1 to 31",
    ),
    "stem elsewhere": (
        changed("kernel = 5, out = 16", 'block = "IB"'),
        "a stem is always a ConvBN",
    ),
    "stem no table": (
        changed("stem = { kernel = 5, out = 16, stride = 2 }", "stem = 3"),
        "stem is 3; it is a table",
    ),
    "stem checks": (changed("kernel = 5,", "kernel = 5, in = 3,"), "an image of input_px"),
    "width 0": (changed("out = 40", "out = 0"), "has out = 0; it is from 1 to 16,384"),
    "width negative": (changed("out = 40", "out = -40"), "has out = -40"),
    "width true": (changed("out = 40", "out = true"), "has out = True; it is a whole number"),
    "width 4.5": (changed("out = 40", "out = 4.5"), "has out = 4.5; it is a whole number"),
    "width text": (changed("out = 40", 'out = "40"'), "has out = '40'; it is a whole number"),
    "width absurd": (changed("out = 40", "out = 99999999999999999999"), "it is from 1 to 16,384"),
    "stride 0": (changed("out = 40, stride = 2", "out = 40, stride = 0"), "has stride = 0"),
    "stride of FFN": (
        changed("expanded = 64, out = 48", "expanded = 64, out = 48, stride = 2"),
        "stage 2, row 7 (FFN) has 'stride', which no FFN has; known: block, px, in, expanded, out",
    ),
    "start of IB": (changed("middle = 5,", "middle = 5, start = 3,"), "which no IB has"),
    "misspelt key": (
        changed("middle = 5", "midle = 5"),
        "'midle', which no IB has; nearest: middle",
    ),
    "lacking": (changed("middle = 5, ", ""), "lacks middle; IB has middle, expanded, out"),
    "block unknown": (changed('"FFN"', '"FNN"'), "stage 2, row 7 has block = 'FNN'; nearest: FFN"),
    "block missing": (
        changed('block = "FFN", ', ""),
        "row 7 does not say its block; known: ConvBN",
    ),
    "block no text": (changed('"FFN"', "[1]"), "has block = [1]; known:"),
    "row no table": (changed('{ block = "FFN", expanded = 64, out = 48 }', "7"), "row 7 is 7"),
    "heads 0": (changed("heads = 4", "heads = 0"), "(MHSA) has heads = 0; it is from 1 to 128"),
    "heads x key_dim": (
        changed("heads = 4, key_dim = 8", "heads = 128, key_dim = 1024"),
        "stage 2, row 6 (MHSA) has heads x key_dim = 131,072 channels; at most 16,384 fit",
    ),
    "does not chain": (
        changed("px = 16, in = 24", "in = 32"),
        "stage 1, row 2 (ConvBN) has in = 32, and stage 1, row 1 (FusedIB) leaves 24 channels: "
        "write in = 24",
    ),
    "does not chain in size": (
        changed("px = 16, in = 24", "px = 32"),
        "has px = 32, and stage 1, row 1 (FusedIB) leaves a map of 16 x 16",
    ),
    "strides past the input": (
        changed("input_px = 64", "input_px = 8").replace(", px = 16, in = 24", ""),
        "stage 2, row 2 (MQA) strides by 2 over a map of 1 x 1: the strides multiply to 16 by "
        "here, more than the input has pixels",
    ),
    "K/V strides past the map": (
        changed("kv_stride = 2", "kv_stride = 8")
        .replace("input_px = 64", "input_px = 32")
        .replace(", px = 16, in = 24", ""),
        "(MQA) strides by 8 over a map of 4 x 4",
    ),
    "input 0": (
        changed("input_px = 64", "input_px = 0"),
        "has input_px = 0; it is from 8 to 4,096",
    ),
    "input missing": (changed("input_px = 64", ""), "lacks input_px; a network has name, input_px"),
    "no stages": (SMALL.split("[[stage]]")[0] + "stage = []", "has stage = []"),
    "stage no list": (SMALL.split("[[stage]]")[0] + "[stage]\nrows = []", "each stage is a table"),
    "stage of numbers": (SMALL.split("[[stage]]")[0] + "stage = [1]", "stage 1 is 1"),
    "stage empty": (SMALL.split("[[stage]]")[0] + "[[stage]]\nrows = []", "stage 1 has no rows"),
    "stage without rows": (SMALL.split("[[stage]]")[0] + "[[stage]]", "stage 1 has no rows"),
    "stage with more": (changed("rows =", "repeat = 2\nrows ="), "stage 1 has 'repeat', which no"),
    "key unknown": (
        "width = 2\n" + SMALL,
        "has 'width', which no network has; nearest: head_width",
    ),
    "activation": (changed('"gelu"', '"swish"'), "has activation = 'swish'; known: relu, gelu"),
    "activation no text": (changed('"gelu"', "3"), "has activation = 3"),
    "layer scale": (changed("1e-5", "0"), "has layer_scale = 0; it is above 0 and at most 1"),
    "layer scale nan": (changed("1e-5", "nan"), "has layer_scale = nan"),
    "classes": (changed("classes = 10", "classes = 0"), "has classes = 0"),
    "name": ("name = 3\n" + SMALL, "has name = 3; it is a text"),
    "name of a path": ('name = "../x"\n' + SMALL, "has name = '../x'; a name is letters"),
    "too many rows": (
        SMALL + "[[stage]]\nrows = [" + '{ block = "FFN", expanded = 8, out = 8 },' * 500 + "]",
        "stage 3 brings more than 500 rows in all",
    ),
    "too many stages": (
        SMALL + '[[stage]]\nrows = [{ block = "FFN", expanded = 8, out = 8 }]\n' * 31,
        "has 33 stages; at most 32 fit",
    ),
    "too large a map": (
        changed("input_px = 64", "input_px = 4096")
        .replace("out = 16", "out = 64")
        .replace(", px = 16, in = 24", ""),
        "stem computes 268,435,456 numbers for one image",
    ),
    "attention too large": (
        changed("input_px = 64", "input_px = 2048").replace(", px = 16, in = 24", ""),
        "stage 2, row 2 (MQA) computes 2,147,483,648 attention weights for one image",
    ),
    "too many parameters": (
        changed("head_width = 72", "head_width = 16384").replace("classes = 10", "classes = 99999"),
        "parameters in all; at most 500,000,000 fit",
    ),
    "a profile": (
        'device = "x"\nrunner = "host"\n',
        "is a device profile, which --device takes, and no network",
    ),
    "no TOML": ("input_px = ", "not readable as TOML"),
    "deep": ("a = " + "[" * 5000, "not readable as TOML"),
    "empty": ("", "lacks input_px"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_built_is_one_sentence_with_its_place(case: str) -> None:
    text, sentence = WRONG[case]
    with pytest.raises(BadFile) as caught:
        parse(text)
    assert caught.value.what.startswith("small.toml: ")
    assert sentence in caught.value.what
    assert "\n" not in caught.value.what
    assert len(caught.value.what) < 400


def test_too_many_macs_are_refused() -> None:
    """Within every other limit: 4 million pixels, each of 2 million products."""
    rows = '{ block = "ConvBN", kernel = 31, out = 64 },' * 2
    text = f"input_px = 1024\nstem = {{ kernel = 3, out = 64 }}\n[[stage]]\nrows = [{rows}]\n"
    with pytest.raises(BadFile, match=r"takes 8,.* MACs an image; at most 1,000,000,000,000"):
        parse(text)


def test_long_values_are_cut() -> None:
    with pytest.raises(BadFile) as caught:
        parse(changed('"gelu"', '"' + "g" * 10_000 + '"'))
    assert len(caught.value.what) < 200


def test_what_is_no_file_is_a_matter_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file") as caught:
        custom.read(tmp_path / "none.toml")
    assert "--toml" in caught.value.next_step
    with pytest.raises(UsageError, match="is not a file"):
        custom.read(tmp_path)
    with pytest.raises(UsageError, match="names no file"):
        custom.read(Path("a\0.toml"))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(BadFile, match="a network is at most 1,048,576"):
        custom.read(path)


def test_nobody_has_trained_it(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(SMALL)
    with pytest.raises(UsageError, match="has no published checkpoints") as caught:
        weights.identity(weights.parse("timm"), str(path))
    assert "--weights FILE" in caught.value.next_step
    prepared = preprocessing.of(str(path), Random())
    assert prepared is not None
    assert (prepared.crop_px, prepared.source) == (64, "ImageNet's usual")


def test_weights_say_of_which_network_they_are(tmp_path: Path) -> None:
    from mnv4bench.models import build

    path = tmp_path / "net.toml"
    path.write_text(SMALL)
    one = build.build(str(path), Random())
    assert one.entry.family == "custom"
    assert one.weights.text == f"random (seed 0, network {catalog.spec_digest(str(path))[:12]})"
    assert (one.params, one.macs) == (one.entry.params, one.entry.macs)
    path.write_text(changed("out = 40", "out = 48"))
    assert build.build(str(path), Random()).weights.text != one.weights.text


def test_weights_of_ones_own_are_loaded_and_name_the_network(tmp_path: Path) -> None:
    import torch

    from mnv4bench.models import build
    from mnv4bench.models.mnv4 import MobileNetV4

    path, file = tmp_path / "net.toml", tmp_path / "trained.pth"
    path.write_text(SMALL)
    state = MobileNetV4(SMALL_NETWORK).state_dict()
    torch.save(state, file)
    built = build.build(str(path), weights.parse(str(file)))
    assert torch.equal(built.net.state_dict()["classifier.weight"], state["classifier.weight"])
    network = catalog.spec_digest(str(path))[:12]
    assert built.weights.text == f"trained.pth, network {network}"
    path.write_text(changed("out = 40", "out = 48"))
    with pytest.raises(BadFile, match="nothing was loaded"):
        build.build(str(path), weights.parse(str(file)))


def test_a_file_that_is_measured_as_it_is_reads_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnv4bench.export.own.name import name_of

    monkeypatch.chdir(tmp_path)
    Path("net.toml").write_text("no network")
    assert name_of(Path("net.toml.onnx")) == "net.toml"
    assert name_of(Path("mnv4-conv-l-3mqa.tflite")) == "mnv4-conv-l-3mqa.tflite"


def test_the_documented_network_can_be_built() -> None:
    page = (Path(__file__).parents[2] / "docs" / "custom_networks.md").read_text()
    [text] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    network = parse(text)
    kinds = {spec_rows.row(block)["block"] for stage in network.stages for block in stage}
    assert kinds == set(spec_rows.KINDS) - {"PlainMQA"}
    for kind, keys in spec_rows.KINDS.items():
        [line] = re.findall(rf"^\| `{kind}` \|.*", page, re.MULTILINE)
        for key in (*keys.required, *keys.optional):
            assert f"`{key}`" in line.split("|")[3], (kind, key)


def drawn(draw: random.Random) -> specs.Network:
    """Any network: kinds, kernels, widths and strides at random, the input of any size."""

    def block() -> specs.Block:
        kernel, out = (lambda: draw.choice((3, 5, 7, 9))), draw.randint(1, 20)
        stride, expanded = draw.choice((1, 1, 2, 3)), draw.randint(1, 30)
        # Of one channel torch makes a plain product, which its counter does not know.
        heads = {"heads": draw.randint(1, 4), "key_dim": draw.randint(2, 9)}
        return draw.choice(
            (
                specs.ConvBN(draw.choice((1, 3, 5)), out, stride),
                specs.FusedIB(kernel(), expanded, out, stride),
                specs.extra_dw(kernel(), kernel(), expanded, out, stride),
                specs.ib(kernel(), expanded, out, stride),
                specs.UIB(kernel(), 0, expanded, out, stride),
                specs.ffn(expanded, out),
                specs.MQA(**heads, kv_stride=draw.choice((1, 2))),
                specs.MHSA(**heads, kv_stride=draw.choice((1, 2))),
                specs.PlainMQA(**heads),
            )
        )

    return specs.Network(
        name="drawn",
        input_px=draw.randint(250, 300),
        stem=specs.ConvBN(3, draw.randint(1, 16), draw.choice((2, 4))),
        stages=tuple(
            tuple(block() for _ in range(draw.randint(1, 3))) for _ in range(draw.randint(1, 2))
        ),
        activation=draw.choice(("relu", "gelu")),
        layer_scale=draw.choice((None, 0.5)),
        head_width=draw.randint(1, 40),
        classes=draw.randint(1, 12),
    )


@pytest.mark.parametrize("seed", range(20))
def test_any_network_is_written_read_counted_and_built(seed: int) -> None:
    """Maps of the drawn ones may become too small or attention too large: then it says so."""
    import torch

    from mnv4bench.models import build
    from mnv4bench.models.mnv4 import MobileNetV4

    draw, refused = random.Random(seed), []
    while True:
        network = drawn(draw)
        try:
            read = parse(custom.written(network), "drawn")
            break
        except BadFile as error:
            refused.append(error.what)
    assert read == network
    assert all(re.search("strides by|attention weights", what) for what in refused)
    with torch.device("meta"):
        net = MobileNetV4(network).eval()
        assert build.measured_macs(net, network.input_px) == counts.total_macs(network)
    assert sum(p.numel() for p in net.parameters()) == counts.total_params(network)
