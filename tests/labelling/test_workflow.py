"""The workflow as pure functions: where an item stands after what was done to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.labelling.refusals import Refused
from maksud.labelling.workflow import (
    STAGES,
    STATES,
    Act,
    Plan,
    may_act,
    may_revise,
    plan_of,
    settle,
    vote,
)


def label(user: int, output: str) -> Act:
    return Act(user, "label", "answer", output)


@pytest.mark.parametrize(
    ("stages", "after"),
    [
        (["label"], "done"),
        (["label", "check"], "check"),
        (["label", "accept"], "accept"),
        (["label", "check", "accept"], "check"),
    ],
)
def test_a_label_goes_on(stages: list[str], after: str) -> None:
    plan = plan_of(stages, 1)
    standing = settle(plan, [label(1, "a()")])
    assert (standing.state, standing.output) == (after, "a()")


@pytest.mark.parametrize("stages", [[], ["check"], ["check", "label"], ["label", "x"]])
def test_other_ways_are_refused(stages: list[str]) -> None:
    with pytest.raises(Refused, match="no way through a task"):
        plan_of(stages, 1)


@pytest.mark.parametrize(("votes", "agree"), [(0, 0), (10, 0), (3, 4), (3, -1)])
def test_impossible_votes_are_refused(votes: int, agree: int) -> None:
    with pytest.raises(Refused):
        plan_of(["label"], votes, agree)


def test_more_than_half_is_asked_for() -> None:
    assert [plan_of(["label"], n).agree for n in (1, 2, 3, 4, 5)] == [1, 2, 2, 3, 3]


def test_answers_are_compared_as_calls() -> None:
    plan = Plan(votes=2, agree=2)
    same = [label(1, "f(a=1, b=2)"), label(2, "f(b=2,a=1)")]
    assert settle(plan, same).state == "done"
    assert settle(plan, [label(1, "f(a=1)"), label(2, "f(a=2)")]).state == "judge"


def test_disagreement_is_judged() -> None:
    plan = Plan(votes=3, agree=2)
    acts = [label(1, "a()"), label(2, "b()"), label(3, "c()")]
    assert settle(plan, acts).state == "judge"
    judged = settle(plan, [*acts, Act(9, "judge", "answer", "b()")])
    assert (judged.state, judged.output) == ("done", "b()")


def test_a_tie_is_no_majority() -> None:
    acts = [label(1, "a()"), label(2, "a()"), label(3, "b()"), label(4, "b()")]
    assert vote(acts, 2) is None
    assert vote(acts[:3], 2) == acts[1]


def test_that_it_can_not_be_answered_is_an_answer() -> None:
    plan = Plan(votes=2, agree=2)
    gone = [Act(k, "label", "abandon", reason="noise") for k in (1, 2)]
    assert settle(plan, gone).state == "abandoned"
    assert settle(plan, [gone[0], label(2, "a()")]).state == "judge"


def test_what_is_sent_back_begins_anew_with_the_reason() -> None:
    plan = Plan(check=True)
    acts = [label(1, "a()"), Act(9, "check", "reject", reason="no song")]
    standing = settle(plan, acts)
    assert (standing.state, standing.round, standing.feedback) == ("label", 2, "no song")
    assert may_act(standing, 1, "label")  # whoever labelled it may do it again
    assert settle(plan, [*acts, label(1, "b()")]).state == "check"


def test_a_checker_changes_the_answer() -> None:
    plan = Plan(check=True, accept=True)
    acts = [label(1, "a()"), Act(9, "check", "answer", "b()")]
    assert (settle(plan, acts).state, settle(plan, acts).output) == ("accept", "b()")


def test_a_person_labels_an_item_once() -> None:
    plan = Plan(votes=2, agree=2)
    standing = settle(plan, [label(1, "a()")])
    assert not may_act(standing, 1, "label") and may_act(standing, 2, "label")
    assert not may_act(standing, 2, "check")


def test_what_others_built_on_is_not_revised() -> None:
    plan = Plan(check=True)
    acts = [label(1, "a()")]
    assert may_revise(settle(plan, acts), 1, "label")
    assert not may_revise(settle(plan, acts), 2, "label")
    acts.append(Act(9, "check", "answer", "a()"))
    assert not may_revise(settle(plan, acts), 1, "label")
    assert may_revise(settle(plan, acts), 9, "check")


PLANS = st.builds(
    lambda check, accept, votes, agree: Plan(check, accept, votes, min(agree, votes)),
    st.booleans(),
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 3),
)
ACTS = st.lists(
    st.builds(
        Act,
        user=st.integers(1, 4),
        stage=st.sampled_from(STAGES),
        kind=st.sampled_from(["answer", "abandon", "reject", "reopen", "skip"]),
        output=st.sampled_from(["a()", "b()"]),
        reason=st.just("why"),
    ),
    max_size=14,
)


@given(PLANS, ACTS)
def test_an_item_always_stands_somewhere(plan: Plan, acts: list[Act]) -> None:
    standing = settle(plan, acts)
    assert standing.state in STATES
    assert standing.state not in STAGES or standing.state in (*plan.stages, "judge")
    assert len({a.user for a in standing.labels}) == len(standing.labels)
    assert 0 <= standing.wanted(plan) <= plan.votes
    assert (standing.wanted(plan) == 0) == (standing.state in ("done", "abandoned"))
    assert standing.state != "done" or standing.output
