"""All valid ways to tag a few words: what decoding and its gradient are compared with."""

from __future__ import annotations

import itertools


def valid_paths(size: int, parameters: int) -> list[tuple[int, ...]]:
    """Paths of `size` BIO tags in which a value goes on only after its own parameter."""

    def valid(path: tuple[int, ...]) -> bool:
        before = 0
        for tag in path:
            if tag > parameters and before not in (tag, tag - parameters):
                return False
            before = tag
        return True

    tags = range(1 + 2 * parameters)
    return [p for p in itertools.product(tags, repeat=size) if valid(p)]
