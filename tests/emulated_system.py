"""The aarch64 system that emulated devices run in, made once for all sessions of tests.

``doctor --set-up`` is the way it is made here too. It lies in pytest's cache folder, so only the
first session on a machine fetches it.
"""

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from mnv4bench import profiles
from mnv4bench.devices.emulated import set_up, userland

NEEDED = ("qemu-aarch64", "qemu-x86_64", "cc", "apt-get", "dpkg-deb")


@pytest.fixture(scope="session")
def emulated_system(request: pytest.FixtureRequest) -> Path:
    """The folder of everything emulated, in the session's cache; both Arm profiles are set up."""
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        pytest.skip(f"no {', '.join(missing)} here: run .ci/packages")
    kept = request.config.cache.mkdir("emulated")
    home = userland.home()
    home.parent.mkdir(parents=True, exist_ok=True)
    if not home.exists():
        home.symlink_to(kept)
    with FileLock(kept / "tests.lock"):  # the session's processes come here at the same time
        for device in ("cortex-a76-emulated", "cortex-a72-emulated", "host-instructions"):
            set_up.set_up(profiles.load(device), print)
    return home
