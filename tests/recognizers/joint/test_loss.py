"""Where wishes are told apart, training asks more of a comma than of words."""

import math
import random
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from joint_data import plan_of, several, single

from maksud.recognizers.joint.augmentation import Utterance, Variation, compose_epoch
from maksud.recognizers.joint.loss import boundary_loss
from maksud.recognizers.joint.network import Heads
from maksud.recognizers.joint.planning import LISTED, Plan


class Undecided:
    """Heads that give every word the same log-odds to begin a clause."""

    def __init__(self, odds: float) -> None:
        self.odds = odds

    def boundaries(self, h: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.full((1, *mask.shape[:2]), self.odds)


def loss_of(plan: Plan, utterance: Utterance, odds: float) -> float:
    mask = torch.ones(1, len(utterance.types), 1)
    heads = cast(Heads, cast(Any, Undecided(odds)))
    return float(boundary_loss(heads, plan, [utterance], torch.zeros(1), mask))


def test_wishes_are_listed_more_often_where_the_data_combines_them() -> None:
    assert plan_of(*single(60)).comma_shortage == 0
    assert plan_of(*single(40), *several(40, 1)).comma_shortage == LISTED
    seldom = plan_of(*single(120), *several(2, 1))
    assert seldom.joins and seldom.comma_shortage == 0
    between = plan_of(*single(120), *several(12, 1))
    assert between.comma_shortage == pytest.approx(LISTED - between.joined_excess)
    assert 0 < between.comma_shortage < LISTED


def test_scores_at_a_comma_are_asked_to_be_higher() -> None:
    plan = plan_of(*single(40), *several(40, 1))
    composed = compose_epoch(plan, Variation(0.0, 0.0), random.Random(0))
    utterance = next(
        u
        for u in composed
        if len(u.clauses) == 2
        and u.types[u.clauses[1][0]] == plan.comma
        and u.types.count(plan.comma) == 1
    )
    others = len(utterance.types) - 2
    begun = replace(utterance, types=[utterance.types[0], plan.comma], clauses=[(0, 2)])
    for odds in (-1.0, 0.0, 2.5):
        at_comma = math.log1p(math.exp(LISTED - odds))
        expected = others * math.log1p(math.exp(odds)) + at_comma
        assert loss_of(plan, utterance, odds) == pytest.approx(expected, rel=1e-5)
        # Behind the first word it greets, thanks or agrees.
        once = math.log1p(math.exp(odds))
        assert loss_of(plan, begun, odds) == pytest.approx(once, rel=1e-5)


def test_single_words_begin_nothing_else() -> None:
    plan = plan_of(*single(40), *several(40, 1))
    utterance = compose_epoch(plan, Variation(0.0, 0.0), random.Random(0))[0]
    word = replace(utterance, types=utterance.types[:1], clauses=[(0, 1)])
    assert loss_of(plan, word, 3.0) == 0
