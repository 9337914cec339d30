"""The doubles print what the captures hold, and the captures say what they are."""

import re
from pathlib import Path

import pytest

CAPTURES = Path(__file__).parent.parent / "captures"
# What differs from run to run: numbers, paths, names of sensors, and yes or no.
VARIES = re.compile(
    r"/data/local/tmp\S*|\b(?:true|false|ON|OFF)\b|mName=[^,]*|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
)


def shapes(text: str) -> set[str]:
    """Each line with what varies masked."""
    return {VARIES.sub("~", line).strip() for line in text.splitlines()} - {""}


def capture(folder: str, *names: str) -> set[str]:
    return set().union(
        *(shapes((CAPTURES / folder / name).read_text(encoding="utf-8")) for name in names)
    )


@pytest.mark.parametrize("folder", sorted(CAPTURES.glob("android-*")), ids=lambda path: path.name)
def test_what_was_not_captured_says_so(folder):
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "not captured" in readme
    assert len(list(folder.iterdir())) > 1


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("dumpsys thermalservice", "thermalservice.txt"),
        ("dumpsys battery", "battery.txt"),
        ("df -k /data/local/tmp", "df.txt"),
    ],
)
def test_the_tools_of_the_double_are_those_of_android_15(genuine_adb, phone, command, name):
    said = shapes(genuine_adb.shell(phone, command).stdout.decode())
    # A phone of a newer build says more, never less.
    assert said
    assert said <= capture("android-15", name)


def test_the_power_service_too(genuine_adb, phone):
    said = genuine_adb.shell(phone, "dumpsys power; service list").stdout.decode()
    for line in ("mWakefulness=Awake", "mWakefulnessChanging=~", "Display Power: state=~"):
        assert line in shapes(said)
        assert line in capture("android-15", "power.txt")
    driver = "android.hardware.neuralnetworks.IDevice/google-edgetpu"
    assert driver in said
    assert driver in (CAPTURES / "android-15" / "service-list.txt").read_text(encoding="utf-8")


FLAGS_OF_OURS = re.compile(
    r"INFO: (?:Min runs duration|Max runs|Min warmup runs|Num threads|File path to save|Use )"
)


@pytest.mark.parametrize(
    ("flavour", "flags", "folder"),
    [
        ("classic", "--use_xnnpack=true", "android-benchmark_model-classic-2026"),
        (
            "classic",
            "--use_nnapi=true --nnapi_accelerator_name=google-edgetpu",
            "android-benchmark_model-classic-2026",
        ),
        ("litert", "--use_cpu=true", "android-benchmark_model-litert-2.2.0"),
    ],
)
def test_the_programs_of_the_double_print_the_captured_lines(bench, flavour, flags, folder):
    status, out, err = bench.run(flavour, flags)
    assert status == 0
    names = sorted(path.name for path in (CAPTURES / folder).glob("*.std*"))
    known = capture(folder, *names)
    said = {line for line in shapes(out + err) if not FLAGS_OF_OURS.match(line)}
    assert len(said) > 10
    assert said <= known
