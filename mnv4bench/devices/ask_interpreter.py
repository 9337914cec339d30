"""Says, in whatever Python runs it, what that Python is and which packages it has: a line of JSON.

Run by path, by interpreters that may be old and have nothing installed: so only what Python 3.4
understands, and nothing but the standard library. Knows: the names of distributions that it is
asked for. Does not know: what they are needed for.
"""

import contextlib
import json
import os
import sys

# The folder of a script comes first in its path; nothing here shall pass for another module.
HERE = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
sys.path[:] = [place for place in sys.path if os.path.realpath(place or ".") != HERE]


def versions(names: "list[str]") -> "dict[str, str]":
    """Name -> version of those that are installed; empty before Python 3.8, which cannot say."""
    found = {}
    with contextlib.suppress(ImportError):
        from importlib import metadata

        for name in names:
            with contextlib.suppress(metadata.PackageNotFoundError):
                found[name] = metadata.version(name)
    return found


if __name__ == "__main__":
    answer = {
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "prefix": os.path.realpath(sys.prefix),
        "packages": versions(sys.argv[1:]),
    }
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
