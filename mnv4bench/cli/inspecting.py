"""``mnv4bench export --inspect``: what is inside a file."""

from pathlib import Path

from mnv4bench.cli.reading import emit, say


def inspect_and_show(path: Path, as_json: bool) -> None:
    """Print what is inside the file, whoever made it."""
    from mnv4bench import codec
    from mnv4bench.export import inspection
    from mnv4bench.render import inspection as views

    found = inspection.inspect(path)
    if as_json:
        emit(codec.encode_json(found))
    else:
        say(views.inspection(found))
