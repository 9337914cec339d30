"""Where a model ran, from the lines of both programs and the second witnesses."""

import pytest

from mnv4bench.devices.android.placement import Contrast, Counted, judge
from mnv4bench.devices.android.results import RuntimeInfo
from mnv4bench.records import Delegate, Placement, Verdict

FULL = (
    "Explicitly applied {} delegate, and the model graph will be completely executed by the "
    "delegate."
)
PARTIAL = (
    "Explicitly applied {} delegate, and the model graph will be partially executed by the "
    "delegate w/ 12 delegate kernels."
)
NONE = (
    "Though {} delegate is explicitly applied, the model graph will not be executed by the "
    "delegate."
)
REPLACED = (
    "VERBOSE: Replacing {} out of {} node(s) with delegate ({}) node, yielding 1 partitions for "
    "the whole graph."
)
NNAPI = "TfLiteNnapiDelegate"
FASTER, ALIKE, SLOWER = (Contrast(0.034, value) for value in (0.001, 0.033, 0.154))


def nnapi(*lines: str, **witnesses: object) -> Placement:
    return judge("nnapi", "edgetpu (NNAPI google-edgetpu)", "\n".join(lines), **witnesses)


TOOK_ALL = ("NNAPI delegate created.", REPLACED.format(31, 31, NNAPI), FULL.format("NNAPI"))


def test_two_witnesses_prove_an_edgetpu() -> None:
    found = nnapi(*TOOK_ALL, contrast=FASTER)
    assert found.verdict == "full"
    assert (found.on_unit, found.operators) == (31, 31)
    assert [signal.name for signal in found.signals] == [
        "delegate lines",
        "replaced nodes",
        "contrast with the processor",
    ]
    assert "34 ms on the processor and 1 ms here" in found.signals[-1].evidence


@pytest.mark.parametrize("contrast", [None, ALIKE, SLOWER])
def test_nnapi_alone_is_never_believed(contrast: Contrast | None) -> None:
    assert nnapi(*TOOK_ALL, contrast=contrast).verdict == "unproven"


def test_the_line_of_a_float_graph_weighs_more_than_its_node_count() -> None:
    log = (REPLACED.format(31, 31, NNAPI), NONE.format("NNAPI"))
    assert nnapi(*log, contrast=FASTER).verdict == "none"


@pytest.mark.parametrize(
    "line",
    [
        "WARN: NNAPI acceleration is unsupported on this platform.",
        "WARN: Couldn't load NNAPI support library from path: /x",
        "WARN: `--use_nnapi=true` must be set for the provided NNAPI accelerator (google-edgetpu) "
        "to be used.",
    ],
)
def test_a_delegate_that_was_never_made_is_none(line: str) -> None:
    assert nnapi(line, contrast=FASTER).verdict == "none"


def test_a_partial_graph_needs_its_witness_too() -> None:
    log = (REPLACED.format(29, 482, NNAPI), PARTIAL.format("NNAPI"))
    proven = nnapi(*log, contrast=FASTER)
    assert (proven.verdict, proven.on_unit, proven.operators) == ("partial", 29, 482)
    assert nnapi(*log, contrast=ALIKE).verdict == "unproven"


def test_what_xnnpack_takes_of_the_rest_is_not_the_accelerators() -> None:
    log = (
        REPLACED.format(29, 482, NNAPI),
        REPLACED.format(60, 460, "TfLiteXNNPackDelegate"),
        PARTIAL.format("NNAPI"),
    )
    found = nnapi(*log, contrast=FASTER)
    assert (found.verdict, found.on_unit, found.operators) == ("partial", 29, 482)
    nothing = nnapi(REPLACED.format(60, 64, "TfLiteXNNPackDelegate"), FULL.format("NNAPI"))
    assert (nothing.verdict, nothing.on_unit) == ("none", 0)


