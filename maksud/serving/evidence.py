"""Log-probabilities of a reply: the decisions behind it, in the shape of OpenAI's `logprobs`.

The pieces of a reply stand where tokens would. Where the answers that were weighed part, the piece
says how likely this way is among those still open; elsewhere it is 0, as nothing is left to decide.
So the sum over a reply is the logarithm of its confidence, whatever made it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

LEAST = -9999.0
"""Stands for the logarithm of nothing, as in OpenAI's replies."""
MAX_TOP = 20
"""`top_logprobs` at most."""


def weigh_pieces(
    pieces: Sequence[str],
    probability: float,
    others: Sequence[tuple[Sequence[str], float]],
    top: int,
) -> list[dict[str, Any]]:
    """An entry for each piece of a reply of such a probability.

    `others`: the pieces and probability of other answers, which get no more than what is left.
    `top`: how many ways to go on an entry lists, at most.
    """
    left = max(0.0, 1 - probability)
    given = sum(p for _, p in others)
    scale = min(1.0, left / given) if given > 0 else 0.0
    open_ways = [(way, p * scale) for way, p in others if list(way) != list(pieces)]
    mass = 1.0
    out = []
    for k, piece in enumerate(pieces):
        ways: dict[str, float] = {}
        for way, p in open_ways:
            if len(way) > k:
                ways[way[k]] = ways.get(way[k], 0.0) + p
        open_ways = [(way, p) for way, p in open_ways if len(way) > k and way[k] == piece]
        if k == len(pieces) - 1:
            open_ways = []  # to end here is a decision, too: that the others go on is no part of it
        ways[piece] = probability + sum(p for _, p in open_ways)
        shares = {text: min(1.0, p / mass) if mass > 0 else 0.0 for text, p in ways.items()}
        mass = ways[piece]
        ranked = sorted(shares.items(), key=lambda item: -item[1])[:top]
        out.append(
            {
                **_entry(piece, shares[piece]),
                "top_logprobs": [_entry(text, share) for text, share in ranked],
            }
        )
    return out


def cut_entries(entries: Sequence[Mapping[str, Any]], pieces: Sequence[str]) -> list[Any]:
    """The entries of a reply that was cut to these pieces."""
    kept = []
    for entry, piece in zip(entries, pieces, strict=False):
        kept.append({**entry, "token": piece, "bytes": list(_encode(piece))})
    return kept


def _entry(text: str, share: float) -> dict[str, Any]:
    log_p = math.log(share) if share > 0 else LEAST
    return {"token": text, "logprob": max(LEAST, log_p), "bytes": list(_encode(text))}


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")
