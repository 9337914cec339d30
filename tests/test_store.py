"""The reports directory: whole at every moment, readable whatever else lies in it."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench import codec, store
from mnv4bench.errors import BadFile, BenchError, ExitStatus, NotMeasured, UsageError
from mnv4bench.records import Environment, Report
from tests.sample_reports import evaluation, measurement, report


def test_a_written_report_is_read_back(tmp_path: Path) -> None:
    path = store.write(tmp_path / "new" / "deep", report())
    assert store.read(path) == report()
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_is_no_file_is_never_replaced_by_one(tmp_path: Path) -> None:
    """As root, ``--out /dev/full`` would leave a file where the device was."""
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(NotMeasured, match="is not a regular file"):
        store.replace_file(pipe, b"rows")
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.csv"]


def test_an_open_report_grows_and_a_sealed_one_is_never_edited(tmp_path: Path) -> None:
    running = report(measurement(rounds=1), finished_at=None, ended=None)
    store.write(tmp_path, running)
    store.write(tmp_path, report(measurement(rounds=2)))
    with pytest.raises(NotMeasured, match="sealed"):
        store.write(tmp_path, report(measurement(rounds=3)))
    assert len(store.read(store.path_of(tmp_path, running)).measurements[0].invocations) == 2


def test_a_write_that_fails_half_way_leaves_the_older_report_whole(tmp_path: Path) -> None:
    """A real failure of write(2) in the middle of the file: the process's own size limit."""
    running = report(measurement(rounds=1), finished_at=None, ended=None)
    path = store.write(tmp_path, running)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(NotMeasured, match="File too large") as caught:
            store.write(tmp_path, report(measurement(rounds=2), finished_at=None, ended=None))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "--resume" in caught.value.next_step
    assert store.read(path) == running
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_an_evaluation_grows_is_sealed_and_found_by_its_artifact(tmp_path: Path) -> None:
    open_one = evaluation(0, 3, finished_at=None)
    path = store.write_evaluation(tmp_path, open_one)
    assert path.parent == tmp_path / "accuracy"
    assert store.write_evaluation(tmp_path, evaluation(0, 3, 5)) == path
    with pytest.raises(NotMeasured, match="sealed"):
        store.write_evaluation(tmp_path, open_one)
    other = evaluation(1, model="mnv4-conv-m")
    store.write_evaluation(tmp_path / "deep", other)
    beside = store.write(tmp_path, report())

    def found(*paths: Path, **which: frozenset[str]) -> list[int]:
        return [len(one.ranks) for _, one in store.evaluations(paths, **which)]

    assert sorted(found(tmp_path)) == [1, 3]
    assert found(tmp_path, artifacts=frozenset({other.artifact.sha256})) == [1]
    assert found(beside) == [3]  # a report that is named by itself
    assert found(tmp_path / "nowhere") == []
    # and to whoever reads reports they are not there
    assert [one for one, _ in store.walk([tmp_path])] == [beside]


@pytest.mark.parametrize(
    "change",
    [
        {"environment": Environment(runtime_name="onnxruntime")},
        {"environment": Environment(cpu_model="another")},
        {"decoder": "pillow 1"},
        {"preprocessing": replace(evaluation(0).preprocessing, resize_px=224)},
        {"dataset": replace(evaluation(0).dataset, sha256="e" * 64)},
    ],
)
def test_other_circumstances_are_another_evaluation(change: dict, tmp_path: Path) -> None:
    one, other = evaluation(0), evaluation(0, **change)
    assert store.evaluation_path(tmp_path, one) != store.evaluation_path(tmp_path, other)
    sources = replace(one.preprocessing, source="said elsewhere")
    same = evaluation(0, preprocessing=sources)
    assert store.evaluation_path(tmp_path, one) == store.evaluation_path(tmp_path, same)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"artifact": replace(evaluation(0).artifact, sha256="e" * 64)}, "file"),
        ({"dataset": replace(evaluation(0).dataset, sha256="e" * 64)}, "data set"),
        ({"preprocessing": replace(evaluation(0).preprocessing, crop_px=2)}, "preprocessing"),
    ],
)
def test_a_name_is_not_believed(change: dict, what: str, tmp_path: Path) -> None:
    asked, other = evaluation(0), evaluation(0, **change)
    assert store.kept_evaluation(tmp_path, asked) is None
    path = store.write_evaluation(tmp_path, asked)
    elsewhere = replace(asked.preprocessing, source="said elsewhere")
    assert store.kept_evaluation(tmp_path, replace(asked, preprocessing=elsewhere)) == asked
    path.unlink()
    store.write_evaluation(tmp_path, other).rename(path)
    with pytest.raises(BadFile, match=f"an evaluation of another {what} than its name says"):
        store.kept_evaluation(tmp_path, asked)


