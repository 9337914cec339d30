"""The recipes of docs/ci, run step by step in a scratch repository, and this project's own gate.

What no test here shows is GitHub and GitLab themselves: how they show summaries, annotations and
JUnit files, and how they read the parts of a workflow that are not shell.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as Xml

import pytest
import yaml

from mnv4bench.errors import ExitStatus
from tests.devices.tiny_models import write_onnx, write_tflite
from tests.test_imports import MAY_IMPORT

ROOT = Path(__file__).parent.parent
RECIPES = ROOT / "docs" / "ci"
WORKFLOWS = ("github-pull-request.yml", "github-nightly.yml")
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # as GitHub's `shell: bash`

# Makes environments without an index: their mnv4bench and Python are the ones under test.
PYTHON = f"""#!/usr/bin/env bash
here=$(dirname "$0")
case "$1 $2" in
"-m venv")
    mkdir -p "$3/bin" && cp "$here/python" "$here/mnv4bench" "$3/bin" ;;
"-m pip")
    printf '%s\\n' "$*" >>"$PIP_LOG" ;;
*)
    exec {sys.executable} "$@" ;;
esac
"""
# A nightly measures in many rounds; here three short ones are enough. Nothing is fetched.
MNV4BENCH = f"""#!/usr/bin/env bash
export PYTHONPATH={ROOT}
case " $* " in
" run "*) set -- "$@" --quick ;;
*" --set-up "*) exit 0 ;;
esac
exec {sys.executable} -m mnv4bench "$@"
"""


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    ran = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


class Scratch:
    """A project with models, its remote, and the machine that its CI runs on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository, self.remote = folder / "project", folder / "remote.git"
        self.temporary, self.programs = folder / "temporary", folder / "bin"
        for one in (self.repository / "nets", self.temporary, self.programs):
            one.mkdir(parents=True)
        for name, text in (
            ("python", PYTHON),
            ("python3", PYTHON),
            ("mnv4bench", MNV4BENCH),
            ("adb", "#!/bin/sh\n"),
            ("sudo", "#!/bin/sh\n"),
        ):
            program(self.programs / name, text)
        program(
            self.repository / "build_models.sh",
            '#!/bin/sh\nset -e\nmkdir -p "$1"\ncp nets/* "$1"\n',
        )
        (self.repository / "requirements.txt").write_text("onnx\n")
        git(folder, "init", "--quiet", "--bare", "remote.git")
        git(folder, "init", "--quiet", "--initial-branch=main", "project")
        git(self.repository, "remote", "add", "origin", str(self.remote))
        self.pip_log = folder / "pip.log"

    def commit(self, channels: int) -> str:
        write_tflite(self.repository / "nets" / "net.tflite", channels=channels)
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "--allow-empty", "--message", f"{channels}")
        git(self.repository, "push", "--quiet", "origin", "HEAD:main")
        return git(self.repository, "rev-parse", "HEAD")

    def shell(self, script: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SHELL, script],
            cwd=cwd,
            env={
                **os.environ,
                "PATH": f"{self.programs}:{os.environ['PATH']}",
                "PIP_LOG": str(self.pip_log),
                **environment,
            },
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=600,
        )


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path)


class Step(NamedTuple):
    status: int
    out: str
    err: str


def run_workflow(scratch: Scratch, name: str, **environment: str) -> dict[str, Step]:
    """Every `run:` of the one job, in order, by the rules that its `if:` lines need.

    A step that failed ends the job for all steps but those with `!cancelled()`.
    """
    workflow = yaml.safe_load((RECIPES / name).read_text())
    (job,) = workflow["jobs"].values()
    summary = scratch.folder / "summary.md"
    values = {
        **workflow.get("env", {}),
        **job.get("env", {}),
        "RUNNER_TEMP": str(scratch.temporary),
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        **environment,
    }
    ran: dict[str, Step] = {}
    good: set[str] = set()
    for step in job["steps"]:
        if "run" not in step:
            continue
        condition = step.get("if", "")
        if any(one.status for one in ran.values()) and "!cancelled()" not in condition:
            continue
        needed = re.search(r"steps\.(\w+)\.outcome == 'success'", condition)
        if needed and needed[1] not in good:
            continue
        place = step.get("working-directory", str(scratch.repository))
        place = Path(place.replace("${{ runner.temp }}", str(scratch.temporary)))
        assert "${{" not in step["run"], "an expression in a script is an injection"
        ended = scratch.shell(step["run"], place, **values)
        ran[step["name"]] = Step(ended.returncode, ended.stdout, ended.stderr)
        if ended.returncode == 0 and "id" in step:
            good.add(step["id"])
    return ran


