"""Which tokens may come next: the grammar of answers over a byte-level BPE vocabulary.

Every token whose bytes fit is allowed, so that the model can write each text in the tokens that it
learnt. Where the grammar leaves one way only, `forced` gives the tokens in which the tokenizer
itself writes it, so that they can be appended without asking the model, several at once.
Allowed tokens are kept by state: for all utterances where no copied value is in reach.
"""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maksud.errors import EngineError
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog import Catalog
from maksud.recognizers.language_model.grammar import Answers, Grammar, State
from maksud.recognizers.language_model.prompt import token_bytes

Tokens = NDArray[np.int32]

_KEPT = 8_000_000
"""Allowed tokens that are kept, of all states of a catalog together."""

_NARROWER = 16
"""Constraints of a part of the catalog that are kept."""


@dataclass
class Guide:
    """The constraint for one utterance."""

    answers: Answers
    allowed: dict[State, Tokens] = field(default_factory=dict)


class Constraint:
    """The answers that a catalog allows, in a tokenizer's tokens.

    Raises `EngineError` for a tokenizer that is not byte-level BPE, or that can't write the
    catalog's names and values.
    """

    def __init__(self, catalog: Catalog, tokenizer: Any) -> None:
        self.catalog = catalog
        self._tokenizer = tokenizer
        self._bytes = {number: text for number, text in token_bytes(tokenizer).items() if text}
        ordered = sorted((text, number) for number, text in self._bytes.items())
        self._texts = [text for text, _ in ordered]
        self._numbers = [number for _, number in ordered]
        self._writable = frozenset(text[0] for text in self._texts if len(text) == 1)
        self._words = self._sorted_out()
        self._grammar = Grammar(catalog)
        self._within: OrderedDict[frozenset[str], Constraint] = OrderedDict()
        for text in self._grammar.texts():
            if not self._writable.issuperset(text.encode()):
                raise EngineError(
                    f"the tokenizer can't write {text!r} of the catalog",
                    hint="Rename it, or take another base model",
                )
        self.names = tuple(
            [f"{OUT_OF_SCOPE}()".encode(), *(f"{name}(".encode() for name in catalog.names)]
        )
        self._kept: OrderedDict[tuple[State, bool], Tokens] = OrderedDict()
        self._kept_size = 0
        self._share = 1

    def leaves(self, allowed: Collection[str]) -> bool:
        """Whether any answer is left of the catalog: see `within`."""
        return OUT_OF_SCOPE in allowed or any(name in self.catalog for name in allowed)

    def within(self, allowed: Collection[str]) -> Constraint:
        """The constraint of the same catalog with none but these intents, and `none` for `none()`.

        It shares the tables of the vocabulary.
        """
        key = frozenset(allowed).intersection((*self.catalog.names, OUT_OF_SCOPE))
        if len(key) == len(self.catalog.names) + 1:
            return self
        found = self._within.get(key)
        if found is None:
            found = copy.copy(self)
            found.catalog = Catalog(tuple(i for i in self.catalog.intents if i.name in key))
            found._grammar = Grammar(found.catalog, outside=OUT_OF_SCOPE in key)
            found.names = tuple(n for n in self.names if n[: n.index(b"(")].decode() in key)
            found._kept, found._kept_size = OrderedDict(), 0
            found._share = _NARROWER
            self._within[key] = found
            if len(self._within) > _NARROWER:
                self._within.popitem(last=False)
        else:
            self._within.move_to_end(key)
        return found

    def over(self, utterance: str) -> Guide:
        """The constraint for an utterance; it begins at `guide.answers.start`."""
        return Guide(Answers(self._grammar, utterance, self._writable))

    def allowed(self, guide: Guide, state: State) -> Tokens:
        """The ids of the tokens that fit at a state, in order; the end token is not among them."""
        found = guide.allowed.get(state)
        if found is None:
            key = state, guide.answers.copies
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
            walk = _Walk(self, guide.answers)
            walk.go(state, 0, len(self._texts), 0)
            found = np.unique(np.array(walk.found, np.int32))
            if walk.local:
                guide.allowed[state] = found
            else:
                self._keep(key, found)
        return found

    def step(self, guide: Guide, state: State, token: int) -> State:
        """The state behind a token; empty where it does not fit."""
        for byte in self._bytes.get(token, b"\xff"):
            state = guide.answers.step(state, byte)
            if not state:
                break
        return state

    def text(self, tokens: list[int]) -> bytes:
        """The bytes of tokens."""
        return b"".join(self._bytes[t] for t in tokens)

    def forced(self, guide: Guide, state: State, written: list[int]) -> list[int]:
        """The tokens that must come next, as the tokenizer writes them; often none.

        `written`: the answer's tokens so far. A token is given only where no token that may follow
        could reach across its end.
        """
        answers = guide.answers
        text = bytearray()
        while not answers.ends(state):
            only = answers.choices(state)
            if only is None or len(only) != 1:
                break
            text.append(only[0])
            state = answers.step(state, only[0])
        if not text:
            return []
        try:
            whole = (self.text(written) + text).decode()
        except UnicodeDecodeError:  # it stops inside a character: the model goes on
            return []
        tokens = self._encode(whole)
        if tokens[: len(written)] != written:
            return []  # the model spells otherwise than its tokenizer: it goes on
        room = self._settled(guide.answers, state, bytes(text))
        given: list[int] = []
        for token in tokens[len(written) :]:
            room -= len(self._bytes[token])
            if room < 0:
                break
            given.append(token)
        return given

    # ------------------------------------------------------------ parts

    def _keep(self, key: tuple[State, bool], tokens: Tokens) -> None:
        self._kept[key] = tokens
        self._kept_size += 1 + len(tokens)
        while self._kept_size > _KEPT // self._share:
            _, oldest = self._kept.popitem(last=False)
            self._kept_size -= 1 + len(oldest)

    def _settled(self, answers: Answers, state: State, text: bytes) -> int:
        """How many bytes of forced text no token shares with what may follow it at `state`."""
        for start in range(len(text)):
            head = text[start:]
            low, high = _range(self._texts, head, 0, len(self._texts))
            while low < high and len(self._texts[low]) == len(head):
                low += 1
            if low < high:
                walk = _Walk(self, answers)
                walk.go(state, low, high, len(head))
                if walk.found:
                    return start
        return len(text)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=True
        ).input_ids
        return ids

    def _sorted_out(self) -> _Words:
        plain, spaced, others = [], [], []
        for place, (text, number) in enumerate(zip(self._texts, self._numbers, strict=True)):
            word = text.decode(errors="replace")
            if word.isalnum():
                plain.append(number)
            elif word[0] == " " and word[1:].isalnum():
                spaced.append(number)
            else:
                others.append(place)
        return _Words(plain, spaced, others)


