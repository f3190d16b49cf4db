"""Values that are chosen from a list, not copied: their scores, and their place in a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maksud.language.calls import Argument


@dataclass(frozen=True, slots=True)
class Choice:
    """The listed values of a parameter, and where their scores stand in the choice head's row.

    The score at `start` is that of no value; those of `values` follow, up to `stop`.
    """

    parameter: str
    values: tuple[str, ...]
    start: int

    @property
    def stop(self) -> int:
        """The place after the last score."""
        return self.start + 1 + len(self.values)

    def place_of(self, value: str | None) -> int:
        """Which of the scores from `start` belongs to a value. Raises `ValueError` without one."""
        return 0 if value is None else 1 + self.values.index(value)


def lay_out(listed: Iterable[tuple[str, Sequence[str]]]) -> list[Choice]:
    """The choices of (parameter, values), one after the other in the choice head's row."""
    out: list[Choice] = []
    for parameter, values in listed:
        out.append(Choice(parameter, tuple(values), out[-1].stop if out else 0))
    return out


def width_of(choices: Sequence[Choice]) -> int:
    """How many scores the choices have together."""
    return choices[-1].stop if choices else 0


def order_key(intent: str, first: Any, second: Any) -> str:
    """How joint.json writes that one parameter of an intent comes before another."""
    return f"{intent}\t{first}\t{second}"


def place_choices(
    intent: str, copied: Sequence[Argument], chosen: Sequence[Argument], before: Mapping[str, int]
) -> tuple[Argument, ...]:
    """Copied arguments in the order of the text, chosen ones put where data writes them.

    `before` maps each `order_key` to how often the first came first.
    """
    out = list(copied)
    for argument in chosen:
        place = len(out)
        for k, other in enumerate(out):
            ahead = before.get(order_key(intent, argument.name, other.name), 0)
            if ahead > before.get(order_key(intent, other.name, argument.name), 0):
                place = k
                break
        out.insert(place, argument)
    return tuple(out)
