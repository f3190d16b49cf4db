"""The scope of a request, in which the layers leave word for each other; and its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

KNOWN = "maksud.known"
"""Key in the scope of a request whose token is valid: the `Token`."""
EXTRA = "maksud.extra"
"""Key of headers, by name, that the answer has beside its own, whatever it is."""


def header(scope: Scope, name: bytes) -> list[bytes]:
    """All values of a header, in order."""
    return [value for key, value in scope["headers"] if key == name]


def add_headers(scope: Scope, headers: Mapping[bytes, bytes]) -> None:
    """Gives the answer these headers, whatever it is; those of before are replaced by name."""
    scope.setdefault(EXTRA, {}).update(headers)
