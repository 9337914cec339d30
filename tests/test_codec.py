"""Reports, artifacts and profiles as bytes: round trips, the seal, and what is refused."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench import codec
from mnv4bench.errors import BadFile, ExitStatus
from tests.sample_reports import artifact, evaluation, measurement, report, samples


def test_a_report_comes_back_equal() -> None:
    made = report(measurement("mnv4-conv-s"), measurement("mobilenetv3-large", rounds=1))
    assert codec.decode_report(codec.encode_report(made), "r.json") == made


@given(
    latencies=st.lists(st.floats(min_value=1e-9, max_value=3600.0), min_size=1, max_size=20),
    model=st.text(min_size=1, max_size=40),
)
def test_any_latencies_and_names_come_back_equal(latencies: list[float], model: str) -> None:
    one = measurement(invocations=(samples(0, *latencies),), artifact=artifact(model))
    made = report(one)
    data = codec.encode_report(made)
    assert codec.decode_report(data, "r.json") == made
    assert codec.encode_report(codec.decode_report(data, "r.json")) == data


def test_an_evaluation_comes_back_equal_and_is_no_report() -> None:
    made = evaluation(0, 3, -1, 999)
    data = codec.encode_evaluation(made)
    assert codec.decode_evaluation(data, "e.json") == made
    assert b'"ranks": [0, 3, -1, 999]' in data
    with pytest.raises(BadFile, match="JSON, but not a report of mnv4bench"):
        codec.decode_report(data, "e.json")
    with pytest.raises(BadFile, match="JSON, but not an evaluation of mnv4bench"):
        codec.decode_evaluation(codec.encode_report(report()), "r.json")
    with pytest.raises(BadFile, match="do not match the seal"):
        codec.decode_evaluation(data.replace(b"[0, 3,", b"[0, 0,"), "e.json")


def test_the_seal_holds_against_white_space_and_finds_an_edit() -> None:
    data = codec.encode_report(report())
    assert codec.decode_report(json.dumps(json.loads(data)).encode(), "r.json") == report()
    assert (
        codec.decode_report(json.dumps(json.loads(data), indent=8).encode(), "r.json") == report()
    )
    edited = data.replace(b"0.0021", b"0.0011")
    assert edited != data
    with pytest.raises(BadFile, match="do not match the seal"):
        codec.decode_report(edited, "r.json")


def test_samples_stand_on_one_line_for_review() -> None:
    lines = codec.encode_report(report()).decode().splitlines()
    assert any("[0.002, 0.0021, 0.0019]" in line for line in lines)


def envelope(**changes: object) -> bytes:
    value = json.loads(codec.encode_report(report()))
    value.update(changes)
    return json.dumps(value).encode()


def resealed(change) -> bytes:
    """A report whose values were changed by someone who also made the seal fit."""
    value = json.loads(codec.encode_report(report()))
    change(value["report"])
    value["sha256"] = codec._seal(json.dumps(value["report"]).encode())
    return json.dumps(value).encode()


def set_latency(value: object):
    def change(report: dict) -> None:
        report["measurements"][0]["invocations"][0]["latencies_s"][1] = value

    return change


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not readable as JSON"),
        (codec.encode_report(report())[:-200], "not readable as JSON"),
        (b"\x00\xff\xfe garbage", "not readable as JSON"),
        (b'{"a": ' * 100_000, "not readable as JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "not"),
        (b'{"groups": []}', "not a report of mnv4bench"),
        (b"[1, 2]", "not a report of mnv4bench"),
        (b'"text"', "not a report of mnv4bench"),
        (b"\xef\xbb\xbf" + codec.encode_report(report()), "not readable as JSON"),
        (envelope(schema=99), "newer mnv4bench"),
        (envelope(sha256="0" * 64), "do not match the seal"),
        (envelope(report=None), "do not match the seal"),
        (resealed(set_latency(-0.001)), "latencies_s"),
        (resealed(set_latency(0)), "latencies_s"),
        (resealed(set_latency(1e9)), "latencies_s"),
        (resealed(set_latency("fast")), "latencies_s"),
        (resealed(set_latency(None)), "latencies_s"),
        (envelope().replace(b"0.0021", b"NaN"), "not readable as JSON"),
        (envelope().replace(b"0.0021", b"1e999"), "r.json"),
        (resealed(lambda r: r.pop("profile")), "missing required field `profile`"),
    ],
)
def test_what_is_not_a_report_is_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BadFile) as caught:
        codec.decode_report(data, "r.json")
    assert sentence in caught.value.what
    assert caught.value.what.startswith("r.json")
    assert "\n" not in caught.value.what
    assert caught.value.exit_status == ExitStatus.BAD_FILE


def test_a_huge_file_is_refused() -> None:
    with pytest.raises(BadFile, match="at most 256 MiB"):
        codec.decode_report(b" " * (codec.MAX_REPORT_BYTES + 1), "r.json")


def test_an_artifact_comes_back_equal() -> None:
    made = artifact(exporter={"torch": "2.13.0"})
    assert codec.decode_artifact(codec.encode_artifact(made), "artifact.json") == made
    with pytest.raises(BadFile, match=r"artifact\.json"):
        codec.decode_artifact(b'{"model": 3}', "artifact.json")


@pytest.mark.parametrize(
    ("toml", "sentence", "help_"),
    [
        (b"device = ", "not readable as TOML", "device_profiles/"),
        (b"\xff\xfe", "not readable as TOML", "device_profiles/"),
        (b'device = "x"\nthreadz = 2\n', "threadz", "nearest: threads"),
        (b'device = "x"\n', "missing required field `title`", "keys of a profile"),
        (b'device = "../../etc"\ntitle = "t"\n', "device", "keys of a profile"),
    ],
)
def test_a_broken_profile_is_a_sentence(toml: bytes, sentence: str, help_: str) -> None:
    with pytest.raises(BadFile) as caught:
        codec.decode_profile(toml, "p.toml")
    assert sentence in caught.value.what
    assert help_ in caught.value.next_step


def test_json_output_is_one_object() -> None:
    text = codec.encode_json(msgspec.structs.replace(artifact(), input_shape=(1, 2, 3, 4)))
    assert json.loads(text)["input_shape"] == [1, 2, 3, 4]
