"""What a trained joint network thinks of a given answer, beside the one that it would give.

For each call of the answer, in the clause that asks for it: log p of its intent and of the
likeliest other one, log p of its arguments and of the best ones under the same intent. Where an
answer has several calls, the utterance is cut between its values, wherever the network likes
it best. Says nothing of right or wrong: `label_errors` draws the conclusions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maksud.data.dataset import Example
from maksud.language.calls import Call, format_calls
from maksud.recognizers.joint.alignment import build_corpus
from maksud.recognizers.joint.corpus import Span
from maksud.recognizers.joint.decoding import (
    IMPOSSIBLE,
    Floats,
    Ints,
    Segment,
    best_paths,
    log_partition,
    log_softmax,
    path_scores,
    segments_of,
)
from maksud.recognizers.joint.engine import cut_segments
from maksud.recognizers.joint.recognizer import JointRecognizer
from maksud.recognizers.joint.tokens import Token, batches, tokenize


@dataclass(frozen=True, slots=True)
class CallScore:
    """One call of a given answer; log-probabilities are natural logarithms.

    `other`: the best call of the likeliest other intent, None where there is none. `best`: the
    best call with the given intent. `arguments_lp` and `best_lp`: log p(arguments | clause,
    intent) of the given arguments and of the best ones; the former is None where the network
    can't say (a value that neither stands in the utterance nor is a known choice).
    """

    given: Call
    intent_lp: float
    other: Call | None
    other_lp: float
    arguments_lp: float | None
    best: Call
    best_lp: float


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """A given answer under the network; `reason` says why there is none, `calls` is empty then.

    `cut_lp`: log p(boundaries) of the cut into the given number of calls. `proposed`: the
    network's own answer, with log p of its boundaries and the sum of its log p(intent).
    """

    calls: tuple[CallScore, ...] = ()
    cut_lp: float = 0.0
    proposed: tuple[Call, ...] = ()
    proposed_cut_lp: float = 0.0
    proposed_intents_lp: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Placed:
    """The calls of an answer with their values in the utterance.

    `spans` and `choices` of each call; both None where not every value has a place.
    """

    calls: tuple[Call, ...]
    spans: list[list[Span]] | None
    choices: list[dict[str, str]] | None


class Scorer:
    """Scores answers with the network of a recognizer."""

    def __init__(self, recognizer: JointRecognizer) -> None:
        self.recognizer = recognizer
        self.parameters = recognizer.parameters

    def score(self, examples: Sequence[Example]) -> list[AnswerScore]:
        """The score of each example's own answer, in order.

        The answers must parse and fit the catalog.
        """
        out = [AnswerScore(reason="an utterance without a word")] * len(examples)
        tokens = [tokenize(e.instruction) for e in examples]
        for group in batches(tokens):
            made = self._score([examples[k] for k in group], [tokens[k] for k in group])
            for k, score in zip(group, made, strict=True):
                out[k] = score
        return out

    def _score(self, examples: list[Example], tokens: list[list[Token]]) -> list[AnswerScore]:
        recognizer = self.recognizer
        h, alone, mask = recognizer.extractor([[t.text for t in row] for row in tokens])
        odds = recognizer.heads.boundaries(h, mask) if recognizer.joins else None
        out = [AnswerScore()] * len(examples)
        clauses: list[Segment] = []
        wanted: list[tuple[int, _Placed, float]] = []
        for b, example in enumerate(examples):
            placed = self._place(example)
            if isinstance(placed, str):
                out[b] = AnswerScore(reason=placed)
                continue
            cut = _cut(placed, len(tokens[b]), None if odds is None else odds[b])
            if cut is None:
                out[b] = AnswerScore(reason="several calls that can't be told apart")
                continue
            cut_lp, edges = cut
            wanted.append((b, placed, cut_lp))
            clauses += segments_of(b, edges)
        if not clauses:
            return out
        if len(clauses) != len(tokens) or len(wanted) != len(tokens):
            h, alone, mask = cut_segments(h, alone, mask, clauses)
        answers = [(call, k, p) for _, p, _ in wanted for k, call in enumerate(p.calls)]
        texts = [examples[c.utterance].instruction for c in clauses]
        words = [tokens[c.utterance][c.start : c.stop] for c in clauses]
        starts = [c.start for c in clauses]
        scores = self._score_calls(answers, texts, words, starts, h, alone, mask)
        proposals = []
        if recognizer.joins:
            proposals = recognizer.propose([examples[b].instruction for b, _, _ in wanted])
        at = 0
        for n, (b, placed, cut_lp) in enumerate(wanted):
            calls = tuple(scores[at : at + len(placed.calls)])
            at += len(placed.calls)
            if not recognizer.joins:
                out[b] = AnswerScore(calls)
                continue
            features = dict(zip(recognizer.features, proposals[n].features, strict=True))
            out[b] = AnswerScore(
                calls,
                cut_lp,
                proposals[n].calls,
                features["log p(boundaries)"],
                features["log p(intents)"],
            )
        return out

    def _place(self, example: Example) -> _Placed | str:
        """Where the values of the answer stand, or why that is not of use."""
        catalog = self.recognizer.contract.catalog
        calls = catalog.name_arguments(example.calls)
        if any(c.intent not in self.recognizer.intents for c in calls):
            return "an intent that no other rows have"
        # Values are placed as if all belonged to one call: the search goes on from left to right.
        whole = Call(calls[0].intent, tuple(a for c in calls for a in c.arguments))
        corpus = build_corpus([Example(example.instruction, format_calls([whole]))], catalog)
        clause = corpus.clauses[0]
        if not clause.tagged:
            return _Placed(calls, None, None)
        spans, choices, at = [], [], 0
        for call in calls:
            chosen = {
                a.name: a.value
                for a in call.arguments
                if a.name is not None and clause.choices.get(a.name) == a.value
            }
            names = Counter(a.name for a in call.arguments if chosen.get(a.name or "") != a.value)
            own = clause.spans[at : at + names.total()]
            at += names.total()
            if Counter(p for _, _, p in own) != names:
                if len(calls) == 1:  # a parameter twice, with values that are not in the text
                    return _Placed(calls, None, None)
                return "several calls whose values interleave"
            spans.append(own)
            choices.append(chosen)
        return _Placed(calls, spans, choices)

    def _score_calls(
        self,
        answers: Sequence[tuple[Call, int, _Placed]],
        texts: list[str],
        words: list[list[Token]],
        starts: list[int],
        h: Floats,
        alone: Floats,
        mask: Floats,
    ) -> list[CallScore]:
        """The score of each clause's call: S answers; features [M, S, T, D]; mask [S, T, 1]."""
        recognizer = self.recognizer
        members, tags, choices = recognizer.heads(h, alone, mask)
        said = [[t.text for t in row] for row in words]
        vectors = recognizer.pool(h, mask)
        lp, *_ = recognizer.judge_intents(members.mean(0), said, vectors=vectors)
        number, many = len(lp), len(self.parameters)
        at = np.arange(number)
        given = np.array([recognizer.intents.index(c.intent) for c, _, _ in answers])
        rest = lp.copy()
        rest[at, given] = 2 * IMPOSSIBLE
        both = np.stack([given, rest.argmax(1)], 1)
        size = mask.shape[1]
        paths = np.zeros((number, 2, size), np.int64)
        paths_lp = np.zeros((number, 2), np.float32)
        gold_lp: list[float | None] = [0.0] * number
        if many:
            scores = tags[:, None] + recognizer.heads.intent_tag[both][:, :, None]
            padding = np.full(1 + 2 * many, IMPOSSIBLE, np.float32)
            padding[0] = 0
            scores = np.where(mask[:, None] > 0, scores, padding)
            flat = scores.reshape(2 * number, size, -1)
            found = best_paths(flat)
            z = log_partition(flat)
            paths_lp = (path_scores(flat, found) - z).reshape(number, 2)
            paths = found.reshape(number, 2, size)
            gold, known = self._gold_paths(answers, starts, size)
            gold_scores = path_scores(scores[:, 0], gold) - z.reshape(number, 2)[:, 0]
            gold_lp = [float(g) if k else None for g, k in zip(gold_scores, known, strict=True)]
        out = []
        for s, (call, k, placed) in enumerate(answers):
            row = None if choices is None else choices[s]
            made = []
            for r in (0, 1):
                intent = int(both[s, r])
                chosen, chosen_lp = recognizer.choose(intent, row)
                path = paths[s, r, : len(words[s])]
                best = recognizer.write_call(texts[s], words[s], intent, path, chosen)
                made.append((best, float(paths_lp[s, r]) + chosen_lp))
            arguments_lp = gold_lp[s]
            if placed.choices is None:
                arguments_lp = None
            elif arguments_lp is not None:
                chosen_gold = self._choices_lp(int(given[s]), row, placed.choices[k])
                arguments_lp = None if chosen_gold is None else arguments_lp + chosen_gold
            other_lp = float(rest[s].max())
            out.append(
                CallScore(
                    given=call,
                    intent_lp=float(lp[s, given[s]]),
                    other=made[1][0] if other_lp > IMPOSSIBLE / 2 else None,
                    other_lp=other_lp,
                    arguments_lp=arguments_lp,
                    best=made[0][0],
                    best_lp=made[0][1],
                )
            )
        return out

    def _gold_paths(
        self, answers: Sequence[tuple[Call, int, _Placed]], starts: list[int], size: int
    ) -> tuple[Ints, list[bool]]:
        """(the given tags [S, T], whether the network knows them)."""
        many = len(self.parameters)
        index = {p: i for i, p in enumerate(self.parameters)}
        paths = np.zeros((len(answers), size), np.int64)
        known = []
        for s, (_, k, placed) in enumerate(answers):
            spans = placed.spans[k] if placed.spans is not None else []
            known.append(all(p in index for _, _, p in spans))
            for i, j, p in spans:
                if p in index:
                    paths[s, i - starts[s]] = 1 + index[p]
                    paths[s, i - starts[s] + 1 : j - starts[s]] = 1 + many + index[p]
        return paths, known

    def _choices_lp(
        self, intent: int, scores: Floats | None, given: dict[str, str]
    ) -> float | None:
        """log p(the given choices | clause, intent); None for a value that was never seen."""
        recognizer = self.recognizer
        wanted = recognizer.choices_of.get(recognizer.intents[intent], [])
        if not set(given) <= set(wanted):
            return None
        if scores is None or not wanted:
            return 0.0
        total = 0.0
        masked = scores + recognizer.choice_mask[intent]
        for choice in recognizer.choices:
            if choice.parameter not in wanted:
                continue
            value = given.get(choice.parameter)
            if value is not None and value not in choice.values:
                return None
            lp = log_softmax(masked[choice.start : choice.stop])
            total += float(lp[choice.place_of(value)])
        return total


