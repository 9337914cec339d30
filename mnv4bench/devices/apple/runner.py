"""Which of Apple's devices a profile means: this Mac, or one on its cable."""

from __future__ import annotations

from mnv4bench.devices import Options, Runner
from mnv4bench.devices.apple import package
from mnv4bench.devices.apple.mac_runner import MacRunner
from mnv4bench.devices.apple.phone_runner import PhoneRunner
from mnv4bench.errors import UsageError
from mnv4bench.records import DeviceProfile


def open_apple(profile: DeviceProfile, options: Options) -> Runner:
    """The runner of ``profile``. Raises UsageError for one whose parts do not go together."""
    target = profile.apple
    if target is None:
        raise UsageError(
            f"{profile.device} has no [apple] table, which says what kind of device it is.",
            "see device_profiles/mac-ane.toml and device_profiles/iphone13-ane.toml",
        )
    package.unit(profile)
    if target.kind == "mac":
        return MacRunner(profile)
    return PhoneRunner(profile, target, options)
