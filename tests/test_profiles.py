"""Device profiles: every bundled file, and the ways a user's own can be wrong."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from mnv4bench import profiles
from mnv4bench.devices import open_runner
from mnv4bench.devices.android.phone import Identity, misfit
from mnv4bench.devices.ssh.board import Identity as BoardIdentity
from mnv4bench.devices.ssh.board import misfit as board_misfit
from mnv4bench.errors import BadFile, ExitStatus, NotMeasured, UsageError
from mnv4bench.records import (
    AndroidTarget,
    AppleTarget,
    CudaTarget,
    DeviceProfile,
    EmulatedTarget,
    Expects,
    SshTarget,
)

DOCUMENT = (Path(__file__).parent.parent / "docs" / "devices.md").read_text()
BUNDLED = sorted(path.stem for path in profiles.bundled_directory().glob("*.toml"))
PAPERS_SEVEN = {
    "pixel6-cpu": ("int8", "cpu"),
    "pixel8-edgetpu": ("int8", "edgetpu"),
    "iphone13-ane": ("fp16", "ane"),
    "pixel4-hexagon": ("int8", "hexagon"),
    "pixel7-gpu": ("fp16", "gpu"),
    "s23-cpu": ("int8", "cpu"),
    "s23-gpu": ("fp16", "gpu"),
}


def test_the_two_hosts_and_the_papers_seven_are_there() -> None:
    assert set(BUNDLED) >= {"host-cpu", "host-ort-cpu", *PAPERS_SEVEN}


@pytest.mark.parametrize("device", BUNDLED)
def test_every_profile_reads_and_is_named_after_its_device(device: str) -> None:
    profile = profiles.load(device)
    assert profile.device == device
    assert (
        profile.format
        == {"litert": "tflite", "onnxruntime": "onnx", "coreml": "coreml", "torch": "pt2"}[
            profile.runtime
        ]
    )


@pytest.mark.parametrize(("device", "expected"), PAPERS_SEVEN.items())
def test_the_papers_devices_are_as_the_paper_measured(device: str, expected: tuple) -> None:
    profile = profiles.load(device)
    assert (profile.precision, profile.accelerator) == expected
    assert "2404.10518" in (profile.source or "")


def test_a_device_whose_runner_is_not_there_says_so() -> None:
    with pytest.raises(NotMeasured, match="does not have yet; nothing was measured") as caught:
        open_runner(replace(profiles.load("host-cpu"), runner="replay"))
    assert "--published" in caught.value.next_step


def test_an_unknown_device_gives_the_nearest_names() -> None:
    with pytest.raises(UsageError, match="nearest: pixel8-edgetpu") as caught:
        profiles.load("pixel8-edgtpu")
    assert caught.value.exit_status == ExitStatus.USAGE


def test_a_name_is_never_a_path() -> None:
    with pytest.raises(UsageError):
        profiles.load("../device_profiles/host-cpu")


def test_a_profile_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    own = tmp_path / "my-board.toml"
    text = (profiles.bundled_directory() / "host-cpu.toml").read_text()
    own.write_text(text.replace('"host-cpu"', '"my-board"'))
    assert profiles.load(str(own)).device == "my-board"
    own.rename(tmp_path / "other.toml")
    with pytest.raises(BadFile, match="named after its device"):
        profiles.load(str(tmp_path / "other.toml"))
    with pytest.raises(BadFile, match="cannot be read"):
        profiles.load(str(tmp_path / "missing.toml"))
    big = tmp_path / "big.toml"
    big.write_text("#" * 70_000)
    with pytest.raises(BadFile, match="larger than"):
        profiles.load(str(big))


def test_a_broken_file_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = (profiles.bundled_directory() / "host-cpu.toml").read_text()
    (tmp_path / "host-cpu.toml").write_text(good)
    (tmp_path / "broken.toml").write_text("device = ")
    monkeypatch.setattr(profiles, "bundled_directory", lambda: tmp_path)
    found, broken = profiles.load_all()
    assert [profile.device for profile in found] == ["host-cpu"]
    assert [path.name for path, _ in broken] == ["broken.toml"]


ANDROID = [device for device in BUNDLED if profiles.load(device).runner == "android"]
# Pixels by their tensor processor, Galaxies by Qualcomm's; and the paper's DSP.
WANTED = {
    *(f"pixel{n}-{unit}" for n in (6, 7, 8, 9) for unit in ("cpu", "gpu", "edgetpu")),
    *(f"s{n}-{unit}" for n in (23, 24, 25) for unit in ("cpu", "gpu", "npu")),
    "pixel4-hexagon",
}
DELEGATES_OF = {
    "cpu": {"xnnpack"},
    "gpu": {"gpu"},
    "edgetpu": {"nnapi"},
    "hexagon": {"hexagon"},
    "npu": {"external", "npu"},
}
TOOLS_OF = {
    "xnnpack": {"classic", "litert"},
    "gpu": {"classic", "litert"},
    "nnapi": {"classic"},
    "hexagon": {"classic"},
    "external": {"classic"},
    "npu": {"litert"},
}


def android(device: str) -> tuple[DeviceProfile, EmulatedTarget, Expects, AndroidTarget]:
    profile = profiles.load(device)
    assert profile.expects is not None
    assert profile.android is not None
    return profile, profile.expects, profile.android


def test_the_phones_are_there_and_only_they_have_an_android_table() -> None:
    assert set(ANDROID) == WANTED
    for device in set(BUNDLED) - set(ANDROID):
        assert profiles.load(device).android is None


@pytest.mark.parametrize("device", sorted(WANTED))
def test_a_phone_is_told_from_others_and_where_its_facts_are_from(device: str) -> None:
    profile, expects, _ = android(device)
    assert expects.devices
    assert expects.socs
    assert profile.soc
    assert profile.source
    # Whoever measures on one of these first changes this line of the file and of the test.
    assert (profile.seen or "").startswith("By nobody with this program yet.")
    assert profile.notes


@pytest.mark.parametrize("device", sorted(WANTED))
def test_delegate_tool_and_precision_fit_the_accelerator(device: str) -> None:
    profile, _, target = android(device)
    assert device.endswith(f"-{profile.accelerator}")
    assert target.delegate in DELEGATES_OF[profile.accelerator]
    assert target.tool in TOOLS_OF[target.delegate]
    assert profile.precision == ("fp16" if profile.accelerator == "gpu" else "int8")
    assert profile.format == "tflite"
    open_runner(profile)  # raises where the parts of a profile do not go together
    assert (profile.threads, target.cores) == (1, "fastest")


@pytest.mark.parametrize("device", sorted(WANTED))
def test_a_delegate_has_what_it_needs_and_nothing_of_another(device: str) -> None:
    _, _, target = android(device)
    assert (target.nnapi_accelerator is not None) == (target.delegate == "nnapi")
    assert (target.external_delegate is not None) == (target.delegate == "external")
    assert bool(target.external_options) == (target.delegate == "external")
    assert bool(target.libraries) == (target.delegate in {"hexagon", "external", "npu"})
    assert (target.counter is not None) == (target.delegate == "nnapi")
    if target.external_delegate is not None:
        assert target.external_delegate in target.libraries
    for value in target.external_options:  # what an option points at is pushed too
        if name := value.partition("LIBRARIES/")[2]:
            assert any(fnmatchcase(name, pattern) for pattern in target.libraries)


def test_profiles_of_one_phone_expect_the_same() -> None:
    """Or two profiles of one family would take different phones for the same one."""
    families: dict[str, set[Expects]] = {}
    for device in sorted(WANTED):
        families.setdefault(device.split("-")[0], set()).add(android(device)[1])
    assert all(len(expected) == 1 for expected in families.values())
    names = [name for (expected,) in families.values() for name in expected.devices]
    assert len(names) == len(set(names))  # and no phone belongs to two families


@pytest.mark.parametrize(
    ("properties", "family"),
    [
        # As getprop of real phones has them (sources in the profiles).
        ({"ro.product.device": "raven", "ro.soc.model": "Tensor"}, "pixel6"),
        ({"ro.product.device": "panther", "ro.soc.model": "GS201"}, "pixel7"),
        ({"ro.product.device": "panther", "ro.soc.model": "Tensor G2"}, "pixel7"),
        ({"ro.product.device": "shiba", "ro.soc.model": "Tensor G3"}, "pixel8"),
        ({"ro.product.device": "tokay", "ro.soc.model": "Tensor G4"}, "pixel9"),
        ({"ro.product.device": "flame", "ro.board.platform": "msmnile"}, "pixel4"),
        ({"ro.product.device": "dm3q", "ro.soc.model": "SM8550"}, "s23"),
        ({"ro.product.device": "e1q", "ro.soc.model": "SM8650"}, "s24"),
        ({"ro.product.device": "pa1q", "ro.soc.model": "SM8750"}, "s25"),
        # A Pixel 10, an S24 with Samsung's chip, and a system image of another maker on a Pixel 8.
        ({"ro.product.device": "frankel", "ro.soc.model": "Tensor G5"}, None),
        ({"ro.product.device": "e1s", "ro.soc.model": "s5e9945"}, None),
        ({"ro.product.device": "shiba", "ro.soc.model": "unknown"}, None),
    ],
)
def test_a_phone_fits_the_profiles_of_its_family_and_no_other(
    properties: dict[str, str], family: str | None
) -> None:
    identity = Identity(
        properties={"ro.build.version.sdk": "33", **properties},
        kernel=None,
        policies=(),
        memory_bytes=None,
        nnapi_drivers=(),
        boot=None,
        serial="x",
    )
    fitting = {device for device in WANTED if misfit(identity, android(device)[1]) is None}
    assert fitting == {device for device in WANTED if device.split("-")[0] == family}


APPLE = [device for device in BUNDLED if profiles.load(device).runner == "apple"]


def test_apples_devices_are_there() -> None:
    assert set(APPLE) == {
        *(f"mac-{unit}" for unit in ("ane", "gpu", "cpu")),
        "iphone13-ane",
        *(f"iphone{n}pro-ane" for n in (14, 15, 16, 17)),
    }
    for device in set(BUNDLED) - set(APPLE):
        assert profiles.load(device).apple is None


@pytest.mark.parametrize("device", APPLE)
def test_apples_devices_say_who_has_not_seen_them(device: str) -> None:
    profile = profiles.load(device)
    assert device.endswith(f"-{profile.accelerator}")
    assert (profile.runtime, profile.precision) == ("coreml", "fp16")
    assert (profile.seen or "").startswith("By nobody with this program yet")
    assert profile.source
    assert "docs/apple.md" in (profile.notes or "")
    assert profile.apple is not None
    if profile.apple.kind == "iphone":
        assert profile.expects is not None
        assert profile.expects.devices
        assert profile.soc
    open_runner(profile)  # raises where the parts of a profile do not go together


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"apple": None}, r"no \[apple\] table"),
        ({"accelerator": "npu"}, "Core ML has cpu, gpu and ane"),
        ({"format": "tflite"}, "drives Core ML with .mlpackage"),
    ],
)
def test_apples_profiles_whose_parts_do_not_go_together(changes, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        open_runner(replace(profiles.load("mac-ane"), **changes))
    assert "profile" in caught.value.next_step


@pytest.mark.parametrize(
    "line",
    [
        'development_team = "abc"',
        'development_team = "ABCDE12345; touch /tmp/x"',
        'bundle_identifier = "org.example.$(id)"',
        'provisioning_profile = "not a uuid"',
        'kind = "watch"',
    ],
)
def test_words_of_a_shell_are_refused_in_a_profile(line: str, tmp_path: Path) -> None:
    own = tmp_path / "iphone13-ane.toml"
    text = (profiles.bundled_directory() / "iphone13-ane.toml").read_text()
    own.write_text(text.replace('kind = "iphone"\n', "") + line + "\n")
    if not line.startswith("kind"):
        own.write_text(text + line + "\n")
    with pytest.raises(BadFile):
        profiles.load(str(own))


@pytest.mark.parametrize(
    ("heading", "struct"),
    [
        ("### The file", DeviceProfile),
        ("### [expects]", Expects),
        ("### [android]", AndroidTarget),
        ("### [emulated]", EmulatedTarget),
        ("### [ssh]", SshTarget),
        ("### [cuda]", CudaTarget),
        ("### [apple]", AppleTarget),
    ],
)
def test_the_document_lists_every_field_and_no_other(heading: str, struct: type) -> None:
    section = DOCUMENT.split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    listed = re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE)
    assert listed == [field.name for field in msgspec.structs.fields(struct)]


def test_the_documents_own_profiles_are_read(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(device = .*?)```", DOCUMENT, re.DOTALL)
    assert len(examples) >= 2
    for text in examples:
        name = re.match(r'device = "(.*)"', text)
        assert name is not None
        file = tmp_path / f"{name[1]}.toml"
        file.write_text(text)
        assert f"--device ./{file.name}" in DOCUMENT
        profile = profiles.load(str(file))
        assert profile.expects is not None
        assert profile.android is not None


BOARDS = {"raspberrypi5-cpu", "raspberrypi4-cpu", "ssh-board-cpu"}


@pytest.mark.parametrize("device", sorted(BOARDS))
def test_boards_are_there_and_name_no_host(device: str) -> None:
    profile = profiles.load(device)
    assert profile.runner == "ssh"
    assert profile.ssh is not None
    assert profile.ssh.host is None  # whose would it be?
    assert (profile.ssh.tool, profile.ssh.cores, profile.threads) == ("python", "fastest", 1)
    assert (profile.expects is None) == (device == "ssh-board-cpu")
    # Whoever measures on one of these first changes this line of the file and of the test.
    assert (profile.seen or "").startswith("By nobody")
    assert profile.notes
    open_runner(profile)
    for other in set(BUNDLED) - BOARDS:
        assert profiles.load(other).ssh is None


@pytest.mark.parametrize(
    ("compatible", "fitting"),
    [
        (("raspberrypi,5-model-b", "brcm,bcm2712"), {"raspberrypi5-cpu", "ssh-board-cpu"}),
        (("raspberrypi,4-model-b", "brcm,bcm2711"), {"raspberrypi4-cpu", "ssh-board-cpu"}),
        (("raspberrypi,5-compute-module", "brcm,bcm2712"), {"ssh-board-cpu"}),
        (("nvidia,p3767-0005", "nvidia,tegra234"), {"ssh-board-cpu"}),
    ],
)
def test_a_board_fits_its_own_profile(compatible: tuple[str, ...], fitting: set[str]) -> None:
    found = BoardIdentity(
        model=None, compatible=compatible, system="Linux", kernel=None, machine=None, cpu=None,
        cpu_count=None, policies=(), memory_bytes=None, tools=frozenset(), boot=None,
        host="board", serial="x",
    )  # fmt: skip
    assert {
        one for one in BOARDS if board_misfit(found, profiles.load(one).expects) is None
    } == fitting


@pytest.mark.parametrize(
    "table",
    [
        'host = "-oProxyCommand=x"', 'host = "a b"', 'host = "a;b"', 'python = "a b"',
        'python = "$(x)"', 'remote_dir = "/tmp"', 'remote_dir = "/tmp/mnv4bench/../x"',
        'tool = "other"', 'hosts = "x"',
    ],
)  # fmt: skip
def test_words_of_a_board_that_a_shell_could_take_another_way_are_refused(
    tmp_path: Path, table: str
) -> None:
    text = (profiles.bundled_directory() / "ssh-board-cpu.toml").read_text()
    own = tmp_path / "ssh-board-cpu.toml"
    own.write_text(text.replace('tool = "python"', table))
    with pytest.raises(BadFile, match="ssh"):
        profiles.load(str(own))


def test_the_boards_documents_own_profiles_are_read(tmp_path: Path) -> None:
    document = (Path(__file__).parent.parent / "docs" / "boards.md").read_text()
    examples = re.findall(r"```toml\n(device = .*?)```", document, re.DOTALL)
    assert len(examples) >= 2
    for text in examples:
        name = re.match(r'device = "(.*)"', text)
        assert name is not None
        file = tmp_path / f"{name[1]}.toml"
        file.write_text(text)
        assert f"--device ./{file.name}" in document
        profile = profiles.load(str(file))
        assert profile.ssh is not None
        open_runner(profile)
