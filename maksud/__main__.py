"""The `maksud` command, also as `python -m maksud`."""

import sys


def main() -> None:
    """Runs the command line; Ctrl-C ends it with one line, also while it is being loaded."""
    try:
        from maksud.cli import main as run
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
