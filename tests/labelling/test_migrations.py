"""A database of an older Maksud, with a team's work in it, is brought up to date and worked on."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from labelling_cases import Clock, House
from sqlalchemy import create_engine, text

import maksud.labelling
from maksud.labelling.help import Help, help_of
from maksud.labelling.people import person_named
from maksud.labelling.store import Store

OLD = (
    "INSERT INTO users VALUES (1, 'ann0', 'annotator', 'id', 0, 0)",
    "INSERT INTO users VALUES (2, 'admin', 'admin', 'id', 0, 0)",
    "INSERT INTO datasets VALUES (1, 'raw', 'x', '', NULL, 2, 0)",
    """INSERT INTO templates VALUES (1, 'default', 1, '{"fields":["instruction"]}', 0)""",
    """INSERT INTO tasks VALUES (1, 't', 1, 1, '["label"]', 1, 1, 1800, NULL, 1, 1, 0, 0)""",
    "INSERT INTO members VALUES (1, 1), (1, 2)",
    """INSERT INTO rows VALUES (1, 1, 0, '{"instruction":"a"}')""",
    """INSERT INTO rows VALUES (2, 1, 1, '{"instruction":"b"}')""",
    "INSERT INTO items VALUES (1, 1, 1, 1, 'done', 1, 0, 'x()', NULL, 0), "
    "(2, 1, 2, 0, 'label', 1, 1, '', NULL, 0)",
    "INSERT INTO acts VALUES (1, 1, 1, 1, 'label', 'answer', 1, 'x()', '', '', 'shown', 2.0, 'k', "
    "'f', 'done', 0)",
)


def test_the_first_version(tmp_path: Path) -> None:
    place = tmp_path / "labels.db"
    engine = create_engine(f"sqlite:///{place}")
    config = Config()
    folder = Path(maksud.labelling.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for line in OLD:
            connection.execute(text(line))
    engine.dispose()

    clock = Clock()
    store = Store(place, clock)
    assert list(tmp_path.glob("labels.db.before-*"))
    with store.reading() as c:
        assert c.execute(text("SELECT id, rank, twins FROM items ORDER BY id")).all() == [
            (1, 1, None), (2, 0, None),
        ]  # fmt: skip
        assert c.execute(text("SELECT output, offered FROM acts")).all() == [("x()", "")]
        assert help_of(c, 1) == Help()
        people = {name: person_named(c, name) for name in ("ann0", "admin")}
    house = House(store, clock, people, 1, 1)
    assert house.take("ann0") == 2
    assert house.say("ann0", 2, "y()")["state"] == "done"
    house.close()
