"""What is attached now, and which profiles mean it."""

from __future__ import annotations

from collections.abc import Sequence

from mnv4bench.devices.android import attached
from mnv4bench.devices.android.phone import misfit
from mnv4bench.errors import NotMeasured
from mnv4bench.findings import Attached
from mnv4bench.records import DeviceProfile


def phones(profiles: Sequence[DeviceProfile]) -> tuple[tuple[Attached, ...], str]:
    """(the attached phones with those of ``profiles`` that mean them, why that is not known)."""
    try:
        found = attached.phones()
    except NotMeasured as error:
        return (), f"{error.what} To see phones: {error.next_step}"
    android = [profile for profile in profiles if profile.runner == "android"]
    return tuple(
        Attached(
            serial=one.serial,
            state=one.state,
            model=one.identity.name if one.identity else "",
            fix=one.fix,
            profiles=tuple(
                profile.device
                for profile in android
                if one.identity and not misfit(one.identity, profile.expects)
            ),
        )
        for one in found
    ), ""
