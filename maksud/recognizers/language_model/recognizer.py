"""The language model as a recognizer: utterances in, answers that the catalog allows out.

Loads the plain Hugging Face directory that training wrote, under the contract that it was trained
under. What a proposal says of its answer (`FEATURES`) are log-probabilities of its tokens, both
over all tokens and over the allowed ones: where the two differ, the constraint had to help.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from maksud.errors import CallSyntaxError, RunError, TooLongError
from maksud.language.calls import NONE, OUT_OF_SCOPE, Call, parse_calls
from maksud.recognizers.contract import Contract
from maksud.recognizers.language_model.constraint import Constraint
from maksud.recognizers.language_model.decoding import Decoder
from maksud.recognizers.language_model.loading import load_model, open_base
from maksud.recognizers.language_model.precision import choose_precision, forced_precision
from maksud.recognizers.language_model.prompt import Prompt, tokenizer_fingerprint
from maksud.recognizers.language_model.writing import FARTHEST, Answer, Step
from maksud.recognizers.negation import Negation, shift_outside
from maksud.recognizers.recognition import Proposal, Recognizer, Token, Usage

ALTERNATIVES = 2
"""Other intents whose answers are proposed, at most."""

GUIDE_TOKENS = 64
"""Longest answer of the guide's script, which `unconstrained` follows."""

_KEPT = 4096
"""Texts that are kept for `unconstrained`."""

FEATURES = (
    "log p(answer) over allowed tokens",
    "log p(answer) over all tokens",
    "lowest log p over allowed tokens",
    "lowest log p over all tokens",
    "lowest log p(allowed tokens)",
    "log p(first intent)",
    "margin to the second intent",
    "log p(in scope)",
    "log number of tokens",
    "calls beyond the first",
    "arguments",
    "log number of words",
)
"""What the numbers of `Proposal.features` mean, in order."""


class LanguageModelRecognizer(Recognizer):
    """See the module. Made by `load`. Safe to ask from several threads: they take turns.

    `negation`: what is evidence for `none()` beside the model, None in runs of before.
    """

    kind = "language_model"

    def __init__(
        self,
        name: str,
        contract: Contract,
        tokenizer: Any,
        model: Any,
        negation: Negation | None = None,
    ) -> None:
        super().__init__(name, contract)
        self.negation = negation
        self.prompt = Prompt(tokenizer, contract.system_prompt, contract.template)
        self._constraint = Constraint(contract.catalog, tokenizer)
        self._decoder = Decoder(model, self.prompt)
        self._end = str(tokenizer.convert_ids_to_tokens(self.prompt.end_id)).encode()
        self._lock = threading.Lock()
        self._free_texts: OrderedDict[str, str] = OrderedDict()

    @classmethod
    def load(cls, path: str | Path, contract: Contract, name: str) -> LanguageModelRecognizer:
        """The recognizer in a plain Hugging Face directory.

        Raises `RunError` where its tokenizer is not the contract's, and what
        `open_base` and `load_model` raise where it is unsafe, damaged or incomplete.
        """
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        base = open_base(path, contract.template)
        if tokenizer_fingerprint(base.tokenizer) != contract.tokenizer:
            raise RunError(
                "the tokenizer is not the one that the model was trained with",
                where=str(path),
                hint="Restore the run's files, or train again",
            )
        model = load_model(base, device)
        # A model saved in float32 stays so: its answers are then the same in every batch.
        if model.dtype != torch.float32 or forced_precision():
            model.to(choose_precision("auto", device))
        model.eval()
        return cls(name, contract, base.tokenizer, model, Negation.load(Path(path)))

    def check(self, utterances: Sequence[str]) -> None:
        """See `Recognizer.check`."""
        with self._lock:
            for utterance in utterances:
                read = self.contract.read(utterance).text
                self._decoder.require_room(read, self.contract.decoding.max_new_tokens)

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        """See `Recognizer.propose`. Without words, or (truncated) beyond the context: `none()`."""
        return self.propose_within(utterances, [None] * len(utterances))

    def propose_within(
        self, utterances: Sequence[str], allowed: Sequence[Collection[str] | None]
    ) -> list[Proposal]:
        """See `Recognizer.propose_within`. Raises `InputError` where nothing constrains it."""
        decoding = self.contract.decoding
        out = [_nothing()] * len(utterances)
        held = [n for n, names in enumerate(allowed) if names is not None]
        if held and not decoding.constrained:
            return super().propose_within(utterances, allowed)
        with self._lock:
            said = [n for n, u in enumerate(utterances) if u.strip() and self._leaves(allowed[n])]
            asked = [n for n in said if self._fits(utterances[n], decoding.max_new_tokens)]
            for n in set(said).difference(asked):
                out[n] = replace(_nothing(), truncated=True)
            texts = [utterances[n] for n in asked]
            if decoding.constrained:
                constraints = [self._constraint_of(allowed[n]) for n in asked]
                answers = self._decoder.constrained(
                    texts, constraints, decoding.max_new_tokens, ALTERNATIVES
                )
            else:
                answers = self._decoder.unconstrained(texts, decoding.max_new_tokens)
            for number, answer in zip(asked, answers, strict=True):
                names = allowed[number]
                doubted = names is None or OUT_OF_SCOPE in names
                out[number] = self._proposal(utterances[number], answer, doubted=doubted)
                if allowed[number] is None and answer.free and answer.tokens <= GUIDE_TOKENS:
                    self._free_texts[utterances[number]] = answer.text
                    if len(self._free_texts) > _KEPT:
                        self._free_texts.popitem(last=False)
        return out

    def unconstrained(self, utterances: Sequence[str]) -> list[str]:
        """What the guide's script would print: `GUIDE_TOKENS` at most, nothing constrained.

        Empty for an utterance beyond the model's context. Where `propose` saw that the constraint
        changed nothing, the model is not asked again.
        """
        with self._lock:
            out = [self._free_texts.get(u, "") for u in utterances]
            asked = [
                n
                for n, utterance in enumerate(utterances)
                if not out[n] and self._fits(utterance, GUIDE_TOKENS)
            ]
            answers = self._decoder.unconstrained([utterances[n] for n in asked], GUIDE_TOKENS)
            for number, answer in zip(asked, answers, strict=True):
                out[number] = answer.text
        return out

    # ------------------------------------------------------------ parts

    def _leaves(self, allowed: Collection[str] | None) -> bool:
        return allowed is None or self._constraint.leaves(allowed)

    def _constraint_of(self, allowed: Collection[str] | None) -> Constraint:
        return self._constraint if allowed is None else self._constraint.within(allowed)

    def _fits(self, utterance: str, room: int) -> bool:
        try:
            self._decoder.require_room(utterance, room)
        except TooLongError:
            return False
        return True

    def _proposal(self, utterance: str, answer: Answer, *, doubted: bool = True) -> Proposal:
        """`doubted`: whether `none()` may be the answer, and a negation speaks for it."""
        calls = self._calls(utterance, answer.text)
        if doubted and self.negation is not None and self.negation.refuses(utterance):
            calls, answer = _weigh_negation(calls, answer)
        usage = Usage(len(self.prompt.ids(utterance)), answer.tokens)
        outside = 0.0 if answer.outside <= FARTHEST else math.exp(answer.outside)
        features = (
            answer.log_p,
            answer.free_log_p,
            answer.lowest,
            answer.free_lowest,
            answer.allowed,
            answer.intent,
            answer.intent - answer.other_intent,
            max(FARTHEST, math.log1p(-min(outside, 1 - 1e-9))),
            math.log(answer.tokens),
            float(len(calls) - 1),
            float(sum(len(c.arguments) for c in calls)),
            math.log(len(utterance.split())),
        )
        others = tuple((parse_calls(text), log_p) for text, log_p in answer.alternatives)
        tokens = tuple(self._token(step) for step in answer.steps)
        return Proposal(calls, features, others, outside, usage, tokens=tokens)

    def _token(self, step: Step) -> Token:
        top = tuple((self._bytes_of(number), log_p) for number, log_p in step.top)
        return Token(self._bytes_of(step.token), step.log_p, top)

    def _bytes_of(self, number: int) -> bytes:
        if number == self.prompt.end_id:
            return self._end
        return self._constraint.text([number])

    def _calls(self, utterance: str, text: str) -> tuple[Call, ...]:
        """The calls of an answer; `none()` for what a free model writes and nobody can use."""
        try:
            calls = parse_calls(text)
        except CallSyntaxError:
            return (NONE,)
        if not self.contract.decoding.constrained:
            return (NONE,) if self.contract.catalog.violations(calls, utterance) else calls
        return calls


