"""``mnv4bench doctor --collect FILE``: a phone's samples, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnv4bench.devices import Options
    from mnv4bench.devices.android.capture_commands import Capture
    from mnv4bench.devices.android.collecting import Index
    from mnv4bench.records import DeviceProfile


def collect(
    file: Path,
    profile: DeviceProfile,
    options: Options,
    on_step: Callable[[Capture], None] = lambda _: None,
) -> Index:
    """Samples of the phone that ``profile`` means, into the zip ``file``.

    What lay there before stays if anything goes wrong. ``on_step`` is told of each command before
    it runs. Raises UsageError for a name that is no zip's and a device that is no phone, before the
    phone is asked anything; NotMeasured without the phone, or when the disk is full; DeviceLost.
    """
    from mnv4bench import codec, store
    from mnv4bench.devices.android.collecting import pack
    from mnv4bench.devices.android.sampling import sample
    from mnv4bench.errors import UsageError

    if profile.runner != "android":
        raise UsageError(
            f"--collect is of phones, and {profile.device} is none.",
            "--device of the phone: mnv4bench devices",
        )
    if file.suffix != ".zip" or file.is_dir():
        raise UsageError(
            f"--collect writes a zip, and {file} is not the name of one.",
            "--collect captures.zip",
        )
    collected = sample(profile, options, on_step)
    store.replace_file(file, pack(collected, codec.encode_json))
    return collected.index
