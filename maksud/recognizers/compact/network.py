"""The compact network in torch, for training: hashed features, convolutions, attention, heads.

    words -> embedding + hashed n-grams -> convolutions and self-attention -> heads

`Extractor` (features of words in context) stands under the heads that all joint networks share
(`joint.network`, which has the shapes and the members). `compact.engine` is the same in numpy.
"""

# torch is not followed by mypy, so its classes are of no known type.
# mypy: disable-error-code="misc"

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maksud.recognizers.compact.features import GRAMS
from maksud.recognizers.joint.network import Dropout, Heads, Linear


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


class Network(nn.Module):
    """Extractor and heads."""

    def __init__(self, shape: Shape, dropout: float, seed: int, *, joins: bool = False) -> None:
        """`joins`: whether utterances have several clauses."""
        super().__init__()
        shared = Dropout(dropout, np.random.Generator(np.random.SFC64(seed)))
        self.extractor = Extractor(shape, shared)
        self.heads = Heads(shape, shared, joins=joins)
