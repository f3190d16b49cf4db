"""Attention for many short texts that share a prefix, behind transformers' attention registry.

All tokens of a forward pass stand in one row of shape (1, tokens), so that no matrix product is
spent on padding; only the attention knows which text a token belongs to. Two layouts use it:

    Pack    training: one copy of the prefix, then examples that see it and themselves only
    Rows    decoding: texts at different lengths, each with its own keys and values, to which a
            step appends one token or several

Neither knows what the tokens mean. What a model asks of attention beyond that (its scale, a sliding
window, capped scores) comes with each call of a layer, so that one way serves all architectures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

NAME = "maksud_blocks"
"""The name under which transformers knows this attention."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a layer attends: `scale` of the scores; how many tokens back it sees, itself counted
    (`window`, 0: all); the size under which scores are held by a tanh (`cap`, 0: none, Gemma 2).
    """

    scale: float
    window: int = 0
    cap: float = 0.0


class Layout(Protocol):
    """Which tokens of the row attend to which, and what is kept between passes."""

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, manner: Manner) -> Tensor:
        """Attention of `q` (heads, tokens, size) over `k`, `v` (groups, tokens, size).

        Gives (tokens, heads, size).
        """


def install(model: Any) -> None:
    """Makes a transformers model use this attention; calls without a layout use sdpa."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, _attention)
    model.set_attn_implementation(NAME)


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    *,
    layout: Layout | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    if layout is None:
        raise RuntimeError("this attention needs a layout; load the model again for other uses")
    # Under autocast the rotary embedding leaves queries and keys in float32, beside values in
    # bfloat16: what is stored and multiplied together has one type.
    query, key = query.to(value.dtype), key.to(value.dtype)
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    manner = Manner(scale, sliding_window or 0, softcap or 0.0)
    return layout.attend(module.layer_idx, query[0], key[0], value[0], manner)[None], None


def _attended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, manner: Manner) -> Tensor:
    """Attention of (rows, heads, tokens, size) over (rows, groups, tokens, size) under a mask."""
    grouped = q.shape[1] != k.shape[1]
    if not manner.cap:
        return scaled_dot_product_attention(
            q, k, v, attn_mask=mask, scale=manner.scale, enable_gqa=grouped
        )
    share = q.shape[1] // k.shape[1]
    if grouped:
        k, v = k.repeat_interleave(share, 1), v.repeat_interleave(share, 1)
    scores = manner.cap * torch.tanh((q @ k.transpose(-1, -2)) * (manner.scale / manner.cap))
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-1).to(v.dtype) @ v


def _seen(queries: Tensor, keys: Tensor, window: int) -> Tensor:
    """Which key places a query's place sees: those up to its own, the last `window` of them."""
    distance = queries[..., None] - keys
    return (distance >= 0) & (distance < window) if window else distance >= 0


class Pack:
    """A packed row: `prefix` shared tokens, then examples of `lengths` tokens."""

    def __init__(self, prefix: int, lengths: Sequence[int], device: Any = "cpu") -> None:
        self.prefix = prefix
        widest = max(lengths)
        gather = torch.zeros(len(lengths), widest, dtype=torch.long)
        scatter = []
        positions = [torch.arange(prefix)]
        start = prefix
        for row, length in enumerate(lengths):
            gather[row, :length] = torch.arange(start, start + length)
            scatter.append(torch.arange(row * widest, row * widest + length))
            positions.append(torch.arange(prefix, prefix + length))
            start += length
        self._gather = gather.to(device)
        self._scatter = torch.cat(scatter).to(device)
        self.positions = torch.cat(positions)[None].to(device)
        self._masks: dict[int, Tensor] = {}

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, manner: Manner) -> Tensor:
        p = self.prefix
        share = q.shape[0] // k.shape[0]
        if share > 1:
            k, v = k.repeat_interleave(share, 0), v.repeat_interleave(share, 0)
        rows, widest = self._gather.shape
        mask = self._mask(manner.window)
        own_q, own_k, own_v = (x[:, self._gather].transpose(0, 1) for x in (q, k, v))
        out = []
        if p:
            first = _attended(q[None, :, :p], k[None, :, :p], v[None, :, :p], mask[:p, :p], manner)
            out.append(first[0].transpose(0, 1))
            own_k = torch.cat([k[None, :, :p].expand(rows, -1, -1, -1), own_k], 2)
            own_v = torch.cat([v[None, :, :p].expand(rows, -1, -1, -1), own_v], 2)
        rest = _attended(own_q, own_k, own_v, mask[p:], manner)
        rest = rest.transpose(1, 2).reshape(rows * widest, *rest.shape[1::2])
        out.append(rest[self._scatter])
        return torch.cat(out)

    def _mask(self, window: int) -> Tensor:
        """What each position sees of the prefix and its own text, (positions, positions).

        A row's padding stands after its tokens, so causality hides it: one mask does for all.
        """
        if window not in self._masks:
            size = self.prefix + self._gather.shape[1]
            place = torch.arange(size, device=self._gather.device)
            self._masks[window] = _seen(place, place, window)
        return self._masks[window]


