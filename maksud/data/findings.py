"""A finding: one thing noticed about data, with its place, its reason and its mend.

Readers of formats and the checks speak in findings, so that everything about a dataset can be
told at once instead of stopping at the first problem. `Findings` keeps the first of each code and
counts the rest: a million rows with the same fault cost no more memory than twenty.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, overload

Level = Literal["error", "warning", "info"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info")
_ORDER = {level: k for k, level in enumerate(LEVELS)}

SHOWN_PER_CODE = 20
"""How many findings of one code are kept before a count stands for the rest."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`level` error: the data can't be used as it is; warning: it will hurt; info: to know.

    `place` is `file:line` where there is one, `why` says why it matters, `fix` what to do.
    """

    level: Level
    code: str
    message: str
    place: str = ""
    why: str = ""
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.place} " if self.place else ""
        fix = f" - {self.fix}" if self.fix else ""
        return f"{self.level.upper()} {self.code} {place}{self.message}{fix}"

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return {
            "level": self.level,
            "code": self.code,
            "place": self.place,
            "message": self.message,
            "why": self.why,
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one code: the kept ones, and how many there are in all."""

    level: Level
    code: str
    kept: tuple[Finding, ...]
    total: int


class Numbers(Protocol):
    """Row numbers: a list, or a column."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


class Findings(Sequence[Finding]):
    """Findings, errors first: at most `limit` of a code are kept (None: all), all are counted.

    As a sequence it holds the kept ones; `counts` and `codes` count all.
    """

    def __init__(
        self, found: Iterable[Finding] = (), *, limit: int | None = SHOWN_PER_CODE
    ) -> None:
        self.limit = limit
        self._kept: dict[str, list[Finding]] = {}
        self._total: Counter[str] = Counter()
        self.extend(found)

    # ------------------------------------------------------------ collecting

    def append(self, finding: Finding) -> None:
        """Counts a finding, and keeps it if there is room for its code."""
        kept = self._kept.setdefault(finding.code, [])
        self._total[finding.code] += 1
        if self.limit is None or len(kept) < self.limit:
            kept.append(finding)

    def extend(self, found: Iterable[Finding]) -> None:
        """Appends several; of other `Findings`, also what they only counted."""
        for finding in found:
            self.append(finding)
        if isinstance(found, Findings):
            for code, kept in found._kept.items():
                self._total[code] += found._total[code] - len(kept)

    def wants(self, code: str) -> bool:
        """Whether the next finding of this code would be kept, so that it is worth making."""
        return self.limit is None or len(self._kept.get(code, ())) < self.limit

    def note(self, code: str, make: Callable[[], Finding]) -> None:
        """Appends the finding that `make` makes, or only counts it where there is no room."""
        if self.wants(code):
            self.append(make())
        else:
            self._total[code] += 1

    def more(self, code: str, count: int = 1) -> None:
        """Counts findings without making them. One of the code must have been appended."""
        if code not in self._kept:
            raise ValueError(f"nothing of {code} was appended yet")
        self._total[code] += count

    def each(self, code: str, rows: Numbers) -> Iterator[int]:
        """The rows that are worth a finding of this code each; the others are counted."""
        for told in range(len(rows)):
            if not self.wants(code):
                self.more(code, len(rows) - told)
                return
            yield int(rows[told])

    # ------------------------------------------------------------ telling

    @property
    def groups(self) -> list[Group]:
        """The findings by code: errors first, then warnings, then infos."""
        made = [
            Group(kept[0].level, code, tuple(kept), self._total[code])
            for code, kept in self._kept.items()
            if kept
        ]
        return sorted(made, key=lambda g: (_ORDER[g.level], g.code))

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each level."""
        out: dict[str, int] = dict.fromkeys(LEVELS, 0)
        for group in self.groups:
            out[group.level] += group.total
        return out

    @property
    def codes(self) -> dict[str, int]:
        """How many there are of each code."""
        return {group.code: group.total for group in self.groups}

    def shown(self, per_code: int = SHOWN_PER_CODE) -> list[Finding]:
        """At most `per_code` of each code, then one line that counts the others."""
        out: list[Finding] = []
        for group in self.groups:
            some = group.kept[:per_code]
            out += some
            if left := group.total - len(some):
                message = f"… and {left:,} more of this kind"
                out.append(Finding(group.level, group.code, message, fix=group.kept[0].fix))
        return out

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping: counts by level and by code, and the kept findings."""
        return {
            "counts": self.counts,
            "codes": self.codes,
            "findings": [finding.to_json() for finding in self],
        }

    # ------------------------------------------------------------ as a sequence

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> list[Finding]: ...
    def __getitem__(self, index: int | slice) -> Finding | list[Finding]:
        return list(self)[index]

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def __iter__(self) -> Iterator[Finding]:
        return (finding for group in self.groups for finding in group.kept)

    def __repr__(self) -> str:
        return f"Findings({', '.join(f'{code} {n:,}' for code, n in self.codes.items())})"


def format_count(count: int, what: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def excerpt(text: str, limit: int = 80) -> str:
    """Text for a message: at most `limit` characters, control characters escaped."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return (
        escape_unprintable(json.dumps(cut, ensure_ascii=False)) if not _is_seen(cut) else f'"{cut}"'
    )


def escape_unprintable(text: str) -> str:
    """Text with everything that does not print written out as `\\uXXXX`; spaces stay."""
    if _is_seen(text):
        return text
    return "".join(c if _is_seen(c) else json.dumps(c)[1:-1] for c in text)


def _is_seen(text: str) -> bool:
    """Whether all of it shows. Python has marks that choose a form of a letter for printable."""
    return text.isprintable() and not any("\U000e0100" <= c <= "\U000e01ef" for c in text)
