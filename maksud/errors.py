"""Every error that Maksud raises on purpose.

    MaksudError                   exit 1, HTTP 500
    ├── InputError                exit 2, HTTP 400: what the person gave can't be used
    │   ├── SettingsError         a setting or option
    │   ├── TooLongError          an utterance beyond the context of a model
    │   ├── DataError             a file, a line, a field of a dataset
    │   ├── CallSyntaxError       text that is not an answer of the call language
    │   ├── CatalogError          a catalog, or an answer that the catalog forbids
    │   └── NotFoundError         HTTP 404: offers what exists
    ├── RunError                  exit 2: a missing, damaged or incompatible run
    ├── SystemFault               exit 3, HTTP 503: port, disk, permission, network
    └── EngineError               exit 1, HTTP 503: a model failed to answer

A message is one line: where, what was found, what was expected; the hint is the next step.
Only doors translate an error: the CLI to an exit code, the server to the OpenAI error shape.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence


class MaksudError(Exception):
    """Root of the tree. `str(error)` is one line: `where: message. hint`."""

    exit_code = 1
    status = 500

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        if self.hint:
            text = f"{text.rstrip('.')}. {self.hint}"
        return " ".join(text.split())


class InputError(MaksudError):
    """What the person gave can't be used as it is."""

    exit_code = 2
    status = 400


class TooLongError(InputError):
    """An utterance does not fit a model's context."""


class SettingsError(InputError):
    """A setting, option or environment variable is unknown or out of range."""


class DataError(InputError):
    """A dataset file can't be read as it is; `where` is `file:line`."""


class CallSyntaxError(InputError):
    """Text that is not an answer of the call language; `position` counts characters from 0."""

    def __init__(self, message: str, *, position: int, where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.position = position


class CatalogError(InputError):
    """A catalog is unusable, or an answer uses what the catalog does not have."""


class NotFoundError(InputError):
    """Something named does not exist; the hint offers near names."""

    status = 404


class RunError(MaksudError):
    """A run is missing, damaged or was made under another contract: it is never half-loaded."""

    exit_code = 2


class SystemFault(MaksudError):
    """The machine says no: a port in use, a full disk, a missing permission, no network."""

    exit_code = 3
    status = 503


class EngineError(MaksudError):
    """A model failed to answer; `retryable` says whether asking again can help."""

    status = 503

    def __init__(
        self, message: str, *, where: str = "", hint: str = "", retryable: bool = False
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.retryable = retryable


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names what exists: the nearest of `known` to `name`, else the first few."""
    names = list(known)
    if not names:
        return "There are none"
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return "Nearest: " + ", ".join(near)
    return f"Known: {name_some(names, 8)}"


def name_some(names: Sequence[str], most: int = 5) -> str:
    """`a, b and 3 more`: the first names, and how many are left."""
    left = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + left


def lacks_space(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error: libraries that write files wrap the system's."""
    while error is not None:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
