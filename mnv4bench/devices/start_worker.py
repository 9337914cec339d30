"""Starts a worker of this room from the very package that this file lies in.

Run as ``python -P start_worker.py``, with the worker's module where it is not ``host_worker``.
With ``-P`` nothing is added to the import path, neither the current folder nor this one: a file
called numpy.py beside the user's reports is never imported, and another installed version of this
package is not picked up by chance.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def main() -> int:
    spec = importlib.util.spec_from_file_location(
        "mnv4bench", PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["mnv4bench"] = package
    spec.loader.exec_module(package)

    name = sys.argv[1] if len(sys.argv) > 1 else "host_worker"
    worker = importlib.import_module(f"mnv4bench.devices.{name}")
    return int(worker.main())


if __name__ == "__main__":
    sys.exit(main())
