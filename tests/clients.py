"""Where the clients of other stacks are installed, for the tests that run them."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]


def clients() -> list[Path]:
    """The Pythons of environments with clients, there or not: those of `make test-clients`, or
    those that CLIENTS_PYTHON names, with a colon between them."""
    if named := os.environ.get("CLIENTS_PYTHON"):
        return [Path(name) for name in named.split(os.pathsep)]
    return [ROOT / f".venv-{extra}/bin/python" for extra in ("clients", "clients-openai2")]
