"""Makes a new intent for a trained encoder recognizer: from a description and a few examples.

How sure one can be of an intent that is known by so little is measured on the run itself: trained
intents are left out by turns, and known by as many of their labelled clauses as the new one has
examples, and by their names. What their other clauses and those of all other intents look like
then is what a logistic regression learns from. Seconds; nothing is trained.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from maksud.errors import InputError, RunError
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog import Catalog, Intent
from maksud.recognizers.encoder.added import Added, Entry, Odds
from maksud.recognizers.encoder.recognizer import EncoderRecognizer
from maksud.recognizers.encoder.space import Classes, Describing, Space
from maksud.recognizers.joint.decoding import Floats

TURNS = 60
"""Intents that are left out by turns, at most."""
FOUND = 20
"""Clauses of an intent that is left out that should be found, at most."""
OTHERS = 200
"""Clauses of other intents that should not be taken for it, a turn."""
OUTSIDE = 0.05
"""Share of what is out of scope, where labelled clauses of it are kept."""
FEWEST = 3
"""Intents with two clauses at least without which nothing can be left out."""


def describe(name: str, description: str) -> list[str]:
    """The texts that say what an intent is: its name in words, and its description."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = " ".join(re.split(r"[\W_]+", words)).strip().lower()
    return [text for text in (words, description.strip()) if text]


class Workshop:
    """What a recognizer's labelled clauses show of its intents, turned into its `Space`."""

    def __init__(self, recognizer: EncoderRecognizer, seed: int = 0) -> None:
        """Raises `RunError` where too few clauses are kept to leave intents out."""
        self.recognizer = recognizer
        self.seed = seed
        begin, vectors = recognizer.near.begin, recognizer.near.vectors
        names = recognizer.intents[: recognizer.trained]
        places = [i for i, name in enumerate(names) if name != OUT_OF_SCOPE]
        self.places = np.array([i for i in places if begin[i + 1] > begin[i]], np.int64)
        sizes = [begin[i + 1] - begin[i] for i in self.places]
        if sum(n >= 2 for n in sizes) < FEWEST:
            raise RunError(
                f"knows {len(sizes)} intents by their examples: at least {FEWEST} with two each "
                "are needed to tell how sure one can be of a new one",
                where=recognizer.name,
                hint="Write rows of the new intent and train again",
            )
        kept = np.concatenate([vectors[begin[i] : begin[i + 1]] for i in self.places])
        self.owner = np.repeat(np.arange(len(sizes)), sizes)
        self.space = Space.fit(kept, self.owner.tolist())
        self.z = self.space.turned(kept)
        self.counts = np.array(sizes, np.float32)
        self.sums = np.zeros((len(sizes), self.z.shape[1]), np.float32)
        np.add.at(self.sums, self.owner, self.z)
        self.trained = self.space.classes(self.sums, self.counts)
        outside = np.zeros((0, self.z.shape[1]), np.float32)
        if OUT_OF_SCOPE in names:
            at = names.index(OUT_OF_SCOPE)
            outside = self.space.turned(vectors[begin[at] : begin[at + 1]])
        self.outside = outside
        known = recognizer.contract.catalog
        self.texts = np.stack([self._text(_declared(known, names[i])) for i in self.places])
        self.describing = Describing.fit(self.texts, self.sums / self.counts[:, None])

    def add(self, intent: Intent, examples: Sequence[str]) -> Added:
        """What the recognizer needs to know of one new intent.

        Raises `InputError` for an example without a word.
        """
        read = [self.recognizer.contract.read(e).text for e in examples]
        vectors = self.recognizer.embed(read)
        for text, vector in zip(examples, vectors, strict=True):
            if not vector.any():
                raise InputError(f"example {text[:40]!r} has no word", hint="Leave it out")
        turned = self.space.turned(vectors) if len(read) else np.zeros((0, self.z.shape[1]))
        entry = Entry(intent.name, intent.description, tuple(examples), self.odds(len(read)))
        return Added(
            self.space,
            self.trained,
            self.places,
            self.describing,
            [entry],
            turned.sum(0, keepdims=True).astype(np.float32),
            self._text(intent)[None],
        )

    def odds(self, examples: int) -> Odds:
        """How log-odds are made for an intent of which so many examples are known."""
        rng = np.random.default_rng(self.seed)
        own, of_outside = self._without_itself(), self.trained.log_likelihoods(self.outside)
        features, wanted, weight = [], [], []
        many = len(self.counts)
        usable = np.flatnonzero(self.counts >= 2)
        for left_out in rng.permutation(usable)[:TURNS]:
            rows = rng.permutation(np.flatnonzero(self.owner == left_out))
            shown = min(examples, len(rows) - 1)
            asked, used = rows[shown : shown + FOUND], rows[:shown]
            told = self.describing.told(self.texts[left_out][None])
            sums = self.z[used].sum(0, keepdims=True)
            new = self.space.classes(sums, np.array([shown], np.float32), told)
            rest = np.flatnonzero(self.owner != left_out)
            others = rng.choice(rest, min(OTHERS, len(rest)), replace=False)
            both = np.concatenate([asked, others])
            features.append(self._ratios(self.z[both], new, own[both], left_out))
            features.append(self._ratios(self.outside, new, of_outside, left_out))
            wanted += [1.0] * len(asked) + [0.0] * (len(others) + len(self.outside))
            # Each intent is asked for as often as another, what is out of scope now and then.
            weight += [1 / len(asked)] * len(asked) + [many / len(others)] * len(others)
            weight += [OUTSIDE * many / max(1, len(self.outside))] * len(self.outside)
        return _fit(np.concatenate(features), np.array(wanted), np.array(weight))

    def _without_itself(self) -> Floats:
        """log p of each labelled clause under each intent, as if it were not labelled itself."""
        out = self.trained.log_likelihoods(self.z)
        less = self.space.classes(
            self.sums[self.owner] - self.z, np.maximum(self.counts[self.owner] - 1, 0)
        )
        apart = (self.z - less.mean) ** 2 / less.variance + np.log(less.variance)
        out[np.arange(len(out)), self.owner] = -0.5 * apart.sum(1)
        return out

    def _ratios(self, z: Floats, new: Classes, others: Floats, left_out: int) -> Floats:
        """Log-likelihood ratios of a new intent to the likeliest other and to anything, [N, 2]."""
        own = new.log_likelihoods(z)[:, 0]
        anything = self.space.anything().log_likelihoods(z)[:, 0]
        rest = np.delete(others, left_out, 1).max(1)
        out: Floats = np.stack([own - np.maximum(rest, anything), own - anything], 1)
        return out

    def _text(self, intent: Intent) -> Floats:
        """The turned vector of what is said of an intent."""
        texts = [
            self.recognizer.contract.read(t).text for t in describe(intent.name, intent.description)
        ]
        mean = self.recognizer.embed(texts).mean(0)
        out: Floats = self.space.turned(mean / max(1e-9, float(np.linalg.norm(mean))))
        return out


