"""Makes a new intent for a trained encoder recognizer: from a description and a few examples.

How sure one can be of an intent that is known by so little is measured on the run itself: trained
intents are left out by turns, and known by as many of their labelled clauses as the new one has
examples, and by their names. What their other clauses and those of all other intents look like
then is what a logistic regression learns from. Seconds; nothing is trained.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maksud.errors import InputError, RunError
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog import Intent
from maksud.recognizers.encoder.added import Added, Entry, Odds
from maksud.recognizers.encoder.recognizer import EncoderRecognizer
from maksud.recognizers.encoder.space import Classes, Describing, Space
from maksud.recognizers.joint.decoding import Floats, Ints

TURNS = 60
"""Intents that are left out by turns, at most."""
FOUND = 20
"""Clauses of an intent that is left out that should be found, at most."""
OTHERS = 200
"""Clauses of other intents that should not be taken for it, a turn."""
OUTSIDE = 0.05
"""Share of what is out of scope, where labelled clauses of it are kept."""
FOLDS = 4
"""Parts in which intents are left out."""
FEWEST = 3
"""Intents with two clauses at least without which nothing can be left out."""


def describe(name: str, description: str) -> list[str]:
    """The texts that say what an intent is: its name in words, and its description."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = " ".join(re.split(r"[\W_]+", words)).strip().lower()
    return [text for text in (words, description.strip()) if text]


class Workshop:
    """What a recognizer's labelled clauses show of its intents, turned into their `Space`.

    `rows` [N, D] are their vectors, `owner` [N] their intents, counted among those of `places`.
    """

    def __init__(self, recognizer: EncoderRecognizer, seed: int = 0) -> None:
        """Raises `RunError` where too few clauses are kept to leave intents out."""
        self.recognizer = recognizer
        self.seed = seed
        begin, vectors = recognizer.near.begin, recognizer.near.vectors
        names = recognizer.intents[: recognizer.trained]
        self.places = np.array(
            [i for i, name in enumerate(names) if name != OUT_OF_SCOPE and begin[i + 1] > begin[i]],
            np.int64,
        )
        sizes = [begin[i + 1] - begin[i] for i in self.places]
        if sum(n >= 2 for n in sizes) < FEWEST:
            raise self._too_few()
        self.rows = np.concatenate([vectors[begin[i] : begin[i + 1]] for i in self.places])
        self.owner = np.repeat(np.arange(len(sizes)), sizes)
        self.outside = np.zeros((0, self.rows.shape[1]), np.float32)
        if OUT_OF_SCOPE in names:
            at = names.index(OUT_OF_SCOPE)
            self.outside = vectors[begin[at] : begin[at + 1]]
        known = recognizer.contract.catalog
        self.texts = np.stack(
            [self._embed(known.get(names[i]) or Intent(names[i])) for i in self.places]
        )
        self.whole = Known.of(self.rows, self.owner, self.texts)

    def add(self, intent: Intent, examples: Sequence[str], odds: Odds | None = None) -> Added:
        """What the recognizer needs to know of one new intent.

        `odds`: those of so many examples, where they are known already. Raises `InputError` for
        an example without a word.
        """
        known = self.whole
        sums = np.zeros((1, self.rows.shape[1]), np.float32)
        if examples:
            vectors = self.recognizer.embed(
                [self.recognizer.contract.read(e).text for e in examples]
            )
            for text, vector in zip(examples, vectors, strict=True):
                if not vector.any():
                    raise InputError(f"example {text[:40]!r} has no word", hint="Leave it out")
            sums = known.space.turned(vectors).sum(0, keepdims=True)
        odds = odds or self.odds(len(examples))
        entry = Entry(intent.name, intent.description, tuple(examples), odds)
        told = known.space.turned(self._embed(intent)[None])
        return Added(known.space, known.classes, self.places, known.describing, [entry], sums, told)

    def odds(self, examples: int) -> Odds:
        """How log-odds are made for an intent of which so many examples are known.

        In each fold some intents are left out, and rows of all others: what is asked has no part
        in the space that it is judged in, as what people will say has none.
        """
        rng = np.random.default_rng(self.seed)
        many = self.owner.max() + 1
        usable = np.flatnonzero(np.bincount(self.owner) >= 2)
        order = rng.permutation(usable)[:TURNS]
        found = _Seen()
        for fold in range(min(FOLDS, len(order))):
            left_out = order[fold::FOLDS]
            stays = ~np.isin(self.owner, left_out)
            asked = stays & _some(self.owner, rng)
            shown_rows = stays & ~asked
            if not asked.any() or not _fits(self.owner[shown_rows]):
                continue
            known = Known.of(self.rows[shown_rows], self.owner[shown_rows], self.texts)
            others = known.space.turned(self.rows[asked])
            outside = known.space.turned(self.outside)
            for intent in left_out:
                rows = rng.permutation(np.flatnonzero(self.owner == intent))
                shown = min(examples, len(rows) - 1)
                z = known.space.turned(self.rows[rows[: shown + FOUND]])
                told = known.describing.told(known.space.turned(self.texts[intent][None]))
                sums = z[:shown].sum(0, keepdims=True)
                new = known.space.classes(sums, np.array([shown], np.float32), told)
                picked = rng.permutation(len(others))[:OTHERS]
                # Each intent is asked for as often as another, what is out of scope now and then.
                found.see(known.ratios(z[shown:], new), 1.0, 1.0)
                found.see(known.ratios(others[picked], new), 0.0, float(many))
                found.see(known.ratios(outside, new), 0.0, OUTSIDE * many)
        if not found.wanted:
            raise self._too_few()
        return found.fit()

    def _too_few(self) -> RunError:
        known = int(len(self.places))
        return RunError(
            f"knows {known} intents by their examples: at least {FEWEST} with two each, and more "
            "of some, are needed to tell how sure one can be of a new one",
            where=self.recognizer.name,
            hint="Write rows of the new intent and train again",
        )

    def _embed(self, intent: Intent) -> Floats:
        """The vector of what is said of an intent, of length 1."""
        texts = describe(intent.name, intent.description)
        read = [self.recognizer.contract.read(t).text for t in texts]
        mean = self.recognizer.embed(read).mean(0)
        out: Floats = mean / max(1e-9, float(np.linalg.norm(mean)))
        return out


