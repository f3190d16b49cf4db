"""The heads of a joint network in torch, for training, on whatever extracts features of words.

Every weight has a leading dimension of members: a committee of networks is trained in one pass.
They see the same batches with their own initialisation and dropout, share all fixed costs of a
step, and their scores are averaged. `engine` has the same heads in numpy, for recognition.

Shapes: M members, B utterances, T tokens, S clauses, D width, I intents, K tags.
Tags: 0 is outside, 1..P begins a value of parameter p, P+1..2P goes on with one.
"""

# torch is not followed by mypy, so its classes are of no known type.
# mypy: disable-error-code="misc"

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from maksud.language.calls import OUT_OF_SCOPE
from maksud.recognizers.joint.planning import Plan

IMPOSSIBLE = -1e4
"""Score of what can't be: far below any other, finite so that differences stay numbers."""


SIDES = 64
"""Width of the hidden layer that looks at both sides of where a clause may start."""


class HeadSizes(Protocol):
    """What the heads need to know of a network's shape."""

    @property
    def members(self) -> int:
        """Networks in the committee."""

    @property
    def dim(self) -> int:
        """Width of the features."""

    @property
    def intents(self) -> int:
        """Intents to tell apart."""

    @property
    def parameters(self) -> int:
        """Parameters whose values are tagged."""

    @property
    def choices(self) -> int:
        """Scores of chosen values, all parameters together."""


class Dropout(nn.Module):
    """Dropout with masks from numpy bytes: five times as fast as torch's on one core.

    The probability is rounded to a 256th. Uses `source`, a generator shared by the network.
    """

    def __init__(self, p: float, source: np.random.Generator) -> None:
        super().__init__()
        self.level = round(256 * p)
        self.source = source

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.level == 0:
            return x
        raw = np.frombuffer(self.source.bytes(x.numel()), dtype=np.uint8).reshape(x.shape)
        keep = torch.from_numpy((raw >= self.level).astype(np.float32))
        return x * keep.mul_(256 / (256 - self.level))


