"""What nearly the same text is, and the keys by which such texts meet: checks, splits, folds.

Nearly the same: the same letters in other spacing; in texts of `SHORTEST` to `LONGEST` words, one
word more, less, other or moved; in longer ones `SIMILAR` per cent of the letters. Keys are computed
for many texts at a time.

Words come as 64-bit hashes, all texts one after the other, with the number of words of each. The
hash of a text is a polynomial in an odd base modulo 2^64, so that the hash without any one word
follows from two sums instead of from the words.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Keys = tuple[NDArray[np.uint64], NDArray[np.int32]]
    """Keys, and the number of the row that each is of."""

SHORTEST = 6
"""Words of a text from which one word's difference is a small one."""
LONGEST = 40
"""Words up to which each word is left out in turn."""
BANDS = 8
"""Keys of a longer text: texts of which nine shingles in ten agree share one of them nearly
always, of which half agree nine times in ten."""

FEWEST_LETTERS = 8
"""Letters of a text from which the same letters in other spacing are the same text."""
SIMILAR = 90.0
"""Similarity, in per cent of the letters, from which two long texts are nearly the same."""
CHUNK = 1 << 14
"""Rows whose keys are computed at a time."""
CHUNK_WORDS = 1 << 20
"""Words after which keys are computed, however few the rows."""
MAX_PAIRS = 100_000
"""Pairs of long texts that are compared letter by letter."""

_BASE = 0x9E3779B97F4A7C15
_SIZE = 1 << 64
_INVERSE = pow(_BASE, -1, _SIZE)


