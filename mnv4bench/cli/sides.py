"""Base and head of a gate: words of the command become pairs of files.

Knows: files, directories, reports, names of models, and what makes two files comparable. Does not
know: measuring, or how another environment exports (environments).
"""

from __future__ import annotations

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

_SUFFIXES = {"tflite": ".tflite", "onnx": ".onnx", "coreml": ".mlpackage"}


@dataclass(frozen=True)
class Sides:
    """One model's two files."""

    model: str
    base: ExportedFile
    head: ExportedFile
    identical: bool  # the same bytes in the same environment: there is nothing to measure


def pair_up(
    base: str, head: str, profile: DeviceProfile, device: str, environments: Environments
) -> tuple[list[Sides], list[str]]:
    """(the pairs in base's order, sentences about the sides and what stands on one alone).

    A single file is paired with a single file whatever they are called; otherwise a name on one
    side is looked for on the other. ``device`` is the word that means ``profile``. Raises
    UsageError for what cannot be compared, ExportFailed and NotMeasured when nothing is left.
    """
    sides = (
        (base, "--base", environments.base),
        (head, "--head", environments.head),
    )
    exported = tuple(_models(what) for what, _, _ in sides)
    for (_, option, python), models in zip(sides, exported, strict=True):
        if python is not None and not models and profile.runner != "host":
            raise UsageError(
                f"{option}-env {python.python} would do nothing: {option} names files, and "
                f"{profile.device} is not measured by this machine's Python.",
                f"leave {option}-env out, or let {option} name models for it to export",
            )
    bases, heads = (
        _exported(models, option, python, profile, device)
        if models
        else _files(what, option, profile)
        for (what, option, python), models in zip(sides, exported, strict=True)
    )
    notes = python_environments.notes(profile, environments, (bool(exported[0]), bool(exported[1])))
    if len(bases) == len(heads) == 1:
        (name, one), (_, other) = next(iter(bases.items())), next(iter(heads.items()))
        matched = [(name, one, other)]
        alone = []
    else:
        found = {name: _match(name, one, heads) for name, one in bases.items()}
        matched = [
            (name, bases[name], heads[other]) for name, other in found.items() if other is not None
        ]
        alone = [f"{name} is only in {base}" for name, other in found.items() if other is None]
        alone += [f"{name} is only in {head}" for name in heads if name not in found.values()]
    if not matched:
        raise NotMeasured(
            f"{base} and {head} have no model in common ({'; '.join(alone[:5])}).",
            "name two files, or two folders with files of the same names",
        )
    same_place = environments.are_one or profile.runner != "host"
    pairs = [
        Sides(name, one, other, same_place and one.artifact.sha256 == other.artifact.sha256)
        for name, one, other in matched
    ]
    for pair in pairs:
        _require_alike(pair)
    return pairs, [*notes, *alone]


def _match(name: str, file: ExportedFile, others: Mapping[str, ExportedFile]) -> str | None:
    """What ``name`` is called on the other side: itself, else as ``export`` names its files."""
    if name in others:
        return name
    plain = _plain(name, file)
    return next((other for other, one in others.items() if _plain(other, one) == plain), None)


def _plain(name: str, file: ExportedFile) -> str:
    """``timm:resnet18`` and ``timm-resnet18-int8`` (of an int8 file) are one model."""
    return name.replace("/", "_").replace(":", "-").removesuffix(f"-{file.artifact.precision}")


def _models(what: str) -> list[str]:
    """The models that these words name, "a,timm:b"; none: they mean files."""
    from mnv4bench.export.own import file as own_file
    from mnv4bench.models import catalog

    if own_file.is_own_file(what) or what.endswith(".json") or Path(what).is_dir():
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


def _exported(
    models: list[str],
    option: str,
    python: Interpreter | None,
    profile: DeviceProfile,
    device: str,
) -> Mapping[str, ExportedFile]:
    """Model to file, exported now or found in the cache, by ``python`` or by this program."""
    from mnv4bench import export
    from mnv4bench.cli.exporting import export_all, requested
    from mnv4bench.export.own import file as own_file

    plain = replace(requested(profile), weights=python_environments.WEIGHTS)
    requests = [replace(plain, model=model) for model in models]
    if python is None:
        exports = export_all(requests)
        for failure in exports.failures.values():
            raise failure
        return {request.model: exports.files[request] for request in requests}
    made = python_environments.export_in(python, requests, device, f"{option}-env")
    found = {}
    for request, path in made.items():
        file = own_file.open_file(path)
        # The cache, which its key keeps apart from other versions' files, knows more about it.
        found[request.model] = export.find(file.artifact.sha256) or file
    return found


def _files(what: str, option: str, profile: DeviceProfile) -> Mapping[str, ExportedFile]:
    """Name to file: of one file, of a directory of files, or of a report's artifacts."""
    from mnv4bench.export.own import file as own_file

    path = Path(what)
    suffix = _SUFFIXES[profile.format]
    if path.suffix == ".json":
        return _of_report(path, option)
    if own_file.is_own_file(what):
        _require_format(path, suffix, profile)
        return {path.stem: own_file.open_file(path)}
    if path.is_dir():
        inside = sorted(path.glob(f"*{suffix}"))
        if not inside:
            raise UsageError(
                f"{option} {what} holds no {suffix} file, and {profile.device} measures those.",
                f"mnv4bench export MODEL --device {profile.device} --output {what}",
            )
        return {one.stem: own_file.open_file(one) for one in inside}
    raise UsageError(
        f"{option} {what} is no file, directory, report or model.",
        "name an artifact, a directory of artifacts, a report (.json) whose artifacts are in "
        "the cache, or models of `mnv4bench models`",
    )


def _of_report(path: Path, option: str) -> Mapping[str, ExportedFile]:
    from mnv4bench import export

    found = {}
    for measurement in store.read(path).measurements:
        artifact = measurement.artifact
        cached = export.find(artifact.sha256)
        if cached is None:
            raise NotMeasured(
                f"{option}: the file of {artifact.model} in {path} (sha256 "
                f"{artifact.sha256[:12]}) is not in the cache.",
                "export it again with the same versions, or name the file itself",
            )
        found[artifact.model] = cached
    return found


def _require_format(path: Path, suffix: str, profile: DeviceProfile) -> None:
    if path.suffix != suffix:
        raise UsageError(
            f"{path} is no {suffix} file, and {profile.device} measures those.",
            "choose another with --device: mnv4bench devices",
        )


def _require_alike(pair: Sides) -> None:
    """Another precision or input size is another question than "did it become slower"."""
    base, head = pair.base.artifact, pair.head.artifact
    facts = (
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
