"""LiteRT's own classes of the runtime info and operator profile files, in a process of their own.

TensorFlow has messages of the same names, and one process's pool takes them once: a test that came
after one with TensorFlow could not import LiteRT's. Knows: their messages as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_READ = """
import sys
from ai_edge_litert import model_runtime_info_pb2 as schema
from google.protobuf import json_format
details = schema.ModelRuntimeDetails.FromString(sys.stdin.buffer.read())
print(json_format.MessageToJson(details, preserving_proto_field_name=True))
"""
_WRITE_PROFILE = """
import sys
from ai_edge_litert import profiling_info_pb2 as schema
from google.protobuf import json_format
profile = json_format.Parse(sys.stdin.read(), schema.BenchmarkProfilingData())
sys.stdout.buffer.write(profile.SerializeToString())
"""
_WRITE = """
import sys
from ai_edge_litert import model_runtime_info_pb2 as schema
from google.protobuf import json_format
details = json_format.Parse(sys.stdin.read(), schema.ModelRuntimeDetails())
sys.stdout.buffer.write(details.SerializeToString())
"""


def read(data: bytes) -> dict[str, Any]:
    """The message in ``data``, by its fields' names."""
    return json.loads(_run(_READ, data))


def write(details: dict[str, Any]) -> bytes:
    """The bytes of a message."""
    return _run(_WRITE, json.dumps(details).encode())


def write_profile(profile: dict[str, Any]) -> bytes:
    """The bytes of a BenchmarkProfilingData."""
    return _run(_WRITE_PROFILE, json.dumps(profile).encode())


def _run(script: str, given: bytes) -> bytes:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout
