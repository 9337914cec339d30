"""``mnv4bench models``: which networks there are, their size and their published accuracy."""

from typing import Annotated

import typer

from mnv4bench.cli.reading import AsJson, emit, say
from mnv4bench.errors import UsageError


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="These alone: names of the list, timm:NAME, or networks of your own as .toml "
            "files. [default: all of the list]",
            show_default=False,
        ),
    ] = None,
    as_toml: Annotated[
        bool,
        typer.Option(
            "--toml",
            help="Print the table of one MobileNetV4, to edit into a network of your own.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the models: parameters, MACs, published top-1 with its training and source.

    Any timm classifier can be measured as timm:NAME, a file of your own by its path, and a network
    of your own, written as a table of blocks, as FILE.toml.

    Example: mnv4bench models --json
    Example: mnv4bench models mnv4-conv-s --toml > my-uib-net.toml
    """
    from mnv4bench import codec
    from mnv4bench.findings import Catalog
    from mnv4bench.models import catalog
    from mnv4bench.render import terminal

    if as_toml:
        if as_json:
            raise UsageError("--toml prints TOML, and --json JSON.", "one of the two")
        emit(_as_toml(models or []), end="")
        return
    listed = Catalog(models=tuple(map(catalog.entry, models)) if models else catalog.entries())
    if as_json:
        emit(codec.encode_json(listed))
    else:
        say(terminal.models(listed))


def _as_toml(models: list[str]) -> str:
    from mnv4bench.models import catalog, custom

    if len(models) != 1:
        raise UsageError(
            f"--toml prints one network, and {len(models)} are named.",
            "mnv4bench models mnv4-conv-s --toml",
        )
    [model] = models
    network = None if catalog.is_timm(model) else catalog.definition(model).network
    if network is None:
        raise UsageError(
            f"{model} is built by timm and is no table of MobileNetV4's blocks.",
            "mnv4bench models mnv4-conv-s --toml",
        )
    return custom.written(network)
