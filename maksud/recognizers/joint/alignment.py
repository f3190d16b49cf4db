"""From labelled examples to clauses: one intent, its words, and where its values stand.

A joint network learns from token spans, data gives call text. This module finds each value in
its utterance and has utterances with several calls cut (`cutting`). Whatever can't be used is
counted under its reason in `Corpus.skipped`, never dropped silently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from maksud.data.dataset import Example
from maksud.errors import DataError
from maksud.language.calls import Call
from maksud.language.catalog import Catalog
from maksud.recognizers.joint.corpus import AlignedRow, Corpus, Span
from maksud.recognizers.joint.cutting import Cutter
from maksud.recognizers.joint.tokens import MAX_TOKENS, Token, tokenize

_SEPARATING = frozenset(",;:.")

MAX_CHOICES = 200
"""A parameter with more values than this outside its utterances is not learned as a choice."""


def build_corpus(examples: Iterable[Example], catalog: Catalog) -> Corpus:
    """The corpus of the examples. Raises `CallSyntaxError` where an output can't be parsed."""
    listed = frozenset(p.name for i in catalog.intents for p in i.parameters if p.choices)
    corpus = Corpus(listed=listed)
    rows: list[AlignedRow] = []
    absent = _absent_values(examples, catalog)
    for example in examples:
        row = _align(example, catalog, absent, corpus)
        if row is not None:
            rows.append(row)
            corpus.call_counts[len(row.calls)] += 1
    corpus.choices = {p: sorted(values) for p, values in sorted(absent.items()) if values}
    joined = [r for r in rows if len(r.calls) > 1]
    single = [c for r in rows if len(r.calls) == 1 for c in r.clauses()]
    if not joined:
        corpus.clauses = single
        return corpus
    cutter = Cutter(single)
    cutter.estimate(joined)
    for row in joined:
        cuts = cutter.cut(row)
        if cuts is None:
            corpus.skip("several calls whose words can't be told apart", row.place)
            continue
        cuts = _before_signs(row, cuts)
        single.extend(row.clauses(cuts))
        for end, start in cuts:
            corpus.connectives[tuple(t.text for t in row.tokens[end:start])] += 1
    # The same clause often stands in many joined utterances: each is kept once.
    kept = {(c.intent, tuple(c.words), tuple(c.spans)): c for c in single}
    corpus.clauses = list(kept.values())
    return corpus


def _before_signs(row: AlignedRow, cuts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The cuts with signs that only separate, such as a comma, between the clauses."""
    out = []
    words, begin = row.words, 0
    for (end, start), spans in zip(cuts, row.spans, strict=False):
        least = max([begin + 1, *(last for _, last, _ in spans)])
        # One: of "5 p.m., lalu" the full stop is a part of the word.
        end -= end > least and words[end - 1] in _SEPARATING
        out.append((end, start))
        begin = start
    return out


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
) -> AlignedRow | None:
    """The row with its values found; None, counted in `skipped`, where it can't be used."""
    text = example.instruction
    calls = catalog.name_arguments(example.calls)
    tokens = tokenize(text, MAX_TOKENS + 1)
    if len(tokens) > MAX_TOKENS:
        corpus.skip(f"words beyond the first {MAX_TOKENS} of an utterance", example.place)
        tokens = tokens[:MAX_TOKENS]
    if not tokens:
        corpus.skip("utterance without a word", example.place)
        return None
    finder = _ValueFinder(text, tokens)
    spans: list[list[Span]] = []
    choices: list[dict[str, str]] = []
    tagged = True
    for call in calls:
        spans.append([])
        choices.append({})
        for a in call.arguments:
            if a.name is None:
                corpus.skip("argument that the catalog has no name for", example.place)
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
                corpus.skip("value that does not stand in its utterance", example.place)
                tagged = False
        _count_order(call, corpus)
        spans[-1].sort()
    if len(calls) > 1:
        order = [s for call_spans in spans for s in call_spans]
        if order != sorted(order):
            corpus.skip("several calls whose values interleave", example.place)
            return None
    return AlignedRow(tokens, calls, spans, choices, tagged, example.place)


def _count_order(call: Call, corpus: Corpus) -> None:
    names = [a.name for a in call.arguments if a.name is not None]
    for k, first in enumerate(names):
        for second in names[k + 1 :]:
            corpus.before[call.intent, first, second] += 1


class _ValueFinder:
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


def corpus_of(train: Sequence[Example], catalog: Catalog) -> Corpus:
    """The corpus of a training. Raises `DataError` where there is nothing to learn from."""
    if not train:
        raise DataError("there are no training examples", hint="Give at least one labelled example")
    corpus = build_corpus(train, catalog)
    count_untrimmed(corpus)
    if not corpus.clauses:
        reasons = ", ".join(f"{n} × {why}" for why, n in corpus.skipped.most_common())
        raise DataError(f"none of {len(train)} training examples can be learned from ({reasons})")
    return corpus
