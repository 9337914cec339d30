"""Order statistics against exact arithmetic, and what a summary rests on."""

from fractions import Fraction
from math import comb, inf
from statistics import median as reference_median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mnv4bench.analysis import stats
from mnv4bench.analysis.circumstances import DIGEST_DIGITS, circumstances, facts
from mnv4bench.records import AndroidTarget, CudaTarget, Environment
from tests.sample_reports import ENVIRONMENT, PROFILE, artifact, measurement, report, samples

times = st.floats(min_value=1e-6, max_value=10)


@given(st.lists(times, min_size=1, max_size=40))
def test_the_median_is_the_middle(values: list[float]) -> None:
    assert stats.median(values) == pytest.approx(reference_median(values), rel=1e-15)


def test_no_values_have_no_median() -> None:
    with pytest.raises(ValueError, match="no values"):
        stats.median([])


@pytest.mark.parametrize(
    ("count", "low", "high", "reached"),
    [
        # Ranks and coverage from the binomial table, n choose k over 2^n.
        (2, 1, 2, 0.5),
        (5, 1, 5, 0.9375),
        (6, 1, 6, 0.96875),
        (8, 1, 8, 0.9921875),  # (2, 7) would reach 0.9297
        (9, 2, 8, 0.9609375),
        (20, 6, 15, 0.9586105346679688),
        (30, 10, 21, 0.9572260547429323),
    ],
)
def test_the_interval_is_the_narrowest_that_reaches(
    count: int, low: int, high: int, reached: float
) -> None:
    assert stats.median_interval(range(count, 0, -1)) == (low, high, pytest.approx(reached))


