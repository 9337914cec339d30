"""``mnv4bench gate``: is head slower than base? Measured side by side, judged, confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.environments import BaseEnvOption, HeadEnvOption
from mnv4bench.cli.phones import BenchmarkModelOption, LibrariesOption, SerialOption
from mnv4bench.cli.reading import AsJson, emit, say
from mnv4bench.cli.stopping import stop_as_interrupted
from mnv4bench.errors import BenchError, ExitStatus

if TYPE_CHECKING:
    from mnv4bench.analysis.gating import Look, Rules
    from mnv4bench.bench.gating import Contest
    from mnv4bench.cli.sides import Sides
    from mnv4bench.devices import Runner
    from mnv4bench.findings import Gate, Pair

DEFAULT_DEVICE = "host-cpu"


def command(
    base: Annotated[
        str,
        typer.Option(
            metavar="FILE|DIR|REPORT|MODELS",
            help="What is in use: an artifact, a directory of artifacts, a report (.json), "
            "whose artifacts are in the cache, or models to be exported (NAME,timm:NAME).",
        ),
    ],
    head: Annotated[
        str, typer.Option(metavar="FILE|DIR|REPORT|MODELS", help="What is to take its place.")
    ],
    base_env: BaseEnvOption = None,
    head_env: HeadEnvOption = None,
    device: Annotated[
        str, typer.Option(help="A device of `mnv4bench devices`, or a profile of your own.")
    ] = DEFAULT_DEVICE,
    max_slowdown: Annotated[
        float,
        typer.Option(
            min=1.001,
            max=10.0,
            help="The slowdown that must not be missed, as a ratio; of half of it or less there "
            "is no alarm.",
        ),
    ] = 1.03,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Instead of the profile's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Orders models and sides. [default: drawn]")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the JSON there as well.", show_default=False),
    ] = None,
    serial: SerialOption = None,
    benchmark_model: BenchmarkModelOption = None,
    libraries: LibrariesOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure base and head side by side, in one session on one device, until the answer is clear.

    Exit status 1 is for "slower" alone, and only when a second, independent measurement agreed; 3
    when it could not be measured or stayed inconclusive, 5 when head did not provably run there.

    Example: mnv4bench gate --base old.tflite --head new.tflite
    Example: mnv4bench gate --base mnv4-conv-s --head mnv4-conv-s --head-env ./venv-new
    """
    import secrets

    from msgspec.structs import replace

    from mnv4bench import codec, profiles, store
    from mnv4bench.analysis.gating import Rules
    from mnv4bench.cli import environments, sides
    from mnv4bench.devices import Options
    from mnv4bench.render import gates

    stop_as_interrupted()
    profile = profiles.load(device)
    profile = replace(profile, threads=threads or profile.threads)
    python = environments.find(base_env, head_env, profile)
    runners = environments.runners(
        profile, Options(tuple(serial or ()), benchmark_model, libraries, keep=False), python
    )
    pairs, alone = sides.pair_up(base, head, profile, device, python)
    rules = Rules(max_slowdown=max_slowdown)
    contests = _measured(
        [one for one in pairs if not one.identical],
        runners,
        rules,
        secrets.randbelow(2**31) if seed is None else seed,
    )
    found = _findings(pairs, contests, rules, device=profile.device, alone=alone)
    text = codec.encode_json(found)
    if out:
        store.replace_file(out, f"{text}\n".encode())
    if as_json:
        emit(text)
    else:
        say(gates.gate(found))
    raise typer.Exit(_status(found, contests))


