"""``run --dry-run``: what would run on each device, ready to paste."""

from __future__ import annotations

from collections.abc import Sequence

from mnv4bench import bench, units
from mnv4bench.cli.matrix import Dropped
from mnv4bench.cli.planning import Share
from mnv4bench.cli.reading import emit
from mnv4bench.records import Plan
from mnv4bench.render.untrusted import visible


def show(shares: Sequence[Share], plan: Plan, dropped: Dropped) -> None:
    """Every command of every share, with comments between them that a shell passes over."""
    for share in shares:
        profile = share.target.profile
        with dropped.kept(profile.device):
            for file in share.files:
                lines = share.target.runner.commands(file.path, file.artifact, plan.timing)
                _say(
                    f"{profile.device}: {file.artifact.model}, installed once, then one invocation "
                    f"a round in at most {units.plural(plan.max_rounds, 'round')}",
                    lines,
                )
                if plan.sustained_s is not None:
                    timing = bench.sustained_timing(plan)
                    _say(
                        f"{profile.device}: {file.artifact.model}, then such invocations back to "
                        f"back for {plan.sustained_s:.0f} s",
                        share.target.runner.commands(file.path, file.artifact, timing),
                    )


def _say(comment: str, lines: Sequence[str]) -> None:
    """A quoted part of a command may go over several lines; a comment never may."""
    emit(f"# {visible(comment)}")
    for line in lines:
        emit("\n".join(map(visible, line.split("\n"))))
