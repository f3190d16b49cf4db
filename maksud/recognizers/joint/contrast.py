"""Contrast frames: what makes of a wish something else, and what only seems to.

    refuse   bare   jangan {} dulu            any   kemarin dia bilang {}
    act      bare   jangan lupa {}            any   nggak usah tanya lagi, {}

A network that learns from wishes alone acts on "jangan matikan lampu": it never saw a lamp that
should stay on. In training some wishes are put into such frames; refusing ones make them
`none()`. Both kinds hold the same negators, past tenses and quotes, so that no single word
decides (counterfactual augmentation: Kaushik et al. 2020). Some values are corrected as they are
said, in the ways of `load_corrections`: the one that is meant counts, wherever it stands.
Written by us, for no domain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from maksud.language.languages import CODES, language_of, main_languages
from maksud.recognizers.joint.tokens import tokenize

_OPENINGS = 3
"""Clauses of an intent that begin with the same word: then it is taken for a bare verb."""
_NEVER_BARE = """
saya aku gue gw gua kami kita i i'm we my the a an this that it what where when why who
how is are was were can could would will do does did apa apakah di mana dimana kapan
kenapa mengapa siapa bagaimana gimana berapa ada itu ini kok halo hai hi hey hello ok
oke yang tolong please mohon minta bisa boleh coba
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """Words before and after a wish. `acts`: the wish stays one; `bare`: only a verb fits."""

    acts: bool
    bare: bool
    before: tuple[str, ...]
    after: tuple[str, ...]


@cache
def load_frames(language: str) -> tuple[Frame, ...]:
    """The frames of a language (`id`, `en`)."""
    text = files(__package__).joinpath("frames", f"{language}.txt").read_text(encoding="utf-8")
    out = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            kind, form, frame = line.split("\t")
            before, _, after = frame.partition("{}")
            out.append(Frame(kind == "act", form == "bare", _words(before), _words(after)))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Correction:
    """Words before, between and after two values, of which the speaker means one.

    `last`: it is the second that is meant.
    """

    before: tuple[str, ...]
    between: tuple[str, ...]
    after: tuple[str, ...]
    last: bool


@cache
def load_corrections(language: str) -> tuple[Correction, ...]:
    """How a value is corrected in a language (`id`, `en`): "jam 5, eh bukan, jam 6"."""
    path = files(__package__).joinpath("frames", f"{language}.corrections.txt")
    out = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            last = line.index("{old}") < line.index("{new}")
            first, second = ("{old}", "{new}") if last else ("{new}", "{old}")
            before, _, rest = line.partition(first)
            between, _, after = rest.partition(second)
            out.append(Correction(_words(before), _words(between), _words(after), last))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Passive:
    """Words that refuse the passive verb behind them: "jangan", "don't let {} be".

    `about`: the words of it behind which what it is about may stand; -1 where none may.
    """

    words: tuple[str, ...]
    about: int = -1


@cache
def load_passives(language: str) -> tuple[Passive, ...]:
    """What refuses a passive verb in a language (`id`, `en`), the longest first."""
    path = files(__package__).joinpath("frames", f"{language}.passives.txt")
    out = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            before, gap, after = line.partition("{}")
            first = _words(before)
            out.append(Passive(first + _words(after), len(first) if gap else -1))
    return tuple(sorted(out, key=lambda p: -len(p.words)))


def _words(text: str) -> tuple[str, ...]:
    return tuple(t.text for t in tokenize(text))


def languages_of(clauses: Iterable[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """(the data's main languages that there are frames for, those of each clause).

    A clause whose language is open may be of any of them.
    """
    told = [language_of(" ".join(words)) for words in clauses]
    main = [CODES[name] for name in main_languages(told) if name in CODES]
    codes = [CODES.get(name, "") for name in told]
    return main, [[code] if code in main else main for code in codes]


def find_bare(clauses: Sequence[tuple[str, Sequence[str]]]) -> list[bool]:
    """Whether each clause, (intent, words), begins like a bare verb phrase: "putar lagu"."""
    never = set(_NEVER_BARE.split())
    openings = Counter((intent, words[0]) for intent, words in clauses if words)
    return [
        bool(words)
        and openings[intent, words[0]] >= _OPENINGS
        and words[0] not in never
        and words[0].isalpha()
        for intent, words in clauses
    ]