def _measured(
    pairs: Sequence[Sides], runners: tuple[Runner, Runner], rules: Rules, seed: int
) -> list[Contest]:
    """The contests, measured as far as it went; Ctrl-C goes up.

    ``runners`` are base's and head's: one device, of which base's holds it.
    """
    from mnv4bench.bench import gating
    from mnv4bench.errors import NotMeasured

    if not pairs:
        return []
    runner, heads = runners
    status, detail = runner.availability()
    if status != "ready":
        raise NotMeasured(f"the device is {status}: {detail}", "mnv4bench doctor")
    with runner.held():
        contests = [
            gating.Contest(
                model=pair.model,
                base=runner.install(pair.base.path, pair.base.artifact),
                head=heads.install(pair.head.path, pair.head.artifact),
                base_artifact=pair.base.artifact,
                head_artifact=pair.head.artifact,
            )
            for pair in pairs
        ]
        with _GateBoard(rules) as board:
            gating.measure(contests, runner, rules, seed, board)
    return contests


def _findings(
    pairs: Sequence[Sides],
    contests: Sequence[Contest],
    rules: Rules,
    *,
    device: str,
    alone: Sequence[str],
) -> Gate:
    from msgspec.structs import replace

    from mnv4bench.analysis import verdicts
    from mnv4bench.bench import gating
    from mnv4bench.findings import Skipped

    looks = gating.looks(contests, rules)
    confirmed = verdicts.confirm({one.model: one.second for one in contests if one.second}, rules)
    by_model = {one.model: one for one in contests}
    found: list[Pair] = []
    skipped = []
    for pair in pairs:
        contest = by_model.get(pair.model)
        if contest is None:
            found.append(verdicts.identical(pair.model, pair.base.artifact.sha256))
        elif contest.error is not None:
            skipped.append(Skipped(path=pair.model, reason=contest.error.what))
        else:
            found.append(
                verdicts.pair(
                    pair.model,
                    looks[pair.model],
                    confirmed.get(pair.model),
                    contest.second or contest.first,
                    rules=rules,
                    base_artifact_sha256=pair.base.artifact.sha256,
                    head_artifact_sha256=pair.head.artifact.sha256,
                    notes=_placements(contest),
                )
            )
    gate = verdicts.gate(found, rules, device=device, notes=tuple(alone))
    return replace(gate, skipped=tuple(skipped))


def _placements(contest: Contest) -> tuple[str, ...]:
    """What changed in where it ran: a faster head that lost its delegate is no better one."""
    base, head = contest.base_placement, contest.head_placement
    if base is None or head is None or base.verdict == head.verdict == "full":
        return ()
    return (f"placement: base {base.verdict}, head {head.verdict} ({head.unit})",)


def _status(gate: Gate, contests: Sequence[Contest]) -> int:
    """Slower, could not measure and unproven are told apart; what measured nothing is not green."""
    if gate.verdict == "slower":
        return ExitStatus.SLOWER
    if gate.skipped or gate.verdict == "inconclusive":
        return ExitStatus.NOT_MEASURED
    for contest in contests:
        placement = contest.head_placement
        if placement is not None and placement.verdict in ("none", "unproven"):
            return ExitStatus.UNPROVEN
    return ExitStatus.OK


class _GateBoard:
    """Says on stderr, a line a round, how far the gate is."""

    def __init__(self, rules: Rules) -> None:
        from mnv4bench.render.progress import Board

        self._rules = rules
        self._board = Board("gate", ("model", "ratio", "interval", "processes", "so far"))

    def __enter__(self) -> _GateBoard:
        self._board.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._board.__exit__(None, None, None)

    def waiting(self, why: str) -> None:
        self._board.now(f"waiting: {why}")

    def failed(self, model: str, error: BenchError) -> None:
        self._board.line(f"{model} could not be measured: {error}")

    def looked(self, looks: Mapping[str, Look], *, confirming: bool) -> None:
        from mnv4bench import units
        from mnv4bench.render import gates

        self._board.now("confirming what came out slower" if confirming else "measuring")
        self._board.rows(
            [
                (
                    model,
                    units.quotient(look.ratio),
                    gates.interval(look.low, look.high),
                    str(look.processes),
                    look.decision,
                )
                for model, look in looks.items()
            ]
        )
