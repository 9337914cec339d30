"""``mnv4bench models``: which networks there are, their size and their published accuracy."""

from mnv4bench.cli.reading import AsJson, emit, say


def command(as_json: AsJson = False) -> None:
    """List the models: parameters, MACs, published top-1 with its training and source.

    Any timm classifier can be measured as timm:NAME, and a file of your own by its path.

    Example: mnv4bench models --json
    """
    from mnv4bench import codec
    from mnv4bench.findings import Catalog
    from mnv4bench.models import catalog
    from mnv4bench.render import terminal

    listed = Catalog(models=catalog.entries())
    if as_json:
        emit(codec.encode_json(listed))
    else:
        say(terminal.models(listed))
