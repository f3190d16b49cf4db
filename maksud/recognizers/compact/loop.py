"""The loop: batches in, a trained network with averaged weights out.

Imports torch: import this module where training starts, not at the top of a light one.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from maksud.progress import OnProgress, Progress
from maksud.recognizers.compact.features import UNKNOWN
from maksud.recognizers.compact.network import Extractor, Network, Shape
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.compact.words import WordTable
from maksud.recognizers.joint.augmentation import Utterance, Variation, compose_batches
from maksud.recognizers.joint.choices import width_of
from maksud.recognizers.joint.loss import batch_loss, pad_rows
from maksud.recognizers.joint.planning import Plan

WARM_UP = 0.15
"""Share of the steps in which the learning rate rises."""


def fit(
    plan: Plan, words: WordTable, s: CompactSettings, seed: int, progress: OnProgress | None
) -> tuple[Network, float]:
    """The trained network (averaged weights) and the last epoch's mean loss.

    `s` is resolved. Deterministic for a seed and a number of threads.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)
    noise = np.random.Generator(np.random.SFC64(seed + 1))
    network = Network(_shape(plan, words, s), s.dropout, seed, joins=plan.joins)
    network.heads.allowed.copy_(torch.from_numpy(plan.tag_penalties()))
    params = list(network.parameters())
    tables = [network.extractor.word, network.extractor.gram]
    dense = [p for p in params if p.requires_grad]
    optimizer = torch.optim.AdamW(
        dense,
        lr=s.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=s.weight_decay,
        fused=True,
    )
    average = [p.detach().clone() for p in params]
    variation = Variation.of(s)
    batches = compose_batches(plan, variation, s.batch_size, rng)
    total = len(batches) * s.epochs
    step, mean, reported = 0, 0.0, time.monotonic()
    network.train()
    for epoch in range(s.epochs):
        if epoch:
            batches = compose_batches(plan, variation, s.batch_size, rng)
        losses = []
        for batch in batches:
            rate = s.learning_rate * _share_of_rate(min(1.0, step / total))
            for group in optimizer.param_groups:
                group["lr"] = rate + 1e-6
            h, alone, mask = _features(network.extractor, words, batch, s, noise)
            loss = batch_loss(network.heads, plan, batch, h, alone, mask, s.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            moved = [*dense, *(t.taken for t in tables if t.taken is not None)]
            torch.nn.utils.clip_grad_norm_(moved, 5.0 * math.sqrt(s.members))
            optimizer.step()
            step += 1
            for table in tables:
                table.step(rate, s.weight_decay, 0.98, step)
            losses.append(float(loss.detach()))
            if step % 4 == 0:
                keep = min(0.998, step / (step + 40)) ** 4
                torch._foreach_lerp_(average, [p.detach() for p in params], 1 - keep)
            if progress is not None and time.monotonic() - reported > 0.5:
                reported = time.monotonic()
                loss = losses[-1] / s.members
                text = f"epoch {epoch + 1} of {s.epochs}, loss {loss:.3f}"
                progress(Progress("train", min(1.0, step / total), text, {"loss": loss}))
        mean = sum(losses) / len(losses) / s.members
        if progress is not None:
            text = f"epoch {epoch + 1} of {s.epochs}, loss {mean:.3f}"
            progress(Progress("train", (epoch + 1) / s.epochs, text, {"loss": mean}))
    with torch.no_grad():
        if step >= 8:
            for p, q in zip(params, average, strict=True):
                p.copy_(q)
    network.eval()
    return network, mean


def _shape(plan: Plan, words: WordTable, s: CompactSettings) -> Shape:
    return Shape(
        members=s.members,
        words=len(words.vocabulary),
        buckets=s.buckets,
        word_dim=s.word_dim,
        gram_dim=s.word_dim,
        dim=s.dim,
        heads=4,
        convolutions=s.convolutions,
        intents=len(plan.intents),
        parameters=len(plan.parameters),
        choices=width_of(plan.choices),
    )


def _share_of_rate(done: float) -> float:
    """Linear warm-up, then linear decay, over the share of the steps that is done."""
    return min(1.0, done / WARM_UP) * (1 - max(0.0, done - WARM_UP) / (1 - WARM_UP))


def _features(
    extractor: Extractor,
    table: WordTable,
    batch: Sequence[Utterance],
    s: CompactSettings,
    noise: np.random.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """(features in context [M, B, T, D], of the words alone, mask [B, T, 1]) with words hidden.

    Rare words are hidden more often; now and then the spelling is hidden instead. A word type
    is computed once for each way in which it is read.
    """
    tokens = pad_rows([u.types for u in batch])
    chance = s.hide / (s.hide + table.counts[tokens]) + 0.02
    hidden = np.less(noise.random(tokens.shape), chance)
    unspelled = np.less(noise.random(tokens.shape), 0.02)
    if s.veil:
        labels = pad_rows([[tag for row in u.tags for tag in row] for u in batch])
        veil = (labels > 0) & (noise.random(tokens.shape) < s.veil)
        hidden |= veil
        unspelled |= veil
    ways, place = np.unique(tokens * 4 + hidden * 2 + unspelled, return_inverse=True)
    place = place.reshape(tokens.shape)
    types = ways // 4
    ids = np.where((ways & 2 > 0) & (types > 0), UNKNOWN, table.ids[types])
    scale = table.scale[types] * (ways & 1 == 0)
    mask = torch.from_numpy((tokens > 0).astype(np.float32))[..., None]
    h, alone = extractor(
        torch.from_numpy(ids),
        torch.from_numpy(table.grams[types]),
        torch.from_numpy(scale.astype(np.float32)),
        torch.from_numpy(place),
        mask,
    )
    return h, alone, mask