@dataclass(frozen=True)
class _Words:
    """The tokens of a vocabulary that free text treats alike, and the places of all others."""

    plain: list[int]
    """Letters and digits alone."""
    spaced: list[int]
    """The same behind a blank."""
    others: list[int]


def _range(texts: list[bytes], head: bytes, low: int, high: int) -> tuple[int, int]:
    """Where, between `low` and `high`, the sorted texts begin with `head`."""
    first = bisect_left(texts, head, low, high)
    if head[-1] == 255:
        return first, high
    return first, bisect_left(texts, head[:-1] + bytes((head[-1] + 1,)), first, high)


class _Walk:
    """One walk through the vocabulary, which is sorted, so that a prefix is a range of it."""

    def __init__(self, constraint: Constraint, answers: Answers) -> None:
        self._texts = constraint._texts
        self._numbers = constraint._numbers
        self._words = constraint._words
        self._answers = answers
        self.found: list[int] = []
        self.local = False

    def go(self, state: State, low: int, high: int, depth: int) -> None:
        """Finds the tokens `low` to `high`, alike in their first `depth` bytes, that fit."""
        self.local = self.local or any(thread.part.local for thread in state)
        while depth and low < high and len(self._texts[low]) == depth:
            self.found.append(self._numbers[low])
            low += 1
        if low == high:
            return
        some = self._answers.choices(state)
        if some is None:
            self._try_each(state, low, high, depth)
            return
        head = self._texts[low][:depth]
        for byte in some:
            first, last = _range(self._texts, head + bytes((byte,)), low, high)
            if first < last:
                self.go(self._answers.step(state, byte), first, last, depth + 1)

    def _try_each(self, state: State, low: int, high: int, depth: int) -> None:
        """As `go`, where so many bytes fit that ranges do not help."""
        step = self._answers.step
        places: Iterable[int] = range(low, high)
        if depth == 0 and step(state, ord("a")):
            self.found += self._words.plain
            places = self._words.others
            blank = step(state, ord(" "))
            if blank and step(blank, ord("a")):
                self.found += self._words.spaced
        for place in places:
            at = state
            for byte in self._texts[place][depth:]:
                at = step(at, byte)
                if not at:
                    break
                self.local = self.local or any(thread.part.local for thread in at)
            else:
                self.found.append(self._numbers[place])
