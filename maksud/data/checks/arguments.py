"""How arguments are written: a value that a comma cut in two, names left out, names given twice.

`remind(task=bayar listrik, air)` has two arguments: the comma of the utterance is the comma between
arguments unless the value stands in quotes. What is parsed so is an answer, only another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.parameters import Parameters
from maksud.data.checks.rows import Row, is_positional
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt, format_count
from maksud.errors import CallSyntaxError
from maksud.language.calls import Call, parse_calls

USUAL_SHARE = 0.5
"""A second place that is used this often, beside the first, is a parameter of its own and not the
rest of a value."""
LIST_SHARE = 0.05
"""Share of a parameter's uses from which its being given several times is taken for a list."""
MAX_COUNTED = 20_000
"""Intents and parameters that are counted."""

_Cut = tuple[Example, str, str, str, str]
"""An example, the intent, the value's beginning and its rest, and the parameter of the rest."""


@dataclass(slots=True)
class _Twice:
    """A parameter that was given several times in one call."""

    first: Example
    uses: int = 0
    same: int = 0
    """Calls in which it had one value twice."""


@dataclass(slots=True)
class _Bare:
    """Values of an intent that stand without a name."""

    first: Example
    calls: int = 0
    beside: set[str] = field(default_factory=set)
    """Names that stand in one call with them."""
    behind: int = 0
    """Calls in which one stands behind a value with a name."""


class Arguments(Part):
    """Looks at answers with arguments."""

    @classmethod
    def of(cls, checking: Checking) -> Arguments:
        return cls(checking.use(Parameters), checking.catalog is not None)

    def __init__(self, parameters: Parameters, named: bool) -> None:
        self._parameters = parameters
        self._are_named = named
        """Whether the catalog has named the arguments of the answers that are seen."""
        self._cuts: list[_Cut] = []
        self._twice: dict[tuple[str, str], _Twice] = {}
        self._bare: dict[str, _Bare] = {}

    def see(self, row: Row) -> None:
        answer = row.answer
        if not answer.arguments:
            return
        several = len(answer.arguments) > len(answer.calls)
        bare = any(parameter == "#1" for _, parameter, _ in answer.arguments)
        if not several and not bare:
            return
        written = _as_written(row) if several and self._are_named else answer.calls
        for call, as_written in zip(answer.calls, written, strict=False):
            if len(call.arguments) > 1:
                self._see_twice(row, call)
            cut = len(call.arguments) > 1 and self._see_cut(row, call, as_written)
            if bare and not cut:
                self._see_bare(row, call)

    def _see_cut(self, row: Row, call: Call, written: Call) -> bool:
        """Whether a value was cut in two, which is kept."""
        place = 0
        before = len(self._cuts)
        for (a, b), (_, plain) in zip(
            pairwise(call.arguments), pairwise(written.arguments), strict=False
        ):
            place += a.name is None
            if plain.name is not None or len(self._cuts) >= MAX_COUNTED:
                continue
            if any(a.value + comma + b.value in row.text for comma in (", ", ",")):
                rest = b.name or f"#{place + 1}"
                self._cuts.append((row.example, call.intent, a.value, b.value, rest))
        return len(self._cuts) > before

    def _see_twice(self, row: Row, call: Call) -> None:
        values: dict[str, str] = {}
        again: dict[str, bool] = {}
        for argument in call.arguments:
            if argument.name is None:
                continue
            if argument.name in values:
                again[argument.name] = again.get(argument.name, False) or (
                    values[argument.name] == argument.value
                )
            values[argument.name] = argument.value
        for name, same in again.items():
            twice = self._twice.get((call.intent, name))
            if twice is None:
                if len(self._twice) >= MAX_COUNTED:
                    continue
                twice = self._twice[call.intent, name] = _Twice(row.example)
            twice.uses += 1
            twice.same += same

    def _see_bare(self, row: Row, call: Call) -> None:
        named = [a.name for a in call.arguments if a.name is not None]
        if len(named) == len(call.arguments):
            return
        bare = self._bare.get(call.intent)
        if bare is None:
            if len(self._bare) >= MAX_COUNTED:
                return
            bare = self._bare[call.intent] = _Bare(row.example)
        bare.calls += 1
        bare.beside.update(named)
        bare.behind += call.arguments[0].name is not None

    # ------------------------------------------------------------ telling

    def tell(self, found: Findings) -> None:
        self._tell_cuts(found)
        self._tell_bare(found)
        self._tell_twice(found)

    def _tell_cuts(self, found: Findings) -> None:
        counts = self._parameters.counts
        for example, intent, begin, rest, parameter in self._cuts:
            first, second = counts.get((intent, "#1")), counts.get((intent, parameter))
            if (
                is_positional(parameter)
                and parameter != "#1"
                and first is not None
                and second is not None
                and second.uses >= USUAL_SHARE * first.uses
                and first.uses > 1
            ):
                continue
            whole = f"{begin}, {rest}"
            found.append(
                Finding(
                    "warning",
                    "W-UNQUOTED",
                    f"{intent}: {excerpt(rest, 40)} is an argument of its own; the utterance has "
                    f"{excerpt(whole, 60)}",
                    example.place,
                    why="a comma outside of quotes ends a value: the rest is taken for another one",
                    fix=f'write the value in quotes: "{whole[:60]}"',
                )
            )

    def _tell_bare(self, found: Findings) -> None:
        names: dict[str, list[str]] = {}
        for intent, parameter in self._parameters.counts:
            if intent in self._bare and not is_positional(parameter):
                names.setdefault(intent, []).append(parameter)
        for intent, bare in sorted(self._bare.items()):
            apart = sorted(n for n in names.get(intent, ()) if n not in bare.beside)
            if not apart and not bare.behind:
                continue
            with_names = [excerpt(n, 30) for n in apart or sorted(bare.beside)][:4]
            found.append(
                Finding(
                    "warning",
                    "W-MIXED",
                    f"{intent}: {format_count(bare.calls, 'call')} with a value that has no name, "
                    f"others have {', '.join(with_names)}",
                    bare.first.place,
                    why="a value with and without its name is learnt as two parameters",
                    fix="write the name everywhere, or nowhere",
                )
            )

    def _tell_twice(self, found: Findings) -> None:
        for (intent, name), twice in sorted(self._twice.items()):
            count = self._parameters.counts.get((intent, name))
            uses = count.uses if count is not None else twice.uses
            is_list = not twice.same and twice.uses >= max(2, LIST_SHARE * uses)
            found.append(
                Finding(
                    "info" if is_list else "warning",
                    "I-TWICE" if is_list else "W-TWICE",
                    f"{intent}: {excerpt(name, 40)} is given several times in "
                    f"{format_count(twice.uses, 'call')}"
                    + (f", with the same value in {twice.same:,}" if twice.same else ""),
                    twice.first.place,
                    why="programs take one value for a name: which one is chance",
                    fix="give each value its own call or parameter; a list on purpose may stay"
                    if is_list
                    else "give it once",
                )
            )


def _as_written(row: Row) -> tuple[Call, ...]:
    """The calls as they stand in the row, before a catalog named their arguments."""
    if row.answer.text.count("=") >= len(row.answer.arguments):
        return row.answer.calls
    try:
        return parse_calls(row.answer.text)
    except CallSyntaxError:
        return row.answer.calls


CHECK = Check("arguments", Arguments)
