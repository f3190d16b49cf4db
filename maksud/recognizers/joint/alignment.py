"""From labelled examples to clauses: one intent, its words, and where its values stand.

A joint network learns from token spans, data gives call text. This module finds each value in
the utterance, cuts utterances with several calls into one clause a call, and learns from the
data which words join clauses (", ", "and then", "habis itu"): no list of any language is built
in. Whatever can't be used is counted under its reason in `Corpus.skipped`, never dropped silently.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from maksud.data.dataset import Example
from maksud.language.calls import OUT_OF_SCOPE, Argument, Call
from maksud.language.catalog import Catalog
from maksud.recognizers.joint.features import MAX_TOKENS, Token, tokenize

MAX_CHOICES = 200
"""A parameter with more values than this outside its utterances is not learned as a choice."""

_LONGEST_CONNECTIVE = 3
_SAMPLE = 3000  # utterances from which connectives are estimated
_ROUNDS = 3
_KNOWN = 3.0  # how much it counts that a clause is known
_ALONE = 20  # a clause that stands alone is as well known as one cut so often

Span = tuple[int, int, str]
"""First token, token after the last, parameter."""


@dataclass(slots=True)
class Clause:
    """The part of an utterance that asks for one call.

    `choices`: parameters whose value is chosen from a list, not copied. `tagged`: whether
    `spans` are known to be complete, so that tags may be learned from them.
    """

    intent: str
    words: list[str]
    spans: list[Span]
    choices: dict[str, str] = field(default_factory=dict)
    tagged: bool = True


@dataclass
class Corpus:
    """What there is to learn from.

    `connectives`: what stood between clauses (possibly nothing) and how often. `call_counts[k]`:
    utterances with k calls. `trims`: for (parameter, "<" or ">", affix) how often the affix of a
    span's first or last word was not part of the value, and how often it was. `before`: for a
    pair of parameters of an intent, how often the first was written before the second.
    """

    clauses: list[Clause] = field(default_factory=list)
    connectives: Counter[tuple[str, ...]] = field(default_factory=Counter)
    call_counts: Counter[int] = field(default_factory=Counter)
    choices: dict[str, list[str]] = field(default_factory=dict)
    trims: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    before: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Row:
    tokens: list[Token]
    calls: tuple[Call, ...]
    spans: list[list[Span]]
    choices: list[dict[str, str]]
    tagged: bool

    @property
    def words(self) -> list[str]:
        return [t.text for t in self.tokens]


def build_corpus(examples: Iterable[Example], catalog: Catalog) -> Corpus:
    """The corpus of the examples. Raises `CallSyntaxError` where an output can't be parsed."""
    corpus = Corpus()
    rows: list[_Row] = []
    absent = _absent_values(examples, catalog)
    for example in examples:
        row = _align(example, catalog, absent, corpus)
        if row is not None:
            rows.append(row)
            corpus.call_counts[len(row.calls)] += 1
    corpus.choices = {p: sorted(values) for p, values in sorted(absent.items()) if values}
    joined = [r for r in rows if len(r.calls) > 1]
    single = [_whole(r) for r in rows if len(r.calls) == 1]
    if not joined:
        corpus.clauses = single
        return corpus
    cutter = _Cutter(single)
    cutter.estimate(joined)
    for row in joined:
        cuts = cutter.cut(row)
        if cuts is None:
            corpus.skipped["several calls whose words can't be told apart"] += 1
            continue
        single.extend(_clauses(row, cuts))
        for end, start in cuts:
            corpus.connectives[tuple(t.text for t in row.tokens[end:start])] += 1
    # The same clause often stands in many joined utterances: each is kept once.
    kept = {(c.intent, tuple(c.words), tuple(c.spans)): c for c in single}
    corpus.clauses = list(kept.values())
    return corpus


def _whole(row: _Row) -> Clause:
    return Clause(row.calls[0].intent, row.words, row.spans[0], row.choices[0], row.tagged)


def _clauses(row: _Row, cuts: Sequence[tuple[int, int]]) -> list[Clause]:
    bounds = [(0, 0), *cuts, (len(row.tokens), 0)]
    out = []
    for k, ((_, start), (end, _)) in enumerate(pairwise(bounds)):
        spans = [(i - start, j - start, p) for i, j, p in row.spans[k]]
        words = [t.text for t in row.tokens[start:end]]
        out.append(Clause(row.calls[k].intent, words, spans, row.choices[k], row.tagged))
    return out


# ---------------------------------------------------------------- values in their utterance


def _absent_values(examples: Iterable[Example], catalog: Catalog) -> dict[str, set[str]]:
    """Values that do not stand in their utterances, for each parameter with few enough."""
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for example in examples:
        folded = example.instruction.lower()
        for call in catalog.name_arguments(example.calls):
            for a in call.arguments:
                if a.name is not None and (not a.value or a.value.lower() not in folded):
                    seen[a.name].add(a.value)
    return {p: values for p, values in seen.items() if len(values) <= MAX_CHOICES}


