"""Fields beside an example that have a meaning: when it was made, how much it weighs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.rows import Row
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, excerpt

TIME_FIELDS = ("time", "created_at", "timestamp")
WEIGHT_FIELD = "weight"
MAX_WEIGHT = 1e6
LATE = timedelta(days=1)
"""How far in the future a time may lie: clocks and time zones differ."""


class Metadata(Part):
    """Looks at times and weights."""

    @classmethod
    def of(cls, checking: Checking) -> Metadata:
        return cls(checking.limit)

    def __init__(self, limit: int | None, now: datetime | None = None) -> None:
        self._found = Findings(limit=limit)
        self._latest = (now or datetime.now(UTC)) + LATE

    def see(self, row: Row) -> None:
        metadata = row.example.metadata
        if not metadata:
            return
        for name in TIME_FIELDS:
            if name in metadata and (what := self._time_fault(metadata[name])):
                self._found.note("W-TIME", partial(_time, row.example, name, what))
        if WEIGHT_FIELD in metadata and (what := weight_fault(metadata[WEIGHT_FIELD])):
            self._found.note("E-WEIGHT", partial(_weight, row.example, what))

    def tell(self, found: Findings) -> None:
        found.extend(self._found)

    def _time_fault(self, value: Any) -> str:
        moment = moment_of(value)
        if moment is None:
            return "not a time"
        return "in the future" if moment > self._latest else ""


def _time(example: Example, name: str, what: str) -> Finding:
    return Finding(
        "warning",
        "W-TIME",
        f'"{name}" is {excerpt(str(example.metadata[name]), 40)}: {what}',
        example.place,
        why="what is ordered or filtered by time comes out wrong",
        fix="write ISO 8601 (2024-05-31T08:00:00+07:00) or seconds since 1970",
    )


def _weight(example: Example, what: str) -> Finding:
    return Finding(
        "error",
        "E-WEIGHT",
        f'"{WEIGHT_FIELD}" is {excerpt(str(example.metadata[WEIGHT_FIELD]), 40)}: {what}',
        example.place,
        why="a weight that is no positive number can't be used",
        fix="write a number above 0, or leave it out",
    )


def moment_of(value: Any) -> datetime | None:
    """The moment that a value names: ISO 8601, or seconds or milliseconds since 1970."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str):
            text = value.strip()
            if not text.replace(".", "", 1).isdigit():
                moment = datetime.fromisoformat(text)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            value = float(text)
        if isinstance(value, int | float) and value >= 0:
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def weight_fault(value: Any) -> str:
    """What is wrong with a weight; empty: nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "not a number"
    if not value > 0:
        return "must be above 0"
    return f"more than {MAX_WEIGHT:,.0f}" if value > MAX_WEIGHT else ""


CHECK = Check("metadata", Metadata)
