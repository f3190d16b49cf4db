"""Groups of near-identical rows stay whole, and no network judges what it was taught."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_data import single

from maksud.data.dataset import Dataset, Example
from maksud.evaluation.cross_validation import assign_folds, group_near
from maksud.evaluation.label_errors import find_label_errors
from maksud.recognizers.joint.scoring import AnswerScore


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=2, max_size=80),
    st.integers(2, 5),
    st.integers(0, 3),
)
def test_folds_keep_groups_whole_and_intents_even(
    rows: list[tuple[int, int]], folds: int, seed: int
) -> None:
    intent_of = dict(rows)  # a group has one intent
    examples = [Example(f"grup {g}", f"f{intent_of[g]}()") for g, _ in rows]
    groups = group_near(examples)
    fold_of = assign_folds(examples, groups, folds, seed)
    for group in groups:
        assert len({fold_of[k] for k in group}) == 1
    for intent in set(intent_of.values()):
        of_intent = [g for g in groups if examples[g[0]].output == f"f{intent}()"]
        sizes = Counter(fold_of[k] for g in of_intent for k in g)
        largest = max(map(len, of_intent))
        counts = [sizes[f] for f in range(folds)]
        assert max(counts) - min(counts) <= largest
        assert len(sizes) == min(folds, len(of_intent))


def test_no_network_scores_what_it_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    from maksud.recognizers.compact import training
    from maksud.recognizers.joint import scoring

    data = Dataset(single(60))
    learnt: list[set[str]] = []
    train = training.train_compact

    def watched(examples: Sequence[Example], *rest: Any, **named: Any) -> dict[str, Any]:
        learnt.append({e.instruction for e in examples})
        return train(examples, *rest, **named)

    class Watched(scoring.Scorer):
        def score(self, examples: Sequence[Example]) -> list[AnswerScore]:
            assert not learnt[-1] & {e.instruction for e in examples}
            return super().score(examples)

    monkeypatch.setattr(training, "train_compact", watched)
    monkeypatch.setattr(scoring, "Scorer", Watched)
    find_label_errors(data, folds=2, rounds=1)
    assert len(learnt) == 2