@dataclass(frozen=True)
class Known:
    """A space, and what is expected in it of the intents whose rows it was fitted on."""

    space: Space
    classes: Classes
    describing: Describing

    @classmethod
    def of(cls, rows: Floats, owner: Ints, texts: Floats) -> Known:
        """Of rows [N, D] and the texts [C, D] of all intents, of which some may have no row."""
        space = Space.fit(rows, owner.tolist())
        z = space.turned(rows)
        counts = np.bincount(owner, minlength=len(texts)).astype(np.float32)
        sums = np.zeros((len(texts), z.shape[1]), np.float32)
        np.add.at(sums, owner, z)
        seen = counts > 0
        middles = (sums[seen] / counts[seen, None]).astype(np.float32)
        describing = Describing.fit(space.turned(texts[seen]), middles)
        return cls(space, space.classes(sums[seen], counts[seen]), describing)

    def ratios(self, z: Floats, new: Classes) -> Floats:
        """Log-likelihood ratios of a new intent to the likeliest other and to anything, [N, 2]."""
        own = new.log_likelihoods(z)[:, 0]
        anything = self.space.anything().log_likelihoods(z)[:, 0]
        rest = np.maximum(self.classes.log_likelihoods(z).max(1), anything)
        out: Floats = np.stack([own - rest, own - anything], 1)
        return out


class _Seen:
    """What was asked of intents that were left out, and whether it was theirs."""

    def __init__(self) -> None:
        self.ratios: list[Floats] = []
        self.wanted: list[float] = []
        self.weight: list[float] = []

    def see(self, ratios: Floats, wanted: float, weight: float) -> None:
        """Adds ratios [N, 2] that count so much together."""
        self.ratios.append(ratios)
        self.wanted += [wanted] * len(ratios)
        self.weight += [weight / max(1, len(ratios))] * len(ratios)

    def fit(self) -> Odds:
        """The odds that a logistic regression learns."""
        return _fit(np.concatenate(self.ratios), np.array(self.wanted), np.array(self.weight))


def _fits(owner: Ints) -> bool:
    """Whether a space can be fitted on rows of these intents."""
    counts = np.bincount(owner)
    return bool((counts > 0).sum() >= 2 and counts.max() >= 2)


def _some(owner: Ints, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A third of the rows of each intent, at random; none of one that has but one or two."""
    out = np.zeros(len(owner), np.bool_)
    for intent in np.unique(owner):
        rows = rng.permutation(np.flatnonzero(owner == intent))
        out[rows[: len(rows) // 3]] = True
    return out


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
