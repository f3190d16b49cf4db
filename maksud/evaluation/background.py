"""How many ordinary sayings, far from any scope, a recognizer acts on.

Test rows that are out of scope are few, and chosen by somebody. The sayings of
`maksud.data.background` are chat, knowledge and other trades that no row of the data is near: what
is acted on of them is acted on wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maksud.data.background import choose_sayings
from maksud.data.dataset import Example
from maksud.language.calls import NONE
from maksud.progress import OnProgress, Progress
from maksud.recognizers.decision import share_interval
from maksud.recognizers.recognition import Recognizer

SHOWN = 10
"""Sayings that were acted on, and those that were left out, that are kept to be shown."""


def ask_background(
    recognizer: Recognizer,
    examples: Sequence[Example],
    most: int,
    seed: int,
    tell: OnProgress,
    batch_size: int = 32,
) -> dict[str, Any]:
    """What becomes of `most` ordinary sayings: a JSON-able mapping.

    They are drawn in the languages of `examples`, without those that share half of their words
    with one of them that is in scope: such a saying may be served. No sayings where the examples
    are in other languages than the background.
    """
    inside = [e.instruction for e in examples if NONE not in e.calls]
    kept, served = choose_sayings(inside, most, seed)
    acted: list[dict[str, Any]] = []
    for at in range(0, len(kept), batch_size):
        part = kept[at : at + batch_size]
        for saying, answer in zip(part, recognizer.recognize([s.text for s in part]), strict=True):
            if answer.accepted:
                about = {"text": saying.text, "topic": saying.topic, "answer": answer.text}
                acted.append({**about, "confidence": answer.confidence})
        done = min(len(kept), at + batch_size)
        tell(Progress("background", done / len(kept), f"{done:,} of {len(kept):,} sayings"))
    acted.sort(key=lambda a: (-a["confidence"], a["text"]))
    return {
        "sayings": len(kept),
        "acted": len(acted),
        "interval": list(share_interval(len(acted), len(kept))) if kept else None,
        "languages": sorted({s.language for s in kept}),
        "left_out": len(served),
        "left_out_first": [s.text for s in served[:SHOWN]],
        "acted_first": acted[:SHOWN],
    }
