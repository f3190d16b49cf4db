"""One answer in the making: chooses its next token from the model's logits, and keeps the evidence.

Each choice leaves two log-probabilities: over all tokens, and over those that the constraint
allows. Where the first intent's name is chosen, other intents that come near fork off, and are
written beside it as alternatives. A token after which the answer could not be ended in the room
that is left is passed over, so an answer always ends. Where few answers are written at once, what
usually follows is read ahead in the same pass, and stands if the model then chooses it. Knows no
model: logits come in, and only of the tokens that are asked for.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from maksud.errors import EngineError
from maksud.language.calls import OUT_OF_SCOPE
from maksud.recognizers.language_model.constraint import Constraint
from maksud.recognizers.language_model.grammar import State
from maksud.recognizers.language_model.habits import Habits
from maksud.recognizers.language_model.prompt import Prompt

NEAR = math.log(1e-3)
"""Log-probability under which another intent is not worth an answer."""
FARTHEST = -20.0
"""Log-probabilities of intents are told down to this one."""

TOP = 20
"""Likeliest tokens that are told of each step, at most."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]

_NONE = f"{OUT_OF_SCOPE}()".encode()


class Step(NamedTuple):
    """A token, its log-probability among the allowed ones, and the likeliest of these."""

    token: int
    log_p: float
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was written, and the evidence for it in natural logarithms.

    `log_p` sums the steps' log-probabilities over the allowed tokens, `free_log_p` over all
    tokens, forced ones included (but for those that end the answer: behind them the model is not
    asked); `lowest` and `free_lowest` are of the least sure steps, `allowed` is the least
    log-probability of all allowed tokens together. `intent` is the log-probability of the first
    intent's name, `other_intent` of the next likely one, `outside` of `none()`. `free`: every token
    was the likeliest of all, so that nothing else would be written without the constraint.
    `steps`: its tokens without the end, where a constraint held them.
    """

    text: str
    tokens: int
    log_p: float
    free_log_p: float
    lowest: float
    free_lowest: float
    allowed: float
    intent: float
    other_intent: float
    outside: float
    free: bool
    alternatives: tuple[tuple[str, float], ...] = ()
    steps: tuple[Step, ...] = ()


class Outlook(Protocol):
    """What the model says behind the tokens that it was asked about, the first at place 0."""

    def whole(self, place: int) -> Floats:
        """The logits of all tokens."""

    def some(self, place: int, ids: Ids) -> Floats:
        """The logits of some tokens."""

    def keep(self, place: int, token: int) -> Callable[[], tuple[float, float, bool]]:
        """Gives, when it is called at last: a token's logit, the logarithm of the sum over all
        tokens, and whether none is likelier."""


class Table:
    """An outlook from logits that are there already, [place, vocabulary]."""

    def __init__(self, logits: Floats) -> None:
        self._logits = logits

    def whole(self, place: int) -> Floats:
        """See `Outlook.whole`."""
        row: Floats = self._logits[place]
        return row

    def some(self, place: int, ids: Ids) -> Floats:
        """See `Outlook.some`."""
        found: Floats = self._logits[place][ids]
        return found

    def keep(self, place: int, token: int) -> Callable[[], tuple[float, float, bool]]:
        """See `Outlook.keep`."""
        row = self._logits[place]
        kept = float(row[token]), _log_sum(row), bool(token == row.argmax())
        return lambda: kept


class _Judged(NamedTuple):
    """A token of the answer; `inside`: what all allowed tokens sum to, None for a forced one."""

    told: Callable[[], tuple[float, float, bool]]
    inside: float | None


class Writing(ABC):
    """An answer in the making.

    `unread` are the tokens that the model has to see next, and `asks` says behind how many of
    them, the last ones, `go_on` needs its logits. Some of them may be guesses: `stands` says how
    many of those that were read stand; the model must forget the others.
    """

    def __init__(self, unread: list[int]) -> None:
        self.unread = unread
        self.asks = 1
        self.stands = 0
        self.ended = False

    @abstractmethod
    def go_on(self, outlook: Outlook, alternatives: int = 0, ahead: int = 0) -> Sequence[Writing]:
        """Chooses what comes next, from what the model says behind the tokens it was asked about.

        Gives the other answers, `alternatives` at most, that fork off here: each is where this
        one was and goes on by itself. `ahead`: how many tokens may be guessed.
        """

    @abstractmethod
    def answer(self) -> Answer:
        """The answer, once it has ended."""


class FreeWriting(Writing):
    """An answer that nothing constrains: always the likeliest token, up to `room` of them."""

    def __init__(self, prompt: Prompt, room: int, unread: list[int]) -> None:
        super().__init__(unread)
        self._prompt = prompt
        self._room = room
        self._written: list[int] = []
        self._log_ps: list[float] = []

    def go_on(self, outlook: Outlook, alternatives: int = 0, ahead: int = 0) -> Sequence[Writing]:
        """See `Writing.go_on`; nothing forks off, nothing is guessed."""
        self.stands = len(self.unread)
        logits = outlook.whole(self.asks - 1)
        token = int(logits.argmax())
        self._log_ps.append(float(logits[token]) - _log_sum(logits))
        self.ended = token == self._prompt.end_id
        if not self.ended:
            self._written.append(token)
            self.unread = [token]
            self.ended = len(self._written) == self._room
        return ()

    def answer(self) -> Answer:
        """See `Writing.answer`. Of intents nothing is known."""
        text = self._prompt.decode(self._written)
        whole, lowest = sum(self._log_ps), min(self._log_ps)
        outside = whole if text == _NONE.decode() else FARTHEST
        return Answer(
            text, len(self._log_ps), whole, whole, lowest, lowest, 0.0, 0.0, FARTHEST, outside, True
        )


class ConstrainedWriting(Writing):
    """An answer that a constraint allows. `room`: the longest in tokens, the end included."""

    def __init__(
        self,
        constraint: Constraint,
        utterance: str,
        end: int,
        room: int,
        unread: list[int],
        habits: Habits | None = None,
    ) -> None:
        super().__init__(unread)
        self._habits = habits or Habits()
        self._sure = 1
        self._is_fork = False
        self._forks: list[ConstrainedWriting] = []
        self._constraint = constraint
        self._guide = constraint.over(utterance)
        self._state: State = self._guide.answers.start
        self._end = end
        self._room = room
        self._written: list[int] = []
        self._naming = True
        self._log_p = self._lowest = self._intent = 0.0
        self._judged: list[_Judged] = []
        self._steps: list[Step] = []
        self._other_intent = self._outside = FARTHEST
        self._ended_unasked = False
        if self._guide.answers.left(self._state) > room:
            raise EngineError(
                f"no answer fits {room} tokens", hint="Raise max_new_tokens of the decoding"
            )

    def go_on(self, outlook: Outlook, alternatives: int = 0, ahead: int = 0) -> Sequence[Writing]:
        """See `Writing.go_on`."""
        self.stands = len(self.unread) - self.asks
        read = self.unread[self.stands :]
        at = self._sure - 1
        self._judge_forced(read[1 : at + 1], outlook, 0)
        forks = self._decide(outlook, at, alternatives)
        while not self.ended and read[at + 1 :][: len(self.unread)] == self.unread:  # as guessed
            self._judge_forced(self.unread[1:], outlook, at + 1)
            at += len(self.unread)
            self._decide(outlook, at, 0)
        self.stands += at + 1
        if self.ended:
            if not self._is_fork:
                self._habits.learn([*self._written, self._end])
            return forks
        self._sure = len(self.unread)
        if not self._naming:
            self.unread = [*self.unread, *self._guesses(ahead)]
        self.asks = len(self.unread)
        return forks

    def answer(self) -> Answer:
        """See `Writing.answer`; the forks must have ended too."""
        text = self._text()
        others: dict[str, float] = {}
        for fork in self._forks:
            others[fork._text()] = max(fork._log_p, others.get(fork._text(), -math.inf))
        others.pop(text, None)
        free_log_p = free_lowest = allowed = 0.0
        free = not self._ended_unasked
        for told, inside in self._judged:
            logit, whole, is_top = told()
            free_log_p += logit - whole
            free_lowest = min(free_lowest, logit - whole)
            free = free and is_top
            if inside is not None:
                allowed = min(allowed, inside - whole)
        return Answer(
            text,
            len(self._written) + 1,
            self._log_p,
            free_log_p,
            self._lowest,
            free_lowest,
            allowed,
            self._intent,
            self._other_intent,
            self._outside,
            free,
            tuple(sorted(others.items(), key=lambda item: -item[1])),
            tuple(self._steps),
        )

    # ------------------------------------------------------------ steps

    def _decide(self, outlook: Outlook, at: int, alternatives: int) -> list[ConstrainedWriting]:
        """Chooses the next token and takes it, with what is forced behind it."""
        ids = self._options()
        scores = outlook.some(at, ids)
        inside = _log_sum(scores)
        log_ps = scores - inside
        chosen, state = self._choose(ids, log_ps)
        forks: list[ConstrainedWriting] = []
        if self._naming:
            forks = self._name(ids, log_ps, chosen, alternatives)
        self._log_p += float(log_ps[chosen])
        self._lowest = min(self._lowest, float(log_ps[chosen]))
        if not self._is_fork:
            self._judged.append(_Judged(outlook.keep(at, int(ids[chosen])), inside))
            self._steps.append(Step(int(ids[chosen]), float(log_ps[chosen]), _top(ids, log_ps)))
        self._take(int(ids[chosen]), state)
        return forks

    def _guesses(self, ahead: int) -> list[int]:
        """Tokens that may follow, if the grammar allows them; `ahead` at most."""
        ahead = min(ahead, self._room - len(self._written))
        state, guessed = self._state, list[int]()
        while (token := self._habits.guess([*self._written, *guessed])) is not None:
            state = self._constraint.step(self._guide, state, token)
            if not state:
                break
            more = [token]
            forced = self._constraint.forced(self._guide, state, [*self._written, *guessed, token])
            for follower in forced:
                state = self._constraint.step(self._guide, state, follower)
            more += forced
            if len(guessed) + len(more) > ahead:
                break
            guessed += more
        return guessed

    def _options(self) -> Ids:
        """The allowed tokens, the end among them where it is."""
        ids = self._constraint.allowed(self._guide, self._state)
        if self._guide.answers.ends(self._state):
            ids = np.append(ids, self._end)
        if not len(ids):
            raise EngineError(f"the constraint leaves no token behind {self._text()!r}")
        return ids

    def _choose(self, ids: Ids, log_ps: Floats) -> tuple[int, State]:
        """The best option after which the answer can still end in time, and the state behind it."""
        left = self._room - len(self._written)
        for option in _ranked(log_ps):
            if ids[option] == self._end:
                return option, frozenset()
            state = self._constraint.step(self._guide, self._state, int(ids[option]))
            if self._guide.answers.left(state) < left:
                return option, state
        raise EngineError(f"no token behind {self._text()!r} leaves room to end the answer")

    def _take(self, token: int, state: State) -> None:
        """Writes a token, and what is forced behind it."""
        if token == self._end:
            self.ended = True
            del self._steps[len(self._written) :]
            return
        self._written.append(token)
        forced = self._constraint.forced(self._guide, state, self._written)
        for more in forced:
            state = self._constraint.step(self._guide, state, more)
        self._written += forced
        self._steps += [Step(more, 0.0) for more in forced]
        self._state = state
        self.unread = [token, *forced]
        answers = self._guide.answers
        self.ended = answers.ends(state) and not answers.choices(state)
        self._ended_unasked = self.ended  # behind these tokens the model is not asked

    def _judge_forced(self, tokens: Sequence[int], outlook: Outlook, first: int) -> None:
        """Tokens that were forced; `first`: the place behind which the first of them stands."""
        if not self._is_fork:  # of a fork, only its answer is told
            for place, token in enumerate(tokens, first):
                self._judged.append(_Judged(outlook.keep(place, token), None))

    def _name(
        self, ids: Ids, log_ps: Floats, chosen: int, alternatives: int
    ) -> list[ConstrainedWriting]:
        """Follows the first intent's name, and forks off other intents that come near."""
        before = self._intent
        written = self._constraint.text(self._written)
        own = self._readings(written, int(ids[chosen]))
        self._intent += float(log_ps[chosen])
        forks: list[ConstrainedWriting] = []
        # What is told of other intents may not depend on how many are written: best first, all
        # are looked at until the next likely intent is known and no more forks are wanted.
        known = False
        for option in _ranked(log_ps):
            log_p = before + float(log_ps[option])
            wanted = log_p > NEAR and len(forks) < alternatives
            if log_p < FARTHEST or (known and not wanted):
                break
            if option == chosen or self._readings(written, int(ids[option])) == own:
                continue  # the same intent, spelt in other tokens
            self._other_intent = max(self._other_intent, log_p)
            known = True
            if wanted:
                forks += self._forked(int(ids[option]), log_p)
        self._forks += forks
        if _NONE.startswith(written):
            rest = _NONE[len(written) :]
            spelt = ((k, self._constraint.text([int(t)])) for k, t in enumerate(ids))
            ways = [k for k, text in spelt if rest.startswith(text) or text.startswith(rest)]
            if ways and chosen not in ways:
                self._outside = max(FARTHEST, before + _log_sum(log_ps[ways]))
        if len(own) == 1:
            self._naming = False
            if _NONE in own:
                self._outside = max(FARTHEST, self._intent)
        return forks

    def _readings(self, written: bytes, token: int) -> frozenset[bytes]:
        """The intents that a token behind the written text leaves open."""
        text = written + self._constraint.text([token])
        names = self._constraint.names
        return frozenset(n for n in names if n.startswith(text) or text.startswith(n))

    def _forked(self, token: int, log_p: float) -> list[ConstrainedWriting]:
        """This answer with another token, where that leaves room to end."""
        state = self._constraint.step(self._guide, self._state, token)
        if self._guide.answers.left(state) >= self._room - len(self._written):
            return []
        fork = copy.copy(self)
        fork._is_fork = True
        fork._forks = []
        fork._judged, fork._steps = [], []
        fork._written = list(self._written)
        fork._naming = False
        fork._log_p = log_p
        fork._take(token, state)
        fork._sure = fork.asks = len(fork.unread)
        return [fork]

    def _text(self) -> str:
        return self._constraint.text(self._written).decode()


def _ranked(scores: Floats) -> Iterator[int]:
    """Places of the highest scores, best first; the first of equals."""
    yield int(scores.argmax())
    for place in np.argsort(-scores, kind="stable")[1:]:
        yield int(place)


def _top(ids: Ids, log_ps: Floats) -> tuple[tuple[int, float], ...]:
    """The likeliest tokens, best first."""
    some = np.argpartition(-log_ps, TOP)[:TOP] if len(ids) > TOP else np.arange(len(ids))
    ranked = some[np.argsort(-log_ps[some], kind="stable")]
    return tuple(zip(ids[ranked].tolist(), log_ps[ranked].tolist(), strict=True))


def _log_sum(logits: Floats) -> float:
    top = float(logits.max())
    return top + math.log(float(np.exp(logits - top).sum(dtype=np.float64)))
