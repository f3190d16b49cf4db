"""Ordinary sayings that no particular application serves: greetings, chat, knowledge, noise.

Written by us, utterance by utterance, from no data set. Users seldom have examples of what is out
of scope; these stand in for it where a recognizer is calibrated. A line that the user's own
catalog could serve is left out, and told.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from maksud.language.folding import normalise
from maksud.language.languages import CODES, language_of, main_languages

LANGUAGES = tuple(CODES.values())

SERVED = 0.5
"""Share of the words in common with a labelled utterance from which a line may be served."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One line of the background; `topic` is the heading that it stands under."""

    text: str
    topic: str
    language: str


@cache
def load_background(language: str) -> tuple[Saying, ...]:
    """The sayings of a language (`id`, `en`), in the order of the file."""
    text = files(__package__).joinpath(f"{language}.txt").read_text(encoding="utf-8")
    topic = ""
    out = []
    for line in text.splitlines():
        if line.startswith("# "):
            topic = line[2:].strip()
        elif line.strip():
            out.append(Saying(line.strip(), topic, language))
    return tuple(out)


def choose_sayings(
    utterances: Sequence[str], most: int, seed: int = 0
) -> tuple[list[Saying], list[Saying]]:
    """(a sample of sayings in the utterances' languages, those of it that may be in scope).

    `utterances`: what is in scope, of the user's data. A saying that shares `SERVED` of its words
    with one of them (Jaccard) may be served, and is not among the first list, of `most` at most.
    Both are empty for data in other languages.
    """
    main = main_languages(map(language_of, utterances))
    codes = [CODES[name] for name in main if name in CODES]
    sayings = [s for code in codes for s in load_background(code)]
    rows = list({frozenset(normalise(u).split()) for u in utterances})
    having: defaultdict[str, list[int]] = defaultdict(list)
    for k, words in enumerate(rows):
        for word in words:
            having[word].append(k)
    kept: list[Saying] = []
    served: list[Saying] = []
    for saying in random.Random(seed).sample(sayings, len(sayings)):
        if len(kept) == most:
            break
        words = frozenset(normalise(saying.text).split())
        shared = Counter(k for word in words for k in having[word]) if words else Counter()
        near = any(n >= SERVED * len(words | rows[k]) for k, n in shared.items())
        (served if near else kept).append(saying)
    return kept, served
