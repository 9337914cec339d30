"""What phones say of themselves, read. Formats: AOSP's dumpsys of Android 8 to 16."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.devices.android import phone, readings
from mnv4bench.devices.android.readings import Policy
from mnv4bench.errors import NotMeasured
from mnv4bench.records import Cores, Expects

THERMAL = """\
IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 2
Thermal Status: 1
Cached temperatures:
\tTemperature{mValue=45.6, mType=0, mName=AP, mStatus=0}
HAL Ready: true
HAL connection:
\tThermalHAL AIDL 2  connected: yes
Current temperatures from HAL:
\tTemperature{mValue=33.5, mType=0, mName=BIG, mStatus=0}
\tTemperature{mValue=29.4, mType=3, mName=skin, mStatus=0}
\tTemperature{mValue=-274.0, mType=1, mName=G3D, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
"""
BATTERY = """\
Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  level: 85
  scale: 100
  voltage: 4320
  temperature: 263
  status: 2
"""


def test_heat_is_what_the_hal_reads_now() -> None:
    assert readings.thermal_status(THERMAL) == 1
    assert not readings.status_is_overridden(THERMAL)
    assert readings.hal_temperatures(THERMAL) == {"cpu BIG": 33.5, "skin skin": 29.4}
    assert readings.thermal_status("Can't find service: thermalservice") is None


def test_battery() -> None:
    assert readings.battery(BATTERY) == (0.85, pytest.approx(26.3), True)
    assert readings.battery("Can't find service: battery") == (None, None, None)


def test_zones_are_thousandths_or_degrees() -> None:
    kernel = readings.files(
        "/sys/class/thermal/thermal_zone0/type:BIG\n/sys/class/thermal/thermal_zone0/temp:41200\n"
        "/sys/class/thermal/thermal_zone1/type:battery\n/sys/class/thermal/thermal_zone1/temp:26\n"
        "/sys/class/thermal/thermal_zone2/type:TPU\n/sys/class/thermal/thermal_zone2/temp:garbage\n"
    )
    assert readings.zone_temperatures(kernel) == {"BIG": 41.2, "battery": 26.0}
    assert readings.processor_temperature({"BIG": 41.2, "battery": 50.0}) == 41.2
    assert readings.processor_temperature({"battery": 50.0}) is None


def test_properties_and_the_soc_of_old_phones() -> None:
    props = readings.properties("[ro.product.model]: [Pixel 4]\n[ro.board.platform]: [msmnile]\n")
    assert props == {"ro.product.model": "Pixel 4", "ro.board.platform": "msmnile"}
    assert readings.soc(props) == "msmnile"
    assert readings.soc(props | {"ro.soc.model": "SM8150"}) == "SM8150"
    assert readings.soc({}) is None


def test_mean_frequency_is_by_time_at_each() -> None:
    before = {"/p/stats/time_in_state": "1000000 50\n2000000 100"}
    after = {"/p/stats/time_in_state": "1000000 150\n2000000 400"}
    assert readings.mean_frequency_hz(before, after, "/p") == pytest.approx(1.75e9)
    assert readings.mean_frequency_hz(after, after, "/p") is None
    assert readings.mean_frequency_hz({}, {}, "/p") is None


def test_busy_is_between_two_readings() -> None:
    assert readings.busy("cpu 100 0 100 800 0 0 0 0", "cpu 150 0 150 900 0 0 0 0") == 0.5
    assert readings.busy("cpu 1 1 1 1 1", "cpu 1 1 1 1 1") is None
    assert readings.busy("", "nonsense") is None


def test_space_and_drivers() -> None:
    df = "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/x 1000 400 600 40% /data\n"
    assert readings.free_bytes(df) == 600 * 1024
    assert readings.free_bytes("df: no such thing") is None
    services = "7\tandroid.hardware.neuralnetworks.IDevice/google-edgetpu: [android.hardware...]\n"
    assert readings.nnapi_drivers(services) == ("google-edgetpu",)


@given(st.text(max_size=300))
def test_no_text_breaks_a_reading(text: str) -> None:
    for read in (
        readings.properties, readings.files, readings.thermal_status, readings.hal_temperatures,
        readings.battery, readings.screen, readings.load, readings.free_bytes,
        readings.nnapi_drivers, readings.hertz,
    ):  # fmt: skip
        read(text)
    readings.busy(text, text)
    kernel = readings.files(text)
    readings.policies(kernel)
    readings.zone_temperatures(kernel)


PIXEL8 = (
    Policy((0, 1, 2, 3), 1.704e9),
    Policy((4, 5, 6, 7), 2.367e9),
    Policy((8,), 2.914e9),
)


@pytest.mark.parametrize(
    ("cores", "threads", "mask"),
    [
        ("fastest", 1, "100"),
        ("fastest", 2, "1f0"),  # the next slower ones as well: one core would be shared
        ("big", 1, "1f0"),
        ("little", 4, "f"),
        ("all", 9, "1ff"),
    ],
)
def test_masks_are_derived_from_the_phones_own_policies(
    cores: Cores, threads: int, mask: str
) -> None:
    assert phone.mask(phone.processors(PIXEL8, cores, threads)) == mask


def test_more_threads_than_processors_are_refused() -> None:
    with pytest.raises(NotMeasured, match="9 processors, and 10 threads"):
        phone.processors(PIXEL8, "all", 10)
    assert phone.processors((), "fastest", 4) == ()


def test_policies_come_the_slowest_first() -> None:
    root = "/sys/devices/system/cpu/cpufreq"
    text = (
        f"{root}/policy8/related_cpus:8\n{root}/policy0/related_cpus:0 1 2 3\n"
        f"{root}/policy0/cpuinfo_max_freq:1704000\n{root}/policy8/cpuinfo_max_freq:2914000\n"
        f"{root}/policy4/related_cpus:4\n"
    )
    assert readings.policies(readings.files(text)) == (PIXEL8[0], PIXEL8[2])


def identity(**properties: str) -> phone.Identity:
    props = {
        "ro.product.model": "Pixel 8",
        "ro.product.device": "shiba",
        "ro.soc.model": "Tensor G3",
    }
    return phone.Identity(
        properties={**props, "ro.build.version.sdk": "35", **properties},
        kernel=None,
        policies=PIXEL8,
        memory_bytes=None,
        nnapi_drivers=(),
        boot=None,
        serial="X",
    )


@pytest.mark.parametrize(
    ("expects", "words"),
    [
        (None, None),
        (Expects(), None),
        (Expects(models=("pixel 8", "Pixel 8 Pro"), min_sdk=31), None),
        (Expects(models=("Pixel 6",)), "expects model Pixel 6, and this one says Pixel 8"),
        (Expects(socs=("SM8550",)), "expects SoC SM8550"),
        (Expects(min_sdk=36), "level 36 or later, and this one has 35"),
        (Expects(max_sdk=34), "level 34 at most"),
    ],
)
def test_a_phone_is_compared_with_what_a_profile_expects(
    expects: Expects | None, words: str | None
) -> None:
    found = phone.misfit(identity(), expects)
    assert found is None if words is None else words in (found or "")


def test_a_unit_is_known_without_being_named() -> None:
    one, other = identity(**{"ro.serialno": "A1"}), identity(**{"ro.serialno": "B2"})
    assert one.unit != other.unit
    assert "A1" not in one.unit
