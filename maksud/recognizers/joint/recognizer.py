"""A joint network as a recognizer: utterances in, proposals out, numpy alone.

    utterance -> words -> features -> clauses -> for each: intent and tags, decoded together

log p(answer) = log p(boundaries) + the sum over clauses of log p(intent | clause)
+ log p(tags | clause, intent) + log p(choices | clause). The best ways to cut, the best intents
of each clause and the second-best tags compete; answers always fit the catalog.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from maksud.errors import RunError
from maksud.language.calls import NONE, OUT_OF_SCOPE, Argument, Call
from maksud.recognizers.contract import Contract
from maksud.recognizers.joint.additions import Additions, extend_tags, find_values, stand_beside
from maksud.recognizers.joint.answers import (
    FEATURES,
    SCOPE,
    ClauseReadings,
    Reading,
    Tagging,
    Way,
    answer_nothing,
    name_features,
    propose_answer,
)
from maksud.recognizers.joint.arguments import CallWriter
from maksud.recognizers.joint.choices import lay_out, width_of
from maksud.recognizers.joint.decoding import (
    IMPOSSIBLE,
    Floats,
    Segment,
    best_once,
    log_partition,
    log_softmax,
    repetition,
    second_path,
    segmentations,
    segments_of,
    spans_of,
    viterbi,
)
from maksud.recognizers.joint.ellipsis import is_elliptic
from maksud.recognizers.joint.engine import Extractor, Scores, cut_segments
from maksud.recognizers.joint.framed import Framed, weigh_none
from maksud.recognizers.joint.holding import Held
from maksud.recognizers.joint.linear import Linear, add_opinion
from maksud.recognizers.joint.nearness import Nearness
from maksud.recognizers.joint.tokens import MAX_TOKENS, Token, batches, tokenize
from maksud.recognizers.negation import Negation
from maksud.recognizers.recognition import Proposal, Recognizer

TOP_INTENTS = 3
"""Intents of a clause for which tags are decoded, at most."""

SLACK = 3.0
"""An intent is decoded where with tags of probability 1 it would come so near to the answer
under the best intent (log-probability). One that could win always is."""


def _minus_score(reading: Reading) -> float:
    return -reading.score


class JointRecognizer(Recognizer):
    """Heads on an extractor, under a contract; `content`: what joint.json says of the heads.

    Raises `RunError` where the contract's catalog has none of the network's intents. Each kind
    of joint network adds its name, its extractor and how it is loaded.
    """

    def __init__(
        self,
        name: str,
        contract: Contract,
        content: dict[str, Any],
        extractor: Extractor,
        heads: Scores,
        nearness: object | None = None,
        linear: Linear | None = None,
        added: Additions | None = None,
        framed: Framed | None = None,
    ) -> None:
        super().__init__(name, contract)
        self.added = added
        self.extractor = extractor
        self.heads = heads
        self.nearness = nearness
        self.linear = linear
        self.framed = framed
        self.features = name_features(near=nearness is not None, linear=linear is not None)
        known = self.features
        self.scope_features = tuple(known.index(name) for name in SCOPE if name in known)
        self.trained = len(content["intents"])
        self.intents: list[str] = [*content["intents"], *(added.names if added else ())]
        self.parameters: list[str] = content["parameters"]
        self.choices = lay_out(content["choices"])
        self.negation = Negation.from_json(content.get("negation"))
        self.choices_of: dict[str, list[str]] = content["choices_of"]
        self.joins: bool = content["joins"]
        self.writer = CallWriter(
            contract.catalog,
            self.intents,
            self.parameters,
            content["trims"],
            content["before"],
            extractor.known,
        )
        self._fit_catalog()

    def _fit_catalog(self) -> None:
        """Masks what the catalog does not allow, so that no answer can break it."""
        catalog = self.contract.catalog
        many = len(self.parameters)
        self.heads.intent_tag = extend_tags(
            self.heads.intent_tag, self.intents, self.parameters, catalog
        )
        self.none = self.intents.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in self.intents else -1
        known = [catalog.get(name) for name in self.intents]
        # [I][P]: whether a parameter of an intent may stand several times
        self.many = [
            [bool(i and (p := i.parameter(name)) and p.many) for name in self.parameters]
            for i in known
        ]
        self.intent_mask = np.zeros(len(self.intents), np.float32)
        # [I, C]: choices of another intent, and values that the catalog does not list
        self.choice_mask = np.zeros((len(self.intents), width_of(self.choices)), np.float32)
        for i, name in enumerate(self.intents):
            intent = catalog.get(name)
            if intent is None:
                self.heads.intent_tag[i, 1:] += IMPOSSIBLE
                if i != self.none:
                    self.intent_mask[i] = IMPOSSIBLE
                continue
            for k, parameter in enumerate(self.parameters):
                if intent.parameter(parameter) is None:
                    self.heads.intent_tag[i, [1 + k, 1 + many + k]] += IMPOSSIBLE
            for choice in self.choices:
                declared = intent.parameter(choice.parameter)
                for at, value in enumerate(choice.values, start=choice.start + 1):
                    if declared is None or not declared.accepts(value):
                        self.choice_mask[i, at] = IMPOSSIBLE
        if all(m != 0 for i, m in enumerate(self.intent_mask) if i != self.none):
            raise RunError(
                "the catalog has none of the network's intents",
                hint="Use the contract that the network was trained under",
            )

    # ------------------------------------------------------------ proposals

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        """See `Recognizer.propose`. An utterance of any length and script has an answer."""
        return self.propose_without(utterances, None)

    def propose_without(
        self, utterances: Sequence[str], unknown: Sequence[Collection[str]] | None
    ) -> list[Proposal]:
        """The same, as if some intents of each utterance were not known: see `Recognizer`."""
        held = None if unknown is None else Held.without(unknown, self.intents)
        return self._propose_left(utterances, held)

    def propose_within(
        self, utterances: Sequence[str], allowed: Sequence[Collection[str] | None]
    ) -> list[Proposal]:
        """See `Recognizer.propose_within`."""
        return self._propose_left(utterances, Held.within(allowed, self.intents))

    def _propose_left(self, utterances: Sequence[str], held: Held | None) -> list[Proposal]:
        """The proposals; nothing for an utterance to which no intent is left."""
        if held is None:
            return self._propose_all(utterances, None)
        inside = np.arange(len(self.intents)) != self.none
        left = (~held.closed & (self.intent_mask == 0) & inside).any(1)
        some = [u for u, has in zip(utterances, left, strict=True) if has]
        made = iter(self._propose_all(some, held.of(left)))
        return [next(made) if has else self._nothing for has in left]

    @property
    def _nothing(self) -> Proposal:
        return answer_nothing(len(self.features))

    def _propose_all(self, utterances: Sequence[str], held: Held | None) -> list[Proposal]:
        found = [tokenize(u, MAX_TOKENS + 1) for u in utterances]
        tokens = [t[:MAX_TOKENS] for t in found]
        out: list[Proposal | None] = [None if t else self._nothing for t in tokens]
        for group in batches(tokens):
            own = None if held is None else held.of(group)
            made = self._propose([utterances[k] for k in group], [tokens[k] for k in group], own)
            for k, proposal in zip(group, made, strict=True):
                longer = len(found[k]) > MAX_TOKENS
                out[k] = replace(proposal, truncated=True) if longer else proposal
        return [p for p in out if p is not None]

    def _propose(
        self, texts: list[str], tokens: list[list[Token]], held: Held | None
    ) -> list[Proposal]:
        h, alone, mask = self.extractor([[t.text for t in row] for row in tokens])
        cuts: list[list[tuple[float, tuple[int, ...]]]] = [[(0.0, ())] for _ in texts]
        if self.joins:
            odds = self.heads.boundaries(h, mask)
            cuts = [segmentations(odds[b, : len(row)]) for b, row in enumerate(tokens)]
        ways = [
            [(lp, segments_of(b, [0, *at, len(tokens[b])])) for lp, at in options]
            for b, options in enumerate(cuts)
        ]
        # Ways to cut have clauses in common: each is read once.
        segments = list({s: None for options in ways for _, parts in options for s in parts})
        if len(segments) > len(texts):
            h, alone, mask = cut_segments(h, alone, mask, segments)
        read = self._read(texts, tokens, segments, h, alone, mask, held)
        clauses = dict(zip(segments, read, strict=True))
        near = None if self.nearness is None else self._near
        out = []
        for text, row, options in zip(texts, tokens, ways, strict=True):

            def second(words: list[Token], best: Reading, text: str = text) -> Reading | None:
                return self._second(text, words, best)

            unknown = sum(not self.extractor.known(t.text) for t in row) / len(row)
            whole = [Way(lp, [clauses[s] for s in parts]) for lp, parts in options]
            bare = partial(is_elliptic, self.contract, text)
            out.append(propose_answer(whole, second, near, len(row), unknown, bare))
        return out

    def _read(
        self,
        texts: list[str],
        tokens: list[list[Token]],
        segments: list[Segment],
        h: Floats,
        alone: Floats,
        mask: Floats,
        held: Held | None,
    ) -> list[ClauseReadings]:
        """The readings of each clause: features [M, S, T, D]; mask [S, T, 1]."""
        members, tags, choices = self.heads(h, alone, mask)
        if held is not None:
            held = held.of([s.utterance for s in segments])
            members += held.masks[:, : self.trained]
        mean = np.add.reduce(members, 0) / np.float32(len(members))
        said = [[t.text for t in tokens[s.utterance][s.start : s.stop]] for s in segments]
        vectors = self.pool(h, mask)
        apart = vectors
        if self.added is not None and len(segments) > len(texts):
            # Labelled clauses were read alone: what stands beside one must not make it look new.
            apart = self.pool(*self.extractor(said)[::2])
        lp, seconds, doubt = self.judge_intents(mean, said, held, apart)
        each = log_softmax(members)
        lengths = [s.stop - s.start for s in segments]
        order = np.argsort(-lp, 1, kind="stable")[:, : TOP_INTENTS + (self.none >= 0)].tolist()
        rows = lp.tolist()
        first = [(s, row[0]) for s, row in enumerate(order)]
        decoded = [[d] for d in self._decode(first, tags, mask, lengths)]
        # Tags can only lower the score of another intent: few have a chance.
        more = []
        for s, row in enumerate(order):
            chosen_lp = self.choose(row[0], None if choices is None else choices[s])[1]
            floor = rows[s][row[0]] + decoded[s][0].tags_lp + chosen_lp - SLACK
            more += [(s, i) for i in row[1:] if rows[s][i] > floor]
            if row[0] == self.none and len(row) > 1 and rows[s][row[1]] <= floor:
                more.append((s, row[1]))  # one in scope always
        if more:
            for (s, _), d in zip(more, self._decode(more, tags, mask, lengths), strict=True):
                decoded[s].append(d)
        out = []
        for s, segment in enumerate(segments):
            text = texts[segment.utterance]
            words = tokens[segment.utterance][segment.start : segment.stop]
            choice = None if choices is None else choices[s]
            readings: list[Reading] = []
            for d in decoded[s]:
                intent_lp = rows[s][d.intent]
                if intent_lp < -1000 and readings:
                    continue
                chosen, chosen_lp = self.choose(d.intent, choice)
                call = self.write_call(text, words, d.intent, d.path, chosen)
                whole = intent_lp + d.tags_lp + chosen_lp
                readings.append(Reading(whole, intent_lp, d.tags_lp, chosen_lp, call, d, chosen))
            readings.sort(key=_minus_score)
            best = readings[0].tags.intent
            inside = [rows[s][i] for i in order[s] if i != self.none]
            scope = max(inside, default=0.0) + doubt[s]
            seconded = None if seconds is None else 0.0
            if best < self.trained:
                spread = rows[s][best] - min(each[:, s, best].tolist())
                highest = float(mean[s, best])
                if seconds is not None and best != self.none:
                    seconded = float(seconds[s, best])
            else:  # neither network nor linear member has an opinion of it
                spread, highest = self._usual(9), self._usual(12)
                seconded = None if seconds is None else self._usual(14)
            vector = None if vectors is None else vectors[s]
            found = ClauseReadings(words, readings, scope, spread, highest, seconded, vector)
            out.append(found)
        return out

    def judge_intents(
        self,
        scores: Floats,
        clauses: list[list[str]],
        held: Held | None = None,
        vectors: Floats | None = None,
    ) -> tuple[Floats, Floats | None, list[float]]:
        """(log p(intent) of each clause, [S, I]; that of the linear member alone; doubt of scope).

        The doubt, at most 0, is added to log p(in scope): a vetoed `none()` is doubt.

        `scores`: the network's, of the intents that it was trained for; `clauses`: their words;
        `vectors` [S, .]: what `pool` gives.
        """
        mask = self.intent_mask if held is None else self.intent_mask + held.masks
        trained = mask[..., : self.trained]
        scores = scores + self.intent_mask[: self.trained]
        doubt = weigh_none(scores, clauses, self.none, self.negation, self.framed)
        lp, seconds = log_softmax(scores), None
        if self.linear is not None:
            seconds = self.linear.log_probabilities(clauses, trained)
            lp = add_opinion(lp, seconds, self.linear.share, self.none)
        if self.added is not None:
            assert vectors is not None
            lp = stand_beside(
                lp, self.added, vectors, mask, self.negation, clauses, self.trained, self.none
            )
        return (lp if held is None else held.give(lp, self.none)), seconds, doubt

    def _decode(
        self,
        pairs: list[tuple[int, int]],
        tags: Floats,
        mask: Floats,
        lengths: list[int],
    ) -> list[Tagging]:
        """The best tags of each (clause, intent)."""
        many = len(self.parameters)
        if not many:
            return [Tagging(intent, 0.0, [], None, None) for _, intent in pairs]
        clauses, intents = map(list, zip(*pairs, strict=True))
        # In 64 bits: the log-odds of what is nearly sure are of the last digits of a difference of
        # two long sums, and with fewer they would depend on what else is read at once.
        scores: Any = tags[clauses].astype(np.float64)
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
            tagging = Tagging(intent, lp[k], paths[k][:size], scores[k, :size], forward[k, :size])
            if repetition(tagging.path, self.many[intent]) is not None:
                tagging = self._once(tagging)
            out.append(tagging)
        return out

    def _once(self, tagging: Tagging) -> Tagging:
        """The best tags under which each parameter stands once, unless the catalog says many."""
        assert tagging.scores is not None and tagging.forward is not None
        path, scores, forward = best_once(tagging.scores, self.many[tagging.intent])
        less = float(forward[-1].max()) - float(tagging.forward[-1].max())
        return Tagging(tagging.intent, tagging.tags_lp + less, path, scores, forward)

    def pool(self, h: Floats, mask: Floats) -> Floats | None:
        """A vector for each clause [S, .] that says what it means, where a kind has such."""
        return None

    def _near(self, clause: ClauseReadings, reading: Reading) -> float:
        """How near a clause is to what is labelled as the reading has it, at most 1."""
        assert isinstance(self.nearness, Nearness)
        tags = reading.tags
        values = [
            (first, last, self.parameters[k])
            for first, last, k in spans_of(tags.path, len(self.parameters))
        ]
        return self.nearness(tags.intent, [t.text for t in clause.words], values)

    def _second(self, text: str, words: list[Token], best: Reading) -> Reading | None:
        """The best reading with the same intent and other tags."""
        tags = best.tags
        if tags.scores is None or tags.forward is None:
            return None
        found = second_path(tags.scores, tags.forward, tags.path)
        if found is None:
            return None
        path, score = found
        if repetition(path, self.many[tags.intent]) is not None:
            at = next(t for t, tag in enumerate(path) if tag != tags.path[t])
            scores = tags.scores.copy()
            scores[at, np.arange(scores.shape[1]) != path[at]] = IMPOSSIBLE
            path, _, forward = best_once(scores, self.many[tags.intent])
            score = float(forward[-1].max())
            if score < tags.forward[-1].max() + IMPOSSIBLE / 2:
                return None
        lp = best.tags_lp + score - float(tags.forward[-1].max())
        call = self.write_call(text, words, tags.intent, path, best.chosen)
        whole = best.score - best.tags_lp + lp
        return Reading(whole, best.intent_lp, lp, best.choices_lp, call, tags, best.chosen)

    def choose(self, intent: int, scores: Floats | None) -> tuple[list[Argument], float]:
        """The chosen values of an intent's parameters and their log-probability."""
        wanted = self.choices_of.get(self.intents[intent])
        if scores is None or not wanted:
            return [], 0.0
        chosen, total = [], 0.0
        masked = scores + self.choice_mask[intent]
        for choice in self.choices:
            if choice.parameter in wanted:
                lp = log_softmax(masked[choice.start : choice.stop])
                k = int(lp.argmax())
                total += float(lp[k])
                if k:
                    chosen.append(Argument(choice.parameter, choice.values[k - 1]))
        return chosen, total

    def write_call(
        self,
        text: str,
        words: list[Token],
        intent: int,
        path: Iterable[int],
        chosen: list[Argument],
    ) -> Call:
        """The call of an intent, with the values that a path of tags marks among `words`."""
        if intent == self.none:
            return NONE
        values = [
            (self.parameters[k], words[first], words[last - 1])
            for first, last, k in spans_of(path, len(self.parameters))
        ]
        if intent >= self.trained:
            declared = self.contract.catalog.get(self.intents[intent])
            chosen = find_values(declared, text, words, values) if declared else []
        return self.writer.write(self.intents[intent], text, values, chosen)

    def _usual(self, feature: int) -> float:
        """What a feature of `FEATURES` usually is: evidence that is neither for nor against."""
        known = self.contract.calibration
        if known is None or FEATURES[feature] not in self.features:
            return 0.0
        return known.mean[self.features.index(FEATURES[feature])]
