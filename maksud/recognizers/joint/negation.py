"""Ordinary ways to say no to a wish, found by their words: "tolong jangan matikan lampu dulu".

    please  |  don't  |  cancel my order  |  now
    polite     a frame that refuses, around a wish that begins like those of the data     polite

A network from scratch learns what negation does from frames (`contrast`), and forgets it now and
then where a wish is very common. The same frames, matched, are evidence for `none()` beside it.
They say nothing where more is said ("…, just the lamp"), nor of a negated verb that the data itself
labels as a wish ("jangan putar musik lagi" may well be a call).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.languages import CODES
from maksud.recognizers.joint.contrast import find_bare, load_frames
from maksud.recognizers.joint.nearness import Marked

NEGATED = 6.0
"""Log-odds that a refusing frame adds to `none()`: a network that gives it 1 % comes to think that
it is far likelier than not, one that has learnt such sayings for wishes stays sure of it."""
_POLITE_WORDS = """
tolong mohon please plis pls ya yah dong deh sih dulu now . ! eh hey hei ok oke
"""
_WORDS_OF_MORE = """
, ; : ? but just only instead except unless until before
tapi cuma hanya kecuali sampai sebelum melainkan selain aja saja
"""
_POLITE = frozenset(_POLITE_WORDS.split())
_MORE = frozenset(_WORDS_OF_MORE.split())
_LONGEST = 14
"""Words of a clause that are looked at: in longer ones more is said."""


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
        self._frames: dict[str, list[tuple[str, ...]]] = {}
        for frame in (f for language in languages for f in load_frames(language)):
            before = _trim(frame.before)
            alone = frame.bare and not _trim(frame.after) and not _MORE.intersection(before)
            if before and alone and not frame.acts:
                self._frames.setdefault(before[0], []).append(before)

    @classmethod
    def build(cls, clauses: Sequence[Marked], languages: Sequence[str]) -> Negation:
        """What the clauses of a training tell of their wishes."""
        inside = [(c.intent, c.words) for c in clauses if c.intent != OUT_OF_SCOPE]
        bare = find_bare(inside)
        openers = {words[0] for (_, words), is_bare in zip(inside, bare, strict=True) if is_bare}
        found = cls(languages, openers, ())
        seen = Counter(pair for _, words in inside if (pair := found._match(words)) is not None)
        return cls(languages, openers, [pair for pair, n in seen.items() if n >= 2])

    def __call__(self, words: Sequence[str]) -> bool:
        """Whether a clause of these words, in small letters, refuses a wish."""
        pair = self._match(words)
        return pair is not None and pair not in self.acting

    def refuses_any(self, words: Sequence[str]) -> tuple[str, str] | None:
        """(last word of the frame, first of what is refused), whatever wish that is: of wishes
        that the data does not hold nobody knows how they begin. None where nothing is refused."""
        pair = self._match(words, known=False)
        return None if pair in self.acting else pair

    def _match(self, words: Sequence[str], *, known: bool = True) -> tuple[str, str] | None:
        """(last word of the frame, first of the wish) of the first frame that fits; `known`: of a
        wish that begins like those of the data."""
        if len(words) > _LONGEST:
            return None
        said = _trim(words)
        for before in self._frames.get(said[0], ()) if said else ():
            size = len(before)
            fits = len(said) > size and tuple(said[:size]) == before
            if fits and (not known or said[size] in self.openers):
                return None if _MORE.intersection(said[size:]) else (before[-1], said[size])
        return None

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {
            "languages": list(self.languages),
            "openers": sorted(self.openers),
            "acting": sorted(map(list, self.acting)),
        }

    @classmethod
    def from_json(cls, content: Any) -> Negation | None:
        """The same; None in runs of before. Raises `TypeError`, `KeyError` or `ValueError`."""
        if content is None:
            return None
        languages = [str(x) for x in content["languages"]]
        if not set(languages) <= set(CODES.values()):
            raise ValueError(f"no frames of {languages}")
        pairs = [(str(a), str(b)) for a, b in content["acting"]]
        return cls(languages, map(str, content["openers"]), pairs)


def _trim(words: Sequence[str]) -> tuple[str, ...]:
    """The words without what is only polite at both ends."""
    first, last = 0, len(words)
    while first < last and words[first] in _POLITE:
        first += 1
    while first < last and words[last - 1] in _POLITE:
        last -= 1
    return tuple(words[first:last])
