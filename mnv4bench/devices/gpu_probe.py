"""The process that asks LiteRT which GPU it takes: it compiles a file of one operator.

What the answer is stands in what the accelerator prints on the way (gpu_delegate), and whoever
started this process reads it there (gpu_adapter). Knows: the file. Does not know: what was printed.
"""

from __future__ import annotations

import base64
import os
import sys
import tempfile
import zlib
from pathlib import Path

from mnv4bench import gpu_delegate

# A TFLite file (schema 3) of one RELU from float32 (1, 8, 8, 4) to the same. Deflated.
ONE_OPERATOR = base64.b64decode(
    "eNqTYGBgCHHzMWZg4GMQYRBg4GHgAIqwAHkMQB4DgwwQvwBiZiBmBGKILAhC+CA1PHCdLEASImYDxA5A7IKkjoGB"
    "CywPUscFNYsHKg/DDFj4TFDzQHbe+P//P7K+JKg4zG0cUD4P1CcMUDch60nEoQfhHx4GbiS9whBnCAMAoOQKEg=="
)


def main() -> int:
    """0 where it was compiled; nothing is written but what LiteRT prints."""
    os.environ.update(gpu_delegate.software_driver())
    with tempfile.TemporaryDirectory(prefix="mnv4bench-") as folder:
        file = Path(folder) / "relu.tflite"
        file.write_bytes(zlib.decompress(ONE_OPERATOR))
        try:
            gpu_delegate.compiled(file)
        except Exception as error:  # noqa: BLE001 - a runtime raises what it likes
            sys.stderr.write(" ".join(str(error).split()) + "\n")
            return 1
    return 0
