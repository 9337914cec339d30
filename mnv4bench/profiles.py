"""A directory of device profiles: list them, look one up.

Knows: where the bundled profiles lie and that a file is named after its device. Does not know:
TOML (codec) or how a device is driven (devices).
"""

from pathlib import Path

from mnv4bench import codec
from mnv4bench.errors import BadFile, BenchError, UsageError, nearest
from mnv4bench.records import DeviceProfile

MAX_PROFILE_BYTES = 64 * 2**10  # a profile is a screenful; anything larger is another file


def bundled_directory() -> Path:
    """Where the profiles lie: inside an installed package, or beside it in a source tree."""
    package = Path(__file__).parent
    installed = package / "device_profiles"
    return installed if installed.is_dir() else package.parent / "device_profiles"


def load(device: str) -> DeviceProfile:
    """The profile called ``device``, or the one in the file if ``device`` names a .toml file.

    Raises UsageError with the nearest names for an unknown device, BadFile for a broken profile.
    """
    if device.endswith(".toml"):
        return _read(Path(device))
    names = [path.stem for path in _files()]
    if device not in names:
        raise UsageError(
            f"there is no device profile called {device!r}; {nearest(device, names)}.",
            "mnv4bench devices lists them; --device ./my-device.toml reads one of your own",
        )
    return _read(bundled_directory() / f"{device}.toml")


def load_all() -> tuple[tuple[DeviceProfile, ...], tuple[tuple[Path, BenchError], ...]]:
    """All bundled profiles by name, and beside them the files that could not be read."""
    profiles, broken = [], []
    for path in _files():
        try:
            profiles.append(_read(path))
        except BenchError as error:
            broken.append((path, error))
    return tuple(profiles), tuple(broken)


def _files() -> list[Path]:
    return sorted(bundled_directory().glob("*.toml"))


def _read(path: Path) -> DeviceProfile:
    try:
        if not path.is_file():
            raise BadFile(f"{path}: cannot be read (no such regular file).")
        if path.stat().st_size > MAX_PROFILE_BYTES:
            raise BadFile(f"{path}: larger than {MAX_PROFILE_BYTES} bytes, so no device profile.")
        data = path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}).") from None
    profile = codec.decode_profile(data, str(path))
    if profile.device != path.stem:
        raise BadFile(
            f"{path}: says device = {profile.device!r}, but a profile is named after its device.",
            f"rename the file to {profile.device}.toml, or change the key",
        )
    return profile
