"""The driver's program: its lines as values, its refusals as sentences; and nothing is ever set."""

from pathlib import Path

import pytest

from mnv4bench.devices.cuda import nvidia_smi, taints
from mnv4bench.devices.cuda.nvidia_smi import NotRead
from mnv4bench.records import GpuState
from tests.cuda.double import QUIET, UUID, Driver, cuda_double

__all__ = ["cuda_double"]  # a fixture

OLDER = 'Field "clocks_event_reasons.active" is not a valid field to query.'
NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
    "the latest NVIDIA driver is installed and running."
)


def test_a_line_becomes_values_in_base_units(cuda_double: Driver) -> None:
    found = nvidia_smi.read()
    assert (found.uuid, found.name, found.driver) == (UUID, "NVIDIA H100 80GB HBM3", "580.95.05")
    assert found.state == GpuState(
        performance="P0",
        clock_hz=1.98e9,
        max_clock_hz=1.98e9,
        memory_clock_hz=2.619e9,
        temperature_c=41.0,
        power_w=118.62,
        busy_fraction=0.37,
        memory_used_bytes=2**30,
        memory_bytes=81559 * 2**20,
        throttled=(),
        others=(),
    )


def test_it_asks_and_never_sets(cuda_double: Driver) -> None:
    nvidia_smi.read(UUID)
    assert len(cuda_double.asked) == 2
    for options in cuda_double.asked:
        assert all(one.startswith(("--query-", "--format=", "--id=")) for one in options.split())
        assert f"--id={UUID}" in options


@pytest.mark.parametrize(
    ("bits", "reasons"),
    [
        ("0x0000000000000001", ()),  # idle
        ("0x0000000000000002", ()),  # its owner's clocks
        ("0x0000000000000004", ("power cap",)),
        ("0x0000000000000060", ("software thermal slowdown", "hardware thermal slowdown")),
        ("0x0000000000001004", ("power cap", "reason 0x1000")),
        ("[N/A]", None),
    ],
)
def test_reasons_are_words(cuda_double: Driver, bits: str, reasons: tuple[str, ...] | None) -> None:
    cuda_double.says(QUIET.replace("0x0000000000000000", bits))
    assert nvidia_smi.read().state.throttled == reasons


def test_an_older_driver_has_another_word_for_reasons(cuda_double: Driver) -> None:
    cuda_double.says(OLDER, status=2, older=QUIET.replace("580.95.05", "470.256.02"))
    assert nvidia_smi.read().driver == "470.256.02"


def test_what_a_card_does_not_tell_is_unknown(cuda_double: Driver) -> None:
    said = [UUID, "GeForce MX150", "470.256.02", "P0", "1303", "1911", "3003", "55"]
    cuda_double.says(", ".join([*said, "[N/A]", "[Not Supported]", "200", "2002", "[N/A]"]))
    state = nvidia_smi.read().state
    assert (state.power_w, state.busy_fraction, state.throttled) == (None, None, None)
    assert state.temperature_c == 55.0
    assert taints.reasons(state, state) == ()  # unknown is no reason


@pytest.mark.parametrize(
    ("says", "status", "sentence"),
    [
        (NO_DRIVER, 9, "couldn't communicate with the NVIDIA driver"),
        ("No devices were found", 6, "No devices were found"),
        (
            "Failed to initialize NVML: Driver/library version mismatch",
            18,
            "Driver/library version mismatch",
        ),
        ("", 0, "nvidia-smi says: nothing"),
        ("a, b, c", 0, "nvidia-smi says: a, b, c"),
    ],
)
def test_what_it_refuses_is_one_sentence(cuda_double, says, status, sentence) -> None:
    cuda_double.says(says, status=status)
    with pytest.raises(NotRead, match=sentence) as caught:
        nvidia_smi.read()
    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith(".")


def test_no_program_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotRead, match="comes with NVIDIA's driver, is not installed"):
        nvidia_smi.read()


def test_one_that_hangs_is_stopped(cuda_double: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia_smi, "LIMIT_S", 0.2)
    (cuda_double.folder / "nvidia-smi").write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(NotRead, match="was stopped"):
        nvidia_smi.read()


@pytest.mark.parametrize(
    ("apps", "mine", "others"),
    [
        ("", None, ()),
        ("4711, /usr/bin/python3\n", None, ("python3 (pid 4711)",)),
        ("4711, /usr/bin/python3\n815, [Not Found]\n", 4711, ("[Not Found] (pid 815)",)),
        ("4711, /usr/bin/python3\n", 4711, ()),
        # In a container: the host's process ids, of which ours is one that it does not know.
        ("99001, python3\n", 17, ()),
        ("99001, python3\n99002, train\n", 17, ("1 of python3 (pid 99001), train (pid 99002)",)),
        ("", 17, None),  # nor does it see the one that is there
    ],
)
def test_who_else_is_there(cuda_double, apps, mine, others) -> None:
    cuda_double.runs(apps)
    assert nvidia_smi.read(mine=mine).state.others == others


def test_company_throttling_and_a_falling_clock_taint() -> None:
    before = GpuState(clock_hz=1.98e9, throttled=(), others=())
    assert taints.reasons(before, before) == ()
    assert taints.reasons(None, None) == ()
    after = GpuState(clock_hz=1.41e9, throttled=("power cap",), others=("train (pid 7)",))
    assert taints.reasons(before, after) == (
        "the GPU's clocks were held back: power cap",
        "other programs were on the GPU: train (pid 7)",
        "the GPU's clock fell from 1980 to 1410 MHz (limit 10%)",
    )
    assert taints.reasons(before, GpuState(clock_hz=1.90e9)) == ()
