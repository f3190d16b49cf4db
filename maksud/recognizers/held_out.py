"""What a recognizer answers to examples that it has not learnt from, and what follows from it.

Calibration and decision are both made of these answers. The calibration is fitted on all of
them; the decision is judged by confidences that were cross-fitted, so that no row is judged by
a calibration that saw it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from maksud.data.dataset import Example
from maksud.errors import DataError
from maksud.language.calls import NONE, same_answer
from maksud.progress import OnProgress, Progress
from maksud.recognizers.calibration import Calibration, cross_fit
from maksud.recognizers.contract import Contract
from maksud.recognizers.decision import Decision, Rule, decide
from maksud.recognizers.recognition import Recognizer

_BATCH = 32


@dataclass
class HeldOut:
    """Answers to unseen examples, in lists of one length.

    `features`: the raw evidence. `acts`: whether the answer asks for something (is not
    `none()`). `correct`: whether the whole answer is right. `out_of_scope`: of the utterance.
    """

    features: list[tuple[float, ...]] = field(default_factory=list)
    acts: list[bool] = field(default_factory=list)
    correct: list[bool] = field(default_factory=list)
    out_of_scope: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.correct)

    def extend(self, other: HeldOut) -> None:
        """Adds the answers of another."""
        self.features += other.features
        self.acts += other.acts
        self.correct += other.correct
        self.out_of_scope += other.out_of_scope

    @property
    def exact_match(self) -> float:
        """Share of the answers that are wholly right."""
        return sum(self.correct) / len(self.correct)


def answer_held_out(
    recognizer: Recognizer, examples: Sequence[Example], tell: OnProgress, stage: str = "calibrate"
) -> HeldOut:
    """The recognizer's answers to labelled examples that it has not learnt from."""
    out = HeldOut()
    catalog = recognizer.contract.catalog
    for at in range(0, len(examples), _BATCH):
        part = examples[at : at + _BATCH]
        for example, proposal in zip(
            part, recognizer.propose([e.instruction for e in part]), strict=True
        ):
            gold = catalog.name_arguments(example.calls)
            out.features.append(proposal.features)
            out.acts.append(bool(proposal.calls) and NONE not in proposal.calls)
            out.correct.append(same_answer(catalog.name_arguments(proposal.calls), gold))
            out.out_of_scope.append(NONE in gold)
        done = min(len(examples), at + _BATCH)
        tell(Progress(stage, done / len(examples), f"{done:,} of {len(examples):,}"))
    return out


def judge_held_out(held: HeldOut, rule: Rule) -> tuple[Calibration, Decision]:
    """The calibration that the answers teach, and the decision that the rule makes of it.

    Raises `DataError` where there are no answers.
    """
    if not len(held):
        raise DataError("nothing is held out to calibrate on", hint="Give labelled examples")
    calibration, confidence = cross_fit(held.features, held.correct)
    decision = decide(
        [c if acts else 0.0 for c, acts in zip(confidence, held.acts, strict=True)],
        correct=held.correct,
        out_of_scope=held.out_of_scope,
        rule=rule,
    )
    return calibration, decision


def decide_contract(
    contract: Contract, held: HeldOut, rule: Rule
) -> tuple[Contract, dict[str, Any]]:
    """The contract with calibration and decision, and what to record about them."""
    calibration, decision = judge_held_out(held, rule)
    about = {
        "examples": len(held),
        "exact_match": held.exact_match,
        "calibration_note": calibration.note,
        **decision.to_json(),
    }
    return contract.calibrated(calibration, decision.threshold, rule), about