@pytest.mark.parametrize(
    ("grown", "contrast", "verdict"),
    [
        (1463, ALIKE, "full"),  # the counter is the better witness
        (1463, None, "full"),
        (0, FASTER, "none"),  # nothing ran there, whatever the times say
        (700, ALIKE, "unproven"),
    ],
)
def test_the_accelerators_own_counter(
    grown: int, contrast: Contrast | None, verdict: Verdict
) -> None:
    counted = Counted("/sys/devices/platform/1a000000.rio/inference_count", grown, made=1463)
    assert nnapi(*TOOK_ALL, contrast=contrast, counted=counted).verdict == verdict


def test_no_line_at_all_is_unproven() -> None:
    found = nnapi("whatever", contrast=FASTER)
    assert found.verdict == "unproven"
    assert nnapi("EXTERNAL delegate created.", contrast=FASTER).verdict == "unproven"


GPU_LINES = (REPLACED.format(64, 64, "TfLiteGpuDelegateV2"), FULL.format("GPU"))


def test_a_gpu_says_which_interface_it_brought_up() -> None:
    api = "INFO: Initialized OpenCL-based API."
    assert judge("gpu", "gpu", "\n".join((*GPU_LINES, api)), contrast=SLOWER).verdict == "full"
    assert judge("gpu", "gpu", "\n".join(GPU_LINES), contrast=SLOWER).verdict == "unproven"
    assert judge("gpu", "gpu", "\n".join(GPU_LINES), contrast=FASTER).verdict == "full"
    unsupported = "WARN: GPU acceleration is unsupported on this platform."
    assert judge("gpu", "gpu", unsupported, contrast=FASTER).verdict == "none"


def test_litert_without_an_npu_says_so_and_a_gpu_run_does_not_mind() -> None:
    npu = "NPU accelerator could not be loaded and registered: kLiteRtStatusErrorInvalidArgument."
    info = RuntimeInfo(operators=66, taken={"LITERT_OPENCL": 66})
    log = f"{npu}\nDynamically loaded GPU accelerator(libLiteRtClGlAccelerator.so) registered."
    assert judge("gpu", "gpu", log, info=info, contrast=FASTER).verdict == "full"
    # The line says that a library could be opened, and no more.
    assert judge("gpu", "gpu", log, info=info, contrast=ALIKE).verdict == "unproven"
    assert judge("npu", "npu", npu, contrast=FASTER).verdict == "none"


def test_the_runtimes_info_file_is_an_account_of_the_program() -> None:
    info = RuntimeInfo(operators=67, taken={"DispatchDelegate": 60, "TfLiteXNNPackDelegate": 7})
    found = judge("npu", "npu", "", info=info, contrast=FASTER)
    assert (found.verdict, found.on_unit, found.operators) == ("partial", 60, 67)
    assert judge("npu", "npu", "", info=info, contrast=ALIKE).verdict == "unproven"


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ((REPLACED.format(64, 64, "TfLiteXNNPackDelegate"), FULL.format("XNNPACK")), "full"),
        ((REPLACED.format(60, 64, "TfLiteXNNPackDelegate"), PARTIAL.format("XNNPACK")), "partial"),
        ((FULL.format("XNNPACK"),), "full"),
        ((), "unproven"),
    ],
)
def test_the_processor_needs_no_second_witness(lines: tuple[str, ...], verdict: Verdict) -> None:
    assert judge("xnnpack", "cpu (XNNPACK)", "\n".join(lines)).verdict == verdict


@pytest.mark.parametrize("delegate", ["hexagon", "external", "npu", "nnapi"])
def test_opaque_libraries_are_not_believed_alone(delegate: Delegate) -> None:
    info = RuntimeInfo(operators=10, taken={"D": 10})
    assert judge(delegate, "x", "", info=info).verdict == "unproven"
    assert judge(delegate, "x", "", info=info, contrast=FASTER).verdict == "full"


def test_evidence_stays_short() -> None:
    log = FULL.format("GPU") + "x" * 10_000
    assert all(len(s.evidence) <= 300 for s in judge("gpu", "gpu", log).signals)


def test_a_line_that_is_printed_twice_is_one_delegation() -> None:
    line = REPLACED.format(30, 60, NNAPI)
    found = nnapi(line, line, PARTIAL.format("NNAPI"), contrast=FASTER)
    assert (found.verdict, found.on_unit, found.operators) == ("partial", 30, 60)
