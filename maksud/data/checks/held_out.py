"""Rows that are held out to measure, choose and calibrate: so few that figures say nothing."""

from __future__ import annotations

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.rows import DEV, SPLIT_NAMES, TEST, TRAIN
from maksud.data.checks.strategy import Strategy
from maksud.data.findings import Finding, Findings, format_count

FEW = 25
"""Held-out rows under which a figure can be off by more than a tenth, even where all are right."""
SHARE = 0.1
"""Share of train that training holds out where there is no dev split."""
LEAST = 10
"""Rows of train from which it does."""


def doubt(rows: int, confidence: str = "") -> str:
    """What so few measured rows leave open: the errors that 95 of 100 such sets could hide, and
    what is said of `confidence`."""
    if not rows:
        return "nothing is held out: what is learnt is not measured"
    hidden = 1 - 0.05 ** (1 / rows)
    return (
        f"only {format_count(rows, 'row')} held out: were all of them right, {hidden:.0%} of the "
        "answers could still be wrong" + (f"; {confidence}" if confidence else "")
    )


class HeldOut(Part):
    """Looks at how many rows each split has."""

    @classmethod
    def of(cls, checking: Checking) -> HeldOut:
        return cls(checking.use(Strategy))

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy

    def tell(self, found: Findings) -> None:
        rows = self._strategy.rows
        if not rows[TRAIN]:
            return
        held = {SPLIT_NAMES[split]: rows[split] for split in (DEV, TEST) if rows[split]}
        if not rows[DEV]:
            held = {"dev": int(SHARE * rows[TRAIN]) if rows[TRAIN] >= LEAST else 0, **held}
        for name, count in held.items():
            if count >= FEW:
                continue
            rests = "confidence may rest on them alone" if name == "dev" else ""
            taken = " (training takes a tenth of train)" if name == "dev" and not rows[DEV] else ""
            found.append(
                Finding(
                    "warning",
                    "W-HELDOUT",
                    f"{name}{taken}: {doubt(count, rests)}",
                    why="figures, and the confidence that decides about answers, come from them",
                    fix=f"label more: {FEW} rows at least, better some hundred",
                )
            )


CHECK = Check("held_out", HeldOut)
