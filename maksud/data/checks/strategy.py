"""The guide's strategy for data: how much of each intent, balanced, and combined wishes.

50 to 100 single-intent examples of each intent, balanced; multi-intent and multi-turn ones above
20 % of those, of intents that were each seen alone first. Beside it what else starves a
recognizer: labels with a handful of rows, one label only, nothing to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from maksud.data.checks.base import Check, Part
from maksud.data.checks.rows import DEV, OTHER, SPLIT_NAMES, TEST, TRAIN, Row
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, format_count
from maksud.language.calls import OUT_OF_SCOPE

FEW = 50
"""Examples of an intent, alone, under which it is learnt badly (the guide's lower figure)."""
ENOUGH = 100
"""The guide's upper figure: fewer are worth a word."""
RARE = 5
"""Examples of an intent, in all, under which it can neither be learnt nor measured."""
IMBALANCE = 3.0
"""The largest intent may have this many times the examples of the median one."""
EXTREME_IMBALANCE = 100.0
"""The largest intent may have this many times the examples of the smallest one."""
MULTI_SHARE = 0.20
"""Multi-intent and multi-turn examples, as a share of single-intent ones, should exceed this."""
MULTI_COVERAGE = 0.5
"""Share of the intents that should occur in some multi-intent or multi-turn example."""
ENOUGH_OUT_OF_SCOPE = 0.02
"""Out-of-scope examples, as a share of all, under which rejecting is learnt badly."""
MAX_INTENTS = 10_000
"""Different intents that are counted; more are no catalog, but a wrong column."""


@dataclass(slots=True)
class IntentCount:
    """How often an intent occurs. `alone`: single-intent, one turn, in train."""

    first: Example
    alone: int = 0
    multi: int = 0
    splits: list[int] = field(default_factory=lambda: [0, 0, 0, 0])

    @property
    def total(self) -> int:
        """Rows with the intent, in all splits (a row counts once for each of its calls)."""
        return sum(self.splits)


class Strategy(Part):
    """Counts intents over the rows."""

    def __init__(self) -> None:
        self.intents: dict[str, IntentCount] = {}
        self.rows = [0, 0, 0, 0]
        """Labelled rows of each split."""
        self.multi = 0
        self.unlabelled = 0
        self.beyond = 0
        """Calls of intents after the first `MAX_INTENTS`."""

    def see(self, row: Row) -> None:
        answer = row.answer
        split = row.split
        if not answer.intents:
            if answer.problem is None:
                self.unlabelled += 1
            return
        self.rows[split] += 1
        learnt = split == TRAIN
        if learnt and row.is_multi:
            self.multi += 1
        for intent in answer.intents:
            count = self.intents.get(intent)
            if count is None:
                if len(self.intents) >= MAX_INTENTS:
                    self.beyond += 1
                    continue
                count = self.intents[intent] = IntentCount(row.example)
            count.splits[split] += 1
            if learnt:
                if count.splits[TRAIN] == 1:
                    count.first = row.example
                if row.is_multi:
                    count.multi += 1
                else:
                    count.alone += 1

    def tell(self, found: Findings) -> None:
        if self.unlabelled:
            found.append(
                Finding(
                    "info",
                    "I-UNLABELLED",
                    f"{format_count(self.unlabelled, 'example')} without an answer yet",
                    why="they are read, checked as text, and left out of training",
                    fix='label them; what no intent can serve is "none()"',
                )
            )
        if self.beyond:
            found.append(
                Finding(
                    "warning",
                    "W-INTENTS",
                    f"more than {MAX_INTENTS:,} different intents; {self.beyond:,} further calls "
                    "are not counted",
                    why="so many intents are a sign of free text in the place of the answer",
                    fix="look whether the right field was read as the output",
                )
            )
        train = self.rows[TRAIN]
        if not train:
            return
        seen = {i: c for i, c in self.intents.items() if c.splits[TRAIN] and i != OUT_OF_SCOPE}
        self._one_class(found, seen)
        self._amounts(found, seen)
        self._rare(found, seen)
        self._balance(found, seen)
        self._out_of_scope(found, train)
        self._multi(found, seen, train)

    def _one_class(self, found: Findings, seen: dict[str, IntentCount]) -> None:
        nothing = self.intents.get(OUT_OF_SCOPE)
        if len(seen) >= 2 or (seen and nothing is not None):
            return
        found.append(
            Finding(
                "error",
                "E-ONECLASS",
                f"all examples have the intent {next(iter(seen), OUT_OF_SCOPE)!r}",
                why="a recognizer with one answer always gives it",
                fix="add other intents, and none() examples",
            )
        )

    def _amounts(self, found: Findings, seen: dict[str, IntentCount]) -> None:
        for intent in sorted(seen):
            n = seen[intent].alone
            if n < FEW:
                found.append(
                    Finding(
                        "warning",
                        "W-FEW",
                        f"{intent}: {format_count(n, 'single-intent example')}, {FEW - n} too few",
                        why=f"the guide asks for {FEW} to {ENOUGH} of each intent",
                        fix=f"label more, until there are {FEW}",
                    )
                )
            elif n < ENOUGH:
                found.append(
                    Finding(
                        "info",
                        "I-FEW",
                        f"{intent}: {format_count(n, 'single-intent example')}",
                        why=f"{ENOUGH} of each intent are better, where quality falls short",
                        fix="label more of those in which evaluation shows a weakness",
                    )
                )

    def _rare(self, found: Findings, seen: dict[str, IntentCount]) -> None:
        for intent, count in sorted(self.intents.items()):
            if intent in seen and count.total < RARE:
                found.append(
                    Finding(
                        "warning",
                        "W-RARE",
                        f"{intent} has {format_count(count.total, 'row')} in all",
                        count.first.place,
                        why=f"fewer than {RARE} rows can neither be learnt nor measured",
                        fix="label more, or join it with a neighbour",
                    )
                )
                continue
            missing = [SPLIT_NAMES[s] for s in (DEV, TEST) if self.rows[s] and not count.splits[s]]
            if intent in seen and missing:
                found.append(
                    Finding(
                        "warning",
                        "W-RARE",
                        f"{intent} has no row in {' and '.join(missing)}",
                        why="what is not in an evaluation set is not measured",
                        fix="split again (`maksud convert --split` keeps shares), or add some",
                    )
                )
            elif intent != OUT_OF_SCOPE and intent not in seen and not count.splits[OTHER]:
                found.append(
                    Finding(
                        "warning",
                        "W-UNTAUGHT",
                        f"{intent} has no row in train",
                        count.first.place,
                        why="an intent that was never seen is never answered",
                        fix="add some to train, or leave it out of the other splits",
                    )
                )

    def _balance(self, found: Findings, seen: dict[str, IntentCount]) -> None:
        alone = {intent: count.alone for intent, count in seen.items() if count.alone}
        if len(alone) < 2:
            return
        why = "a model leans to what it saw most; the guide asks for balance"
        fix = "label more of the small intents, or train on a balanced sample (--per-intent)"
        top = max(alone, key=lambda i: (alone[i], i))
        least = min(alone, key=lambda i: (alone[i], i))
        middle = median(alone.values())
        if alone[top] > IMBALANCE * middle:
            what = f"{top} has {alone[top]:,} examples, the median intent {middle:,.0f}"
            found.append(Finding("warning", "W-IMBALANCE", what, why=why, fix=fix))
        if alone[top] > EXTREME_IMBALANCE * alone[least]:
            what = f"{top} has {alone[top]:,} examples, {least} has {alone[least]:,}"
            found.append(Finding("warning", "W-IMBALANCE", what, why=why, fix=fix))

    def _out_of_scope(self, found: Findings, train: int) -> None:
        nothing = self.intents.get(OUT_OF_SCOPE)
        refused = nothing.splits[TRAIN] if nothing else 0
        if refused < ENOUGH_OUT_OF_SCOPE * train:
            found.append(
                Finding(
                    "warning" if refused else "info",
                    "W-NONE" if refused else "I-NONE",
                    f"{refused:,} out-of-scope examples of {train:,}",
                    why="without none() a recognizer has never seen what to refuse",
                    fix='add utterances that no intent can serve, with the output "none()"',
                )
            )

    def _multi(self, found: Findings, seen: dict[str, IntentCount], train: int) -> None:
        single = train - self.multi
        share = self.multi / max(1, single)
        if self.multi <= MULTI_SHARE * single:
            found.append(
                Finding(
                    "warning" if self.multi else "info",
                    "W-MULTI" if self.multi else "I-MULTI",
                    f"{self.multi:,} multi-intent and multi-turn examples: "
                    f"{100 * share:.0f} % of {single:,}",
                    why=f"where people combine wishes, the guide asks for over {MULTI_SHARE:.0%}",
                    fix="add such examples, or ignore this if your users never do",
                )
            )
        combined = [intent for intent, count in seen.items() if count.multi]
        if combined and len(combined) < MULTI_COVERAGE * len(seen):
            found.append(
                Finding(
                    "info",
                    "I-COVERAGE",
                    f"multi-intent and multi-turn examples use {len(combined)} of "
                    f"{len(seen)} intents",
                    why="combinations are learnt for the intents that are combined",
                    fix="combine the other intents too, where people would",
                )
            )
        for intent, count in sorted(seen.items()):
            if count.multi and not count.alone:
                found.append(
                    Finding(
                        "warning",
                        "W-UNSEEN",
                        f"{intent} occurs only in multi-intent or multi-turn examples",
                        count.first.place,
                        why="every intent should be learnt alone first",
                        fix=f"add single-intent examples of {intent}",
                    )
                )


CHECK = Check("strategy", Strategy)
