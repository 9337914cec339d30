"""Why it is not proven where a measurement ran, in lines.

Knows: the words. Does not know: where they are printed.
"""

from mnv4bench.findings import Summary, Tally

# A line of a terminal or two; --json has the whole evidence.
EVIDENCE_CHARACTERS = 160


def doubts(one: Summary | Tally) -> list[str]:
    """The verdict and each signal with its evidence; nothing for what ran where it was asked to."""
    if one.placement not in ("none", "unproven"):
        return []
    words = {"none": "did not run where it was asked to", "unproven": "is not proven to have run"}
    where = "" if one.placement == "none" else " where it was asked to"
    head = f"{one.model} {words[one.placement]}{where}; left out of fronts"
    if not one.signals:
        return [f"{head}. Nothing shows where it ran."]
    return [f"{head}:", *(f"  {s.name} says {s.says}: {_short(s.evidence)}" for s in one.signals)]


def _short(evidence: str) -> str:
    if len(evidence) <= EVIDENCE_CHARACTERS:
        return evidence
    return f"{evidence[:EVIDENCE_CHARACTERS]}… (--json has all of it)"
