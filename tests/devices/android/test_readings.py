"""What phones say of themselves, read. Formats: AOSP's dumpsys of Android 8 to 16."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.devices import cores as processors_of
from mnv4bench.devices import kernel_text
from mnv4bench.devices.android import phone, readings
from mnv4bench.devices.kernel_text import Policy
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


def zones(**kinds: str) -> dict[str, str]:
    """The kernel's files of thermal zones, by their type with _ for -."""
    folder = "/sys/class/thermal/thermal_zone"
    lines = [
        f"{folder}{at}/type:{kind.replace('_', '-')}\n{folder}{at}/temp:{text}"
        for at, (kind, text) in enumerate(kinds.items())
    ]
    return kernel_text.files("\n".join(lines))


def test_zones_are_thousandths_of_degrees() -> None:
    kernel = zones(
        BIG="41200", battery="26", TPU="garbage", LITTLE="nan", MID="1e400", G3D="-274000"
    )
    assert kernel_text.zone_temperatures(kernel) == {"BIG": 41.2}


def test_zones_of_the_battery_current_limiters_are_no_temperatures() -> None:
    """Their "soc" is a hundred less the battery's percent, and a voltage reads as 4 degrees."""
    kernel = zones(
        soc="85000", socd="85000", ibat_lvl0="3000", vbat_lvl1="4123", vbat="4123",
        bcl_lvl2="2000", pm8550_bcl_lvl0="2000", pmih010x_ibat_lvl0="9000", pm8150l_vph_lvl0="3900",
        ocp_cpu1="90000", batoilo="8000", cpu_limit="99000", cpu_0_0="34500", battery="26000",
    )  # fmt: skip
    found = kernel_text.zone_temperatures(kernel)
    assert found == {"cpu-0-0": 34.5, "battery": 26.0}
    assert readings.processor_temperature({}, found) == 34.5


@pytest.mark.parametrize(
    ("zone", "counts"),
    [
        *(
            (name, True)
            for name in ("BIG", "MID", "LITTLE", "G3D", "TPU", "cpu-1-3-usr", "cpuss-0")
        ),
        *((name, True) for name in ("gpuss-0-usr", "nspss-0", "npu-usr", "mtktscpu", "cluster0")),
        *((name, False) for name in ("battery", "skin", "soc", "quiet-therm", "usb")),
        *((name, False) for name in ("mtktsAP", "xo-therm", "middle", "charger", "modem-0-usr")),
    ],
)
def test_a_processors_zones_are_known_by_name(zone: str, counts: bool) -> None:
    found = readings.processor_temperature({}, {"BIG": 20.0, zone: 50.0})
    assert found == (50.0 if counts else 20.0)


def test_what_the_hal_calls_a_processor_goes_before_names_of_zones() -> None:
    hal = readings.hal_temperatures(
        THERMAL.replace("mType=1, mName=G3D", "mType=9, mName=x").replace("-274.0", "35.5")
    )
    assert readings.processor_temperature(hal, {"cpu-0-0": 90.0}) == 35.5
    assert readings.processor_temperature({"skin s": 40.0}, {"cpu-0-0": 38.0}) == 38.0
    assert readings.processor_temperature({"skin s": 40.0}, {"battery": 50.0}) is None


def test_properties_and_the_soc_of_old_phones() -> None:
    props = readings.properties("[ro.product.model]: [Pixel 4]\n[ro.board.platform]: [msmnile]\n")
    assert props == {"ro.product.model": "Pixel 4", "ro.board.platform": "msmnile"}
    assert readings.soc(props) == "msmnile"
    assert readings.soc(props | {"ro.soc.model": "SM8150"}) == "SM8150"
    assert readings.soc({}) is None


def test_mean_frequency_is_by_time_at_each() -> None:
    before = {"/p/stats/time_in_state": "1000000 50\n2000000 100"}
    after = {"/p/stats/time_in_state": "1000000 150\n2000000 400"}
    assert kernel_text.mean_frequency_hz(before, after, "/p") == pytest.approx(1.75e9)
    assert kernel_text.mean_frequency_hz(after, after, "/p") is None
    assert kernel_text.mean_frequency_hz({}, {}, "/p") is None


def test_busy_is_between_two_readings() -> None:
    assert kernel_text.busy("cpu 100 0 100 800 0 0 0 0", "cpu 150 0 150 900 0 0 0 0") == 0.5
    assert kernel_text.busy("cpu 1 1 1 1 1", "cpu 1 1 1 1 1") is None
    assert kernel_text.busy("", "nonsense") is None


