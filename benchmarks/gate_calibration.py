"""What the gate promises, on a machine whose noise is known, beside the rules people use today.

    python benchmarks/gate_calibration.py [--gates 10000] [--trials 2000] [--only TABLE ...]

Tables for DESIGN.md, in Markdown. All from fixed seeds, so a second run prints the same figures.

* gates: with nothing changed, how many of --gates gates raise an alarm, with the exact bound
  (Clopper and Pearson, 95 %), and how many come out slower in the first measurement alone; of
  --trials gates with a slowdown, how many are caught; and how many processes it took.
* curve: what comes out for true ratios from 1 to the one that must not be missed.
* models: the same for gates of twenty models.
* peers: today's rules on the same blocks; and as they are used, base in a run before head's.
* copies: false alarms where two copies of one file differ by where they lie in memory.
* detectable: slowdowns of what a session says it could have seen, and how many are caught.
* blocks: how far processes scatter by what stands for a block, where other programs interfere.
* looks: how often a t-test errs that is asked after every pair of processes, and the gate's bet.
* speed: seconds for --gates gates on one core.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnv4bench.analysis import symmetry
from mnv4bench.analysis.gating import FALSE_ALARM_RATE, MAX_PROCESSES, detectable
from mnv4bench.analysis.pairing import Observation
from tests.gate_simulator import (
    INFERENCES,
    MACHINES,
    Machine,
    clopper_pearson,
    draw,
    log_ratios,
    play,
)
from tests.peer_gates import RULES, student_quantile

SLOWDOWNS = (1.03, 1.05, 1.10)
CURVE = (1.0, 1.005, 1.01, 1.015, 1.02, 1.025, 1.03)
PEER_PROCESSES = 10
# Beyond what any of the machines shows, where a gate at its default cannot do what it is asked.
NOISIER = {"4 % a side": Machine(between=0.04), "8 % a side": Machine(between=0.08)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gates", type=int, default=10_000)
    parser.add_argument("--trials", type=int, default=2_000)
    parser.add_argument("--only", nargs="*", choices=TABLES, default=list(TABLES))
    options = parser.parse_args()
    for name in options.only:
        print(f"\n### {name}\n", flush=True)
        TABLES[name](options.gates, options.trials)


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*cells: str) -> None:
    row(*cells)
    print("|" + "---|" * len(cells))


def share(hits: int, trials: int) -> str:
    """Percent, with the exact 95 % interval."""
    low, high = clopper_pearson(hits, trials)
    return f"{100 * hits / trials:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def alarms(hits: int, trials: int) -> str:
    return f"{hits} (at most {100 * clopper_pearson(hits, trials)[1]:.3f} %)"


def scatter(machine: Machine) -> float:
    """Of processes, in percent: the interquartile range over a normal one's, outliers apart."""
    numbers = log_ratios(draw(machine, 1.0, 500, 10, np.random.default_rng(9)))
    low, high = np.percentile(numbers, [25, 75])
    return 100 * float(high - low) / 1.349


def gates(count: int, trials: int) -> None:
    print(
        f"{count} gates with nothing changed, {trials} with each slowdown; stated: at most "
        f"{100 * FALSE_ALARM_RATE:.4f} % alarms\n"
    )
    head(
        "machine", "processes scatter by, %", "alarms", "slower in the first alone, %",
        "inconclusive, %", "processes, mean and p95",
        *(f"{one:.2f} caught, %" for one in SLOWDOWNS),
    )  # fmt: skip
    every = 0
    for name, machine in MACHINES.items():
        same = play(machine, 1.0, count, seed=1)
        every += same.verdicts["slower"]
        caught = [play(machine, one, trials, seed=2).verdicts["slower"] for one in SLOWDOWNS]
        row(
            name,
            f"{scatter(machine):.1f}",
            alarms(same.verdicts["slower"], count),
            f"{100 * same.suspected / count:.2f}",
            f"{100 * same.share('inconclusive'):.1f}",
            f"{np.mean(same.processes):.1f}, {np.percentile(same.processes, 95):.0f}",
            *(share(one, trials) for one in caught),
        )
    print(f"\nAlarms on all machines: {alarms(every, count * len(MACHINES))}")


def curve(count: int, trials: int) -> None:  # noqa: ARG001
    """Percent of gates: slower (confirmed) / same / inconclusive."""
    head("machine", *(f"{one:.3f}" for one in CURVE))
    for name in ("quiet", "usual", "two busy loops", "two threads"):
        found = [play(MACHINES[name], one, trials, seed=13) for one in CURVE]
        kinds = ("slower", "same", "inconclusive")
        row(name, *(" / ".join(f"{100 * one.share(kind):.1f}" for kind in kinds) for one in found))


