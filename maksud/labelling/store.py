"""The store: one database that all labels are in. What it acknowledges is on disk.

SQLite by default (write-ahead log, `synchronous=FULL`), PostgreSQL by URL; the same code for both.
A transaction that writes is taken whole from its beginning (SQLite; writes of many at once share
one, `together`) or locks the rows that it judges by (PostgreSQL), so nobody acts on what another is
just changing.
"""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from maksud.errors import SettingsError, SystemFault
from maksud.labelling.place import check_file, check_tables, told_place
from maksud.labelling.prepared import command
from maksud.labelling.refusals import StoreFault
from maksud.labelling.together import Together
from maksud.storage import make_directory, writing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")

RETRIES = 5
"""How often a transaction is tried that meets another at the same place."""
BUSY_SECONDS = 5
"""How long a write waits for another process that writes."""
CONNECTIONS = 16
"""Connections to the database, at most."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_FILES = ("", "-wal", "-shm")
"""Endings of the files of an SQLite database."""
_FULL = ("disk is full", "disk i/o error", "no space left", "could not extend file")


class Store:
    """An open database of labels. `place` is a file's path or a database's URL.

    `clock`: seconds since 1970. Raises `SystemFault` where it can't be opened, or is of a newer
    Maksud, and `SettingsError` where another file stands; older ones are brought up to date, after
    a copy was made beside them.
    """

    def __init__(self, place: str | Path, clock: Callable[[], float] = time.time) -> None:
        self.place = str(place)
        self.clock = clock
        self.file = None if "://" in self.place else Path(self.place)
        self._writer = threading.Lock()
        self._quick: Connection | None = None
        self.together = Together(self.writing)
        self.engine = _engine(self.place, self.file)
        try:
            with _translated(self.place):
                self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes every connection."""
        if self._quick is not None:
            self._quick.invalidate()
            self._quick.close()
            self._quick = None
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees the database as it is now, whatever is written meanwhile."""
        with _translated(self.place), self.engine.connect() as connection:
            if self.file is None:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection that writes: all of the block or, where it raises, nothing of it.

        When the block has ended, what it wrote is on disk. Raises `StoreFault` where it is not.
        """
        with _translated(self.place), self._alone(), self.engine.connect() as connection:
            connection = connection.execution_options(maksud_writes=True)
            with connection.begin():
                yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives, in a transaction that writes (see `writing`).

        Where two at once take the same place, the later is done again, and sees the first.
        """
        from sqlalchemy.exc import IntegrityError

        for _ in range(RETRIES):
            with suppress(IntegrityError):
                if self.file is not None:
                    return cast("T", self.together.run(work))
                with self.writing() as connection:
                    return work(connection)
        raise StoreFault("others change the same at once", code="store_busy", hint="Try again")

    def read(self, look: Callable[[Connection], T]) -> T:
        """What `look` gives, of one moment of the database."""
        with self.reading() as connection:
            return look(connection)

    def glance(self, look: Callable[[Connection], T]) -> T:
        """What a look of one statement gives, at once: for a thread that may not be kept waiting.

        SQLite has a connection for it that no other thread takes, and readers of it wait for
        nobody. Raises `StoreFault`; `store_busy` where it would have to wait after all.
        """
        with _translated(self.place):
            if self._quick is None:
                self._quick = self.engine.connect()
                command(self._quick, "PRAGMA busy_timeout=0")
            return look(self._quick)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """In SQLite one writes at a time: waiting here is fair, and costs no busy loop."""
        if self.file is None:
            yield
            return
        with self._writer:
            yield

    # ------------------------------------------------------------ versions of the tables

    def _bring_up_to_date(self) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.migration import MigrationContext
        from sqlalchemy import inspect

        steps = _steps()
        newest = steps[0]
        with self.engine.connect() as connection:
            check_tables(inspect(connection).get_table_names(), self.place)
            current = MigrationContext.configure(connection).get_current_revision()
        if current == newest:
            return
        if current is not None and current not in steps:
            raise SystemFault(
                f"the tables are of a newer Maksud (step {current}, known up to {newest})",
                where=told_place(self.place),
                hint="Update Maksud, or restore a backup that this version made",
            )
        if current is not None and self.file is not None:
            copy_database(self, self.file.with_name(f"{self.file.name}.before-{newest}"))
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@cache
def _steps() -> tuple[str, ...]:
    """The steps that this version knows, the newest first."""
    from alembic.script import ScriptDirectory

    return tuple(s.revision for s in ScriptDirectory(str(_MIGRATIONS)).walk_revisions())


def _engine(place: str, file: Path | None) -> Engine:
    """The engine of a database; of SQLite with every connection made safe."""
    try:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    except ImportError as error:
        raise SystemFault(
            "SQLAlchemy is not installed", hint="pip install 'maksud[label]'"
        ) from error
    if file is not None:
        check_file(file)
        with writing(file, hint="Choose another --store"):
            make_directory(file.parent)
            # What people said is nobody else's to read; SQLite gives its other files this mode.
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        engine = create_engine(
            f"sqlite:///{file}", pool_size=CONNECTIONS + 1, max_overflow=0,  # one to glance
            connect_args={"timeout": BUSY_SECONDS},
        )  # fmt: skip
        _make_safe(engine)
        return engine
    url = place.replace("postgres://", "postgresql://").replace(
        "postgresql://", "postgresql+psycopg://"
    )
    if not url.startswith("postgresql+psycopg://"):
        raise SettingsError(
            "is no place for labels", where=place.partition("://")[0],
            hint="Give a file's path, or a URL postgresql://user@host/database",
        )  # fmt: skip
    try:
        return create_engine(url, pool_size=CONNECTIONS, max_overflow=0, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:  # of a port, ValueError
        raise SettingsError(
            "is no URL of a database", where=told_place(place),
            hint="Give postgresql://user@host:port/database, and write @, : and / in a password "
            "as %40, %3A and %2F",
        ) from error  # fmt: skip
    except ImportError as error:
        raise SystemFault(
            "psycopg is not installed", hint="pip install 'maksud[postgres]'"
        ) from error


def _make_safe(engine: Engine) -> None:
    """Every connection syncs each commit to disk, and begins its transactions itself."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin too late
        for pragma in (
            f"busy_timeout={BUSY_SECONDS * 1000}", "journal_mode=WAL", "synchronous=FULL",
            "foreign_keys=ON",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
        if connection.execute("PRAGMA synchronous").fetchone() != (2,):
            raise SystemFault("this SQLite can't be told to sync what it writes")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("maksud_writes")
        command(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated(place: str) -> Iterator[None]:
    """Turns what the database says into a `StoreFault` that says what to do."""
    from sqlalchemy.exc import DBAPIError, IntegrityError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    try:
        yield
    except IntegrityError:
        raise
    except PoolTimeout as error:
        raise StoreFault("the database is busy", code="store_busy", hint="Try again") from error
    except DBAPIError as error:
        raise _fault(str(error.orig), place) from error


def _fault(said: str, place: str) -> StoreFault:
    low = said.casefold()
    if any(words in low for words in _FULL):
        return StoreFault(
            "the disk is full: nothing was saved", code="disk_full", status=507,
            hint="Free some space and send it again; what was saved before is safe",
        )  # fmt: skip
    if "locked" in low or "busy" in low:
        return StoreFault(
            "another program is writing to the database", code="store_busy",
            hint="Try again in a moment",
        )  # fmt: skip
    if "malformed" in low or "not a database" in low or "corrupt" in low:
        return StoreFault(
            f"the database in {told_place(place)} is damaged", code="store_damaged",
            hint=f"Restore a backup: maksud label restore BACKUP --store {told_place(place)}",
        )  # fmt: skip
    first = (said.strip().splitlines() or [""])[0][:200]
    return StoreFault(f"the database does not answer ({first})", code="store_unavailable",
                      hint="Try again in a moment")  # fmt: skip


# ---------------------------------------------------------------- backup


def copy_database(store: Store, target: Path) -> None:
    """A whole copy of an SQLite store, of one moment, made while it is in use.

    Raises `SystemFault` for PostgreSQL, which has its own, and where it can't be written, and
    `SettingsError` where the target is the store.
    """
    import sqlite3

    if store.file is None:
        raise SystemFault("PostgreSQL makes its own backups", hint="Use pg_dump and pg_restore")
    parts = [store.file.with_name(store.file.name + ending) for ending in _FILES]
    if target.exists() and any(part.exists() and target.samefile(part) for part in parts):
        raise SettingsError("is the store itself", where=str(target),
                            hint="Name another place for the backup")  # fmt: skip
    with writing(target, hint="Choose another place"):
        make_directory(target.parent)
        staged = target.with_name(f".{target.name}.new")
        staged.unlink(missing_ok=True)
        try:
            source = sqlite3.connect(store.file)
            copy = sqlite3.connect(staged)
            try:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
            finally:
                copy.close()
                source.close()
            check_database(staged)
            _put(staged, target)
        except sqlite3.Error as error:
            raise _fault(str(error), str(target)) from error
        finally:
            staged.unlink(missing_ok=True)


def restore_database(backup: Path, target: Path, *, replace: bool = False) -> Path | None:
    """Puts a backup in the place of a store that nobody uses; returns where the old one is kept,
    beside it, if there was one.

    Raises `SystemFault` for a backup that is damaged, and `SettingsError` where it is the store
    itself, or without `replace` where a store is.
    """
    if not backup.is_file():
        raise SettingsError("there is no such backup", where=str(backup), hint="Check the path")
    if target.exists() and backup.samefile(target):
        raise SettingsError("is the store itself", where=str(backup), hint="Name a backup")
    check_database(backup)
    if target.exists() and not replace:
        raise SettingsError(
            "a store is there already", where=str(target),
            hint="Stop `maksud label` there, and say --force; the old one is kept beside it",
        )  # fmt: skip
    kept = _free_beside(target) if target.exists() else None
    with writing(target):
        make_directory(target.parent)
        staged = target.with_name(f".{target.name}.new")
        shutil.copyfile(backup, staged)
        if kept is not None:
            for ending in _FILES:
                old = target.with_name(target.name + ending)
                if old.exists():
                    old.replace(kept.with_name(kept.name + ending))
        _put(staged, target)
    Store(target).close()
    return kept


def _free_beside(target: Path) -> Path:
    """A name for a store that gives way. One that gave way earlier keeps its own: the first may
    hold the labels, and the second only a backup that was the wrong one."""
    base = f"{target.name}.replaced"
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    return target.with_name(
        next(n for n in names if not any(os.path.lexists(target.with_name(n + e)) for e in _FILES))
    )


def check_database(path: Path) -> None:
    """Raises `StoreFault` for a file that is no whole database of labels."""
    import sqlite3

    connection = None
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        found = connection.execute("PRAGMA integrity_check").fetchone()[0]
        connection.execute("SELECT count(*) FROM acts")
    except sqlite3.Error as error:
        raise StoreFault(f"{path} is no store of labels ({error})", code="store_damaged",
                         hint="Choose another backup") from error  # fmt: skip
    finally:
        if connection is not None:
            connection.close()
    if found != "ok":
        raise StoreFault(f"{path} is damaged ({found})", code="store_damaged",
                         hint="Choose another backup")  # fmt: skip


def _put(staged: Path, target: Path) -> None:
    from maksud.storage import sync

    sync(staged)
    staged.replace(target)
    sync(target.parent)