def _declared(catalog: Catalog, name: str) -> Intent:
    return catalog.get(name) or Intent(name)


def _fit(features: Floats, wanted: Any, weight: Any) -> Odds:
    """The weights of both ratios, none below 0, and the bias."""
    weight = weight / weight[wanted > 0].mean()
    used = [0, 1]
    w, bias = _logistic(features.astype(np.float64), wanted, weight)
    if w.min() < 0:
        used = [int(w.argmax())]
        w, bias = _logistic(features[:, used].astype(np.float64), wanted, weight)
    whole = np.zeros(2)
    whole[used] = np.maximum(w, 0)
    sure = features @ whole + bias > 0
    found = float(sure[wanted > 0].mean())
    taken = float(np.average(sure[wanted == 0], weights=weight[wanted == 0]))
    return Odds(float(whole[0]), float(whole[1]), float(bias), found, taken)


def _logistic(x: Any, wanted: Any, weight: Any) -> tuple[Any, float]:
    """Logistic regression, hardly penalised, by Newton's method: (weights, bias)."""
    scale = np.maximum(x.std(0), 1e-9)
    table = np.hstack([x / scale, np.ones((len(x), 1))])
    ridge = np.diag([1.0] * x.shape[1] + [1e-6])
    c = np.zeros(table.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(table @ c, -40, 40)))
        gradient = table.T @ (weight * (p - wanted)) + ridge @ c
        curved = (table.T * np.maximum(weight * p * (1 - p), 1e-9)) @ table + ridge
        step = np.clip(np.linalg.solve(curved, gradient), -2, 2)
        c -= step
        if np.abs(step).max() < 1e-6:
            break
    return c[:-1] / scale, float(c[-1])
