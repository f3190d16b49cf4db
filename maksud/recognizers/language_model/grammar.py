"""What may be written as the answer to an utterance, byte by byte: an automaton from a catalog.

A state is a set of threads: the ways to read what is written so far. A thread stands in a part
(see `parts`) and knows at which point of the answer it goes on behind it. What is accepted is
exactly what `catalog.render` writes of calls that the catalog allows with this utterance. Each
parameter stands once in a call; one that the catalog declares `many`, and that is written with its
name, may stand `REPEATS` times, for people name several songs at once. Knows no tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from maksud.language.calls import OUT_OF_SCOPE, format_value
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.language_model.parts import END, FREE, NUMBER, Part, Place, Spans, Text

REPEATS = 4
"""How often a parameter that may stand several times can stand in one call."""


class Point(NamedTuple):
    """A place between two parts of an answer.

    `kind`: `first` and `next` (a call begins), `open` (behind its bracket), `value` (of
    `parameter`), `more` (behind a value), `after` (behind a call), `end` (behind `none()`).
    `used` counts the arguments of each parameter, the one at hand included.
    """

    kind: str
    intent: int = -1
    used: tuple[int, ...] = ()
    positional: bool = False
    parameter: int = -1


class Thread(NamedTuple):
    """One way to read what is written: in `part`, at `place`, going on at `then`."""

    part: Part
    place: Place
    then: Point


State = frozenset[Thread]

_FIRST, _NEXT, _AFTER, _END = Point("first"), Point("next"), Point("after"), Point("end")


class Grammar:
    """What the answers to all utterances share: the catalog and its fixed texts.

    `outside`: whether `none()` is an answer.
    """

    def __init__(self, catalog: Catalog, *, outside: bool = True) -> None:
        self.catalog = catalog
        self.outside = outside
        self._texts: dict[str, Text] = {}

    def text(self, text: str) -> Text:
        """The one part for a fixed text, so that states of two utterances can be equal."""
        if text not in self._texts:
            self._texts[text] = Text(text.encode())
        return self._texts[text]

    def texts(self) -> Iterator[str]:
        """Every fixed text that answers may need."""
        yield f"{OUT_OF_SCOPE}(), =;"
        for intent in self.catalog.intents:
            yield intent.name
            for p in intent.parameters:
                yield p.name
                yield from map(format_value, p.choices)


class Answers:
    """The answers that one utterance can have. `writable`: the bytes that can be written."""

    def __init__(
        self, grammar: Grammar, utterance: str, writable: frozenset[int] = frozenset(range(256))
    ) -> None:
        self._grammar = grammar
        self._intents = grammar.catalog.intents
        self._spans = [
            (spans, place)
            for spans in (
                Spans(utterance, writable, quoted=False),
                Spans(utterance, writable, quoted=True),
            )
            for place in spans.starts()
        ]
        self._threads: dict[Point, tuple[Thread, ...]] = {}
        self._least: dict[Point, float] = {}
        self.start: State = frozenset(self._at(_FIRST))

    @property
    def copies(self) -> bool:
        """Whether the utterance holds anything to copy."""
        return bool(self._spans)

    def step(self, state: State, byte: int) -> State:
        """The state behind one more byte; empty where it does not fit."""
        threads: set[Thread] = set()
        for part, place, then in state:
            for after in part.step(place, byte):
                more = part.choices(after)
                if more is None or more:
                    threads.add(Thread(part, after, then))
                if part.left(after) == 0:
                    threads.update(self._at(then))
        return frozenset(threads)

    def choices(self, state: State) -> list[int] | None:
        """The bytes that fit, in order; None for "many", where `step` must be asked."""
        found: set[int] = set()
        for part, place, _ in state:
            some = part.choices(place)
            if some is None:
                return None
            found.update(some)
        return sorted(found)

    def ends(self, state: State) -> bool:
        """Whether the answer can end here."""
        return any(thread.part is END for thread in state)

    def left(self, state: State) -> float:
        """The fewest bytes from here to the end of an answer, the end itself counted as one."""
        return min(
            (part.left(place) + self._least_from(then) for part, place, then in state),
            default=math.inf,
        )

    # ------------------------------------------------------------ what follows a point

    def _at(self, point: Point) -> tuple[Thread, ...]:
        """Where an answer can go on at a point, dead ends left out."""
        if point not in self._threads:
            self._threads[point] = tuple(
                t for t in self._follow(point) if self._least_from(t.then) < math.inf
            )
        return self._threads[point]

    def _least_from(self, point: Point) -> float:
        """The fewest bytes from a point to the end; infinite where there is no way."""
        if point == _END:
            return 0
        if point.kind == "after":
            return 1
        if point.kind == "open" or (point.kind == "more" and self._closes(point)):
            return 2
        if point not in self._least:
            self._least[point] = min(
                (t.part.left(t.place) + self._least_from(t.then) for t in self._follow(point)),
                default=math.inf,
            )
        return self._least[point]

    def _follow(self, point: Point) -> Iterator[Thread]:
        if point.kind == "after":
            yield Thread(END, 0, _END)
            yield self._text(";", _NEXT)
        elif point.kind in ("first", "next"):
            if point.kind == "first" and self._grammar.outside:
                yield self._text(f"{OUT_OF_SCOPE}()", Point("none"))
            for i, intent in enumerate(self._intents):
                yield self._text(f"{intent.name}(", Point("open", i, (0,) * len(intent.parameters)))
        elif point.kind == "none":
            yield Thread(END, 0, _END)
        elif point.kind == "value":
            yield from self._value(point)
        else:
            yield from self._argument(point)

    def _argument(self, point: Point) -> Iterator[Thread]:
        """The next argument, or the bracket that closes the call."""
        intent = self._intents[point.intent]
        between = "" if point.kind == "open" else ", "
        if self._closes(point):
            yield self._text(")", _AFTER)
        if intent.positional and (point.kind == "open" or point.positional):
            k = sum(point.used)
            if k < len(intent.parameters):
                value = Point("value", point.intent, _counted(point.used, k), True, k)
                if between:
                    yield self._text(between, value)
                else:
                    yield from self._value(value)
        if not point.positional:
            for k, p in enumerate(intent.parameters):
                if point.used[k] < _limit(intent, p):
                    value = Point("value", point.intent, _counted(point.used, k), False, k)
                    yield self._text(f"{between}{p.name}=", value)

    def _value(self, point: Point) -> Iterator[Thread]:
        parameter = self._intents[point.intent].parameters[point.parameter]
        then = Point("more", point.intent, point.used, point.positional)
        places: Iterable[tuple[Part, Place]]
        if parameter.choices:
            places = [(self._grammar.text(format_value(v)), 0) for v in parameter.choices]
        elif parameter.copied:
            places = self._spans
        else:
            free: Part = NUMBER if parameter.type == "number" else FREE
            places = [(free, place) for place in free.starts()]
        for part, place in places:
            yield Thread(part, place, then)

    def _closes(self, point: Point) -> bool:
        """Whether the call can end here.

        Named arguments that a positional intent writes without their names are not its style:
        there, another must follow.
        """
        if point.kind == "open" or point.positional or not self._intents[point.intent].positional:
            return True
        return any(a < b for a, b in pairwise(point.used))

    def _text(self, text: str, then: Point) -> Thread:
        return Thread(self._grammar.text(text), 0, then)


def _counted(used: tuple[int, ...], k: int) -> tuple[int, ...]:
    return (*used[:k], used[k] + 1, *used[k + 1 :])


def _limit(intent: Intent, parameter: Parameter) -> int:
    return REPEATS if parameter.many and not intent.positional else 1
