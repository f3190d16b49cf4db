"""Answers that can't be parsed, or that the declared catalog forbids."""

from __future__ import annotations

from functools import partial

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.rows import Row
from maksud.data.findings import Finding, Findings


class Labels(Part):
    """Outputs one by one: the call language, and the declared catalog."""

    @classmethod
    def of(cls, checking: Checking) -> Labels:
        return cls(checking.limit)

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


def _forbidden(violation: str, place: str) -> Finding:
    return Finding(
        "error",
        "E-LABEL",
        violation,
        place,
        why="what the catalog does not have can't be answered",
        fix="mend the output, or add it to the catalog",
    )


CHECK = Check("labels", Labels)
