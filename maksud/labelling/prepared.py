"""Statements that are compiled once and run by the database's own driver.

What every save and claim runs costs SQLAlchemy a tenth of a millisecond each time, ten times what
SQLite needs for it, and there are twenty of them. Here SQLAlchemy writes the SQL, once for each
kind of database; values and rows are converted as its types say, and errors are its own.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Delete, Insert, Select, Update

Convert = Callable[[Any], Any]


@dataclass
class _Ready:
    """A statement as one kind of database takes it."""

    sql: str
    order: tuple[str, ...] | None
    """Names of the values by place; None where they go by name."""
    fixed: Mapping[str, Any]
    """Values that are part of the statement."""
    given: Sequence[tuple[str, Convert]]
    """Values that are converted on their way in."""
    row: Callable[[Sequence[Any]], Any] | None = None
    """What makes a row of what the driver gives; known once it gave some."""


def command(connection: Connection, sql: str) -> None:
    """Has the driver run what has no values and gives no rows."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
    except Exception as error:
        raise _told(connection, sql, (), error) from error
    cursor.close()


def _told(connection: Connection, sql: str, values: Any, error: Exception) -> BaseException:
    """The error as SQLAlchemy tells it, so that all that catch its errors catch this one."""
    from sqlalchemy.exc import DBAPIError

    dialect = connection.dialect
    driver: Any = dialect.loaded_dbapi
    return DBAPIError.instance(sql, values, error, driver.Error, dialect=dialect)


class Prepared:
    """A statement whose values come by name. `columns`: what an insert or update sets."""

    def __init__(
        self, statement: Select[Any] | Insert | Update | Delete, columns: Sequence[str] = ()
    ) -> None:
        self.statement = statement
        self._columns = list(columns) or None
        self._ready: dict[tuple[str, str], _Ready] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """All rows, each with its columns as attributes."""
        row, cursor = self._execute(connection, values)
        return list(map(row, cursor.fetchall()))

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first row; None where there is none."""
        row, cursor = self._execute(connection, values)
        found = cursor.fetchone()
        cursor.close()
        return None if found is None else row(found)

    def scalar(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first column of the first row; None where there is none."""
        found = self.first(connection, values)
        return None if found is None else found[0]

    def scalars(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The first column of all rows."""
        return [r[0] for r in self.rows(connection, values)]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Runs what gives no rows."""
        self._execute(connection, values)[1].close()

    def add(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Inserts a row; returns its number."""
        _, cursor = self._execute(connection, values)
        number: int = cursor.fetchone()[0] if cursor.description else cursor.lastrowid
        cursor.close()
        return number

    def _execute(
        self, connection: Connection, values: Mapping[str, Any]
    ) -> tuple[Callable[[Sequence[Any]], Any], Any]:
        """What makes rows, and the cursor that gives them."""
        dialect = connection.dialect
        ready = self._ready.get((dialect.name, dialect.driver))
        if ready is None:
            ready = self._ready[dialect.name, dialect.driver] = self._compile(connection)
        merged: Any = {**ready.fixed, **values}
        for name, convert in ready.given:
            merged[name] = convert(merged[name])
        if ready.order is not None:
            merged = [merged[name] for name in ready.order]
        cursor = connection.connection.cursor()
        try:
            cursor.execute(ready.sql, merged)
        except Exception as error:
            raise _told(connection, ready.sql, merged, error) from error
        if ready.row is None:
            ready.row = self._reader(dialect, cursor.description)
        return ready.row, cursor

    def _compile(self, connection: Connection) -> _Ready:
        dialect = connection.dialect
        statement: Any = self.statement
        # SQLite says the number by itself, and old ones know no RETURNING.
        if statement.is_insert and dialect.name != "sqlite" and "id" in statement.table.c:
            statement = statement.returning(statement.table.c.id)
        compiled: Any = statement.compile(dialect=dialect, column_keys=self._columns)
        if "POSTCOMPILE" in compiled.string:
            raise AssertionError(f"lists can't be prepared: {compiled.string}")
        needed = {name for name, bind in compiled.binds.items() if bind.required}
        given = []
        for name, bind in compiled.binds.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                given.append((name, convert))
        return _Ready(
            compiled.string,
            tuple(compiled.positiontup) if compiled.positional else None,
            {k: v for k, v in compiled.params.items() if k not in needed},
            given,
        )

    def _reader(self, dialect: Any, described: Any) -> Callable[[Sequence[Any]], Any]:
        """What makes a row of what the driver gives, and describes."""
        columns = getattr(self.statement, "selected_columns", None)
        if columns is None:
            return tuple
        names = [c.key for c in columns]
        named: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        make: Callable[[Sequence[Any]], Any] = named._make
        converts = [
            (k, convert)
            for k, (c, about) in enumerate(zip(columns, described, strict=True))
            if (convert := c.type.dialect_impl(dialect).result_processor(dialect, about[1]))
        ]
        if not converts:
            return make

        def read(values: Sequence[Any]) -> Any:
            changed = list(values)
            for k, convert in converts:
                changed[k] = convert(changed[k])
            return make(changed)

        return read
