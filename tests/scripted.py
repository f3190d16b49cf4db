"""A recognizer that gives chosen answers, for tests of what stands on recognizers."""

import math
from collections.abc import Mapping, Sequence

from maksud.data.dataset import Example
from maksud.language.calls import Call, parse_calls
from maksud.language.catalog import Catalog
from maksud.language.catalog_inference import infer_catalog
from maksud.recognizers.calibration import Calibration
from maksud.recognizers.contract import Contract
from maksud.recognizers.decision import Rule
from maksud.recognizers.recognition import Proposal, Recognizer

# Reads its one feature as log-odds.
PLAIN = Calibration(mean=(0.0,), scale=(1.0,), weights=(1.0,), bias=0.0, features=1)

STATED = Rule(false_accept_rate=0.05)


class Scripted(Recognizer):
    """Answers what it is told to; "" is an empty answer.

    `sure`: confidence of an utterance in (0.003, 0.997), 0.5 where not named; without any, the
    contract has no calibration. `own`: what it writes without constraints.
    """

    kind = "scripted"

    def __init__(
        self,
        answers: Mapping[str, str],
        catalog: Catalog,
        *,
        sure: Mapping[str, float] | None = None,
        own: Mapping[str, str] | None = None,
        threshold: float = 0.0,
        rule: Rule | None = STATED,
        name: str = "scripted",
    ) -> None:
        contract = Contract(catalog)
        if sure is not None:
            contract = contract.calibrated(PLAIN, threshold, rule)
        super().__init__(name, contract)
        self.answers, self.sure, self.own = answers, sure or {}, own

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        out = []
        for utterance in utterances:
            text = self._answer(utterance)
            calls: tuple[Call, ...] = parse_calls(text) if text else ()
            p = self.sure.get(utterance, 0.5)
            out.append(Proposal(calls, (math.log(p / (1 - p)),)))
        return out

    def _answer(self, utterance: str) -> str:
        """That of the utterance, or of the one that is read as this."""
        if utterance in self.answers:
            return self.answers[utterance]
        return next(t for u, t in self.answers.items() if self.contract.read(u).text == utterance)

    def unconstrained(self, utterances: Sequence[str]) -> list[str] | None:
        return None if self.own is None else [self.own[u] for u in utterances]


def examples(*rows: tuple[str, str]) -> list[Example]:
    """Examples of (instruction, output), with places."""
    return [Example(u, o, source="test.json", line=k + 1) for k, (u, o) in enumerate(rows)]


def catalog_of(rows: Sequence[Example]) -> Catalog:
    """The catalog that the examples show."""
    return infer_catalog([e.calls for e in rows])
