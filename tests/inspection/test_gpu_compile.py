"""The GPU accelerator: what its log means, and a real compilation on a software Vulkan."""

from pathlib import Path

import pytest

from mnv4bench import gpu_delegate
from mnv4bench.agreement import Difference
from mnv4bench.findings import Compatibility
from mnv4bench.inspection import probe
from mnv4bench.inspection.gpu_compile import Ran, judged, refused
from tests.devices.tiny_models import write_tflite, write_tflite_sum
from tests.vulkan import needs_vulkan

CAPTURES = Path(__file__).parents[1] / "captures/ai-edge-litert-2.3.0"
FASTVIT = (CAPTURES / "gpu-fastvit-sa12.log").read_text()
NO_DRIVER = (CAPTURES / "gpu-no-driver.log").read_text()
VERSION = "ai-edge-litert 2.3.0"
SOME = "Some ops are not accelerated."


def compiled(file: Path) -> Compatibility:
    answer = probe.ask("gpu", file, environment=gpu_delegate.software_driver())
    if isinstance(answer, probe.Refusal):
        return refused(answer.reason, answer.log, VERSION, crashed=answer.crashed)
    return judged(answer.as_(Ran), answer.log, VERSION)


def test_refused_operators_are_listed_without_their_tensors() -> None:
    found = refused(SOME, FASTVIT, VERSION, crashed=False)
    assert found.verdict == "incompatible"
    assert found.reasons == (
        "RESHAPE: Tensor dimensions must be less than 5. (8 times)",
        "SLICE: Slicing is unsupported for input with rank > 4",
        "TRANSPOSE: Permutation for transpose is invalid.",
        "87 operations will run on the GPU, and the remaining 79 operations will run on the CPU.",
    )


def test_the_judge_is_named_and_called_a_proxy() -> None:
    found = refused(SOME, FASTVIT, VERSION, crashed=False)
    assert found.by == f"WebGPU accelerator of {VERSION} on SwiftShader Device (Subzero)"
    assert "proxy" in found.remark


def test_without_a_driver_nothing_was_tried() -> None:
    found = refused(SOME, NO_DRIVER, VERSION, crashed=False)
    assert found.verdict == "unknown"
    assert "no Vulkan driver was found" in found.reasons[0]
    assert "libvulkan1" in found.reasons[0]


def test_a_crash_is_no_verdict() -> None:
    log = FASTVIT.split("ERROR: Following")[0]
    found = refused("its process was killed by SIGSEGV", log, VERSION, crashed=True)
    assert found.verdict == "unknown"
    assert found.reasons == ("its process was killed by SIGSEGV",)


def test_a_reason_that_nobody_understands_is_passed_on() -> None:
    found = refused("something new", "", VERSION, crashed=False)
    assert (found.verdict, found.reasons) == ("unknown", ("something new",))


@pytest.mark.parametrize(
    ("error", "kernels", "agrees"),
    [
        (1e-5, 1e-6, True),
        (1e-5, 0.0, True),
        (1e-3, 1e-6, False),
        (0.3, 0.2, None),  # the processor's own kernels are apart, too: it proves nothing
        (0.5, 0.2, False),
    ],
)
def test_outputs_are_held_to_a_stated_tolerance(error, kernels, agrees) -> None:
    ran = Ran(Difference(max_abs_error=error, largest=1.0, cosine=0.99, kernels=kernels))
    found = judged(ran, FASTVIT, VERSION)
    assert found.verdict == ("unknown" if agrees is False else "compatible")
    assert found.agreement is not None
    assert found.agreement.agrees is agrees


def test_a_file_that_only_the_gpu_runs_is_not_called_equal() -> None:
    found = judged(Ran(None, "DIV failed to invoke"), FASTVIT, VERSION)
    assert found.agreement is None
    assert "DIV failed to invoke" in found.reasons[0]


def test_the_users_choice_of_driver_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in gpu_delegate.CHOSEN_BY_USER:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VK_ICD_FILENAMES", "/my/driver.json")
    assert gpu_delegate.software_driver() == {}


def test_a_software_driver_is_found_where_distributions_put_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in gpu_delegate.CHOSEN_BY_USER:
        monkeypatch.delenv(name, raising=False)
    driver = tmp_path / "vk_swiftshader_icd.json"
    monkeypatch.setattr(gpu_delegate, "SWIFTSHADER", (tmp_path / "none.json", driver))
    assert gpu_delegate.software_driver() == {}
    driver.touch()
    assert gpu_delegate.software_driver() == {"VK_ADD_DRIVER_FILES": str(driver)}


def test_a_driver_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VK_ICD_FILENAMES", str(tmp_path / "none.json"))
    found = compiled(write_tflite(tmp_path / "tiny.tflite"))
    assert found.verdict == "unknown"
    assert found.agreement is None


@needs_vulkan
def test_a_real_network_is_compiled_run_and_compared(conv_s_tflite: Path) -> None:
    found = compiled(conv_s_tflite)
    assert found.verdict == "compatible", found.reasons
    assert "SwiftShader" in found.by
    assert found.agreement is not None
    assert found.agreement.agrees
    assert 0 < found.agreement.max_abs_error < 1e-4 * found.agreement.largest
    assert found.agreement.cosine > 0.9999


@needs_vulkan
def test_a_quantised_file_is_not_called_equal(conv_s_tflite: Path, tmp_path: Path) -> None:
    from ai_edge_quantizer import quantizer, recipe

    made = quantizer.Quantizer(str(conv_s_tflite), recipe.dynamic_wi8_afp32()).quantize()
    file = tmp_path / "int8.tflite"
    made.export_model(str(file))
    agreement = compiled(file).agreement
    assert agreement is not None
    # The processor rounds the activations of such a file, the GPU does not.
    assert agreement.max_abs_error > agreement.tolerance * agreement.largest
    assert agreement.kernels_apart > agreement.tolerance * agreement.largest
    assert agreement.agrees is not True


@needs_vulkan
def test_an_operator_that_no_gpu_has_is_refused_by_name(tmp_path: Path) -> None:
    found = compiled(write_tflite_sum(tmp_path / "foo.tflite", custom="Foo"))
    assert found.verdict == "incompatible"
    assert "Foo" in found.reasons[0]
