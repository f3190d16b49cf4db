"""The workflow of an item as pure functions: what people did to it says where it stands.

    label ──(votes agree)──► check ──► accept ──► done | abandoned
      │ ▲                      │         │            │
      │ └──── sent back ───────┴─────────┴─ reopened ─┘
      └─(they do not)─► judge ──► check …

`check` and `accept` are there where the task asks for them. Nothing here knows of a database: the
store keeps every act, and `settle` of an item's acts is its standing, each time anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from maksud.labelling.forms import answers_key
from maksud.labelling.refusals import Refused

LABEL, JUDGE, CHECK, ACCEPT = "label", "judge", "check", "accept"
DONE, ABANDONED = "done", "abandoned"
STAGES = (LABEL, JUDGE, CHECK, ACCEPT)
"""Where somebody has to do something, in order."""
STATES = (*STAGES, DONE, ABANDONED)

ANSWER, ABANDON, REJECT, REOPEN, SKIP = "answer", "abandon", "reject", "reopen", "skip"
DOUBT = "doubt"
KINDS = (ANSWER, ABANDON, REJECT, REOPEN, SKIP, DOUBT)
"""What a person does: answers, says that it can't be answered, sends back, opens again, passes,
asks for a second look at what is done."""

MOST_VOTES = 9
"""Labels of one item, at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a task's items go: `votes` people label each, `agree` of them must say the same;
    whether it is checked, and accepted, afterwards."""

    check: bool = False
    accept: bool = False
    votes: int = 1
    agree: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.votes <= MOST_VOTES:
            raise Refused(
                f"{self.votes} people can't label each item", code="invalid_value", status=400,
                hint=f"Choose 1 to {MOST_VOTES}",
            )  # fmt: skip
        if not 1 <= self.agree <= self.votes:
            raise Refused(
                f"{self.agree} of {self.votes} can't agree", code="invalid_value", status=400,
                hint=f"Choose 1 to {self.votes}",
            )  # fmt: skip

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that an item of the task may come to."""
        there = {LABEL: True, JUDGE: self.votes > 1, CHECK: self.check, ACCEPT: self.accept}
        return tuple(s for s in STAGES if there[s])


def plan_of(stages: Sequence[str], votes: int, agree: int = 0) -> Plan:
    """The plan of a task; `agree` 0 is more than half. Raises `Refused` for what is none."""
    names = list(stages)
    wanted = [s for s in (LABEL, CHECK, ACCEPT) if s in names]
    if names != wanted or LABEL not in names:
        raise Refused(
            f"the stages {', '.join(names) or '(none)'} are no way through a task",
            code="invalid_value",
            status=400,
            hint="label; label, check; label, accept; or label, check, accept",
        )
    return Plan(CHECK in names, ACCEPT in names, votes, agree or votes // 2 + 1)


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did to an item, once: acts are added, never changed."""

    user: int
    stage: str
    kind: str
    output: str = ""
    reason: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an item stands. `output` and `kind` are the answer so far, where there is one;
    `labels` the latest label of each person in this round, `acts` all of this round that count;
    `feedback` why it was sent back."""

    state: str
    round: int = 1
    output: str = ""
    kind: str = ""
    labels: tuple[Act, ...] = ()
    acts: tuple[Act, ...] = field(default=(), repr=False)
    feedback: str = ""

    def wanted(self, plan: Plan) -> int:
        """How many people can still do something to it at once."""
        if self.state == LABEL:
            return plan.votes - len(self.labels)
        return int(self.state in STAGES)


def settle(plan: Plan, acts: Sequence[Act]) -> Standing:
    """Where an item stands after all that was done to it, in order."""
    round, feedback = 1, ""
    current: list[Act] = []
    for act in acts:
        if act.kind == DOUBT and plan.check:  # the labels stand; who checks looks at them again
            feedback, current = act.reason, [a for a in current if a.stage in (LABEL, JUDGE)]
        elif act.kind in (REJECT, REOPEN, DOUBT):
            round, feedback, current = round + 1, act.reason, []
        elif act.kind != SKIP:
            current.append(act)
    labels = tuple({a.user: a for a in current if a.stage == LABEL}.values())
    told = {"round": round, "labels": labels, "acts": tuple(current), "feedback": feedback}
    if len(labels) < plan.votes:
        return Standing(LABEL, **told)  # type: ignore[arg-type]
    taken = vote(labels, plan.agree)
    if taken is None:
        taken = _last(current, JUDGE)
        if taken is None:
            return Standing(JUDGE, **told)  # type: ignore[arg-type]
    for stage in (s for s in plan.stages if s in (CHECK, ACCEPT)):
        looked = _last(current, stage)
        if looked is None:
            return Standing(stage, output=taken.output, kind=taken.kind, **told)  # type: ignore[arg-type]
        taken = looked
    state = ABANDONED if taken.kind == ABANDON else DONE
    return Standing(state, output=taken.output, kind=taken.kind, **told)  # type: ignore[arg-type]


def vote(labels: Sequence[Act], agree: int) -> Act | None:
    """The label that at least `agree` people gave, and more than any other; None without one.

    Answers are compared as calls. That it can't be answered is an answer like any other.
    """
    groups: dict[object, list[Act]] = {}
    for a in labels:
        key = (a.kind, answers_key(a.output) if a.kind == ANSWER else None)
        groups.setdefault(key, []).append(a)
    ranked = sorted(groups.values(), key=len, reverse=True)
    if not ranked or len(ranked[0]) < agree:
        return None
    if len(ranked) > 1 and len(ranked[1]) == len(ranked[0]):
        return None
    return ranked[0][-1]


def may_act(standing: Standing, user: int, stage: str) -> bool:
    """Whether a person may take the item in hand for a stage."""
    if stage != standing.state or stage not in STAGES:
        return False
    return stage != LABEL or all(a.user != user for a in standing.labels)


def may_revise(standing: Standing, user: int, stage: str) -> bool:
    """Whether a person may still change what they did: nobody has built on it yet."""
    mine = _last(standing.acts, stage)
    if stage == LABEL:
        mine = next((a for a in standing.labels if a.user == user), None)
    if mine is None or mine.user != user:
        return False
    later = STAGES[STAGES.index(stage) + 1 :]
    return all(a.stage not in later for a in standing.acts)


def _last(acts: Sequence[Act], stage: str) -> Act | None:
    return next((a for a in reversed(acts) if a.stage == stage), None)
