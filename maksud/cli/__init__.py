"""The command line: arguments in, messages and exit codes out. Each command is one function of
the package; nothing is decided here.

Exit codes: 0 ok, 1 a fault of Maksud, 2 unusable input, 3 the machine says no (port, disk,
permission), 4 done but something was rejected, 130 interrupted, 143 ended by SIGTERM.
"""

from __future__ import annotations

import os
import sys

import typer

from maksud.cli import (  # noqa: F401  (they register their commands)
    catalogs,
    data,
    intents,
    labelling,
    recognizers,
    serving,
)
from maksud.cli.commands import app
from maksud.cli.ending import INTERRUPTED, Ending
from maksud.cli.output import discard, fail
from maksud.errors import MaksudError, SystemFault, lacks_space

__all__ = ["app", "main"]

# Typer carries its own click in newer versions; the root of its usage errors is found either way.
_UsageError: type[Exception] = next(  # type: ignore[assignment]
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)


def main() -> None:
    """The console script: runs the command and turns errors into one line and an exit code."""
    # OpenBLAS threads spin and fight over small matrices: one is faster.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    ending = Ending().hear()
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:  # typer turns the interrupt into this code, and says nothing
            raise KeyboardInterrupt
    except MaksudError as error:
        fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        fail(ending.words, ending.code)
    except SystemExit as end:
        # Where the reader of help left, rich and typer make a failure of it, unlike `output`.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        discard(sys.stdout)
        code = 0
    except _UsageError as error:
        error.show()  # type: ignore[attr-defined]
        sys.exit(2)
    except Exception as error:
        if lacks_space(error):  # of what is printed past `output`: help, for one
            discard(sys.stdout)
            fail("no space left on the disk. Make room", SystemFault.exit_code)
        fail(_report_bug(), 1)
    sys.exit(code if isinstance(code, int) else 0)


def _report_bug() -> str:
    """Writes the traceback of a fault of ours to a file and says where."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w",
        prefix="maksud-",
        suffix=".log",
        delete=False,
        encoding="utf-8",
        errors="backslashreplace",  # what was typed need not be UTF-8
    ) as file:
        file.write(f"{' '.join(sys.argv)}\n{traceback.format_exc()}")
    last = traceback.format_exc().strip().splitlines()[-1]
    return f"a fault of Maksud ({last}). Details: {file.name}; please report it"
