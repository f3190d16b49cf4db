"""What is said where a training ends in an error, and what it learnt is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maksud.errors import MaksudError, SystemFault


@contextmanager
def kept_for_another_try(directory: Path | None) -> Iterator[None]:
    """Around what follows a training: an error inside says how to go on, where a state is kept."""
    try:
        yield
    except Exception as error:
        if directory is None or not _holds_a_state(directory):
            raise
        way = f"What was learnt is kept in {directory}: the same command goes on from there"
        if isinstance(error, MaksudError):
            error.hint = f"{error.hint.rstrip('.')}. {way}" if error.hint else way
            raise
        if isinstance(error, OSError):
            raise SystemFault(f"the run can't be finished ({error})", hint=way) from error
        error.add_note(way)
        raise


def _holds_a_state(directory: Path) -> bool:
    """Whether there is more than what a stop while writing left, whose names begin with a dot."""
    return directory.is_dir() and any(not p.name.startswith(".") for p in directory.iterdir())
