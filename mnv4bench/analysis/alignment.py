"""Which operator of a TFLite file each operator inside XNNPACK was made from.

XNNPACK names its operators by kind ("Convolution (NHWC, F32) IGEMM") and says nothing else of them.
It is built by going through the file's operators in order, runs what it built in that order, and
only leaves out (a padding that a convolution does by itself, a constant) or puts in (a conversion).
So both lists are laid side by side as two texts are: the most operators of like kind, in order.

Knows: what XNNPACK calls what TFLite calls otherwise (xnnpack/operator-type-defs.inc of
google/XNNPACK). Does not know: times, paths.
"""

from __future__ import annotations

from collections.abc import Sequence

# How the names of XNNPACK's operators begin, for operators of TFLite where it is not the same word.
_WORDS: dict[str, tuple[str, ...]] = {
    "CONV_2D": ("convolution", "fullyconnected"),
    "DEPTHWISE_CONV_2D": ("convolution", "depthwise"),
    "TRANSPOSE_CONV": ("deconvolution",),
    "FULLY_CONNECTED": ("fullyconnected", "dynamicfullyconnected", "convolution"),
    "BATCH_MATMUL": ("batchmatrixmultiply", "fullyconnected", "dynamicfullyconnected"),
    "SUB": ("subtract",),
    "MUL": ("multiply",),
    "DIV": ("divide",),
    "NEG": ("negate",),
    "MEAN": ("mean", "globalaverage", "reduce", "sum"),
    "SUM": ("sum", "reduce", "globalsum"),
    "REDUCE_MAX": ("max", "reduce"),
    "REDUCE_MIN": ("min", "reduce"),
    "AVERAGE_POOL_2D": ("averagepooling", "globalaverage"),
    "MAX_POOL_2D": ("maxpooling", "argmaxpooling"),
    "PAD": ("constantpad", "staticconstantpad", "pad"),
    "PADV2": ("constantpad", "staticconstantpad", "pad"),
    "RESHAPE": ("staticreshape", "reshape", "copy"),
    "SQUEEZE": ("staticreshape", "reshape", "copy"),
    "EXPAND_DIMS": ("staticexpand", "staticreshape", "expand", "reshape", "copy"),
    "CONCATENATION": ("copy", "concatenate"),
    "SLICE": ("slice", "staticslice", "copy"),
    "STRIDED_SLICE": ("slice", "staticslice", "copy"),
    "SPLIT": ("slice", "evensplit", "copy"),
    "LOGISTIC": ("sigmoid",),
    "RELU": ("clamp",),
    "RELU6": ("clamp",),
    "RELU_0_TO_1": ("clamp",),
    "RELU_N1_TO_1": ("clamp",),
    "RSQRT": ("reciprocalsquareroot",),
    "SQRT": ("squareroot",),
    "SQUARED_DIFFERENCE": ("squareddifference",),
    "QUANTIZE": ("convert", "copy"),
    "DEQUANTIZE": ("convert", "copy"),
    "CAST": ("convert", "copy"),
    "RESIZE_BILINEAR": ("resizebilinear", "staticresize"),
    "SPACE_TO_DEPTH": ("spacetodepth",),
    "DEPTH_TO_SPACE": ("depthtospace",),
}
MAX_CELLS = 4_000_000  # of the table; two networks of 2,000 operators, some seconds


def aligned(ran: Sequence[str], operators: Sequence[str]) -> list[int | None]:
    """For each operator that ran, which of ``operators`` (TFLite's words) it is; None: put in.

    Nothing is told where both are longer than MAX_CELLS allows.
    """
    if len(ran) * len(operators) > MAX_CELLS:
        return [None] * len(ran)
    words = [_plain(name) for name in ran]
    wanted = [_words(name) for name in operators]
    # best[i][j]: the most that match of ran[i:] and operators[j:]
    best = [[0] * (len(wanted) + 1) for _ in range(len(words) + 1)]
    for i in range(len(words) - 1, -1, -1):
        row, below = best[i], best[i + 1]
        for j in range(len(wanted) - 1, -1, -1):
            most = max(below[j], row[j + 1])
            if words[i].startswith(wanted[j]):
                most = max(most, below[j + 1] + 1)
            row[j] = most
    found: list[int | None] = []
    j = 0
    for i, word in enumerate(words):
        while j < len(wanted) and not (
            word.startswith(wanted[j]) and best[i][j] == best[i + 1][j + 1] + 1
        ):
            if best[i][j + 1] < best[i][j]:
                break
            j += 1
        taken = j < len(wanted) and word.startswith(wanted[j])
        taken = taken and best[i][j] == best[i + 1][j + 1] + 1
        found.append(j if taken else None)
        j += taken
    return found


def _words(operator: str) -> tuple[str, ...]:
    """How a name may begin: HARD_SWISH is "HardSwish (NC, F32)" there."""
    return _WORDS.get(operator, ()) or (_plain(operator.replace("_", "")),)


def _plain(name: str) -> str:
    return "".join(one for one in name.partition("(")[0].lower() if one.isalnum())
