"""Where a store is: a file, or a database's URL. What may be told of it, and what stands there that
is not ours to write into."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path

from maksud.errors import SettingsError
from maksud.labelling.tables import metadata

_SQLITE = b"SQLite format 3\0"
_VERSION = "alembic_version"
_SIGNS = {_VERSION, "acts"}
"""Tables that every version of a store has. Others keep Alembic's version too."""
_ELSEWHERE = "Choose another --store: a store, or a name that nothing has yet"


def told_place(place: str) -> str:
    """The place without its password: terminals are logged, and JSON is kept."""
    if "://" not in place:
        return place
    place = re.sub(r"://([^:/@]*):.*@", r"://\1:***@", place)
    return re.sub(r"([?&]\w*password=)[^&]*", r"\1***", place)


def check_file(file: Path) -> None:
    """Raises `SettingsError` for a file that is something else: it is not ours to write into.

    It is asked before SQLite is let at it for writing, which turns its journal to our kind.
    """
    with suppress(OSError), file.open("rb") as there:
        start = there.read(len(_SQLITE))
        if not start:
            return
        if start != _SQLITE:
            raise SettingsError(
                "is no store of labels, nor any SQLite database", where=str(file), hint=_ELSEWHERE
            )
    with suppress(OSError, sqlite3.Error):  # what is damaged is told where it is opened
        uri = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in found}
        if tables and not tables >= _SIGNS:
            raise _foreign(str(file), tables)


def check_tables(tables: Collection[str], place: str) -> None:
    """Raises `SettingsError` where the tables of a database, which others may be in, have names of
    ours and are not ours."""
    taken = {*metadata.tables, _VERSION}.intersection(tables)
    if taken and not taken >= _SIGNS:
        raise _foreign(told_place(place), taken)


def _foreign(where: str, tables: Collection[str]) -> SettingsError:
    some = ", ".join(sorted(tables)[:3])
    return SettingsError(
        f"is a database of something else, and no store of labels (it has the tables {some}"
        f"{', …' if len(tables) > 3 else ''})",
        where=where,
        hint=_ELSEWHERE,
    )
