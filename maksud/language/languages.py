"""Which language or script a text is in.

The script is that of most of the letters; among languages that are written in Latin letters,
function words decide, and a text without two of them is left open. Whether a text is surely in
another language than some data is asked with more words and more care: see `Familiar`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

from maksud.language.folding import normalise

FEWEST_WORDS = 4
"""Words of a text, at least, that is told to be foreign: short sayings are not judged."""
FOREIGN_WORDS = 3
"""So many more of its words speak for the foreign language than for what is familiar."""
FOREIGN_SHARE = 0.4
"""Share of its words that speak for the foreign language, at least."""
MOST_FAMILIAR = 500
"""Words of some texts that are kept as familiar, the most frequent ones."""
FAMILIAR_ROWS = 3
"""Texts that such a word stands in, at least."""
ON_PURPOSE = 0.20
"""Share of texts from which another language than that of the most is taken to be wanted."""

FUNCTION_WORDS = {
    "Indonesian": "yang di ke dari untuk dengan ini itu saya aku tidak apa ada dan bisa mau tolong "
    "berapa bagaimana apakah akan sudah gimana nggak kapan dong",
    "English": "the is are what my me to for of please can you how and i do when which",
    "Spanish": "el los las una por para cómo qué mi está cuál quiero del esta hay",
    "French": "le les des est une je mon pour dans quel quelle moi avec vous sur",
    "German": "der die das ist und ich mir für nicht wie bitte ein mein auf wird",
    "Portuguese": "os uma não você meu minha qual está em quero com são quais",
    "Italian": "il che per mi qual sono non della una è come gli quale",
    "Dutch": "het een van ik mijn naar niet hoe dat voor zijn welke",
}
MORE_WORDS = {
    "Indonesian": "kalau kalo karena pada atau juga jangan lagi sama seperti mana siapa kenapa "
    "mengapa kamu anda kita kami dia mereka bukan belum sedang semua sekali saja aja sih kok deh "
    "nya buat banget jadi kalian gue gw lu ga gak enggak udah sdh yg dgn utk tdk hari besok "
    "ya yah iya oke dah ayo yuk mas mbak kak bang pak bu",
    "English": "a an and or not it this that was were be been have has had do does did will would "
    "could should i'm don't your his her our their there here with from about at on by who where "
    "why if so but just want need tell give get make any some today tomorrow",
    "Spanish": "de la en y que a un es los se no por con su al lo como más pero sus le ya o este "
    "sí porque muy sin sobre también me hasta donde quien desde nos todos uno ni contra ese eso "
    "hoy mañana hace puedes puedo tengo hola gracias favor qué dónde cuándo cuánto tiempo pon dime",
    "French": "la de et en un une du que qui ne pas au aux par ce se sur plus son sa ses mais ou "
    "où comme tout nous il elle ils elles cette ces tu te ta ton suis est-ce fait faire peux peut "
    "quels quelles comment demain aujourd'hui bonjour merci veux mets s'il plaît c'est j'ai qu'est",
    "German": "zu den dem des von mit sich auf an im es sie er wir ihr als auch aus bei nach noch "
    "nur oder aber wenn kann kannst habe hat haben bin bist sind war wo was wer wann warum einen "
    "einer eine einem dein deine morgen heute bitte danke mach gibt uhr gut guten vom zum zur dass",
    "Portuguese": "o a e de do da em um no na nos nas ao que se por mais as dos das mas foi ele "
    "ela isso esse essa este esta eu seu sua ou quando muito já também só pelo pela até sem mesmo "
    "aos hoje amanhã obrigado favor onde como porque posso tenho fazer vai tempo toque",
    "Italian": "di e la a un in i si ho ha hai le lo gli da dal dalla del della dei nel nella con "
    "su mi ti ci ma anche se più cosa chi dove quando perché questo questa quello sto posso puoi "
    "vorrei fare fa oggi domani grazie favore metti accendi sei siamo hanno tempo",
    "Dutch": "de en in is te dat die er met op zich wat om aan ze je jij we wij zou of maar dan "
    "ook bij nog wil kan kun heb heeft hebben ben bent was worden wordt waar wie wanneer waarom "
    "deze dit morgen vandaag graag alsjeblieft bedankt zet mij jouw uur geen naar uit over",
    "Turkish": "bir ve bu için ile de da ne çok daha gibi ama var yok mı mi mu mü bana ben sen "
    "beni bugün yarın hava nasıl nerede lütfen teşekkürler istiyorum olarak kadar sonra nedir kaç",
    "Vietnamese": "là và của có không cho tôi bạn một được này những các với trong đi hôm nay ngày "
    "mai giờ làm thế nào gì ở đến hãy bật tắt muốn",
    "Polish": "i w z na nie się jest to że do jak co po dla czy ale tak jestem mi mój moja proszę "
    "jaka jaki jutro dzisiaj dziś gdzie kiedy mam może chcę włącz od przez o ile",
}
"""Common words beside the function words, which tell a language where there are several of them."""
CODES = {"Indonesian": "id", "English": "en"}
"""Languages that come with words of ours (cues, wordings, frames, sayings), and their codes."""
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in FUNCTION_WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_language)

_SCRIPTS = {"CJK": "Han", "HIRAGANA": "Japanese", "KATAKANA": "Japanese"}


def language_of(text: str) -> str:
    """The language of a text in Latin letters, or the script of others; empty where it is open."""
    if not text.isascii():
        scripts = Counter(unicodedata.name(c, "?").split(" ")[0] for c in text if c.isalpha())
        script = scripts.most_common(1)[0][0] if scripts else "LATIN"
        if script not in ("LATIN", "?"):
            return _SCRIPTS.get(script, script.split("-")[0].capitalize())
    ranked = count_words(text).most_common(2)
    if not ranked or ranked[0][1] < 2 or (len(ranked) > 1 and ranked[1][1] == ranked[0][1]):
        return ""
    return ranked[0][0]


def main_languages(told: Iterable[str]) -> list[str]:
    """Of what `language_of` told of texts, the languages of at least `ON_PURPOSE` of those told."""
    counts = Counter(filter(None, told))
    total = counts.total()
    return sorted(name for name, n in counts.items() if n >= ON_PURPOSE * total)


def count_words(text: str) -> Counter[str]:
    """How many words of a text are function words of each language that is written in Latin."""
    hits: Counter[str] = Counter()
    for word in normalise(text).split():
        for language in _LANGUAGES_OF.get(word, ()):
            hits[language] += 1
    return hits


# ---------------------------------------------------------------- foreign texts


@cache
def _common_words() -> dict[str, frozenset[str]]:
    both = [{k: normalise(v) for k, v in t.items()} for t in (FUNCTION_WORDS, MORE_WORDS)]
    return {k: frozenset(" ".join(t.get(k, "") for t in both).split()) for k in both[1]}


@dataclass(frozen=True)
class Familiar:
    """What some texts are written with: `languages` that they are in, and their usual `words`.

    Both in alphabetical order. Without languages nothing is foreign to them.
    """

    languages: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Familiar:
        """What texts are written with. A language of a single one is among theirs."""
        texts = list(texts)
        main = {name for name in main_languages(map(language_of, texts)) if name in _common_words()}
        if not main:
            return cls()
        seen = Counter(word for text in texts for word in set(normalise(text).split()))
        usual = sorted((-n, word) for word, n in seen.items() if n >= FAMILIAR_ROWS)
        words = sorted(word for _, word in usual[:MOST_FAMILIAR])
        found = cls(tuple(sorted(main)), tuple(words))
        strange = {name for text in texts for name in found._foreign(text)}
        return cls(tuple(sorted(main | strange)), found.words)

    def along_with(self, texts: Iterable[str]) -> Familiar:
        """The same with the languages that some more texts seem to be in. Without any language,
        as before: nothing is foreign."""
        if not self.languages:
            return self
        more = {n for text in texts for n in (language_of(text), *self._foreign(text))}
        known = more & _common_words().keys() | {*self.languages}
        return Familiar(tuple(sorted(known)), self.words)

    def foreign_language(self, text: str) -> str:
        """The language of a text that is surely in none of `languages`; empty for any other.

        Surely: it has `FEWEST_WORDS`, each counted once, and of them `FOREIGN_SHARE` are common in
        that language and in none of ours, `FOREIGN_WORDS` more than those that are familiar. So a
        foreign title within a wish, or a single borrowed word, makes nothing foreign.
        """
        return next(iter(self._foreign(text)), "") if self.languages else ""

    def _foreign(self, text: str) -> list[str]:
        """The languages that a text may surely be in, the likeliest first."""
        words = set(normalise(text).split())  # said twice, a word is no more evidence
        if len(words) < FEWEST_WORDS:
            return []
        speaking = Counter(name for w in words for name in self._speaking.get(w, ()))
        scores: dict[str, int] = {}
        for name, n in speaking.items():
            if n >= max(FOREIGN_WORDS, FOREIGN_SHARE * len(words)):
                common = _common_words()[name]
                against = sum(w in self._known and w not in common for w in words)
                if n - against >= FOREIGN_WORDS:
                    scores[name] = n - against
        return sorted(scores, key=lambda name: (-scores[name], name))

    @cached_property
    def _speaking(self) -> dict[str, list[str]]:
        """The languages that a word speaks for, of those that are not ours."""
        out: dict[str, list[str]] = {}
        for name, common in _common_words().items():
            if name not in self.languages:
                for word in common - self._own:
                    out.setdefault(word, []).append(name)
        return out

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset().union(*(_common_words()[name] for name in self.languages))

    @cached_property
    def _known(self) -> frozenset[str]:
        return self._own | frozenset(self.words)
