"""Where a store is: passwords are not told, and what is somebody else's is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from maksud.errors import SettingsError
from maksud.labelling.place import check_tables, told_place
from maksud.labelling.store import Store

PASSWORDS = [
    ("postgresql://ana:geheim@db/labels", "postgresql://ana:***@db/labels"),
    ("postgresql://ana:ge/h@eim@db:5432/labels", "postgresql://ana:***@db:5432/labels"),
    ("postgresql://ana@db/x?sslpassword=geheim&port=1", "postgresql://ana@db/x?sslpassword=***&port=1"),
    ("postgresql://ana@/x?host=/tmp&password=geheim", "postgresql://ana@/x?host=/tmp&password=***"),
    ("postgresql://ana@db:5432/labels", "postgresql://ana@db:5432/labels"),
    ("my:labels@home.db", "my:labels@home.db"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "told"), PASSWORDS)
def test_a_place_is_told_without_its_password(place: str, told: str) -> None:
    assert told_place(place) == told


def test_a_url_that_is_none_is_told_without_its_password() -> None:
    with pytest.raises(SettingsError, match=r"\*\*\*@db:x/labels: is no URL") as caught:
        Store("postgresql://ana:geheim@db:x/labels")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("tables", [["notes"], ["notes", "alembic_version"], ["acts"]])
def test_another_program_s_database_is_left_as_it_was(tables: list[str], tmp_path: Path) -> None:
    place = tmp_path / "notes.db"
    with closing(sqlite3.connect(place)) as c:
        for name in tables:
            c.execute(f"CREATE TABLE {name} (version_num TEXT)")
        c.commit()
    before = place.read_bytes()
    with pytest.raises(SettingsError, match="of something else.*Choose another --store"):
        Store(place)
    assert place.read_bytes() == before  # its journal too: SQLite writes that into the file
    assert list(tmp_path.iterdir()) == [place]


def test_a_database_without_tables_becomes_a_store(tmp_path: Path) -> None:
    place = tmp_path / "labels.db"
    with closing(sqlite3.connect(place)) as c:
        c.execute("CREATE TABLE x (y)")
        c.execute("DROP TABLE x")
        c.commit()
    for _ in range(2):
        Store(place).close()


def test_tables_of_others_may_stand_beside_ours_where_databases_are_shared() -> None:
    for fine in ([], ["notes"], ["acts", "alembic_version", "notes"]):
        check_tables(fine, "postgresql://ana:geheim@db/labels")
    for taken in (["users"], ["alembic_version"], ["acts", "notes"]):
        with pytest.raises(SettingsError, match=r"ana:\*\*\*@db/labels: is a database of some"):
            check_tables(taken, "postgresql://ana:geheim@db/labels")
