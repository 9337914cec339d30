"""Answers in an arithmetic: what it alone loses passes, and more does not."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from mnv4bench.devices.cuda import rounding
from mnv4bench.devices.cuda.rounding import held_against, rounded, sqnr_db, tf32
from mnv4bench.exported_program.program import Program, read
from mnv4bench.records import Arithmetic
from tests.devices.tiny_models import write_program

ROUNDED: tuple[Arithmetic, ...] = ("tf32", "fp16", "bf16")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return read(write_program(tmp_path_factory.mktemp("net") / "net.pt2", channels=32))


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def test_tf32_keeps_ten_bits() -> None:
    values = torch.tensor([1.0, 1 + 2**-10, 1 + 2**-11, 1 + 2**-12, -3.0, 0.0])
    expected = torch.tensor([1.0, 1 + 2**-10, 1 + 2**-10, 1.0, -3.0, 0.0])
    assert torch.equal(tf32(values), expected)
    assert tf32(torch.tensor([1], dtype=torch.int64)).dtype == torch.int64


@pytest.mark.parametrize("arithmetic", ROUNDED)
def test_what_the_arithmetic_alone_loses_passes(program, image, arithmetic) -> None:
    answer = rounded(program, [image], arithmetic)
    assert not torch.equal(answer, program(image))
    signal = held_against(program, [image], answer, arithmetic)
    assert signal.says == "full"
    assert "dB of signal over noise" in signal.evidence


@pytest.mark.parametrize("arithmetic", ROUNDED)
def test_losing_much_more_is_wrong(program, image, arithmetic) -> None:
    expected = program(image)
    noise = rounded(program, [image], arithmetic) - expected
    with pytest.raises(ValueError, match=f"in {arithmetic} are wrong: .*mean nothing"):
        held_against(program, [image], expected + 4 * noise, arithmetic)


def test_coarser_arithmetic_leaves_less(program, image) -> None:
    expected = program(image)
    left = {one: sqnr_db(expected, rounded(program, [image], one)) for one in ROUNDED}
    assert left["tf32"] > left["bf16"]
    assert left["fp16"] > left["bf16"]


def test_fp32_is_held_to_the_order_of_sums(program, image) -> None:
    expected = program(image)
    assert held_against(program, [image], expected, "fp32").says == "full"
    with pytest.raises(ValueError, match="in fp32 are wrong"):
        held_against(program, [image], expected * 1.001, "fp32")


@pytest.mark.parametrize("arithmetic", ["fp32", "fp16"])
def test_what_is_not_finite_is_refused(program, image, arithmetic) -> None:
    answer = program(image).clone()
    answer[0, 0] = math.inf
    with pytest.raises(ValueError, match="not finite"):
        held_against(program, [image], answer, arithmetic)


def test_answers_that_are_all_the_same_hold_no_signal() -> None:
    assert sqnr_db(torch.ones(1, 4), torch.tensor([[1.0, 1.0, 1.0, 2.0]])) == -math.inf


class Amplifying(nn.Module):
    """Its answers are differences of nearly equal numbers: rounding is all that is left of them."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        wide = image.flatten(1)[:, :8] * 1e-3
        return (wide + 1000) - 1000


def test_where_rounding_leaves_nothing_nothing_is_proven(tmp_path: Path, image) -> None:
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(Amplifying().eval(), (image,)), path)
    signal = held_against(read(path), [image], rounded(read(path), [image], "bf16"), "bf16")
    assert signal.says == "unproven"
    assert "too little to tell by" in signal.evidence


def test_every_product_of_a_graph_is_rounded(tmp_path: Path, image) -> None:
    """Products that are no layers, too."""

    class Products(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            rows = image.flatten(2)
            return (rows @ rows.transpose(1, 2)).flatten(1)

    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(Products().eval(), (image,)), path)
    program = read(path)
    assert not torch.equal(rounded(program, [image], "tf32"), program(image))
    assert "matmul" in rounding.MULTIPLYING
