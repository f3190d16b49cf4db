"""The joint network in numpy, for recognition: the same scores as `network`, without torch.

A word's vector (embedding, n-grams, input projection) depends on the word alone: it is computed
once and kept in a bounded cache. A forward pass is then some fifty numpy calls. Members are
averaged in the last step of each head, so decoding sees one set of scores.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from maksud.errors import RunError
from maksud.recognizers.joint.decoding import IMPOSSIBLE, Floats
from maksud.recognizers.joint.features import UNKNOWN, Vocabulary, word_grams

FORMAT = "maksud-joint/1"
"""Version of joint.json that this module reads."""

CACHED_WORDS = 20_000
"""Word vectors kept at most: about 20 MB."""


class Extractor:
    """Features of words in context, from the words."""

    def __init__(self, shape: dict[str, int], words: Sequence[str], t: dict[str, Floats]) -> None:
        self.members, self.dim, self.heads = shape["members"], shape["dim"], shape["heads"]
        self.vocabulary = Vocabulary.from_list(words, shape["buckets"])
        self.tensors = t
        # A matrix for each word of the window: BLAS is quickest on small ones.
        self.windows = [
            np.ascontiguousarray(np.stack(np.split(t[f"extractor.blocks.{k}.linear.weight"], 3, 1)))
            for k in range(shape["convolutions"])
        ]
        self._cache: OrderedDict[str, Floats] = OrderedDict()
        self._lock = Lock()  # a server may ask from several threads

    def vectors(self, words: Sequence[str]) -> Floats:
        """Vectors of words alone: [M, N, D]."""
        found = []
        with self._lock:
            cache = self._cache
            for word in words:
                vector = cache.get(word)
                if vector is None:
                    vector = cache[word] = self._vector(word)
                    if len(cache) > CACHED_WORDS:
                        cache.popitem(last=False)
                else:
                    cache.move_to_end(word)
                found.append(vector)
        return np.stack(found, 1)

    def _vector(self, word: str) -> Floats:
        t, m = self.tensors, self.members
        grams = word_grams(word, self.vocabulary.buckets)
        own = t["extractor.word.weight"][self.vocabulary.id(word)].reshape(m, -1)
        spelled = t["extractor.gram.weight"][grams].sum(0).reshape(m, -1)
        scale = np.float32(1 / math.sqrt(max(1, len(grams))))
        both = np.concatenate([own, spelled * scale], 1)[:, None, :]
        out: Floats = (both @ t["extractor.input.weight"] + t["extractor.input.bias"])[:, 0]
        return out

    def known(self, word: str) -> bool:
        """Whether the word was seen often enough in training to have its own embedding."""
        return self.vocabulary.id(word) != UNKNOWN

    def __call__(self, utterances: Sequence[Sequence[str]]) -> tuple[Floats, Floats, Floats]:
        """(features in context [M, B, T, D], of the words alone [M, B, T, D], mask [B, T, 1])."""
        size = max(map(len, utterances))
        number = len(utterances)
        alone = np.zeros((self.members, number, size, self.dim), np.float32)
        mask = np.zeros((number, size, 1), np.float32)
        for b, words in enumerate(utterances):
            alone[:, b, : len(words)] = self.vectors(words)
            mask[b, : len(words)] = 1
        padded = None if min(map(len, utterances)) == size else mask
        x = alone
        for k in range(len(self.windows)):
            x = self._convolution(x, padded, k)
        x = self._attention(x, padded, f"extractor.blocks.{len(self.windows)}.")
        h = _norm(x)
        if padded is not None:
            h *= padded
        return h, alone, mask

    def _linear(self, x: Floats, name: str) -> Floats:
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        out: Floats = flat @ self.tensors[name + "weight"]
        out += self.tensors[name + "bias"]
        return out

    def _convolution(self, x: Floats, mask: Floats | None, block: int) -> Floats:
        m, b, size, d = x.shape
        h = _norm(x)
        if mask is not None:
            h *= mask
        before, same, after = self.windows[block]
        flat = h.reshape(m, -1, d)
        y = (flat @ same).reshape(m, b, size, -1)
        y += self.tensors[f"extractor.blocks.{block}.linear.bias"][:, None]
        y[:, :, 1:] += (flat @ before).reshape(y.shape)[:, :, :-1]
        y[:, :, :-1] += (flat @ after).reshape(y.shape)[:, :, 1:]
        gate: Floats = np.tanh(y[..., d:] * np.float32(0.5))  # sigmoid without overflow
        gate += 1
        gate *= y[..., :d]
        gate *= np.float32(0.5)
        gate += x
        return gate

    def _attention(self, x: Floats, mask: Floats | None, name: str) -> Floats:
        m, b, size, d = x.shape
        qkv = self._linear(_norm(x), name + "inputs.")
        parts = qkv.reshape(m, b, size, 3, self.heads, d // self.heads).transpose(3, 0, 1, 4, 2, 5)
        q, k, v = parts
        score = q @ k.swapaxes(-1, -2)
        score *= np.float32(1 / math.sqrt(d // self.heads))
        if mask is not None:
            score += ((1 - mask[:, :, 0]) * IMPOSSIBLE)[:, None, None, :]
        score -= np.maximum.reduce(score, -1, keepdims=True)
        np.exp(score, out=score)
        score /= np.add.reduce(score, -1, keepdims=True)
        mixed = (score @ v).swapaxes(2, 3).reshape(m, b, size, d)
        out: Floats = x + self._linear(mixed, name + "output.").reshape(x.shape)
        return out


def _norm(x: Floats) -> Floats:
    """Layer normalisation without gain and bias."""
    count = np.float32(1 / x.shape[-1])
    mean: Floats = np.add.reduce(x, -1, keepdims=True)
    x = x - mean * count
    variance: Floats = np.einsum("...i,...i->...", x, x)
    variance *= count
    variance += np.float32(1e-5)
    np.sqrt(variance, out=variance)
    x /= variance[..., None]
    return x


class Heads:
    """What is read off the features. Scores are means over the members."""

    def __init__(self, members: int, t: dict[str, Floats]) -> None:
        m = np.float32(members)
        self.attend = t["heads.attend"]
        self.intent_weight, self.intent_bias = t["heads.intent.weight"], t["heads.intent.bias"]
        # A mean of linear maps is one linear map of the concatenated members.
        self.boundary_weight = t["heads.boundary.weight"].reshape(-1, 1) / m
        self.boundary_bias = float(t["heads.boundary.bias"].mean())
        tag = t["heads.tag.weight"]
        self.tag_weight = tag.reshape(-1, tag.shape[-1]) / m
        self.tag_bias = t["heads.tag.bias"].mean((0, 1))
        self.intent_tag: Floats = t["heads.intent_tag"].mean(0)
        self.choice_weight = t.get("heads.choice.weight")
        self.choice_bias = t.get("heads.choice.bias")

    def boundaries(self, h: Floats) -> Floats:
        """Log-odds that a clause starts at a token: [M, B, T, D] -> [B, T]."""
        wide = h.transpose(1, 2, 0, 3).reshape(h.shape[1], h.shape[2], -1)
        out: Floats = (wide @ self.boundary_weight)[..., 0] + np.float32(self.boundary_bias)
        return out

    def __call__(
        self, h: Floats, alone: Floats, mask: Floats
    ) -> tuple[Floats, Floats, Floats | None]:
        """(intents of each member [M, S, I], tags [S, T, K], choices [S, C] or None)."""
        _, clauses, size, _ = h.shape
        weight = h @ self.attend
        top = h
        if not mask.all():
            hidden = (1 - mask) * IMPOSSIBLE
            weight += hidden
            top = h + hidden
        weight -= np.maximum.reduce(weight, 2, keepdims=True)
        np.exp(weight, out=weight)
        weight /= np.add.reduce(weight, 2, keepdims=True)
        mean = np.add.reduce(alone, 2) / np.sqrt(np.maximum(1, np.add.reduce(mask, 1)))
        attended = weight * h
        pooled = np.concatenate([np.maximum.reduce(top, 2), np.add.reduce(attended, 2), mean], -1)
        intents = pooled @ self.intent_weight
        intents += self.intent_bias
        wide = h.transpose(1, 2, 0, 3).reshape(clauses, size, -1)
        tags = wide @ self.tag_weight
        tags += self.tag_bias
        choices = None
        if self.choice_weight is not None and self.choice_bias is not None:
            choices = (pooled @ self.choice_weight + self.choice_bias).mean(0)
        return intents, tags, choices


def cut_rows(x: Floats, spans: Sequence[tuple[int, int, int]], size: int) -> Floats:
    """[M, B, T, D] -> [M, S, size, D]: a row for each (utterance, first token, last + 1)."""
    out = np.zeros((x.shape[0], len(spans), size, x.shape[3]), np.float32)
    for k, (b, i, j) in enumerate(spans):
        out[:, k, : j - i] = x[:, b, i:j]
    return out


def load_weights(path: Path) -> tuple[dict[str, Any], dict[str, Floats]]:
    """(joint.json, tensors) of a directory. Raises `RunError` where they can't be used."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        content: dict[str, Any] = json.loads((path / "joint.json").read_text(encoding="utf-8"))
        tensors: dict[str, Floats] = load_file(str(path / "model.safetensors"))
    except (OSError, ValueError, SafetensorError) as error:
        raise RunError(
            f"the joint network can't be read ({error})", where=str(path), hint="Train it again"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RunError(
            f"expected a joint network of format {FORMAT!r}", where=str(path), hint="Train it again"
        )
    return content, tensors
