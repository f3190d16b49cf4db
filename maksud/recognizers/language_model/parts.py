"""The parts that answers are made of, each a small automaton over bytes.

A part has places; `step` takes a byte from a place to others. `Text` is fixed text, `Spans` are the
pieces of an utterance that can be copied, raw or as JSON strings, `FREE` is any value of the call
language, `NUMBER` a number. `left` says how many bytes a place is from the part's end, which is
what makes bounded answers possible. Knows no catalog and no tokens.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from maksud.language.calls import format_value
from maksud.recognizers.joint.tokens import tokenize

Place = Any
"""Where in a part; each part has its own kind, always hashable."""

# Possessives and particles that Indonesian and Javanese write onto the word before them.
_ENCLITIC = re.compile(r"[^\W\d_]{2,}(nya|ku|mu|lah|kah|pun|ne)", re.IGNORECASE)
_SWITCH = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")


@lru_cache(maxsize=10_000)
def must_quote(character: str) -> bool:
    """Whether a value that holds this character is written as a JSON string."""
    inside = f"a{character}a"
    return format_value(inside) != inside


class Part(ABC):
    """An automaton over bytes. Two parts are the same only if they are one object."""

    local = False
    """Whether the part belongs to one utterance."""

    @abstractmethod
    def starts(self) -> Iterable[Place]:
        """The places at which the part begins."""

    @abstractmethod
    def step(self, place: Place, byte: int) -> Iterable[Place]:
        """The places to which a byte leads; none where it does not fit."""

    @abstractmethod
    def choices(self, place: Place) -> Iterable[int] | None:
        """The bytes that fit; None for "many", where `step` must be asked."""

    @abstractmethod
    def left(self, place: Place) -> float:
        """The fewest bytes to the end of the part; 0: it can end here."""


class Text(Part):
    """A fixed text; a place counts its bytes that are written."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def starts(self) -> Iterable[int]:
        return (0,)

    def step(self, place: int, byte: int) -> Iterable[int]:
        fits = place < len(self.text) and self.text[place] == byte
        return (place + 1,) if fits else ()

    def choices(self, place: int) -> Iterable[int]:
        return self.text[place : place + 1]

    def left(self, place: int) -> int:
        return len(self.text) - place


class Spans(Part):
    """Copied values: pieces of an utterance from a word's start to a word's end.

    Words are those of the joint models (scripts without spaces are cut into characters), cut also
    between letters and digits, and before an enclitic. Raw spans hold nothing that must be quoted;
    with `quoted`, the spans that do, as JSON strings. A place is a position in the written bytes
    and whether the value could end (raw: something is written; quoted: something that needs the
    quotes is), as one number; `_OPEN` is before the opening quote, `_SHUT` behind the closing one.
    """

    local = True

    def __init__(self, utterance: str, writable: frozenset[int], *, quoted: bool) -> None:
        self.quoted = quoted
        starts, ends = edges(utterance)
        self._data = bytearray()
        self._turns = bytearray()
        self._blocked = bytearray()
        at = []
        for character in utterance:
            at.append(len(self._data))
            needs = must_quote(character)
            lost = "\ud800" <= character <= "\udfff"
            text = json.dumps(character, ensure_ascii=False)[1:-1] if quoted else character
            written = b"?" if lost else text.encode()
            lost = lost or not writable.issuperset(written) or (needs and not quoted)
            self._data += written
            self._blocked += bytes([lost]) * len(written)
            self._turns += bytes([needs or not quoted]) * len(written)
        at.append(len(self._data))
        self._ends = bytearray(len(self._data) + 1)
        for end in ends:
            self._ends[at[end]] = 1
        self._measure()
        self._starts = [2 * at[s] for s in starts if self._left[2 * at[s]] < math.inf]

    def _measure(self) -> None:
        """Fills `_left`, from the end of the utterance backwards."""
        size = len(self._data)
        shut = int(self.quoted)
        self._left = [math.inf] * (2 * size + 2)
        if self._ends[size]:
            self._left[2 * size + 1] = shut
        for k in range(size - 1, -1, -1):
            if self._ends[k]:
                self._left[2 * k + 1] = shut
            if not self._blocked[k]:
                for place in (2 * k, 2 * k + 1):
                    self._left[place] = min(self._left[place], 1 + self._left[self._behind(place)])

    def _behind(self, place: int) -> int:
        """The place behind the byte at a place."""
        at, ready = divmod(place, 2)
        return 2 * at + 2 + (ready | self._turns[at])

    def _goes_on(self, place: int) -> bool:
        at = place // 2
        return (
            at < len(self._data)
            and not self._blocked[at]
            and self._left[self._behind(place)] < math.inf
        )

    def starts(self) -> Iterable[int]:
        if not self.quoted or not self._starts:
            return self._starts
        return (_OPEN,)

    def step(self, place: int, byte: int) -> Iterable[int]:
        if place < 0:
            return self._starts if place == _OPEN and byte == _QUOTE else ()
        at, ready = divmod(place, 2)
        if self._goes_on(place) and self._data[at] == byte:
            return (self._behind(place),)
        if self.quoted and byte == _QUOTE and ready and self._ends[at]:
            return (_SHUT,)
        return ()

    def choices(self, place: int) -> Iterable[int]:
        if place < 0:
            return (_QUOTE,) if place == _OPEN else ()
        at, ready = divmod(place, 2)
        fits = [self._data[at]] if self._goes_on(place) else []
        if self.quoted and ready and self._ends[at]:
            fits.append(_QUOTE)
        return fits

    def left(self, place: int) -> float:
        if place == _OPEN:
            return 1 + min(self._left[s] for s in self._starts)
        return 0 if place == _SHUT else self._left[place]


