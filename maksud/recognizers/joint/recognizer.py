"""The compact recognizer: utterances in, proposals out, in about a millisecond on one core.

    utterance -> words -> features -> clauses -> for each: intent and tags, decoded together

log p(answer) = log p(boundaries) + the sum over clauses of log p(intent | clause)
+ log p(tags | clause, intent) + log p(choices | clause). The best ways to cut, the best intents
of each clause and the second-best tags compete; answers always fit the catalog. numpy alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maksud.errors import RunError
from maksud.language.calls import NONE, OUT_OF_SCOPE, Argument, Call
from maksud.recognizers.contract import Contract
from maksud.recognizers.joint.alignment import place_choices
from maksud.recognizers.joint.decoding import (
    IMPOSSIBLE,
    Floats,
    log_partition,
    log_softmax,
    second_path,
    segmentations,
    spans_of,
    viterbi,
)
from maksud.recognizers.joint.engine import Extractor, Heads, cut_rows, load_weights
from maksud.recognizers.joint.features import Token, tokenize
from maksud.recognizers.recognition import Proposal, Recognizer, Usage

TOP_INTENTS = 3
"""Intents of a clause for which tags are decoded, at most."""

SLACK = 3.0
"""An intent is decoded where with tags of probability 1 it would come so near to the answer
under the best intent (log-probability). One that could win always is."""

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
)
"""What the numbers of `Proposal.features` mean, in order."""

_BATCH = 32
_BATCH_TOKENS = 2048


@dataclass(slots=True)
class _Tags:
    """The best tags of a clause under an intent; `scores` and `forward`, [T, K], find others."""

    intent: int
    tags_lp: float
    path: list[int]
    scores: Floats | None
    forward: Floats | None


@dataclass(slots=True)
class _Reading:
    """One way to read a clause, with the parts of its score."""

    score: float
    intent_lp: float
    tags_lp: float
    choices_lp: float
    call: Call
    tags: _Tags
    chosen: list[Argument]


@dataclass(slots=True)
class _Clause:
    """The readings of a clause, best first, and what they are judged by."""

    words: list[Token]
    readings: list[_Reading]
    in_scope: float
    disagreement: float


def _score(reading: _Reading) -> float:
    return -reading.score


class CompactRecognizer(Recognizer):
    """See the module. Made by `load`."""

    kind = "compact"

    def __init__(
        self,
        name: str,
        contract: Contract,
        content: dict[str, Any],
        tensors: dict[str, Floats],
    ) -> None:
        super().__init__(name, contract)
        self.extractor = Extractor(content["shape"], content["vocabulary"], tensors)
        self.heads = Heads(content["shape"]["members"], tensors)
        self.intents: list[str] = content["intents"]
        self.parameters: list[str] = content["parameters"]
        self.choices: list[tuple[str, list[str]]] = [(p, v) for p, v in content["choices"]]
        self.choices_of: dict[str, list[str]] = content["choices_of"]
        self.joins: bool = content["joins"]
        self.before: dict[str, int] = content["before"]
        self.trims: dict[tuple[str, str], list[str]] = {}
        for parameter, side, affix in content["trims"]:
            self.trims.setdefault((parameter, side), []).append(affix)
        for affixes in self.trims.values():
            affixes.sort(key=len, reverse=True)
        self._fit_catalog()

    @classmethod
    def load(cls, path: str | Path, contract: Contract, name: str) -> CompactRecognizer:
        """The recognizer in a directory that `train_compact` wrote. Raises `RunError`."""
        content, tensors = load_weights(Path(path))
        try:
            return cls(name, contract, content, tensors)
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"weights and joint.json do not fit ({error!r})",
                where=str(path),
                hint="Train it again",
            ) from error

    def _fit_catalog(self) -> None:
        """Masks what the catalog does not allow, so that no answer can break it."""
        catalog = self.contract.catalog
        many = len(self.parameters)
        self.none = self.intents.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in self.intents else -1
        self.intent_mask = np.zeros(len(self.intents), np.float32)
        self.plain = True
        # [I, C]: choices of another intent, and values that the catalog does not list
        width = sum(1 + len(v) for _, v in self.choices)
        self.choice_mask = np.zeros((len(self.intents), width), np.float32)
        for i, name in enumerate(self.intents):
            intent = catalog.get(name)
            if intent is None:
                self.heads.intent_tag[i, 1:] += IMPOSSIBLE
                if i != self.none:
                    self.intent_mask[i] = IMPOSSIBLE
                continue
            for k, parameter in enumerate(self.parameters):
                declared = intent.parameter(parameter)
                if declared is None:
                    self.heads.intent_tag[i, [1 + k, 1 + many + k]] += IMPOSSIBLE
                elif declared.choices or not declared.copied:
                    self.plain = False
            at = 0
            for parameter, values in self.choices:
                for value in values:
                    at += 1
                    call = Call(name, (Argument(parameter, value),))
                    if catalog.violations([call]):
                        self.choice_mask[i, at] = IMPOSSIBLE
                at += 1
        if all(m != 0 for i, m in enumerate(self.intent_mask) if i != self.none):
            raise RunError(
                "the catalog has none of the network's intents",
                hint="Use the contract that the network was trained under",
            )

    # ------------------------------------------------------------ proposals

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        """See `Recognizer.propose`. An utterance of any length and script has an answer."""
        tokens = [tokenize(u) for u in utterances]
        out: list[Proposal | None] = [None if t else _nothing() for t in tokens]
        order = sorted((k for k, t in enumerate(tokens) if t), key=lambda k: len(tokens[k]))
        at = 0
        while at < len(order):
            group = order[at : at + _BATCH]
            while len(group) > 1 and len(group) * len(tokens[group[-1]]) > _BATCH_TOKENS:
                group = group[: len(group) // 2]
            at += len(group)
            made = self._propose([utterances[k] for k in group], [tokens[k] for k in group])
            for k, proposal in zip(group, made, strict=True):
                out[k] = proposal
        return [p for p in out if p is not None]

    def _propose(self, texts: list[str], tokens: list[list[Token]]) -> list[Proposal]:
        h, alone, mask = self.extractor([[t.text for t in row] for row in tokens])
        ways: list[list[tuple[float, tuple[int, ...]]]] = [[(0.0, ())] for _ in texts]
        if self.joins:
            odds = self.heads.boundaries(h)
            ways = [segmentations(odds[b, : len(row)]) for b, row in enumerate(tokens)]
        rows: dict[tuple[int, int, int], int] = {}
        for b, options in enumerate(ways):
            for _, cuts in options:
                edges = [0, *cuts, len(tokens[b])]
                for i, j in zip(edges, edges[1:], strict=False):
                    rows.setdefault((b, i, j), len(rows))
        if len(rows) > len(texts):
            size = max(j - i for _, i, j in rows)
            spans = list(rows)
            ones = np.broadcast_to(mask[None], (1, *mask.shape))
            h, alone = cut_rows(h, spans, size), cut_rows(alone, spans, size)
            mask = cut_rows(ones, spans, size)[0]
        clauses = self._read(texts, tokens, list(rows), h, alone, mask)
        out = []
        for b, text in enumerate(texts):
            read = []
            for cut_lp, cuts in ways[b]:
                edges = [0, *cuts, len(tokens[b])]
                parts = [clauses[rows[b, i, j]] for i, j in zip(edges, edges[1:], strict=False)]
                read.append((cut_lp, parts))
            out.append(self._answer(text, tokens[b], read))
        return out

    def _read(
        self,
        texts: list[str],
        tokens: list[list[Token]],
        spans: list[tuple[int, int, int]],
        h: Floats,
        alone: Floats,
        mask: Floats,
    ) -> list[_Clause]:
        """The readings of each clause (utterance, first token, token after the last)."""
        members, tags, choices = self.heads(h, alone, mask)
        mean = np.add.reduce(members, 0) / np.float32(len(members))
        lp = log_softmax(mean + self.intent_mask)
        each = log_softmax(members)
        lengths = [j - i for _, i, j in spans]
        order = np.argsort(-lp, 1, kind="stable")[:, : TOP_INTENTS + (self.none >= 0)].tolist()
        rows = lp.tolist()
        first = [(s, row[0]) for s, row in enumerate(order)]
        decoded = [[d] for d in self._decode(first, tags, mask, lengths)]
        # Tags can only lower the score of another intent: few have a chance.
        more = []
        for s, row in enumerate(order):
            chosen_lp = self._choose(row[0], None if choices is None else choices[s])[1]
            floor = rows[s][row[0]] + decoded[s][0].tags_lp + chosen_lp - SLACK
            more += [(s, i) for i in row[1:] if rows[s][i] > floor]
            if row[0] == self.none and len(row) > 1 and rows[s][row[1]] <= floor:
                more.append((s, row[1]))  # one in scope always
        if more:
            for (s, _), d in zip(more, self._decode(more, tags, mask, lengths), strict=True):
                decoded[s].append(d)
        out = []
        for s, (b, i, j) in enumerate(spans):
            words = tokens[b][i:j]
            choice = None if choices is None else choices[s]
            readings: list[_Reading] = []
            for d in decoded[s]:
                intent_lp = rows[s][d.intent]
                if intent_lp < -1000 and readings:
                    continue
                chosen, chosen_lp = self._choose(d.intent, choice)
                call = self._call(texts[b], words, d.intent, d.path, chosen)
                whole = intent_lp + d.tags_lp + chosen_lp
                readings.append(_Reading(whole, intent_lp, d.tags_lp, chosen_lp, call, d, chosen))
            readings.sort(key=_score)
            best = readings[0].tags.intent
            inside = [rows[s][i] for i in order[s] if i != self.none]
            spread = rows[s][best] - min(each[:, s, best].tolist())
            out.append(_Clause(words, readings, max(inside, default=0.0), spread))
        return out

    def _decode(
        self,
        pairs: list[tuple[int, int]],
        tags: Floats,
        mask: Floats,
        lengths: list[int],
    ) -> list[_Tags]:
        """The best tags of each (clause, intent)."""
        many = len(self.parameters)
        if not many:
            return [_Tags(intent, 0.0, [], None, None) for _, intent in pairs]
        clauses, intents = map(list, zip(*pairs, strict=True))
        scores = tags[clauses]
        scores += self.heads.intent_tag[intents][:, None]
        if min(lengths) < tags.shape[1]:
            padding = np.full(1 + 2 * many, IMPOSSIBLE, np.float32)
            padding[0] = 0
            scores = np.where(mask[clauses] > 0, scores, padding)
        paths, forward = viterbi(scores)
        lp = (np.maximum.reduce(forward[:, -1], 1) - log_partition(scores)).tolist()
        out = []
        for k, (clause, intent) in enumerate(pairs):
            size = lengths[clause]
            out.append(_Tags(intent, lp[k], paths[k][:size], scores[k, :size], forward[k, :size]))
        return out

    def _second(self, text: str, words: list[Token], best: _Reading) -> _Reading | None:
        """The best reading with the same intent and other tags."""
        tags = best.tags
        if tags.scores is None or tags.forward is None:
            return None
        found = second_path(tags.scores, tags.forward, tags.path)
        if found is None:
            return None
        path, score = found
        lp = best.tags_lp + score - float(tags.forward[-1].max())
        call = self._call(text, words, tags.intent, path, best.chosen)
        whole = best.score - best.tags_lp + lp
        return _Reading(whole, best.intent_lp, lp, best.choices_lp, call, tags, best.chosen)

    def _choose(self, intent: int, scores: Floats | None) -> tuple[list[Argument], float]:
        """The chosen values of an intent's parameters and their log-probability."""
        name = self.intents[intent]
        wanted = self.choices_of.get(name)
        if scores is None or not wanted:
            return [], 0.0
        chosen, total, at = [], 0.0, 0
        masked = scores + self.choice_mask[intent]
        for parameter, values in self.choices:
            block = masked[at : at + 1 + len(values)]
            at += 1 + len(values)
            if parameter in wanted:
                lp = log_softmax(block)
                k = int(lp.argmax())
                total += float(lp[k])
                if k:
                    chosen.append(Argument(parameter, values[k - 1]))
        return chosen, total

    def _call(
        self,
        text: str,
        words: list[Token],
        intent: int,
        path: Iterable[int],
        chosen: list[Argument],
    ) -> Call:
        name = self.intents[intent]
        if intent == self.none:
            return NONE
        arguments = []
        for first, last, k in spans_of(path, len(self.parameters)):
            parameter = self.parameters[k]
            value = self._value(text, parameter, words[first], words[last - 1])
            arguments.append(Argument(parameter, value))
        if chosen:
            given = {a.name for a in arguments}
            chosen = [a for a in chosen if a.name not in given]
            arguments = list(place_choices(name, arguments, chosen, self.before))
        if not self.plain:
            arguments = self._valid(name, arguments, text)
        return Call(name, tuple(arguments))

    def _value(self, text: str, parameter: str, first: Token, last: Token) -> str:
        """The text from `first` to `last`, without affixes that training saw cut off."""
        start, end = first.start, last.end
        for affix in self.trims.get((parameter, "<"), ()):
            if text[start:end].lower().startswith(affix) and len(affix) < end - start:
                start += len(affix)
                break
        for affix in self.trims.get((parameter, ">"), ()):
            if text[start:end].lower().endswith(affix) and len(affix) < end - start:
                end -= len(affix)
                break
        return text[start:end].strip()

    def _valid(self, intent: str, arguments: list[Argument], text: str) -> list[Argument]:
        """Arguments that the catalog allows; a listed value is written as the catalog does."""
        catalog = self.contract.catalog
        declared = catalog.get(intent)
        kept = []
        for a in arguments:
            parameter = declared.parameter(a.name or "") if declared else None
            if parameter is not None and parameter.choices:
                same = [v for v in parameter.choices if v.casefold() == a.value.casefold()]
                if same and a.value not in same:
                    a = Argument(a.name, same[0])
            if not catalog.violations([Call(intent, (a,))], text):
                kept.append(a)
        return kept

    def _answer(
        self, text: str, tokens: list[Token], ways: list[tuple[float, list[_Clause]]]
    ) -> Proposal:
        """The best answer over all ways to cut the utterance, and the runners-up."""
        answers: list[tuple[float, float, list[_Reading], list[_Clause]]] = []
        for cut_lp, parts in ways:
            # none() never stands beside another call.
            options = [[r for r in c.readings if len(parts) == 1 or r.call != NONE] for c in parts]
            if not all(options):
                continue
            best = [o[0] for o in options]
            base = cut_lp + sum(r.score for r in best)
            answers.append((base, cut_lp, best, parts))
            for k, option in enumerate(options):
                for r in option[1:]:
                    changed = [*best[:k], r, *best[k + 1 :]]
                    answers.append((base - best[k].score + r.score, cut_lp, changed, parts))
        answers.sort(key=lambda a: -a[0])
        score, cut_lp, best, parts = answers[0]
        calls = tuple(r.call for r in best)
        for k, clause in enumerate(parts):
            other = self._second(text, clause.words, best[k])
            if other is not None:
                changed = [*best[:k], other, *best[k + 1 :]]
                answers.append((score - best[k].score + other.score, cut_lp, changed, parts))
        answers[1:] = sorted(answers[1:], key=lambda a: -a[0])
        others: dict[tuple[Call, ...], float] = {}
        for total, _, option, _ in answers[1:]:
            answer = tuple(r.call for r in option)
            if answer != calls:
                others.setdefault(answer, total)
        ranked = list(others.items())
        if calls == (NONE,):  # the best answer in scope first
            ranked.sort(key=lambda item: item[0] == (NONE,))
        margin = min(20.0, score - max(others.values())) if others else 20.0
        in_scope = min(c.in_scope for c in parts)
        unknown = sum(not self.extractor.known(t.text) for t in tokens) / len(tokens)
        features = (
            cut_lp,
            sum(r.intent_lp for r in best),
            sum(r.tags_lp for r in best),
            sum(r.choices_lp for r in best),
            min(r.intent_lp for r in best),
            margin,
            math.log(len(tokens)),
            unknown,
            in_scope,
            max(c.disagreement for c in parts),
            float(len(best) - 1),
            float(sum(len(c.arguments) for c in calls)),
        )
        usage = Usage(len(tokens), sum(1 + len(c.arguments) for c in calls))
        outside = min(1.0, max(0.0, 1 - math.exp(in_scope)))
        return Proposal(calls, features, tuple(ranked[:3]), outside, usage)


def _nothing() -> Proposal:
    """The proposal for an utterance without a word: out of scope, without evidence."""
    return Proposal((NONE,), (0.0,) * len(FEATURES), (), 1.0, Usage())
