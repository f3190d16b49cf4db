"""The heads in torch: the gradient of tags is exact, and what was learned is all in the weights."""

import numpy as np
import torch
from tag_paths import valid_paths

from maksud.recognizers.compact.network import Shape
from maksud.recognizers.joint.network import Dropout, Heads, LogPartition


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
    shape = Shape(2, 4, 16, 4, 4, 8, 4, 0, intents=3, parameters=1, choices=0)
    heads = Heads(shape, Dropout(0.0, np.random.default_rng(0)))
    heads.allowed.copy_(torch.randn(3, 3))
    tags, intents = torch.randn(2, 4, 5, 3), torch.tensor([0, 2, 1, 0])
    before, penalties = heads.emissions(tags, intents), heads.allowed.clone()
    heads.settle()
    assert torch.allclose(heads.intent_tag, penalties.expand(2, 3, 3))
    assert torch.allclose(heads.emissions(tags, intents), before, atol=1e-6)
