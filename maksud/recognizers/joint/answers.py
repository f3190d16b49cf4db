"""From the readings of clauses to an answer: the best over all ways to cut, and the runners-up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from maksud.language.calls import NONE, Argument, Call
from maksud.recognizers.joint.decoding import Floats
from maksud.recognizers.joint.tokens import Token
from maksud.recognizers.recognition import Proposal, Usage

FEATURES = (
    "log p(boundaries)",
    "log p(intents)",
    "log p(tags)",
    "log p(choices)",
    "lowest log p(intent)",
    "margin to the second answer",
    "log number of words",
    "share of unknown words",
    "log p(in scope)",
    "disagreement of members",
    "calls beyond the first",
    "arguments",
    "lowest score of an intent",
    "lowest nearness to a labelled clause",
    "lowest log p(intent) by the linear member",
)
"""What the numbers of `Proposal.features` mean, in order; see `name_features`."""
SCOPE = ("lowest log p(intent)", "log p(in scope)", "disagreement of members", FEATURES[13])
"""Those that look alike for an intent that was left out of training and for one that is left out
of the choice: heights of scores do not, and lengths and values say nothing of scope."""

WIDEST_MARGIN = 20.0
"""The margin of an answer without another, and of any that is wider."""

ALTERNATIVES = 3
"""Other answers of a proposal, at most."""


def name_features(*, near: bool, linear: bool) -> tuple[str, ...]:
    """What a run's features are: without an index of labelled clauses, and without a linear
    member, it lacks those that these give."""
    return FEATURES[:12] + FEATURES[12:14] * near + FEATURES[14:] * linear


@dataclass(slots=True)
class Tagging:
    """The best tags of a clause under an intent; `scores` and `forward`, [T, K], find others."""

    intent: int
    tags_lp: float
    path: list[int]
    scores: Floats | None
    forward: Floats | None


@dataclass(slots=True)
class Reading:
    """One way to read a clause, with the parts of its score."""

    score: float
    intent_lp: float
    tags_lp: float
    choices_lp: float
    call: Call
    tags: Tagging
    chosen: list[Argument]


@dataclass(slots=True)
class ClauseReadings:
    """The readings of a clause, best first, and what they are judged by."""

    words: list[Token]
    readings: list[Reading]
    in_scope: float
    disagreement: float
    highest: float
    """The score of the likeliest intent before it is made a probability."""
    seconded: float | None = None
    """log p of that intent by the linear member, where there is one."""
    vector: Floats | None = None
    """Of length 1, near to those of clauses that mean the same; None where there is no such."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to cut an utterance, with its log-probability."""

    cut_lp: float
    clauses: list[ClauseReadings]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reading for each clause of a way to cut the utterance."""

    score: float
    way: Way
    readings: list[Reading]

    @property
    def calls(self) -> tuple[Call, ...]:
        """What is answered."""
        return tuple([r.call for r in self.readings])

    def with_reading(self, k: int, reading: Reading) -> Answer:
        """The answer with another reading of clause `k`."""
        changed = [*self.readings[:k], reading, *self.readings[k + 1 :]]
        return Answer(self.score - self.readings[k].score + reading.score, self.way, changed)


_Bare = Callable[[ClauseReadings, Call, Call], bool]
"""Whether a clause, read as a call, has nothing but values that the call before could take."""


def _never(clause: ClauseReadings, call: Call, before: Call) -> bool:
    return False


def propose_answer(
    ways: Sequence[Way],
    second: Callable[[list[Token], Reading], Reading | None],
    near: Callable[[ClauseReadings, Reading], float] | None,
    words: int,
    unknown: float,
    bare: _Bare = _never,
) -> Proposal:
    """The best answer over all ways to cut an utterance of so many words, and the runners-up.

    `second` gives the best reading with the same intent and other tags; `near`: how near a clause
    is to what is labelled so, None in runs of before; `unknown`: the share of words that training
    did not see; `bare`: whether a reading of a clause says nothing but values that the call before
    could take as well, see `_agree`.
    """
    answers = [answer for way in ways for answer in _answers(way, bare)]
    answers = answers or [answer for way in ways for answer in _answers(way, _never)]
    answers.sort(key=_minus_score)
    best = answers[0]
    calls = best.calls
    clauses = best.way.clauses
    for k, clause in enumerate(clauses):
        other = second(clause.words, best.readings[k])
        if other is not None:
            answers.append(best.with_reading(k, other))
    others: dict[tuple[Call, ...], float] = {}
    for answer in sorted(answers[1:], key=_minus_score):
        other_calls = answer.calls
        if other_calls != calls:
            others.setdefault(other_calls, answer.score)
    ranked = list(others.items())
    if calls == (NONE,):  # the best answer in scope first
        ranked.sort(key=lambda item: item[0] == (NONE,))
    margin = WIDEST_MARGIN
    if others:
        margin = min(WIDEST_MARGIN, best.score - max(others.values()))
    elif len(answers) > 1:  # ways to read the same answer: none of them makes it a sure one
        margin = min(WIDEST_MARGIN, best.score - max(a.score for a in answers[1:]))
    in_scope = min(c.in_scope for c in clauses)
    features: tuple[float, ...] = (
        best.way.cut_lp,
        sum(r.intent_lp for r in best.readings),
        sum(r.tags_lp for r in best.readings),
        sum(r.choices_lp for r in best.readings),
        min(r.intent_lp for r in best.readings),
        margin,
        math.log(words),
        unknown,
        in_scope,
        max(c.disagreement for c in clauses),
        float(len(calls) - 1),
        float(sum(len(c.arguments) for c in calls)),
    )
    if near is not None:
        pairs = zip(clauses, best.readings, strict=True)
        features += (min(c.highest for c in clauses), min(near(c, r) for c, r in pairs))
    if clauses[0].seconded is not None:
        features += (min(c.seconded or 0.0 for c in clauses),)
    usage = Usage(words, sum(1 + len(c.arguments) for c in calls))
    outside = min(1.0, max(0.0, 1 - math.exp(in_scope)))
    return Proposal(calls, features, tuple(ranked[:ALTERNATIVES]), outside, usage)


def _answers(way: Way, bare: _Bare) -> list[Answer]:
    """The best readings together, then each with one clause read otherwise."""
    several = len(way.clauses) > 1
    # none() never stands beside another call.
    options = [[r for r in c.readings if not several or r.call != NONE] for c in way.clauses]
    if several and all(options):
        _agree(options, way.clauses, bare)
    if not all(options):
        return []
    best = [o[0] for o in options]
    first = Answer(way.cut_lp + sum(r.score for r in best), way, best)
    return [first] + [first.with_reading(k, r) for k, o in enumerate(options) for r in o[1:]]


def _agree(options: list[list[Reading]], clauses: Sequence[ClauseReadings], bare: _Bare) -> None:
    """Leaves to a clause of values alone the intent of the clause before: of "cek INV-1 dan INV-2"
    the second asks for what the first does, whatever a network thinks of "INV-2" by itself."""
    for k in range(1, len(clauses)):
        if not options[k - 1]:
            return
        before = options[k - 1][0].call
        options[k] = [
            r
            for r in options[k]
            if r.call.intent == before.intent or not bare(clauses[k], r.call, before)
        ]


def _minus_score(answer: Answer) -> float:
    return -answer.score


def answer_nothing(features: int) -> Proposal:
    """The proposal for an utterance without a word: out of scope, without evidence."""
    return Proposal((NONE,), (0.0,) * features, (), 1.0, Usage())
