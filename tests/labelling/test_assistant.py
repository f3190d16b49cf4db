"""The model that helps while people label: when it learns, what serves meanwhile, what fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from labelling_cases import House, open_house

from maksud.labelling import jobs
from maksud.labelling.assistant import Assistant, place_of, start_process
from maksud.labelling.help import UNCERTAIN, Help
from maksud.labelling.job_process import do_job
from maksud.labelling.learning import FEWEST, forget, training_data
from maksud.labelling.refusals import Refused
from maksud.labelling.store import Store
from maksud.labelling.suggestions import suggest_item
from maksud.labelling.tables import items

SAID = [f"putar lagu nomor {k}" if k % 2 else f"kecilkan suara {k}" for k in range(60)]


def answer_of(item: int) -> str:
    return "volume_down()" if item % 2 else "play_music()"  # items are numbered from 1


def label(house: House, many: int) -> None:
    for _ in range(many):
        item = house.take("ann0")
        assert item is not None
        house.say("ann0", item, answer_of(item))


class Child:
    """A process that runs until it is told to have ended."""

    def __init__(self) -> None:
        self.returncode: int | None = None
        self.stopped = False

    def poll(self) -> int | None:
        return self.returncode

    def terminate(self) -> None:
        self.stopped = True

    def wait(self, _: float = 0) -> int:
        self.returncode = -15
        return -15


class Starts:
    """Notes which jobs are started, instead of starting processes."""

    def __init__(self) -> None:
        self.children: dict[int, Child] = {}

    def __call__(self, store: Store, job: int, models: Path) -> Any:
        self.children[job] = Child()
        return self.children[job]


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = open_house(tmp_path / "a.db", utterances=SAID, help=Help(every=12))
    yield made
    made.close()


def look(assistant: Assistant, house: House) -> None:
    assistant.touch(house.task_id)
    assistant.look()


def job_of(house: House, job: int) -> dict[str, Any]:
    return house.store.read(lambda c: jobs.show_job(c, job))


def test_it_learns_after_so_many_new_labels_and_never_twice_at_once(house: House) -> None:
    starts = Starts()
    assistant = Assistant(house.store, start=starts)
    label(house, 11)
    look(assistant, house)
    assert starts.children == {}
    label(house, 1)
    assistant.look()
    assert starts.children == {}, "nothing was saved that it was told of"
    look(assistant, house)
    assert list(starts.children) == [1] and job_of(house, 1)["labels"] == 12
    label(house, 20)
    look(assistant, house)
    assert list(starts.children) == [1], "one is running"
    house.store.write(lambda c: jobs.end(c, 1, house.clock(), jobs.FAILED, "why"))
    look(assistant, house)
    assert list(starts.children) == [1, 2], "20 new ones since it began"
    assistant.close()
    assert starts.children[2].stopped and job_of(house, 2)["state"] == "stopped"
    look(assistant, house)
    assert list(starts.children) == [1, 2, 3], "what was stopped is begun again"


def test_what_fails_is_not_tried_again_at_once(house: House) -> None:
    starts = Starts()
    assistant = Assistant(house.store, start=starts)
    label(house, 12)
    look(assistant, house)
    starts.children[1].returncode = 137
    look(assistant, house)
    about = job_of(house, 1)
    assert about["state"] == "failed" and "137" in about["told"]
    look(assistant, house)
    assert list(starts.children) == [1]
    label(house, 12)
    look(assistant, house)
    assert list(starts.children) == [1, 2]
    assistant.close()


def test_a_process_that_can_t_be_started_is_told(house: House) -> None:
    def fails(store: Store, job: int, models: Path) -> Any:
        raise OSError("no more processes")

    assistant = Assistant(house.store, start=fails)
    label(house, 12)
    look(assistant, house)
    assert "no more processes" in job_of(house, 1)["told"]


def test_zero_is_never_by_itself(tmp_path: Path) -> None:
    house = open_house(tmp_path / "b.db", utterances=SAID, help=Help(every=0))
    starts = Starts()
    assistant = Assistant(house.store, start=starts)
    label(house, 40)
    look(assistant, house)
    assert starts.children == {}
    assert assistant.begin(house.task, jobs.LEARN)["state"] == "running"
    with pytest.raises(Refused) as refused:
        assistant.begin(house.task, jobs.LEARN)
    assert refused.value.code == "job_running" and list(starts.children) == [1]
    house.close()


def test_too_few_labels_are_told(house: House) -> None:
    assistant = Assistant(house.store, start=Starts())
    label(house, FEWEST - 1)
    with pytest.raises(Refused) as refused:
        assistant.begin(house.task, jobs.LEARN)
    assert refused.value.code == "too_few_labels"


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of which a task has learnt once, in a process of its own, and its runs."""
    place = tmp_path_factory.mktemp("learnt") / "a.db"
    house = open_house(place, utterances=SAID, help=Help(every=20, order=UNCERTAIN))
    assistant = Assistant(house.store, start=start_process)
    house.store.clock = __import__("time").time  # the process has the machine's clock
    label(house, 24)
    look(assistant, house)
    [process] = assistant._processes.values()
    process.wait(280)
    assistant.look()
    about = job_of(house, 1)
    assert about["state"] == "done", about
    house.close()
    return place


