"""Composed utterances hold each clause once, joined as the data joins, with tags in their place."""

import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from joint_data import plan_of, several, single

from maksud.data.dataset import Example
from maksud.language.calls import OUT_OF_SCOPE
from maksud.recognizers.joint.augmentation import Variation, compose_batches, compose_epoch
from maksud.recognizers.joint.planning import SIGNS


def test_every_clause_stands_once_in_an_epoch() -> None:
    plan = plan_of(*single(40), *several(40, 1), *[Example("siapa dia", "none()")] * 5)
    utterances = compose_epoch(plan, Variation(0.0, 0.0), random.Random(0))
    assert sorted(map(id, plan.items)) == sorted(id(i) for u in utterances for i in u.items)
    assert any(len(u.items) > 1 for u in utterances)
    none = plan.intents.index(OUT_OF_SCOPE)
    for u in utterances:
        assert len(u.items) == 1 or all(i.intent != none for i in u.items)
        assert u.clauses[0][0] == 0 and u.clauses[-1][1] == len(u.types)
        for (first, last), tags, item in zip(u.clauses, u.tags, u.items, strict=True):
            lead = last - first - len(item.types)
            assert u.types[first + lead : last] == item.types and len(tags) == last - first
            assert u.types[first : first + lead] in (plan.connectives if first else [[]])
            begins = {lead + i: 1 + k for i, _, k in item.spans}
            assert {t: tag for t, tag in enumerate(tags) if 0 < tag <= len(plan.parameters)} == (
                begins
            )


def test_wishes_are_joined_by_a_sign_alone_too() -> None:
    joined = [e for e in several(90, 1) if ", " not in e.instruction]
    joined = [replace(e, instruction=e.instruction.replace(" terus ", ", terus ")) for e in joined]
    plan = plan_of(*single(60), *joined)
    found = plan.corpus.connectives
    words = ["", *plan.words]
    shares = {
        tuple(words[t] for t in types): share
        for types, share in zip(plan.connectives, plan.connective_weights, strict=True)
    }
    assert {",", "."}.isdisjoint(t for phrase in found if len(phrase) == 1 for t in phrase)
    for sign, share in SIGNS.items():
        assert shares[(sign,)] == pytest.approx(share * found.total())
    # What follows a sign is said without it too.
    assert found[(",", "terus")] > 1 and ("terus",) not in found
    assert shares[("terus",)] == found[(",", "terus")] / 2
    assert shares[("lalu",)] == found[("lalu",)]
    assert plan_of(*single(60)).connectives == []  # single wishes stay single


def test_no_sign_follows_the_end_of_a_sentence() -> None:
    rows = [replace(e, instruction=e.instruction + ".") for e in single(60)]
    plan = plan_of(*rows, *several(60, 1))
    dot = 1 + list(plan.words).index(".")
    comma = 1 + list(plan.words).index(",")
    pairs = Counter(
        pair
        for seed in range(5)
        for u in compose_epoch(plan, Variation(0.0, 0.0), random.Random(seed))
        for pair in pairwise(u.types)
    )
    assert not pairs[dot, dot] and not pairs[dot, comma]
    assert any(a == dot for a, _ in pairs)


def test_values_are_swapped_for_others_of_their_parameter() -> None:
    plan = plan_of(*single(80))
    utterances = compose_epoch(plan, Variation(1.0, 0.0, invent=0.3), random.Random(0))
    changed = invented = 0
    for u in utterances:
        (item,) = u.items
        for _, _, k in item.spans:
            at = u.tags[0].index(1 + k)
            size = 1 + u.tags[0].count(1 + len(plan.parameters) + k)
            value = u.types[at : at + size]
            assert value in plan.values[k] or value in plan.invented[k]
            invented += value in plan.invented[k]
            changed += value not in [item.types[i:j] for i, j, _ in item.spans]
    assert changed > 5 and 5 < invented < changed


def test_batches_hold_the_epoch() -> None:
    plan = plan_of(*single(60), *several(60, 1))
    batches = compose_batches(plan, Variation(0.0, 0.0), 16, random.Random(0))
    items = [i for batch in batches for u in batch for i in u.items]
    assert sorted(map(id, plan.items)) == sorted(map(id, items))
    assert max(sum(len(u.items) for u in batch) for batch in batches) < 40
