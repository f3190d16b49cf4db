"""What should not be in a text: characters that hide, broken encodings, markup, control tokens.

Most rows are plain, and two searches by character class tell that. Only the others are looked at
closely. Orthography is left alone: joiners inside emoji and between letters of scripts that need
them, direction marks beside letters that run from right to left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import partial
from html.entities import html5

from maksud.data.checks.base import Check, Checking, Mend, Part
from maksud.data.checks.names import LOOKALIKES
from maksud.data.checks.rows import Row
from maksud.data.findings import Finding, Findings, Level, excerpt
from maksud.language.folding import normalise

_TRIGGER = re.compile(
    r"[<&\[\\\u0080-\u00ad\u00c2-\u00f4\u0370-\u052f\u061c\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ue000-\uf8ff\ufeff\ufff9-\ufffd\u951f\u70eb\U000e0000-\U000e0fff]"
    r"|[\uff5c\u5ffd\u65e0]"
)

_SPECIAL = re.compile(
    r"<[|\uff5c][^<>|\uff5c]{1,40}[|\uff5c]>|</?s>|\[/?INST\]|<</?SYS>>"
    r"|<(?:bos|eos|pad|unk|mask|start_of_turn|end_of_turn)>|</?(?:think|tool_call|tool_response)>"
    r"|\[(?:CLS|SEP|PAD|MASK|UNK|BOS|EOS)\]"
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|([A-Za-z][A-Za-z0-9]{1,30}));")
_TAG = re.compile(r"<!--|</?[A-Za-z][A-Za-z0-9]{0,20}(?:\s[^<>]{0,200})?/?>")
_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}")

_HIDDEN = re.compile(
    r"[\u0080-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufeff"
    r"\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_HIDDEN_NAMES = {
    0x00AD: "soft hyphen",
    0x200B: "zero width space",
    0x200C: "zero width non-joiner",
    0x200D: "zero width joiner",
    0x2060: "word joiner",
    0xFEFF: "zero width no-break space",
    0x202A: "direction embedding",
    0x202B: "direction embedding",
    0x202D: "direction override",
    0x202E: "direction override",
}
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_GREEK_OR_CYRILLIC = re.compile(r"[\u0370-\u03ff\u0400-\u052f]")
_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"\w+")

# UTF-8 read as Windows-1252 or Latin-1: a lead byte's letter, then letters of its followers.
_FOLLOWER = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_SURE = re.compile(
    f"[\u00e0-\u00ef]{_FOLLOWER}{{2}}|[\u00f0-\u00f4]{_FOLLOWER}{{3}}|[ÃÂ]{_FOLLOWER}"
)
_PAIR = re.compile(f"[\u00c4-\u00df]{_FOLLOWER}")
_LOST = ("\ufffd", "锟斤拷", "烫烫烫")

_CUES = frozenset(
    normalise(
        "ignore disregard forget override prompt prompts abaikan lupakan instructions instruksi "
        "jailbreak pretend"
    ).split()
)
_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override) (?:(?:all|any|of|the|your|previous|prior|above|"
    r"earlier|these|those|system) ){0,4}(?:instructions?|prompts?|rules)\b"
    r"|\b(?:abaikan|lupakan|acuhkan) (?:(?:semua|seluruh|segala) )?"
    r"(?:instruksi|perintah|aturan|prompt)\b"
    r"|\b(?:system|sistem) prompts?\b|\bprompt sistem\b|\bpretend (?:to be|you are)\b|\bjailbreak\b"
)
_INJECTION_HAN = re.compile("(?:忽略|无视).{0,8}(?:指令|指示|提示|规则)")

_SPACE = "white space around the text"
_DECOMPOSED = "letters and their accents apart"

Fault = tuple[str, str]
"""A code and what was found."""

_ABOUT: dict[str, tuple[str, str]] = {
    "W-HIDDEN": (
        "what is not seen is not typed by users, and makes equal words different",
        "remove it (--fix removes those of zero width)",
    ),
    "W-MOJIBAKE": (
        "text that was decoded wrongly is learnt as it stands, and never typed so",
        "export again as UTF-8",
    ),
    "W-MARKUP": (
        "people do not say markup; it is left over from a web page or an export",
        "take the plain text",
    ),
    "W-SPECIAL": (
        "models read such words as the end of a turn or a role; they are encoded as plain text",
        "remove it, unless people type it",
    ),
    "I-SPACE": ("space around a text says nothing, and makes equal texts different", "--fix trims"),
    "I-NFC": (
        "the same letters in two encodings are different texts, and values are not found in them",
        "--fix composes (NFC)",
    ),
    "I-INJECT": (
        "text that instructs the model; it is kept as data",
        "label it none(), so that it is learnt to be refused",
    ),
}


class Text(Part):
    """Looks at utterances, and at answers for what their utterance has not."""

    @classmethod
    def of(cls, checking: Checking) -> Text:
        return cls(checking.limit)

    def __init__(self, limit: int | None) -> None:
        self._found = Findings(limit=limit)

    def see(self, row: Row) -> None:
        text = row.text
        codes: set[str] = set()
        if text != text.strip():
            self._found.note("I-SPACE", partial(_fault, "I-SPACE", _SPACE, text, row.example.place))
        if text.isascii():
            odd = "<" in text or "&" in text or "[" in text or "\\" in text
        else:
            odd = _TRIGGER.search(text) is not None
            if not unicodedata.is_normalized("NFC", text):
                self._found.note(
                    "I-NFC", partial(_fault, "I-NFC", _DECOMPOSED, text, row.example.place)
                )
        if odd or not _CUES.isdisjoint(row.words):
            codes = self._note(row, text, row.folded, codes, "")
        output = row.answer.text
        if not output.isascii() and _TRIGGER.search(output):
            self._note(row, output, "", codes, " in the output")

    def tell(self, found: Findings) -> None:
        found.extend(self._found)

    def _note(self, row: Row, text: str, folded: str, known: set[str], where: str) -> set[str]:
        codes = set()
        for code, what in faults(text, folded):
            if code in codes or code in known:
                continue
            codes.add(code)
            place = row.example.place
            self._found.note(code, partial(_fault, code, f"{what}{where}", text, place))
        return codes


def _fault(code: str, what: str, text: str, place: str) -> Finding:
    why, fix = _ABOUT[code]
    level: Level = "info" if code.startswith("I") else "warning"
    return Finding(level, code, f"{what}: {excerpt(text, 50)}", place, why, fix)


def faults(text: str, folded: str = "") -> Iterator[Fault]:
    """What is wrong with a text, each with its code. Linear in its length."""
    if not text.isascii():
        for at in hidden(text):
            yield "W-HIDDEN", _named(text[at])
        for word in lookalikes(text):
            plain = word.translate(LOOKALIKES)
            odd = next(c for c in word if ord(c) in LOOKALIKES)
            name = unicodedata.name(odd, "").lower()
            yield "W-HIDDEN", f"U+{ord(odd):04X} ({name}) in a word that looks like {plain!r}"
        if any(lost in text for lost in _LOST):
            yield "W-MOJIBAKE", "characters that were lost in decoding (U+FFFD)"
        elif _SURE.search(text) or len(_PAIR.findall(text)) >= 2:
            yield "W-MOJIBAKE", "UTF-8 that was read as another encoding"
    if "\\" in text and (match := _ESCAPE.search(text)):
        yield "W-MOJIBAKE", f"an escape that was not read ({match.group()})"
    if match := _SPECIAL.search(text):
        yield "W-SPECIAL", f'control token "{match.group()}"'
    if "<" in text and any(not _SPECIAL.match(m.group()) for m in _TAG.finditer(text)):
        yield "W-MARKUP", "markup"
    if "&" in text and any(_is_entity(m) for m in _ENTITY.finditer(text)):
        yield "W-MARKUP", "an HTML entity"
    if _INJECTION.search(folded or text.casefold()) or _INJECTION_HAN.search(text):
        yield "I-INJECT", "text that looks like an instruction to the model"


def hidden(text: str) -> Iterator[int]:
    """Places of the characters that are not seen and that no orthography needs."""
    for match in _HIDDEN.finditer(text):
        at = match.start()
        c = match.group()
        if c in "\u200c\u200d" and joins(text, at):
            continue
        if c in "\u200e\u200f\u061c" and _RIGHT_TO_LEFT.search(text):
            continue
        if "\U000e0020" <= c <= "\U000e007f" and "\U0001f3f4" in text:
            continue  # the letters of a regional flag
        yield at


def joins(text: str, at: int) -> bool:
    """Whether the joiner or non-joiner at this place is spelling: inside an emoji sequence, or
    between letters of a script that is written with joiners."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if not before or not after:
        return False
    if text[at] == "\u200d" and _is_pictorial(before) and _is_pictorial(after):
        return True
    return all(
        "\u0600" <= c <= "\u1cff" and unicodedata.category(c)[0] in "LM" for c in before + after
    )


