"""``run --dry-run``: what would run on each device, ready to paste."""

from __future__ import annotations

from collections.abc import Sequence

from mnv4bench import bench, units
from mnv4bench.cli.matrix import Dropped
from mnv4bench.cli.planning import Share, plan_for
from mnv4bench.cli.reading import emit
from mnv4bench.records import Plan
from mnv4bench.render.untrusted import visible


def show(shares: Sequence[Share], plan: Plan, dropped: Dropped) -> None:
    """Every command of every share, with comments between them that a shell passes over."""
    for share in shares:
        profile = share.target.profile
        mine = plan_for(profile, plan)
        with dropped.kept(profile.device):
            measured = [(file.path, file.artifact) for file in share.files]
            sustained = None if mine.sustained_s is None else bench.sustained_timing(mine)
            lines = share.target.runner.commands(measured, mine.timing, sustained)
            models = ", ".join(artifact.model for _, artifact in measured)
            comment = (
                f"{profile.device}: {models}; one round of at most "
                f"{units.plural(mine.max_rounds, 'round')}, each with the models in an order of "
                "its own"
            )
            if mine.sustained_s is not None:
                comment += f", then each model back to back for {mine.sustained_s:.0f} s"
            _say(comment, lines)


def _say(comment: str, lines: Sequence[str]) -> None:
    """A quoted part of a command may go over several lines; a comment never may."""
    emit(f"# {visible(comment)}")
    for line in lines:
        emit("\n".join(map(visible, line.split("\n"))))
