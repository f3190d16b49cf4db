"""Log-probabilities of a reply, in the shape of OpenAI's `logprobs`.

A language model's own tokens, where the reply is what it wrote. Else the decisions behind the
reply: its pieces stand where tokens would, and where the answers that were weighed part, the piece
says how likely this way is among those still open; elsewhere it is 0, as nothing is left to decide.
So the sum over such a reply is the logarithm of its confidence, whatever made it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from maksud.recognizers.recognition import Token

LEAST = -9999.0
"""Stands for the logarithm of nothing, as in OpenAI's replies."""
MAX_TOP = 20
"""`top_logprobs` at most."""

Entry = Mapping[str, Any]
"""What is said of one token: `token`, `logprob`, `bytes`, `top_logprobs`."""


def weigh_pieces(
    pieces: Sequence[str],
    probability: float,
    others: Sequence[tuple[Sequence[str], float]],
    top: int,
) -> list[Entry]:
    """An entry for each piece of a reply of such a probability.

    `others`: the pieces and probability of other answers, which get no more than what is left.
    `top`: how many ways to go on an entry lists, at most.
    """
    left = max(0.0, 1 - probability)
    given = sum(p for _, p in others)
    scale = min(1.0, left / given) if given > 0 else 0.0
    open_ways = [(way, p * scale) for way, p in others if list(way) != list(pieces)]
    mass = 1.0
    out: list[Entry] = []
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
                **_entry(_encode(piece), _log(shares[piece])),
                "top_logprobs": [_entry(_encode(text), _log(share)) for text, share in ranked],
            }
        )
    return out


def list_tokens(tokens: Sequence[Token], top: int) -> list[Entry]:
    """An entry for each token that a language model wrote. `top`: as in `weigh_pieces`."""
    out: list[Entry] = []
    for token in tokens:
        ways = token.top or ((token.text, token.log_p),)
        listed = [_entry(text, log_p) for text, log_p in ways[:top]]
        out.append({**_entry(token.text, token.log_p), "top_logprobs": listed})
    return out


def cut_entries(entries: Sequence[Entry], said: str) -> list[Entry]:
    """The entries of a reply that was cut to this text."""
    left = _encode(said)
    kept: list[Entry] = []
    for entry in entries:
        if not left:
            break
        part, left = left[: len(entry["bytes"])], left[len(entry["bytes"]) :]
        kept.append({**entry, "token": _show(part), "bytes": list(part)})
    return kept


def deal_entries(entries: Sequence[Entry], pieces: Sequence[str]) -> list[list[Entry]]:
    """For each piece of a text, the entries of its text that begin in it."""
    each = iter(entries)
    dealt: list[list[Entry]] = []
    begins = ends = 0
    for piece in pieces:
        ends += len(_encode(piece))
        own: list[Entry] = []
        while begins < ends and (entry := next(each, None)) is not None:
            own.append(entry)
            begins += len(entry["bytes"])
        dealt.append(own)
    return dealt


def _log(share: float) -> float:
    return math.log(share) if share > 0 else LEAST


def _entry(text: bytes, log_p: float) -> dict[str, Any]:
    return {"token": _show(text), "logprob": min(0.0, max(LEAST, log_p)), "bytes": list(text)}


def _show(text: bytes) -> str:
    """A token as text; one that ends inside a character as OpenAI shows it, by its bytes."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in text)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")