def test_a_process_trains_and_the_queue_follows(learnt: Path) -> None:
    store = Store(learnt)
    about = store.read(lambda c: jobs.show_job(c, 1))
    assert about["result"]["run"] == "learnt-1-1" and about["result"]["examples"] == 24
    assert about["result"]["first"] == 36  # two times 20 are more than are left
    assert (place_of(store) / "task-1" / "learnt-1-1" / "run.json").is_file()
    with store.reading() as c:
        waiting = items.c.state == "label"
        ranks = c.execute(items.select().where(waiting).order_by(items.c.rank)).all()
    assert ranks[0].rank < 0 and len(ranks) == 36
    store.close()


def test_the_new_one_serves_as_soon_as_it_is_loaded(learnt: Path) -> None:
    store = Store(learnt)
    assistant = Assistant(store, other=None, start=Starts())
    assert assistant.suggester(1) is None  # asked for; loaded in the background
    assistant.look()
    first = assistant.suggester(1)
    assert first is not None and first.name == "learnt-1-1"
    [[best, *_]] = first.suggest(["putar lagu nomor 90"])
    assert best["text"] in ("play_music()", "volume_down()") and best["by"] == "learnt-1-1"
    # A newer one that can't be opened leaves the one before in its place.
    broken = store.write(lambda c: jobs.begin(c, 1, jobs.LEARN, 30, store.clock()))
    assert broken is not None
    result = {"run": "learnt-1-99"}
    store.write(lambda c: jobs.end(c, broken, store.clock(), jobs.DONE, "", result))
    assistant.look()
    assert assistant.suggester(1) is first
    store.close()


def test_newer_suggestions_replace_those_of_the_one_before(house: House) -> None:
    class By:
        def __init__(self, name: str) -> None:
            self.name = name

        def suggest(self, said: list[str]) -> list[list[dict[str, Any]]]:
            return [[{"text": f"{self.name}()", "confidence": 0.5, "by": self.name}] for _ in said]

    for name in ("learnt-1-1", "other", "learnt-1-2"):
        suggest_item(house.store, By(name), 1)  # type: ignore[arg-type]
    kept = house.store.read(lambda c: c.execute(items.select().where(items.c.id == 1)).one())
    assert [s["by"] for s in kept.suggestions] == ["learnt-1-2", "other"]


def test_a_job_that_fails_says_why(house: House, tmp_path: Path) -> None:
    house.store.write(lambda c: jobs.begin(c, house.task_id, jobs.LEARN, 0, house.clock()))
    assert not do_job(house.store, 1, tmp_path / "models")
    about = job_of(house, 1)
    assert about["state"] == "failed" and "too few to learn from" in about["told"]


def test_a_process_that_gets_nonsense_ends(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maksud.labelling.job_process"], input=b"{", capture_output=True
    )
    assert done.returncode != 0


def test_labels_of_the_base_are_learnt_too(house: House) -> None:
    from maksud.data.dataset import Dataset, Example
    from maksud.labelling.library import register

    rows = [Example(f"cuaca kota{k}", f"weather_search(kota{k})") for k in range(9)]
    rows += [Example("x", "unknown_intent()"), Example("y", "")]
    base = house.store.write(lambda c: register(c, "base", Dataset(rows, name="base"), "x", 0.0))
    label(house, 3)
    data = house.store.read(lambda c: training_data(c, house.task, Help(base=base)))
    assert len(data) == 12 and all(e.output for e in data)
    assert "unknown_intent" not in {c.intent for e in data for c in e.calls}


def test_old_runs_go(tmp_path: Path) -> None:
    for k in (1, 2, 9, 10):
        (tmp_path / f"learnt-1-{k}").mkdir()
    forget(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["learnt-1-10", "learnt-1-9"]