class Rows:
    """Keys and values of texts that grow; a key's place is its position.

    `prefix` is the keys and values per layer, each (groups, length, size), with which every row
    starts; `room` is how many further positions a row can take.
    """

    def __init__(self, count: int, prefix: Sequence[tuple[Tensor, Tensor]], room: int) -> None:
        self.start = prefix[0][0].shape[1] if prefix else 0
        self._prefix = prefix
        self._size = self.start + room
        self._count = count
        self._stored: dict[int, tuple[Tensor, Tensor]] = {}
        self._row = self._place = self._slot = torch.zeros(0, dtype=torch.long)
        self._at = torch.zeros(0, 0, dtype=torch.long)
        self._masks: dict[int, Tensor] = {}
        self._width = 0

    def plan(self, rows: Tensor, places: Tensor) -> None:
        """The next pass: token i extends row `rows[i]` at position `places[i]`.

        The tokens of a row stand together, in order.
        """
        self._row, self._place = rows, places
        counts = torch.bincount(rows, minlength=self._count)
        starts = counts.cumsum(0) - counts
        self._slot = torch.arange(len(rows), device=rows.device) - starts[rows]
        self._width = int(counts.max())
        self._reach = int(places.max()) + 1
        at = torch.zeros(self._count, self._width, dtype=torch.long, device=rows.device)
        at[rows, self._slot] = places
        self._at = at
        self._masks.clear()

    def keep(self, rows: Tensor) -> None:
        """Drops all rows but these, which are numbered anew in this order."""
        self._count = len(rows)
        for layer, (k, v) in self._stored.items():
            self._stored[layer] = (k[rows], v[rows])

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, manner: Manner) -> Tensor:
        if layer not in self._stored:
            self._stored[layer] = self._fresh(layer, k)
        keys, values = self._stored[layer]
        keys[self._row, :, self._place] = k.transpose(0, 1)
        values[self._row, :, self._place] = v.transpose(0, 1)
        heads, _, size = q.shape
        wide = q.new_zeros(self._count, self._width, heads, size)
        wide[self._row, self._slot] = q.transpose(0, 1)
        out = _attended(
            wide.transpose(1, 2),
            keys[:, :, : self._reach],
            values[:, :, : self._reach],
            self._mask(manner.window),
            manner,
        )
        return out.transpose(1, 2)[self._row, self._slot]

    def stored(self, layer: int, row: int, length: int) -> tuple[Tensor, Tensor]:
        """Keys and values of a row's first `length` positions, each (groups, length, size)."""
        keys, values = self._stored[layer]
        return keys[row, :, :length].clone(), values[row, :, :length].clone()

    def _mask(self, window: int) -> Tensor:
        if window not in self._masks:
            places = torch.arange(self._reach, device=self._at.device)
            self._masks[window] = _seen(self._at, places, window)[:, None]
        return self._masks[window]

    def _fresh(self, layer: int, like: Tensor) -> tuple[Tensor, Tensor]:
        groups, _, size = like.shape
        made = []
        for which in range(2):
            store = like.new_zeros(self._count, groups, self._size, size)
            if self._prefix:
                store[:, :, : self.start] = self._prefix[layer][which]
            made.append(store)
        return made[0], made[1]
