"""The only module that knows JSON and TOML: reports, evaluations, artifacts, device profiles,
``--json`` output.

Knows: the bytes on disk, the seal, the schema version and its history. Does not know: where files
lie (store, profiles) or what the values mean.

A report file is one JSON object::

    {"format": "mnv4bench report", "schema": 1, "sha256": "...", "report": {...}}

and that of an evaluation says "mnv4bench evaluation" and "evaluation" instead. ``sha256`` is taken
over the bytes of the value without any white space, so a pretty-printer does no harm and every
edit but one of white space alone is found.

Schema history (every version stays readable; one frozen file of each lies in tests/golden/schema/):
    1  mnv4bench 0.1.0, first
"""

import hashlib
import re
from typing import Any, Literal, TypeVar

import msgspec

from mnv4bench.errors import BadFile, nearest
from mnv4bench.records import (
    AndroidTarget,
    Artifact,
    DeviceProfile,
    EmulatedTarget,
    Evaluation,
    Expects,
    Report,
)

SCHEMA = 1
BEGINNING = 256  # bytes of a file that tell what it is
MAX_REPORT_BYTES = 256 * 2**20  # ten million samples; neither written nor read beyond that

T = TypeVar("T")
_Sealed = Literal["report", "evaluation"]


class _Envelope(msgspec.Struct, omit_defaults=True):
    format: str = ""
    schema: int = 0
    sha256: str = ""
    report: msgspec.Raw = msgspec.Raw(b"null")
    evaluation: msgspec.Raw = msgspec.Raw(b"null")


def encode_report(report: Report) -> bytes:
    """The file of ``report``: indented for reading and reviewing, one line per list of numbers."""
    return _enclose("report", report)


def decode_report(data: bytes, source: str) -> Report:
    """The report in ``data``; ``source`` is named in errors.

    Raises BadFile with the reason: not JSON, alien, from a newer version, edited, invalid values.
    """
    return _decode(Report, _disclose("report", data, source), source, key="report")


def encode_evaluation(evaluation: Evaluation) -> bytes:
    """As ``encode_report``; a rank takes about three bytes."""
    return _enclose("evaluation", evaluation)


def decode_evaluation(data: bytes, source: str) -> Evaluation:
    """As ``decode_report``."""
    return _decode(Evaluation, _disclose("evaluation", data, source), source, key="evaluation")


def begins_record(beginning: bytes) -> bool:
    """Whether a file with this ``beginning`` (BEGINNING bytes) is a report or an evaluation."""
    return (
        re.match(rb'\s*\{\s*"format"\s*:\s*"mnv4bench (report|evaluation)"', beginning) is not None
    )


def too_large(source: str, size_bytes: int) -> BadFile:
    """The refusal of a file over MAX_REPORT_BYTES, to be raised before it is read."""
    return BadFile(_too_large(source, size_bytes))


def encode_artifact(artifact: Artifact) -> bytes:
    """What the cache keeps beside an exported file."""
    return msgspec.json.format(msgspec.json.encode(artifact), indent=1) + b"\n"


def decode_artifact(data: bytes, source: str) -> Artifact:
    """Raises BadFile when ``data`` does not describe an artifact."""
    return _decode(Artifact, data, source)


def decode_profile(data: bytes, source: str) -> DeviceProfile:
    """A device profile from TOML. Raises BadFile naming the wrong key and its neighbours."""
    try:
        return msgspec.toml.decode(data, type=DeviceProfile)
    except msgspec.ValidationError as error:
        raise BadFile(f"{source}: {error}.", _profile_help(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadFile(
            f"{source}: not readable as TOML ({error}).", "see the files in device_profiles/"
        ) from None


def decode_table(data: bytes, source: str) -> dict[str, Any]:
    """Any TOML as plain values, for whoever says what is wrong with it in sentences of its own.

    Raises BadFile when ``data`` is no TOML.
    """
    try:
        found: dict[str, Any] = msgspec.toml.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadFile(f"{source}: not readable as TOML ({error}).") from None
    return found


def encode_json(value: Any) -> str:
    """What ``--json`` prints: any findings value, indented, without a trailing newline."""
    return _readable(msgspec.json.encode(value)).decode().rstrip("\n")


def _seal(value: bytes) -> str:
    return hashlib.sha256(value.translate(None, b" \t\r\n")).hexdigest()


def _enclose(kind: _Sealed, content: msgspec.Struct) -> bytes:
    value = msgspec.json.encode(content)
    envelope = _Envelope(f"mnv4bench {kind}", SCHEMA, _seal(value), **{kind: msgspec.Raw(value)})
    return _readable(msgspec.json.encode(envelope))


def _disclose(kind: _Sealed, data: bytes, source: str) -> bytes:
    """The value under the seal; an alien or newer file is told from a damaged one."""
    if len(data) > MAX_REPORT_BYTES:
        raise BadFile(_too_large(source, len(data)))
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
    except msgspec.ValidationError:
        envelope = _Envelope()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFile(f"{source}: not readable as JSON ({error}).", _MEASURE_AGAIN) from None
    if envelope.format != f"mnv4bench {kind}":
        raise BadFile(f"{source}: JSON, but not {_WITH_ARTICLE[kind]} of mnv4bench.")
    if envelope.schema > SCHEMA:
        raise BadFile(
            f"{source}: written by a newer mnv4bench (schema {envelope.schema}; "
            f"this one reads up to {SCHEMA}).",
            "pip install --upgrade mnv4bench",
        )
    value = bytes(envelope.report if kind == "report" else envelope.evaluation)
    if _seal(value) != envelope.sha256:
        raise BadFile(
            f"{source}: the values do not match the seal; the file was edited or damaged.",
            "restore the file from version control, or measure again",
        )
    return value


_WITH_ARTICLE: dict[_Sealed, str] = {"report": "a report", "evaluation": "an evaluation"}
_MEASURE_AGAIN = "if it was copied, copy it again; otherwise measure again"


def _decode(kind: type[T], data: bytes, source: str, key: str = "") -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        where = str(error).replace("`$", f"`{key}") if key else str(error)
        raise BadFile(f"{source}: {where}.", _MEASURE_AGAIN) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFile(f"{source}: not readable as JSON ({error}).", _MEASURE_AGAIN) from None


def _too_large(source: str, size_bytes: int) -> str:
    return (
        f"{source}: {size_bytes / 2**20:.0f} MiB; a report is at most "
        f"{MAX_REPORT_BYTES // 2**20} MiB, so this is not one."
    )


def _profile_help(message: str) -> str:
    unknown = re.search(r"unknown field `([^`]*)`", message)
    tables = {"android": AndroidTarget, "expects": Expects, "emulated": EmulatedTarget}
    where = next((name for name in tables if f"`$.{name}" in message), "")
    fields = list(tables.get(where, DeviceProfile).__struct_fields__)
    of = f"[{where}]" if where else "a profile"
    return nearest(unknown[1], fields) if unknown else f"keys of {of}: {', '.join(fields)}"


# Strings of JSON hold no raw newline, so only real lists of numbers can match.
_NUMBER_LIST = re.compile(rb"\[\n\s+([-+0-9.eE,\s]+?)\n\s+\]")


def _readable(data: bytes) -> bytes:
    indented = msgspec.json.format(data, indent=1)
    return _NUMBER_LIST.sub(lambda m: b"[" + b" ".join(m[1].split()) + b"]", indented) + b"\n"
