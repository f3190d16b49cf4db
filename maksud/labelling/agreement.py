"""How far labellers agree beyond chance, by NLTK: Cohen's kappa, Fleiss' kappa, Krippendorff's
alpha. An answer counts as a whole: the same calls, or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import Any


def agreement(given: Sequence[tuple[str, Hashable, str]]) -> dict[str, Any]:
    """Figures of labels (labeller, item, answer), one of a labeller for an item.

    `items`: how many have two labels or more; `equal`: the share of their pairs that agree;
    `cohen`: kappa of each two labellers who share items, and their `mean`, weighted by items;
    `fleiss`: kappa, where all those items have equally many labels; `krippendorff`: alpha.
    A figure is None where nothing can be said: no item labelled twice, or all answers the same.
    """
    of: defaultdict[Hashable, dict[str, str]] = defaultdict(dict)
    for name, item, answer in given:
        of[item][name] = answer
    shared = {item: labels for item, labels in of.items() if len(labels) > 1}
    pairs = [(a, b) for labels in shared.values() for a, b in combinations(labels.values(), 2)]
    rows = [(name, str(k), answer) for k, labels in enumerate(shared.values())
            for name, answer in labels.items()]  # fmt: skip
    widths = {len(labels) for labels in shared.values()}
    return {
        "items": len(shared),
        "equal": sum(a == b for a, b in pairs) / len(pairs) if pairs else None,
        "cohen": _cohen(shared),
        "fleiss": _measure(_places(rows), "pi") if len(widths) == 1 else None,
        "krippendorff": _measure(rows, "alpha") if shared else None,
    }


def _cohen(shared: dict[Hashable, dict[str, str]]) -> dict[str, Any]:
    names = sorted({name for labels in shared.values() for name in labels})
    pairs: list[dict[str, Any]] = []
    for a, b in combinations(names, 2):
        both = [labels for labels in shared.values() if a in labels and b in labels]
        if both:
            rows = [(n, str(k), labels[n]) for k, labels in enumerate(both) for n in (a, b)]
            kappa = _measure(rows, "kappa")
            pairs.append({"between": [a, b], "items": len(both), "kappa": kappa})
    known = [p for p in pairs if p["kappa"] is not None]
    total = sum(p["items"] for p in known)
    mean = sum(p["kappa"] * p["items"] for p in known) / total if total else None
    return {"pairs": pairs, "mean": mean}


def _places(rows: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The rows with labellers by their place in each item: Fleiss does not ask who they are."""
    seen: defaultdict[str, int] = defaultdict(int)
    out = []
    for _, item, answer in rows:
        out.append((str(seen[item]), item, answer))
        seen[item] += 1
    return out


def _measure(rows: Sequence[tuple[str, str, str]], name: str) -> float | None:
    """A figure of NLTK's; None where chance alone would agree on everything."""
    if len({answer for _, _, answer in rows}) < 2:
        return None
    from nltk.metrics.agreement import AnnotationTask

    try:
        return float(getattr(AnnotationTask(data=list(rows)), name)())
    except ZeroDivisionError:
        return None
