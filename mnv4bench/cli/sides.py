"""Base and head of a gate: words of the command become pairs of files.

Knows: files, directories, reports, names of models, and what makes two files comparable. Does not
know: measuring, or how another environment exports (environments).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench import store
from mnv4bench.cli import environments as python_environments
from mnv4bench.cli.environments import Environments
from mnv4bench.errors import NotMeasured, UsageError

if TYPE_CHECKING:
    from mnv4bench.devices.interpreter import Interpreter
    from mnv4bench.export import ExportedFile
    from mnv4bench.records import DeviceProfile

_SUFFIXES = {"tflite": ".tflite", "onnx": ".onnx", "coreml": ".mlpackage", "pt2": ".pt2"}


@dataclass(frozen=True)
class Sides:
    """One model's two files."""

    model: str
    base: ExportedFile
    head: ExportedFile
    one_place: bool = True  # no side has a runtime of its own

    @property
    def identical(self) -> bool:
        """Whether there is nothing to compare: one file is the same as itself, in one runtime."""
        return self.one_place and self.base.artifact.sha256 == self.head.artifact.sha256


def pair_up(
    base: str, head: str, profile: DeviceProfile, device: str, environments: Environments
) -> tuple[list[Sides], list[str]]:
    """(the pairs in base's order, sentences about the sides and what stands on one alone).

    A single file is paired with a single file whatever they are called; otherwise a name on one
    side is looked for on the other. ``device`` is the word that means ``profile``. Raises
    UsageError for what cannot be compared, ExportFailed and NotMeasured when nothing is left.
    """
    for what, option in ((base, "--base"), (head, "--head")):
        if not what.strip():  # a variable of a CI that is not set; as a path it is the folder here
            raise UsageError(f"{option} is empty.", "name a file, directory, report or model")
    wanted = [
        _Wanted(base, "--base", environments.base, _models(base, profile)),
        _Wanted(head, "--head", environments.head, _models(head, profile)),
    ]
    for one in wanted:
        if one.python is not None and not one.models and profile.runner != "host":
            raise UsageError(
                f"{one.option}-env {one.python.python} would do nothing: {one.option} names files, "
                f"and {profile.device} is not measured by this machine's Python.",
                f"leave {one.option}-env out, or let {one.option} name models for it to export",
            )
    bases = _found(wanted[0], profile, device)
    alike = base == head and environments.are_one  # head alone, held to its budget
    heads = bases if alike else _found(wanted[1], profile, device)
    matched, alone = _matched(bases, heads, (base, head))
    one_place = environments.are_one or profile.runner != "host"
    pairs = [Sides(*names_and_files, one_place) for names_and_files in matched]
    for pair in pairs:
        _require_alike(pair)
    exported = (wanted[0].has_weights_of_ours, wanted[1].has_weights_of_ours)
    return pairs, [*python_environments.notes(profile, environments, exported), *alone]


@dataclass(frozen=True)
class _Wanted:
    """One side in the words of the command."""

    what: str
    option: str
    python: Interpreter | None
    models: list[str]  # none: what are files

    @property
    def has_weights_of_ours(self) -> bool:
        """A source of one's own brings its weights."""
        from mnv4bench.export.own import source as own_source

        return any(own_source.kind(model) is None for model in self.models)


def _found(wanted: _Wanted, profile: DeviceProfile, device: str) -> Mapping[str, ExportedFile]:
    if wanted.models:
        return _exported(wanted, profile, device)
    return _files(wanted.what, wanted.option, profile)


def _matched(
    bases: Mapping[str, ExportedFile], heads: Mapping[str, ExportedFile], said: tuple[str, str]
) -> tuple[list[tuple[str, ExportedFile, ExportedFile]], list[str]]:
    """(name and files of what is on both sides, sentences about the rest)."""
    if len(bases) == len(heads) == 1:
        (name, one), (_, other) = next(iter(bases.items())), next(iter(heads.items()))
        return [(name, one, other)], []
    unclaimed = {name: file for name, file in heads.items() if name not in bases}
    pairs: dict[str, str] = {}
    for name, file in bases.items():
        found = name if name in heads else match(name, file, unclaimed)
        if found is not None:
            pairs[name] = found
            unclaimed.pop(found, None)
    alone = [f"{name} is only in {said[0]}" for name in bases if name not in pairs]
    alone += [f"{name} is only in {said[1]}" for name in unclaimed]
    if not pairs:
        raise NotMeasured(
            f"{said[0]} and {said[1]} have no model in common ({'; '.join(alone[:5])}).",
            "name two files, or two folders with files of the same names",
        )
    return [(name, bases[name], heads[other]) for name, other in pairs.items()], alone


def match(name: str, file: ExportedFile, others: Mapping[str, ExportedFile]) -> str | None:
    """Which of ``others`` is called as ``export`` names the file of a model, or the reverse."""
    plain = _plain(name, file)
    return next((other for other, one in others.items() if _plain(other, one) == plain), None)


def _plain(name: str, file: ExportedFile) -> str:
    """``timm:resnet18`` and ``timm-resnet18-int8`` (of an int8 file) are one model."""
    return name.replace("/", "_").replace(":", "-").removesuffix(f"-{file.artifact.precision}")


