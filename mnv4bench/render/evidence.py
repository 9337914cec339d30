"""What an artifact says about itself: how it was calibrated, and how it was checked.

Knows: the words. Does not know: where they are printed.
"""

from mnv4bench import units
from mnv4bench.records import Artifact, Parity, Structure


def lines(artifact: Artifact) -> list[str]:
    """One line a fact, in the order in which they came about."""
    said = [precision(artifact)]
    if artifact.structure is not None:
        said.append(structure(artifact.structure))
    if artifact.parity is not None:
        said.append(parity(artifact.parity))
    return said


def precision(artifact: Artifact) -> str:
    """``"int8, uint8 activations, synthetic calibration (64 inputs)"``."""
    facts: list[str] = [artifact.precision]
    if artifact.activations:
        facts.append(f"{artifact.activations} activations")
    if artifact.calibration:
        count = artifact.calibration.count
        synthetic = artifact.calibration.kind == "synthetic"
        facts.append(artifact.calibration.text + (f" ({count} inputs)" if synthetic else ""))
    if artifact.deployment_target:
        facts.append(f"for {artifact.deployment_target} and later")
    return ", ".join([*facts, f"weights {artifact.weights.text}"])


def parity(parity: Parity) -> str:
    """How the outputs were compared with the network's own, by which measure, and why."""
    measured = {
        "max_rel_error": f"largest error {parity.max_rel_error:.1e} of the largest output",
        "sqnr_db": f"signal over noise {units.decibels(parity.sqnr_db)}",
    }
    limit = {
        "max_rel_error": f"at most {parity.tolerance:.0e}",
        "sqnr_db": f"at least {units.decibels(parity.tolerance)}",
    }[parity.judged_by]
    judged = measured.pop(parity.judged_by)
    others = list(measured.values())
    if parity.cosine is not None:
        others.append(f"cosine {parity.cosine:.6f}")
    return (
        f"compared with {parity.reference} on {parity.inputs} inputs ({parity.input_kind}) in "
        f"{parity.runtime}: {judged} ({limit}: {parity.tolerance_reason}); {', '.join(others)}"
    )


def structure(structure: Structure) -> str:
    """What was checked without running the file."""
    said = f"{structure.not_run}. " if structure.not_run else ""
    program = ""
    if structure.program_error is not None:
        program = (
            f"; worked out in torch with torch's weights, its program is off by "
            f"{structure.program_error:.1e} of the largest output (at most "
            f"{structure.program_tolerance or 0:.0e})"
        )
    return (
        f"{said}Its structure was checked: {sum(structure.operators.values())} "
        f"operators in {structure.compute}, {structure.input} to {structure.output}, "
        f"{structure.weights_compared} weights equal to torch's but for "
        f"{structure.max_weight_error:.1e} (at most {structure.tolerance:.1e}: "
        f"{structure.tolerance_reason}){program}"
    )
