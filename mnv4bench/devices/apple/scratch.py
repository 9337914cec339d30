"""The temporary folder of one measuring process.

coremltools compiles packages and gathers what it sends to a phone there, and leaves it behind when
the process is killed. Knows: a folder that goes with its process. Does not know: what lies in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from mnv4bench.records import RuntimeName


@contextmanager
def scratch(runtime: RuntimeName, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """``environment``, with a folder of its own for temporary files where ``runtime`` needs one."""
    if runtime != "coreml":
        yield environment
        return
    with tempfile.TemporaryDirectory(prefix="mnv4bench-", ignore_cleanup_errors=True) as folder:
        yield {**environment, "TMPDIR": folder}
