"""The figures of a dataset, beside what is wrong with it: what the page draws."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from maksud.data.checks.base import Checking
from maksud.data.checks.lengths import PROMPT_TOKENS, Lengths, next_power
from maksud.data.checks.parameters import DISTINCT, Parameters
from maksud.data.checks.rows import SPLIT_NAMES
from maksud.data.checks.strategy import Strategy
from maksud.data.checks.variety import Variety
from maksud.data.dataset import Dataset
from maksud.data.findings import format_count
from maksud.language.calls import OUT_OF_SCOPE


@dataclass(frozen=True, slots=True)
class IntentFigures:
    """An intent: rows by split, single-intent training ones, and how varied those are."""

    name: str
    splits: dict[str, int]
    alone: int
    multi: int
    patterns: int | None
    top_share: float | None

    @property
    def total(self) -> int:
        """Rows in all splits."""
        return sum(self.splits.values())


@dataclass(frozen=True, slots=True)
class ParameterFigures:
    """A parameter: its uses, as a share of the intent's rows too, and its different values."""

    intent: str
    name: str
    uses: int
    share: float
    copied: float
    """Share of the values that stand in the utterance."""
    values: int
    """Different values; `DISTINCT` stands for that many or more."""


@dataclass(frozen=True)
class Profile:
    """Figures of a dataset."""

    examples: int
    splits: dict[str, int]
    unlabelled: int
    multi: int
    """Multi-intent and multi-turn rows of train."""
    intents: tuple[IntentFigures, ...]
    parameters: tuple[ParameterFigures, ...]
    words: dict[int, int]
    """Rows by the number of words of the utterance."""
    longest_tokens: int
    tokens_exact: bool
    """Whether a tokenizer counted, or the length is estimated."""

    @property
    def seq_length(self) -> int:
        """The next power of two that holds the longest row."""
        return next_power(self.longest_tokens)

    @property
    def summary(self) -> str:
        """How much there is, and which length holds it, in one line."""
        about = "" if self.tokens_exact else "about "
        return (
            f"{format_count(self.examples, 'example')}, "
            f"{format_count(len(self.intents), 'intent')}; the longest row has "
            f"{about}{self.longest_tokens:,} tokens: seq_length {self.seq_length:,} holds it."
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {
            "examples": self.examples,
            "splits": self.splits,
            "unlabelled": self.unlabelled,
            "multi": self.multi,
            "tokens": {
                "longest": self.longest_tokens,
                "exact": self.tokens_exact,
                "prompt": PROMPT_TOKENS,
                "seq_length": self.seq_length,
            },
            "words": {str(n): count for n, count in self.words.items()},
            "intents": [
                {
                    "intent": i.name,
                    "splits": i.splits,
                    "single": i.alone,
                    "multi": i.multi,
                    "patterns": i.patterns,
                    "top_patterns_share": i.top_share,
                }
                for i in self.intents
            ],
            "parameters": [
                {
                    "intent": p.intent,
                    "parameter": p.name,
                    "uses": p.uses,
                    "share": p.share,
                    "copied": p.copied,
                    "values": p.values,
                    "values_counted_to": DISTINCT,
                }
                for p in self.parameters
            ],
        }


def profile_of(data: Dataset, checking: Checking) -> Profile:
    """The figures, of checks that have seen all rows and told."""
    strategy, parameters = checking.use(Strategy), checking.use(Parameters)
    variety, lengths = checking.use(Variety), checking.use(Lengths)
    phrasings = {p.intent: p for p in variety.phrasings}
    intents = []
    for name, count in strategy.intents.items():
        phrasing = phrasings.get(name)
        intents.append(
            IntentFigures(
                name,
                _by_split(count.splits),
                count.alone,
                count.multi,
                phrasing.patterns if phrasing else None,
                phrasing.top_share if phrasing else None,
            )
        )
    intents.sort(key=lambda i: (i.name == OUT_OF_SCOPE, -i.total, i.name))
    figures = []
    for (intent, parameter), used in parameters.counts.items():
        rows = strategy.intents[intent].total if intent in strategy.intents else used.uses
        figures.append(
            ParameterFigures(
                intent,
                parameters.shown(intent, parameter),
                used.uses,
                min(1.0, used.uses / max(1, rows)),
                used.copied / used.uses,
                len(used.values),
            )
        )
    figures.sort(key=lambda p: (p.intent, -p.uses, p.name))
    splits = Counter(example.split or "train" for example in data)
    known = {name: splits[name] for name in SPLIT_NAMES if splits[name]}
    other = splits.total() - sum(known.values())
    tokens = lengths.tokens
    return Profile(
        examples=len(data),
        splits={**known, **({"other": other} if other else {})},
        unlabelled=strategy.unlabelled,
        multi=strategy.multi,
        intents=tuple(intents),
        parameters=tuple(figures),
        words={n: count for n, count in enumerate(lengths.words) if count},
        longest_tokens=int(tokens.max()) if len(tokens) else 0,
        tokens_exact=lengths.exact,
    )


def _by_split(counts: list[int]) -> dict[str, int]:
    return {name: n for name, n in zip(SPLIT_NAMES, counts, strict=True) if n}