class Linear(nn.Module):
    """A linear layer for each member: [M, N, in] -> [M, N, out]."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        return torch.baddbmm(self.bias, flat, self.weight).view(*x.shape[:-1], -1)


class Heads(nn.Module):
    """What is read off the features: boundaries of clauses, intents, tags, choices."""

    def __init__(
        self, shape: HeadSizes, dropout: Dropout, inner: int = 0, *, joins: bool = False
    ) -> None:
        """`inner`: width of a hidden layer before tags, for features that were not made for them;
        0 is none. `joins`: whether utterances have several clauses."""
        super().__init__()
        m, d, tags = shape.members, shape.dim, 1 + 2 * shape.parameters
        self.attend = nn.Parameter(torch.empty(m, 1, d, 1).uniform_(-(d**-0.5), d**-0.5))
        self.boundary = Linear(m, d, 1)
        self.intent = Linear(m, 3 * d, shape.intents)
        self.inner = Linear(m, d, inner) if inner else None
        self.tag = Linear(m, inner or d, tags)
        self.intent_tag = nn.Parameter(torch.zeros(m, shape.intents, tags))
        self.choice = Linear(m, 3 * d, shape.choices) if shape.choices else None
        # Last, so that what data without joined wishes is learnt with does not depend on them.
        self.sides = Linear(m, 3 * d, SIDES) if joins else None
        self.apart = Linear(m, SIDES, 1) if joins else None
        self.dropout = dropout
        self.allowed: Tensor
        self.register_buffer("allowed", torch.zeros(shape.intents, tags))

    def boundaries(self, h: Tensor, mask: Tensor) -> Tensor:
        """Log-odds that a clause starts at a token: [M, B, T].

        A comma parts two wishes, or a wish from what is told with it: which of them it is stands
        on both sides, of each of which the maximum is looked at.
        """
        score = self.boundary(h)
        if self.sides is not None and self.apart is not None:
            before = torch.cummax(h, 2).values
            before = torch.cat([before[:, :, :1], before[:, :, :-1]], 2)
            hidden = (1 - mask) * IMPOSSIBLE
            after = torch.cummax((h + hidden).flip(2), 2).values.flip(2) * mask
            both = torch.relu(self.sides(torch.cat([h, before, after], -1)))
            score = score + self.apart(self.dropout(both))
        return score.squeeze(-1)

    def forward(
        self, h: Tensor, alone: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """(intents [M, S, I], tags [M, S, T, K] before the intent is known, choices or None)."""
        hidden = (1 - mask) * IMPOSSIBLE
        weight = torch.softmax(torch.matmul(h, self.attend) + hidden, 2)
        mean = alone.sum(2) / mask.sum(1).clamp(min=1).sqrt()
        pooled = torch.cat([(h + hidden).amax(2), (weight * h).sum(2), mean], -1)
        pooled = self.dropout(pooled)
        choices = None if self.choice is None else self.choice(pooled)
        said = self.dropout(h)
        if self.inner is not None:
            said = self.dropout(torch.relu(self.inner(said)))
        return self.intent(pooled), self.tag(said), choices

    def emissions(self, tags: Tensor, intents: Tensor) -> Tensor:
        """Tag scores given the intents [S]: [M, S, T, K]."""
        return tags + (self.intent_tag + self.allowed).index_select(1, intents).unsqueeze(2)

    def settle(self, plan: Plan) -> None:
        """Adds to the weights what only training held apart: only weights are saved.

        These are `allowed` tags, and how much likelier `none()` and several calls are among
        composed utterances than in use (a correction of the prior, by Bayes' rule).
        """
        self.intent_tag.data += self.allowed
        self.allowed.zero_()
        if plan.none_excess:
            none = plan.intents.index(OUT_OF_SCOPE)
            self.intent.bias.data[..., none] -= plan.none_excess
        self.boundary.bias.data -= plan.joined_excess


class LogPartition(torch.autograd.Function):
    """log of the sum over valid BIO paths of exp(score): [N, T, K] -> [N].

    Padding must score 0 for tag 0 and `IMPOSSIBLE` for the others. The gradient is the marginal
    probabilities, computed by the backward recursion: no graph of T steps is built. Valid: a
    value goes on only after a tag of its own parameter, so a step costs O(K), not O(K^2).
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        n, size, tags = scores.shape
        p = (tags - 1) // 2
        top = scores.amax(2, keepdim=True)
        e = torch.exp(scores - top)
        alpha = torch.empty_like(e)
        scale = torch.empty(n, size, 1)
        a = e[:, 0].clone()
        a[:, p + 1 :] = 0
        for t in range(size):
            if t:
                b = alpha[:, t - 1]
                a = e[:, t].clone()  # the sum over the step before is 1
                a[:, p + 1 :] *= b[:, 1 : p + 1] + b[:, p + 1 :]
            c = a.sum(1, keepdim=True)
            torch.div(a, c, out=alpha[:, t])
            scale[:, t] = c
        ctx.save_for_backward(e, alpha, scale)
        return (scale.log() + top).sum((1, 2))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        e, alpha, scale = ctx.saved_tensors
        size, p = e.shape[1], (e.shape[2] - 1) // 2
        beta = torch.ones_like(e[:, 0])
        marginal = torch.empty_like(e)
        for t in range(size - 1, -1, -1):
            torch.mul(alpha[:, t], beta, out=marginal[:, t])
            if t:
                g = e[:, t] * beta / scale[:, t]
                beta = g[:, : p + 1].sum(1, keepdim=True).repeat(1, 1 + 2 * p)
                beta[:, 1 : p + 1] += g[:, p + 1 :]
                beta[:, p + 1 :] += g[:, p + 1 :]
        return marginal * gradients[0][:, None, None]


def tag_loss(scores: Tensor, gold: Tensor, mask: Tensor) -> Tensor:
    """-log p(gold tags) for each row. scores [N, T, K], gold [N, T], mask [N, T] of 0 and 1."""
    padding = torch.full_like(scores[:1, :1], IMPOSSIBLE)
    padding[..., 0] = 0
    scores = torch.where(mask.unsqueeze(2) > 0, scores, padding)
    right = scores.gather(2, gold.unsqueeze(2)).squeeze(2).sum(1)
    out: Tensor = LogPartition.apply(scores) - right
    return out
