"""A recognizer that weighs the answers that it is told, for tests of replies."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from scripted import PLAIN

from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.catalog_tools import catalog_to_tools
from maksud.recognizers.contract import Contract
from maksud.recognizers.recognition import Proposal, Recognizer, Usage

CATALOG = Catalog(
    (
        Intent("play", description="Plays a song", parameters=(Parameter("song"),)),
        Intent(
            "alarm",
            parameters=(
                Parameter("time", type="datetime", required=True, question="Jam berapa?"),
                Parameter("times", type="number"),
            ),
        ),
        Intent("stop"),
    )
)
TOOLS: list[Any] = catalog_to_tools(CATALOG)
PLAY, ALARM, STOP = TOOLS


class Weighing(Recognizer):
    """Weighs the answers that an utterance lists, best first: `play(song=A) 0.8 | stop() 0.1`.

    What it may not say is left out, and what is left is weighed anew. Of several turns it reads
    the last.
    """

    kind = "weighing"

    def __init__(self) -> None:
        super().__init__("weighing", Contract(CATALOG).calibrated(PLAIN, 0.5))
        self.held: list[Any] = []

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        return self.propose_within(utterances, [None] * len(utterances))

    def propose_within(
        self, utterances: Sequence[str], allowed: Sequence[Collection[str] | None]
    ) -> list[Proposal]:
        self.held += allowed
        return [self._weigh(u, a) for u, a in zip(utterances, allowed, strict=True)]

    def _weigh(self, utterance: str, allowed: Collection[str] | None) -> Proposal:
        ways = []
        for way in utterance.split(". ")[-1].split(" | "):
            text, _, p = way.rpartition(" ")
            calls = parse_calls(text)
            if allowed is None or all(c.intent in allowed for c in calls):
                ways.append((calls, float(p)))
        if allowed is not None:
            total = sum(p for _, p in ways)
            ways = [(calls, 0.999 * p / total) for calls, p in ways]
        (best, p), *others = ways or [(parse_calls("none()"), 0.9)]
        lps = tuple((calls, math.log(q)) for calls, q in others)
        return Proposal(best, (math.log(p / (1 - p)),), lps, usage=Usage(5, 1))
