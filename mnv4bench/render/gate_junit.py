"""A gate as JUnit XML: a test case a model, for GitLab, Jenkins and GitHub's report actions.

Knows: the elements that their readers take. Does not know: where the file goes.

Slower and over budget are failures; what has no answer (not measured, inconclusive, placement
unproven) is an error: readers count the two apart, as a gate does. A file whose exit status is not
0 has at least one of either, and one of a gate that measured nothing is never green.

There is no one standard. What is written is valid by Jenkins' ``junit-10.xsd`` (jenkinsci/
xunit-plugin), which knows no properties in a test case, so each model is a suite of its own.
GitLab (``lib/gitlab/ci/parsers/test/junit.rb``; docs.gitlab.com, "Unit test reports") takes the
``name`` and ``classname`` of cases, of two with the same pair only the first, and of a failure or
error its text and not its ``message``, so the sentence is in both. It reads the ``type`` as a type
of Ruby's where it is one ("file", "array", "integer"); ours never are. Files are to end in .xml and
to be smaller than 30 MB. Jenkins takes what is before the last dot of ``classname`` as a package.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from mnv4bench.findings import Gate
from mnv4bench.render.gate_rows import ALARMS, UNANSWERED, Outcome, Row, reason, rows
from mnv4bench.render.gates import promises
from mnv4bench.render.untrusted import visible


def junit(found: Gate, status: int) -> str:
    """The whole file. Characters that XML 1.0 forbids are written out, as in ``\\x1b``."""
    every = rows(found)
    failing = ALARMS | UNANSWERED
    if not every or (status != 0 and not any(row.outcome in failing for row in every)):
        every.append(_whole(found, status))
    failures = sum(row.outcome in ALARMS for row in every)
    errors = sum(row.outcome in UNANSWERED for row in every)
    root = Xml.Element(
        "testsuites",
        name="mnv4bench gate",
        tests=str(len(every)),
        failures=str(failures),
        errors=str(errors),
    )
    for row, name in zip(every, _names(every), strict=True):
        _suite(root, row, name, found)
    Xml.indent(root)
    text = Xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(root: Xml.Element, row: Row, name: str, found: Gate) -> None:
    on = f" on {visible(found.device)}" if found.device else ""
    failed, unanswered = row.outcome in ALARMS, row.outcome in UNANSWERED
    suite = Xml.SubElement(
        root,
        "testsuite",
        name=f"{name}{on}",
        tests="1",
        failures=str(int(failed)),
        errors=str(int(unanswered)),
        skipped="0",
    )
    properties = Xml.SubElement(suite, "properties")
    facts = (
        ("device", found.device),
        ("unit", found.unit),
        ("metric", found.metric),
        ("max_slowdown", repr(found.max_slowdown)),
        ("outcome", row.outcome),
        *row.facts,
    )
    for key, value in facts:
        if value:
            Xml.SubElement(properties, "property", name=key, value=visible(value))
    # No reader takes a case without a time well, and how long one model took is not known apart.
    group = ".".join(filter(None, ("mnv4bench.gate", visible(found.device))))
    case = Xml.SubElement(suite, "testcase", classname=group, name=name, time="0")
    sentence = visible(f"{row.outcome}: {row.why}")
    rests_on = promises(found) if row.ratio and row.outcome != "identical" else []
    body = "\n".join((sentence, *(visible(line) for line in _figures(row)), *rests_on))
    if failed or unanswered:
        kind = row.outcome.replace(" ", "-")
        trouble = Xml.SubElement(
            case, "failure" if failed else "error", type=kind, message=sentence
        )
        trouble.text = body
    else:
        Xml.SubElement(case, "system-out").text = body


def _figures(row: Row) -> list[str]:
    named = (
        ("head / base", row.ratio),
        ("interval", row.interval),
        ("base", row.base),
        ("head", row.head),
    )
    return [f"{name}: {value}" for name, value in named if value]


def _names(every: Sequence[Row]) -> list[str]:
    """Each once: of two cases with one name GitLab takes the first and forgets the other."""
    seen: Counter[str] = Counter()
    names = []
    for row in every:
        name = visible(row.name)
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _whole(found: Gate, status: int) -> Row:
    """A row for a gate that has none of its own, or whose rows do not say why it failed."""
    outcome: Outcome = "not measured"
    if status == 0:  # nothing was asked, and so nothing is wrong
        outcome = "same"
    elif status == 5:
        outcome = "placement unproven"
    return Row("gate", outcome, "", "", "", "", reason(found, status))
