"""The loops: heads on features that were computed once, then the encoder tuned with them.

Heads that begin at random would first bend a pretrained encoder out of shape: they are trained
before it (linear probing, then fine-tuning: Kumar et al. 2022). Imports torch: import this module
where training starts, not at the top of a light one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maksud.errors import DataError
from maksud.progress import OnProgress, Progress
from maksud.recognizers.encoder.network import Encoder, Network, mean_of_pieces
from maksud.recognizers.encoder.pieces import Pieces, Row
from maksud.recognizers.encoder.settings import EncoderSettings
from maksud.recognizers.joint.augmentation import Utterance, Variation, compose_batches
from maksud.recognizers.joint.loss import batch_loss
from maksud.recognizers.joint.network import Heads
from maksud.recognizers.joint.planning import Plan
from maksud.recognizers.language_model.precision import arithmetic, choose_precision

WARM_UP = 0.1
"""Share of the steps in which the learning rate rises."""

INVERSE_PENALTY = 0.3
"""Of the logistic regression: how much the losses count beside half the squared weights."""
FEW = 50
"""Clauses an intent under which intents are a regression's, which stays while other heads are
trained; with more they are trained with them, from random numbers."""
MOST_ROWS = 20_000
"""Clauses that it learns from."""

_SHOWN = 6
"""Words of a clause that is too long, by which its row is found."""

Extract = Callable[[Sequence[Row]], tuple[Tensor, Tensor]]
"""Utterances in pieces to (features of words [B, T, D] as they are, mask [B, T, 1])."""


@dataclass
class Prepared:
    """A batch and what was computed of it once.

    `features` [1, B, T, R D]: those of words, standard, of the encoder as it was, in half
    precision.
    """

    batch: list[Utterance]
    features: Tensor
    mask: Tensor


class Composer:
    """Composes batches of a plan, none of an utterance that the encoder can't read at once."""

    def __init__(
        self, plan: Plan, pieces: Pieces, longest: int, s: EncoderSettings, rng: random.Random
    ) -> None:
        self.plan = plan
        self.pieces = pieces
        self.words = ["", *plan.words]
        self.sizes = [0, *(len(pieces.ids(word)) for word in plan.words)]
        self.room = longest - len(pieces.begin) - len(pieces.end)
        self.variation = Variation.of(s)
        self.size = s.batch_size
        self.rng = rng
        for clause in plan.corpus.clauses:
            if sum(len(pieces.ids(word)) for word in clause.words) > self.room:
                begin = " ".join(clause.words[:_SHOWN])
                plan.corpus.skip("longer than the encoder reads at once in training", f"{begin} …")

    def compose(self) -> list[list[Utterance]]:
        """An epoch of batches."""
        batches = compose_batches(self.plan, self.variation, self.size, self.rng)
        kept = [[u for u in b if self._size(u) <= self.room] for b in batches]
        if not any(kept):
            raise DataError(
                f"all rows are longer than the {self.room} pieces that the encoder reads at once",
                hint="Shorten them, or take an encoder that reads more",
            )
        return [b for b in kept if b]

    def _size(self, utterance: Utterance) -> int:
        return sum(self.sizes[t] for t in utterance.types)

    def rows_of(self, batch: Sequence[Utterance]) -> list[Row]:
        """A batch's utterances in pieces."""
        return [self.pieces.row([self.words[t] for t in u.types]) for u in batch]


def prepare(
    views: Sequence[Sequence[list[Utterance]]],
    composer: Composer,
    encoder: Encoder,
    extract: Extract | None,
    tell: OnProgress,
) -> list[Prepared]:
    """The batches of all views with their features, which are made standard by the first view.

    `extract`: None takes the encoder's own features.
    """
    out: list[Prepared] = []
    total = sum(map(len, views))
    for number, view in enumerate(views):
        made = []
        for batch in view:
            rows = composer.rows_of(batch)
            if extract is not None:
                words, mask = extract(rows)
            else:
                vectors, present = (torch.from_numpy(x) for x in composer.pieces.batch(rows))
                with torch.no_grad():
                    read = encoder.upper(encoder.lower(vectors, present, 0), present, 0).cpu()
                words, mask = mean_of_pieces(read, rows)
            made.append(Prepared(batch, words, mask))
            text = "reading the data with the encoder as it is"
            tell(Progress("encode", (len(out) + len(made)) / total, text))
        if number == 0:
            encoder.standardise(torch.cat([p.features[p.mask[..., 0] > 0] for p in made]))
        for p in made:
            p.features = encoder.standard(p.features, p.mask).half()
        out += made
    return out


def fit_intents(heads: Heads, plan: Plan, prepared: Sequence[Prepared]) -> None:
    """Sets what intents are told apart by: a logistic regression on the mean of a clause's words.

    Trained step by step with the other heads it would learn few rows by heart: with ten rows an
    intent of SNIPS that cost 20 points of intents.
    """
    from maksud.recognizers.joint.linear_training import fit_logistic

    pooled, intents = [], []
    for p in prepared:
        for b, utterance in enumerate(p.batch):
            for (first, last), item in zip(utterance.clauses, utterance.items, strict=True):
                pooled.append(p.features[0, b, first:last].float().mean(0).numpy())
                intents.append(item.intent)
        if len(pooled) >= MOST_ROWS:
            break
    if len(set(intents)) < 2:
        return
    count = len(plan.intents)
    weights, bias = fit_logistic(np.stack(pooled), intents, count, INVERSE_PENALTY, 200)
    dim = len(weights)
    with torch.no_grad():
        heads.attend.zero_()  # all words count alike
        heads.intent.weight.zero_()
        heads.intent.weight[0, dim : 2 * dim] = torch.from_numpy(weights)
        heads.intent.bias[0, 0] = torch.from_numpy(bias)


