"""Base and head of a gate: words of the command become pairs of files.

Knows: files, directories, reports, and what makes two files comparable. Does not know: measuring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench import store
from mnv4bench.errors import NotMeasured, UsageError

if TYPE_CHECKING:
    from mnv4bench.export import ExportedFile
    from mnv4bench.records import DeviceProfile

_SUFFIXES = {"tflite": ".tflite", "onnx": ".onnx", "coreml": ".mlpackage"}


@dataclass(frozen=True)
class Sides:
    """One model's two files."""

    model: str
    base: ExportedFile
    head: ExportedFile

    @property
    def identical(self) -> bool:
        """Whether there is nothing to compare: one file is the same as itself."""
        return self.base.artifact.sha256 == self.head.artifact.sha256


def pair_up(base: str, head: str, profile: DeviceProfile) -> tuple[list[Sides], list[str]]:
    """(the pairs in base's order, sentences about what stands on one side alone).

    A single file is paired with a single file whatever they are called; otherwise a name on one
    side is looked for on the other. Raises UsageError for what cannot be compared, NotMeasured when
    nothing is left.
    """
    bases, heads = _files(base, "--base", profile), _files(head, "--head", profile)
    if len(bases) == len(heads) == 1:
        (name, one), (_, other) = next(iter(bases.items())), next(iter(heads.items()))
        pairs = [Sides(name, one, other)]
    else:
        pairs = [Sides(name, one, heads[name]) for name, one in bases.items() if name in heads]
    alone = [f"{name} is only in {base}" for name in bases if name not in heads]
    alone += [f"{name} is only in {head}" for name in heads if name not in bases]
    if len(bases) == len(heads) == 1:
        alone = []
    if not pairs:
        raise NotMeasured(
            f"{base} and {head} have no model in common ({'; '.join(alone[:5])}).",
            "name two files, or two folders with files of the same names",
        )
    for pair in pairs:
        _require_alike(pair)
    return pairs, alone


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
        f"{option} {what} is no file, directory or report.",
        "name an artifact, a directory of artifacts, or a report (.json) whose artifacts are in "
        "the cache",
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