def models(count: int, trials: int) -> None:  # noqa: ARG001
    head(
        "machine", "gates of 20 models", "with an alarm", "models slower in the first alone",
        "processes a model",
    )  # fmt: skip
    for name in ("usual", "two threads", "modes"):
        found = play(MACHINES[name], 1.0, count // 20, models=20, seed=3)
        row(
            name,
            found.gates,
            alarms(found.alarmed_gates, found.gates),
            found.suspected,
            f"{np.mean(found.processes):.1f}",
        )


def peers(count: int, trials: int) -> None:  # noqa: ARG001
    """Percent of alarms: nothing changed / 3 % slower."""
    print(
        f"{trials} gates of {PEER_PROCESSES} processes a side. Percent of alarms with nothing "
        "changed / with head 3 % slower. First on the blocks that the gate has (lower deciles, "
        "which spare these rules most disturbances), then with base's processes all before head's\n"
    )
    for apart in (False, True):
        head("base in a run before" if apart else "alternating blocks", *RULES, "this gate")
        for name, machine in MACHINES.items():
            cells = []
            for title, rule in RULES.items():
                if machine.blocks == 1 and title.startswith(("google", "asv")):
                    cells.append("one value a process")
                    continue
                pair = []
                for slowdown in (1.0, 1.03):
                    rng = np.random.default_rng(4)
                    blocks = draw(machine, slowdown, trials, 2 * PEER_PROCESSES, rng)
                    first = slice(0, PEER_PROCESSES)
                    second = slice(PEER_PROCESSES, None) if apart else first
                    pair.append(100 * rule(blocks.base[:, first], blocks.head[:, second]).mean())
                cells.append(f"{pair[0]:.1f} / {pair[1]:.1f}")
            ours = [100 * play(machine, one, trials, seed=5).share("slower") for one in (1.0, 1.03)]
            row(name, *cells, "" if apart else f"{ours[0]:.1f} / {ours[1]:.1f}")
        print()


def copies(count: int, trials: int) -> None:  # noqa: ARG001
    print(f"{count} gates of two copies of one file, which differ by 1 % (a standard deviation)\n")
    head("copied anew", "slower in the first alone, %", "alarms")
    share_of_side = 0.01 / np.sqrt(2)
    usual = MACHINES["usual"]
    kinds = {
        "for every process": replace(usual, between=np.hypot(usual.between, share_of_side)),
        "for the second measurement": replace(usual, copy=share_of_side),
        "never": replace(usual, copy=share_of_side, renewed=False),
    }
    for name, machine in kinds.items():
        found = play(machine, 1.0, count, seed=12)
        suspected = f"{100 * found.suspected / count:.2f}"
        row(name, suspected, alarms(found.verdicts["slower"], count))


def seen(count: int, trials: int) -> None:  # noqa: ARG001
    head("machine", "said by sessions, median", "of that, caught, %")
    for name, machine in (MACHINES | NOISIER).items():
        numbers = log_ratios(draw(machine, 1.0, 200, MAX_PROCESSES, np.random.default_rng(6)))
        said = [
            detectable([Observation(one, "base first", 20, 1.0, 1.0) for one in session])
            for session in numbers.tolist()
        ]
        middle = float(np.median([one or np.inf for one in said]))
        caught = play(machine, middle, trials, seed=7).verdicts["slower"]
        row(name, f"{middle:.4f}", share(caught, trials))


def blocks(count: int, trials: int) -> None:  # noqa: ARG001
    """Scatter of processes, percent."""
    import tests.gate_simulator as simulator

    ranks = {
        "minimum": 0,
        "lower decile": (INFERENCES - 1) // 10,
        "lower quartile": (INFERENCES - 1) // 4,
        "median": INFERENCES // 2,
    }
    head("hit inferences", *ranks, "mean")
    pool = simulator.block_pool

    def mean_pool(machine: Machine, _: np.random.Generator) -> np.ndarray:
        every = [np.exp(pool(machine, np.random.default_rng(8), k)) for k in range(INFERENCES)]
        return np.log(np.mean(every, 0))

    for chance in (0.0, 0.15, 0.3, 0.4, 0.5):
        machine = replace(MACHINES["usual"], hits=(chance, 2.0))
        cells = []
        for rank in (*ranks.values(), None):
            simulator.block_pool = (
                mean_pool if rank is None else lambda m, rng, rank=rank: pool(m, rng, rank)
            )
            cells.append(f"{scatter(machine):.2f}")
        row(f"{100 * chance:.0f} %", *cells)
    simulator.block_pool = pool


def looks(count: int, trials: int) -> None:  # noqa: ARG001
    print("Ever above 1 at a level of 2.5 %, looked at after 6, 8, ... 40 processes, in percent\n")
    head("machine", "t-test", "bet")
    for name, machine in MACHINES.items():
        numbers = log_ratios(draw(machine, 1.0, trials, MAX_PROCESSES, np.random.default_rng(10)))
        t = np.zeros(trials, bool)
        for n in range(6, MAX_PROCESSES + 1, 2):
            first = numbers[:, :n]
            doubt = first.std(1, ddof=1) / np.sqrt(n)
            t |= first.mean(1) > student_quantile(0.975, n - 1) * doubt
        bet = [
            any(
                symmetry.evidence(values[:n], 0.0, np.log(1.03))[0] >= 40
                for n in range(6, MAX_PROCESSES + 1, 2)
            )
            for values in numbers.tolist()
        ]
        row(name, share(int(t.sum()), trials), share(sum(bet), trials))


def speed(count: int, trials: int) -> None:  # noqa: ARG001
    head("machine", f"seconds for {count} gates")
    for name in ("usual", "two threads"):
        start = time.perf_counter()
        play(MACHINES[name], 1.0, count, seed=11)
        row(name, f"{time.perf_counter() - start:.1f}")


TABLES = {
    "gates": gates,
    "curve": curve,
    "models": models,
    "peers": peers,
    "copies": copies,
    "detectable": seen,
    "blocks": blocks,
    "looks": looks,
    "speed": speed,
}

if __name__ == "__main__":
    main()
