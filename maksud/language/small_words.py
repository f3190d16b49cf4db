"""Small words: those that ask for nothing by themselves.

Articles, pronouns, prepositions, conjunctions, particles, question words, and single letters, of
the languages that come with words of ours. A recognizer that has never seen such a word alone gives
it to some intent with much confidence, as closed classifiers do; nobody who says "a" or "dari"
wants something that can be known from it. Words that may be a whole wish ("on", "lagi", "stop",
"besok") are none of them. "Ya", "no" and "oke" are answers: where data has rows of such words
alone, they mean something there.

Neither is it known what is wanted of a value that is said alone: "lampu" or "the tv" may be meant
to be turned on or off. Rows decide there too: an intent may be asked for by values alone where it
is in the data. And a word that rows of many intents have ("order", "music") asks, alone, for none
of them, unless a row is just that word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property

from maksud.language.calls import NONE, Call
from maksud.language.folding import normalise
from maksud.language.languages import FUNCTION_WORDS
from maksud.language.text import scripts_of

_SMALL = {
    "Indonesian": "yang di ke dari untuk buat dengan dgn sama ini itu saya sy aku kamu kau "
    "anda kita kami dia beliau mereka kalian gue gw gua lu lo elo nya apa apaan siapa mana "
    "kapan kenapa mengapa gimana bagaimana berapa apakah dan atau tapi tetapi kalau kalo jika "
    "bila karena krn pada juga jg saja aja sih kok deh dong donk nih tuh loh lho lah kah pun "
    "ya yah akan mau ingin sudah udah sdh telah belum blm sedang bisa boleh harus seperti "
    "kayak jadi agar supaya biar oleh bagi tentang hingga antara sebagai adalah ialah maka "
    "lalu terus si sang para tolong tlg mohon silakan coba eh oh ah ih uh hmm hm wah nah aduh "
    "mas mbak mba kak bang pak bu gan sis bro ada sangat banget sekali yg utk tdk",
    "English": "a an the this that these those i me my mine myself you your yours he him his "
    "she her hers it its we us our ours they them their theirs who whom whose what which "
    "where when why how and or but nor so if then than because as while of to from for with "
    "without by at in into about be am is are was were been being do does did have has had "
    "will would shall should can could may might must not please pls just very really too "
    "also quite well like i'm it's that's what's let's um uh uhm hmm hm oh ah eh wow some "
    "any each every both either",
}
_ANSWERS = {
    "Indonesian": "ya yah yaa iya iyaa yap yup betul benar oke ok okay okey sip siap tidak "
    "tdk tak nggak ngga enggak gak ga gk bukan jangan",
    "English": "yes yeah yep yup sure ok okay right correct no nope nah not",
}
_JOINING_WORDS = "dan lalu terus trus kemudian serta atau sama and then or plus"
_JOINING = frozenset(_JOINING_WORDS.split())
"""What stands between the values of several calls, and says no more than a comma."""
_ADDING_WORDS = "juga jg pula ya yah dong deh please also too as well both"
_ADDING = _JOINING | frozenset(_ADDING_WORDS.split())
"""What may stand beside a value that is added to another."""
ONE_IN = 1000
"""Of the rows of an intent, so many must have nothing but values for others to ask so: a single
odd row of thousands is none."""
LONGEST = 3
"""Words of a text that is judged: what is longer may be a question."""
LEAST_ROWS = 5
"""Rows that have a word, from which it is told whether the word tells an intent."""


@cache
def _words(language: str) -> tuple[frozenset[str], frozenset[str]]:
    """(small words, answers) of a language, folded."""
    small = normalise(f"{_SMALL[language]} {FUNCTION_WORDS[language]}").split()
    answers = normalise(_ANSWERS[language]).split()
    return frozenset(small) - frozenset(answers), frozenset(answers)


@dataclass(frozen=True)
class SmallWords:
    """What small words mean to some data: nothing, but for `meant`, which are texts of its rows.

    `languages`: those whose words are known; `by_values`: intents that its rows ask for by values
    alone, `by_values_and_small`: by values and small words. `ambiguous`: words that rows have
    outside of values, fewer than half of them for any one intent, and that are no row alone. All in
    alphabetical order; without languages, every text but an ambiguous word may ask for something.
    """

    languages: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()
    by_values: tuple[str, ...] = ()
    by_values_and_small: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, rows: Iterable[tuple[str, tuple[Call, ...]]], languages: Iterable[str]
    ) -> SmallWords:
        """Of rows: their texts, in the normal form, and answers; in these languages."""
        rows = [(text, calls) for text, calls in rows if text]
        known = tuple(sorted({*languages} & _SMALL.keys()))
        ambiguous = _ambiguous_words(rows)
        if not known:
            return cls(ambiguous=ambiguous)
        alone = cls(known)
        meant: set[str] = set()
        number: Counter[str] = Counter()
        bare: Counter[str] = Counter()
        with_small: Counter[str] = Counter()
        for text, calls in rows:
            if NONE in calls:
                continue
            words = normalise(text).split()
            if words and all(map(alone._is_small, words)):
                meant.add(" ".join(words))
            if len(calls) == 1:
                intent = calls[0].intent
                number[intent] += 1
                left = _left(text, calls)
                bare[intent] += left == []
                with_small[intent] += left is not None and all(map(alone._is_small, left))
        by_values, by_values_and_small = (
            tuple(sorted(i for i, n in found.items() if n and n * ONE_IN >= number[i]))
            for found in (bare, with_small)
        )
        return cls(known, tuple(sorted(meant)), by_values, by_values_and_small, ambiguous)

    def along_with(self, texts: Iterable[str], intent: str) -> SmallWords:
        """The same with a new intent, which some texts ask for: by values alone too, as so few
        examples do not tell."""
        texts = list(texts)
        clear = {" ".join(_distinct(text)) for text in texts}
        left = tuple(word for word in self.ambiguous if word not in clear)
        if not self.languages:
            return replace(self, ambiguous=left)
        mine = Call(intent)
        more = SmallWords.of(((text, (mine,)) for text in texts), self.languages).meant
        return SmallWords(
            self.languages,
            tuple(sorted({*self.meant, *more})),
            tuple(sorted({*self.by_values, intent})),
            tuple(sorted({*self.by_values_and_small, intent})),
            left,
        )

    def without(self, intent: str) -> SmallWords:
        """The same without an intent that was added; what its examples meant stays known."""
        return replace(
            self,
            by_values=tuple(i for i in self.by_values if i != intent),
            by_values_and_small=tuple(i for i in self.by_values_and_small if i != intent),
        )

    def is_ambiguous(self, text: str, calls: Sequence[Call]) -> bool:
        """Whether a text is one word, said once or again, that rows of many intents have, and
        calls have no value in it."""
        if not self.ambiguous or not calls or NONE in calls or any(c.arguments for c in calls):
            return False
        words = _distinct(text)
        return len(words) == 1 and words[0] in self._ambiguous

    def to_json(self) -> dict[str, list[str]]:
        """A JSON-able mapping of the fields; empty where nothing is known."""
        if self == SmallWords():
            return {}
        fields = asdict(self)
        if not self.ambiguous:  # runs of before do not have it, and their ids stay
            del fields["ambiguous"]
        return fields

    def is_bare(self, text: str, calls: Sequence[Call]) -> bool:
        """Whether a text has nothing but the values of calls, and small words, though no row asks
        for one of their intents so."""
        intents = {call.intent for call in calls}
        if not self.languages or intents <= {*self.by_values}:
            return False
        left = _left(text, calls)
        if left is None or not all(map(self._is_small, left)):
            return False
        asked = {*self.by_values, *self.by_values_and_small}
        return not left or not intents <= asked

    def has_only(self, text: str, values: Iterable[str]) -> bool:
        """Whether a text has nothing but some of the values, one at least, and small words."""
        left = Counter(normalise(text).split())
        whole = left.total()
        for words in (Counter(normalise(value).split()) for value in values):
            if words <= left:
                left -= words
        return left.total() < whole and all(map(self._is_small, left))

    def are_all(self, text: str) -> bool:
        """Whether a short text has only small words, and none of a row that has only such."""
        if not self.languages:
            return False
        words = normalise(text).split()
        return 0 < len(words) <= LONGEST and all(
            word not in self._meant and self._is_small(word) for word in words
        )

    def _is_small(self, word: str) -> bool:
        # A letter of Latin script: one of others may be a word ("停").
        return word in self._small or (len(word) == 1 and scripts_of(word) == {"LATIN"})

    @cached_property
    def _ambiguous(self) -> frozenset[str]:
        return frozenset(self.ambiguous)

    @cached_property
    def _meant(self) -> frozenset[str]:
        return frozenset(word for text in self.meant for word in text.split())

    @cached_property
    def _small(self) -> frozenset[str]:
        known = list(map(_words, self.languages))
        small = frozenset(word for words, _ in known for word in words)
        answers = frozenset(word for _, words in known for word in words)
        # Who has rows for "yes" has an intent for what answers a question, however it is said.
        return small if self._meant & answers else small | answers


def _ambiguous_words(rows: Iterable[tuple[str, tuple[Call, ...]]]) -> tuple[str, ...]:
    number: Counter[str] = Counter()
    of_intent: defaultdict[str, Counter[str]] = defaultdict(Counter)
    alone: set[str] = set()
    for text, calls in rows:
        words = _distinct(text)
        if len(words) == 1 and NONE not in calls:
            alone.update(words)
        in_values = {w for c in calls for a in c.arguments for w in normalise(a.value).split()}
        for word in words:
            if word not in in_values:
                number[word] += 1
                of_intent[word].update({call.intent for call in calls})
    return tuple(
        sorted(
            word
            for word, n in number.items()
            if n >= LEAST_ROWS and word not in alone and 2 * max(of_intent[word].values()) < n
        )
    )


def _distinct(text: str) -> list[str]:
    """The words of a text, each once."""
    return list(dict.fromkeys(normalise(text).split()))


def _left(text: str, calls: Sequence[Call]) -> list[str] | None:
    """The words of a text without those of the values of calls; None where a call has no value, or
    one that the text does not say."""
    if not calls or not all(call.arguments for call in calls):
        return None
    left = normalise(text).split()
    for argument in (a for call in calls for a in call.arguments):
        for word in normalise(argument.value).split():
            if word not in left:
                return None
            left.remove(word)
    return left if len(calls) == 1 else [word for word in left if word not in _JOINING]


def adds_only(text: str, call: Call) -> bool:
    """Whether a text has nothing but the values of a call, and words that add them to others."""
    left = _left(text, [call])
    return left is not None and _ADDING.issuperset(left)
