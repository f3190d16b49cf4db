"""Counter-examples: rows that use an intent's wording and are not to be acted on.

Who has only ever seen "matikan lampu" with the answer to switch it off learns that the words are
enough, and acts on "jangan matikan lampu". A counter-example is a row of another answer, mostly
`none()`, in which a cue (`cues`) stands before words that are typical of the intent, or a row that
says so itself: a member of a pair (`pair`) with another answer, or one that `counters` the intent.
What is typical is counted; what is found is told cautiously, and only in the languages of the cues.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.cues import (
    BETWEEN,
    LANGUAGES,
    NEGATORS,
    STARTS,
    collect_words,
    places_after,
    root_of,
)
from maksud.data.checks.near import FILLERS
from maksud.data.checks.rows import TRAIN, Answers, Row, fill
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog import Catalog
from maksud.language.folding import folded_words
from maksud.language.languages import FUNCTION_WORDS, language_of

ENOUGH = 10
"""Single-intent rows of train from which an intent is asked for counter-examples."""
SAMPLE = 300
"""Rows of an intent whose words are counted."""
TYPICAL = 0.05
"""Share of an intent's rows that have a word that is typical of it, at least."""
TIMES = 3.0
"""So many times as often as in the rows of other intents."""
TOLD = 5
"""Rows whose language is told, from which that of the others is taken to be the same."""
EACH = 10
"""Intents without counter-examples that get a finding each; of more, one tells all."""
NAMED = 8
"""Intents that this one names."""
MAX_INTENTS = 10_000
MAX_PAIRS = 200_000
"""Intents, and pairs, that are looked at."""

_COMMON = (
    frozenset(w for language in LANGUAGES for w in FUNCTION_WORDS[language].split())
    | frozenset(folded_words(FILLERS))
    | BETWEEN
    | STARTS
    | collect_words(
        "aja saja lah kok kan sama buat biar jadi kalau kalo terlalu lebih kurang dikit "
        "sedikit semua mana hari besok pagi siang sore malam nanti sekarang "
        "it this that these those there here at on in up off by with about from so too some "
        "any no now like just get got put make let go been has had would could one more "
        "today tomorrow tonight day am pm"
    )
)
"""Words that are of no intent, however often they stand in its rows."""


@dataclass(slots=True)
class _Said:
    """What the single-intent rows of an intent say."""

    count: int = 0
    words: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)


