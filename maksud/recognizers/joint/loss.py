"""How wrong the heads are about a batch of composed utterances: boundaries, intents, tags, choices.

Imports torch: import this module where training starts, not at the top of a light one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from maksud.recognizers.joint.augmentation import Utterance
from maksud.recognizers.joint.decoding import Segment
from maksud.recognizers.joint.network import Heads, tag_loss
from maksud.recognizers.joint.planning import Plan


def pad_rows(rows: Sequence[Sequence[int]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The rows as one array, filled up with 0."""
    out = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for k, row in enumerate(rows):
        out[k, : len(row)] = row
    return out


def batch_loss(
    heads: Heads,
    plan: Plan,
    batch: Sequence[Utterance],
    h: Tensor,
    alone: Tensor,
    mask: Tensor,
    label_smoothing: float,
) -> Tensor:
    """The sum over members of the mean loss of a clause.

    h, alone [M, B, T, D]: features of the batch's words in context and alone; mask [B, T, 1].
    """
    members = len(h)
    items = [i for u in batch for i in u.items]
    segments = [Segment(b, i, j) for b, u in enumerate(batch) for i, j in u.clauses]
    number = len(segments)
    loss = torch.zeros(())
    if plan.joins:
        loss = loss + boundary_loss(heads, plan, batch, h, mask) / number
    if number > len(batch):
        h, alone, mask = _cut_segments(h, alone, segments)
    intent = torch.tensor([i.intent for i in items])
    logits, tags, choices = heads(h, alone, mask)
    loss = loss + members * F.cross_entropy(
        logits.flatten(0, 1), intent.repeat(members), label_smoothing=label_smoothing
    )
    if plan.parameters:
        gold = torch.from_numpy(pad_rows([row for u in batch for row in u.tags]))
        scores = heads.emissions(tags, intent).flatten(0, 1)
        each = tag_loss(scores, gold.repeat(members, 1), mask[..., 0].repeat(members, 1))
        if all(i.tagged for i in items):
            loss = loss + each.sum() / number
        else:
            known = torch.tensor([float(i.tagged) for i in items])
            loss = loss + (each * known.repeat(members)).sum() / number
    if choices is not None:
        right = torch.tensor([i.choices for i in items])
        for k, choice in enumerate(plan.choices):
            scores = choices[..., choice.start : choice.stop].flatten(0, 1)
            if (right[:, k] >= 0).any():
                loss = loss + members * F.cross_entropy(scores, right[:, k].repeat(members))
    return loss


def boundary_loss(
    heads: Heads, plan: Plan, batch: Sequence[Utterance], h: Tensor, mask: Tensor
) -> Tensor:
    """The sum over all tokens but the first of how wrong the starts of clauses are.

    Training has a comma part wishes more seldom than it does in use: the scores there are made to
    say so by what is taken from them in training alone (logit adjustment: Menon et al., "Long-tail
    learning via logit adjustment", ICLR 2021).
    """
    first = torch.zeros(mask.shape[:2])
    for b, utterance in enumerate(batch):
        for start, _ in utterance.clauses:
            first[b, start] = 1
    inner = mask[..., 0].clone()
    inner[:, 0] = 0
    score = heads.boundaries(h, mask)
    if plan.comma_shortage:
        comma = pad_rows([u.types for u in batch]) == plan.comma
        comma[:, 1:2] = False  # "Great, turn it down": behind one word it seldom parts wishes
        score = score - plan.comma_shortage * torch.from_numpy(comma)
    each = F.binary_cross_entropy_with_logits(score, first.expand_as(score), reduction="none")
    out: Tensor = (each * inner).sum()
    return out


def _cut_segments(
    h: Tensor, alone: Tensor, segments: Sequence[Segment]
) -> tuple[Tensor, Tensor, Tensor]:
    """[M, B, T, D] -> [M, S, T', D] and its mask: a row for each segment."""
    size = max(s.stop - s.start for s in segments)
    rows = np.zeros((len(segments), size), np.int64)
    keep = np.zeros((len(segments), size), np.float32)
    for k, s in enumerate(segments):
        start, length = s.utterance * h.shape[2] + s.start, s.stop - s.start
        rows[k] = start
        rows[k, :length] = np.arange(start, start + length)
        keep[k, :length] = 1
    at = torch.from_numpy(rows.reshape(-1))
    mask = torch.from_numpy(keep)[..., None]
    cut = [
        x.flatten(1, 2).index_select(1, at).view(len(x), len(segments), size, -1) * mask
        for x in (h, alone)
    ]
    return cut[0], cut[1], mask
