"""Terminal text: golden for fixed findings, harmless for hostile ones."""

from io import BytesIO, StringIO, TextIOWrapper

import pytest
from msgspec.structs import replace
from rich.console import Console, RenderableType

from mnv4bench.analysis.certainty import with_certainty
from mnv4bench.analysis.pareto import front_of
from mnv4bench.analysis.universality import across
from mnv4bench.findings import (
    Attached,
    Catalog,
    DeviceRow,
    Devices,
    Doctor,
    Examined,
    Front,
    Shown,
    Skipped,
)
from mnv4bench.records import Accuracy, Check, ModelEntry, Signal, UnreadableImage, Weights
from mnv4bench.render import accuracies, devices, front_notes, spanning, sureness, terminal
from mnv4bench.render.untrusted import visible
from tests.render import fixed
from tests.render.golden import assert_golden


def text(view: RenderableType, width: int = 100, **options: object) -> str:
    console = Console(file=StringIO(), width=width, **options)  # type: ignore[arg-type]
    console.print(view)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def in_ascii(view: RenderableType, width: int = 100) -> str:
    stream = TextIOWrapper(BytesIO(), encoding="ascii")
    Console(file=stream, width=width).print(view)
    stream.flush()
    lines = stream.buffer.getvalue().decode("ascii").splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


CATALOG = Catalog(
    models=(
        ModelEntry(
            model="mnv4-conv-s",
            family="MobileNetV4",
            input_px=224,
            params=3_774_024,
            macs=185_900_000,
            accuracies=(
                Accuracy(top1=73.8, source="paper", weights="w", input_px=224, citation="c"),
                Accuracy(top1=74.6, source="timm", weights="w", input_px=256, citation="c"),
            ),
        ),
        ModelEntry(model="own.onnx", family="own file", input_px=64, params=None, macs=None),
    )
)
PHONE = Attached(serial="38091FDJH000P8", state="device", model="Google Pixel 8 (shiba)", fix="",
                 profiles=("pixel8-cpu", "pixel8-edgetpu"))  # fmt: skip
DEVICES = Devices(
    devices=(
        DeviceRow(device="host-cpu", runner="host", format="tflite", precision="fp32",
                  accelerator="cpu", status="ready", detail="Test CPU, LiteRT 2.3.0"),
        DeviceRow(device="pixel6-cpu", runner="android", format="tflite", precision="int8",
                  accelerator="cpu", status="absent",
                  detail="no phone is attached (adb 1.0.41). plug it in"),
    ),
    attached=(
        PHONE,
        Attached(serial="R3CT", state="unauthorized", model="",
                 fix="unlock it and allow USB debugging from this computer"),
        Attached(serial="OTHER", state="device", model="Fairphone 5 (FP5)", fix=""),
    ),
    skipped=(Skipped(path="bad.toml", reason="no such key: thread"),),
)  # fmt: skip
NOISY = Check(name="host noise", status="warning", found="other programs use 51% of it",
              fix="close what is running")  # fmt: skip
ADB = Check(name="adb", status="ok", found="1.0.41 (/usr/bin/adb)")
DOCTOR = Doctor(
    devices=(
        Examined(device="host-cpu", unit="host", checks=(
            Check(name="runtime", status="ok", found="LiteRT 2.3.0"), NOISY)),
        Examined(device="pixel8-cpu", unit="adb:38091FDJH000P8", checks=(ADB,)),
        Examined(device="host-ort-cpu", unit="host", checks=(
            Check(name="runtime", status="failed", found="ONNX Runtime is not installed",
                  fix="pip install 'mnv4bench[run]'"),
            replace(NOISY, found="other programs use 49% of it"))),
        Examined(device="pixel8-edgetpu", unit="adb:38091FDJH000P8", checks=(
            ADB, Check(name="accelerator", status="unknown", found="no list of NNAPI drivers"))),
    ),
    attached=DEVICES.attached,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "view", "width"),
    [
        ("front.txt", terminal.front(fixed.front()), 100),
        ("front_80.txt", terminal.front(fixed.front()), 80),
        ("front_sure.txt", terminal.front(fixed.sure()), 120),
        ("universality.txt", spanning.table(fixed.spanned()), 120),
        ("universality_80.txt", spanning.table(fixed.spanned()), 80),
        ("show.txt", terminal.shown(fixed.shown()), 100),
        ("models.txt", terminal.models(CATALOG), 100),
        ("devices.txt", devices.devices(DEVICES), 100),
        ("show_phones.txt", terminal.shown(fixed.phones()), 120),
        ("doctor.txt", devices.doctor(DOCTOR), 120),
    ],
)
def test_golden_text(name: str, view: RenderableType, width: int) -> None:
    assert_golden(name, text(view, width))


