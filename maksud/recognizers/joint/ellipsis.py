"""Clauses that leave out what is asked for, as it was said before: "cek INV-1 dan INV-2"."""

from __future__ import annotations

from maksud.language.calls import Call
from maksud.language.small_words import adds_only
from maksud.recognizers.contract import Contract
from maksud.recognizers.joint.answers import ClauseReadings


def is_elliptic(
    contract: Contract, text: str, clause: ClauseReadings, call: Call, before: Call
) -> bool:
    """Whether a clause of a text, read as a call, has nothing but values and what joins them to
    the call before, which could take them as well.

    Where rows ask for the intent by a value alone ("jazz"), it may be meant.
    """
    declared = contract.catalog.get(before.intent)
    if declared is None or call.intent in contract.small.by_values:
        return False
    if any(declared.parameter(a.name or "") is None for a in call.arguments):
        return False
    said = text[clause.words[0].start : clause.words[-1].end]
    return adds_only(said, call)
