"""What a runner that counts keeps: what every runner does, and counts in the place of times."""

import shlex

import pytest

from mnv4bench import profiles
from mnv4bench.devices import Runner
from mnv4bench.errors import NotMeasured, UsageError, WorkerFailed
from mnv4bench.records import Counted, Placement
from tests.contract.test_runner_contract import (
    TIMING,
    Case,
    Witness,
    again,
    artifact,
    artifact_of,
    assert_sentence,
    children,
    file,
    files,
    runner,
    test_a_device_is_held_by_one_run_at_a_time,
    test_a_probe_is_a_time_or_nothing,
    test_another_format_is_refused_before_anything_runs,
    test_availability_is_a_word_and_a_sentence,
    test_checks_are_sentences,
    test_the_environment_is_valid_and_stable,
    test_the_state_is_valid,
)

__all__ = [
    "artifact",
    "file",
    "files",
    "runner",
    "test_a_device_is_held_by_one_run_at_a_time",
    "test_a_probe_is_a_time_or_nothing",
    "test_another_format_is_refused_before_anything_runs",
    "test_availability_is_a_word_and_a_sentence",
    "test_checks_are_sentences",
    "test_the_environment_is_valid_and_stable",
    "test_the_state_is_valid",
]

CASES = [
    Case(profiles.load(device), kind, f"wide.{kind}", alien, children)
    for device, kind, alien in (
        ("cortex-a76-emulated", "tflite", "onnx"),
        ("host-instructions", "tflite", "onnx"),
    )
]


@pytest.fixture(params=CASES, ids=lambda case: case.profile.device)
def case(request: pytest.FixtureRequest, emulated_system) -> Case:
    return request.param


def test_a_count_is_of_each_inference_in_a_process_of_its_own(case, runner, file, artifact) -> None:
    session = runner.install(file, artifact)
    before = children()
    with Witness(children) as witness:
        counted, placement = session.count(2, round=3, position=1)
    assert children() <= before, "a counting process outlived its count"
    assert witness.seen - before
    assert isinstance(counted, Counted)
    assert again(counted) == counted
    assert (counted.round, counted.position) == (3, 1)
    assert len(counted.instructions) == 2
    assert min(counted.instructions) > 100_000  # a convolution, a mean, a matrix
    assert counted.load_instructions
    assert counted.outputs_sha256
    assert counted.tainted == ()
    assert isinstance(placement, Placement)
    assert again(placement) == placement
    assert placement.verdict == "full"
    assert len(placement.signals) >= 2


def test_it_gives_no_latencies(case, runner, file, artifact) -> None:
    session = runner.install(file, artifact)
    with pytest.raises(NotMeasured, match="never gives latencies") as caught:
        session.invoke(TIMING, round=0, position=0)
    assert case.profile.device in caught.value.what
    with pytest.raises(NotMeasured, match="never gives latencies"):
        session.beside(session, TIMING, base_first=True)


def test_it_says_nothing_of_single_operators(case, runner, file, artifact) -> None:
    with pytest.raises(NotMeasured, match="says nothing of single operators") as caught:
        runner.install(file, artifact).operators(3)
    assert case.profile.device in caught.value.what
    assert "host-cpu" in caught.value.next_step


def test_commands_are_lines_for_a_shell(runner, file, artifact) -> None:
    lines = runner.commands([(file, artifact)], TIMING)
    assert any(str(file) in line for line in lines)
    for line in lines:
        assert shlex.split(line, comments=True) or line.startswith("#")


def test_bad_files_are_sentences(runner: Runner, file, artifact, tmp_path) -> None:
    for what, content in {"missing": None, "truncated": file.read_bytes()[:1000]}.items():
        path = tmp_path / f"{what}{file.suffix}"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises((WorkerFailed, UsageError)) as caught:
            runner.install(path, artifact_of(path)).count(1, round=0, position=0)
        assert_sentence(caught.value, path.name)


def test_removing_twice_is_removing_once(runner, file, artifact) -> None:
    session = runner.install(file, artifact)
    session.remove()
    session.remove()
    assert file.is_file()