def test_space_and_drivers() -> None:
    df = "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/x 1000 400 600 40% /data\n"
    assert kernel_text.free_bytes(df) == 600 * 1024
    assert kernel_text.free_bytes("df: no such thing") is None
    services = "7\tandroid.hardware.neuralnetworks.IDevice/google-edgetpu: [android.hardware...]\n"
    assert readings.nnapi_drivers(services) == ("google-edgetpu",)


@given(st.text(max_size=300))
def test_no_text_breaks_a_reading(text: str) -> None:
    for read in (
        readings.properties, kernel_text.files, readings.thermal_status, readings.hal_temperatures,
        readings.battery, readings.screen, kernel_text.load, kernel_text.free_bytes,
        readings.nnapi_drivers, kernel_text.hertz,
    ):  # fmt: skip
        read(text)
        read(THERMAL.replace("33.5", text))
    kernel_text.busy(text, text)
    kernel = kernel_text.files(text)
    kernel_text.policies(kernel)
    kernel_text.zone_temperatures(kernel)


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
    assert processors_of.mask(processors_of.processors(PIXEL8, cores, threads)) == mask


def test_more_threads_than_processors_are_refused() -> None:
    with pytest.raises(NotMeasured, match="9 processors, and 10 threads"):
        processors_of.processors(PIXEL8, "all", 10)
    assert processors_of.processors((), "fastest", 4) == ()


def test_policies_come_the_slowest_first() -> None:
    root = "/sys/devices/system/cpu/cpufreq"
    text = (
        f"{root}/policy8/related_cpus:8\n{root}/policy0/related_cpus:0 1 2 3\n"
        f"{root}/policy0/cpuinfo_max_freq:1704000\n{root}/policy8/cpuinfo_max_freq:2914000\n"
        f"{root}/policy4/related_cpus:4\n"
    )
    assert kernel_text.policies(kernel_text.files(text)) == (PIXEL8[0], PIXEL8[2])


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


NINES = "9" * 5000


def test_no_number_of_a_phone_is_believed_at_any_length() -> None:
    assert identity(**{"ro.build.version.sdk": NINES}).sdk is None
    assert kernel_text.hertz(NINES) is None
    assert kernel_text.free_bytes(f"/dev/x {NINES} {NINES} {NINES} 1% /data") is None
    assert kernel_text.busy(f"cpu {NINES} 1 1 1 1", f"cpu {NINES} 1 1 9 9") is None
    assert kernel_text.load(NINES) is None
    assert kernel_text.load("nan") is None
    assert readings.battery(f"level: {NINES}\ntemperature: {NINES}\n") == (None, None, None)
    assert kernel_text.mean_frequency_hz({}, {"/p/stats/time_in_state": f"{NINES} 1"}, "/p") is None
    assert kernel_text.zone_temperatures(zones(BIG=NINES)) == {}
    for value in (NINES, "1.2.3", "..", "-"):
        assert readings.hal_temperatures(THERMAL.replace("33.5", value)) == {"skin skin": 29.4}
    assert readings.hal_temperatures(THERMAL.replace("mType=0", f"mType={NINES}")) == {
        "skin skin": 29.4
    }
    assert kernel_text.kilobytes(f"MemTotal: {NINES} kB") is None


def test_ticks_of_a_phone_that_was_on_for_long_are_read() -> None:
    assert kernel_text.busy("cpu 0 0 0 90000000000 0", "cpu 50 0 0 90000000050 0") == 0.5


def test_processors_are_few_and_each_has_one_clock() -> None:
    root = "/sys/devices/system/cpu/cpufreq"
    clocks = "".join(f"{root}/policy{n}/cpuinfo_max_freq:{n + 1}000\n" for n in range(3))
    many = " ".join(map(str, range(5000)))
    text = (
        f"{clocks}{root}/policy0/related_cpus:8 30000000000 {NINES} 8\n"
        f"{root}/policy1/related_cpus:{many}\n{root}/policy2/related_cpus:{many}\n"
    )
    found = kernel_text.policies(kernel_text.files(text))
    assert found[0] == Policy((8,), 1e6)
    assert sum(len(one.cpus) for one in found) == kernel_text.MAX_CPUS
    assert len(processors_of.mask(tuple(cpu for one in found for cpu in one.cpus))) == 256


def test_names_that_a_phone_gives_itself_are_cut() -> None:
    long = identity(
        **{
            "ro.product.model": "m" * 5000,
            "ro.product.device": "d" * 5000,
            "ro.soc.model": "s" * 5000,
            "ro.product.manufacturer": "x" * 5000,
        }
    )
    assert (long.model, long.device, long.soc) == ("m" * 80, "d" * 80, "s" * 80)
    assert len(long.name) == 3 * 80 + len("  ()")


def test_a_getprop_of_opened_brackets_is_read_in_no_time() -> None:
    assert readings.properties("[\n" * 200_000 + "[a]: [b]") == {"a": "b"}
