"""What a recognizer answers to examples that it has not learnt from, and what follows from it.

Calibration and decision are both made of these answers. The calibration is fitted on all of
them; the decision is judged by confidences that were cross-fitted, so that no row is judged by
a calibration that saw it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from maksud.data.background import choose_sayings
from maksud.data.dataset import Example
from maksud.errors import DataError
from maksud.language.calls import NONE, same_answer
from maksud.progress import OnProgress, Progress
from maksud.recognizers.calibration import FEW_ROWS, Calibration, cross_fit
from maksud.recognizers.contract import Contract
from maksud.recognizers.decision import Decision, Rule, decide
from maksud.recognizers.recognition import Proposal, Recognizer

OUT_OF_SCOPE_SHARE = 0.05
"""Share of out-of-scope utterances that a calibration is fitted on, at least: real traffic holds
some, though the data that is held out seldom does."""

_BATCH = 32


@dataclass
class HeldOut:
    """Answers to unseen examples, in lists of one length.

    `features`: the raw evidence. `acts`: whether the answer asks for something (is not
    `none()`) that the contract lets it ask for. `correct`: whether the whole answer is right, as
    the model gave it. `out_of_scope`: of the utterance.
    """

    features: list[tuple[float, ...]] = field(default_factory=list)
    acts: list[bool] = field(default_factory=list)
    correct: list[bool] = field(default_factory=list)
    out_of_scope: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.correct)

    def add(
        self, proposal: Proposal, *, correct: bool, out_of_scope: bool, refused: bool = False
    ) -> None:
        """Adds an answer. `refused`: whatever the model's confidence."""
        self.features.append(proposal.features)
        self.acts.append(proposal.acts and not refused)
        self.correct.append(correct)
        self.out_of_scope.append(out_of_scope)

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
    contract = recognizer.contract
    catalog = contract.catalog
    for part in _batches(examples, tell, stage):
        texts = [contract.read(e.instruction).text for e in part]
        made = recognizer.propose(texts)
        for example, text, proposal in zip(part, texts, made, strict=True):
            gold = catalog.name_arguments(example.calls)
            calls = catalog.name_arguments(proposal.calls)
            refused = contract.reason_outside(text) or contract.reason_against(text, calls)
            out.add(
                proposal,
                correct=same_answer(calls, gold),
                out_of_scope=NONE in gold,
                refused=bool(refused),
            )
    return out


