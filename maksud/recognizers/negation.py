"""Ordinary ways to say no to a wish, found by their words: "tolong jangan matikan lampu dulu".

    please  |  don't  |  cancel my order  |  now
    polite     a frame that refuses, around a wish that begins like those of the data     polite
    my order  |  nggak usah  |  dibatalkan
    about it     what refuses   the passive of a verb that wishes of the data begin with

A network from scratch learns what negation does from frames (`joint.contrast`), and forgets it now
and then where a wish is very common; a language model has its own opinion. The same frames,
matched, are evidence for `none()` beside both. They say nothing where more is said ("…, just the
lamp"), nor of a negated verb that the data itself labels as a wish ("jangan putar musik lagi" may
well be a call). What is to go on no more, or not to begin yet ("jangan putar musik dulu"), is
looked at by itself: the one may be a wish, and the other none.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from maksud.data.dataset import Example
from maksud.errors import RunError
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.languages import CODES
from maksud.recognizers.joint.contrast import (
    Passive,
    find_bare,
    languages_of,
    load_frames,
    load_passives,
)
from maksud.recognizers.joint.tokens import tokenize
from maksud.recognizers.verbs import Verbs
from maksud.storage import write_file

NEGATED = 6.0
"""Log-odds that a refusing frame adds to `none()`: a model that gives it 1 % comes to think that
it is far likelier than not, one that has learnt such sayings for wishes stays sure of it."""
FILE = "negation.json"
"""Where a run keeps it, of a kind that has no file of its own for what it has learnt."""
_POLITE_WORDS = """
tolong mohon please plis pls ya yah dong deh sih dulu now . ! eh hey hei ok oke
"""
_WORDS_OF_MORE = """
, ; : ? but just only instead except unless until before
tapi cuma hanya kecuali sampai sebelum melainkan selain aja saja
"""
_DEFERRING_WORDS = "dulu dl sek yet"
_ENDING_WORDS = "lagi lg anymore more longer else"
_JOINING_WORDS = "dan lalu terus trus kemudian sambil and then &"
_ASKING_WORDS = """
apa apakah kenapa mengapa kok kapan gimana bagaimana siapa berapa
why is are was were did does do has have when how who what can could would
"""
_NEGATING_WORDS = "tidak nggak ngga gak ga enggak belum not never don't kalau kalo jika if"
_POLITE = frozenset(_POLITE_WORDS.split())
_MORE = frozenset(_WORDS_OF_MORE.split())
_DEFERRING = frozenset(_DEFERRING_WORDS.split())
_ENDING = frozenset(_ENDING_WORDS.split())
_JOINING = frozenset(_JOINING_WORDS.split())
_ASKING = frozenset(_ASKING_WORDS.split())
_NEGATING = frozenset(_NEGATING_WORDS.split())
_NO_NAME = _NEGATING | _JOINING | _MORE
"""What does not stand within the words that a passive is about."""
_LONGEST = 14
"""Words of a clause that are looked at: in longer ones more is said."""
_ABOUT = 5
"""Words of what a passive is about, at most, on either side of what refuses."""
_LATER, _NO_MORE = " …", " +"
"""Mark, behind the last word of a frame, what is put off, and what is to go on no more."""


class Negation:
    """Tells clauses that refuse what data wishes for.

    `languages`: whose frames are looked for; `openers`: words that wishes begin with; `acting`:
    (last word of a frame, opener) of wishes that only look refused.
    """

    def __init__(
        self, languages: Sequence[str], openers: Iterable[str], acting: Iterable[tuple[str, str]]
    ) -> None:
        self.languages = tuple(languages)
        self.openers = frozenset(openers)
        self.acting = frozenset(acting)
        self._verbs = Verbs(self.openers, self.languages)
        self._frames: dict[str, list[tuple[str, ...]]] = {}
        self._passives: dict[str, list[Passive]] = {}
        for frame in (f for language in languages for f in load_frames(language)):
            before = _trim(frame.before)
            alone = frame.bare and not _trim(frame.after) and not _MORE.intersection(before)
            if before and alone and not frame.acts:
                self._frames.setdefault(before[0], []).append(before)
        for passive in (p for language in languages for p in load_passives(language)):
            self._passives.setdefault(passive.words[0], []).append(passive)

    @classmethod
    def build(
        cls, clauses: Iterable[tuple[str, Sequence[str]]], languages: Sequence[str]
    ) -> Negation:
        """What the clauses of a training, (intent, words), tell of their wishes."""
        inside = [(intent, words) for intent, words in clauses if intent != OUT_OF_SCOPE]
        bare = find_bare(inside)
        openers = {words[0] for (_, words), is_bare in zip(inside, bare, strict=True) if is_bare}
        found = cls(languages, openers, ())
        seen = Counter(pair for _, words in inside if (pair := found._match(words)) is not None)
        return cls(languages, openers, [pair for pair, n in seen.items() if n >= 2])

    @classmethod
    def learn(cls, examples: Iterable[Example]) -> Negation | None:
        """The same of examples, those that ask for one thing; None without frames for them."""
        clauses = [
            (calls[0].intent, [t.text for t in tokenize(e.instruction)])
            for e in examples
            if len(calls := e.calls) == 1
        ]
        languages, _ = languages_of(words for _, words in clauses)
        return cls.build(clauses, languages) if languages else None

    def __call__(self, words: Sequence[str]) -> bool:
        """Whether a clause of these words, in small letters, refuses a wish."""
        pair = self._match(words)
        return pair is not None and pair not in self.acting

    def refuses(self, text: str) -> bool:
        """The same of a text."""
        return self([t.text for t in tokenize(text, _LONGEST + 1)])

    def refuses_any(self, words: Sequence[str]) -> tuple[str, str] | None:
        """(last word of the frame, first of what is refused) of a clause that refuses something.

        Whatever wish that is: of those that the data does not hold nobody knows how they begin.
        """
        said = _trim(words) if len(words) <= _LONGEST else ()
        for before in self._frames.get(said[0], ()) if said else ():
            size = len(before)
            if len(said) > size and said[:size] == before:
                return None if self._goes_on(said[size:]) else (before[-1], said[size])
        return None

    def _match(self, words: Sequence[str]) -> tuple[str, str] | None:
        """(last word of the frame, the verb that it refuses) of the first frame that fits.

        `_LATER` or `_NO_MORE` stands behind the word where the clause says so.
        """
        if len(words) > _LONGEST:
            return None
        said = _trim(words)
        if not said:
            return None
        found = self._match_frame(said) or self._match_passive(said)
        if found is None:
            return None
        frame, verb = found
        if not _DEFERRING.isdisjoint(words):
            return frame + _LATER, verb
        return (frame if _ENDING.isdisjoint(words) else frame + _NO_MORE), verb

    def _match_frame(self, said: tuple[str, ...]) -> tuple[str, str] | None:
        for before in self._frames.get(said[0], ()):
            size = len(before)
            if len(said) > size and said[:size] == before:
                verb = self._verbs.active(said[size])
                if verb:
                    return None if self._goes_on(said[size:]) else (before[-1], verb)
        return None

    def _match_passive(self, said: tuple[str, ...]) -> tuple[str, str] | None:
        for at in range(min(_ABOUT + 1, len(said))):
            if said[at] in _ASKING and said[at] not in self._passives:
                return None
            for passive in self._passives.get(said[at], ()):
                for end in _ends(passive, said, at):
                    verb, size = self._verbs.passive(said[end:])
                    if verb and not self._goes_on((*said[:at], *said[end + size :])):
                        return said[end - 1] if passive.about < 0 else passive.words[0], verb
            if said[at] in _NEGATING and said[at] not in self._passives:
                return None
        return None

    def _goes_on(self, rest: Sequence[str]) -> bool:
        """Whether more is said: "… tapi", or another act, "… dan putar musik"."""
        return any(
            word in _MORE and not _is_not_yet(rest[k:]) for k, word in enumerate(rest)
        ) or any(
            word in _JOINING
            and (self._verbs.active(rest[k + 1]) or self._verbs.passive(rest[k + 1 :])[0])
            for k, word in enumerate(rest[:-1])
        )

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {
            "languages": list(self.languages),
            "openers": sorted(self.openers),
            "acting": sorted(map(list, self.acting)),
            "marked": True,
        }

    @classmethod
    def from_json(cls, content: Any) -> Negation | None:
        """The same; None in runs of before. Raises `TypeError`, `KeyError` or `ValueError`."""
        if content is None:
            return None
        languages = [str(x) for x in content["languages"]]
        if not set(languages) <= set(CODES.values()):
            raise ValueError(f"no frames of {languages}")
        # Runs of before told neither what is put off nor what is to go on no more.
        marks = ("",) if content.get("marked") else ("", _LATER, _NO_MORE)
        pairs = [(f"{a}{mark}", str(b)) for a, b in content["acting"] for mark in marks]
        return cls(languages, map(str, content["openers"]), pairs)

    def save(self, directory: Path) -> None:
        """Writes `FILE` into a run's directory."""
        write_file(directory / FILE, json.dumps(self.to_json(), ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, directory: Path) -> Negation | None:
        """What a run's directory holds; None in runs of before. Raises `RunError` for damage."""
        path = directory / FILE
        try:
            if not path.exists():
                return None
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise RunError(
                f"what it knows of negations can't be read ({error!r})",
                where=str(path),
                hint="Restore the file, or train again",
            ) from error


def shift_outside(log_p: float) -> tuple[float, float]:
    """(log-probability of `none()` once a frame speaks for it, what is added to all others).

    `log_p`: what the model gives to `none()`, below 0.
    """
    log_rest = math.log(-math.expm1(min(log_p, -1e-12)))
    total = max(log_p + NEGATED, log_rest)
    total += math.log(math.exp(log_p + NEGATED - total) + math.exp(log_rest - total))
    return log_p + NEGATED - total, -total


def _is_not_yet(rest: Sequence[str]) -> bool:
    """Whether it is the "just" of "just yet" or, what is polite at its end cut off, "just now"."""
    return rest[0] == "just" and (len(rest) == 1 or rest[1] == "yet")


def _ends(passive: Passive, said: tuple[str, ...], at: int) -> list[int]:
    """The places behind what refuses, where its verb may stand."""
    words, about = passive.words, passive.about
    first = words if about < 0 else words[:about]
    if said[at : at + len(first)] != first:
        return []
    at += len(first)
    if about < 0:
        return [at]
    rest = words[about:]
    places = []
    for gap in range(_ABOUT + 1):
        if gap and (at + gap > len(said) or said[at + gap - 1] in _NO_NAME):
            break
        if said[at + gap : at + gap + len(rest)] == rest:
            places.append(at + gap + len(rest))
    return places


def _trim(words: Sequence[str]) -> tuple[str, ...]:
    """The words without what is only polite at both ends."""
    first, last = 0, len(words)
    while first < last and words[first] in _POLITE:
        first += 1
    while first < last and words[last - 1] in _POLITE:
        last -= 1
    return tuple(words[first:last])
