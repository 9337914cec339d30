"""Counts on the genuine qemu, of the genuine LiteRT for aarch64 and of this machine's."""

import shutil
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench import profiles
from mnv4bench.devices import open_runner, process
from mnv4bench.devices.emulated import numerics, qemu
from mnv4bench.devices.emulated.session import Emulator, natively
from mnv4bench.errors import NotMeasured, UsageError
from mnv4bench.records import Counted
from tests.devices.conftest import artifact_of
from tests.devices.tiny_models import CHANNELS, SIZE, write_tflite

SAMPLES = Path(numerics.__file__).parents[1] / "android" / "samples"
POINTWISE_MACS = (SIZE // 2) ** 2 * CHANNELS**2

ON_ANOTHER_INPUT = """
import os, sys
asked = sys.stdin.buffer.read().replace(b'"input_seed":0', b'"input_seed":1')
ours, theirs = os.pipe()
os.write(theirs, asked)
os.close(theirs)
os.dup2(ours, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

pytestmark = pytest.mark.usefixtures("emulated_system")


def count(device: str, file: Path) -> Counted:
    """In a fresh process, as ``run`` counts."""
    session = open_runner(profiles.load(device)).install(file, artifact_of(file))
    counted, placement = session.count(3, round=0, position=0)
    assert placement.verdict == "full"
    return counted


@cache
def once(device: str, file: Path) -> Counted:
    return count(device, file)


@pytest.mark.parametrize("device", ["cortex-a76-emulated", "cortex-a72-emulated"])
def test_two_processes_count_the_same_to_the_digit(device: str, tmp_path: Path) -> None:
    first = once(device, SAMPLES / "int8.tflite")
    elsewhere = tmp_path / "the same file in a folder with a longer name.tflite"
    shutil.copy(SAMPLES / "int8.tflite", elsewhere)
    second = count(device, elsewhere)
    assert set(first.instructions) == set(second.instructions)
    assert len(set(first.instructions)) == 1, "the inferences of one process differ"
    assert first.outputs_sha256 == second.outputs_sha256
    assert not first.tainted + second.tainted


def test_dot_products_are_what_tells_the_two_processors_apart() -> None:
    """Of int8 the A76 needs less than half; of floats nearly as much."""
    with_dots = once("cortex-a76-emulated", SAMPLES / "int8.tflite").instructions[0]
    without = once("cortex-a72-emulated", SAMPLES / "int8.tflite").instructions[0]
    assert with_dots < without / 2


def test_both_answer_as_this_machine_does() -> None:
    """Held against x86 when it was set up; integers to the bit."""
    for device in ("cortex-a76-emulated", "cortex-a72-emulated", "host-instructions"):
        found = open_runner(profiles.load(device)).require_right().sentence
        assert "int8 bit-identical" in found
        assert "float" in found
    # The whole sequence of outputs, by digest, over two instruction sets.
    arm = once("cortex-a76-emulated", SAMPLES / "int8.tflite")
    older = once("cortex-a72-emulated", SAMPLES / "int8.tflite")
    assert arm.outputs_sha256 == older.outputs_sha256


def test_each_convolution_more_costs_the_same_again(tmp_path: Path) -> None:
    """Of fp32 a vector instruction makes 4 multiply-adds, so no fewer can do; and what loads and
    loops beside them is less than the multiply-adds of another such convolution."""
    counts = [
        count("cortex-a76-emulated", write_tflite(tmp_path / f"{more}.tflite", pointwise=more))
        for more in range(3)
    ]
    assert all(len(set(one.instructions)) == 1 for one in counts)
    first, second = (b.instructions[0] - a.instructions[0] for a, b in pairwise(counts))
    assert first == second
    assert POINTWISE_MACS / 4 < first < 2 * POINTWISE_MACS / 4


def test_what_cannot_be_counted_exactly_is_refused() -> None:
    arm = profiles.load("cortex-a76-emulated")
    with pytest.raises(UsageError, match="1 thread, not 2"):
        open_runner(replace(arm, threads=2))
    with pytest.raises(UsageError, match="no two counts agree"):
        open_runner(replace(arm, runtime="onnxruntime", format="onnx"))
    with pytest.raises(UsageError, match=r"no \[emulated\] table"):
        open_runner(replace(arm, emulated=None))


def test_an_emulator_that_computes_wrongly_is_found() -> None:
    """Played by this machine on another input; in one process, which its parent knows."""
    profile = profiles.load("host-instructions")
    here = natively()
    other = (sys.executable, "-c", ON_ANOTHER_INPUT)
    wrong = Emulator(other, here.python, here.environment)
    found = qemu.find(profile.emulated)
    with pytest.raises(NotMeasured, match=r"computes float.tflite wrongly: off by"):
        numerics.check(profile, found, wrong, "played")
    assert numerics.known(profile, found, "played") is None


def test_the_processor_that_qemu_plays_wrongly_is_refused() -> None:
    arm = profiles.load("cortex-a76-emulated")
    for cpu, refused in (("max", True), ("max,sve=off", False), ("max,sme=off", False)):
        target = replace(arm.emulated, cpu=cpu)
        if refused:
            with pytest.raises(NotMeasured, match="computes int8 networks wrongly"):
                qemu.find(target)
        else:
            assert qemu.find(target).path


def test_what_is_shown_to_be_pasted_counts() -> None:
    """The line of ``run --dry-run``, with its marks on the error stream."""
    file = SAMPLES / "int8.tflite"
    runner = open_runner(profiles.load("host-instructions"))
    [_, line] = runner.commands([(file, artifact_of(file))], None)
    done = process.run(("sh", "-c", line), timeout_s=120)
    assert done.status == 0
    assert b'"type":"marked"' in done.stdout
    assert done.stderr.count("mnv4bench-mark") == 2 * (1 + 4 + 3)
