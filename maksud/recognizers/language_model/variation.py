"""Variations of labelled examples: the same sentence with other values.

A copied value of an example is replaced, in the utterance and in the answer, by the value that
another example has for that parameter of that intent. So a model that is tuned on few examples for
several epochs learns what a parameter's values stand beside, and to copy them, instead of the
values by heart. Data recombination: Jia and Liang 2016 (arXiv:1606.03622), abstracted entities.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from maksud.data.dataset import Example
from maksud.language.calls import Argument, Call
from maksud.language.catalog import Catalog
from maksud.recognizers.language_model.parts import edges


@dataclass(frozen=True, slots=True)
class _Slot:
    """A value that can be replaced: where it stands in the utterance, and in the calls."""

    start: int
    end: int
    call: int
    argument: int
    key: tuple[str, str]


class Variations:
    """The variations of some examples among each other."""

    def __init__(self, examples: Sequence[Example], catalog: Catalog) -> None:
        self._texts = [e.instruction for e in examples]
        self._calls = [catalog.name_arguments(e.calls) for e in examples]
        self._slots = [
            _slots(text, calls, catalog)
            for text, calls in zip(self._texts, self._calls, strict=True)
        ]
        values: dict[tuple[str, str], set[str]] = defaultdict(set)
        for text, slots in zip(self._texts, self._slots, strict=True):
            for slot in slots:
                values[slot.key].add(text[slot.start : slot.end])
        self._values = {key: sorted(found) for key, found in values.items()}

    def draw(self, number: int, share: float, rng: random.Random) -> tuple[str, tuple[Call, ...]]:
        """Utterance and calls of an example; each value is replaced with probability `share`."""
        text, calls = self._texts[number], list(self._calls[number])
        for slot in reversed(self._slots[number]):
            if rng.random() >= share:
                continue
            value = rng.choice(self._values[slot.key])
            text = text[: slot.start] + value + text[slot.end :]
            arguments = list(calls[slot.call].arguments)
            arguments[slot.argument] = Argument(arguments[slot.argument].name, value)
            calls[slot.call] = Call(calls[slot.call].intent, tuple(arguments))
        if any(
            a.value not in text
            for call in calls
            for a in call.arguments
            if a.value in self._texts[number]
        ):
            return self._texts[number], self._calls[number]
        return text, tuple(calls)


def _slots(text: str, calls: Sequence[Call], catalog: Catalog) -> list[_Slot]:
    """The values of an example that stand once in its utterance, from left to right.

    Values that overlap are left alone.
    """
    starts, ends = (set(found) for found in edges(text))
    found = []
    for c, call in enumerate(calls):
        intent = catalog.get(call.intent)
        for a, argument in enumerate(call.arguments):
            parameter = intent.parameter(argument.name or "") if intent else None
            if parameter is None or parameter.choices or not parameter.copied:
                continue
            places = [
                m.span()
                for m in re.finditer(re.escape(argument.value), text)
                if m.start() in starts and m.end() in ends
            ]
            if len(places) == 1:
                found.append(_Slot(*places[0], c, a, (call.intent, parameter.name)))
    found.sort(key=lambda slot: slot.start)
    return [
        slot
        for slot in found
        if not any(
            other is not slot and other.start < slot.end and slot.start < other.end
            for other in found
        )
    ]
