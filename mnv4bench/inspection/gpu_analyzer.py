"""What TensorFlow's analyzer says of a TFLite file on a GPU, and whether its word counts.

From 2.18 on the analyzer calls every file compatible: its checks were taken out (tensorflow issue
77042), the sentence stayed. So it is asked about a made-up operator as well, and is believed only
when it finds fault with that.

Knows: the text that the analyzer prints. Does not know: processes (probe runs this).
"""

from __future__ import annotations

import base64
import contextlib
import io
import tempfile
import zlib
from collections import Counter
from pathlib import Path

from msgspec import Struct

from mnv4bench.findings import Compatibility

WARNING = "GPU COMPATIBILITY WARNING: "
COMPATIBLE = "looks compatible with GPU delegate"
SUMMARY = "has GPU delegate compatibility issues"  # a warning about the warnings
# A TFLite file (schema 3) of one custom operator from float32 (1) to float32 (1); no delegate has
# an operator of that name, MnvbenchNoSuchOperator. Deflated.
MADE_UP = base64.b64decode(
    "eNqTYGBgCHHzMWZg4GMQYRBg4GHgAIqwAHkMQB4DgwwQXwBiZiBmBGKILAhC+CA1PHCdLEASImYDxA5A7IKkjoGB"
    "CywPUscFNYsHKg/DDFj4TEBsALaXgeHJ////kfVVIKnlgbqeAeoOXOoQ7hZg4If6CKROAaoHxBQDEr55ZUmpeckZ"
    "fvnBpckZ/gWpRYkl+UUMDABrlBMO"
)


class Analysed(Struct, frozen=True):
    """What the analyzer printed about the file and about the made-up operator."""

    text: str
    control: str
    version: str


def analyse(path: Path) -> Analysed:
    """Run in a process of its own: it imports TensorFlow."""
    import tensorflow as tf

    def printed(file: Path) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            tf.lite.experimental.Analyzer.analyze(model_path=str(file), gpu_compatibility=True)
        return said.getvalue()

    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "control.tflite"
        control.write_bytes(zlib.decompress(MADE_UP))
        return Analysed(_relevant(printed(path)), _relevant(printed(control)), tf.__version__)


def judged(analysed: Analysed) -> Compatibility:
    """The finding: its warnings, or its all-clear where that means something."""
    by = f"GPU analyzer of TensorFlow {analysed.version}"
    if warnings := _warnings(analysed.text):
        return Compatibility(by=by, verdict="incompatible", reasons=warnings)
    if COMPATIBLE not in analysed.text:
        return Compatibility(by=by, verdict="unknown", reasons=("it printed no verdict",))
    if not _warnings(analysed.control):
        reason = (
            "it calls the file compatible, but a made-up operator as well: this version checks "
            "nothing (tensorflow issue 77042)"
        )
        return Compatibility(by=by, verdict="unknown", reasons=(reason,))
    return Compatibility(by=by, verdict="compatible")


def _relevant(text: str) -> str:
    """The lines about GPUs; the others list every tensor of the file."""
    return "\n".join(line for line in text.splitlines() if WARNING in line or COMPATIBLE in line)


def _warnings(text: str) -> tuple[str, ...]:
    """One for each sentence, with how often it was said."""
    said = (line.split(WARNING, 1)[1] for line in text.splitlines() if WARNING in line)
    counts = Counter(one for one in said if SUMMARY not in one)
    return tuple(one + (f" ({n} times)" if n > 1 else "") for one, n in counts.items())