def _align(
    example: Example, catalog: Catalog, absent: dict[str, set[str]], corpus: Corpus
) -> _Row | None:
    text = example.instruction
    calls = catalog.name_arguments(example.calls)
    tokens = tokenize(text, MAX_TOKENS)
    if not tokens:
        corpus.skipped["utterance without a word"] += 1
        return None
    finder = _Finder(text, tokens)
    spans: list[list[Span]] = []
    choices: list[dict[str, str]] = []
    tagged = True
    for call in calls:
        spans.append([])
        choices.append({})
        for a in call.arguments:
            if a.name is None:
                corpus.skipped["argument that the catalog has no name for"] += 1
                tagged = False
                continue
            found = finder.find(a.value)
            if found is not None:
                first, last, left, right = found
                spans[-1].append((first, last, a.name))
                for side, trimmed in (("<", left), (">", right)):
                    if trimmed:
                        corpus.trims.setdefault((a.name, side, trimmed), [0, 0])[0] += 1
            elif a.value in absent.get(a.name, ()):
                choices[-1][a.name] = a.value
            else:
                corpus.skipped["value that does not stand in its utterance"] += 1
                tagged = False
        _count_order(call, corpus)
        spans[-1].sort()
    if len(calls) > 1:
        order = [s for call_spans in spans for s in call_spans]
        if order != sorted(order):
            corpus.skipped["several calls whose values interleave"] += 1
            return None
    return _Row(tokens, calls, spans, choices, tagged)


def _count_order(call: Call, corpus: Corpus) -> None:
    names = [a.name for a in call.arguments if a.name is not None]
    for k, first in enumerate(names):
        for second in names[k + 1 :]:
            corpus.before[call.intent, first, second] += 1


class _Finder:
    """Finds values in an utterance from left to right, each place used once."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.starts = {t.start: i for i, t in enumerate(tokens)}
        self.ends = {t.end: i + 1 for i, t in enumerate(tokens)}
        self.used = [False] * len(tokens)
        self.at = 0

    def find(self, value: str) -> tuple[int, int, str, str] | None:
        """(first token, token after the last, affix trimmed left, right), or None."""
        if not value.strip():
            return None
        folded = self.text.lower() if len(self.text.lower()) == len(self.text) else self.text
        for text, wanted in ((self.text, value), (folded, value.lower())):
            for exact in (True, False):  # a value inside a word only where it stands nowhere else
                for origin in (self.at, 0):
                    place = text.find(wanted, origin)
                    while place >= 0:
                        found = self._tokens(place, place + len(wanted), exact)
                        if found is not None:
                            first, last, _, _ = found
                            self.used[first:last] = [True] * (last - first)
                            self.at = place + len(wanted)
                            return found
                        place = text.find(wanted, place + 1)
        return None

    def _tokens(self, start: int, end: int, exact: bool) -> tuple[int, int, str, str] | None:
        if exact:
            if start not in self.starts or end not in self.ends:
                return None
            first, last = self.starts[start], self.ends[end]
        else:
            inside = [i for i, t in enumerate(self.tokens) if t.end > start and t.start < end]
            if not inside:
                return None
            first, last = inside[0], inside[-1] + 1
        if any(self.used[first:last]):
            return None
        left = self.text[self.tokens[first].start : start].lower()
        right = self.text[end : self.tokens[last - 1].end].lower()
        return first, last, left, right


def count_untrimmed(corpus: Corpus) -> None:
    """Completes `trims` with how often each affix did belong to a value."""
    by_slot: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for parameter, side, affix in corpus.trims:
        by_slot[parameter].append((side, affix))
    for clause in corpus.clauses:
        for first, last, parameter in clause.spans:
            for side, affix in by_slot.get(parameter, ()):
                word = clause.words[first] if side == "<" else clause.words[last - 1]
                if word.startswith(affix) if side == "<" else word.endswith(affix):
                    corpus.trims[parameter, side, affix][1] += 1


# ---------------------------------------------------------------- cutting utterances


_Cut = tuple[list[Clause], list[tuple[str, ...]]]


class _Cutter:
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

    def estimate(self, rows: Sequence[_Row]) -> None:
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

    def _cut_all(self, rows: Sequence[_Row]) -> list[_Cut]:
        """The clauses of each row that can be cut, and what stands between them."""
        found = []
        for row in rows:
            cuts = self.cut(row)
            if cuts is not None:
                words = row.words
                found.append((_clauses(row, cuts), [tuple(words[e:s]) for e, s in cuts]))
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

    def _first_connectives(self, rows: Sequence[_Row]) -> None:
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

    def cut(self, row: _Row) -> list[tuple[int, int]] | None:
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


def place_choices(
    intent: str, copied: Sequence[Argument], chosen: Sequence[Argument], before: Mapping[str, int]
) -> tuple[Argument, ...]:
    """Copied arguments in the order of the text, chosen ones put where data writes them.

    `before` maps "intent\\tfirst\\tsecond" to how often the first came first.
    """
    out = list(copied)
    for argument in chosen:
        place = len(out)
        for k, other in enumerate(out):
            ahead = before.get(f"{intent}\t{argument.name}\t{other.name}", 0)
            if ahead > before.get(f"{intent}\t{other.name}\t{argument.name}", 0):
                place = k
                break
        out.insert(place, argument)
    return tuple(out)