def troubles(path: Path) -> dict[str, int]:
    root = Xml.parse(path).getroot()
    return {kind: int(root.get(kind, "")) for kind in ("failures", "errors")}


# --- what can be read without running ---------------------------------------------------------


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_ask_for_little_and_never_share_a_machine(name: str) -> None:
    workflow: Any = yaml.safe_load((RECIPES / name).read_text())
    writes = name == "github-nightly.yml"
    assert workflow["permissions"] == {"contents": "write" if writes else "read"}
    assert True in workflow or "on" in workflow  # YAML 1.1 reads `on` as true
    (job,) = workflow["jobs"].values()
    assert job["concurrency"]["group"]
    assert job["timeout-minutes"] <= 120
    assert workflow["defaults"]["run"]["shell"] == "bash"
    for step in job["steps"]:
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_programs(path: Path) -> None:
    assert os.access(path, os.X_OK)
    subprocess.run(["sh", "-n", path], check=True)


def test_every_exit_status_is_explained() -> None:
    page = (ROOT / "docs" / "ci.md").read_text()
    for status in ExitStatus:
        assert re.search(rf"^\| {int(status)} \|", page, re.MULTILINE), status


# --- GitHub -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("emulated_system")
def test_a_pull_request_that_became_slower(scratch: Scratch) -> None:
    scratch.commit(channels=16)
    scratch.commit(channels=128)
    ran = run_workflow(scratch, "github-pull-request.yml")
    latency = ran["Latency on this machine"]
    assert latency.status == 1, latency
    assert "::error title=net%3A slower on host-cpu::" in latency.out
    assert troubles(scratch.repository / "gate" / "latency.xml") == {"failures": 1, "errors": 0}
    counted = ran["Instructions on a Cortex-A76"]
    assert counted.status == 1, counted
    exact = troubles(scratch.repository / "gate" / "instructions.xml")
    assert exact == {"failures": 1, "errors": 0}
    assert "### Latency gate: slower on" in (scratch.folder / "summary.md").read_text()
    asked = scratch.pip_log.read_text()
    assert f"-r {scratch.temporary}/base/requirements.txt" in asked
    assert "mnv4bench[run]" in asked


def test_a_pull_request_that_changed_no_model(scratch: Scratch) -> None:
    scratch.commit(channels=16)
    scratch.commit(channels=16)
    ran = run_workflow(scratch, "github-pull-request.yml")
    statuses = {name: step.status for name, step in ran.items()}
    assert statuses == dict.fromkeys(statuses, 0), ran
    assert "same file" in (scratch.folder / "summary.md").read_text()


def test_a_pull_request_whose_build_fails_measures_nothing(scratch: Scratch) -> None:
    scratch.commit(channels=16)
    program(scratch.repository / "build_models.sh", "#!/bin/sh\nexit 7\n")
    scratch.commit(channels=16)
    ran = run_workflow(scratch, "github-pull-request.yml")
    assert ran["Build head"].status == 7
    assert "Latency on this machine" not in ran


def test_two_nights(scratch: Scratch) -> None:
    scratch.commit(channels=16)
    git(scratch.repository, "tag", "v1")
    scratch.commit(channels=16)
    settings = {"DEVICE": "host-cpu", "MODELS": "nets/net.tflite"}
    for night in (1, 2):
        ran = run_workflow(scratch, "github-nightly.yml", **settings)
        assert {name: step.status for name, step in ran.items()} == dict.fromkeys(ran, 0), ran
        kept = git(scratch.remote, "ls-tree", "-r", "--name-only", "latency-reports").splitlines()
        assert sum(name.startswith("reports/") for name in kept) == night, kept
        assert "badges/host-cpu.svg" in kept
        assert "nets/net.tflite" not in kept
        assert git(scratch.remote, "rev-list", "--count", "latency-reports") == str(night)
        for one in ("history.svg", "history.json", "gate.xml", "gate.json"):
            assert (scratch.repository / "out" / one).exists(), one
        for folder in ("kept", "release"):  # GitHub empties its temporary folder after a job
            shutil.rmtree(scratch.temporary / folder)


