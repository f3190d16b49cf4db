"""Features of words in numpy, for recognition: the same as those of `network`, without torch.

A word's vector (embedding, n-grams, input projection) depends on the word alone: it is computed
once and kept in a bounded cache. A forward pass is then some fifty numpy calls.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from maksud.recognizers.compact.features import UNKNOWN, Vocabulary, word_grams
from maksud.recognizers.joint.decoding import IMPOSSIBLE, Floats

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
