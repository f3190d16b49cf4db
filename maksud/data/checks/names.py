"""Names of intents and parameters: one thing under two spellings, two things under nearly one.

A spelling is folded by compatibility form (NFKC), case, separators and letters that only look
Latin; names that are the same then are one name. Names that differ by a letter are told too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass

from maksud.data.checks.base import Check, Checking, Mend, Part
from maksud.data.checks.parameters import Parameters
from maksud.data.checks.rows import LONGEST_NAME, is_positional
from maksud.data.checks.strategy import Strategy
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt, format_count
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog import Catalog

COMPARED = 2_000
"""Names that are compared pair by pair: the most frequent ones."""
TYPO_SHARE = 0.1
"""A name this much rarer than one that differs by a letter is probably a slip of it."""
SHORTEST = 5
"""Letters of a word in which one other letter is taken for a slip (`set` and `get` are not)."""

LOOKALIKES = str.maketrans(
    "АВСЕНІЈКМОРЅТХаеіјорѕсухһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧορν",
    "ABCEHIJKMOPSTXaeijopscyxhdqwABEZHIKMNOPTYXopv",
)
"""Cyrillic and Greek letters that are drawn as Latin ones are."""

_SEPARATORS = re.compile(r"[\s_\-./:]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Use:
    """How often a name occurs, and where first."""

    count: int
    first: Example


class Names(Part):
    """Looks at what `Strategy` and `Parameters` counted."""

    @classmethod
    def of(cls, checking: Checking) -> Names:
        return cls(checking.use(Strategy), checking.use(Parameters), checking.catalog)

    def __init__(self, strategy: Strategy, parameters: Parameters, catalog: Catalog | None) -> None:
        self._strategy = strategy
        self._parameters = parameters
        self._catalog = catalog

    def tell(self, found: Findings) -> None:
        intents = {
            name: Use(count.total, count.first)
            for name, count in self._strategy.intents.items()
            if name != OUT_OF_SCOPE
        }
        declared = set(self._catalog.names if self._catalog else ())
        self._tell_odd(found, intents)
        self._tell_spellings(found, intents, declared)
        _tell_slips(found, intents, "intents", declared)
        self._tell_parameters(found)

    def _tell_odd(self, found: Findings, intents: Mapping[str, Use]) -> None:
        for name, use in sorted(intents.items()):
            if len(name) > LONGEST_NAME:
                found.append(
                    Finding(
                        "error",
                        "E-LABEL",
                        f"the label {excerpt(name, 30)} has {len(name)} characters "
                        f"(max {LONGEST_NAME})",
                        use.first.place,
                        why="a name this long is free text in the place of an intent",
                        fix="give the intent a short name",
                    )
                )
            if "<" in name or "&" in name:
                found.append(
                    Finding(
                        "warning",
                        "W-MARKUP",
                        f'the label {excerpt(name, 40)} contains "{"<" if "<" in name else "&"}": '
                        "it is shown as text everywhere",
                        use.first.place,
                        why="markup in a name is the sign of a broken export",
                        fix="rename the intent",
                    )
                )

    def _tell_spellings(
        self, found: Findings, intents: Mapping[str, Use], declared: Set[str]
    ) -> None:
        for name, right in spellings({n: u.count for n, u in intents.items()}, declared).items():
            use = intents[name]
            found.append(
                Finding(
                    "warning",
                    "W-LABEL",
                    f"{excerpt(name, 40)} is {excerpt(right, 40)} in another spelling: "
                    f"{format_count(use.count, 'row')}",
                    use.first.place,
                    why="one intent under two names is learnt as two",
                    fix=f"write {right} everywhere"
                    + (
                        " (--fix does)"
                        if right in declared and fold_case(name) == fold_case(right)
                        else ""
                    ),
                )
            )

    def _tell_parameters(self, found: Findings) -> None:
        counts = self._parameters.counts
        uses: dict[str, Use] = {}
        by_intent: dict[str, dict[str, Use]] = {}
        for (intent, name), count in counts.items():
            if is_positional(name):
                continue
            before = uses.get(name)
            uses[name] = Use(count.uses + (before.count if before else 0), count.first)
            by_intent.setdefault(intent, {})[name] = Use(count.uses, count.first)
        for name, right in spellings({n: u.count for n, u in uses.items()}, ()).items():
            found.append(
                Finding(
                    "warning",
                    "W-NAMING",
                    f"the parameter {excerpt(name, 40)} is {excerpt(right, 40)} in another "
                    f"spelling: {format_count(uses[name].count, 'use')}",
                    uses[name].first.place,
                    why="one parameter under two names is learnt as two",
                    fix=f"write {right} everywhere",
                )
            )
        for intent, names in sorted(by_intent.items()):
            declared = self._catalog.get(intent) if self._catalog else None
            known = [p.name for p in declared.parameters] if declared else ()
            _tell_slips(found, names, f"parameters of {intent}", known)


def folded_name(name: str) -> str:
    """What two spellings of a name have in common."""
    plain = unicodedata.normalize("NFKC", name).translate(LOOKALIKES)
    return _SEPARATORS.sub("", plain).casefold()


def fold_case(name: str) -> str:
    """What two names have in common that differ by letter case or width alone."""
    return unicodedata.normalize("NFKC", name).casefold()


def spellings(counts: Mapping[str, int], declared: Iterable[str]) -> dict[str, str]:
    """Each name that is another spelling, with the right one: the declared, else the commonest."""
    declared = set(declared)
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(folded_name(name), []).append(name)
    for name in declared:
        groups.setdefault(folded_name(name), [])
    known: dict[str, list[str]] = {}
    for name in declared:
        known.setdefault(folded_name(name), []).append(name)
    out = {}
    for key, names in groups.items():
        allowed = known.get(key, [])
        if len(allowed) > 1:
            continue  # the catalog tells them apart on purpose
        ranked = sorted(names, key=lambda n: (-counts[n], n))
        right = allowed[0] if allowed else ranked[0] if ranked else ""
        out.update({name: right for name in names if name != right})
    return dict(sorted(out.items()))


def slips(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Pairs (rarer, more frequent) of names that differ by one letter of one word."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cdist

    names = sorted(counts, key=lambda n: (-counts[n], n))[:COMPARED]
    words = [_words(name) for name in names]
    if len(names) < 2:
        return []
    near = cdist(names, names, scorer=OSA.distance, score_cutoff=1)
    out = []
    for k in range(len(names)):
        for j in range(k):
            if near[k][j] == 1 and _is_slip(words[k], words[j]):
                out.append((names[k], names[j]))
    return out


def _words(name: str) -> list[str]:
    return [w.casefold() for part in _SEPARATORS.split(name) for w in _CAMEL.split(part) if w]


def _is_slip(left: list[str], right: list[str]) -> bool:
    """One word differs; it is long enough, and is neither a number nor a plural."""
    differ = [(a, b) for a, b in zip(left, right, strict=False) if a != b]
    if len(left) != len(right) or len(differ) != 1:
        return False
    a, b = differ[0]
    return min(len(a), len(b)) >= SHORTEST and not any(c.isdigit() for c in a + b)


def _tell_slips(
    found: Findings, uses: Mapping[str, Use], what: str, declared: Iterable[str]
) -> None:
    known = set(declared)
    for rare, common in slips({name: use.count for name, use in uses.items()}):
        if rare in known and common in known:
            continue
        slip = uses[rare].count <= TYPO_SHARE * uses[common].count
        found.append(
            Finding(
                "warning" if slip else "info",
                "W-NAMES" if slip else "I-NAMES",
                f"the {what} {excerpt(rare, 40)} ({format_count(uses[rare].count, 'use')}) and "
                f"{excerpt(common, 40)} ({uses[common].count:,}) differ by a letter",
                uses[rare].first.place,
                why="a slip makes two names of one; names alike are mixed up by people and models",
                fix="mend the slip, or choose names that differ by more",
            )
        )


def spelling_by(catalog: Catalog | None) -> Callable[[str], str]:
    """How an intent's name is written: as the catalog declares it, where case and width differ."""
    declared = {fold_case(name): name for name in catalog.names} if catalog else {}
    if catalog is None or len(declared) < len(catalog):  # names that differ by case on purpose
        return str
    return lambda name: name if name in catalog else declared.get(fold_case(name), name)


CHECK = Check("names", Names, Mend(("spelling of an intent",), spell=spelling_by))