def test_a_night_without_its_device_leaves_no_green_badge(scratch: Scratch) -> None:
    scratch.commit(channels=16)
    git(scratch.repository, "tag", "v1")
    scratch.commit(channels=32)
    ran = run_workflow(
        scratch, "github-nightly.yml", DEVICE="pixel8-edgetpu", MODELS="nets/net.tflite"
    )
    assert ran["Is the phone fit?"].status != 0
    assert "Measure main" not in ran
    assert ran["Is main slower than the release?"].status not in (0, 1)
    assert ran["Keep the reports and the badge"].status == 0, ran
    badge = git(scratch.remote, "show", "latency-reports:badges/pixel8-edgetpu.svg")
    assert "not measured" in badge


# --- GitLab -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "status"), [(16, 0), (128, 1)])
def test_a_merge_request(scratch: Scratch, channels: int, status: int) -> None:
    base = scratch.commit(channels=16)
    scratch.commit(channels=channels)
    job = yaml.safe_load((RECIPES / "gitlab-ci.yml").read_text())["latency gate"]
    values = {name: str(value) for name, value in job["variables"].items()}
    ran = scratch.shell(
        "\n".join(job["script"]),
        scratch.repository,
        CI_MERGE_REQUEST_DIFF_BASE_SHA=base,
        **values,
    )
    assert ran.returncode == status, ran
    assert job["allow_failure"]["exit_codes"] == [ExitStatus.NOT_MEASURED, ExitStatus.UNPROVEN]
    junit = scratch.repository / job["artifacts"]["reports"]["junit"]
    assert troubles(junit) == {"failures": status, "errors": 0}
    assert (scratch.repository / "gate" / "gate.svg").exists()


# --- plain shell ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "nothing became slower"),
        (1, "slower"),
        (2, "cannot be compared"),
        (3, "says nothing about the change"),
        (4, "cannot be read"),
        (5, "did not provably run"),
        (130, "interrupted"),
        (137, "Nothing was judged"),
    ],
)
def test_the_shell_says_what_a_status_means(scratch: Scratch, status: int, words: str) -> None:
    log = scratch.folder / "words"
    program(scratch.programs / "mnv4bench", f'#!/bin/sh\necho "$@" >"{log}"\nexit {status}\n')
    ran = scratch.shell(f"sh {RECIPES / 'gate.sh'} old new --seed 1", scratch.folder)
    assert ran.returncode == status
    assert words in ran.stdout
    assert log.read_text().startswith("gate --base old --head new --summary gate/summary.md ")
    assert log.read_text().endswith("--seed 1\n")


def test_the_shell_script_gates_for_real(scratch: Scratch) -> None:
    scratch.commit(channels=16)
    net = scratch.repository / "nets" / "net.tflite"
    ran = scratch.shell(f"sh {RECIPES / 'gate.sh'} {net} {net}", scratch.folder)
    assert ran.returncode == 0, ran
    assert json.loads((scratch.folder / "gate" / "gate.json").read_text())["verdict"] == "same"


# --- this project's own -----------------------------------------------------------------------

