"""Exports in processes of their own: hits, failures, kills and Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mnv4bench import export
from mnv4bench.errors import ExportFailed, MissingExtra, NotMeasured, UsageError
from mnv4bench.export import ExportRequest, Exports, Progress, ensure, formats
from tests.export.conftest import CONV_S_ONNX, CONV_S_TFLITE, PROJECT, entries, needs_linux

GONE_S = 10.0  # a killed process is reaped within this


def test_a_second_time_exports_nothing_and_loads_nothing(exports: Exports) -> None:
    probe = (
        "import sys\n"
        "from mnv4bench.export import ExportRequest, ensure\n"
        "phases = []\n"
        "ensure([ExportRequest('mnv4-conv-s', f, 'random') for f in ('onnx', 'tflite')],"
        " listen=lambda p: phases.append(p.phase))\n"
        "heavy = 'torch timm numpy onnx onnxruntime ai_edge_litert litert_torch'.split()\n"
        "print(phases, [m for m in heavy if m in sys.modules])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "['cached', 'cached'] []"


def test_a_file_is_found_by_its_digest(exports: Exports) -> None:
    exported = exports.files[CONV_S_TFLITE]
    found = export.find(exported.artifact.sha256)
    assert found is not None
    assert found.path == exported.path
    assert export.find("0" * 64) is None


def test_one_failure_stops_no_other_export_and_is_told(exports: Exports, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no tensors")
    bad = ExportRequest("mnv4-conv-s", "onnx", str(broken))
    told: list[Progress] = []
    both = ensure([bad, CONV_S_ONNX], listen=told.append)
    assert list(both.files) == [CONV_S_ONNX]
    assert list(both.failures) == [bad]
    assert "broken.safetensors" in both.failures[bad].what
    assert next(p.phase for p in told if p.request == bad) == "started"
    assert [p.detail for p in told if p.phase == "failed"] == [both.failures[bad].what]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (ExportRequest("mnv4-conv-x", "onnx", "random"), "mnv4-conv-"),
        (ExportRequest("mnv4-conv-s", "onnx", "randon"), "randon"),
        (ExportRequest("mnv4-conv-s", "coreml", "random"), "coreml in fp32 cannot be had"),
        (ExportRequest("mnv4-conv-s", "onnx", "random", "int8-dynamic"), "ConvInteger"),
        (ExportRequest("mnv4-conv-s", "onnx", "random", "int8", "no-such-folder"), "no-such"),
        (
            ExportRequest("mnv4-conv-s", "coreml", "random", "fp16", deployment_target="iOS1"),
            "nearest: iOS18",
        ),
    ],
)
def test_words_that_cannot_be_had_are_refused_first(
    request_: ExportRequest, says: str, empty_cache: Path
) -> None:
    with pytest.raises(UsageError, match=says):
        ensure([CONV_S_ONNX, request_])
    assert not empty_cache.exists()


def test_a_missing_package_is_named_with_its_install_line() -> None:
    recipe = replace(formats.recipe("onnx", "fp32"), packages=("no-such-distribution",))
    with pytest.raises(MissingExtra, match=r"no-such-distribution") as caught:
        formats.versions(recipe)
    assert caught.value.next_step == "pip install 'mnv4bench[export]'"


def test_ctrl_c_ends_every_worker(empty_cache: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.phase == "building":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure([CONV_S_ONNX, CONV_S_TFLITE], jobs=2, listen=interrupt)
    assert workers_of(os.getpid()) == []
    assert entries(empty_cache) == []


def test_a_killed_worker_is_a_failure_and_the_cache_still_works(
    empty_cache: Path, exports: Exports
) -> None:
    """Killed while converting; then the same export goes through, to the very same bytes."""

    def kill(progress: Progress) -> None:
        if progress.phase == "converting":
            for worker in workers_of(os.getpid()):
                worker.kill()

    failure = ensure([CONV_S_ONNX], listen=kill).failures[CONV_S_ONNX]
    assert isinstance(failure, ExportFailed)
    assert "SIGKILL" in failure.what
    assert "memory" in failure.next_step
    assert entries(empty_cache) == []
    again = ensure([CONV_S_ONNX])
    assert not again.failures
    exported = again.files[CONV_S_ONNX]
    assert not exported.cached
    assert exported.artifact.sha256 == exports.files[CONV_S_ONNX].artifact.sha256


@needs_linux
def test_workers_die_with_a_killed_parent(empty_cache: Path) -> None:
    script = (
        "from mnv4bench.export import ExportRequest, ensure\n"
        "ensure([ExportRequest('mnv4-conv-s', 'onnx', 'random')],"
        " listen=lambda p: print(p.phase, flush=True))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    while parent.stdout.readline().strip() != "converting":
        assert parent.poll() is None
    (worker,) = workers_of(parent.pid)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + GONE_S
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.05)
    assert entries(empty_cache) == []


def test_a_full_disk_is_a_sentence_that_names_the_cache(tmp_path: Path) -> None:
    """No file of this process family may grow past a mebibyte, as if the disk were full."""
    script = (
        "import json, resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        "from mnv4bench.export import ExportRequest, ensure\n"
        "exports = ensure([ExportRequest('mnv4-conv-s', 'onnx', 'random')])\n"
        "(failure,) = exports.failures.values()\n"
        "print(json.dumps([type(failure).__name__, failure.what, failure.next_step]))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=os.environ | {"MNV4BENCH_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    kind, what, next_step = json.loads(ran.stdout.splitlines()[-1])
    assert kind == NotMeasured.__name__
    assert str(tmp_path) in what
    assert "MNV4BENCH_CACHE" in next_step
    assert entries(tmp_path) == []


def workers_of(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children() if "worker" in child.cmdline()]
