"""Recognition: what a recognizer says about an utterance, and the contract of all recognizers.

A kind of recognizer implements `propose` (raw evidence). Everything that users see (calibrated
confidence, acceptance, missing parameters, the text of the answer) is made here, once, so that
no kind can differ from another in it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from maksud.language.calls import NONE, Call
from maksud.language.catalog import MissingParameter
from maksud.recognizers.contract import Contract


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens (of a language model; words of a joint model) read and written."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A recognizer's best answer with the raw evidence for it.

    `features`: evidence that the whole answer is right (log-probabilities, margins, lengths),
    of one length for all proposals of a recognizer. `alternatives`: other answers with raw
    log-probabilities, best first. `out_of_scope`: raw score in [0, 1].
    """

    calls: tuple[Call, ...]
    features: tuple[float, ...]
    alternatives: tuple[tuple[tuple[Call, ...], float], ...] = ()
    out_of_scope: float = 0.0
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another answer. `confidence` is the recognizer's raw probability of it, in [0, 1], at most
    what the answer's own confidence leaves and never more than that."""

    calls: tuple[Call, ...]
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an utterance asks for.

    `calls` have named arguments; `text` is the answer in the catalog's style. `confidence` is
    the calibrated probability that the whole answer is right. Not `accepted`: out of scope, or
    less sure than the contract's threshold. `turns`: where the user said several things, the
    positions of those that were read.
    """

    utterance: str
    calls: tuple[Call, ...]
    text: str
    confidence: float
    accepted: bool
    alternatives: tuple[Alternative, ...] = ()
    missing: tuple[MissingParameter, ...] = ()
    out_of_scope: float = 0.0
    model: str = ""
    contract: str = ""
    usage: Usage = field(default_factory=Usage)
    turns: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping: what the CLI and the server answer."""
        return {
            "utterance": self.utterance,
            "text": self.text,
            "calls": [_call_json(c) for c in self.calls],
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "alternatives": [
                {"text": a.text, "confidence": round(a.confidence, 4)} for a in self.alternatives
            ],
            "missing": [
                {"intent": m.intent, "parameter": m.parameter, "question": m.question}
                for m in self.missing
            ],
            "model": self.model,
            "contract": self.contract,
            **({"turns": list(self.turns)} if self.turns else {}),
        }


def _call_json(call: Call) -> dict[str, Any]:
    arguments = [{"name": a.name, "value": a.value} for a in call.arguments]
    return {"intent": call.intent, "arguments": arguments}


class Recognizer(ABC):
    """Turns utterances into recognitions, batch in, batch out."""

    kind: str

    def __init__(self, name: str, contract: Contract) -> None:
        self.name = name
        self.contract = contract
        self._contract_id = contract.id

    @abstractmethod
    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        """The best answer to each utterance with its raw evidence, in order."""

    def propose_without(
        self, utterances: Sequence[str], unknown: Sequence[Collection[str]] | None
    ) -> list[Proposal] | None:
        """The best answers as if the recognizer had never heard of some intents of each utterance.

        What it says of an utterance whose own intent it does not know stands in for the unknown
        when it is calibrated. None where a kind can't do that.
        """
        return None

    def check(self, utterances: Sequence[str]) -> None:
        """Raises `TooLongError` for an utterance that the model can't read whole.

        `propose` calls such an utterance out of scope, so that one of them can't end a long
        evaluation; where a person or a client waits for the answer, ask here first.
        """
        return None

    def unconstrained(self, utterances: Sequence[str]) -> list[str] | None:
        """What the model writes when nothing constrains it; None where there is no such thing."""
        return None

    def recognize(self, utterances: Sequence[str]) -> list[Recognition]:
        """A recognition for each utterance, in order."""
        proposals = self.propose(utterances)
        return [self.judge(u, p) for u, p in zip(utterances, proposals, strict=True)]

    def __call__(self, utterance: str) -> Recognition:
        """The recognition of one utterance."""
        return self.recognize([utterance])[0]

    def judge(self, utterance: str, proposal: Proposal) -> Recognition:
        """The recognition that the contract makes of a proposal."""
        contract = self.contract
        catalog = contract.catalog
        calls = catalog.name_arguments(proposal.calls)
        if contract.calibration is not None:
            confidence = contract.calibration.probability(proposal.features)
        else:
            confidence = 1.0
        outside = proposal.out_of_scope
        if contract.scope is not None:
            outside = 1 - contract.scope.probability(proposal.features)
        # No other answer is likelier than this one, nor than what this one leaves.
        most = min(confidence, 1 - confidence) if contract.calibration is not None else 1.0
        return Recognition(
            utterance=utterance,
            calls=calls,
            text=catalog.render(proposal.calls),
            confidence=confidence,
            accepted=bool(calls) and NONE not in calls and confidence >= contract.threshold,
            alternatives=tuple(
                Alternative(
                    catalog.name_arguments(c), catalog.render(c), min(most, math.exp(min(0.0, lp)))
                )
                for c, lp in proposal.alternatives
            ),
            missing=catalog.missing(calls),
            out_of_scope=outside,
            model=self.name,
            contract=self._contract_id,
            usage=proposal.usage,
        )