def fit_heads(
    heads: Heads,
    plan: Plan,
    prepared: Sequence[Prepared],
    epochs: int,
    s: EncoderSettings,
    rng: random.Random,
    tell: OnProgress,
) -> float:
    """Trains heads on features that stay as they are; the last pass' mean loss."""
    moved = list(heads.parameters())
    if len(plan.items) < FEW * len(plan.intents):
        fit_intents(heads, plan, prepared)
        settled = (*heads.intent.parameters(), heads.attend)
        moved = [p for p in moved if all(p is not q for q in settled)]
    optimizer = torch.optim.AdamW(
        moved, lr=s.head_rate, betas=(0.9, 0.98), weight_decay=s.weight_decay,
        fused=True,
    )  # fmt: skip
    total = max(1, epochs * len(prepared))
    step, mean = 0, 0.0
    heads.train()
    for epoch in range(epochs):
        losses = []
        for p in rng.sample(prepared, len(prepared)):
            for group in optimizer.param_groups:
                group["lr"] = s.head_rate * share_of_rate(step / total)
            h = p.features.float()
            loss = batch_loss(heads, plan, p.batch, h, h, p.mask, s.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(moved, 5.0)
            optimizer.step()
            step += 1
            losses.append(float(loss.detach()))
        mean = sum(losses) / len(losses)
        text = f"pass {epoch + 1} of {epochs}, loss {mean:.3f}"
        tell(Progress("heads", (epoch + 1) / epochs, text, {"loss": mean}))
    heads.eval()
    return mean


def fine_tune(
    network: Network,
    plan: Plan,
    composer: Composer,
    s: EncoderSettings,
    tell: OnProgress,
) -> float:
    """Tunes the upper layers and the heads together; the last epoch's mean loss.

    Each epoch reads the data composed anew.
    """
    encoder = network.encoder
    precision = choose_precision(s.precision, encoder.device)
    groups = _groups(network, s)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
    moved = [p for group in groups for p in group["params"]]
    mean, done = 0.0, 0
    started = reported = time.monotonic()
    network.train()
    for epoch in range(s.epochs):
        batches = composer.compose()
        losses: list[float] = []
        for batch in batches:
            share = (epoch + len(losses) / len(batches)) / s.epochs
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * share_of_rate(share)
            rows = composer.rows_of(batch)
            vectors, present = (torch.from_numpy(x) for x in composer.pieces.batch(rows))
            with arithmetic(precision, encoder.device):
                hidden = encoder.lower(vectors, present, s.frozen_layers)
                read = encoder.upper(hidden, present, s.frozen_layers)
            words, mask = mean_of_pieces(read.cpu(), rows)
            h = encoder.standard(words, mask)
            loss = batch_loss(network.heads, plan, batch, h, h, mask, s.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(moved, 1.0)
            optimizer.step()
            done += len(batch)
            losses.append(float(loss.detach()))
            now = time.monotonic()
            if now - reported > 0.5:
                reported = now
                text = f"epoch {epoch + 1} of {s.epochs}, loss {losses[-1]:.3f}"
                text += f", {done / (now - started):.0f} rows/s"
                tell(Progress("train", share, text, {"loss": losses[-1]}))
        mean = sum(losses) / len(losses)
        text = f"epoch {epoch + 1} of {s.epochs}, loss {mean:.3f}"
        tell(Progress("train", (epoch + 1) / s.epochs, text, {"loss": mean}))
    network.eval()
    return mean


def share_of_rate(done: float) -> float:
    """Linear warm-up, then linear decay, over the share of the steps that is done."""
    return min(1.0, done / WARM_UP + 1e-3) * (1 - max(0.0, done - WARM_UP) / (1 - WARM_UP))


def _groups(network: Network, s: EncoderSettings) -> list[dict[str, Any]]:
    """Parameters with their peak rates: each layer's a share of the one above, the heads' own."""
    model = network.encoder.model
    layers = list(model.encoder.layer)
    groups: list[dict[str, Any]] = []
    for k, layer in enumerate(layers[s.frozen_layers :], start=s.frozen_layers):
        rate = s.learning_rate * s.layer_decay ** (len(layers) - 1 - k)
        own = list(layer.parameters())
        groups.append({"params": own, "peak": rate, "weight_decay": s.weight_decay})
    settled = [*network.heads.intent.parameters(), network.heads.attend]
    others = [p for p in network.heads.parameters() if all(p is not q for q in settled)]
    groups.append({"params": settled, "peak": s.learning_rate, "weight_decay": s.weight_decay})
    groups.append({"params": others, "peak": s.head_rate, "weight_decay": s.weight_decay})
    for group in groups:
        group["lr"] = group["peak"]
    return groups
