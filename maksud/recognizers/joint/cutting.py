"""Cuts utterances with several calls into one clause a call.

Which words join clauses (", ", "and then", "habis itu") is learned from the data: no list of any
language is built in.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from maksud.language.calls import OUT_OF_SCOPE, Call
from maksud.recognizers.joint.corpus import AlignedRow, Clause

_LONGEST_CONNECTIVE = 3
_SAMPLE = 3000  # utterances from which connectives are estimated
_ROUNDS = 3
_KNOWN = 3.0  # how much it counts that a clause is known
_ALONE = 20  # a clause that stands alone is as well known as one cut so often

_Cut = tuple[list[Clause], list[tuple[str, ...]]]


class Cutter:
    """Cuts an utterance between its calls, by which words each intent uses and which join.

    A naive Bayes model of words for each intent, of first words, and of connectives; estimated
    by hard expectation maximisation: cut with the model, count, repeat. A cut never divides the
    values of a call. The search is exact: dynamic programming over (calls, position).
    """

    def __init__(self, single: Sequence[Clause]) -> None:
        self.single = single
        self.words: Counter[str] = Counter(w for c in single for w in c.words)
        self.connectives: dict[tuple[str, ...], float] = {}
        self.known: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self._count(single)

    def _count(self, clauses: Iterable[Clause]) -> None:
        by_intent: defaultdict[str, Counter[str]] = defaultdict(Counter)
        total: Counter[str] = Counter()
        first: Counter[str] = Counter()
        for clause in clauses:
            if clause.intent == OUT_OF_SCOPE or not clause.words:
                continue
            inside = {t for i, j, _ in clause.spans for t in range(i, j)}
            words = [w for t, w in enumerate(clause.words) if t not in inside]
            by_intent[clause.intent].update(words)
            total.update(words)
            first[clause.words[0]] += 1
        size = sum(total.values()) + len(total) + 1
        self.base = {w: math.log((c + 1) / size) for w, c in total.items()}
        self.floor = math.log(1 / size)
        self.by_intent = by_intent
        self.mass = {f: sum(c.values()) for f, c in by_intent.items()}
        starts = sum(first.values()) + 1
        self.first = {
            w: math.log((c + 0.1) / starts) - self.base.get(w, self.floor) for w, c in first.items()
        }

    def _fit(self, intent: str, word: str) -> float:
        """log P(word | intent), smoothed with 20 words of the whole."""
        base = math.exp(self.base.get(word, self.floor))
        count = self.by_intent[intent][word] if intent in self.by_intent else 0
        return math.log((count + 20 * base) / (self.mass.get(intent, 0) + 20))

    def estimate(self, rows: Sequence[AlignedRow]) -> None:
        """Learns connectives, words and first words from utterances with several calls."""
        self._first_connectives(rows[:: max(1, len(rows) // _SAMPLE)])
        for _ in range(_ROUNDS):
            self._learn_from(self._cut_all(rows[:: max(1, len(rows) // _SAMPLE)]))
        # Words that stand alone somewhere, or in several utterances, belong together. One that
        # stands alone is sure; one that was cut once is not: that may be this very row.
        alone = Counter({(c.intent, tuple(c.words)): _ALONE for c in self.single})
        for _ in range(_ROUNDS):
            found = self._cut_all(rows)
            cut = Counter((c.intent, tuple(c.words)) for clauses, _ in found for c in clauses)
            self.known = Counter({c: n for c, n in (alone + cut).items() if n > 1})
            self._learn_from(found)

    def _cut_all(self, rows: Sequence[AlignedRow]) -> list[_Cut]:
        """The clauses of each row that can be cut, and what stands between them."""
        found = []
        for row in rows:
            cuts = self.cut(row)
            if cuts is not None:
                words = row.words
                found.append((row.clauses(cuts), [tuple(words[e:s]) for e, s in cuts]))
        return found

    def _learn_from(self, found: Sequence[_Cut]) -> None:
        if not found:
            return
        self._count([*self.single, *(c for clauses, _ in found for c in clauses)])
        kept = _without_longer_forms(Counter(c for _, between in found for c in between))
        total = sum(kept.values())
        self.connectives = {c: math.log((n + 0.01) / total) for c, n in kept.items()}

    def _worth(self, call: Call, words: Sequence[str]) -> float:
        """What it adds to a cut's score that these words are known as a clause of the call."""
        count = self.known.get((call.intent, tuple(words)), 1) if self.known else 1
        return _KNOWN * math.log(count)

    def _first_connectives(self, rows: Sequence[AlignedRow]) -> None:
        """A first guess: what stands between values of two calls far more often than elsewhere,
        whatever the calls: a word of a clause comes with the clause's intent."""
        between: Counter[tuple[str, ...]] = Counter()
        elsewhere: Counter[tuple[str, ...]] = Counter()
        intents: Counter[str] = Counter()
        beside: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for row in rows:
            asked = {c.intent for c in row.calls}
            intents.update(asked)
            open_from = [calls[-1][1] if calls else 0 for calls in row.spans[:-1]]
            open_to = [calls[0][0] if calls else len(row.tokens) for calls in row.spans[1:]]
            words = row.words
            free = [False] * (len(words) + 1)
            for low, high in zip(open_from, open_to, strict=True):
                free[low:high] = [True] * max(0, high - low)
            for size in range(1, _LONGEST_CONNECTIVE + 1):
                for t in range(len(words) - size + 1):
                    inside = all(free[t : t + size]) and t > 0
                    phrase = tuple(words[t : t + size])
                    (between if inside else elsewhere)[phrase] += 1
                    if inside:
                        beside[phrase].update(asked)
        for clause in self.single[:_SAMPLE]:
            for size in range(1, _LONGEST_CONNECTIVE + 1):
                for t in range(len(clause.words) - size + 1):
                    elsewhere[tuple(clause.words[t : t + size])] += 1
        share = {f: n / len(rows) for f, n in intents.items()}
        score = {}
        for c, n in between.items():
            if n >= 2:
                bound = max((m / n - share[f]) / (1.01 - share[f]) for f, m in beside[c].items())
                apart = 1 - min(1.0, 2 * elsewhere[c] / (n + elsewhere[c]))
                score[c] = n * apart * (1 - bound) ** 2
        score = _apart_from_longer(score)
        best = sorted(score.items(), key=lambda item: (-item[1], item[0]))[:50]
        total = sum(n for _, n in best) + 1
        self.connectives = {c: math.log(n / total) for c, n in best if n > 0}
        self.connectives[()] = math.log(0.05)

    def cut(self, row: AlignedRow) -> list[tuple[int, int]] | None:
        """For each cut (token after the clause before, first token of the clause after)."""
        words, size, calls = row.words, len(row.tokens), row.calls
        fit: list[list[float]] = []
        for call in calls:
            sums = [0.0]
            for w in words:
                sums.append(sums[-1] + self._fit(call.intent, w))
            fit.append(sums)
        low = [0] * len(calls)  # clause k starts at or before its first value, ends after its last
        for k, spans in enumerate(row.spans):
            low[k] = max((j for _, j, _ in spans), default=low[k - 1] if k else 0)
        high = [size] * len(calls)
        for k in reversed(range(len(calls))):
            after = high[k + 1] if k + 1 < len(calls) else size
            high[k] = min((i for i, _, _ in row.spans[k]), default=after)
        # best[start of clause k] = (score, cuts so far)
        best: dict[int, tuple[float, tuple[tuple[int, int], ...]]] = {0: (0.0, ())}
        for k in range(len(calls) - 1):
            following: dict[int, tuple[float, tuple[tuple[int, int], ...]]] = {}
            for begin, (score, cuts) in best.items():
                for end in range(max(begin + 1, low[k]), min(size - 1, high[k + 1]) + 1):
                    so_far = score + fit[k][end] - fit[k][begin]
                    so_far += self._worth(calls[k], words[begin:end])
                    for length in range(_LONGEST_CONNECTIVE + 1):
                        start = end + length
                        if start > high[k + 1] or start >= size:
                            break
                        joint = self.connectives.get(tuple(words[end:start]))
                        if joint is None:
                            joint = -8.0 - 4.0 * length
                        total = so_far + joint + self.first.get(words[start], -1.0)
                        if start not in following or total > following[start][0]:
                            following[start] = (total, (*cuts, (end, start)))
            best = following
        ends = [
            (
                score + fit[-1][size] - fit[-1][begin] + self._worth(calls[-1], words[begin:]),
                cuts,
            )
            for begin, (score, cuts) in best.items()
        ]
        return list(max(ends)[1]) if ends else None


def _without_longer_forms(counts: Mapping[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Counts without phrases that hold a much more frequent one, as "playlist ," holds ","."""
    kept = {}
    for phrase, count in counts.items():
        parts = {phrase[i:j] for i in range(len(phrase)) for j in range(i + 1, len(phrase) + 1)}
        if all(counts.get(part, 0) <= 2 * count for part in parts):
            kept[phrase] = count
    return kept


def _apart_from_longer(score: Mapping[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Scores less what longer phrases account for: "also" that only stands in "and also" goes."""
    own = dict(score)
    for phrase in sorted(score, key=len, reverse=True):
        size = len(phrase)
        for part in {phrase[i:j] for i in range(size) for j in range(i + 1, size + 1)} - {phrase}:
            if part in own:
                own[part] -= max(0.0, own[phrase])
    return {phrase: s for phrase, s in own.items() if s > 0.2 * score[phrase]}
