"""Whatever people do, in whatever order: no item is lost, none is in two hands, each state is
reached and left, and where an item stands is what the pure workflow says of its history."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from labelling_cases import UTTERANCES, Clock, House, open_house
from sqlalchemy import func, select

from maksud.labelling.refusals import Refused
from maksud.labelling.store import Store, copy_database, restore_database
from maksud.labelling.tables import acts, items, leases
from maksud.labelling.work import release, reopen, standing_of
from maksud.labelling.workflow import STAGES, STATES

WHO = st.sampled_from(["ann0", "ann1", "ann2", "leader", "admin"])
LEADERS = st.sampled_from(["leader", "admin"])
ANSWERS = st.sampled_from(["play_music()", "volume_down()", "none()"])
PLANS: list[dict[str, Any]] = [
    {"stages": ["label"]},
    {"stages": ["label"], "votes": 2},
    {"stages": ["label", "check"]},
    {"stages": ["label", "check", "accept"], "votes": 2},
    {"stages": ["label", "accept"], "votes": 3, "agree": 2},
]


class Labelling(RuleBasedStateMachine):
    """A team at work; `held` is what each was given, `saved` what was acknowledged."""

    new_house: ClassVar[Callable[[Path], House]]
    seen: ClassVar[set[tuple[str, str]]] = set()
    """Changes of state that some run saw."""

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a place: syncing is the subject of other tests.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.place = Path(tempfile.mkdtemp(prefix="maksud-", dir=memory))
        self.house: House | None = None
        self.held: dict[str, tuple[int, str]] = {}
        self.saved: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        self.before: dict[int, str] = {}

    @property
    def team(self) -> House:
        assert self.house is not None
        return self.house

    @initialize()
    def begin(self) -> None:
        self.house = self.new_house(self.place / "labels.db")

    @rule(who=WHO, stage=st.sampled_from(STAGES))
    def take(self, who: str, stage: str) -> None:
        try:
            item = self.team.take(who, stage)
        except Refused:
            return
        if item is None:
            return
        self.held[who] = (item, stage)

    @rule(who=WHO, kind=st.sampled_from(["answer"] * 4 + ["abandon", "reject", "skip"]),
          answer=ANSWERS)  # fmt: skip
    def say(self, who: str, kind: str, answer: str) -> None:
        if who not in self.held:
            return
        item, stage = self.held[who]
        key = f"{len(self.saved)}"
        output, reason = (answer, "") if kind == "answer" else ("", "why")
        try:
            said = self.team.say(who, item, output, stage, kind=kind, reason=reason, key=key)
        except Refused:
            return
        self.saved[who, key] = (item, {"output": output, "stage": stage, "kind": kind, **said})
        del self.held[who]

    @rule(who=WHO, leader=LEADERS, kind=st.sampled_from(["answer", "answer", "abandon"]),
          answer=ANSWERS)  # fmt: skip
    def do_what_is_next(self, who: str, leader: str, kind: str, answer: str) -> None:
        """What a team does nearly always: somebody takes what waits longest, and answers it;
        where nothing waits, a leader opens something again."""
        for stage in STAGES[::-1]:
            self.take(leader if stage != "label" else who, stage)
            if self.held.get(leader if stage != "label" else who, (0, ""))[1] == stage:
                self.say(leader if stage != "label" else who, kind, answer)
                return
        self.open_again(leader, 1)

    @precondition(lambda self: self.saved)
    @rule(data=st.data())
    def send_again(self, data: Any) -> None:
        (who, key), (item, was) = data.draw(st.sampled_from(sorted(self.saved.items(), key=str)))
        reason = "" if was["kind"] == "answer" else "why"
        again = self.team.say(who, item, was["output"], was["stage"], kind=was["kind"],
                              reason=reason, key=key)  # fmt: skip
        assert (again["act"], again["repeated"]) == (was["act"], True)

    @rule(who=WHO, answer=ANSWERS, item=st.integers(1, 2), stage=st.sampled_from(STAGES))
    def say_without_holding(self, who: str, answer: str, item: int, stage: str) -> None:
        key = f"{len(self.saved)}"
        try:
            said = self.team.say(who, item, answer, stage, key=key)
        except Refused:
            return
        self.saved[who, key] = (item, {"output": answer, "stage": stage, "kind": "answer", **said})

    @rule(who=WHO, item=st.integers(1, 2))
    def give_back(self, who: str, item: int) -> None:
        house = self.team
        house.store.write(lambda c: release(c, house.task, house.people[who], item))

    @rule(who=LEADERS, item=st.integers(1, 2))
    def open_again(self, who: str, item: int) -> None:
        house, key = self.team, f"again-{len(self.saved)}"
        try:
            said = house.store.write(
                lambda c: reopen(c, house.task, house.people[who], item, "why", key, house.clock())
            )
        except Refused:
            return
        about = {"output": "", "stage": "label", "kind": "reopen", **said}
        self.saved[who, key] = (item, about)

    @rule(who=LEADERS, item=st.integers(1, 2))
    def look_again(self, who: str, item: int) -> None:
        """A leader doubts what is done: it is checked again, or labelled anew."""
        key = f"doubt-{len(self.saved)}"
        try:
            said = self.team.say(who, item, "", "label", kind="doubt", reason="why", key=key)
        except Refused:
            return
        self.saved[who, key] = (item, {"output": "", "stage": "label", "kind": "doubt", **said})

    @rule(minutes=st.sampled_from([10, 31]))
    def wait(self, minutes: int) -> None:
        self.team.clock.pass_by(minutes * 60)

    @rule()
    def restart_from_a_backup(self) -> None:
        house, copy = self.team, self.place / "copy.db"
        copy_database(house.store, copy)
        house.store.close()
        restore_database(copy, self.place / "labels.db", replace=True)
        house.store = Store(self.place / "labels.db", house.clock)

    @invariant()
    def all_is_well(self) -> None:
        if self.house is None:
            return
        house = self.team
        with house.store.reading() as c:
            rows = {r.id: r for r in c.execute(select(items))}
            live = c.execute(select(leases)).all()
            assert set(rows) == {1, 2}, "an item was lost"
            for id, row in rows.items():
                standing, done = standing_of(c, house.task, id)
                assert (row.state, row.round, row.wanted, row.output) == (
                    standing.state, standing.round, standing.wanted(house.task.plan),
                    standing.output,
                )  # fmt: skip
                hands = [r for r in live if r.item_id == id]
                assert len(hands) <= row.wanted, "in more hands than it has room for"
                assert len({r.user_id for r in hands}) == len(hands)
                assert all(r.stage == row.state for r in hands), "held for what is over"
                labelled = {a.user for a in standing.labels}
                assert row.state != "label" or not labelled & {r.user_id for r in hands}
                if id in self.before and self.before[id] != row.state:
                    Labelling.seen.add((self.before[id], row.state))
                self.before[id] = row.state
                assert len(done) == sum(item == id for item, _ in self.saved.values())
            assert c.scalar(select(func.count()).select_from(acts)) == len(self.saved)
            assert len({r.user_id for r in live}) == len(live), "two items in one hand"

    def teardown(self) -> None:
        if self.house is not None:
            self.house.close()
        shutil.rmtree(self.place)


@pytest.mark.timeout(900)
def test_no_item_is_lost_and_none_is_in_two_hands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Labelling.seen.clear()
    for k, plan in enumerate(PLANS):
        made = open_house(tmp_path / f"{k}.db", utterances=UTTERANCES[:2], **plan)
        copy = tmp_path / f"{k}.copy"  # making tables takes longer than all the rest
        copy_database(made.store, copy)
        made.close()

        def new(place: Path, made: House = made, copy: Path = copy) -> House:
            shutil.copyfile(copy, place)
            clock = Clock()
            return House(Store(place, clock), clock, made.people, made.dataset, made.task_id)

        monkeypatch.setattr(Labelling, "new_house", staticmethod(new), raising=False)
        chosen = settings(
            max_examples=6, stateful_step_count=25, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        run_state_machine_as_test(Labelling, settings=chosen)
    reached = {after for _, after in Labelling.seen} | {"label"}
    left = {before for before, _ in Labelling.seen}
    assert reached == set(STATES) and left == set(STATES), (reached, left)
