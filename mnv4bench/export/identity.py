"""What makes two exports the same: everything that decides the bytes of a file.

Knows: the facts and where each is asked. Does not know: where files lie (cache). Loads no torch.
"""

from pathlib import Path

from mnv4bench.export import ExportRequest, cache, calibration, formats
from mnv4bench.export.own import source as own_source
from mnv4bench.export.own.name import name_of


def key(request: ExportRequest) -> str:
    """What names the export in the cache. Raises UsageError for words that mean nothing."""
    request = formats.settled(request)
    recipe = formats.recipe_of(request)
    if request.deployment_target:
        from mnv4bench.export.coreml import exporter as coreml

        coreml.specification(request.deployment_target, request.precision)  # refuses
    facts = {
        "format": request.format,
        "precision": request.precision,
        "layout": recipe.layout,
        "calibration": calibration.identity(request.calibration) if recipe.calibrated else None,
        "activations": request.activations,
        "deployment_target": request.deployment_target,
        "recipe": recipe.version,
        "packages": formats.versions(recipe),
    }
    return cache.key(facts | _network(request))


def _network(request: ExportRequest) -> dict[str, object]:
    from mnv4bench.models import catalog, preprocessing, weights

    if own_source.kind(request.model):
        path = Path(request.model)
        shapes = list(request.shapes)
        return {"model": name_of(path), "source": spec(request), "shapes": shapes}
    choice = weights.parse(request.weights)
    return {
        "model": catalog.name_of(request.model),
        "spec": spec(request),
        "weights": weights.identity(choice, request.model),
        "input_px": preprocessing.input_px(request.model, choice),
    }


def spec(request: ExportRequest) -> str:
    """The digest of the network's definition; of a source of one's own, of its file."""
    from mnv4bench.models import catalog

    if own_source.kind(request.model):
        return own_source.digest(Path(request.model))
    return catalog.spec_digest(request.model)
