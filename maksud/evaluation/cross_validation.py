"""The opinion on each row of networks that were trained without it.

Near-identical rows stay in one fold, so that a copied mistake can't vouch for itself. The networks
are compact ones, smaller and trained for less long than those that answer.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maksud.data.dataset import Example
from maksud.data.folds import assign_folds
from maksud.language.catalog import Catalog
from maksud.progress import OnProgress, Progress
from maksud.recognizers.contract import Contract
from maksud.recognizers.reading import normalise_example

if TYPE_CHECKING:
    from maksud.recognizers.joint.scoring import AnswerScore

EPOCHS = 0.6
"""Passes over the data, as a share of those of a full training, but six at least: ranking needs
no more, of a single network."""


def epochs_for(clauses: int, intents: int) -> int:
    """Passes over training data of so many clauses and intents."""
    from maksud.recognizers.compact.settings import CompactSettings

    return max(6, round(EPOCHS * CompactSettings().resolved(clauses, intents).epochs))


def score_round(
    examples: Sequence[Example],
    groups: Sequence[list[int]],
    catalog: Catalog,
    folds: int,
    seed: int,
    which: tuple[int, int],
    progress: OnProgress | None,
) -> list[AnswerScore]:
    """Each example's answer, scored by the network of the fold that left it out."""
    from maksud.recognizers.compact.recognizer import CompactRecognizer
    from maksud.recognizers.compact.settings import CompactSettings
    from maksud.recognizers.compact.training import train_compact
    from maksud.recognizers.joint.scoring import AnswerScore, Scorer

    started = time.monotonic()
    examples = [normalise_example(e, catalog) for e in examples]
    fold_of = assign_folds(examples, groups, folds, seed)
    calls = [c.intent for e in examples for c in e.calls]
    settings = CompactSettings(
        members=1,
        epochs=epochs_for(len(calls), len(set(calls))),
        frame=0.0,
        # A value that is labelled wrongly is found by those that are known.
        invent=0.0,
    )
    out = [AnswerScore()] * len(examples)
    for fold in range(folds):

        def tell(event: Progress, fold: int = fold) -> None:
            if progress is not None:
                at, rounds = which
                within = (fold + event.done) / folds
                text = f"network {at * folds + fold + 1} of {rounds * folds}"
                if within > 0.05:
                    left = (time.monotonic() - started) * (rounds - at - within) / within
                    text += f", about {_duration(left)} left"
                done = min(1.0, (at + within) / rounds)
                progress(Progress("label errors", done, text, event.metrics))

        inside = [k for k, f in enumerate(fold_of) if f != fold]
        outside = [k for k, f in enumerate(fold_of) if f == fold]
        taught = _parameters_of((examples[k] for k in inside), catalog)
        with tempfile.TemporaryDirectory(prefix="maksud-") as directory:
            place = Path(directory)
            train_compact(
                [examples[k] for k in inside],
                [],
                catalog,
                place,
                settings,
                tell,
                seed=seed * folds + fold,
            )
            contract = Contract(catalog, system_prompt="", template="")
            scorer = Scorer(CompactRecognizer.load(place, contract, place.name))
            known = []
            for k in outside:
                if _parameters_of([examples[k]], catalog) <= taught:
                    known.append(k)
                else:
                    out[k] = AnswerScore(reason="an intent or parameter that no other rows have")
            for k, score in zip(known, scorer.score([examples[k] for k in known]), strict=True):
                out[k] = score
    return out


def _parameters_of(examples: Iterable[Example], catalog: Catalog) -> set[tuple[str, str]]:
    """The (intent, parameter) that the answers use; an intent alone as (intent, "")."""
    calls = [c for e in examples for c in catalog.name_arguments(e.calls)]
    return {(c.intent, p) for c in calls for p in ("", *(a.name or "" for a in c.arguments))}


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(1, seconds):.0f} s"
