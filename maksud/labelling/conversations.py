"""A conversation as the labelling page shows it: who said what, and which turns are still open.

The open turns are those that the utterance is folded from, by the rule that serving reads a
conversation by (`language.conversation`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from maksud.language.catalog import Catalog
from maksud.language.conversation import Turn, list_exchanges, list_perhaps_open

TURNS, REPLIES = "turns", "replies"
"""Where a row keeps turns that are open by definition, and the replies to each but the last."""
_ROLES = {"system": "system", "user": "user", "human": "user", "tool": "tool", "function": "tool"}


def view_conversation(
    data: Mapping[str, Any], field: str, catalog: Catalog
) -> list[dict[str, Any]]:
    """The turns of a row, each `{role, text, open}`; none where it has no conversation.

    `field`: where the template looks for it; "" for the open turns that the utterance has.
    """
    value = data.get(field or TURNS)
    if not isinstance(value, list) or not value:
        return []
    if all(isinstance(v, str) for v in value):
        return _folded(value, data.get(REPLIES)) if len(value) > 1 or field else []
    turns = [_turn(v) for v in value]
    if any(t is None for t in turns):
        return [_shown("user", str(v), False) for v in value]
    return _marked([t for t in turns if t is not None], catalog)


def _folded(said: Sequence[str], replies: Any) -> list[dict[str, Any]]:
    between = replies if isinstance(replies, list) else []
    shown = []
    for k, text in enumerate(said):
        shown.append(_shown("user", text, True))
        reply = between[k] if k < min(len(between), len(said) - 1) else ""
        if isinstance(reply, str) and reply.strip():
            shown.append(_shown("assistant", reply, False))
    return shown


def _turn(value: Any) -> Turn | None:
    if not isinstance(value, Mapping):
        return None
    text = next((value[n] for n in ("content", "text", "value") if value.get(n) is not None), "")
    role = str(value.get("role") or value.get("from") or "")
    if not isinstance(text, str) or not role:
        return None
    return Turn(_ROLES.get(role, "assistant"), text)  # type: ignore[arg-type]


def _marked(turns: Sequence[Turn], catalog: Catalog) -> list[dict[str, Any]]:
    exchanges = list_exchanges(turns)
    waiting = [*list_perhaps_open(exchanges[:-1], catalog), *exchanges[-1:]]
    open = {k for exchange in waiting for k in exchange.said}
    return [_shown(t.role, t.text, k in open) for k, t in enumerate(turns)]


def _shown(role: str, text: str, open: bool) -> dict[str, Any]:
    return {"role": role, "text": text, "open": open}
