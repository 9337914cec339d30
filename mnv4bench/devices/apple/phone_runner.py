"""An iPhone or iPad on this Mac's cable, through coremltools' helper app.

Knows: what a run there needs, in which order it is looked for, and that the app is taken off in
the end. Does not know: how a package is timed (host's session and worker, remote) or what a plan
is worth (plan).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from mnv4bench.devices import Options, host_facts
from mnv4bench.devices.apple import attached, helper_app, mac, package, xcode
from mnv4bench.devices.apple.plan import TITLES
from mnv4bench.devices.apple.session import CoreMlSession
from mnv4bench.devices.apple.xcode import Device
from mnv4bench.devices.holding import hold, undisturbed
from mnv4bench.devices.host_runtimes import COREML
from mnv4bench.devices.host_session import HostSession
from mnv4bench.devices.worker_messages import Phone
from mnv4bench.errors import BenchError, NotMeasured
from mnv4bench.records import (
    AppleTarget,
    Artifact,
    Check,
    DeviceProfile,
    DeviceState,
    Environment,
    Timing,
)

SYSTEMS = {"iphone": "iOS", "ipad": "iPadOS"}
# In lines told off a Mac: the identifier and the udid of a device that stands for one's own.
SOME_DEVICE = ("00000000-0000-0000-0000-000000000000", "00000000-0000000000000000")


class PhoneRunner:
    """Keeps the Runner contract of ``mnv4bench.devices``."""

    def __init__(self, profile: DeviceProfile, target: AppleTarget, options: Options) -> None:
        self._profile, self._target, self._options = profile, target, options
        unit, kind = TITLES[package.unit(profile)], attached.KINDS[target.kind]
        self._what = f"the {unit} of an {kind}, which a Mac measures"

    def availability(self) -> tuple[Literal["ready", "absent", "unusable"], str]:
        """Whether the device is there, and all that measuring it needs."""
        if not mac.is_mac():
            return "absent", mac.off_a_mac(self._profile.device, self._what)
        for check in self._needed():
            if check.status == "failed":
                status: Literal["absent", "unusable"] = (
                    "absent" if check.name == "device" else "unusable"
                )
                return status, f"{check.found.rstrip('.')}: {check.fix}"
        return "ready", f"{self._device.title}, {self._system}"

    def checks(self) -> tuple[Check, ...]:
        """In the order in which a run would stumble over them."""
        if not mac.is_mac():
            found = f"{mac.off_a_mac(self._profile.device, self._what)}."
            return (Check(name="macOS", status="failed", found=found, fix=package.ON_A_MAC),)
        return tuple(self._needed())

    def _needed(self) -> Iterator[Check]:
        yield package.coremltools()
        for name, ask in (("Xcode", xcode.version), ("devicectl", xcode.devicectl)):
            check = _asked(name, ask)
            yield check
            if check.status == "failed":
                return
        try:
            device = self._device
        except NotMeasured as error:
            yield Check(name="device", status="failed", found=error.what, fix=error.next_step)
            return
        yield Check(name="device", status="ok", found=f"{device.title}, {self._system}")
        yield from attached.condition(device)
        yield from helper_app.checks(self._target)

    @cached_property
    def _device(self) -> Device:
        serials = self._options.serials
        return attached.reached(attached.choose(self._profile, self._target, serials))

    @property
    def _system(self) -> str:
        return f"{SYSTEMS[self._target.kind]} {self._device.system}"

    def unit(self) -> str:
        """The device itself: model and digest."""
        self._require_mac()
        return attached.this_one(self._device)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The device for one run; the helper app is taken off it at the end."""
        with hold(self.unit()):
            try:
                yield
            finally:
                error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
                if not self._options.keep:
                    self._take_off(error)

    def _take_off(self, error: BaseException | None) -> None:
        """Uninstalling ends the app where it still runs, and takes what was sent to it along."""
        words = self._uninstalling(self._device.identifier)
        with undisturbed():
            try:
                xcode.ask(*words, stoppable=False)
            except NotMeasured:
                fix = f"by hand: {xcode.line(*words)}"
                what = "coremltools' helper app may still be on it"
                if isinstance(error, BenchError):
                    error.what += f" And {what}."
                    error.next_step += f"; {fix}"
                else:
                    sys.stderr.write(f"{self._device.title}: {what}; {fix}\n")

    def _uninstalling(self, identifier: str) -> tuple[str, ...]:
        app = helper_app.bundle(self._target)
        return ("device", "uninstall", "app", "--device", identifier, app)

    def probe(self) -> None:
        """None: no program of one's own runs there."""

    def environment(self) -> Environment:
        """The device and its system, of which Core ML is a part. Raises NotMeasured."""
        self._require_mac()
        device = self._device
        own = host_facts.environment(COREML.title, None)
        return Environment(
            machine=f"{device.model} ({device.product})",
            cpu_model=self._profile.soc,
            architecture=device.architecture or None,
            os_name=SYSTEMS[self._target.kind],
            os_version=device.system,
            runtime_name=COREML.title,
            runtime_version=f"{self._system}, coremltools {COREML.version()}",
            soc=self._profile.soc,
            unit=attached.digest(device),
            python_version=own.python_version,
            tool_version=own.tool_version,
            commit=own.commit,
        )

    def state(self) -> DeviceState:
        """When it was asked; devicectl tells neither heat nor load."""
        return DeviceState(taken_at=host_facts.now())

    def install(self, file: Path, artifact: Artifact) -> CoreMlSession:
        """Check that this profile runs ``file``; each invocation sends it.

        Raises UsageError for another format or an absent file, NotMeasured for what is missing.
        """
        package.require(self._profile, file, artifact)
        self._require_mac()
        device = self._device
        return self._session(file, artifact, device.udid, lambda: attached.lost(device))

    def _session(
        self, file: Path, artifact: Artifact, udid: str, lost: Callable[[], BenchError | None]
    ) -> CoreMlSession:
        target = self._target
        if not mac.is_mac():  # what is told of a run here has a team that stands for one's own
            target = replace(target, development_team=target.development_team or "ABCDE12345")
        phone = Phone(
            udid=udid,
            folder=str(helper_app.folder(target)),
            tools=str(xcode.devicectl().parent) if mac.is_mac() else "",
            development_team=helper_app.team(target),
            provisioning_profile=target.provisioning_profile,
            bundle_identifier=target.bundle_identifier,
        )
        place = file.resolve()
        return CoreMlSession(
            self._profile,
            HostSession(self._profile, place, artifact, phone=phone),
            HostSession(replace(self._profile, accelerator="cpu"), place, artifact, phone=phone),
            lost=lost,
            remote=True,
        )

    def commands(
        self,
        measured: Sequence[tuple[Path, Artifact]],
        timing: Timing,
        sustained: Timing | None = None,
    ) -> tuple[str, ...]:
        """What a run of one round does; off a Mac with a device and a team that stand for yours."""
        identifier, udid = SOME_DEVICE
        if mac.is_mac():
            identifier, udid = self._device.identifier, self._device.udid
        for file, artifact in measured:
            package.require(self._profile, file, artifact)
        look = ("# which devices there are", xcode.line("list", "devices"))
        app = "# coremltools builds its helper app once, installs and starts it in each process"
        off = xcode.line(*self._uninstalling(identifier))
        return package.commands(
            measured,
            lambda file, artifact: self._session(file, artifact, udid, lambda: None),
            timing,
            sustained,
            before=(*look, app),
            after=("# the helper app is taken off", *(() if self._options.keep else (off,))),
        )

    def _require_mac(self) -> None:
        if not mac.is_mac():
            raise NotMeasured(
                f"{mac.off_a_mac(self._profile.device, self._what)}; nothing was measured.",
                package.ON_A_MAC,
            )


def _asked(name: str, ask: Callable[[], object]) -> Check:
    try:
        return Check(name=name, status="ok", found=str(ask()))
    except NotMeasured as error:
        return Check(name=name, status="failed", found=error.what, fix=error.next_step)