_OPEN, _SHUT = -1, -2
_QUOTE = ord('"')


def edges(utterance: str) -> tuple[list[int], list[int]]:
    """Where words of an utterance start and where they end, as character positions.

    A word ends before its enclitic, too: "lampunya dimatikan" is about the "lampu".
    """
    starts, ends = [], []
    for word in tokenize(utterance, len(utterance) + 1):
        starts.append(word.start)
        for match in _SWITCH.finditer(utterance, word.start, word.end):
            ends.append(match.start())
            starts.append(match.start())
        enclitic = _ENCLITIC.fullmatch(utterance, word.start, word.end)
        if enclitic:
            ends.append(enclitic.start(1))
        ends.append(word.end)
    return starts, ends


class Free(Part):
    """Any value: raw text, or a JSON string where it holds what must be quoted.

    A place is a mode and the bytes of a character that is not whole yet. Raw text takes no white
    space but the plain blank, and never at its ends; a JSON string is written as `json.dumps` does,
    without `\\u` escapes. The empty value is not among them.
    """

    _ESCAPED = frozenset(b'"\\bfnrt')

    def starts(self) -> Iterable[tuple[str, bytes]]:
        return (("start", b""),)

    def choices(self, place: tuple[str, bytes]) -> Iterable[int] | None:
        mode, pending = place
        if mode == "shut":
            return ()
        if pending:
            return [byte for byte in range(0x80, 0xC0) if self.step(place, byte)]
        return self._ESCAPED if mode.endswith("\\") else None

    def step(self, place: tuple[str, bytes], byte: int) -> Iterable[tuple[str, bytes]]:
        mode, pending = place
        if mode == "shut" or (mode.endswith("\\") and byte not in self._ESCAPED):
            return ()
        if pending or byte >= 0x80:
            pending += bytes([byte])
            character = _character(pending)
            if character is None:
                return ()
            if not character:
                return ((mode, pending),)
        else:
            character = chr(byte)
        after = self._after(mode, character)
        return ((after, b""),) if after else ()

    @staticmethod
    def _after(mode: str, character: str) -> str:
        """The mode behind a whole character; empty where it does not fit."""
        needs = must_quote(character)
        if mode in ("start", "word", "blank"):
            if mode == "start" and character == '"':
                return "plain"
            if character == " ":
                return "" if mode == "start" else "blank"
            return "" if needs or character.isspace() else "word"
        if mode.endswith("\\"):
            return "ready" if character != "\\" else mode[:-1]
        if character == '"':
            return "shut" if mode == "ready" else ""
        if character == "\\":
            return mode + "\\"
        if character < " ":
            return ""
        return "ready" if needs else mode

    _LEFT = {"start": 1, "word": 0, "blank": 1, "shut": 0, "ready": 1, "plain": 2}

    def left(self, place: tuple[str, bytes]) -> int:
        mode, pending = place
        if pending:
            whole = 2 if pending[0] < 0xE0 else 3 if pending[0] < 0xF0 else 4
            behind = "word" if mode in ("start", "blank") else mode
            return whole - len(pending) + self._LEFT[behind]
        if mode.endswith("\\"):
            return 2  # an escaped quote makes it ready
        return self._LEFT[mode]


def _character(written: bytes) -> str | None:
    """The character that UTF-8 bytes spell; empty while they are its beginning, else None."""
    try:
        return written.decode()
    except UnicodeDecodeError as error:
        return "" if error.reason == "unexpected end of data" else None


class Number(Part):
    """A number as `catalog.violations` knows it, `[+-]digits` with groups; with commas, quoted."""

    _STEPS = {
        "start": {"digit": "digits", "sign": "open", "quote": "quoted"},
        "open": {"digit": "digits"},
        "digits": {"digit": "digits", "dot": "open"},
        "quoted": {"digit": "quoted digits", "sign": "quoted open"},
        "quoted open": {"digit": "quoted digits"},
        "quoted digits": {"digit": "quoted digits", "dot": "quoted open", "comma": "comma open"},
        "comma open": {"digit": "comma"},
        "comma": {"digit": "comma", "dot": "comma open", "comma": "comma open", "quote": "shut"},
        "shut": {},
    }
    _LEFT = {
        "start": 1, "open": 1, "digits": 0, "quoted": 4, "quoted open": 4, "quoted digits": 3,
        "comma open": 2, "comma": 1, "shut": 0,
    }  # fmt: skip
    _KINDS = {
        **dict.fromkeys(b"0123456789", "digit"), **dict.fromkeys(b"+-", "sign"),
        ord("."): "dot", ord(","): "comma", ord('"'): "quote",
    }  # fmt: skip

    def starts(self) -> Iterable[str]:
        return ("start",)

    def step(self, place: str, byte: int) -> Iterable[str]:
        after = self._STEPS[place].get(self._KINDS.get(byte, ""))
        return (after,) if after else ()

    def choices(self, place: str) -> Iterable[int]:
        return [b for b, kind in self._KINDS.items() if kind in self._STEPS[place]]

    def left(self, place: str) -> int:
        return self._LEFT[place]


class End(Part):
    """The end of the answer: the end token counts as one byte."""

    def starts(self) -> Iterable[int]:
        return (0,)

    def step(self, place: int, byte: int) -> Iterable[int]:
        return ()

    def choices(self, place: int) -> Iterable[int]:
        return ()

    def left(self, place: int) -> int:
        return 1


FREE, NUMBER, END = Free(), Number(), End()
