"""What makes two exports the same: everything that decides the bytes of a file.

Knows: the facts and where each is asked. Does not know: where files lie (cache). Loads no torch.
"""

from mnv4bench.export import ExportRequest, cache, calibration, formats


def key(request: ExportRequest) -> str:
    """What names the export in the cache. Raises UsageError for words that mean nothing."""
    from mnv4bench.models import catalog, preprocessing, weights

    request = formats.settled(request)
    recipe = formats.recipe(request.format, request.precision)
    choice = weights.parse(request.weights)
    if request.deployment_target:
        from mnv4bench.export import coreml

        coreml.specification(request.deployment_target, request.precision)  # refuses
    return cache.key(
        {
            "model": request.model,
            "spec": catalog.spec_digest(request.model),
            "weights": weights.identity(choice, request.model),
            "format": request.format,
            "precision": request.precision,
            "input_px": preprocessing.input_px(request.model, choice),
            "layout": recipe.layout,
            "calibration": calibration.identity(request.calibration) if recipe.calibrated else None,
            "activations": request.activations,
            "deployment_target": request.deployment_target,
            "recipe": recipe.version,
            "packages": formats.versions(recipe),
        }
    )
