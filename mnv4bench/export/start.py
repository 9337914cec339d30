"""Starts a module of this room from the very package that this file lies in.

Run as ``python -P start.py worker JOB``, by whichever interpreter: nothing is added to the import
path, so the packages are that interpreter's, and the exporting code is this program's, whatever
else is installed there. (``-m`` with PYTHONPATH would bring the packages beside this one along.)
"""

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def main(module: str, job: str) -> int:
    spec = importlib.util.spec_from_file_location(
        "mnv4bench", PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["mnv4bench"] = package
    spec.loader.exec_module(package)
    status: int = importlib.import_module(f"mnv4bench.export.{module}").main(job)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
