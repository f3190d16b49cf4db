"""Folds: parts of a data set that are left out by turns.

Near-identical rows stay in one fold, so that no row is judged by what learnt its copy.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from maksud.data.dataset import Example, near_groups


def group_near(examples: Sequence[Example]) -> list[list[int]]:
    """The examples in groups whose utterances are near-identical."""
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for k, group in enumerate(near_groups([e.instruction for e in examples])):
        groups[group].append(k)
    return list(groups.values())


def assign_folds(
    examples: Sequence[Example], groups: Iterable[list[int]], folds: int, seed: int
) -> list[int]:
    """A fold for each example: groups stay whole, each intent is spread evenly."""
    rng = random.Random(seed)
    strata: defaultdict[str, list[list[int]]] = defaultdict(list)
    for group in groups:
        strata[";".join(c.intent for c in examples[group[0]].calls)].append(group)
    out = [0] * len(examples)
    total = [0] * folds
    for key in sorted(strata):
        stratum = strata[key]
        rng.shuffle(stratum)
        stratum.sort(key=len, reverse=True)
        size = [0] * folds
        for group in stratum:
            smallest = min(range(folds), key=lambda f: (size[f], total[f]))
            size[smallest] += len(group)
            total[smallest] += len(group)
            for k in group:
                out[k] = smallest
    return out
