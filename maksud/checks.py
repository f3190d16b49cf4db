"""What is wrong with a dataset: findings, before a minute of training is spent on it.

The first group is the guide's strategy for data: 50 to 100 examples for each intent, balanced;
conversations and multi-intent utterances above 20 % of the single-intent ones, with every
intent already seen alone. The second is what makes training or evaluation lie: answers that do
not parse or break the catalog, contradictions, duplicates, leakage between splits, values that
are not in the utterance. Thresholds stand here, on top.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from maksud.calls import NONE, OUT_OF_SCOPE, Call, parse_calls
from maksud.catalog import Catalog
from maksud.dataset import Dataset, Example, near_groups, normalised
from maksud.errors import CallSyntaxError
from maksud.findings import Finding, excerpt, ordered
from maksud.formats.files import read

FEW = 50
"""Examples of an intent, alone, under which it is learnt badly (the guide's lower figure)."""
ENOUGH = 100
"""The guide's upper figure: fewer are worth a word."""
IMBALANCE = 3.0
"""The largest intent may have this many times the examples of the median one."""
MULTI_SHARE = 0.20
"""Multi-intent and multi-turn examples, as a share of single-intent ones, should exceed this."""
ENOUGH_OUT_OF_SCOPE = 0.02
"""Out-of-scope examples, as a share of all, under which rejecting is learnt badly."""

Parsed = tuple[Example, tuple[Call, ...]]


def check(data: Dataset | str | Path, *, catalog: Catalog | None = None) -> list[Finding]:
    """Findings about a dataset, errors first.

    `data`: a dataset, or a path as `formats.files.read` takes it (the findings of reading it are
    then included). `catalog`: to check against, instead of the dataset's declared one.
    Raises `DataError` only where nothing can be read at all.
    """
    found: list[Finding] = []
    if not isinstance(data, Dataset):
        data, found, _ = read(data)
    declared = catalog or data.declared_catalog
    parsed: list[Parsed] = []
    for example in data:
        try:
            parsed.append((example, parse_calls(example.output)))
        except CallSyntaxError as error:
            found.append(
                Finding(
                    "error",
                    "E-CALL",
                    f"output {excerpt(example.output, 60)}: {error.message}",
                    example.place,
                    why="an answer that can't be parsed can't be learnt, evaluated or served",
                    fix=error.hint or "write intent(parameter=value), or none()",
                )
            )
    train = [p for p in parsed if p[0].split in ("train", "")]
    found += _amount(train)
    found += _multi(train)
    found += _contradictions(parsed)
    found += _leakage(parsed)
    found += _catalog(parsed, declared)
    found += _values(parsed, declared or data.catalog)
    return ordered(found)


def _amount(train: Sequence[Parsed]) -> Iterator[Finding]:
    """Amount and balance of single-intent examples."""
    if not train:
        return
    alone = Counter(c[0].intent for e, c in train if len(c) == 1 and not e.is_multi_turn)
    out_of_scope = alone.pop(OUT_OF_SCOPE, 0)
    everywhere = {call.intent for _, calls in train for call in calls} - {OUT_OF_SCOPE}
    if len(everywhere) < 2 and not out_of_scope:
        yield Finding(
            "warning",
            "W-ONECLASS",
            f"all examples have the intent {next(iter(everywhere), OUT_OF_SCOPE)!r}",
            why="a recognizer with one answer always gives it",
            fix="add other intents, and none() examples",
        )
    for intent in sorted(everywhere):
        n = alone[intent]
        if n < FEW:
            yield Finding(
                "warning",
                "W-FEW",
                f"{intent}: {n} single-intent examples",
                why=f"the guide asks for {FEW} to {ENOUGH} of each intent",
                fix=f"label at least {FEW - n} more",
            )
        elif n < ENOUGH:
            yield Finding(
                "info",
                "I-FEW",
                f"{intent}: {n} single-intent examples",
                why=f"{ENOUGH} of each intent are better, where quality falls short",
                fix=f"label {ENOUGH - n} more if evaluation shows a weakness",
            )
    if alone:
        ranked = alone.most_common()
        median = ranked[len(ranked) // 2][1]
        top, n = ranked[0]
        if n > IMBALANCE * median:
            yield Finding(
                "warning",
                "W-IMBALANCE",
                f"{top} has {n:,} examples, the median intent {median:,}",
                why="a model leans to what it saw most; the guide asks for balance",
                fix="label more of the small intents, or take a balanced sample",
            )
    if out_of_scope < ENOUGH_OUT_OF_SCOPE * len(train):
        yield Finding(
            "warning" if out_of_scope else "info",
            "W-NONE" if out_of_scope else "I-NONE",
            f"{out_of_scope} out-of-scope examples of {len(train):,}",
            why="without none() a recognizer has never seen what to refuse",
            fix='add utterances that no intent can serve, with the output "none()"',
        )


def _multi(train: Sequence[Parsed]) -> Iterator[Finding]:
    """Share and coverage of multi-intent and multi-turn examples."""
    multi = [(e, c) for e, c in train if len(c) > 1 or e.is_multi_turn]
    single = len(train) - len(multi)
    alone = {c[0].intent for e, c in train if len(c) == 1 and not e.is_multi_turn}
    if not train:
        return
    if len(multi) <= MULTI_SHARE * single:
        share = 100 * len(multi) / max(1, single)
        yield Finding(
            "warning" if multi else "info",
            "W-MULTI" if multi else "I-MULTI",
            f"{len(multi):,} multi-intent and multi-turn examples: {share:.0f} % of {single:,}",
            why=f"where people combine wishes, the guide asks for over {MULTI_SHARE:.0%}",
            fix="add such examples, or ignore this if your users never do",
        )
    unseen: dict[str, Example] = {}
    for e, calls in multi:
        for call in calls:
            if call.intent not in alone and call != NONE:
                unseen.setdefault(call.intent, e)
    for intent, e in sorted(unseen.items()):
        yield Finding(
            "warning",
            "W-UNSEEN",
            f"{intent} occurs only in multi-intent or multi-turn examples",
            e.place,
            why="every intent should be learnt alone first",
            fix=f"add single-intent examples of {intent}",
        )


def _contradictions(parsed: Sequence[Parsed]) -> Iterator[Finding]:
    """Same utterance with other answers; the same row again."""
    first: dict[tuple[str, str], Parsed] = {}
    for e, calls in parsed:
        key = (e.split, normalised(e.instruction))
        other, answer = first.setdefault(key, (e, calls))
        if other is e:
            continue
        if answer != calls:
            yield Finding(
                "warning",
                "W-CONFLICT",
                f"{excerpt(e.instruction, 50)} is {e.output}, but {other.output} at {other.place}",
                e.place,
                why="the same words can't have two answers: one of them teaches an error",
                fix="decide which is right",
            )
        else:
            yield Finding(
                "info",
                "I-DUP",
                f"{excerpt(e.instruction, 50)} stands at {other.place} already",
                e.place,
                why="repeated rows weigh more in training and flatter evaluation",
                fix="keep one",
            )


def _leakage(parsed: Sequence[Parsed]) -> Iterator[Finding]:
    """Utterances of dev and test that are in train, or nearly."""
    if not any(e.split in ("dev", "test") for e, _ in parsed):
        return
    groups = near_groups([e.instruction for e, _ in parsed])
    trained: dict[int, list[Example]] = defaultdict(list)
    exact: dict[str, Example] = {}
    for (e, _), group in zip(parsed, groups, strict=True):
        if e.split == "train":
            trained[group].append(e)
            exact.setdefault(normalised(e.instruction), e)
    for (e, _), group in zip(parsed, groups, strict=True):
        if e.split not in ("dev", "test"):
            continue
        if (same := exact.get(normalised(e.instruction))) is not None:
            yield Finding(
                "warning",
                "W-LEAK",
                f"{excerpt(e.instruction, 50)} of {e.split} is also in train at {same.place}",
                e.place,
                why="a model is right about what it has memorised: the figures flatter",
                fix=f"remove it from {e.split} or from train",
            )
        elif group in trained:
            near = trained[group][0]
            yield Finding(
                "info",
                "I-LEAK",
                f"{excerpt(e.instruction, 50)} of {e.split} differs by a word from {near.place}",
                e.place,
                why="near-copies in train make the figures flatter",
                fix="split again with near-identical utterances on one side",
            )


def _catalog(parsed: Sequence[Parsed], declared: Catalog | None) -> Iterator[Finding]:
    """Answers that the declared catalog forbids."""
    if declared is None:
        return
    used: set[str] = set()
    for e, calls in parsed:
        used.update(c.intent for c in calls)
        for violation in declared.violations(calls):
            yield Finding(
                "error",
                "E-LABEL",
                violation,
                e.place,
                why="what the catalog does not have can't be answered",
                fix="mend the output, or add it to the catalog",
            )
    for name in declared.names:
        if parsed and name not in used:
            yield Finding(
                "warning",
                "W-UNUSED",
                f"the catalog has {name}, but no example does",
                why="an intent without examples is never recognized by a joint model",
                fix="label some, or remove it from the catalog",
            )


def _values(parsed: Sequence[Parsed], catalog: Catalog) -> Iterator[Finding]:
    """Values that should be copied from the utterance, and are not in it."""
    for e, calls in parsed:
        for call in catalog.named(calls):
            intent = catalog.get(call.intent)
            for a in call.arguments:
                p = intent.parameter(a.name) if intent and a.name else None
                if p and p.copied and p.type != "enumeration" and a.value not in e.instruction:
                    folded = a.value.casefold() in e.instruction.casefold()
                    yield Finding(
                        "warning",
                        "W-VALUE",
                        f"{call.intent}: {a.name}={excerpt(a.value, 40)} is not in the utterance"
                        + (" (it is, in other letter case)" if folded else ""),
                        e.place,
                        why="values are copied from what was said; this one can't be",
                        fix="write it as said, or declare the parameter with copied: false",
                    )
