"""Recognition: what a recognizer says about an utterance, and the contract of all recognizers.

A kind of recognizer implements `propose` (raw evidence). Everything that users see (calibrated
confidence, acceptance, missing parameters, the text of the answer) is made here, once, so that
no kind can differ from another in it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from maksud.errors import EngineError, InputError
from maksud.language.calls import NONE, OUT_OF_SCOPE, Call, format_calls
from maksud.language.catalog import MissingParameter
from maksud.language.text import NormalText
from maksud.language.values import DoubtfulValue, find_doubts, restore_values
from maksud.recognizers.contract import Contract


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens (of a language model; words of a joint model) read and written."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A token that a language model wrote, as bytes.

    `log_p`: its log-probability among those that could be written there, 0 where no other could be.
    `top`: the likeliest of those, best first, itself among them where it is one.
    """

    text: bytes
    log_p: float
    top: tuple[tuple[bytes, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A recognizer's best answer with the raw evidence for it.

    `features`: evidence that the whole answer is right (log-probabilities, margins, lengths),
    of one length for all proposals of a recognizer. `alternatives`: other answers with raw
    log-probabilities, best first. `out_of_scope`: raw score in [0, 1]. `truncated`: not all of
    the utterance was read. `tokens`: what a language model wrote, without the end; else none.
    """

    calls: tuple[Call, ...]
    features: tuple[float, ...]
    alternatives: tuple[tuple[tuple[Call, ...], float], ...] = ()
    out_of_scope: float = 0.0
    usage: Usage = field(default_factory=Usage)
    truncated: bool = False
    tokens: tuple[Token, ...] = field(default=(), compare=False, repr=False)

    @property
    def acts(self) -> bool:
        """Whether the answer asks for something: is neither `none()` nor empty."""
        return bool(self.calls) and NONE not in self.calls


@dataclass(frozen=True, slots=True)
class Vector:
    """What an utterance means, as numbers: an array of one dimension, of 32 bits each."""

    numbers: Any
    usage: Usage


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

    `calls` have named arguments, with copied values as they were said; `text` is the answer in the
    catalog's style. `confidence` is the calibrated probability that the whole answer is right. Not
    `accepted`: out of scope, less sure than the contract's threshold, or `truncated`. `turns`:
    where the user said several things, the positions of those that were read. `truncated`: the
    utterance is longer than the model reads. `reason`: why it is out of scope, where that was told
    without asking the model (`contract.NOTHING_SAID`, `contract.UNKNOWN_SCRIPT`,
    `contract.UNKNOWN_LANGUAGE`, `contract.ONLY_SMALL_WORDS`), or against what it said
    (`contract.VALUES_ALONE`, `contract.ONE_WORD`). `doubts`: values in which nothing of
    their type was found.
    `tokens`: what a language model wrote; the answer may have become another after that.
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
    truncated: bool = False
    reason: str = ""
    doubts: tuple[DoubtfulValue, ...] = ()
    tokens: tuple[Token, ...] = field(default=(), compare=False, repr=False)

    @property
    def refusal(self) -> str:
        """Why the answer is not acted on, in a few words; empty where it is."""
        if self.accepted:
            return ""
        if self.truncated:
            return "too long: not all of it was read"
        if not self.calls or NONE in self.calls:
            return "out of scope" + (f": {self.reason}" if self.reason else "")
        return f"not sure enough: {self.text} at {self.confidence:.2f}"

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
            **({"truncated": True} if self.truncated else {}),
            **({"reason": self.reason} if self.reason else {}),
            **({"doubts": [asdict(d) for d in self.doubts]} if self.doubts else {}),
        }


def _call_json(call: Call) -> dict[str, Any]:
    arguments = [{"name": a.name, "value": a.value} for a in call.arguments]
    return {"intent": call.intent, "arguments": arguments}


def list_texts(utterances: Iterable[str]) -> list[str]:
    """The utterances as a list.

    Raises `InputError` for a text alone, which would be read letter by letter, and for what is no
    text.
    """
    if isinstance(utterances, str | bytes) or not isinstance(utterances, Iterable):
        found = type(utterances).__name__
        raise InputError(
            f"there is a {found} where a list of utterances is expected",
            hint='Write recognizer("…") for one utterance, or give a list',
        )
    texts = list(utterances)
    for text in texts:
        if not isinstance(text, str):
            raise InputError(
                f"there is a {type(text).__name__} where an utterance is expected",
                hint='Write recognizer("…") for one text, recognizer.recognize(["…", …]) for more',
            )
    return texts


class Recognizer(ABC):
    """Turns utterances into recognitions, batch in, batch out."""

    kind: str
    scope_features: tuple[int, ...] = ()
    """Which of a proposal's features speak of scope; () takes all."""
    dim: int = 0
    """Numbers of an utterance's vector; 0 where the kind has none."""

    def __init__(self, name: str, contract: Contract) -> None:
        self.name = name
        self.contract = contract
        self._contract_id = contract.id

    @abstractmethod
    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        """The best answer to each utterance with its raw evidence, in order.

        The utterances are in the form that `contract.read` gives.
        """

    def propose_without(
        self, utterances: Sequence[str], unknown: Sequence[Collection[str]] | None
    ) -> list[Proposal] | None:
        """The best answers as if the recognizer had never heard of some intents of each utterance.

        What it says of an utterance whose own intent it does not know stands in for the unknown
        when it is calibrated. None where a kind can't do that.
        """
        return None

    def propose_within(
        self, utterances: Sequence[str], allowed: Sequence[Collection[str] | None]
    ) -> list[Proposal]:
        """The best answers with none but the intents that are allowed to each utterance.

        None allows all; `none` stands for `none()`. As if the recognizer knew no other intent:
        what it gives to the others is shared out among those that are left. A joint network gives
        it to `none()` where that is allowed: who asks for another intent asks for none of these.
        An utterance that no intent is left for is answered by `none()`. Raises `InputError` where
        a kind is not able to do that.
        """
        raise InputError(
            f"{self.name}: its answers can't be held to a part of the catalog",
            hint="Offer all of its intents",
        )

    def check(self, utterances: Sequence[str]) -> None:
        """Raises `TooLongError` for an utterance that the model refuses, as too long to be read.

        `propose` calls such an utterance out of scope and truncated, so that one of them can't end
        a long evaluation; where a person or a client waits for the answer, ask here first.
        """
        return None

    def unconstrained(self, utterances: Sequence[str]) -> list[str] | None:
        """What the model writes when nothing constrains it; None where there is no such thing.

        The utterances are in the form that `contract.read` gives.
        """
        return None

    def represent(self, utterances: Sequence[str]) -> list[Vector]:
        """A vector of `dim` numbers for each utterance, in order.

        Those of utterances that mean the same are near. Raises `InputError` where a kind has none,
        or for what is no list of texts, `TooLongError` where not all of an utterance would be read.
        """
        raise InputError(
            f"{self.name}: a model of the kind {self.kind} has no vectors",
            hint="Use one with an encoder: maksud train DATA --base e5-small",
        )

    def recognize(
        self,
        utterances: Sequence[str],
        allowed: Sequence[Collection[str] | None] | None = None,
    ) -> list[Recognition]:
        """A recognition for each utterance, in order.

        `allowed`: the intents that the answer to each may have, see `propose_within`. Raises
        `InputError` for what is no list of texts.
        """
        read = [self.contract.read(u) for u in list_texts(utterances)]
        reasons = [self.contract.reason_outside(r.text) for r in read]
        asked = [r.text for r, reason in zip(read, reasons, strict=True) if not reason]
        if not asked:
            proposals = []
        elif allowed is None:
            proposals = self.propose(asked)
        else:
            held = [a for a, reason in zip(allowed, reasons, strict=True) if not reason]
            proposals = self.propose_within(asked, held)
        if len(proposals) != len(asked):
            raise EngineError(f"{self.name}: {len(proposals)} answers to {len(asked)} utterances")
        each = iter(proposals)
        within = [None] * len(read) if allowed is None else allowed
        return [
            self._refuse(r, reason)
            if reason
            else self._judge(r, next(each), free=names is None or OUT_OF_SCOPE in names)
            for r, reason, names in zip(read, reasons, within, strict=True)
        ]

    def __call__(self, utterance: str) -> Recognition:
        """The recognition of one utterance."""
        return self.recognize([utterance])[0]

    def judge(self, utterance: str, proposal: Proposal) -> Recognition:
        """The recognition that the contract makes of a proposal."""
        return self._judge(self.contract.read(utterance), proposal)

    # ------------------------------------------------------------ parts

    def _judge(self, read: NormalText, proposal: Proposal, *, free: bool = True) -> Recognition:
        """`free`: whether the answer may be `none()`."""
        contract = self.contract
        catalog = contract.catalog
        answer = proposal.calls
        calls = catalog.name_arguments(answer)
        reason = contract.reason_against(read.text, calls) if free else ""
        if reason and not proposal.truncated:  # the model says otherwise
            refused = self._refuse(read, reason, confidence=0.5)
            return replace(refused, usage=proposal.usage)
        if read.is_changed:
            answer = calls = restore_values(calls, read, catalog)
        if contract.calibration is not None:
            confidence = contract.calibration.probability(proposal.features)
        else:
            confidence = 1.0
        outside = proposal.out_of_scope
        if contract.scope is not None and not proposal.truncated:
            outside = 1 - contract.scope.probability(proposal.features)
        # No other answer is likelier than this one, and together they have what this one leaves.
        chances = [math.exp(min(0.0, lp)) for _, lp in proposal.alternatives]
        if contract.calibration is not None:
            left = 1 - confidence
            chances = [min(chance, confidence, left) for chance in chances]
            share = min(1.0, left / max(sum(chances), 1e-9))
            chances = [share * chance for chance in chances]
        acceptable = proposal.acts and not proposal.truncated
        alternatives = []
        for (other, _), chance in zip(proposal.alternatives, chances, strict=True):
            named = catalog.name_arguments(other)
            if read.is_changed:
                other = named = restore_values(named, read, catalog)
            alternatives.append(Alternative(named, catalog.render(other), chance))
        return Recognition(
            utterance=read.original,
            calls=calls,
            text=catalog.render(answer),
            confidence=confidence,
            accepted=acceptable and confidence >= contract.threshold,
            alternatives=tuple(alternatives),
            missing=catalog.missing(calls),
            out_of_scope=outside,
            model=self.name,
            contract=self._contract_id,
            usage=proposal.usage,
            truncated=proposal.truncated,
            doubts=tuple(find_doubts(calls, catalog)) if self._has_types else (),
            tokens=proposal.tokens,
        )

    def _refuse(self, read: NormalText, reason: str, confidence: float = 1.0) -> Recognition:
        """The recognition of what can't be in scope, whatever the model would say or said."""
        return Recognition(
            utterance=read.original,
            calls=(NONE,),
            text=format_calls((NONE,)),
            confidence=confidence,
            accepted=False,
            out_of_scope=1.0,
            model=self.name,
            contract=self._contract_id,
            reason=reason,
        )

    @cached_property
    def _has_types(self) -> bool:
        """Whether the catalog has a type that values can fail to hold."""
        intents = self.contract.catalog.intents
        return any(p.type in ("number", "datetime") for i in intents for p in i.parameters)