class Counters(Part):
    """Counts the words of some rows of each intent; of rows with a cue it keeps the number."""

    @classmethod
    def of(cls, checking: Checking) -> Counters:
        return cls(checking.examples)

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples
        self._said: dict[str, _Said] = {}
        self._cued = array("i")
        self._answers: list[tuple[str, ...]] = []
        """The intents of those rows."""
        self._pairs: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        """The intents that any row of a pair has, and those that all have."""
        self._countered: set[str] = set()

    def see(self, row: Row) -> None:
        intents = row.answer.intents
        if row.split != TRAIN or not intents:
            return
        if not STARTS.isdisjoint(row.words):
            self._cued.append(row.number)
            self._answers.append(intents)
        if row.example.metadata:
            self._see_pair(row)
        if len(intents) != 1 or row.is_multi or intents[0] == OUT_OF_SCOPE:
            return
        said = self._said.get(intents[0])
        if said is None:
            if len(self._said) >= MAX_INTENTS:
                return
            said = self._said[intents[0]] = _Said()
        said.count += 1
        if said.count <= SAMPLE:
            # What is said of a value, a time or a name, is not how the intent is worded.
            values = {w for _, _, v in row.answer.arguments for w in folded_words(v)}
            wording = set(row.words) - values - _COMMON
            said.words.update({root_of(w) for w in wording if len(w) > 1 and w.isalpha()})
            said.languages[language_of(row.text)] += 1

    def _see_pair(self, row: Row) -> None:
        intents = frozenset(row.answer.intents)
        countered = row.example.metadata.get("counters")
        if isinstance(countered, str) and countered not in intents:
            self._countered.add(countered)
        pair = row.example.metadata.get("pair")
        if isinstance(pair, str) and pair and (pair in self._pairs or self._has_room):
            some, all_ = self._pairs.get(pair, (intents, intents))
            self._pairs[pair] = some | intents, all_ & intents

    @property
    def _has_room(self) -> bool:
        return len(self._pairs) < MAX_PAIRS

    # ------------------------------------------------------------ telling

    @property
    def main_language(self) -> str:
        """The language of most rows; "" where too few tell theirs."""
        total: Counter[str] = Counter()
        for said in self._said.values():
            total += said.languages
        return _most(total)

    def lacking(self) -> dict[str, int]:
        """The intents that have enough rows in one of the languages, and no counter-example,
        with the number of their rows; in order of their names."""
        main = self.main_language
        asked = {
            intent: said.count
            for intent, said in sorted(self._said.items())
            if said.count >= ENOUGH and (_most(said.languages) or main) in LANGUAGES
        }
        have = self._have(asked) if asked else set()
        return {intent: count for intent, count in asked.items() if intent not in have}

    def _have(self, asked: Container[str]) -> set[str]:
        have = set(self._countered)
        for some, all_ in self._pairs.values():
            have |= some - all_
        typical_of: dict[str, set[str]] = defaultdict(set)
        for intent in self._said:
            if intent in asked and intent not in have:
                for word in self._typical(intent):
                    typical_of[word].add(intent)
        for number, own in zip(self._cued, self._answers, strict=True):
            words = folded_words(self._examples[number].instruction)
            used = _used(words, own, typical_of)
            have |= used
            for word in [w for w, intents in typical_of.items() if used and intents & used]:
                typical_of[word] -= used  # one is enough
                if not typical_of[word]:
                    del typical_of[word]
            if not typical_of:
                break
        return have

    def _typical(self, intent: str) -> list[str]:
        """Roots that are typical of an intent's rows."""
        said = self._said[intent]
        own = min(said.count, SAMPLE)
        everything = self._everything
        others = max(1, sum(min(s.count, SAMPLE) for s in self._said.values()) - own)
        return [
            word
            for word, count in said.words.items()
            if count >= 2
            and count >= TYPICAL * own
            and count / own > TIMES * (everything[word] - count) / others
        ]

    @cached_property
    def _everything(self) -> Counter[str]:
        everything: Counter[str] = Counter()
        for said in self._said.values():
            everything.update(said.words)
        return everything

    def tell(self, found: Findings) -> None:
        lacking = self.lacking()
        why = "a model that only saw the words acted on acts on them: negated, reported, taken back"
        fix = (
            'write some ("jangan …", "there\'s no need to …", "… eh nggak jadi") with the answer '
            "none(): --suggest FILE writes candidates of your rows"
        )
        if len(lacking) <= EACH:
            messages = [f"{i}: no counter-example beside {n:,} rows" for i, n in lacking.items()]
        else:
            named = ", ".join(list(lacking)[:NAMED])
            messages = [f"{len(lacking):,} intents have no counter-example: {named}, …"]
        for message in messages:
            found.append(Finding("info", "I-COUNTER", message, why=why, fix=fix))


def _used(
    words: Sequence[str], own: tuple[str, ...], typical_of: Mapping[str, set[str]]
) -> set[str]:
    """The intents whose wording a row with the answers `own` uses without wishing for it."""
    roots = [root_of(w) for w in words]
    if typical_of.keys().isdisjoint(roots):
        return set()
    # Of a row that is answered, "tadi" and "sudah" may well belong to what it wishes for.
    places = places_after(words) if own == (OUT_OF_SCOPE,) else places_after(words, NEGATORS)
    meant: dict[str, bool] = {}
    for place, direct in places:
        for intent in typical_of.get(roots[place], ()):
            meant[intent] = meant.get(intent, False) or direct
    answered = own != (OUT_OF_SCOPE,)
    return {
        intent
        for intent, direct in meant.items()
        if intent not in own
        and (
            direct or not answered and sum(intent in typical_of.get(r, ()) for r in set(roots)) >= 2
        )
    }


def _most(languages: Counter[str]) -> str:
    """The most frequent language; "" where too few rows tell theirs."""
    told = [(n, language) for language, n in languages.items() if language]
    return max(told)[1] if sum(n for n, _ in told) >= TOLD else ""


def look_for_counters(examples: Sequence[Example], catalog: Catalog | None) -> Counters:
    """The part alone, once it has seen all the examples."""
    part = Counters(examples)
    answers = Answers(catalog)
    row = Row()
    for number, example in enumerate(examples):
        fill(row, number, example, answers(example.output))
        part.see(row)
    return part


CHECK = Check("counter", Counters)
