"""Tiny Core ML packages, made operator by operator with the genuine coremltools, as on a Mac."""

import warnings
from pathlib import Path

SIZE = 16  # pixels


def write_package(path: Path, *, layers: int = 3, fp16: bool = True) -> Path:
    """An ML program: input (1, 3, 16, 16), so many operators, a mean over the image."""
    import numpy as np

    from mnv4bench import runtimes

    tools = runtimes.coremltools()
    builder = tools.converters.mil.Builder
    kinds = tools.converters.mil.mil.types
    weight = np.full((3, 3, 1, 1), 0.25, np.float16 if fp16 else np.float32)

    @builder.program(
        input_specs=[
            builder.TensorSpec(shape=(1, 3, SIZE, SIZE), dtype=kinds.fp16 if fp16 else kinds.fp32)
        ],
        opset_version=tools.target.iOS16 if fp16 else tools.target.iOS15,
    )
    def program(image):
        for _ in range(layers):
            image = builder.conv(x=image, weight=weight)
            image = builder.relu(x=image)
        return builder.reduce_mean(x=image, axes=[2, 3], keep_dims=False, name="answer")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = tools.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=tools.target.iOS16 if fp16 else tools.target.iOS15,
            compute_precision=tools.precision.FLOAT16 if fp16 else tools.precision.FLOAT32,
            skip_model_load=True,
        )
        made.save(str(path))
    return path