def test_whatever_ends_a_writing_the_older_file_stays_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("before")
    for ending in (KeyboardInterrupt, ValueError, OSError(28, "No space left on device")):
        expected = NotMeasured if isinstance(ending, OSError) else ending
        with pytest.raises(expected), store.replacing(tmp_path / "m.csv") as temporary:  # noqa: PT012
            temporary.write_text("half")
            raise ending
        assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]
        assert (tmp_path / "m.csv").read_text() == "before"
    with store.replacing(tmp_path / "m.csv") as temporary:
        temporary.write_text("after")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["after"]


@pytest.mark.parametrize("place", [".", "/", "..", "/dev", "x" * 300 + ".csv"])
def test_what_cannot_be_a_file_is_a_sentence(place: str) -> None:
    with pytest.raises(NotMeasured):
        store.replace_file(Path(place), b"rows")


def test_a_planted_link_is_never_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("a.json.tmp", ".a.json.part", "a.json"):
        (tmp_path / name).symlink_to(victim)
    store.replace_file(tmp_path / "a.json", b"new")
    assert victim.read_text() == "precious"
    assert (tmp_path / "a.json").read_text() == "new"
    assert not (tmp_path / "a.json").is_symlink()


def test_what_is_made_from_reports_never_takes_the_place_of_one(tmp_path: Path) -> None:
    kept = (store.write(tmp_path, report()), store.write_evaluation(tmp_path, evaluation(0)))
    for path in kept:
        data = path.read_bytes()
        link = tmp_path / "link.json"
        link.symlink_to(path)
        flat = tmp_path / "flat.json"  # somebody's formatter
        flat.write_bytes(b"\n" + data.translate(None, b"\n").replace(b'": "', b'":"'))
        for place in (path, link, flat):
            with pytest.raises(NotMeasured, match="never overwritten"):
                store.replace_file(place, b"{}")
            with pytest.raises(NotMeasured, match="never overwritten"), store.replacing(place):
                pass
        assert path.read_bytes() == data
        link.unlink()
    for other in (b"", b'{"format": "something else"}', b"\xff" * 1000):
        (tmp_path / "other.json").write_bytes(other)
        store.replace_file(tmp_path / "other.json", b"{}")


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """As root, ``--out /dev/stdout`` took the stream from every program of the machine."""
    pipe = tmp_path / "stream"
    os.mkfifo(pipe)
    with pytest.raises(NotMeasured, match="is not a regular file"):
        store.replace_file(pipe, b"new")
    assert pipe.is_fifo()


def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", Path("/dev/zero")):
        with pytest.raises(BadFile, match="not a regular file"):
            store.read(path)


def test_a_path_that_cannot_be_looked_at_is_a_bad_file() -> None:
    with pytest.raises(BadFile, match="too long"):
        store.files([Path("x" * 5000)])


def test_a_copy_elsewhere_is_not_what_a_resume_takes_up(tmp_path: Path) -> None:
    path = store.write(tmp_path, report(finished_at=None, ended=None))
    store.write(tmp_path / "old", report(name="old", finished_at=None, ended=None))
    path.rename(tmp_path / "renamed.json")
    assert store.unfinished(tmp_path) == []


def test_a_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotMeasured, match="could not be written"):
        store.write(tmp_path / "file" / "reports", report())
    with (
        pytest.raises(NotMeasured, match="cannot be written"),
        store.hold(tmp_path / "file" / "x", "host-cpu"),
    ):
        pass


