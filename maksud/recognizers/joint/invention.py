"""Made-up values of parameters that data has few values of.

Who has rows for three cities will be asked for a fourth. A network that only ever saw the three
learns them by heart, and not where a city stands. Invented words are put in their place now and
then, so that it is the place that tells.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Container, Iterable

from maksud.recognizers.joint.corpus import Clause

FEW_VALUES = 30
"""Distinct values of a parameter from which they are various enough by themselves."""
INVENTED = 60
"""Values that are made up for a parameter."""


def invent_values(
    clauses: Iterable[Clause], listed: Container[str] = (), seed: int = 0
) -> dict[str, list[tuple[str, ...]]]:
    """Values for each parameter that has few: of as many words as those, with the same signs.

    `listed`: parameters of which there are no other values. Words are the head of one word of the
    data and the tail of another; digits are others.
    """
    values: defaultdict[str, dict[tuple[str, ...], None]] = defaultdict(dict)
    words: dict[str, None] = {}
    for clause in clauses:
        words.update(dict.fromkeys(w for w in clause.words if len(w) > 3 and w.isalpha()))
        for i, j, parameter in clause.spans:
            values[parameter][tuple(clause.words[i:j])] = None
    rng = random.Random(seed)
    known = list(words)
    out = {}
    for parameter, found in sorted(values.items()):
        if len(found) < FEW_VALUES and known and parameter not in listed:
            alike = rng.choices(list(found), k=INVENTED)
            out[parameter] = [tuple(_invent(w, known, rng) for w in value) for value in alike]
    return out


def _invent(word: str, known: list[str], rng: random.Random) -> str:
    if any(c.isdigit() for c in word):
        return "".join(rng.choice("0123456789") if c.isdigit() else c for c in word)
    if not word.isalpha() or len(word) < 2:
        return word
    head, tail = rng.choice(known), rng.choice(known)
    return head[: 1 + len(head) // 2] + tail[len(tail) // 2 :]
