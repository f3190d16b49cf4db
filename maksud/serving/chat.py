"""NAME/chat: the decisions of NAME, said as a person reads them.

`content` is what the catalog asks for what is missing, its confirmation of what is acted on, or a
refusal in the language of what was said. All of it are templates: the catalog's, and a few of our
own. `message.maksud` is that of NAME. What is said keeps the rule of open turns: only a question
leaves a turn open, so that nothing is acted on a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from maksud.language.calls import NONE, Call
from maksud.language.catalog import Catalog
from maksud.language.confirmation import as_statement, fill_confirmation
from maksud.language.conversation import Turn
from maksud.language.languages import CODES, count_words, language_of
from maksud.recognizers.contract import (
    NOTHING_SAID,
    ONE_WORD,
    ONLY_SMALL_WORDS,
    UNKNOWN_LANGUAGE,
    UNKNOWN_SCRIPT,
    VALUES_ALONE,
)
from maksud.recognizers.recognition import Recognition

SUFFIX = "/chat"
"""Behind the name of a model: the one that talks."""
LOOKED_AT = 8
"""Things said from which the language is told, at most."""
LOOKED_INTO = 1000
"""Characters of each."""

SAYINGS: Mapping[str, Mapping[str, str]] = {
    "done": {"id": "Baik", "en": "OK"},
    "outside": {
        "id": "Maaf, saya tidak bisa membantu soal itu.",
        "en": "Sorry, I can't help with that.",
    },
    "unsure": {
        "id": "Maaf, saya kurang yakin maksudnya. Tolong katakan dengan kata lain.",
        "en": "Sorry, I am not sure what you mean. Please say it in other words.",
    },
    "long": {
        "id": "Maaf, itu terlalu panjang untuk saya baca. Tolong katakan lebih singkat.",
        "en": "Sorry, that is too long for me to read. Please say it in fewer words.",
    },
    "nothing": {
        "id": "Maaf, di situ tidak ada kata yang bisa saya baca.",
        "en": "Sorry, there are no words in that which I can read.",
    },
    "little": {
        "id": "Maaf, saya belum tahu apa yang diminta. Tolong katakan lebih lengkap.",
        "en": "Sorry, I don't know yet what you want. Please say a little more.",
    },
    "script": {
        "id": "Maaf, saya tidak bisa membaca huruf itu.",
        "en": "Sorry, I can't read these letters.",
    },
    "language": {
        "id": "Maaf, saya tidak mengerti bahasa itu.",
        "en": "Sorry, I don't understand that language.",
    },
}
"""What is said where the catalog has no words for it, in each language that we write."""
_REASONS = {
    NOTHING_SAID: "nothing",
    UNKNOWN_SCRIPT: "script",
    UNKNOWN_LANGUAGE: "language",
    ONLY_SMALL_WORDS: "little",
    VALUES_ALONE: "little",
    ONE_WORD: "little",
}


def speak(recognition: Recognition, catalog: Catalog, said: Sequence[str]) -> str:
    """What a person should read. `said`: what the person said so far, the last at the end."""
    if not recognition.accepted:
        return _say(_refusal(recognition), tell_language(said))
    if recognition.missing:
        return recognition.missing[0].question
    return "\n".join(_confirm(call, catalog, said) for call in recognition.calls)


def tell_language(said: Sequence[str]) -> str:
    """The code of the language in which to answer; "" where nothing tells it.

    The last thing said decides; one that tells nothing ("jam 5", "INV-3") leaves it to the one
    before. Languages that we have no words in are answered in English.
    """
    for text in reversed(said[-LOOKED_AT:]):
        text = text[:LOOKED_INTO]
        language = language_of(text)
        if language:
            return CODES.get(language, "en")
        counts = count_words(text)
        found = {code: counts[language] for language, code in CODES.items() if counts[language]}
        if found and sum(n == max(found.values()) for n in found.values()) == 1:
            return max(found, key=lambda code: found[code])
    return ""


def what_was_said(turns: Iterable[Turn]) -> list[str]:
    """What the person said in a conversation, in order."""
    return [t.text for t in turns if t.role == "user"]


def _refusal(recognition: Recognition) -> str:
    if recognition.truncated:
        return "long"
    if not recognition.calls or NONE in recognition.calls:
        return _REASONS.get(recognition.reason, "outside")
    return "unsure"


def _confirm(call: Call, catalog: Catalog, said: Sequence[str]) -> str:
    """The catalog's confirmation, else the intent's description with the values behind it."""
    values: dict[str, list[str]] = {}
    for argument in call.arguments:
        values.setdefault(argument.name or "", []).append(argument.value)
    intent = catalog.get(call.intent)
    if intent is not None and intent.confirm:
        return fill_confirmation(intent.confirm, values)
    about = (intent.description if intent else "") or call.intent.replace("_", " ")
    given = [f"{name}: {', '.join(v)}" if name else ", ".join(v) for name, v in values.items()]
    done = _say("done", tell_language(said))
    text = f"{done}: {about}" + (f" ({'; '.join(given)})" if given else "")
    return as_statement(" ".join(text.split()))


def _say(key: str, language: str) -> str:
    """Ours, in a language; in all of them, as the shipped catalogs ask, where none is told."""
    words = SAYINGS[key]
    return words[language] if language else " / ".join(words.values())