def lookalikes(text: str) -> Iterator[str]:
    """Words of Latin letters in which Cyrillic or Greek ones stand in for some."""
    if not _GREEK_OR_CYRILLIC.search(text):
        return
    for match in _WORD.finditer(text):
        word = match.group()
        foreign = _GREEK_OR_CYRILLIC.findall(word)
        if foreign and _LATIN.search(word) and all(ord(c) in LOOKALIKES for c in foreign):
            yield word


def _is_pictorial(c: str) -> bool:
    return c == "\ufe0f" or unicodedata.category(c) in ("So", "Sk")


def _is_entity(match: re.Match[str]) -> bool:
    return match[1] is None or f"{match[1]};" in html5


def _named(c: str) -> str:
    name = _HIDDEN_NAMES.get(ord(c)) or unicodedata.name(c, "").lower()
    if not name:
        name = {"Cc": "control character", "Co": "private use"}.get(
            unicodedata.category(c), "not assigned"
        )
    return f"U+{ord(c):04X} ({name})"


def clean(text: str) -> tuple[str, set[str]]:
    """A text without what is never meant, and the kinds of what was mended."""
    kinds = set()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        kinds.add(ENDS)
    if text.isascii():
        return text, kinds
    gone = {at for at in hidden(text) if text[at] in _ZERO_WIDTH}
    if gone:
        text = "".join(c for at, c in enumerate(text) if at not in gone)
        kinds.add(WIDTH)
    composed = unicodedata.normalize("NFC", text)
    if composed != text:
        text = composed
        kinds.add(COMPOSED)
    return text, kinds


def trim(text: str) -> tuple[str, set[str]]:
    """A text without outer white space."""
    stripped = text.strip()
    return stripped, {SPACE} if stripped != text else set()


SPACE, ENDS, COMPOSED, WIDTH = (
    "outer white space",
    "line ends",
    "Unicode composition (NFC)",
    "zero-width characters",
)
_ZERO_WIDTH = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")

CHECK = Check(
    "text",
    Text,
    Mend((SPACE, ENDS, COMPOSED, WIDTH), clean, trim, unseen=frozenset({COMPOSED, WIDTH})),
)
