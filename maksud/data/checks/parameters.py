"""Arguments: values that were not said, parameters that never vary, orders that change.

Values are copied from the utterance, so a value that is not in it teaches a network to invent.
Arguments stand in one order for an intent, or in the order in which they are said; an order that
follows neither is chance, and chance can't be learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.rows import Answer, Row, is_positional
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt
from maksud.language.catalog import Catalog

FEW_USES = 10
"""Uses of a parameter under which nothing is concluded about it."""
COPIED_SHARE = 0.5
"""Share of its values that stand in the utterance, from which an undeclared parameter counts as
copied (as `infer_catalog` has it)."""
ORDERLY = 0.95
"""Share of an intent's calls that must follow the one order, or the order of speech."""
DISTINCT = 50
"""Different values of a parameter that are told apart; more are "many"."""
MAX_PARAMETERS = 20_000
MAX_ORDERS = 20_000
"""Parameters, and orders of parameters, that are counted."""


@dataclass(slots=True)
class ParameterCount:
    """How a parameter of an intent is used."""

    first: Example
    uses: int = 0
    copied: int = 0
    values: set[str] = field(default_factory=set)
    """At most `DISTINCT` of its values."""
    absent: list[tuple[Example, str]] = field(default_factory=list)
    """The first values that are not in their utterances."""


@dataclass(slots=True)
class OrderCount:
    """An order of an intent's named arguments; `as_said` counts calls in the order of speech."""

    first: Example
    uses: int = 0
    as_said: int = 0


class Parameters(Part):
    """Counts arguments over the rows. `limit`: absent values that are kept for a parameter."""

    @classmethod
    def of(cls, checking: Checking) -> Parameters:
        return cls(checking.catalog, checking.limit)

    def __init__(self, catalog: Catalog | None, limit: int | None) -> None:
        self.catalog = catalog
        self.counts: dict[tuple[str, str], ParameterCount] = {}
        self.orders: dict[tuple[str, tuple[str, ...]], OrderCount] = {}
        self._limit = limit
        self._places: dict[str, int] = {}

    def see(self, row: Row) -> None:
        given = row.answer.arguments
        if not given:
            return
        text = row.text
        for intent, parameter, value in given:
            count = self.counts.get((intent, parameter))
            if count is None:
                if len(self.counts) >= MAX_PARAMETERS:
                    continue
                count = self.counts[intent, parameter] = ParameterCount(row.example)
            count.uses += 1
            if value in text:
                count.copied += 1
            elif self._limit is None or len(count.absent) < self._limit:
                count.absent.append((row.example, value))
            if len(count.values) < DISTINCT:
                count.values.add(value)
        if len(given) > 1:
            self._see_order(row.answer, text, row.example)

    def _see_order(self, answer: Answer, text: str, example: Example) -> None:
        for call in answer.calls:
            names = tuple([a.name for a in call.arguments if a.name is not None])
            if len(names) < 2:
                continue
            order = self.orders.get((call.intent, names))
            if order is None:
                if len(self.orders) >= MAX_ORDERS:
                    continue
                order = self.orders[call.intent, names] = OrderCount(example)
            order.uses += 1
            order.as_said += _as_said([a.value for a in call.arguments if a.name], text)

    def shown(self, intent: str, parameter: str) -> str:
        """A parameter's name for people; positional ones are called as the catalog calls them."""
        if not is_positional(parameter):
            return parameter
        several = (intent, "#2") in self.counts
        return f"value{parameter[1:]}" if several else "value"

    # ------------------------------------------------------------ telling

    def tell(self, found: Findings) -> None:
        for (intent, parameter), count in sorted(self.counts.items()):
            self._tell_values(found, intent, parameter, count)
            self._tell_constant(found, intent, parameter, count)
        self._tell_orders(found)

    def is_copied(self, intent: str, parameter: str) -> bool:
        """Whether its values are copied from the utterance: by the catalog, else by most of them.
        To be asked when all rows were seen."""
        count = self.counts.get((intent, parameter))
        if count is None:
            return False
        if self.catalog is not None:
            declared = self.catalog.get(intent)
            p = declared.parameter(parameter) if declared else None
            return p is not None and p.copied and not p.choices
        return count.uses < FEW_USES or count.copied >= COPIED_SHARE * count.uses

    def _tell_values(
        self, found: Findings, intent: str, parameter: str, count: ParameterCount
    ) -> None:
        missing = count.uses - count.copied
        if not missing or not self.is_copied(intent, parameter):
            return
        for example, value in count.absent:
            folded = value.casefold() in example.instruction.casefold()
            found.append(
                Finding(
                    "warning",
                    "W-VALUE",
                    f"{intent}: {self.shown(intent, parameter)}={excerpt(value, 40)} is not in "
                    "the utterance" + (" (it is, in other letter case)" if folded else ""),
                    example.place,
                    why="values are copied from what was said; this one can't be",
                    fix="write it as said, or declare the parameter with copied: false",
                )
            )
        found.more("W-VALUE", missing - len(count.absent))

    def _tell_constant(
        self, found: Findings, intent: str, parameter: str, count: ParameterCount
    ) -> None:
        if count.uses >= FEW_USES and len(count.values) == 1:
            value = next(iter(count.values))
            found.append(
                Finding(
                    "info",
                    "I-ONEVALUE",
                    f"{intent}: {self.shown(intent, parameter)} is {excerpt(value, 40)} all of "
                    f"{count.uses:,} times",
                    count.first.place,
                    why="a parameter that never varies says nothing, and other values are missed",
                    fix="add examples with other values, or leave the parameter out",
                )
            )

    def _tell_orders(self, found: Findings) -> None:
        by_intent: dict[str, list[tuple[tuple[str, ...], OrderCount]]] = {}
        for (intent, names), order in self.orders.items():
            by_intent.setdefault(intent, []).append((names, order))
        for intent, orders in sorted(by_intent.items()):
            uses = sum(o.uses for _, o in orders)
            if sum(o.as_said for _, o in orders) >= ORDERLY * uses:
                continue
            clash = _opposed(orders)
            if clash is None:
                continue
            (first, second), common, rare = clash
            found.append(
                Finding(
                    "warning",
                    "W-ORDER",
                    f"{intent}: {first} stands before {second} {common.uses:,} times, and behind "
                    f"it {rare.uses:,} times, not in the order of speech",
                    rare.first.place,
                    why="an order that follows no rule can't be learnt, and exact match falls",
                    fix="write arguments in one order, or in the order in which they are said",
                )
            )


def _as_said(values: Sequence[str], text: str) -> bool:
    at = 0
    for value in values:
        found = text.find(value, at)
        if found >= 0:
            at = found + len(value)
        elif value in text:
            return False
    return True


def _opposed(
    orders: Sequence[tuple[tuple[str, ...], OrderCount]],
) -> tuple[tuple[str, str], OrderCount, OrderCount] | None:
    """The two parameters that stand in both orders most evenly: their names in the more frequent
    order, and the counts of both. None where no two do."""
    pairs: dict[tuple[str, str], OrderCount] = {}
    for names, order in orders:
        for k, a in enumerate(names):
            for b in names[k + 1 :]:
                if a != b:
                    pair = pairs.setdefault((a, b), OrderCount(order.first))
                    pair.uses += order.uses
    worst = None
    for (a, b), count in sorted(pairs.items()):
        other = pairs.get((b, a))
        if other is None or (count.uses, a) < (other.uses, b):
            continue
        if worst is None or other.uses > worst[2].uses:
            worst = ((a, b), count, other)
    return worst


CHECK = Check("parameters", Parameters)
