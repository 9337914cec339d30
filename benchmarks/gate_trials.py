"""Whole gates on the real machine: nothing changed, and slowdowns that were planted.

Each trial is one gate, as ``mnv4bench gate`` runs it, on ONNX Runtime on this machine. A network is
a chain of equal convolutions; one with N + 1 of them has 1/N more work, by count of operators:
33 and 34 are +3.0 %, 20 and 21 are +5 %, 10 and 11 are +10 %. Nothing changed is a copy with one
more byte of metadata, so that the files differ and the work does not.

    python benchmarks/gate_trials.py trials.jsonl --trials 200            # nothing changed
    python benchmarks/gate_trials.py trials.jsonl --trials 100 --planted 0.03 --busy 1
    python benchmarks/gate_trials.py trials.jsonl --show       # what the gate said
    python benchmarks/gate_trials.py trials.jsonl --peers      # what other rules say of the same

The trials of DESIGN.md lie beside this script: gate_trials.jsonl.gz.

``--busy`` keeps that many processes of this script spinning meanwhile. Trials are appended, so a
stopped series goes on with the same words; every turn of every process of the first measurement is
kept, so that other rules can be tried on the same data. ``others`` is what everything else on the
machine took meanwhile, in processors, so that "quiet" is a reading and not a claim.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import resource
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from mnv4bench import profiles
from mnv4bench.analysis import gating as judging
from mnv4bench.analysis import verdicts
from mnv4bench.analysis.gating import Rules
from mnv4bench.bench import gating
from mnv4bench.devices import Session, open_runner
from mnv4bench.export.own import file as own_file
from mnv4bench.records import Paired, Timing

LAYERS = {0.0: (33, 33), 0.03: (33, 34), 0.05: (20, 21), 0.10: (10, 11)}
CHANNELS, PIXELS = 32, 28
CONFIDENCE = 0.95
PROCESSES = 6  # that every gate has at least
QUIET = 0.3  # processors that everything else takes at most on a machine called quiet


class Keeping:
    """A session whose turns, side by side with another's, are kept."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.kept: list[Paired] = []

    def beside(self, head: Session, timing: Timing, *, base_first: bool) -> Paired:
        paired = self._session.beside(head, timing, base_first=base_first)
        self.kept.append(paired)
        return paired


class Silent:
    """Nobody listens."""

    def waiting(self, why: str) -> None:
        pass

    def looked(self, looks, *, confirming: bool) -> None:
        pass

    def failed(self, model: str, error: Exception) -> None:
        print(f"{model}: {error}", file=sys.stderr)


def chain(path: Path, layers: int, note: str) -> Path:
    """``layers`` 3x3 convolutions with ReLU, all alike."""
    from onnx import TensorProto, helper, numpy_helper, save

    random = np.random.default_rng(0)
    nodes, weights, name = [], [], "image"
    for layer in range(layers):
        kernel = random.standard_normal((CHANNELS, CHANNELS, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel / 17, f"kernel{layer}"))
        inputs, sums = [name, f"kernel{layer}"], f"sum{layer}"
        nodes.append(helper.make_node("Conv", inputs, [sums], pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [sums], [f"out{layer}"]))
        name = f"out{layer}"
    shape = [1, CHANNELS, PIXELS, PIXELS]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    model.doc_string = note
    save(model, str(path))
    return path


def trial(folder: Path, planted: float) -> dict[str, object]:
    """One gate from nothing: installed, measured, judged, confirmed."""
    files = own_file.open_files([folder / "base.onnx", folder / "head.onnx"], {})
    base, head = (files[folder / f"{side}.onnx"] for side in ("base", "head"))
    runner = open_runner(profiles.load("host-ort-cpu"))
    rules = Rules()
    began, all_before, own_before = time.monotonic(), _machine_s(), _own_s()
    with runner.held():
        keeping = Keeping(runner.install(base.path, base.artifact))
        contest = gating.Contest(
            "chain",
            keeping,
            runner.install(head.path, head.artifact),
            base.artifact,
            head.artifact,
        )
        gating.measure([contest], runner, rules, secrets.randbelow(2**31), Silent())
    look = judging.judge({"chain": contest.first}, rules)["chain"]
    second = None
    if contest.second:
        second = verdicts.confirm({"chain": contest.second}, rules)["chain"]
    found = verdicts.pair("chain", look, second, contest.second or contest.first, rules=rules)
    seconds = time.monotonic() - began
    others = (_machine_s() - all_before) - (_own_s() - own_before)
    return {
        "planted": planted,
        "verdict": found.verdict,
        "first": look.decision,
        "ratio": found.ratio,
        "seconds": round(seconds, 3),
        "others": round(others / seconds, 3),
        "numbers": [round(one.log_ratio, 6) for one in contest.first],
        "confirming": [round(one.log_ratio, 6) for one in contest.second],
        "turns_10ns": [
            [[round(seconds * 1e8) for seconds in side] for side in (one.base_s, one.head_s)]
            for one in keeping.kept[: len(contest.first)]
        ],
        "tainted": sum(bool(one.tainted) for one in contest.first),
    }


def _machine_s() -> float:
    """Processor seconds of everything on this machine so far, all processors together."""
    now = psutil.cpu_times()
    return float(now.user + now.nice + now.system)


