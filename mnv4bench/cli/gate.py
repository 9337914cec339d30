"""``mnv4bench gate``: is head slower than base? Measured side by side, judged, confirmed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mnv4bench.cli import publishing
from mnv4bench.cli.environments import BaseEnvOption, HeadEnvOption
from mnv4bench.cli.phones import (
    BenchmarkModelOption,
    HostOption,
    LibrariesOption,
    SerialOption,
)
from mnv4bench.cli.reading import DEFAULT_REPORTS, AsJson, emit, say
from mnv4bench.cli.stopping import stop_as_interrupted
from mnv4bench.errors import UsageError

DEFAULT_DEVICE = "host-cpu"
Metric = Literal["seconds", "instructions"]


def command(
    head: Annotated[
        str, typer.Option(metavar="FILE|DIR|REPORT|MODELS", help="What is to take base's place.")
    ],
    base: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR|REPORT|MODELS",
            help="What is in use: an artifact, a directory of artifacts, a report (.json), whose "
            "artifacts are in the cache, or models to be exported (NAME,timm:NAME). Only with "
            "--budget may it be left out.",
            show_default=False,
        ),
    ] = None,
    base_env: BaseEnvOption = None,
    head_env: HeadEnvOption = None,
    device: Annotated[
        str, typer.Option(help="A device of `mnv4bench devices`, or a profile of your own.")
    ] = DEFAULT_DEVICE,
    metric: Annotated[
        Metric | None,
        typer.Option(
            help="What is compared. Instructions are counted on emulated devices: exact, and a "
            "cost, no latency. [default: what the device gives]",
            show_default=False,
        ),
    ] = None,
    max_slowdown: Annotated[
        float | None,
        typer.Option(
            min=1.001,
            max=10.0,
            help="The slowdown that must not be missed, as a ratio; of half of it or less there "
            "is no alarm. [default: the profile's, or 1.03]",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL=TIME",
            help="The latency that a model of head must keep within, such as mnv4-conv-s=2.5ms; "
            "repeatable.",
            show_default=False,
        ),
    ] = None,
    reports: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where `mnv4bench eval` has put what it knows of accuracies."
        ),
    ] = DEFAULT_REPORTS,
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
    host: HostOption = None,
    benchmark_model: BenchmarkModelOption = None,
    libraries: LibrariesOption = None,
    summary: publishing.SummaryOption = None,
    junit: publishing.JunitOption = None,
    badge: publishing.BadgeOption = None,
    annotations: publishing.AnnotationsOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure base and head side by side, in one session on one device, until the answer is clear.

    Exit status 1 is for "slower" and for a model over its budget alone, and only when a second,
    independent measurement agreed; 3 when it could not be measured or stayed inconclusive, 5 when
    head did not provably run there.

    Example: mnv4bench gate --base old.tflite --head new.tflite

    Example: mnv4bench gate --base mnv4-conv-s --head mnv4-conv-s --head-env ./venv-new

    Example: mnv4bench gate --head new.tflite --budget new=2.5ms
    """
    import secrets
    from functools import partial

    from msgspec.structs import replace

    from mnv4bench import codec, profiles
    from mnv4bench.analysis.gating import MAX_SLOWDOWN, Rules
    from mnv4bench.bench import trips
    from mnv4bench.cli import contesting, environments, judging, sides
    from mnv4bench.devices import Options
    from mnv4bench.render import gates

    stop_as_interrupted()
    to = publishing.outlets(
        summary, junit, badge, annotations, out=out, as_json=as_json, device=device
    )
    with publishing.watching(to):
        profile = profiles.load(device)
        profile = replace(profile, threads=threads or profile.threads)
        trips.require_gate(profile)
        counts = contesting.metric(profile, metric) == "instructions"
        if base is None and not budget:
            raise UsageError(
                "there is no --base to compare head with, and no --budget to hold it to.",
                "mnv4bench gate --base old.tflite --head new.tflite",
            )
        if base is None:  # its budget is all that there is to know of head
            if base_env is not None:
                raise UsageError("--base-env is of --base; there is none.", "leave --base-env out")
            base, base_env = head, head_env
        pythons = environments.find(base_env, head_env, profile)
        options = Options(tuple(serial or ()), benchmark_model, libraries, host=host)
        runners = environments.runners(profile, options, pythons)
        pairs, alone = sides.pair_up(base, head, profile, device, pythons)
        limits_s = contesting.budgets(budget or [], [pair.model for pair in pairs], counts=counts)
        rules = Rules(max_slowdown=max_slowdown or profile.max_slowdown or MAX_SLOWDOWN)
        seed = secrets.randbelow(2**31) if seed is None else seed
        session = contesting.measure(pairs, limits_s, runners, rules, seed, counts=counts)
        known = judging.accuracies(pairs, reports)
        found = judging.findings(pairs, session, rules, known, device=profile.device, alone=alone)
        found = replace(found, seed=seed)
        status = judging.status(found, session)
        if as_json:
            show = partial(emit, codec.encode_json(found))
        else:
            show = partial(say, gates.gate(found))
        publishing.publish(found, status, to, show)
        if status:
            raise typer.Exit(status)
