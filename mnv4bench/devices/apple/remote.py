"""A Core ML package on an iPhone or iPad, through coremltools' helper app.

Knows: coremltools 9.0's experimental remote_device and async_wrapper. The helper app (ModelRunner,
whose source is part of coremltools' wheel for macOS) is built with xcodebuild, installed and
started by devicectl, and asked by files that devicectl copies in and out: an inference is a trip
of seconds, timed by the phone. Does not know: samples, or how a phone is found and looked at.
Imported by the measuring process alone.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
from collections.abc import Coroutine
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mnv4bench.devices.apple.coreml import said
from mnv4bench.devices.timed_loop import NS_PER_S

if TYPE_CHECKING:
    from mnv4bench.devices.worker_messages import Phone

T = TypeVar("T")

EXPERIMENTAL = "coremltools.models.ml_program.experimental"

_loop: asyncio.AbstractEventLoop | None = None
_prepared: dict[str, Any] = {}  # by udid: packages that are timed side by side share the app


class OnAPhone:
    """A package in the helper app. Each process starts the app anew, and stops it at its end.

    There is no second load: the app keeps no model between two.
    """

    warm_load_s: float | None = None

    def __init__(self, tools: Any, file: Path, units: Any, phone: Phone) -> None:
        del tools
        wrapper = import_module(f"{EXPERIMENTAL}.async_wrapper").MLModelAsyncWrapper
        device = prepared(phone)
        self._model = wrapper.from_spec_or_path(
            str(file), weights_dir="", compute_units=units, device=device
        )
        try:
            wait_for(self._model.load())
        except ValueError as error:  # an app that does not run answers nothing
            raise ValueError(_why_not_running(device.session) or str(error)) from None
        self.load_s = said(self._model.load_duration_in_nano_seconds) / NS_PER_S

    def predict(self, given: dict[str, Any]) -> int:
        wait_for(self._model.predict(given))
        return said(self._model.last_predict_duration_in_nano_seconds)

    def plan(self) -> Any:
        return wait_for(self._model.retrieve_compute_plan())


def prepared(phone: Phone) -> Any:
    """coremltools' Device with the helper app running on it. Raises ValueError without one."""
    if phone.udid in _prepared:
        return _prepared[phone.udid]
    # coremltools asks for devicectl by its bare name, which only xcrun knows on most Macs.
    if phone.tools and shutil.which("devicectl") is None:
        os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{phone.tools}"
    remote = import_module(f"{EXPERIMENTAL}.remote_device")
    try:
        found = [one for one in remote.Device.get_devices() if one.udid == phone.udid]
    except remote._DeviceCtlError as error:
        raise ValueError(_words(error)) from None
    if not found:
        raise ValueError("the device is no longer attached")
    credentials = remote.AppSigningCredentials(
        development_team=phone.development_team,
        provisioning_profile_uuid=phone.provisioning_profile,
        bundle_identifier=phone.bundle_identifier,
    )
    # One for each phone, which one run holds at a time: what is sent and answered lies in it too.
    folder = Path(phone.folder) / phone.udid
    folder.mkdir(parents=True, exist_ok=True)
    _forget_what_was_sent(folder)
    atexit.register(_forget_what_was_sent, folder)
    try:
        device = wait_for(
            found[0].prepare_for_model_debugging(credentials=credentials, working_directory=folder)
        )
    except Exception as error:
        # An app that was left half built, or whose signature has run out, would be taken again.
        shutil.rmtree(folder / phone.udid, ignore_errors=True)
        if not isinstance(error, remote._AppBuilder.Error):
            raise
        raise ValueError(
            f"its helper app could not be built and signed (xcodebuild ended with "
            f"{error.error_code}): the signing team must be one that Xcode is signed in to"
        ) from None
    _prepared[phone.udid] = device
    atexit.register(_stop, device.session)
    return device


def _forget_what_was_sent(folder: Path) -> None:
    """coremltools keeps requests and answers beside what it built, and never takes them away."""
    shutil.rmtree(folder / "build", ignore_errors=True)


def _why_not_running(session: Any) -> str:
    """What devicectl said when the app was to be started; empty where it runs."""
    console = getattr(session, "_process", None)
    if console is None or console.poll() is None:
        return ""
    return f"the helper app does not run: {_first(console.stderr.read())}"


def _stop(session: Any) -> None:
    """End the app, by ending the console that devicectl keeps of it.

    coremltools starts that in a shell and ends the shell, which not every shell passes on.
    """
    import psutil

    console = getattr(session, "_process", None)
    below: list[Any] = []
    with suppress(psutil.Error):
        below = psutil.Process(console.pid).children(recursive=True) if console else []
    session.stop()
    for one in below:
        with suppress(psutil.Error):
            one.terminate()


def wait_for(coming: Coroutine[Any, Any, T]) -> T:
    """What coremltools' asynchronous call gives."""
    global _loop
    if _loop is None:
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)  # coremltools asks for the thread's
    try:
        return _loop.run_until_complete(coming)
    except Exception as error:
        if type(error).__name__ != "_DeviceCtlError":
            raise
        raise ValueError(_words(error)) from None


def _words(error: Any) -> str:
    """What devicectl said, which coremltools carries as bytes of several lines."""
    message = error.message
    text = message if isinstance(message, bytes) else str(message).encode()
    return _first(text) or f"devicectl ended with {error.error_code}"


def _first(text: bytes) -> str:
    lines = [line.strip() for line in text.decode(errors="replace").splitlines()]
    return next(filter(None, lines), "").removeprefix("ERROR:").strip()
