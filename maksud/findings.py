"""A finding: one thing noticed about data, with its place, its reason and its mend.

Readers of formats and the checks speak in findings, so that everything about a dataset can be
told at once instead of stopping at the first problem.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["error", "warning", "info"]
_ORDER = {"error": 0, "warning": 1, "info": 2}

SHOWN_PER_CODE = 20
"""How many findings of one code a person is shown before a count stands for the rest."""


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


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then warnings, then infos; the codes of a level stay together."""
    return sorted(findings, key=lambda f: (_ORDER[f.level], f.code))


def shown(findings: Iterable[Finding], per_code: int = SHOWN_PER_CODE) -> list[Finding]:
    """The ordered findings, at most `per_code` of each code, then one line with the count."""
    found = ordered(findings)
    total = Counter((f.level, f.code) for f in found)
    seen: Counter[tuple[str, str]] = Counter()
    out = []
    for f in found:
        key = (f.level, f.code)
        seen[key] += 1
        if seen[key] <= per_code:
            out.append(f)
        elif seen[key] == per_code + 1:
            more = total[key] - per_code
            out.append(Finding(f.level, f.code, f"… and {more:,} more of this kind", fix=f.fix))
    return out


def excerpt(text: str, limit: int = 80) -> str:
    """Text for a message: at most `limit` characters, control characters escaped."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return json.dumps(cut, ensure_ascii=False) if not cut.isprintable() else f'"{cut}"'
