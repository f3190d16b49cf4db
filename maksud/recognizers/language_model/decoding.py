"""Writing answers: greedy decoding of many utterances at once, under a constraint or free.

The prompt's common prefix is computed once and kept. Texts of different lengths go through the
model in one row (see `attention.Rows`), each with as many tokens as it has to say: its prompt
first, then a choice and what is forced behind it. `writing` makes the choices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from maksud.errors import TooLongError
from maksud.recognizers.language_model import attention
from maksud.recognizers.language_model.attention import Rows
from maksud.recognizers.language_model.constraint import Constraint
from maksud.recognizers.language_model.habits import Habits
from maksud.recognizers.language_model.head import Behind, Beside, Head, Pass
from maksud.recognizers.language_model.inspection import context_of
from maksud.recognizers.language_model.prompt import Prompt
from maksud.recognizers.language_model.writing import (
    Answer,
    ConstrainedWriting,
    FreeWriting,
    Writing,
)
from maksud.recognizers.steps import step

_FEW = 4
"""So many texts, or fewer, leave the machine idle enough to read ahead."""
_AHEAD = 8
"""Tokens that are read ahead of a text, at most."""
_BATCH = 32
_TOKENS = 8192


class Decoder:
    """Writes answers with a transformers causal language model. Not for several threads at once."""

    def __init__(self, model: Any, prompt: Prompt) -> None:
        attention.install(model)
        self.model = model
        self.prompt = prompt
        self.device = next(model.parameters()).device
        self.context = context_of(model.config)
        self.head = Head(model)
        self.habits = Habits()

    def require_room(self, utterance: str, max_new_tokens: int) -> None:
        """Raises `TooLongError` where an utterance and its answer do not fit the context."""
        length = len(self.prompt.ids(utterance))
        if length + max_new_tokens > self.context:
            raise TooLongError(
                f"the prompt has {length} tokens, and an answer may take {max_new_tokens} more: "
                f"the model's context is {self.context}",
                hint="Shorten the utterance",
            )

    def constrained(
        self,
        utterances: Sequence[str],
        constraint: Constraint | Sequence[Constraint],
        max_new_tokens: int,
        alternatives: int = 0,
    ) -> list[Answer]:
        """The answers of the catalog that the model writes, in order.

        `constraint`: one for all, or one for each. `alternatives`: how many answers with other
        intents to add, at most. Raises `EngineError` where an answer does not fit `max_new_tokens`
        or the model gives no numbers, `TooLongError` for an utterance that is too long.
        """
        written: dict[int, Writing] = {}
        if isinstance(constraint, Constraint):
            constraint = [constraint] * len(utterances)
        for group, tails in self._groups(utterances, max_new_tokens):
            writings = [
                ConstrainedWriting(
                    constraint[n],
                    utterances[n],
                    self.prompt.end_id,
                    max_new_tokens,
                    tail,
                    self.habits,
                )
                for n, tail in zip(group, tails, strict=True)
            ]
            self._write(writings, max_new_tokens, alternatives)
            written.update(zip(group, writings, strict=True))
        return [written[n].answer() for n in range(len(utterances))]

    def _write(self, writings: Sequence[Writing], max_new_tokens: int, alternatives: int) -> None:
        """Brings answers, and those that fork from them, to their ends."""
        room = max(len(w.unread) for w in writings) + max_new_tokens
        stream = _Stream(self, len(writings), room)
        active = list(enumerate(writings))
        while active:
            step()
            outlooks = stream.feed([(place, w.unread, w.asks) for place, w in active])
            ahead = _AHEAD if len(active) <= _FEW else 0
            going: list[Writing] = []
            parents: list[int] = []
            for (place, writing), own in zip(active, outlooks, strict=True):
                read = len(writing.unread)
                forks = writing.go_on(own, alternatives, ahead)
                stream.forget(place, read - writing.stands)
                for some in (writing, *forks):
                    if not some.ended:
                        going.append(some)
                        parents.append(place)
            if not going:
                return
            # Copying keys and values costs: texts that have ended are let go many at a time.
            if len(set(parents)) < len(parents) or len(parents) < 0.7 * stream.count:
                stream.keep(parents)
                parents = list(range(len(going)))
            active = list(zip(parents, going, strict=True))

    def unconstrained(self, utterances: Sequence[str], max_new_tokens: int) -> list[Answer]:
        """What the model writes when every token is allowed, in order: as the guide's script."""
        written: dict[int, FreeWriting] = {}
        for group, tails in self._groups(utterances, max_new_tokens):
            writings = [FreeWriting(self.prompt, max_new_tokens, tail) for tail in tails]
            self._write(writings, max_new_tokens, 0)
            written.update(zip(group, writings, strict=True))
        return [written[n].answer() for n in range(len(utterances))]

    # ------------------------------------------------------------ parts

    @cached_property
    def prefix(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of the prompt's common prefix, of each layer."""
        tokens = list(self.prompt.prefix)
        if not tokens:
            return []
        rows = Rows(1, [], len(tokens))
        self.forward(rows, [0] * len(tokens), tokens, list(range(len(tokens))))
        layers = range(len(self.model.model.layers))
        return [rows.stored(layer, 0, len(tokens)) for layer in layers]

    def forward(self, rows: Rows, which: list[int], tokens: list[int], places: list[int]) -> Tensor:
        """Hidden states (tokens, size) of tokens that extend rows."""
        at = torch.tensor(places, device=self.device)
        rows.plan(torch.tensor(which, device=self.device), at)
        with torch.no_grad():
            hidden: Tensor = self.model.model(
                input_ids=torch.tensor([tokens], device=self.device),
                position_ids=at[None],
                use_cache=False,
                layout=rows,
            ).last_hidden_state[0]
        return hidden

    def _groups(
        self, utterances: Sequence[str], max_new_tokens: int
    ) -> Iterator[tuple[list[int], list[list[int]]]]:
        """Numbers of utterances that go together, and their prompts behind the prefix."""
        start = len(self.prompt.prefix)
        tails = []
        for utterance in utterances:
            self.require_room(utterance, max_new_tokens)
            tails.append(self.prompt.ids(utterance)[start:])
        order = sorted(range(len(tails)), key=lambda n: len(tails[n]))
        while order:
            size = min(_BATCH, len(order))
            while size > 1 and size * (len(tails[order[size - 1]]) + max_new_tokens) > _TOKENS:
                size -= 1
            yield order[:size], [tails[n] for n in order[:size]]
            order = order[size:]


class _Stream:
    """Texts that grow together: takes their next tokens, gives what the model says behind them."""

    def __init__(self, decoder: Decoder, count: int, room: int) -> None:
        self.count = count
        self._decoder = decoder
        self._rows = Rows(count, decoder.prefix, room)
        self._length = [self._rows.start] * count
        self._beside = Beside(decoder.head)

    def feed(self, texts: Sequence[tuple[int, Sequence[int], int]]) -> list[Behind]:
        """Extends texts; each is its place, its tokens, and behind how many of them to look.

        Gives what the model says behind the last so many tokens of each text.
        """
        which: list[int] = []
        tokens: list[int] = []
        places: list[int] = []
        wanted: list[int] = []
        firsts: list[int] = []
        for row, more, asked in texts:
            start = self._length[row]
            which += [row] * len(more)
            tokens += more
            places += range(start, start + len(more))
            firsts.append(len(wanted))
            wanted += range(len(tokens) - asked, len(tokens))
            self._length[row] = start + len(more)
        hidden = self._decoder.forward(self._rows, which, tokens, places)
        asked_for = hidden[torch.tensor(wanted, device=hidden.device)]
        shown = Pass(self._decoder.head, asked_for, self._beside)
        return [Behind(shown, first) for first in firsts]

    def forget(self, place: int, count: int) -> None:
        """Forgets the last `count` tokens of a text: what comes next overwrites them."""
        self._length[place] -= count

    def keep(self, places: Sequence[int]) -> None:
        """Goes on with the texts at these places, numbered anew; one can be there twice."""
        device = self._decoder.device
        self._rows.keep(torch.tensor(places, dtype=torch.long, device=device))
        self._length = [self._length[p] for p in places]
        self.count = len(places)