def test_a_quantised_front_says_whose_accuracy_it_draws() -> None:
    found = text(terminal.front(Front(groups=(fixed.quantised(),))), 120)
    assert_golden("front_quantised.txt", found)
    for said in ("73.8 % float", "79.1 % (78.7..79.5 %)", "nobody measured this quantised file"):
        assert said in found
    assert "Synthetic calibration: mnv4-conv-s, fastvit-t8." in found
    assert "float" not in text(terminal.front(fixed.front()))


def test_measured_accuracies_say_what_they_rest_on() -> None:
    assert_golden("accuracies.txt", text(accuracies.accuracies(fixed.accuracies()), 140))
    listed = text(accuracies.listed(fixed.accuracies().evaluations), 140)
    assert text(accuracies.accuracies(fixed.accuracies()), 140).startswith(listed.rstrip("\n"))
    assert "\x1b" not in listed


def test_show_says_how_a_file_was_calibrated() -> None:
    one = fixed.summary(precision="int8", calibration="synthetic calibration")
    found = text(terminal.shown(Shown(measurements=(one, fixed.summary("mnv4-conv-m", 0.01)))))
    assert "Synthetic calibration: mnv4-conv-s." in found


def test_random_weights_of_a_measured_accuracy_are_no_contradiction() -> None:
    point = fixed.point("mnv4-conv-s", 0.001, 0.1, accuracy_source="measured", top1_low=0.05,
                        top1_high=0.2, accuracy_data="val", accuracy_images=1000)  # fmt: skip
    found = text(terminal.front(Front(groups=(fixed.measured(points=(point,)),))))
    assert front_notes.RANDOM_WEIGHTS not in found
    assert "Top-1 measured on 1,000 images of val (1 file)." in found


def test_golden_text_without_line_drawing_characters() -> None:
    assert_golden("front_ascii.txt", in_ascii(terminal.front(fixed.front())))


def test_nothing_to_show_is_a_sentence() -> None:
    assert text(terminal.shown(Shown(measurements=()))) == "No measurements.\n"
    assert text(terminal.front(Front(groups=()))) == (
        "Nothing to compare: no measurement was found.\n"
    )