def _own_s() -> float:
    """Processor seconds of this process and of those it waited for; ``spin`` is of the others."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def spin() -> None:
    while True:
        sum(range(10_000))


def recorded(path: Path) -> Iterator[dict]:
    """The trials of a file, which may be compressed, as the one that is kept here is."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            yield json.loads(line)


def show(path: Path) -> None:
    """A table row for each condition: verdicts, the exact interval of the rate, what it cost."""
    rows: dict[tuple[float, int, bool], list[dict]] = {}
    for one in recorded(path):
        quiet = one["others"] - one["busy"] < QUIET
        rows.setdefault((one["planted"], one["busy"], not quiet), []).append(one)
    print("| planted | busy | others | gates | slower | same | faster or inconclusive "
          "| slower, % (exact 95 % interval) | processes | seconds |")  # fmt: skip
    print(f"|{'---|' * 10}")
    for (planted, busy, disturbed), trials in sorted(rows.items()):
        counts = Counter(one["verdict"] for one in trials)
        slower, same = counts["slower"], counts["same"]
        low, high = clopper_pearson(slower, len(trials))
        processes = np.median([len(one["numbers"]) + len(one["confirming"]) for one in trials])
        seconds = np.median([one["seconds"] for one in trials])
        others = max(0.0, np.median([one["others"] - one["busy"] for one in trials]))
        print(
            f"| {f'+{planted:.0%}' if planted else 'nothing'} | {busy} "
            f"| {f'{others:.2f}' if disturbed else 'quiet'} | {len(trials)} | {slower} | {same} "
            f"| {len(trials) - slower - same} "
            f"| {slower / len(trials):.0%} [{100 * low:.1f}, {100 * high:.1f}] "
            f"| {processes:.0f} | {seconds:.1f} |"
        )
    for name, kept in (
        ("nothing changed", [trials for key, trials in rows.items() if not key[0]]),
        ("planted", [trials for key, trials in rows.items() if key[0]]),
    ):
        verdicts = [one["verdict"] for trials in kept for one in trials]
        slower = verdicts.count("slower")
        _, high = clopper_pearson(slower, len(verdicts), two_sided=False)
        print(f"{name}: {len(verdicts)} gates, {slower} slower", end="")
        print("" if name == "planted" else f" (one-sided exact 95 % bound {high:.2%})")


def peers(path: Path) -> None:
    """Today's rules on the turns of the same gates, as a table: percent of gates with an alarm.

    Once with base and head as they were measured, in turn; once with the base of the gate before,
    as where a run is compared with the one before it.
    """
    from tests.peer_gates import RULES

    rows: dict[tuple[float, int], list[dict]] = {}
    for one in recorded(path):
        if "turns_10ns" in one:
            rows.setdefault((one["planted"], one["busy"]), []).append(one)
    print(f"| base | planted | busy | gates | {' | '.join(RULES)} | this gate |")
    print(f"|{'---|' * (len(RULES) + 5)}")
    for (planted, busy), trials in sorted(rows.items()):
        kept = [one["turns_10ns"][:PROCESSES] for one in trials]
        fewest = min(len(side) for one in kept for process in one for side in process)
        turns = np.array([[[side[:fewest] for side in p] for p in one] for one in kept], float)
        base, head = turns[:, :, 0], turns[:, :, 1]
        slower = sum(one["verdict"] == "slower" for one in trials)
        for name, one, other in (("in turn", base, head), ("before", base[:-1], head[1:])):
            rates = [f"{100 * rule(one, other).mean():.1f}" for rule in RULES.values()]
            ours = f"{100 * slower / len(trials):.1f}" if name == "in turn" else ""
            print(
                f"| {name} | {planted:+.0%} | {busy} | {len(one)} | {' | '.join(rates)} | {ours} |"
            )


def clopper_pearson(hits: int, trials: int, *, two_sided: bool = True) -> tuple[float, float]:
    """The exact binomial interval (Clopper and Pearson 1934), by bisection on the tail."""
    from math import comb

    def tail(chance: float, at_least: int) -> float:
        every = range(at_least, trials + 1)
        return sum(comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in every)

    def solve(target: float, at_least: int) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if tail(middle, at_least) < target else (low, middle)
        return low

    error = (1 - CONFIDENCE) / (2 if two_sided else 1)
    low = 0.0 if hits == 0 else solve(error, hits)
    high = 1.0 if hits == trials else solve(1 - error, hits + 1)
    return low, high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--planted", type=float, default=0.0, choices=sorted(LAYERS))
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--peers", action="store_true")
    asked = parser.parse_args()
    if asked.show or asked.peers:
        (show if asked.show else peers)(asked.file)
        return
    spinning = [multiprocessing.Process(target=spin, daemon=True) for _ in range(asked.busy)]
    for process in spinning:
        process.start()
    with tempfile.TemporaryDirectory() as name, asked.file.open("a") as kept:
        folder = Path(name)
        base, head = LAYERS[asked.planted]
        chain(folder / "base.onnx", base, "base")
        chain(folder / "head.onnx", head, "head, the other file")
        for number in range(asked.trials):
            found = {**trial(folder, asked.planted), "busy": asked.busy}
            kept.write(json.dumps(found) + "\n")
            kept.flush()
            print(f"{number + 1}/{asked.trials} {found['verdict']} {found['seconds']:.1f} s")


if __name__ == "__main__":
    main()
