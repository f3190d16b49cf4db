"""What the declared catalog has, and no example does."""

from __future__ import annotations

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.parameters import Parameters
from maksud.data.checks.strategy import Strategy
from maksud.data.findings import Finding, Findings
from maksud.language.catalog import Catalog


class Declared(Part):
    """What the declared catalog has, and no example does."""

    @classmethod
    def of(cls, checking: Checking) -> Declared:
        return cls(checking.catalog, checking.use(Strategy), checking.use(Parameters))

    def __init__(self, catalog: Catalog | None, strategy: Strategy, parameters: Parameters) -> None:
        self._catalog = catalog
        self._strategy = strategy
        self._parameters = parameters

    def tell(self, found: Findings) -> None:
        if self._catalog is None or not any(self._strategy.rows):
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


CHECK = Check("declared", Declared)
