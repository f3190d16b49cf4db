"""The heads in torch: the gradient of tags is exact, and what was learned is all in the weights."""

import numpy as np
import pytest
import torch
from tag_paths import valid_paths

from maksud.recognizers.compact.network import Shape
from maksud.recognizers.joint.corpus import Clause, Corpus
from maksud.recognizers.joint.engine import Heads
from maksud.recognizers.joint.network import Dropout, LogPartition, tag_loss
from maksud.recognizers.joint.network import Heads as TorchHeads
from maksud.recognizers.joint.planning import FRAMED_LESS, Plan

WISHES = [
    Clause("lamp", ["please", "turn", "off", "the", "lamp", "in", "the", "kitchen"], []),
    Clause("play", ["please", "play", "the", "song", "that", "I", "like"], []),
]


def planned(*clauses: Clause, singles: int = 980, doubles: int = 0) -> Plan:
    corpus = Corpus(clauses=[*WISHES, *clauses])
    corpus.call_counts.update({1: singles} | ({2: doubles} if doubles else {}))
    return Plan.build(corpus, contrast=True)


def heads_for(plan: Plan) -> TorchHeads:
    shape = Shape(2, 4, 16, 4, 4, 8, 4, 0, intents=len(plan.intents), parameters=1, choices=0)
    return TorchHeads(shape, Dropout(0.0, np.random.default_rng(0)))


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
    assert hardly < 4.2  # what data hardly has is not thought impossible


@pytest.mark.parametrize("inner", [0, 6])
def test_heads_without_torch_score_alike(inner: int) -> None:
    torch.manual_seed(1)
    shape = Shape(2, 4, 16, 4, 4, 8, 4, 0, intents=3, parameters=2, choices=4)
    heads = TorchHeads(shape, Dropout(0.0, np.random.default_rng(0)), inner).eval()
    h, alone = torch.randn(2, 3, 5, 8), torch.randn(2, 3, 5, 8)
    mask = (torch.arange(5)[None] < torch.tensor([[5], [2], [1]])).float()[..., None]
    with torch.no_grad():
        intents, tags, choices = heads(h * mask, alone * mask, mask)
    tensors = {f"heads.{name}": p.detach().numpy() for name, p in heads.named_parameters()}
    assert ("heads.inner.weight" in tensors) == bool(inner)
    same, same_tags, same_choices = Heads(2, tensors)(
        *(x.numpy() for x in (h * mask, alone * mask, mask))
    )
    real = mask[..., 0].numpy() > 0
    assert np.allclose(intents.numpy(), same, atol=1e-4)
    assert np.allclose(tags.mean(0).numpy()[real], same_tags[real], atol=1e-4)
    assert choices is not None and same_choices is not None
    assert np.allclose(choices.mean(0).numpy(), same_choices, atol=1e-4)


def test_a_wish_that_is_called_off_says_nothing_about_its_values() -> None:
    value = Clause("play", ["play", "hampa"], [(1, 2, "song")])
    plan = planned(value)
    heads = heads_for(plan)
    heads.allowed.copy_(torch.from_numpy(plan.tag_penalties()))
    tags = torch.full((2, 1, 3, 3), 0.0)
    tags[..., 1] = 12.0  # sure that these words are a title
    tags.requires_grad_()
    for name, certain in (("none", True), ("lamp", False)):
        intent = torch.tensor([plan.intents.index(name)])
        scores = heads.emissions(tags, intent).flatten(0, 1)
        loss = tag_loss(scores, torch.zeros(2, 3, dtype=torch.long), torch.ones(2, 3)).sum()
        (gradient,) = torch.autograd.grad(loss, tags)
        assert (not gradient.any() and not loss) is certain
