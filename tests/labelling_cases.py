"""What the tests of labelling share: a store with people, data and a task, and its own clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maksud.data.dataset import Dataset, Example
from maksud.labelling.library import register
from maksud.labelling.people import Person, add_person
from maksud.labelling.store import Store
from maksud.labelling.tasks import Task, Wanted, create_task, task_for
from maksud.labelling.work import Said, claim, save
from maksud.language.catalog import Catalog, Intent, Parameter

CATALOG = Catalog(
    (
        Intent("play_music", "Plays a song", (Parameter("song"), Parameter("genre"))),
        Intent("volume_down", "Makes it less loud"),
        Intent(
            "weather_search",
            "Tells the weather",
            (Parameter("location", required=True, question="Di mana?"),),
            positional=True,
        ),
        Intent("set_light", parameters=(Parameter("state", "enumeration", values=("on", "off")),)),
    )
)
UTTERANCES = (
    "Saya ingin mendengarkan musik",
    "Terlalu keras, turunkan suaranya",
    "putar lagu Hampa",
    "Bagaimana cuaca Hangzhou?",
)


class Clock:
    """A clock that goes on only when it is told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class House:
    """A store with an admin, a leader, annotators, and one task of all of them."""

    store: Store
    clock: Clock
    people: dict[str, Person]
    dataset: int
    task_id: int
    keys: int = field(default=0)

    @property
    def task(self) -> Task:
        return self.store.read(lambda c: task_for(c, self.task_id, self.people["admin"]))

    def take(self, who: str, stage: str = "label", item: int = 0) -> int | None:
        person, task = self.people[who], self.task
        return self.store.write(lambda c: claim(c, task, person, stage, self.clock(), item))

    def say(
        self, who: str, item: int, output: str = "", stage: str = "label", **more: Any
    ) -> dict[str, Any]:
        """Saves what somebody does; `key` is a new one unless it is given."""
        self.keys += 1
        about = {"kind": "answer", "key": f"key-{self.keys}", **more}
        said = Said(item, stage, output=output, **about)
        person, task = self.people[who], self.task
        return self.store.write(lambda c: save(c, task, person, said, self.clock()))

    def close(self) -> None:
        self.store.close()


def open_house(
    place: Path | str,
    *,
    utterances: Sequence[str] = UTTERANCES,
    annotators: int = 3,
    catalog: Catalog | None = CATALOG,
    **wanted: Any,
) -> House:
    """A house in a new store; `wanted` goes to the task (stages, votes, agree, …)."""
    clock = Clock()
    store = Store(place, clock)
    now = clock()
    roles = {"admin": "admin", "leader": "leader"}
    roles |= {f"ann{k}": "annotator" for k in range(annotators)}
    people = {
        name: store.write(lambda c, n=name, r=role: add_person(c, n, r, now))  # type: ignore[misc]
        for name, role in roles.items()
    }
    data = Dataset([Example(u, "") for u in utterances], name="raw")
    dataset = store.write(lambda c: register(c, "raw", data, "raw.manifest", now))
    members = [p.id for p in people.values()]
    task = Wanted("first", dataset, members, catalog=catalog, **wanted)
    task_id = store.write(lambda c: create_task(c, task, now))
    return House(store, clock, people, dataset, task_id)
