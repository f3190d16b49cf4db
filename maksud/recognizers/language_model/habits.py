"""What earlier answers were like, so that tokens of the next one can be read ahead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


class Habits:
    """What most often followed the last tokens of earlier answers: guesses, never choices."""

    _REACH = 3
    _MOST = 200_000

    def __init__(self) -> None:
        self._followers: dict[tuple[int, ...], Counter[int]] = {}

    def learn(self, tokens: Sequence[int]) -> None:
        """Remembers an answer's tokens."""
        if len(self._followers) > self._MOST:
            self._followers.clear()
        for place in range(1, len(tokens)):
            for reach in range(1, min(place, self._REACH) + 1):
                key = tuple(tokens[place - reach : place])
                self._followers.setdefault(key, Counter())[tokens[place]] += 1

    def guess(self, tokens: Sequence[int]) -> int | None:
        """The likeliest next token, by the longest piece that was seen before."""
        for reach in range(min(len(tokens), self._REACH), 0, -1):
            found = self._followers.get(tuple(tokens[-reach:]))
            if found:
                return max(found, key=found.__getitem__)
        return None
