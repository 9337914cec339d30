"""The view of a file's insides: golden for fixed findings, harmless for hostile ones."""

from msgspec.structs import replace

from mnv4bench.findings import (
    Agreement,
    Compatibility,
    Graph,
    Inspection,
    Integer,
    Movement,
    Operators,
    Share,
    Tensor,
)
from mnv4bench.render.inspection import MAX_ROWS, inspection
from tests.render.fixed import HOSTILE
from tests.render.golden import assert_golden
from tests.render.test_terminal import in_ascii, text

MODULE = "litert.Wrapper/timm.Net/torch.nn.Sequential_2/timm.Block_0/torch.nn.Conv2d_conv;2"


def operators(operator: str, count: int, on_unit: int | None = None, **types: str) -> Operators:
    given = {"reads": "float32", "constants": "", "writes": "float32"} | types
    return Operators(operator=operator, count=count, on_unit=on_unit, **given)


def movement(operator: str, **changes: object) -> Movement:
    made = Movement(
        operator=operator,
        count=2,
        reads=(1, 112, 112, 32),
        writes=(1, 114, 114, 32),
        detail="",
        first=MODULE,
        values=831_744,
    )
    return replace(made, **changes)


TFLITE = Inspection(
    file="models/own.tflite",
    format="tflite",
    size_bytes=4_210_000,
    sha256="0123456789abcdef" * 4,
    written_by="TFLite schema 3, MLIR Converted.",
    inputs=(
        Tensor(name="image", type="int8", shape=(1, 224, 224, 3), scale=0.0187, zero_point=-14),
    ),
    outputs=(Tensor(name="logits", type="float32", shape=(-1, 1000)),),
    graph=Graph(
        operators=68,
        kinds=(
            operators("CONV_2D", 40, 40, reads="int8", constants="int8", writes="int8"),
            operators("ADD", 10, 10, reads="int8", writes="int8"),
            operators("ADD", 2, 2, reads="int8", constants="int8", writes="int8"),
            operators("HARD_SWISH", 12, 0, reads="int8", writes="int8"),
            operators("MUL", 3, 1, constants="int8"),
            operators("DEQUANTIZE", 1, 1, reads="int8"),
        ),
        movements=(
            movement("TRANSPOSE", writes=(1, 32, 112, 112), detail="permutation 0 3 1 2"),
            movement("PAD"),
            movement("DEQUANTIZE", count=1, reads=(-1, 1000), writes=(-1, 1000), values=None,
                     detail="int8 to float32", first="logits"),
        ),
        graphs=2,
    ),
    share=Share(unit="XNNPACK", runtime="ai-edge-litert 2.3.0", operators=66, taken=52,
                partitions=13, left={"HARD_SWISH": 12, "MUL": 2}),
    integer=Integer(full=False, in_8_bits=False,
                    reasons=("3 MUL in float", "output logits is float32")),
    gpu=(
        Compatibility(
            by="WebGPU accelerator of ai-edge-litert 2.3.0 on SwiftShader Device (Subzero)",
            verdict="compatible",
            remark="a proxy: phones use OpenCL or Metal",
            agreement=Agreement(max_abs_error=0.31, largest=2.0, cosine=0.9981, tolerance=1e-4,
                                tolerance_reason="sums", kernels_apart=0.2, agrees=None),
        ),
        Compatibility(by="GPU analyzer of TensorFlow 2.17.1", verdict="incompatible",
                      reasons=("Not supported custom op Foo",)),
    ),
    notes=("types are those that the file declares",),
)  # fmt: skip
ONNX = replace(
    TFLITE,
    file="own.onnx",
    format="onnx",
    written_by="pytorch 2.13.0, opset 20",
    graph=Graph(
        operators=89,
        kinds=(operators("Conv", 46, constants="float32"), operators("Relu", 43)),
        movements=(),
    ),
    optimised=Graph(
        operators=48,
        kinds=(
            operators("Conv (nchwc)", 46, constants="float32"),
            operators("ReorderOutput", 2),
        ),
        movements=(movement("ReorderOutput", first="ReorderOutput_token_92", reads=None),),
    ),
    share=Share(unit="CPUExecutionProvider", runtime="onnxruntime 1.31.1", operators=89, taken=89,
                partitions=None),
    integer=Integer(full=True, in_8_bits=True),
    gpu=(),
    notes=(),
)  # fmt: skip


def test_golden_text() -> None:
    assert_golden("inspect_tflite.txt", text(inspection(TFLITE), 110))
    assert_golden("inspect_onnx.txt", text(inspection(ONNX), 110))


def test_what_a_comparison_came_to_is_said_in_words() -> None:
    judged = TFLITE.gpu[0]
    assert judged.agreement is not None
    for agrees, word in ((True, "agrees with"), (None, "not equal to"), (False, "does not agree")):
        changed = replace(judged, agreement=replace(judged.agreement, agrees=agrees))
        assert word in text(inspection(replace(TFLITE, gpu=(changed,))), 200)


def test_it_is_shown_without_line_drawing_characters() -> None:
    shown = in_ascii(inspection(TFLITE), 110)
    assert "1x112x112x32" in shown
    assert "HARD_SWISH x12" in shown


def test_more_movements_than_a_reader_wants_are_counted() -> None:
    many = tuple(movement("PAD", values=number) for number in range(MAX_ROWS + 5))
    shown = text(inspection(replace(TFLITE, graph=replace(TFLITE.graph, movements=many))), 110)
    assert "and 5 more; --json lists them all" in shown
    exactly = replace(TFLITE.graph, movements=many[:MAX_ROWS])
    assert "more; --json" not in text(inspection(replace(TFLITE, graph=exactly)), 110)


def test_names_from_the_file_cannot_act() -> None:
    hostile = replace(
        TFLITE,
        file=HOSTILE,
        written_by=HOSTILE,
        inputs=(replace(TFLITE.inputs[0], name=HOSTILE, type=HOSTILE),),
        graph=Graph(
            operators=1,
            kinds=(operators(HOSTILE, 1, 1, reads=HOSTILE),),
            movements=(movement(HOSTILE, first=HOSTILE, detail=HOSTILE),),
        ),
        integer=Integer(full=True, in_8_bits=False, reasons=(HOSTILE,)),
        gpu=(Compatibility(by=HOSTILE, verdict="unknown", reasons=(HOSTILE,), remark=HOSTILE),),
        notes=(HOSTILE,),
    )
    shown = text(inspection(hostile), 200, force_terminal=True, color_system="truecolor")
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown
    assert "[red]" in shown
