"""What is said where a training ends in an error, and what it learnt is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maksud.errors import MaksudError, SystemFault

STATE = "state-"
"""How the name of a file begins that a training can go on from."""


@contextmanager
def kept_for_another_try(directory: Path | None) -> Iterator[None]:
    """Around a part of a training, or what follows it: an error inside says how to go on.

    Only where a state is kept in `directory`; without, the error passes as it is.
    """
    try:
        yield
    except Exception as error:
        if directory is None or not any(directory.glob(f"{STATE}*")):
            raise
        way = f"What was learnt is kept in {directory}: the same command goes on from there"
        if isinstance(error, MaksudError):
            error.hint = f"{error.hint.rstrip('.')}. {way}" if error.hint else way
            raise
        if isinstance(error, OSError):
            raise SystemFault(f"the run can't be finished ({error})", hint=way) from error
        error.add_note(way)
        raise
