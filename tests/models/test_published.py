"""The paper's Table 6, spot-checked and summed so that no cell can change unseen."""

from collections import Counter, defaultdict

import pytest

from mnv4bench.models import catalog, published
from mnv4bench.records import PublishedLatency

# Sum of the printed milliseconds in each column, taken from a transcription of the table that is
# kept apart from the package's.
COLUMN_SUMS_MS = {
    "pixel6-cpu": 1214.3,
    "pixel8-edgetpu": 35.3,
    "iphone13-ane": 37.85,
    "pixel4-hexagon": 80.2,
    "pixel7-gpu": 865.3,
    "s23-cpu": 1156.8,
    "s23-gpu": 496.4,
}


def cell(model: str, device: str) -> PublishedLatency:
    return next(c for c in published.table() if (c.model, c.device) == (model, device))


def test_there_are_25_models_on_7_devices() -> None:
    table = published.table()
    assert len(table) == 175
    assert len({c.model for c in table}) == 25
    assert {c.device for c in table} == set(COLUMN_SUMS_MS)
    assert len({(c.model, c.device) for c in table}) == 175


def test_failed_and_not_benchmarked_are_kept_apart() -> None:
    counts = Counter(c.status for c in published.table())
    assert counts == {"ok": 140, "failed": 8, "not_benchmarked": 27}
    assert all((c.latency_s is None) == (c.status != "ok") for c in published.table())
    assert cell("mnv4-hybrid-m", "pixel4-hexagon").status == "failed"
    assert cell("mnv4-hybrid-m", "iphone13-ane").status == "not_benchmarked"
    assert {c.status for c in published.table() if c.model == "nextvit-b"} == {"not_benchmarked"}


def test_columns_add_up() -> None:
    sums: dict[str, float] = defaultdict(float)
    for c in published.table():
        sums[c.device] += 1e3 * (c.latency_s or 0)
    assert sums == pytest.approx(COLUMN_SUMS_MS)


@pytest.mark.parametrize(
    ("model", "device", "latency_s"),
    [
        ("mnv4-conv-s", "pixel6-cpu", 0.0024),
        ("mnv4-conv-l", "pixel4-hexagon", 0.0208),
        ("mnv4-hybrid-l", "pixel8-edgetpu", 0.0038),
        ("mobilenetv3-large-0.5x", "iphone13-ane", 0.00045),
        ("fastvit-sa36", "s23-gpu", 0.1381),
        ("efficientvit-b3", "s23-cpu", 0.1259),
        ("convnext-s", "pixel6-cpu", 0.3149),
    ],
)
def test_cells(model: str, device: str, latency_s: float) -> None:
    assert cell(model, device).latency_s == latency_s  # exactly: read as decimal text


def test_precision_is_the_devices() -> None:
    precisions = {c.device: c.precision for c in published.table()}
    halves = {device for device, precision in precisions.items() if precision == "fp16"}
    assert halves == {"iphone13-ane", "pixel7-gpu", "s23-gpu"}
    assert set(precisions.values()) == {"int8", "fp16"}


def test_rows_carry_accuracy_size_and_citation() -> None:
    row = cell("mnv4-hybrid-l", "s23-gpu")
    assert (row.top1, row.input_px, row.family) == (83.4, 384, "MobileNetV4")
    assert {c.citation for c in published.table()} == {"arXiv:2404.10518v2 Table 6"}
    assert {c.confidence for c in published.table()} == {"one source", "two sources"}
    assert sum(c.top1 for c in published.table()) == pytest.approx(7 * 1959.5)


def test_models_of_the_catalog_have_its_names_families_and_sizes() -> None:
    ours = {entry.model: (entry.family, entry.input_px) for entry in catalog.entries()}
    shared = {c.model: (c.family, c.input_px) for c in published.table() if c.model in ours}
    assert len(shared) == 13
    assert shared == {model: ours[model] for model in shared}