@given(st.integers(2, 200), st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_the_interval_agrees_with_exact_arithmetic(count: int, confidence: float) -> None:
    found = stats.median_interval(range(1, count + 1), confidence)
    assert found is not None
    low, high, reached = found
    assert low + high == count + 1

    def coverage(rank: int) -> Fraction:
        return 1 - 2 * Fraction(sum(comb(count, k) for k in range(rank)), 2**count)

    assert reached == pytest.approx(float(coverage(int(low))))
    assert low == 1 or reached >= confidence
    # One rank further in does not reach, or is past the middle.
    assert 2 * (low + 1) > count + 1 or coverage(int(low) + 1) < confidence


def test_one_value_has_no_interval_and_five_have_no_half_width() -> None:
    assert stats.median_interval([1.0]) is None
    assert stats.interval_half_width([1.0] * 5) is None
    assert stats.interval_half_width([1.0] * 6) == 0.0
    assert stats.interval_half_width([0.9, 1.0, 1.0, 1.0, 1.0, 1.3]) == pytest.approx(0.3)


@pytest.mark.parametrize(("p", "least"), [(0.90, 64), (0.95, 130), (0.99, 662)])
def test_a_percentile_needs_as_many_samples_as_loadgen_asks(p: float, least: int) -> None:
    assert stats.percentile(range(least - 1), p) is None
    assert stats.percentile(range(least), p) == least - 1  # t = 1: the largest


@pytest.mark.parametrize("count", [64, 100, 662, 1024])
def test_the_percentile_rank_agrees_with_exact_arithmetic(count: int) -> None:
    chance = Fraction(1, 10)

    def at_most(rank: int) -> Fraction:
        return sum(
            (comb(count, k) * chance**k * (1 - chance) ** (count - k) for k in range(rank + 1)),
            Fraction(0),
        )

    rank = max(t for t in range(count // 10) if at_most(t) <= Fraction(1, 100))
    assert stats.percentile(range(count), 0.9) == count - rank


def test_a_percentile_of_many_samples_lies_just_above_the_quantile() -> None:
    count = 100_000
    value = stats.percentile(range(count), 0.9)
    assert value is not None
    assert 0.9 * count < value < 0.905 * count


# --- summaries --------------------------------------------------------------------------------


def six(*medians_s: float, tainted: tuple[int, ...] = ()):
    return tuple(
        samples(index, value, tainted=("steal time",) if index in tainted else ())
        for index, value in enumerate(medians_s)
    )


def test_a_summary_is_the_median_of_medians_with_its_interval() -> None:
    invocations = tuple(samples(i, v, v * 2, v / 2) for i, v in enumerate((1, 2, 3, 4, 5, 6)))
    one = measurement(invocations=invocations)
    found = stats.summarise(report(one), one)
    assert found is not None
    assert (found.latency_s, found.low_s, found.high_s, found.confidence) == (3.5, 1, 6, 0.96875)
    assert (found.invocations, found.invocations_tainted, found.samples) == (6, 0, 18)
    assert found.p90_s is None
    assert found.tainted == ()
    assert found.placement == "full"
    assert found.input_px == 224
    assert found.machine == "Test CPU, LiteRT 2.3.0, 1 thread"


def test_one_invocation_has_no_interval() -> None:
    one = measurement(rounds=1)
    found = stats.summarise(report(one), one)
    assert found is not None
    assert (found.low_s, found.high_s, found.confidence) == (None, None, 0.0)


def test_sustained_is_the_last_third_over_burst() -> None:
    burst = six(0.002, 0.002, 0.002, 0.002, 0.002, 0.002)

    def found(*windows_s: float):
        windows = tuple(samples(0, value, position=i) for i, value in enumerate(windows_s))
        one = measurement(invocations=burst, sustained=windows)
        return stats.summarise(report(one), one)

    assert found() is not None
    assert (found().sustained_s, found().sustained_ratio) == (None, None)
    assert found(0.003).sustained_s == 0.003
    assert found(0.002, 0.004).sustained_ratio == 2.0
    assert found(0.002, 0.002, 0.002, 0.003, 0.004, 0.008).sustained_s == pytest.approx(0.006)
    assert found(0.001, 0.001, 0.001, 0.003, 0.005, 0.009, 0.004, 0.004).sustained_s == 0.004
    assert found(0.009).latency_s == 0.002


def test_means_are_told_from_single_inferences() -> None:
    single = measurement()
    mixed = measurement(
        invocations=tuple(samples(i, 0.002, inferences_per_value=400 + i) for i in range(3))
    )
    assert stats.summarise(report(single), single).inferences_per_value == 1
    assert stats.summarise(report(mixed), mixed).inferences_per_value == 402


def test_a_phone_is_named_by_model_chip_and_benchmark_program() -> None:
    environment = Environment(
        machine="Google Pixel 8 (shiba)", cpu_model="Tensor G3", soc="Tensor G3", sdk=35,
        runtime_name="TFLite benchmark_model", runtime_version="sha256 1234abcd5678",
    )  # fmt: skip
    for accelerator in ("cpu", "edgetpu"):
        profile = replace(PROFILE, device="pixel8", accelerator=accelerator)
        machine, _ = circumstances(environment, profile)
        assert machine == (
            "Google Pixel 8 (Tensor G3), TFLite benchmark_model sha256 1234abcd5678, 1 thread"
        )
    options = AndroidTarget(tool="classic", delegate="external", external_options={"a": "b"})
    driven = replace(PROFILE, device="pixel8", accelerator="edgetpu", android=options)
    assert circumstances(environment, driven) == circumstances(environment, profile)
    odd = replace(environment, soc=None, runtime_name=None, runtime_version=None)
    gpu = replace(PROFILE, accelerator="gpu")
    assert circumstances(odd, gpu)[0] == "Google Pixel 8 (shiba), LiteRT, 1 thread"


def test_a_gpu_is_named_and_what_torch_computes_in_tells_latencies_apart() -> None:
    environment = Environment(
        machine="a computer", gpu="NVIDIA H100", runtime_name="PyTorch", runtime_version="2.13.0"
    )
    profile = replace(PROFILE, runtime="torch", format="pt2", accelerator="gpu")
    graph = replace(profile, cuda=CudaTarget(mode="graph"))
    halves = replace(profile, cuda=CudaTarget(mode="graph", arithmetic="fp16", channels_last=True))
    fused = replace(profile, cuda=CudaTarget(mode="compile", compile_mode="max-autotune"))
    said = [circumstances(environment, one) for one in (graph, halves, fused)]
    assert [machine for machine, _ in said] == [
        "NVIDIA H100, PyTorch 2.13.0, graph, fp32 arithmetic",
        "NVIDIA H100, PyTorch 2.13.0, graph, fp16 arithmetic, channels last",
        "NVIDIA H100, PyTorch 2.13.0, compile (max-autotune), fp32 arithmetic",
    ]
    assert len({digest for _, digest in said}) == 3
    assert facts(environment, halves)["profile.cuda"] == "graph, fp16 arithmetic, channels last"
    assert "profile.cuda" not in facts(environment, PROFILE)


def test_the_gpus_part_is_a_median_where_every_invocation_has_it() -> None:
    every = tuple(
        samples(i, 0.002, 0.003, 0.004, device_s=(0.001, 0.0011, 0.005)) for i in range(3)
    )
    assert stats.summarise(report(), measurement(invocations=every)).device_s == 0.0011
    some = (*every[:2], samples(2, 0.002))
    assert stats.summarise(report(), measurement(invocations=some)).device_s is None


def test_p90_needs_samples_of_single_inferences() -> None:
    values = tuple(i / 1000 for i in range(1, 65))
    one = measurement(invocations=(samples(0, *values),))
    found = stats.summarise(report(one), one)
    assert found is not None
    assert found.p90_s == 0.064
    means = measurement(invocations=(samples(0, *values, inferences_per_value=4),))
    found = stats.summarise(report(means), means)
    assert found is not None
    assert found.p90_s is None


def test_tainted_invocations_are_set_aside_while_three_clean_ones_remain() -> None:
    one = measurement(invocations=six(1, 2, 3, 900, 900, tainted=(3, 4)))
    found = stats.summarise(report(one), one)
    assert found is not None
    assert (found.latency_s, found.invocations, found.invocations_tainted) == (2, 3, 2)
    assert found.tainted == ()


def test_with_fewer_clean_ones_all_speak_and_the_measurement_is_tainted() -> None:
    one = measurement(invocations=six(1, 2, 9, 9, 9, tainted=(2, 3, 4)))
    found = stats.summarise(report(one), one)
    assert found is not None
    assert (found.latency_s, found.invocations, found.invocations_tainted) == (9, 5, 0)
    assert found.tainted == ("steal time, in 3 of 5 invocations",)


def test_a_failure_after_some_invocations_taints() -> None:
    one = measurement(failure="the worker was killed")
    found = stats.summarise(report(one), one)
    assert found is not None
    assert found.tainted == ("stopped by a failure: the worker was killed",)
    assert stats.unmeasured(report(one), one) is None


def test_nothing_measured_is_no_summary_but_a_reason() -> None:
    failed = measurement(invocations=(), placement=None, failure="it does not load")
    assert stats.summarise(report(failed), failed) is None
    found = stats.unmeasured(report(failed), failed)
    assert found is not None
    assert (found.model, found.reason) == ("mnv4-conv-s", "it does not load")
    killed = measurement(invocations=(), placement=None)
    found = stats.unmeasured(report(killed), killed)
    assert found is not None
    assert "before its first invocation" in found.reason


def test_unknown_placement_is_unproven() -> None:
    one = measurement(placement=None)
    found = stats.summarise(report(one), one)
    assert found is not None
    assert found.placement == "unproven"


def test_the_environment_digest_changes_with_what_must_match_and_nothing_else() -> None:
    def digest(environment: object = ENVIRONMENT, profile: object = PROFILE) -> str:
        one = measurement()
        made = report(one, environment=environment, profile=profile)
        found = stats.summarise(made, one)
        assert found is not None
        return found.environment

    from msgspec.structs import replace

    base = digest()
    assert len(base) == DIGEST_DIGITS
    assert digest(replace(ENVIRONMENT, commit="abc", tool_version="9", os_version="x")) == base
    assert digest(profile=replace(PROFILE, title="other words", notes="n")) == base
    assert digest(replace(ENVIRONMENT, cpu_model="another")) != base
    assert digest(replace(ENVIRONMENT, runtime_version="2.4.0")) != base
    assert digest(profile=replace(PROFILE, threads=2)) != base
    assert digest(profile=replace(PROFILE, precision="int8")) != base


def test_precise_means_a_95_percent_interval_within_the_target() -> None:
    close = (1.000, 1.001, 1.002, 1.003, 1.004, 1.005)
    assert stats.is_precise(measurement(invocations=six(*close)), 0.01)
    assert not stats.is_precise(measurement(invocations=six(*close)), 0.001)
    assert not stats.is_precise(measurement(invocations=six(*close[:5])), 0.5)
    # A disturbed seventh invocation is set aside, not averaged in.
    assert stats.is_precise(measurement(invocations=six(*close, 9.0, tainted=(6,))), 0.01)
    assert not stats.is_precise(measurement(invocations=()), inf)
    width = stats.half_width(measurement(invocations=six(*close)))
    assert width == pytest.approx(0.0025 / 1.0025)


def test_own_files_without_an_input_shape_are_summarised() -> None:
    one = measurement(artifact=artifact("model.onnx", input_shape=None))
    found = stats.summarise(report(one), one)
    assert found is not None
    assert found.input_px is None


@pytest.mark.parametrize("disturbed", [(), (1,), (0, 1, 2, 3)])
def test_samples_in_order_say_the_same(disturbed: tuple[int, ...]) -> None:
    made = measurement(
        invocations=tuple(
            samples(number, 0.003, 0.001 + number / 1e4, 0.002,
                    tainted=("busy",) if number in disturbed else ())
            for number in range(6)
        )
    )  # fmt: skip
    ordered = stats.ordered_samples(made)
    assert stats.summarise(report(made), made, ordered) == stats.summarise(report(made), made)
    assert stats.medians(made, ordered) == stats.medians(made)
