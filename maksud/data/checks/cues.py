"""Words by which a wording is told not to be acted on, in Indonesian and English.

Negated, over, reported or taken back. The lists are short on purpose: a word that as often says
something else ("no, louder"; "can't hear it") is not in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from maksud.language.languages import CODES


def collect_words(*texts: str) -> frozenset[str]:
    """The words of texts that are written as lists of them."""
    return frozenset(word for text in texts for word in text.split())


LANGUAGES = tuple(CODES)
"""Languages that the lists are of, as `languages.language_of` calls them."""

NEGATORS = collect_words(
    "jangan jgn jangn tidak tdk tak nggak ngga enggak gak ga kagak ndak gausah "
    # `folded_words` parts don't into don and t.
    "not never dont don doesnt doesn didnt didn needn shouldn without"
)
"""What stands before a wish that is none."""
REPORTS = collect_words(
    "tadi barusan kemarin semalam semalem sudah udah udh telah belum blm bukan katanya bilang "
    "nyuruh "
    "already yesterday earlier said says told asked did was"
)
"""What stands before something that happened, or that somebody else said."""
CUES = NEGATORS | REPORTS
CANCELS = frozenset(
    {("gak", "jadi"), ("nggak", "jadi"), ("ga", "jadi"), ("tidak", "jadi"), ("enggak", "jadi")}
    | {("never", "mind"), ("forget", "it"), ("scratch", "that"), ("no", "wait")}
)
"""Two words that take back what stands before them."""
REMINDERS = frozenset({"lupa", "lupain", "forget"})
"""After a negator, a wish all the same: "jangan lupa matikan lampu"."""
_CANCEL_STARTS = frozenset(first for first, _ in CANCELS)
STARTS = CUES | _CANCEL_STARTS
"""A row without one of these words has no cue."""

BETWEEN = collect_words(
    "usah perlu sampai sampe boleh mau ingin pengen pernah lagi dulu kamu aku saya gue gw dia "
    "kau lo ya tolong want need have to i you he she we they be please ever the"
)
"""What may stand between a cue and the word that it is about."""
WINDOW = 5
"""Words after a cue that it may be about."""

_ENDINGS = ("kannya", "kan", "nya", "in", "lah", "ing", "ed", "s")
_LEAST = 3
"""Letters that are left of a word at least where an ending is cut off."""


@lru_cache(maxsize=1 << 14)
def root_of(word: str) -> str:
    """A word without what Indonesian and English hang on it, roughly: `dinyalakan` and
    `nyalain` are `nyala`. Only for comparing: it need not be a word."""
    if word.startswith("di") and len(word) > _LEAST + 3:
        word = word[2:]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST:
            return word[: -len(ending)]
    return word


def places_after(words: Sequence[str], cues: frozenset[str] = CUES) -> list[tuple[int, bool]]:
    """The places of the words that a cue is about, perhaps; True where it surely is: nothing but
    `BETWEEN` stands between. What is taken back later is all that stands before."""
    found: dict[int, bool] = {}
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if following == "t":  # of don't, as `folded_words` parts it
            following = words[at + 2] if at + 2 < len(words) else ""
        if word in cues and following not in REMINDERS:
            direct = True
            for place in range(at + 1, min(at + 1 + WINDOW, len(words))):
                found[place] = found.get(place, False) or direct
                direct = direct and (words[place] in BETWEEN or len(words[place]) == 1)
        if (word, following) in CANCELS:
            found.update(dict.fromkeys(range(at), True))
    return sorted(found.items())
