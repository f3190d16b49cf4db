"""A map of characters as the `Precompiled` normaliser of the tokenizers library reads it.

The format is SentencePiece's: the bytes of all keys in a double-array trie (Aoe 1989) whose
leaves point into the replacements, each ended by a zero byte.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_HAS_LEAF = 1 << 8
_LEAF = 1 << 31
_NEAR_THE_END = 1024
"""Places before the end in which a free one is looked for: further down few are left."""
_WIDEST = 1 << 21
"""Offsets below this fit as they are; larger ones are kept in steps of 256."""


def write_charsmap(replacements: Mapping[str, str]) -> bytes:
    """The map from each key, not empty, to its replacement. Raises `ValueError` for zero bytes."""
    keys = sorted((key.encode(), value.encode()) for key, value in replacements.items())
    if any(not key or 0 in key or 0 in value for key, value in keys):
        raise ValueError("keys must not be empty, and nothing may hold a zero byte")
    values, places = bytearray(), []
    for _, value in keys:
        places.append(len(values))
        values += value + b"\0"
    units = _Trie().build([key for key, _ in keys], places)
    trie = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(trie)) + trie + bytes(values)


class _Trie:
    """Unit 0 is the root. A child stands at the base of its parent XOR its byte; byte 0: a leaf."""

    def __init__(self) -> None:
        self.units = [0] * 512
        self.taken = {0}
        self.bases = set[int]()
        self.free = 1

    def build(self, keys: list[bytes], values: list[int]) -> list[int]:
        self._fill(0, keys, values, 0, len(keys), 0)
        while len(self.units) % 256:
            self.units.append(0)
        return self.units

    def _fill(
        self, at: int, keys: list[bytes], values: list[int], begin: int, end: int, depth: int
    ) -> None:
        """Puts the children of the node at `at`: the keys from `begin` to `end` share a prefix."""
        groups: dict[int, tuple[int, int]] = {}
        for k in range(begin, end):
            label = keys[k][depth] if len(keys[k]) > depth else 0
            groups[label] = (groups.get(label, (k, k))[0], k + 1)
        base = self._place(at, list(groups))
        offset = at ^ base
        packed = offset << 10 if offset < _WIDEST else (offset >> 8) << 18 | 1 << 9
        self.units[at] |= packed | (_HAS_LEAF if 0 in groups else 0)
        for label, (first, last) in groups.items():
            child = base ^ label
            if label:
                self.units[child] = label
                self._fill(child, keys, values, first, last, depth + 1)
            else:
                self.units[child] = values[first] | _LEAF

    def _place(self, at: int, labels: list[int]) -> int:
        """A base from which all labels lead to free units, now taken.

        No two nodes share one: a unit says by which byte it is reached, not from where.
        """
        while self.free in self.taken:
            self.free += 1
        base = max(self.free, len(self.units) - _NEAR_THE_END) ^ labels[0]
        while (
            base in self.bases
            or any(base ^ label in self.taken for label in labels)
            or ((at ^ base) >= _WIDEST and (at ^ base) & 255)
        ):
            base += 1
        self.bases.add(base)
        self.taken.update(base ^ label for label in labels)
        while len(self.units) <= base | 255:
            self.units.append(0)
        return base
