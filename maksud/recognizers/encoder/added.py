"""Intents that a trained encoder recognizer was given afterwards, beside those of its network.

    clause -> vector -> how much likelier under a new intent than under all others -> log-odds

The network ranks what it was trained for; how likely a clause is of a new intent is told by its
vector (`space`), with weights that were fitted by leaving trained intents out (`adding`), so that
the log-odds are those of a probability and stand beside the network's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from maksud.errors import RunError
from maksud.recognizers.encoder.space import Classes, Describing, Space
from maksud.recognizers.joint.decoding import Floats, Ints
from maksud.recognizers.joint.tokens import tokenize

FORMAT = "maksud-added/1"
ABOUT = "added.json"
WEIGHTS = "added.safetensors"
MOST_ODDS = 5.0
"""The highest log-odds of a clause: about as sure as the network gets. So words that refuse a wish
still count beside them."""
LEAST_ODDS = -30.0


@dataclass(frozen=True)
class Odds:
    """How log-odds are made of likelihood ratios: to the likeliest trained intent, to anything.

    `found` and `taken`: with these weights, what share of the rows of an intent that was left out
    would have been found, and what share of all other rows would have been taken for it.
    """

    beside: float
    alone: float
    bias: float
    found: float
    taken: float


@dataclass(frozen=True)
class Entry:
    """A new intent: what a person said of it, and how its log-odds are made."""

    name: str
    description: str
    examples: tuple[str, ...]
    odds: Odds


class Added:
    """New intents of a run. Vectors are of the recognizer's `embed`; [N, D] are turned.

    `trained`: what is expected of the network's intents of the places `scoped`. `sums`, `texts`
    [N, D]: of each new intent, the sum of its examples' vectors, and its description's.
    """

    def __init__(
        self,
        space: Space,
        trained: Classes,
        scoped: Ints,
        describing: Describing,
        entries: Sequence[Entry],
        sums: Floats,
        texts: Floats,
    ) -> None:
        self.space, self.trained, self.scoped = space, trained, scoped
        self.describing = describing
        self.entries = tuple(entries)
        self.sums, self.texts = sums, texts
        counts = np.array([len(e.examples) for e in entries], np.float32)
        self._classes = space.classes(sums, counts, describing.told(texts))
        self._anything = space.anything()
        odds = [(e.odds.beside, e.odds.alone, e.odds.bias) for e in entries]
        self._beside, self._alone, self._bias = np.array(odds, np.float32).reshape(-1, 3).T

    @cached_property
    def examples(self) -> tuple[tuple[str, ...], ...]:
        """The words of all examples, in small letters."""
        texts = (text for entry in self.entries for text in entry.examples)
        return tuple(tuple(t.text for t in tokenize(text)) for text in texts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the new intents, in order."""
        return tuple(e.name for e in self.entries)

    def log_odds(self, vectors: Floats, closed: Floats | None = None) -> Floats:
        """Log-odds of each new intent against all that is not new, [S, N], of clauses [S, D].

        `closed` [S, I] or [I]: below 0 for intents of the network that can't be meant.
        """
        z = self.space.turned(vectors)
        own = self._classes.log_likelihoods(z)
        others = self.trained.log_likelihoods(z)
        anything = self._anything.log_likelihoods(z)
        if closed is not None:
            others = np.where(closed[..., self.scoped] < 0, -np.inf, others)
        best = np.maximum(others.max(1, keepdims=True), anything)
        out = self._beside * (own - best) + self._alone * (own - anything) + self._bias
        # Lowered together, so that new intents keep their order.
        out -= np.maximum(0, out.max(1, keepdims=True) - MOST_ODDS)
        bounded: Floats = np.maximum(out, LEAST_ODDS)
        return bounded

    def without(self, name: str) -> Added | None:
        """The same without one new intent; None where it was the only one."""
        kept = [k for k, e in enumerate(self.entries) if e.name != name]
        return self._of([self.entries[k] for k in kept], self.sums[kept], self.texts[kept])

    def beside(self, other: Added) -> Added:
        """The same with the new intents of another of the same run."""
        return replace_entries(
            self,
            (*self.entries, *other.entries),
            np.concatenate([self.sums, other.sums]),
            np.concatenate([self.texts, other.texts]),
        )

    def _of(self, entries: Sequence[Entry], sums: Floats, texts: Floats) -> Added | None:
        return replace_entries(self, entries, sums, texts) if entries else None

    # ------------------------------------------------------------ files

    def save(self, place: Path) -> None:
        """Writes the two files into a run's directory."""
        from safetensors.numpy import save_file

        tensors = {
            "space.center": self.space.center,
            "space.turn": self.space.turn,
            "space.between": self.space.between,
            "trained.mean": self.trained.mean,
            "trained.variance": self.trained.variance,
            "trained.places": self.scoped.astype(np.int32),
            "describing.slope": self.describing.slope,
            "describing.offset": self.describing.offset,
            "describing.variance": self.describing.variance,
            "new.sums": self.sums,
            "new.texts": self.texts,
        }
        content = {"format": FORMAT, "intents": [asdict(e) for e in self.entries]}
        written = {k: np.ascontiguousarray(v) for k, v in tensors.items()}
        save_file(written, str(place / WEIGHTS))
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        (place / ABOUT).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, place: Path, intents: int, dim: int) -> Added | None:
        """The new intents of a run whose network has so many intents and vectors of width `dim`;
        None where it has none. Raises `RunError` for files that can't be used."""
        if not (place / ABOUT).is_file():
            return None
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            content = json.loads((place / ABOUT).read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']!r}, expected {FORMAT!r}")
            entries = [_read_entry(e) for e in content["intents"]]
            t: dict[str, Any] = load_file(str(place / WEIGHTS))
            return cls._fitting(t, entries, intents, dim)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
            raise RunError(
                f"the intents that were added can't be read ({error})",
                where=str(place / ABOUT),
                hint="Restore the file, or add them again",
            ) from error

    @classmethod
    def _fitting(cls, t: dict[str, Any], entries: Sequence[Entry], intents: int, dim: int) -> Added:
        places = t["trained.places"].astype(np.int64)
        shapes = {
            "space.center": (dim,),
            "space.turn": (dim, dim),
            "space.between": (dim,),
            "trained.mean": (len(places), dim),
            "trained.variance": (len(places), dim),
            "describing.slope": (dim,),
            "describing.offset": (dim,),
            "describing.variance": (dim,),
            "new.sums": (len(entries), dim),
            "new.texts": (len(entries), dim),
        }
        for name, shape in shapes.items():
            if t[name].shape != shape:
                raise ValueError(f"{name} is {t[name].shape}, expected {shape}")
            if not np.isfinite(t[name]).all() or ("var" in name and (t[name] <= 0).any()):
                raise ValueError(f"{name} holds what is no number")
        if not entries or not len(places) or places.min() < 0 or places.max() >= intents:
            raise ValueError("it speaks of intents that are not there")
        return cls(
            Space(t["space.center"], t["space.turn"], t["space.between"]),
            Classes(t["trained.mean"], t["trained.variance"]),
            places,
            Describing(*(t[f"describing.{name}"] for name in ("slope", "offset", "variance"))),
            entries,
            t["new.sums"],
            t["new.texts"],
        )


def replace_entries(added: Added, entries: Sequence[Entry], sums: Floats, texts: Floats) -> Added:
    """The same space with other new intents."""
    return Added(added.space, added.trained, added.scoped, added.describing, entries, sums, texts)


def _read_entry(content: Any) -> Entry:
    """An entry from `Added.save`; `KeyError`, `TypeError` or `ValueError` for another."""
    odds = Odds(**{name: float(value) for name, value in content["odds"].items()})
    if not all(map(np.isfinite, asdict(odds).values())):
        raise ValueError("odds that are no numbers")
    return Entry(
        str(content["name"]),
        str(content["description"]),
        tuple(map(str, content["examples"])),
        odds,
    )
