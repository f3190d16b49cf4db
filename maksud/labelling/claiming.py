"""How rows are found that nobody else is just taking: the same for items and for packages.

In PostgreSQL two who look at once look at different rows: what another has locked is passed over.
That the last of them are locked does not mean that there is nothing to take: then they are waited
for, holding none, so that two never wait for each other. SQLite has one writer at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection


def candidates(
    connection: Connection, ask: Callable[[bool | None], Iterable[int]]
) -> Iterator[int]:
    """Numbers of rows that `ask` finds and locks, each once, until the caller has what it wants.

    `ask(waits)` says whether locked rows are waited for (None: there are no such locks). A row may
    have been filled between being found and being locked: the caller looks again, and where it
    goes on, so does the search.
    """
    if connection.dialect.name != "postgresql":
        yield from ask(None)
        return
    known: set[int] = set()
    waits = False
    while True:
        before = len(known)
        for number in ask(waits):
            if number not in known:
                known.add(number)
                yield number
        if len(known) > before:
            waits = False  # the next look holds what was found so far
        elif known or waits:
            return
        else:
            waits = True
