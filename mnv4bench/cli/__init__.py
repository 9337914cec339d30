"""The lobby: arguments -> one call -> print -> exit status. One file per verb.

Knows: every room. Nobody imports it. Verbs import what they need when they run, so that
``mnv4bench --help`` loads no torch, no runtime and no plotting library.
"""

import os
import signal
import sys
import traceback
from typing import Annotated, NoReturn

import typer

import mnv4bench
from mnv4bench.cli import (
    compare,
    devices,
    doctor,
    evaluate,
    export,
    gate,
    history,
    models,
    pareto,
    predict,
    report,
    roofline,
    run,
    show,
)
from mnv4bench.errors import BenchError, ExitStatus

app = typer.Typer(
    name="mnv4bench",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: rich's, with its Markdown, costs more than all else that a start loads.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Accuracy-latency fronts of MobileNetV4 and its rivals, "
        "measured with proof on real hardware."
    ),
    epilog=(
        "Exit status: 0 fine, 1 slower, 2 usage, 3 could not measure, 4 bad file, "
        "5 measured but placement unproven, 130 interrupted."
    ),
)

app.command("run")(run.command)
app.command("gate")(gate.command)
app.command("pareto")(pareto.command)
app.command("report")(report.command)
app.command("history")(history.command)
app.command("compare")(compare.command)
app.command("show")(show.command)
app.command("models")(models.command)
app.command("devices")(devices.command)
app.command("doctor")(doctor.command)
app.command("export")(export.command)
app.command("eval")(evaluate.command)
app.command("roofline")(roofline.command)
app.command("predict")(predict.command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"mnv4bench {mnv4bench.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The console script. Expected failures become a sentence on stderr and their exit status."""
    interrupted = False

    def interrupt(_number: int, _frame: object) -> NoReturn:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where a full disk still becomes a sentence
    except BenchError as error:
        _fail(str(error), error.exit_status)
    except BrokenPipeError:  # the reader has seen enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}.", ExitStatus.NOT_MEASURED)
    except Exception:  # noqa: BLE001
        if interrupted:  # a library turned Ctrl-C into an error of its own
            sys.exit(int(ExitStatus.INTERRUPTED))
        # A bug of ours. Python's own status for it is 1, which a CI would read as "slower".
        traceback.print_exc()
        sys.exit(int(ExitStatus.NOT_MEASURED))


def _fail(sentence: str, status: ExitStatus) -> None:
    """File names and device output may hold terminal escapes; line breaks are ours."""
    from mnv4bench.render.untrusted import visible

    lines = "\n".join(visible(line) for line in sentence.split("\n"))
    sys.stderr.write(f"error: {lines}\n")
    sys.exit(int(status))