def test_a_walk_shows_what_can_be_read_and_says_why_of_the_rest(tmp_path: Path) -> None:
    store.write(tmp_path / "sub", report())
    data = codec.encode_report(report(name="cut"))
    (tmp_path / "cut.json").write_bytes(data[: len(data) // 2])
    (tmp_path / "alien.json").write_text('{"groups": []}')
    (tmp_path / "broken.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("not looked at")
    (tmp_path / "half.json.tmp").write_text("not looked at")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.json").write_text("not looked at")
    found = dict(store.walk([tmp_path]))
    assert {p.name for p, r in found.items() if isinstance(r, BenchError)} == {
        "cut.json",
        "alien.json",
        "broken.json",
    }
    assert [r for r in found.values() if isinstance(r, Report)] == [report()]


def test_a_sparse_giant_is_refused_before_it_is_read(tmp_path: Path) -> None:
    giant = tmp_path / "giant.json"
    with giant.open("wb") as file:
        file.truncate(40 * 2**30)
    with pytest.raises(BadFile, match="40960 MiB"):
        store.read(giant)


def test_a_missing_path_that_was_asked_for_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or directory"):
        list(store.walk([tmp_path / "nowhere"]))


# JAX, which the converters load for other tests, warns of any fork; this child only reads.
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
def test_an_unreadable_directory_is_named(tmp_path: Path) -> None:
    """Root reads everything, so the walk is run as nobody where the tests run as root."""
    locked = tmp_path / "locked"
    store.write(locked, report())
    store.write(tmp_path, report())
    locked.chmod(0)
    try:
        if os.geteuid() == 0:
            for folder in [tmp_path, *tmp_path.parents][:4]:
                folder.chmod(0o755)
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    os.setuid(65534)
                    found = [r for _, r in store.walk([tmp_path])]
                    unreadable = [r for r in found if isinstance(r, BenchError)]
                    if len(found) == 2 and "Permission denied" in unreadable[0].what:
                        status = 0
                finally:
                    os._exit(status)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        else:
            found = [r for _, r in store.walk([tmp_path])]
            assert any(isinstance(r, BenchError) and "Permission" in r.what for r in found)
    finally:
        locked.chmod(0o755)


def test_whether_a_device_has_a_finished_report(tmp_path: Path) -> None:
    assert not store.holds_finished(tmp_path / "nowhere", "host-cpu")
    store.write(tmp_path, report(name="open", finished_at=None, ended=None))
    assert not store.holds_finished(tmp_path, "host-cpu")
    store.write(tmp_path, report(name="sealed"))
    assert store.holds_finished(tmp_path, "host-cpu")
    assert not store.holds_finished(tmp_path, "host-ort-cpu")


def test_the_latest_unfinished_report_is_found(tmp_path: Path) -> None:
    open_ = {"finished_at": None, "ended": None}
    assert store.unfinished(tmp_path / "nowhere") == []
    store.write(tmp_path, report(name="sealed", started_at="2026-11-23T00:00:00+00:00"))
    older = report(name="older", started_at="2026-11-21T00:00:00+00:00", **open_)
    newer = report(name="newer", started_at="2026-11-22T00:00:00+00:00", **open_)
    store.write(tmp_path, newer)
    store.write(tmp_path, older)
    assert store.unfinished(tmp_path) == [newer]
    assert store.latest_unfinished(tmp_path, newer.profile.device) == newer
    assert store.latest_unfinished(tmp_path, "host-ort-cpu") is None


HOLD = """
import sys, time
from pathlib import Path
from mnv4bench import store
with store.hold(Path(sys.argv[1]), "host-cpu"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_runs_in_one_directory_are_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with (
            pytest.raises(NotMeasured, match="another run") as caught,
            store.hold(tmp_path, "host-cpu"),
        ):
            pass
        assert caught.value.exit_status == ExitStatus.NOT_MEASURED
        with store.hold(tmp_path, "pixel8-edgetpu"):  # another device's reports may lie beside them
            pass
        first.kill()  # as kill -9 does: the lock must go with the process
    with store.hold(tmp_path, "host-cpu"):
        pass


@pytest.mark.parametrize("std", [(0.5, 0.0, 0.5), (0.5, 0.5, -1.0)])
def test_an_evaluation_with_impossible_preprocessing_is_a_bad_file(
    std: tuple[float, float, float], tmp_path: Path
) -> None:
    prepared = replace(evaluation(0).preprocessing, std=std)
    path = store.write_evaluation(tmp_path, evaluation(0, preprocessing=prepared))
    with pytest.raises(BadFile, match="std"):
        store.read_evaluation(path)