def answer_unknown(
    recognizer: Recognizer, examples: Sequence[Example], tell: OnProgress, most: int = 1000
) -> HeldOut:
    """What the recognizer says of held-out examples when it has not heard of their intents.

    Held-out intents, left out by turns, stand in for what is out of scope in real traffic, which
    lies near the scope more often than far from it. No training is needed: the intent is taken
    out of the network's choice. Empty where the kind can't do that.
    """
    out = HeldOut()
    inside = [e for e in examples if NONE not in e.calls]
    inside = inside[:: max(1, -(-len(inside) // most))]
    for part in _batches(inside, tell, "calibrate", ", unknown"):
        texts = [e.instruction for e in part]
        made = recognizer.propose_without(texts, [{c.intent for c in e.calls} for e in part])
        if made is None:
            break
        for proposal in made:
            if any(proposal.features):  # there is no evidence where no intent was left to choose
                out.add(proposal, correct=False, out_of_scope=True)
    return out


def answer_both(
    recognizer: Recognizer, examples: Sequence[Example], tell: OnProgress
) -> tuple[HeldOut, HeldOut]:
    """(`answer_held_out`, `answer_unknown`) of the same examples."""
    return (
        answer_held_out(recognizer, examples, tell),
        answer_unknown(recognizer, examples, tell),
    )


def _batches(
    examples: Sequence[Example], tell: OnProgress, stage: str, what: str = ""
) -> Iterator[Sequence[Example]]:
    """The examples in parts; tells of each when the next is asked for."""
    for at in range(0, len(examples), _BATCH):
        yield examples[at : at + _BATCH]
        done = min(len(examples), at + _BATCH)
        tell(Progress(stage, done / len(examples), f"{done:,} of {len(examples):,}{what}"))


@dataclass(frozen=True)
class Background:
    """Answers to ordinary sayings that the data does not serve; `served` were left out."""

    answers: HeldOut
    served: tuple[str, ...] = ()


def answer_background(
    recognizer: Recognizer, examples: Iterable[Example], most: int, seed: int, tell: OnProgress
) -> Background:
    """What the recognizer says of `most` ordinary sayings: see `maksud.data.background`.

    `examples`: the user's data, which tells the language and what may be in scope.
    """
    inside = [e.instruction for e in examples if NONE not in e.calls]
    kept, served = choose_sayings(inside, most, seed)
    sayings = [Example(s.text, "none()") for s in kept]
    answers = answer_held_out(recognizer, sayings, tell, "background") if sayings else HeldOut()
    return Background(answers, tuple(s.text for s in served))


def judge_held_out(
    held: HeldOut, rule: Rule, unknown: HeldOut | None = None, share: float = OUT_OF_SCOPE_SHARE
) -> tuple[Calibration, Decision]:
    """The calibration that the answers teach, and the decision that the rule makes of it.

    `unknown` stands in for what is out of scope where less than `share` of the held-out
    utterances is. Raises `DataError` where there are no answers.
    """
    if not len(held):
        raise DataError("nothing is held out to calibrate on", hint="Give labelled examples")
    unknown = unknown or HeldOut()
    acting = [k for k, acts in enumerate(unknown.acts) if acts]
    lacking = (share * len(held) - sum(held.out_of_scope)) / (1 - share)
    # So few rows, or such as are all wrong, carry a prior alone.
    if lacking <= 0 or len(held) < FEW_ROWS or not any(held.correct):
        acting = []
    weight = [1.0] * len(held) + [lacking / len(acting) if acting else 0.0] * len(acting)
    calibration, confidence = cross_fit(
        held.features + [unknown.features[k] for k in acting],
        held.correct + [False] * len(acting),
        weight,
    )
    calibration = replace(calibration, examples=len(held), correct=sum(held.correct))
    decision = decide(
        [c if acts else 0.0 for c, acts in zip(confidence, held.acts, strict=False)],
        correct=held.correct,
        out_of_scope=held.out_of_scope,
        rule=rule,
    )
    return calibration, decision


def fit_scope(
    held: HeldOut, unknown: HeldOut, speaking: Collection[int] = ()
) -> Calibration | None:
    """From the evidence of an answer to the probability that its utterance is in scope.

    `speaking`: the features that are looked at; all where it is empty.

    Half of the weight is what is out of scope, so that ½ is the middle. None where too little
    is known to be out of scope.
    """
    inside = [not o for o in held.out_of_scope]
    outside = len(inside) - sum(inside) + len(unknown)
    if outside < FEW_ROWS or sum(inside) < FEW_ROWS:
        return None
    of_unknown = sum(inside) / outside
    weight = [1.0 if i else of_unknown for i in inside] + [of_unknown] * len(unknown)
    features = held.features + unknown.features
    if speaking:  # a column that does not vary gets no weight
        features = [
            tuple(x if k in speaking else 0.0 for k, x in enumerate(row)) for row in features
        ]
    return cross_fit(features, inside + [False] * len(unknown), weight)[0]


def decide_contract(
    contract: Contract,
    held: HeldOut,
    rule: Rule,
    unknown: HeldOut | None = None,
    background: Background | None = None,
    scope_features: Collection[int] = (),
) -> tuple[Contract, dict[str, Any]]:
    """The contract with calibration and decision, and what to record about them.

    Where a kind can't leave intents out, the background stands in for what is out of scope.
    """
    background = background or Background(HeldOut())
    unknown = unknown or background.answers
    calibration, decision = judge_held_out(held, rule, unknown)
    about = {
        "examples": len(held),
        "stand_ins": len(unknown),
        "exact_match": held.exact_match,
        "calibration_note": calibration.note,
        **decision.to_json(),
    }
    if len(background.answers):
        sayings = background.answers
        sure = [calibration.probability(f) >= decision.threshold for f in sayings.features]
        about["background"] = {
            "sayings": len(sayings),
            "acted": sum(a and s for a, s in zip(sayings.acts, sure, strict=True)),
            "left_out": len(background.served),
            "left_out_first": list(background.served[:5]),
        }
    scope = fit_scope(held, unknown, scope_features)
    return contract.calibrated(calibration, decision.threshold, rule, scope), about


def conclude(
    recognizer: Recognizer,
    held: HeldOut,
    unknown: HeldOut,
    rule: Rule,
    rows: Iterable[Example],
    most: int,
    seed: int,
    tell: OnProgress,
) -> tuple[Contract, dict[str, Any]]:
    """What follows from a recognizer's answers, with `most` ordinary sayings asked as well.

    `rows`: the user's data; see `answer_background`. Gives what `decide_contract` does.
    """
    background = answer_background(recognizer, rows, most, seed, tell)
    return decide_contract(
        recognizer.contract, held, rule, unknown, background, recognizer.scope_features
    )
