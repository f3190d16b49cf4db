"""The joint network in torch, for training: a committee of small networks trained in one pass.

    words -> embedding + hashed n-grams -> convolutions and self-attention -> heads

Every weight has a leading dimension of members: they see the same batches with their own
initialisation and dropout, share all fixed costs of a step, and their scores are averaged.
`Extractor` (features of words in context) and `Heads` (clause boundaries, intent, BIO tags,
choices) are apart, so that the same heads can stand on a pretrained encoder.

Shapes: M members, B utterances, T tokens, S clauses, D width, I intents, K tags.
Tags: 0 is outside, 1..P begins a value of parameter p, P+1..2P goes on with one.
"""

# torch is not followed by mypy, so its classes are of no known type.
# mypy: disable-error-code="misc"

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maksud.recognizers.joint.features import GRAMS

IMPOSSIBLE = -1e4
"""Score of what can't be: far below any other, finite so that differences stay numbers."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a network. Saved with the weights."""

    members: int
    words: int
    buckets: int
    word_dim: int
    gram_dim: int
    dim: int
    heads: int
    convolutions: int
    intents: int
    parameters: int
    choices: int


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


def norm(x: Tensor) -> Tensor:
    """Layer normalisation without gain and bias: the linear layer that follows has both."""
    return F.layer_norm(x, (x.shape[-1],))


class Convolution(nn.Module):
    """Pre-norm residual block: window of three words, gated linear unit."""

    def __init__(self, shape: Shape, dropout: Dropout) -> None:
        super().__init__()
        self.linear = Linear(shape.members, 3 * shape.dim, 2 * shape.dim)
        self.dropout = dropout

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        size = x.shape[2]
        h = F.pad(norm(x) * mask, (0, 0, 1, 1))
        window = torch.cat([h[:, :, i : i + size] for i in range(3)], -1)
        out: Tensor = x + self.dropout(F.glu(self.linear(window), -1))
        return out


class Attention(nn.Module):
    """Pre-norm residual block: self-attention over the utterance."""

    def __init__(self, shape: Shape, dropout: Dropout) -> None:
        super().__init__()
        self.heads = shape.heads
        self.inputs = Linear(shape.members, shape.dim, 3 * shape.dim)
        self.output = Linear(shape.members, shape.dim, shape.dim)
        self.dropout = dropout

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        m, b, t, d = x.shape
        qkv = self.inputs(norm(x)).view(m * b, t, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        seen = mask.bool().view(1, b, 1, 1, t).expand(m, b, 1, 1, t).reshape(m * b, 1, 1, t)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        out: Tensor = x + self.dropout(self.output(a.transpose(1, 2).reshape(m, b, t, d)))
        return out


class Table(nn.Module):
    """An embedding table of which a step uses few rows: only these get a gradient and a step.

    `rows` gives the used rows as a leaf of the graph; `step` moves them by their gradient over
    its running root mean square (Adam without momentum). A dense Adam would spend a third of
    training on rows whose gradient is zero. Row 0 is padding and stays zero.
    """

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        weight = torch.empty(rows, width).normal_(std=0.3)
        weight[0] = 0
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.square = torch.zeros(rows, width)
        self.used: Tensor | None = None
        self.taken: Tensor | None = None

    def rows(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(the rows that `ids` names, each once; the place of each id among them)."""
        self.used, place = torch.unique(ids, return_inverse=True)
        self.taken = self.weight.index_select(0, self.used)
        if self.training:
            self.taken.requires_grad_()
        return self.taken, place

    def step(self, rate: float, decay: float, forget: float, number: int) -> None:
        """Moves the rows used last; `number` is the step's, from 1."""
        if self.used is None or self.taken is None or self.taken.grad is None:
            return
        gradient, taken = self.taken.grad, self.taken.detach()
        square = self.square.index_select(0, self.used)
        square.mul_(forget).addcmul_(gradient, gradient, value=1 - forget)
        self.square.index_copy_(0, self.used, square)
        taken.mul_(1 - rate * decay)
        size = square.div_(1 - forget**number).sqrt_().add_(1e-8)
        taken.addcdiv_(gradient, size, value=-rate)
        self.weight.data.index_copy_(0, self.used, taken)
        self.weight.data[0] = 0


class Extractor(nn.Module):
    """Features of words in context, from word types that a batch shares."""

    def __init__(self, shape: Shape, dropout: Dropout) -> None:
        super().__init__()
        self.shape = shape
        m = shape.members
        self.word = Table(shape.words, m * shape.word_dim)
        self.gram = Table(shape.buckets, m * shape.gram_dim)
        self.input = Linear(m, shape.word_dim + shape.gram_dim, shape.dim)
        self.dropout = dropout
        self.blocks = nn.ModuleList(
            [Convolution(shape, dropout) for _ in range(shape.convolutions)]
            + [Attention(shape, dropout)]
        )

    def forward(
        self, words: Tensor, grams: Tensor, scale: Tensor, place: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(features in context, features of the words alone), each [M, B, T, D].

        words [U], grams [U, GRAMS], scale [U]: the word types of the batch; place [B, T]: the
        type of each token; mask [B, T, 1]: 1 for a token, 0 for padding.
        """
        m, size = self.shape.members, len(words)
        rows, at = self.word.rows(words)
        word = F.embedding(at, rows).view(size, m, -1)
        rows, at = self.gram.rows(grams.view(-1, GRAMS))
        gram = (F.embedding_bag(at, rows, mode="sum") * scale[:, None]).view(size, m, -1)
        types = self.input(torch.cat([word, gram], -1).transpose(0, 1))
        alone = types.index_select(1, place.reshape(-1)).view(m, *place.shape, -1) * mask
        alone = self.dropout(alone)
        x = alone
        for block in self.blocks:
            x = block(x, mask)
        return norm(x) * mask, alone


class Heads(nn.Module):
    """What is read off the features: boundaries of clauses, intents, tags, choices."""

    def __init__(self, shape: Shape, dropout: Dropout) -> None:
        super().__init__()
        m, d, tags = shape.members, shape.dim, 1 + 2 * shape.parameters
        self.attend = nn.Parameter(torch.empty(m, 1, d, 1).uniform_(-(d**-0.5), d**-0.5))
        self.boundary = Linear(m, d, 1)
        self.intent = Linear(m, 3 * d, shape.intents)
        self.tag = Linear(m, d, tags)
        self.intent_tag = nn.Parameter(torch.zeros(m, shape.intents, tags))
        self.choice = Linear(m, 3 * d, shape.choices) if shape.choices else None
        self.dropout = dropout
        self.allowed: Tensor
        self.register_buffer("allowed", torch.zeros(shape.intents, tags))

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
        return self.intent(pooled), self.tag(self.dropout(h)), choices

    def emissions(self, tags: Tensor, intents: Tensor) -> Tensor:
        """Tag scores given the intents [S]: [M, S, T, K]."""
        return tags + (self.intent_tag + self.allowed).index_select(1, intents).unsqueeze(2)


class Network(nn.Module):
    """Extractor and heads."""

    def __init__(self, shape: Shape, dropout: float, seed: int) -> None:
        super().__init__()
        shared = Dropout(dropout, np.random.Generator(np.random.SFC64(seed)))
        self.extractor = Extractor(shape, shared)
        self.heads = Heads(shape, shared)


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
