"""From hidden states to logits, only where they are needed.

Where a vocabulary is large, logits are most of a small model's work: a row of Gemma's 262,144 takes
more multiplications than its network. So a choice among the tokens that a constraint allows looks
at their rows of the output embedding only, and what is told of all tokens beside (how likely the
choice was among them) is computed at the end, for many places at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import linear

from maksud.errors import EngineError

_MOST = 8
"""Beyond an eighth of the vocabulary, looking at all tokens is no slower than gathering some."""
_ROWS = 64
"""Places whose logits are in memory at once, at the end."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]


class Kept(NamedTuple):
    """What all tokens say of one."""

    logit: float
    log_sum: float
    """The logarithm of the sum over all tokens."""
    is_top: bool


class Head:
    """The output embedding of a transformers model, with what its architecture does behind it."""

    def __init__(self, model: Any) -> None:
        self._layer = model.lm_head
        self._cap = getattr(model.config, "final_logit_softcapping", None)
        self._divisor = getattr(model.config, "logits_scaling", None)
        self.size = int(self._layer.weight.shape[0])

    def logits(self, hidden: Tensor) -> Tensor:
        """The logits (places, vocabulary) of hidden states (places, size), in float32."""
        return self._shaped(self._layer(hidden).float())

    def some(self, hidden: Tensor, ids: Tensor) -> Tensor:
        """The logits of some tokens, (places, ids), in float32."""
        bias = self._layer.bias
        weight = self._layer.weight[ids]
        return self._shaped(linear(hidden, weight, None if bias is None else bias[ids]).float())

    def _shaped(self, logits: Tensor) -> Tensor:
        if self._divisor:
            logits = logits / self._divisor  # Granite
        if self._cap:
            logits = self._cap * torch.tanh(logits / self._cap)  # Gemma 2
        return logits


class Beside:
    """Places at which all tokens are to be looked at, together, when the first is asked for."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._hidden: list[Tensor] = []
        self._tokens: list[int] = []

    def keep(self, hidden: Tensor, token: int) -> Callable[[], Kept]:
        """Remembers a hidden state (size,) and a token; gives what tells of it."""
        number = len(self._tokens)
        self._hidden.append(hidden)
        self._tokens.append(token)
        return lambda: self._found[number]

    @cached_property
    def _found(self) -> list[Kept]:
        found: list[Kept] = []
        for begin in range(0, len(self._tokens), _ROWS):
            hidden = torch.stack(self._hidden[begin : begin + _ROWS])
            tokens = torch.tensor(self._tokens[begin : begin + _ROWS], device=hidden.device)
            with torch.no_grad():
                logits = self._head.logits(hidden)
                own = logits.gather(1, tokens[:, None])[:, 0]
                sums = logits.logsumexp(-1)
                tops = logits.argmax(-1) == tokens
            _finite(sums.cpu().numpy())
            found += map(Kept, own.tolist(), sums.tolist(), tops.tolist())
        return found


class Pass:
    """What one forward pass shows behind all tokens that were asked about, (tokens, size)."""

    def __init__(self, head: Head, hidden: Tensor, beside: Beside) -> None:
        self.head = head
        self.hidden = hidden
        self.beside = beside

    @cached_property
    def all(self) -> Floats:
        """The logits of all tokens, computed for all texts together."""
        with torch.no_grad():
            table: Floats = self.head.logits(self.hidden).cpu().numpy()
        return _finite(table)


class Behind:
    """The places of one text in a pass, from `first` on: an `Outlook` of `writing`."""

    def __init__(self, shown: Pass, first: int) -> None:
        self._shown = shown
        self._first = first

    def whole(self, place: int) -> Floats:
        """The logits of all tokens behind a place."""
        row: Floats = self._shown.all[self._first + place]
        return row

    def some(self, place: int, ids: Ids) -> Floats:
        """The logits of some tokens behind a place."""
        head, hidden = self._shown.head, self._shown.hidden
        if len(ids) * _MOST > head.size:
            return self.whole(place)[ids]
        chosen = torch.from_numpy(ids.astype(np.int64)).to(hidden.device)
        with torch.no_grad():
            found: Floats = head.some(hidden[self._first + place], chosen).cpu().numpy()
        return _finite(found)

    def keep(self, place: int, token: int) -> Callable[[], Kept]:
        """What all tokens say of one, told when the first is asked for."""
        return self._shown.beside.keep(self._shown.hidden[self._first + place], token)


def _finite(logits: Floats) -> Floats:
    if not np.isfinite(logits).all():
        raise EngineError("the model gives no numbers", hint="Its weights are damaged")
    return logits
