"""Language and script: a few rows in another one than the rest are often a mistake.

A sample of rows is looked at. The script is that of most of a row's letters; among languages that
are written in Latin letters, function words decide, and a row without two of them is left open.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.dataset import Example, normalise
from maksud.data.findings import Finding, Findings, excerpt

SAMPLE = 20_000
"""Rows that are looked at, evenly over the data."""
FEWEST = 100
"""Rows whose language or script is told, from which anything is concluded."""
STRAY = 0.05
"""Share of the rows in another language from which it is told."""
ON_PURPOSE = 0.20
"""Share of the rows from which another language is taken to be wanted."""

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


class Languages(Part):
    """Looks at a sample when it tells."""

    @classmethod
    def of(cls, checking: Checking) -> Languages:
        return cls(checking.examples)

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples

    def tell(self, found: Findings) -> None:
        step = max(1, len(self._examples) // SAMPLE)
        counts: Counter[str] = Counter()
        first: dict[str, Example] = {}
        for k in range(0, len(self._examples), step):
            example = self._examples[k]
            language = language_of(example.instruction)
            if language:
                counts[language] += 1
                first.setdefault(language, example)
        total = sum(counts.values())
        if total < FEWEST:
            return
        (main, _), *others = counts.most_common()
        for language, count in others:
            share = count / total
            if share <= STRAY:
                continue
            wanted = share > ON_PURPOSE
            example = first[language]
            found.append(
                Finding(
                    "info" if wanted else "warning",
                    "I-LANG" if wanted else "W-LANG",
                    f"{share:.0%} of the rows seem to be {language}, most {main}: "
                    f"{excerpt(example.instruction, 50)}",
                    example.place,
                    why="few rows of another language teach it badly, and may be a mistake",
                    fix="look whether they belong here, or add more of them",
                )
            )


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


CHECK = Check("languages", Languages)
