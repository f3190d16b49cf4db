"""The heads in torch: the gradient of tags is exact, and what was learned is all in the weights."""

import numpy as np
import torch
from tag_paths import valid_paths

from maksud.recognizers.compact.network import Shape
from maksud.recognizers.joint.corpus import Clause, Corpus
from maksud.recognizers.joint.network import Dropout, Heads, LogPartition
from maksud.recognizers.joint.planning import FRAMED_LESS, Plan

WISHES = [
    Clause("lamp", ["please", "turn", "off", "the", "lamp", "in", "the", "kitchen"], []),
    Clause("play", ["please", "play", "the", "song", "that", "I", "like"], []),
]


def planned(*clauses: Clause, singles: int = 980, doubles: int = 0) -> Plan:
    corpus = Corpus(clauses=[*WISHES, *clauses])
    corpus.call_counts.update({1: singles} | ({2: doubles} if doubles else {}))
    return Plan.build(corpus, contrast=True)


def heads_for(plan: Plan) -> Heads:
    shape = Shape(2, 4, 16, 4, 4, 8, 4, 0, intents=len(plan.intents), parameters=1, choices=0)
    return Heads(shape, Dropout(0.0, np.random.default_rng(0)))


def test_gradient_of_the_partition_is_the_marginals() -> None:
    torch.manual_seed(0)
    scores = torch.randn(3, 4, 5, requires_grad=True)
    paths = valid_paths(4, 2)
    each = [[sum(scores[n, t, p[t]] for t in range(4)) for p in paths] for n in range(3)]
    plain = torch.stack([torch.logsumexp(torch.stack(row), 0) for row in each])
    ours = LogPartition.apply(scores)
    assert torch.allclose(plain, ours, atol=1e-5)
    (a,) = torch.autograd.grad(plain.sum(), scores)
    (b,) = torch.autograd.grad(ours.sum(), scores)
    assert torch.allclose(a, b, atol=1e-5)


def test_settled_heads_say_the_same_by_weights_alone() -> None:
    plan = planned()
    heads = heads_for(plan)
    heads.allowed.copy_(torch.randn(3, 3))
    tags, intents = torch.randn(2, 4, 5, 3), torch.tensor([0, 2, 1, 0])
    before, penalties = heads.emissions(tags, intents), heads.allowed.clone()
    heads.settle(plan)
    assert torch.allclose(heads.intent_tag, penalties.expand(2, 3, 3))
    assert torch.allclose(heads.emissions(tags, intents), before, atol=1e-6)


def test_none_that_only_frames_taught_is_rarer_in_use() -> None:
    plan, known = planned(), planned(Clause("none", ["what", "is", "your", "name"], []))
    assert plan.intents == known.intents == ["lamp", "none", "play"]
    for given, less in ((plan, FRAMED_LESS), (known, 0.0)):
        heads = heads_for(given)
        before = heads.intent.bias.detach().clone()
        heads.settle(given)
        moved = (before - heads.intent.bias).squeeze(1)
        assert torch.allclose(moved, torch.tensor([0.0, less, 0.0]).expand(2, 3), atol=1e-6)


def test_clauses_start_as_seldom_as_the_data_has_it() -> None:
    moved = []
    for plan in (planned(), planned(doubles=2), planned(doubles=20), planned(doubles=980)):
        heads = heads_for(plan)
        before = heads.boundary.bias.detach().clone()
        heads.settle(plan)
        moved.append(float((before - heads.boundary.bias).detach().mean()))
    one_call, hardly, seldom, often = moved
    assert one_call == often == 0
    assert hardly > seldom > 1
    assert hardly < 3.3  # what data hardly has is not thought impossible