def deletion_keys(
    words: NDArray[np.uint64], length: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Keys of texts of at most `LONGEST` words, and the number of the text that each is of.

    Each text has the key of all its words; from `SHORTEST` words on, also the keys of the text
    without its first word, without its second, and so on.
    """
    import numpy as np

    n = length.astype(np.int64)
    ends = np.cumsum(n)
    starts = ends - n
    text = np.repeat(np.arange(len(n)), n)
    powers = np.array([pow(_BASE, k, _SIZE) for k in range(LONGEST)], np.uint64)
    term = words * powers[np.arange(len(words)) - starts[text]]
    running = np.cumsum(term, dtype=np.uint64)
    base = running[starts] - term[starts]
    whole = running[ends - 1] - base
    before = running - term - base[text]
    without = before + (whole[text] - before - term) * np.uint64(_INVERSE)
    long_enough = n[text] >= SHORTEST
    keys = np.concatenate((whole, without[long_enough]))
    return _spread(keys), np.concatenate((np.arange(len(n)), text[long_enough]))


def long_keys(
    words: NDArray[np.uint64], length: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """MinHash bands of texts of three words or more: `BANDS` keys each, of two minima over the
    hashes of three words in a row."""
    import numpy as np

    n = length.astype(np.int64)
    starts = np.cumsum(n) - n
    base = np.uint64(_BASE)
    shingle = words.copy()
    shingle[:-1] += words[1:] * base
    shingle[:-2] += words[2:] * np.uint64(_BASE * _BASE % _SIZE)
    place = np.arange(len(words)) - np.repeat(starts, n)
    # The last two shingles of a text reach into the next one: they must not win.
    foreign = place >= np.repeat(n - 2, n)
    keys = []
    for band in range(BANDS):
        key = np.full(len(n), band + 1, np.uint64)
        for turn in range(2):
            salt = np.uint64(pow(_BASE, 3 + 2 * band + turn, _SIZE))
            mixed = _spread((shingle ^ salt) * base)
            mixed[foreign] = np.iinfo(np.uint64).max
            key = _spread((key ^ np.minimum.reduceat(mixed, starts)) * base)
        keys.append(key)
    return np.concatenate(keys), np.tile(np.arange(len(n)), BANDS)


class Sketch:
    """The keys of all rows, cut to 32 bits: which rows may meet another one at all.

    4 bytes a key. By chance a million rows of ten words meet some ten thousand times, so that few
    rows are looked at again in vain.
    """

    def __init__(self) -> None:
        self._blocks: list[tuple[NDArray[np.uint32], NDArray[np.int32]]] = []

    def add(self, keys: NDArray[np.uint64], rows: NDArray[np.int32]) -> None:
        """Adds keys of rows."""
        import numpy as np

        if not len(rows):
            return
        order = np.argsort(rows, kind="stable")
        cut = (keys >> np.uint64(32)).astype(np.uint32)[order]
        first = int(rows[order[0]])
        counts = np.bincount(rows - first)
        numbers = np.flatnonzero(counts)
        about = np.stack((numbers + first, counts[numbers])).astype(np.int32)
        self._blocks.append((cut, about))

    def meeting(self) -> NDArray[np.int32]:
        """The rows of which some key is also another one's, ascending. Forgets the keys."""
        import numpy as np

        shared = np.zeros(1 << 24, bool)
        twins = []
        for part in range(16):
            mine = [keys[keys >> np.uint32(28) == part] for keys, _ in self._blocks]
            values = np.concatenate([np.empty(0, np.uint32), *mine])
            values.sort()
            again = np.unique(values[1:][values[1:] == values[:-1]])
            shared[again >> np.uint32(8)] = True
            twins.append(again)
        known = np.concatenate(twins)
        rows = [np.empty(0, np.int32)]
        while self._blocks:
            keys, (numbers, counts) = self._blocks.pop()
            at = np.flatnonzero(shared[keys >> np.uint32(8)])
            place = np.searchsorted(known, keys[at])
            at = at[(place < len(known)) & (known[np.minimum(place, len(known) - 1)] == keys[at])]
            rows.append(numbers[np.unique(np.searchsorted(np.cumsum(counts), at, side="right"))])
        return np.unique(np.concatenate(rows))


def _spread(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """High bits that depend on all bits (the finaliser of SplitMix64)."""
    import numpy as np

    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


class Chunk:
    """Words of some rows, as hashes, waiting for their keys to be computed."""

    def __init__(self, hashed: Callable[[str], int] = hash) -> None:
        self._hashed = hashed
        self.words = array("q")
        self.length = array("i")
        self.row = array("i")
        self.letters = array("q")
        self.letters_row = array("i")

    def add(self, number: int, words: Sequence[str]) -> bool:
        """Adds a row; whether it is time to compute the keys."""
        letters = "".join(words)
        if len(letters) >= FEWEST_LETTERS:
            self.letters.append(self._hashed(letters))
            self.letters_row.append(number)
        if len(words) >= SHORTEST - 1:
            self.words.extend(map(self._hashed, words))
            self.length.append(len(words))
            self.row.append(number)
        return len(self.letters_row) >= CHUNK or len(self.words) >= CHUNK_WORDS

    def keys(self) -> tuple[Keys, Keys | None]:
        """Keys and rows: of letters and deletions, and of long texts where there are some."""
        import numpy as np

        words = np.frombuffer(self.words, np.int64).view(np.uint64)
        length = np.frombuffer(self.length, np.int32)
        row = np.frombuffer(self.row, np.int32)
        letters = combine_columns(np.frombuffer(self.letters, np.int64))
        short = length <= LONGEST
        inside = np.repeat(short, length)
        keys, of = deletion_keys(words[inside], length[short])
        letters_row = np.frombuffer(self.letters_row, np.int32)
        near = np.concatenate((letters, keys)), np.concatenate((letters_row, row[short][of]))
        if short.all():
            return near, None
        keys, of = long_keys(words[~inside], length[~short])
        return near, (keys, row[~short][of])


def near_groups_of(texts: Sequence[Sequence[str]]) -> list[int]:
    """A group number for each text, given by its words; nearly the same texts share it.

    Chains are followed. The same in every process; linear in the number of words.
    """
    parent = list(range(len(texts)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    same: dict[str, int] = {}
    for k, words in enumerate(texts):
        parent[k] = same.setdefault(" ".join(words), k)
    near: list[Keys] = []
    long: list[Keys] = []
    chunk = Chunk(_stable)

    def end() -> None:
        keys, long_ones = chunk.keys()
        near.append(keys)
        if long_ones is not None:
            long.append(long_ones)

    for k in same.values():
        if chunk.add(k, texts[k]):
            end()
            chunk = Chunk(_stable)
    end()
    _stable.cache_clear()
    for a, b in _meeting(near):
        parent[root(b)] = root(a)
    compared = 0
    for a, b in _meeting(long):
        if root(a) != root(b) and compared < MAX_PAIRS:
            compared += 1
            if are_similar(" ".join(texts[a]), " ".join(texts[b])):
                parent[root(b)] = root(a)
    return [root(k) for k in range(len(texts))]


def are_similar(left: str, right: str) -> bool:
    """Whether two long texts, folded, are nearly the same by their letters."""
    from rapidfuzz import fuzz

    return bool(fuzz.ratio(left, right, score_cutoff=SIMILAR))


def _meeting(parts: Sequence[Keys]) -> Iterator[tuple[int, int]]:
    """Pairs of rows with a key in common: each with the first of its key."""
    import numpy as np

    if not parts:
        return
    keys = np.concatenate([k for k, _ in parts])
    rows = np.concatenate([r for _, r in parts])
    order = np.lexsort((rows, keys))
    keys, rows = keys[order], rows[order]
    again = np.flatnonzero(keys[1:] == keys[:-1]) + 1
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    first = rows[starts[np.searchsorted(starts, again, side="right") - 1]]
    for a, b in zip(first.tolist(), rows[again].tolist(), strict=True):
        if a != b:
            yield a, b


@lru_cache(maxsize=1 << 20)
def _stable(word: str) -> int:
    """The hash of a word: the same in every process, unlike Python's own."""
    raw = word.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(raw, digest_size=8).digest(), "big", signed=True)


def combine_columns(*columns: NDArray[Any]) -> NDArray[np.uint64]:
    """One number for each row, equal where all columns are (multiply and xor-shift, 64 bits)."""
    import numpy as np

    out = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        out ^= column.astype(np.int64).view(np.uint64)
        out *= np.uint64(0x9E3779B97F4A7C15)
        out ^= out >> np.uint64(32)
    return out
