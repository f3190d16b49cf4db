"""Several answers to one item: the majority is taken, the latest where there is none.

Answers are compared as calls: order of arguments and spacing do not count. What was not taken is
told with both answers and kept in the example's metadata, never lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maksud.data.findings import excerpt
from maksud.data.formats.parts.reading import Reading
from maksud.errors import CallSyntaxError
from maksud.language.calls import parse_calls


@dataclass(frozen=True, slots=True)
class Vote:
    """One answer to an item. `when` orders the votes in time; `by` says whose it is."""

    output: str
    when: tuple[int, int, int] = (0, 0, 0)
    by: str = ""
    stage: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping, for metadata."""
        about = {"output": self.output, "by": self.by, "stage": self.stage}
        return {k: v for k, v in about.items() if v}


def winner(
    votes: Sequence[Vote], reading: Reading, place: str, instruction: str
) -> tuple[Vote, bool]:
    """The vote that is taken, and whether all agree. Tells a disagreement."""
    groups: dict[object, list[Vote]] = {}
    for v in votes:
        groups.setdefault(answer_key(v.output), []).append(v)
    latest = {key: max(vs, key=lambda v: v.when) for key, vs in groups.items()}
    most = max(map(len, groups.values()))
    leading = [latest[key] for key, vs in groups.items() if len(vs) == most]
    taken = max(leading, key=lambda v: v.when)
    if len(groups) > 1:
        said = "; ".join(f"{len(vs)} × {excerpt(vs[0].output, 40)}" for vs in groups.values())
        why = "no majority: the latest is taken" if len(leading) > 1 else "the majority is taken"
        what = f"{excerpt(instruction, 40)} has several answers ({said}); {why}"
        reading.tell("warning", "W-DISAGREE", what, place, "look at it and decide")
    return taken, len(groups) == 1


def same(first: str, second: str) -> bool:
    """Whether two answers are the same calls."""
    return answer_key(first) == answer_key(second)


def answer_key(output: str) -> object:
    """What two answers that are the same calls share; of a text that is none, the text."""
    try:
        return tuple(
            (c.intent, tuple(sorted((a.name or "", a.value) for a in c.arguments)))
            for c in parse_calls(output)
        )
    except CallSyntaxError:
        return output.strip()