# Exports what the checkout's own folder says, and is the real program in all else, unless FAKE says
# with which status the gate of a device ends ("host-cpu=3 ...").
OWN_PYTHON = f"""#!/usr/bin/env bash
if [ "$1" = -c ] && [[ "$2" == *mnv4bench.__file__* ]]; then
    echo "$PWD/mnv4bench/__init__.py"
elif [ "$2 $3" = "mnv4bench export" ]; then
    if [ -e "$PWD/mnv4bench/export/slow" ]; then sleep 60; fi
    mkdir -p "${{@: -1}}" && cp mnv4bench/export/net.* "${{@: -1}}"
elif [ -n "${{FAKE:-}}" ] && [ "$2 $3" = "mnv4bench gate" ]; then
    for one in $FAKE; do
        if [[ " $* " == *" --device ${{one%=*}} "* ]]; then exit "${{one#*=}}"; fi
    done
    exit 99
elif [ -n "${{FAKE:-}}" ] && [ "$2 $3" = "mnv4bench devices" ]; then
    printf '{{"devices": [{{"device": "%s", "status": "ready"}}]}}' "${{FAKE%%=*}}"
else
    PYTHONPATH={ROOT} exec {sys.executable} "$@"
fi
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository that has this project's gate, and model files where its exporters would be."""
    folder = tmp_path / "project"
    (folder / "mnv4bench" / "export").mkdir(parents=True)
    (folder / ".venv" / "bin").mkdir(parents=True)
    program(folder / ".venv" / "bin" / "python", OWN_PYTHON)
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    (folder / ".gitignore").write_text(".venv/\nbuild/\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    own_commit(folder, channels=16)
    return folder


def own_commit(folder: Path, channels: int) -> None:
    write_tflite(folder / "mnv4bench" / "export" / "net.tflite", channels=channels)
    write_onnx(folder / "mnv4bench" / "export" / "net.onnx")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", f"{channels} channels")


def own_gate(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        [folder / ".ci" / "gate"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert git(folder, "worktree", "list").count("\n") == 0, "a worktree was left"
    return ran


def test_own_gate_says_when_there_is_nothing_to_compare(project: Path, tmp_path: Path) -> None:
    ran = own_gate(project)
    assert (ran.returncode, "first commit" in ran.stdout) == (0, True), ran
    (project / "notes.md").write_text("words")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "words")
    ran = own_gate(project)
    assert (ran.returncode, "no exporter differs" in ran.stdout) == (0, True), ran
    git(tmp_path, "clone", "--quiet", "--depth=1", project.as_uri(), "shallow")
    ran = own_gate(tmp_path / "shallow")
    assert (ran.returncode, "fetch-depth" in ran.stdout) == (3, True), ran
    assert own_gate(tmp_path / "shallow", GATE_BASE="none").returncode == 0
    assert own_gate(project, GATE_BASE="nobody").returncode == 2


def test_own_gate_looks_at_all_that_an_export_can_see() -> None:
    listed = re.search(r"exporters=\((.*?)\)", (ROOT / ".ci" / "gate").read_text(), re.DOTALL)
    assert listed
    paths = [Path(one) for one in listed[1].split()]
    assert all((ROOT / one).exists() for one in paths)
    rooms = {one.parts[1].removesuffix(".py") for one in paths}
    assert rooms >= {"export"} | MAY_IMPORT["export"]


def test_own_gate_says_what_is_the_same(project: Path) -> None:
    (project / "mnv4bench" / "export" / "words.py").write_text("# not in any file\n")
    ran = own_gate(project, GATE_BASE="HEAD")
    assert ran.returncode == 0, ran
    for device in ("host-cpu", "host-ort-cpu"):
        assert f"SAME on {device}" in ran.stdout
        assert troubles(project / "build" / "gate" / device / "junit.xml")["errors"] == 0


@pytest.mark.usefixtures("emulated_system")
def test_own_gate_fails_for_a_slower_exporter(project: Path) -> None:
    own_commit(project, channels=128)
    ran = own_gate(project)
    assert ran.returncode == 1, ran
    assert "SLOWER on host-cpu" in ran.stdout
    assert "SAME on host-ort-cpu" in ran.stdout
    assert "SLOWER on host-instructions" in ran.stdout
    summary = project / "build" / "gate" / "host-cpu" / "summary.md"
    assert "| **slower** |" in summary.read_text()


@pytest.mark.parametrize(
    ("count", "latency", "status"),
    [
        (0, 0, 0),
        (0, 3, 0),  # a busy machine, but the count is clear
        (3, 0, 0),
        (3, 3, 3),
        (1, 0, 1),
        (0, 1, 1),
        (3, 1, 1),
        (5, 1, 1),
        (0, 5, 5),
        (None, 0, 0),
        (None, 3, 3),  # nothing exact, and not clear: nothing was judged
    ],
)
def test_own_gate_adds_its_two_answers_up(
    project: Path, count: int | None, latency: int, status: int
) -> None:
    own_commit(project, channels=32)
    fakes = [f"host-cpu={latency}", "host-ort-cpu=0"]
    if count is not None:
        fakes.insert(0, f"host-instructions={count}")
    assert own_gate(project, FAKE=" ".join(fakes)).returncode == status


def test_own_gate_cleans_up_when_it_is_ended(project: Path) -> None:
    (project / "mnv4bench" / "export" / "slow").write_text("")
    own_commit(project, channels=16)
    own_commit(project, channels=32)
    began = project / "build" / "gate" / "worktree"
    gate = subprocess.Popen([project / ".ci" / "gate"], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (began / ".git").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gate.poll() is None
    gate.send_signal(signal.SIGTERM)
    assert gate.wait(timeout=30) == 143
    assert git(project, "worktree", "list").count("\n") == 0
    assert not began.exists()