HOSTILE_VIEWS = [
    terminal.shown(
        Shown(
            measurements=(
                fixed.summary(
                    fixed.HOSTILE,
                    tainted=(fixed.HOSTILE,),
                    machine=fixed.HOSTILE,
                    weights=Weights(kind="own", detail=fixed.HOSTILE),
                ),
            ),
            skipped=(Skipped(path=fixed.HOSTILE, reason=fixed.HOSTILE),),
        )
    ),
    terminal.front(
        Front(
            groups=(
                fixed.measured(
                    machine=fixed.HOSTILE,
                    device=fixed.HOSTILE,
                    points=(
                        fixed.point(fixed.HOSTILE, 0.001, 70.0),
                        fixed.point("b", 0.002, 60, status="dominated",
                                    dominated_by=(fixed.HOSTILE,)),
                        fixed.point("c", None, None, status="excluded", reason=fixed.HOSTILE),
                    ),
                ),
            ),
        )
    ),
    terminal.front(Front(groups=(fixed.hostile(),), limits=fixed.LIMITS)),
    spanning.table(Front(groups=(), universality=across((fixed.hostile(),)))),
    terminal.models(
        Catalog(models=(replace(CATALOG.models[0], model=fixed.HOSTILE, family=fixed.HOSTILE),))
    ),
    devices.devices(
        replace(DEVICES, devices=(replace(DEVICES.devices[0], detail=fixed.HOSTILE),))
    ),
    devices.devices(
        replace(DEVICES, attached=(replace(PHONE, serial=fixed.HOSTILE, model=fixed.HOSTILE),))
    ),
    devices.doctor(
        replace(DOCTOR, devices=(replace(DOCTOR.devices[0], checks=(
            Check(name=fixed.HOSTILE, status="failed", found=fixed.HOSTILE, fix=fixed.HOSTILE),
        )),))
    ),
    terminal.shown(
        Shown(measurements=(
            fixed.summary(fixed.HOSTILE, placement="none", signals=(
                Signal(name=fixed.HOSTILE, evidence=fixed.HOSTILE, says="none"),
            )),
        ))
    ),
]  # fmt: skip


@pytest.mark.parametrize("view", HOSTILE_VIEWS)
def test_a_hostile_name_is_shown_and_does_nothing(view: RenderableType) -> None:
    shown = text(view, 400, force_terminal=True, color_system="truecolor", highlight=False)
    # Escapes of ours are single-parameter colours and resets; its red (31) is none of them.
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown
    plain = text(view, 400)
    assert "[red]x[/red]\\x1b[31m<script>" in plain
    assert "\x1b" not in plain
    assert "\x1b" not in in_ascii(view, 400)


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("mnv4-conv-s", "mnv4-conv-s"),
        ("modèle 模型", "modèle 模型"),
        ("a\x1b[0m\x07\r\n\tb", "a\\x1b[0m\\x07\\r\\n\\tb"),
        ("\u202eback\u200b", "\\u202eback\\u200b"),
        ("\x9bC1", "\\x9bC1"),
        ("\ud800", "\\ud800"),
        ("\u2028", "\\u2028"),
        ("::error title=a::b", r"\x3a:error title=a::b"),
        ("a ##[add-mask]b", r"a \x23#[add-mask]b"),
        ("std::bad_alloc", "std::bad_alloc"),
    ],
)
def test_visible(raw: str, safe: str) -> None:
    assert visible(raw) == safe


def test_a_long_list_of_skipped_files_is_cut() -> None:
    many = tuple(Skipped(path=f"r{index}.json", reason="truncated") for index in range(1000))
    lines = text(terminal.shown(Shown(measurements=(), skipped=many))).splitlines()
    lines = lines[lines.index("Not used (1,000):") - 1 :]
    assert lines[-1] == "  and 992 more; --json lists them all"
    assert len(lines) == terminal.MAX_SKIPPED_LINES + 3


def test_a_very_long_name_folds_and_stays_whole() -> None:
    name = "m" * 200
    view = terminal.front(Front(groups=(fixed.measured(points=(fixed.point(name, 0.001, 70.0),)),)))
    lines = text(view, 80).splitlines()
    assert sum(line.split(" ")[0].count("m") for line in lines if line.startswith("mm")) == 200
    assert max(map(len, lines)) <= 80


def test_random_weights_are_marked_where_only_some_are() -> None:
    shown = text(terminal.front(Front(groups=(fixed.measured(),))))
    assert "mnv4-conv-s ~" in shown
    assert "fastvit-sa12 ~" not in shown
    assert "~ Latency measured with random weights" in shown


def test_an_interval_that_begins_at_zero_is_shown() -> None:
    found = text(accuracies.listed([fixed.evaluated(top5=0.4, top5_low=0.0, top5_high=1.2)]), 140)
    [row] = [line for line in found.splitlines() if line.startswith("mnv4-conv-s onnx fp32")]
    assert row.endswith("0.0..1.2 %")


