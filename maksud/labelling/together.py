"""Several writes, one sync: who writes while another is at it waits, and what waits is written
together, each in a part of the transaction that it can lose without the others.

In SQLite one writes at a time, and each commit waits for the disk. With thirty who save at once
a commit of their own for each would be thirty waits, one after the other; together it is one. Each
is told only when the commit that it is in is on disk.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 64
"""Writes of one commit, at most: the first of them waits for the last."""


@dataclass(eq=False)
class _Turn:
    """One write that waits: what it does, and what came of it."""

    work: Callable[[Connection], Any]
    told: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    result: Any = None
    error: BaseException | None = field(default_factory=lambda: RuntimeError("not written"))


class Together:
    """Writes of all threads. `writing` opens a transaction that nobody else writes beside."""

    def __init__(self, writing: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._writing = writing
        self._mutex = threading.Lock()
        self._waiting: deque[_Turn] = deque()
        self._led = False

    def run(self, work: Callable[[Connection], Any]) -> Any:
        """What `work` gives, once it is on disk; raises what it raises, and has done nothing
        then."""
        turn = _Turn(work)
        with self._mutex:
            self._waiting.append(turn)
            leads, self._led = not self._led, True
        if not leads:
            turn.told.wait()
        if leads or turn.leads:
            self._lead()
        if turn.error is not None:
            raise turn.error
        return turn.result

    def _lead(self) -> None:
        """Commits what waits, and hands on: nobody works for the others for long."""
        with self._mutex:
            batch = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            self._commit(batch)
        finally:
            with self._mutex:
                following = self._waiting[0] if self._waiting else None
                if following is None:
                    self._led = False
                else:
                    following.leads = True
            for turn in batch:
                turn.told.set()
            if following is not None:
                following.told.set()

    def _commit(self, batch: Sequence[_Turn]) -> None:
        from sqlalchemy.exc import DBAPIError, IntegrityError

        from maksud.labelling.prepared import command

        if len(batch) > 1:
            try:
                with self._writing() as connection:
                    for turn in batch:
                        command(connection, "SAVEPOINT turn")
                        try:
                            turn.result = turn.work(connection)
                            turn.error = None
                        except Exception as error:
                            # A full disk, say, ends the whole transaction: nothing of it stays.
                            if isinstance(error, DBAPIError) and not isinstance(
                                error, IntegrityError
                            ):
                                raise
                            turn.error = error
                            command(connection, "ROLLBACK TO turn")
                        command(connection, "RELEASE turn")
                return
            except BaseException as error:
                for turn in batch:
                    turn.result, turn.error = None, error
                if getattr(error, "code", "") == "store_busy" or not isinstance(error, Exception):
                    return  # it would be the same for each
        for turn in batch:  # alone, so that each is told its own fault
            try:
                with self._writing() as connection:
                    turn.result = turn.work(connection)
                turn.error = None
            except BaseException as error:
                turn.error = error
