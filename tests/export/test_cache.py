"""An entry is whole or absent, whatever happens to its writer and to the disk."""

import fcntl
import hashlib
import os
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench.errors import NotMeasured
from mnv4bench.export import cache
from mnv4bench.export.cache import Cache
from mnv4bench.records import Artifact, Weights

KEY = "0" * 64


def artifact(content: bytes, model: str = "a-model") -> Artifact:
    return Artifact(
        model=model,
        family="test",
        format="onnx",
        precision="fp32",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        weights=Weights(kind="random", detail="seed 0"),
    )


def put(store: Cache, key: str, content: bytes, model: str = "a-model") -> Artifact:
    made = artifact(content, model)
    with store.staging() as staged:
        (staged / cache.file_name(model, "onnx")).write_bytes(content)
        store.commit(staged, key, made)
    return made


def test_what_was_put_is_got(tmp_path: Path) -> None:
    store = Cache(tmp_path)
    assert store.get(KEY) is None
    made = put(store, KEY, b"content")
    found = store.get(KEY)
    assert found is not None
    assert found.artifact == made
    assert found.cached
    assert found.path.name == "a-model.onnx"
    assert found.path.read_bytes() == b"content"
    assert store.find(made.sha256) == found
    assert store.find("f" * 64) is None
    assert [path.name for path in store.artifacts.iterdir()] == [KEY]


def package(folder: Path, content: bytes = b"weights") -> Path:
    """A Core ML package: an artifact that is a folder."""
    (folder / "Data").mkdir(parents=True)
    (folder / "Manifest.json").write_bytes(b"{}")
    (folder / "Data" / "weight.bin").write_bytes(content)
    return folder


def test_a_folder_is_one_artifact(tmp_path: Path) -> None:
    store = Cache(tmp_path)
    with store.staging() as staged:
        file = package(staged / cache.file_name("a-model", "coreml"))
        made = replace(
            artifact(b""),
            format="coreml",
            sha256=cache.digest(file),
            size_bytes=cache.size_bytes(file),
        )
        store.commit(staged, KEY, made)
    found = store.get(KEY)
    assert found is not None
    assert found.path.name == "a-model.mlpackage"
    assert found.artifact.size_bytes == len(b"{}") + len(b"weights")
    (found.path / "Data" / "weight.bin").write_bytes(b"Weights")
    assert store.get(KEY) is None


def test_the_digest_of_a_folder_is_that_of_its_sha256sums(tmp_path: Path) -> None:
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("Data/weight.bin", b"weights"), ("Manifest.json", b"{}"))
    )
    folder = package(tmp_path / "m.mlpackage")
    assert cache.digest(folder) == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize("model", ["timm:hf-hub:org/name", "../../up", "a b\n"])
def test_a_model_name_is_never_a_path(model: str, tmp_path: Path) -> None:
    store = Cache(tmp_path)
    put(store, KEY, b"content", model)
    found = store.get(KEY)
    assert found is not None
    assert found.path.parent == store.artifacts / KEY


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "a-model.onnx").write_bytes(b"Content"),
        lambda entry: (entry / "a-model.onnx").unlink(),
        lambda entry: (entry / "artifact.json").unlink(),
        lambda entry: (entry / "artifact.json").write_bytes(b'{"model": '),
        lambda entry: (entry / "artifact.json").write_bytes(b""),
        lambda entry: (entry / "artifact.json").write_bytes(b"[]"),
    ],
)
def test_a_damaged_entry_is_removed_and_can_be_made_again(damage, tmp_path: Path) -> None:
    store = Cache(tmp_path)
    made = put(store, KEY, b"content")
    damage(store.artifacts / KEY)
    assert store.find(made.sha256) is None
    assert store.get(KEY) is None
    assert list(store.artifacts.iterdir()) == []
    put(store, KEY, b"content")
    assert store.get(KEY) is not None


def test_an_entry_that_is_no_folder_is_removed(tmp_path: Path) -> None:
    store = Cache(tmp_path)
    store.artifacts.mkdir()
    (store.artifacts / KEY).write_text("not a folder")
    assert store.get(KEY) is None
    assert list(store.artifacts.iterdir()) == []


def test_two_writers_of_one_entry_are_both_fine(tmp_path: Path) -> None:
    store = Cache(tmp_path)
    made = artifact(b"content")
    with store.staging() as one, store.staging() as two:
        for staged in (one, two):
            (staged / "a-model.onnx").write_bytes(b"content")
        store.commit(one, KEY, made)
        store.commit(two, KEY, made)
    found = store.get(KEY)
    assert found is not None
    assert found.artifact == made
    assert [path.name for path in store.artifacts.iterdir()] == [KEY]


def test_a_failed_writer_leaves_nothing(tmp_path: Path) -> None:
    store = Cache(tmp_path)

    def fail() -> None:
        with store.staging() as staged:
            (staged / "a-model.onnx").write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(store.artifacts.iterdir()) == []


def test_only_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    store = Cache(tmp_path)
    put(store, KEY, b"content")
    killed, writing, fresh = (store.artifacts / f".staging-{name}" for name in "abc")
    old = time.time() - 2 * cache.SWEEP_AGE_S
    for left in (killed, writing, fresh):
        left.mkdir()
        (left / "a-model.onnx").write_bytes(b"half")
        if left is not fresh:
            os.utime(left, (old, old))
    lock = os.open(writing, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    store.prepare()
    os.close(lock)
    assert {path.name for path in store.artifacts.iterdir()} == {KEY, writing.name, fresh.name}


def test_a_cache_that_cannot_be_written_is_named_with_its_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = Cache(tmp_path / "file" / "cache")
    with pytest.raises(NotMeasured) as caught:
        store.prepare()
    assert str(store.root) in caught.value.what
    assert "MNV4BENCH_CACHE" in caught.value.next_step


def test_a_disk_without_room_is_noticed_before_converting(tmp_path: Path) -> None:
    cache.require_room(tmp_path, 1)
    with pytest.raises(NotMeasured, match="MiB left") as caught:
        cache.require_room(tmp_path, 2**62)
    assert "MNV4BENCH_CACHE" in caught.value.next_step


def test_every_fact_is_in_the_key() -> None:
    facts = {"model": "a", "packages": {"torch": "2.13.0", "onnx": "1.23.2"}, "recipe": 1}
    key = cache.key(facts)
    assert key == cache.key(dict(reversed(facts.items())))
    assert key != cache.key(facts | {"recipe": 2})
    assert key != cache.key(facts | {"packages": {"torch": "2.13.1", "onnx": "1.23.2"}})