def test_each_image_that_any_file_could_not_have_is_named_once() -> None:
    def without(*names: str):
        unreadable = tuple(UnreadableImage(name=name, reason="cut short") for name in names)
        return fixed.evaluated(unreadable=unreadable)

    found = text(accuracies.listed([without(), without("a.png"), without("a.png", "b.png")]), 140)
    assert "Not read (2)" in found
    assert (found.count("a.png: cut short"), found.count("b.png: cut short")) == (1, 1)


def test_doctor_says_what_is_attached_only_where_nothing_was_asked_for() -> None:
    asked = text(devices.doctor(replace(DOCTOR, attached=()), alone=True), 120)
    assert "Attached" not in asked
    assert "Attached phones: none. Plug one in" in text(
        devices.doctor(replace(DOCTOR, attached=())), 120
    )
    without = replace(DOCTOR, attached=(), attached_unknown="adb was not found.")
    assert "Attached phones: adb was not found." in text(devices.doctor(without), 120)


def test_what_helps_can_be_pasted_and_stands_once() -> None:
    long = f"curl -Lo /there https://example.com/{'x' * 300}"
    check = Check(name="benchmark program", status="failed", found="none", fix=long)
    warm = Check(name="heat", status="warning", found="39 °C", fix=fixed.HOSTILE)
    one = Examined(device="a", unit="adb:1", checks=(warm, check))
    both = Doctor(devices=(one, replace(one, device="b")))
    said = devices.fixes(both)
    assert said[:3] == ["", "What helps:", f"  benchmark program (failed):\n    {long}"]
    assert said[3].startswith("  heat (warning):\n    [red]x[/red]\\x1b[31m")
    assert len(said) == 4
    assert devices.fixes(Doctor(devices=(replace(one, checks=(ADB,)),))) == []


def test_long_evidence_is_cut_where_people_read() -> None:
    one = fixed.summary(
        placement="unproven",
        signals=(Signal(name="runtime log", evidence="x" * 1000, says="unproven"),),
    )
    found = text(terminal.shown(Shown(measurements=(one,))), 400)
    assert f"  runtime log says unproven: {'x' * 160}… (--json has all of it)" in found
    nothing = text(terminal.shown(Shown(measurements=(replace(one, signals=()),))), 400)
    assert "mnv4-conv-s is not proven to have run where it was asked to" in nothing
    assert "Nothing shows where it ran." in nothing


def test_thousands_of_models_make_no_endless_sentence() -> None:
    points = [
        fixed.sampled(f"m{i}", 50 + i / 100, *[0.001 * (i + 1)] * 3, family=f"F{i}")
        for i in range(60)
    ]
    group = with_certainty(fixed.measured(points=front_of(points)))
    sentences = sureness.sentences(group) + spanning.sentences(across([group])[0])
    assert any("and 36 more." in line for line in sentences)
    assert any("And 36 more families" in line for line in sentences)
    assert max(map(len, sentences)) < 400


def test_of_very_many_models_the_front_is_listed_and_the_cheapest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mnv4bench.render.front_rows.MOST_ROWS", 4)
    points = [fixed.point(f"off-{n}", 0.001 * (n + 1), 60.0 - n) for n in range(6)]
    points += [fixed.point("on-dear", 0.02, 80.0), fixed.point("on-dearest", 0.03, 81.0)]
    group = fixed.measured(points=front_of(points))
    found = text(terminal.front(Front(groups=(group,))))
    listed = [line.split()[0] for line in found.splitlines() if " ms " in line][:4]
    assert listed == ["off-0", "off-1", "on-dear", "on-dearest"]
    assert "Not listed: 4 more models; --json has them all." in found
    across_all = text(spanning.table(Front(groups=(), universality=across([group]))), 140)
    assert "Not listed: 4 more models" in across_all
    assert "off-5" not in across_all