def _nothing() -> Proposal:
    """The proposal for what can't be read: out of scope, without evidence."""
    return Proposal((NONE,), (0.0,) * len(FEATURES), (), 1.0, Usage())


def _weigh_negation(calls: tuple[Call, ...], answer: Answer) -> tuple[tuple[Call, ...], Answer]:
    """The answer, once a frame that refuses a wish speaks for `none()`: see `negation`.

    As in the joint models, `none()` gains log-odds and all others lose what is left.
    """
    outside, less = shift_outside(answer.outside)
    others = [(text, lp + less) for text, lp in answer.alternatives if text != _NONE]
    if NONE in calls:
        weighed = replace(
            answer,
            log_p=outside,
            lowest=outside,
            intent=outside,
            other_intent=max(FARTHEST, answer.other_intent + less),
            outside=outside,
            alternatives=tuple(others),
        )
        return calls, weighed
    if answer.log_p + less > outside:  # learnt as a wish, however it looks
        if len(others) < len(answer.alternatives):
            others = sorted([*others, (_NONE, outside)], key=lambda other: -other[1])
        weighed = replace(
            answer,
            log_p=answer.log_p + less,
            free_log_p=answer.free_log_p + less,
            intent=answer.intent + less,
            other_intent=max(FARTHEST, answer.other_intent + less),
            outside=outside,
            alternatives=tuple(others),
        )
        return calls, weighed
    others = [(answer.text, answer.log_p + less), *others]
    refused = replace(
        answer,
        text=_NONE,
        log_p=outside,
        free_log_p=outside,
        lowest=outside,
        free_lowest=outside,
        intent=outside,
        other_intent=max(FARTHEST, answer.intent + less),
        outside=outside,
        free=False,
        alternatives=tuple(others[:ALTERNATIVES]),
    )
    return (NONE,), refused


_NONE = f"{OUT_OF_SCOPE}()"
