"""Forms of a verb that say the same act: "batalkan", "dibatalin"; "cancel", "cancelled".

Just enough to see that a passive is one of a verb that is known; no dictionary, no morphology.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

_SUFFIXES = ("kan", "in")
_SHORTEST = 3
"""Letters of a root, at least."""
_IRREGULAR = """
send sent|put put|set set|let let|cut cut|shut shut|read read|make made|buy bought|pay paid
bring brought|keep kept|leave left|tell told|find found|hold held|lose lost|sell sold|build built
get got gotten|give given|take taken|show shown|write written|wake woken|ring rung|begin begun
drive driven|choose chosen|speak spoken|do done|undo undone|redo redone|reset reset|hear heard
"""


def root(word: str) -> str:
    """An Indonesian verb without the suffix that makes it act on something."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST:
            return word[: -len(suffix)]
    return word


def participles(verb: str) -> frozenset[str]:
    """The past participles that an English verb may have, wrong ones among them."""
    found = {f"{verb}ed", f"{verb}d" if verb.endswith("e") else f"{verb}{verb[-1:]}ed"}
    if verb.endswith("y"):
        found.add(f"{verb[:-1]}ied")
    found.update(_irregular_forms().get(verb, ()))
    return frozenset(found)


@cache
def _irregular_forms() -> dict[str, list[str]]:
    groups = _IRREGULAR.replace("\n", "|").split("|")
    return {verb: rest for verb, *rest in (group.split() for group in groups if group)}


class Verbs:
    """Verbs that are looked for in their other forms.

    `languages`: of the codes of `languages.CODES`, whose forms are known.
    """

    def __init__(self, verbs: Iterable[str], languages: Sequence[str]) -> None:
        self._known = frozenset(verbs)
        self._roots: dict[str, str] = {}
        self._participles: dict[str, str] = {}
        self._di = "id" in languages
        for verb in sorted(self._known, reverse=True):  # of two, the first in order stays
            if self._di and len(root(verb)) >= _SHORTEST:
                self._roots[root(verb)] = verb
            if "en" in languages:
                self._participles.update(dict.fromkeys(participles(verb), verb))

    def active(self, word: str) -> str:
        """The verb that a word is a form of, such as "batalin" of "batalkan"; empty for none."""
        if word in self._known:
            return word
        return self._roots.get(root(word), "") if root(word) != word else ""

    def passive(self, words: Sequence[str]) -> tuple[str, int]:
        """(the verb whose passive the words begin with, how many words that takes); ("", 0)."""
        if not words:
            return "", 0
        first = words[0]
        if first in self._participles:
            return self._participles[first], 1
        if not self._di or not first.startswith("di"):
            return "", 0
        size = 1
        stem = first[2:]
        if first == "di":  # written apart, or with a hyphen
            size = 3 if tuple(words[1:2]) == ("-",) else 2
            stem = words[size - 1] if len(words) >= size else ""
        for form in (stem, stem.removesuffix("nya")):
            verb = form if form in self._known else self._roots.get(root(form), "")
            if form and verb:
                return verb, size
        return "", 0
