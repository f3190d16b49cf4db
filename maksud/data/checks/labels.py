"""Answers that can't be parsed, that the declared catalog forbids, or that a change took away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial

from maksud.data.checks.parameters import Parameters
from maksud.data.checks.rows import Answers, Row
from maksud.data.checks.strategy import Strategy
from maksud.data.dataset import Dataset
from maksud.data.findings import Finding, Findings, counted
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog import Catalog, Parameter


class Labels:
    """Outputs one by one: the call language, and the declared catalog."""

    def __init__(self, limit: int | None) -> None:
        self._found = Findings(limit=limit)

    def see(self, row: Row) -> None:
        answer = row.answer
        if answer.problem is None and not answer.violations:
            return
        place = row.example.place
        if answer.problem is not None:
            code, message, fix = answer.problem
            why = "an answer that can't be parsed can't be learnt, evaluated or served"
            self._found.note(code, lambda: Finding("error", code, message, place, why, fix))
        for violation in answer.violations:
            self._found.note("E-LABEL", partial(_forbidden, violation, place))

    def tell(self, found: Findings) -> None:
        found.extend(self._found)


class Declared:
    """What the declared catalog has, and no example does."""

    def __init__(self, catalog: Catalog, strategy: Strategy, parameters: Parameters) -> None:
        self._catalog = catalog
        self._strategy = strategy
        self._parameters = parameters

    def tell(self, found: Findings) -> None:
        if not any(self._strategy.rows):
            return
        for intent in self._catalog.intents:
            if intent.name not in self._strategy.intents:
                found.append(
                    Finding(
                        "warning",
                        "W-UNUSED",
                        f"the catalog has {intent.name}, but no example does",
                        why="an intent without examples is never recognized by a joint model",
                        fix="label some, or remove it from the catalog",
                    )
                )
                continue
            for parameter in intent.parameters:
                if (intent.name, parameter.name) not in self._parameters.counts:
                    found.append(
                        Finding(
                            "info",
                            "I-UNUSED",
                            f"the catalog has {intent.name}: {parameter.name}, but no example does",
                            why="a parameter without examples is never filled by a joint model",
                            fix="label some, or remove it from the catalog",
                        )
                    )


class Schema:
    """What changed since a kept version: intents and parameters that are gone, new or other."""

    def __init__(
        self,
        before: Dataset,
        catalog: Catalog | None,
        strategy: Strategy,
        parameters: Parameters,
    ) -> None:
        self._before = before
        self._catalog = catalog
        self._strategy = strategy
        self._parameters = parameters

    def tell(self, found: Findings) -> None:
        old = _uses(self._before)
        new = {(intent, "") for intent in self._strategy.intents} | set(self._parameters.counts)
        new |= _declared(self._catalog)
        new.discard((OUT_OF_SCOPE, ""))
        # A kept version that declares its catalog says so for what it does not use, too.
        known = set(old) | _declared(self._before.declared_catalog)
        name = self._before.version or self._before.name or "the other version"
        gone = {(i, p) for i, p in known - new if not p or (i, "") in new}
        for intent, parameter in sorted(gone):
            what = f"{intent}: {parameter}" if parameter else intent
            uses = old[intent, parameter]
            found.append(
                Finding(
                    "error",
                    "E-SCHEMA",
                    f"{what} of {name} is gone; it was used by {counted(uses, 'row')}",
                    why="what was trained or served with the old labels no longer fits the new",
                    fix="bring it back, or keep the data under a new name",
                )
            )
        added = {(i, p) for i, p in new - known if not p or (i, "") in known}
        for intent, parameter in sorted(added):
            what = f"{intent}: {parameter}" if parameter else intent
            found.append(
                Finding(
                    "info",
                    "I-SCHEMA",
                    f"{what} is new since {name}",
                    why="a recognizer of the older version does not know it",
                    fix="train again",
                )
            )
        self._changed(found, name)

    def _changed(self, found: Findings, name: str) -> None:
        before = self._before.declared_catalog
        if before is None or self._catalog is None:
            return
        for intent in self._catalog.intents:
            was = before.get(intent.name)
            for parameter in intent.parameters if was else ():
                old = was.parameter(parameter.name) if was else None
                if old is not None and (what := _difference(old, parameter)):
                    found.append(
                        Finding(
                            "warning",
                            "W-SCHEMA",
                            f"{intent.name}: {parameter.name} {what} since {name}",
                            why="answers that were right may be wrong now",
                            fix="look at the examples that use it",
                        )
                    )


def _forbidden(violation: str, place: str) -> Finding:
    return Finding(
        "error",
        "E-LABEL",
        violation,
        place,
        why="what the catalog does not have can't be answered",
        fix="mend the output, or add it to the catalog",
    )


def _difference(old: Parameter, new: Parameter) -> str:
    if old.type != new.type:
        return f"was {old.type} and is {new.type}"
    if lost := [v for v in old.values if v not in new.values]:
        return f"lost the values {', '.join(lost[:5])}"
    if old.copied != new.copied:
        return "is copied" if new.copied else "is no longer copied"
    return "is required" if new.required and not old.required else ""


def _uses(data: Dataset) -> Counter[tuple[str, str]]:
    """Rows by intent, and by intent and parameter."""
    uses: Counter[tuple[str, str]] = Counter()
    read = Answers(data.declared_catalog)
    for example in data:
        answer = read(example.output)
        uses.update({(intent, "") for intent in answer.intents if intent != OUT_OF_SCOPE})
        uses.update({(intent, parameter) for intent, parameter, _ in answer.arguments})
    return uses


def _declared(catalog: Catalog | None) -> set[tuple[str, str]]:
    intents: Iterable[tuple[str, tuple[Parameter, ...]]] = (
        [(i.name, i.parameters) for i in catalog.intents] if catalog else []
    )
    return {(name, "") for name, _ in intents} | {
        (name, p.name) for name, parameters in intents for p in parameters
    }
