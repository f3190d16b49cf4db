"""Which language or script a text is in.

The script is that of most of the letters; among languages that are written in Latin letters,
function words decide, and a text without two of them is left open.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable

from maksud.language.folding import normalise

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