def _cut(placed: _Placed, size: int, odds: Floats | None) -> tuple[float, list[int]] | None:
    """(log p(boundaries), where clauses begin and the last ends) with a clause for each call.

    The cut that the network likes best of those that divide no call's values. None where there
    is none, or the network has never seen several calls.
    """
    number = len(placed.calls)
    if odds is None:
        return (0.0, [0, size]) if number == 1 else None
    low, high = [1] * number, [size - 1] * number  # where clause k may begin
    spans = placed.spans or [[] for _ in placed.calls]
    for k in range(1, number):
        low[k] = max([low[k - 1], *(j for _, j, _ in spans[k - 1])])
    for k in reversed(range(1, number)):
        after = high[k + 1] if k + 1 < number else size - 1
        high[k] = min([after, *(i for i, _, _ in spans[k])])
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for k in range(1, number):
        following = {}
        for t in range(low[k], high[k] + 1):
            before = [best[s] for s in best if s < t]
            if before:
                score, cuts = max(before)
                following[t] = (score + float(odds[t]), (*cuts, t))
        best = following
    if not best:
        return None
    score, cuts = max(best.values())
    nowhere = -float(np.logaddexp(np.float32(0), odds[1:size]).sum()) if size > 1 else 0.0
    return min(0.0, nowhere + score), [0, *cuts, size]