def _models(what: str, profile: DeviceProfile) -> list[str]:
    """The models that these words name, "a,timm:b"; none: they mean files.

    A source of one's own is a model too, since it is exported for the device.
    """
    from mnv4bench.export.own import file as own_file
    from mnv4bench.export.own import source as own_source
    from mnv4bench.models import catalog

    if own_source.kind(what):
        return [what]
    if profile.format == "pt2" and os.path.isdir(what):  # noqa: PTH112 - as below
        return [str(one) for one in sorted(Path(what).glob("*.pt2"))]
    if own_file.is_own_file(what) or what.endswith(".json") or os.path.isdir(what):  # noqa: PTH112 - takes any name
        return []
    names = [name.strip() for name in what.split(",") if name.strip()]
    for name in names:
        if not catalog.is_timm(name):
            try:
                catalog.definition(name)
            except UsageError as error:
                if "/" in what:
                    return []  # a path that is not there says so itself
                raise UsageError(
                    f"{error.what} Nor is {what} a file, directory or report.", error.next_step
                ) from None
    return list(dict.fromkeys(names))


def _exported(wanted: _Wanted, profile: DeviceProfile, device: str) -> Mapping[str, ExportedFile]:
    """Model to file, exported now or found in the cache, by its Python or by this program."""
    from mnv4bench import export
    from mnv4bench.cli.exporting import export_all, requested
    from mnv4bench.export.own import file as own_file
    from mnv4bench.export.own import source as own_source

    plain = requested(profile)
    requests = [
        replace(
            plain,
            model=model,
            weights="own" if own_source.kind(model) else python_environments.WEIGHTS,
        )
        for model in wanted.models
    ]
    if wanted.python is None:
        exports = export_all(requests)
        for failure in exports.failures.values():
            raise failure
        return {_called(request.model): exports.files[request] for request in requests}
    made = python_environments.export_in(wanted.python, requests, device, f"{wanted.option}-env")
    found = {}
    for request, path in made.items():
        file = own_file.open_file(path)
        # The cache, which its key keeps apart from other versions' files, knows more about it.
        found[_called(request.model)] = export.find(file.artifact.sha256) or file
    return found


def _called(model: str) -> str:
    """A model's own name; of a source of one's own that of its file, as of any file."""
    from mnv4bench.export.own import source as own_source
    from mnv4bench.models import catalog

    return _name(Path(model)) if own_source.kind(model) else catalog.name_of(model)


def _files(what: str, option: str, profile: DeviceProfile) -> Mapping[str, ExportedFile]:
    """Name to file: of one file, of a directory of files, or of a report's artifacts."""
    from mnv4bench.export.own import file as own_file

    path = Path(what)
    suffix = _SUFFIXES[profile.format]
    if path.suffix == ".json":
        return _of_report(path, option)
    if own_file.is_own_file(what):
        _require_format(path, suffix, profile)
        return {_name(path): own_file.open_file(path)}
    if path.is_dir():
        inside = sorted(path.glob(f"*{suffix}"))
        if not inside:
            raise UsageError(
                f"{option} {what} holds no {suffix} file, and {profile.device} measures those.",
                f"mnv4bench export MODEL --device {profile.device} --output {what}",
            )
        return {_name(one): own_file.open_file(one) for one in inside}
    raise UsageError(
        f"{option} {what} is no file, directory, report or model.",
        "name an artifact, a directory of artifacts, a report (.json) whose artifacts are in "
        "the cache, or models of `mnv4bench models`",
    )


def _name(path: Path) -> str:
    """What a file is called on both sides. Names may hold any byte, and JSON takes text alone."""
    return os.fsencode(path.stem).decode("utf-8", "backslashreplace")


def _of_report(path: Path, option: str) -> Mapping[str, ExportedFile]:
    from mnv4bench import export

    found: dict[str, ExportedFile] = {}
    for measurement in store.read(path).measurements:
        artifact = measurement.artifact
        cached = export.find(artifact.sha256)
        if cached is None:
            raise NotMeasured(
                f"{option}: the file of {artifact.model} in {path} (sha256 "
                f"{artifact.sha256[:12]}) is not in the cache.",
                "export it again with the same versions, or name the file itself",
            )
        known = found.setdefault(artifact.model, cached)
        if known.artifact.sha256 != artifact.sha256:
            raise UsageError(
                f"{option}: {path} has several files of {artifact.model}, and one can be judged.",
                "name the file itself",
            )
    return found


def _require_format(path: Path, suffix: str, profile: DeviceProfile) -> None:
    if path.suffix != suffix:
        raise UsageError(
            f"{path} is no {suffix} file, and {profile.device} measures those.",
            "choose another with --device: mnv4bench devices",
        )


def _require_alike(pair: Sides) -> None:
    """Another model, precision or input size is another question than "did it become slower"."""
    from mnv4bench import export

    base, head = pair.base.artifact, pair.head.artifact
    # Files that were exported here are known by their digests, whatever they are called; those of
    # one's own are called as one likes.
    made = [export.find(one.sha256) for one in (base, head)]
    models = [
        one.artifact.model if one and one.artifact.weights.kind != "own" else None for one in made
    ]
    # One name may stand for two networks where somebody wrote them: then their digests are said.
    own = [_network(one) if one else None for one in made]
    facts = (
        ("model", *(models if all(models) else (None, None))),
        ("network", *(own if all(own) else (None, None))),
        ("precision", base.precision, head.precision),
        ("input", base.input_shape, head.input_shape),
    )
    for what, one, other in facts:
        if one != other:
            raise UsageError(
                f"{pair.model}: base has {what} {one}, and head has {other}; a gate compares like "
                "with like.",
                "measure both with mnv4bench run, and see them with mnv4bench pareto",
            )


def _network(file: ExportedFile) -> str | None:
    """The digest of a network of one's own."""
    from mnv4bench.models import custom

    artifact = file.artifact
    return (
        artifact.spec_sha256[:12]
        if artifact.family == custom.FAMILY and artifact.spec_sha256
        else None
    )
