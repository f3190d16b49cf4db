"""What every check looks at: one example at a time, its answer parsed, its words folded.

Answers repeat, so what follows from the text of an answer alone is worked out once and kept for a
while. A check sees each row as it goes by and keeps counts, never rows: memory stays flat.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from maksud.data.dataset import Example
from maksud.data.findings import excerpt
from maksud.errors import CallSyntaxError
from maksud.language.calls import Call, parse_calls
from maksud.language.catalog import Catalog
from maksud.language.folding import folded_words, normalise

KEPT_ANSWERS = 20_000
"""Different answers that are remembered at least; at most twice as many."""
LONGEST_NAME = 128
"""Characters of an intent's or a parameter's name: a longer one is no name."""

TRAIN, DEV, TEST, OTHER = range(4)
_SPLITS = {"": TRAIN, "train": TRAIN, "dev": DEV, "test": TEST}
SPLIT_NAMES = ("train", "dev", "test", "other")

_DIGIT = re.compile(r"\d")
_ILLEGAL = re.compile(r"[\x00-\x1f\x7f-\x9f,\u2028\u2029]")

Tick = Callable[[str, float], None]
"""Told what is being done, and which share of it is done, now and then."""


Given = tuple[str, str, str]
"""An argument of an answer: intent, parameter, value."""


@dataclass(slots=True)
class Answer:
    """An output, read. `calls` is empty where it has no label, or can't be parsed (`problem`).

    Without a catalog, positional arguments are called by their place: `#1`, `#2`…
    """

    text: str
    calls: tuple[Call, ...] = ()
    intents: tuple[str, ...] = ()
    arguments: tuple[Given, ...] = ()
    key: int = 0
    """Equal for the same calls with the same arguments in any order; 0 without calls."""
    intents_key: int = 0
    violations: tuple[str, ...] = ()
    problem: tuple[str, str, str] | None = None
    """Code, message and mend of an output that can't be parsed."""
    _places: tuple[tuple[str, str], ...] | None = None

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """What stands for each value in the pattern of an utterance: the value as `normalise`
        writes it and `{parameter}`, between spaces; longest values first. Worked out once."""
        if self._places is None:
            # A value that holds another one must go first.
            given = sorted(self.arguments, key=_longest_first)
            self._places = tuple((f" {normalise(v)} ", f" {{{_named(p)}}} ") for _, p, v in given)
        return self._places


@dataclass(slots=True)
class Row:
    """One example as the checks see it. The same object is filled anew for each."""

    number: int = 0
    example: Example = field(default_factory=lambda: Example("", ""))
    text: str = ""
    folded: str = ""
    """The utterance as `normalise` writes it, and its words."""
    words: list[str] = field(default_factory=list)
    digits: int = 0
    """Digits of the utterance."""
    answer: Answer = field(default_factory=lambda: Answer(""))
    split: int = TRAIN
    is_multi: bool = False
    """Several calls, or several turns."""


class Answers:
    """Reads outputs, and remembers the last ones.

    In two generations: what was not asked for while so many others came is forgotten, so that
    frequent answers are read once, however many rare ones there are.
    """

    def __init__(self, catalog: Catalog | None) -> None:
        self.catalog = catalog
        self._known: dict[str, Answer] = {}
        self._older: dict[str, Answer] = {}

    def __call__(self, output: str) -> Answer:
        known = self._known.get(output)
        if known is None:
            if len(self._known) >= KEPT_ANSWERS:
                self._older, self._known = self._known, {}
            known = self._older.get(output) or read_answer(output, self.catalog)
            self._known[output] = known
        return known


def read_answer(output: str, catalog: Catalog | None) -> Answer:
    """An output as an answer; never raises."""
    if not output.strip():
        return Answer(output)
    try:
        calls = parse_calls(output)
    except CallSyntaxError as error:
        return Answer(output, key=hash(output) or 1, problem=_problem(output, error))
    violations: tuple[str, ...] = ()
    if catalog is not None:
        calls = catalog.name_arguments(calls)
        violations = tuple(catalog.violations(calls))
    given: list[Given] = []
    keys: list[tuple[object, ...]] = []
    for call in calls:
        place = 0
        mine = []
        for argument in call.arguments:
            name = argument.name
            if name is None:
                place += 1
                name = f"#{place}"
            mine.append((name, argument.value))
        intent = call.intent
        given += [(intent, *each) for each in mine]
        if len(mine) > 1:
            mine.sort()
        keys.append((intent, *mine))
    intents = tuple(call.intent for call in calls)
    return Answer(
        output,
        calls,
        intents,
        tuple(given),
        key=hash(tuple(keys)) or 1,
        intents_key=hash(intents),
        violations=violations,
    )


def fill(row: Row, number: int, example: Example, answer: Answer) -> None:
    """Makes `row` the row of an example."""
    text = example.instruction
    words = folded_words(text)
    row.number = number
    row.example = example
    row.text = text
    row.words = words
    row.folded = " ".join(words) or normalise(text)
    row.digits = count_digits(text)
    row.answer = answer
    row.split = _SPLITS.get(example.split, OTHER)
    row.is_multi = len(answer.calls) > 1 or (bool(example.metadata) and example.is_multi_turn)


def count_digits(text: str) -> int:
    """How many digits a text has, of any script."""
    if text.isascii():
        return len(text) - len(text.encode("ascii").translate(None, b"0123456789"))
    return len(_DIGIT.findall(text))


def is_positional(parameter: str) -> bool:
    """Whether it is the place of an argument, not its name."""
    return parameter.startswith("#")


def _named(parameter: str) -> str:
    return "value" if is_positional(parameter) else parameter


def _longest_first(given: Given) -> int:
    return -len(given[2])


def _problem(output: str, error: CallSyntaxError) -> tuple[str, str, str]:
    head, bracket, _ = output.partition("(")
    illegal = _ILLEGAL.search(head.strip()) if bracket else None
    if illegal is not None:
        what = f"illegal character U+{ord(illegal.group()):04X} in the label {excerpt(head, 40)}"
        return "E-LABEL", what, 'names hold no white space, control characters or ( ) , ; = "'
    message = f"output {excerpt(output, 60)}: {error.message}"
    return "E-CALL", message, error.hint or "write intent(parameter=value), or none()"
