"""What changed since a kept version: intents and parameters that are gone, new or other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.parameters import Parameters
from maksud.data.checks.rows import Answers
from maksud.data.checks.strategy import Strategy
from maksud.data.dataset import Dataset
from maksud.data.findings import Finding, Findings, format_count
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog import Catalog, Parameter


class Schema(Part):
    """What changed since a kept version: intents and parameters that are gone, new or other."""

    @classmethod
    def of(cls, checking: Checking) -> Schema:
        return cls(
            checking.against, checking.catalog, checking.use(Strategy), checking.use(Parameters)
        )

    def __init__(
        self,
        before: Dataset | None,
        catalog: Catalog | None,
        strategy: Strategy,
        parameters: Parameters,
    ) -> None:
        self._before = before
        self._catalog = catalog
        self._strategy = strategy
        self._parameters = parameters

    def tell(self, found: Findings) -> None:
        before = self._before
        if before is None:
            return
        old = _uses(before)
        new = {(intent, "") for intent in self._strategy.intents} | set(self._parameters.counts)
        new |= _declared(self._catalog)
        new.discard((OUT_OF_SCOPE, ""))
        # A kept version that declares its catalog says so for what it does not use, too.
        known = set(old) | _declared(before.declared_catalog)
        name = before.version or before.name or "the other version"
        gone = {(i, p) for i, p in known - new if not p or (i, "") in new}
        for intent, parameter in sorted(gone):
            what = f"{intent}: {parameter}" if parameter else intent
            uses = old[intent, parameter]
            found.append(
                Finding(
                    "error",
                    "E-SCHEMA",
                    f"{what} of {name} is gone; it was used by {format_count(uses, 'row')}",
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
        self._changed(found, name, before.declared_catalog)

    def _changed(self, found: Findings, name: str, before: Catalog | None) -> None:
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


CHECK = Check("schema", Schema)
