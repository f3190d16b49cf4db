"""Groups of near-identical rows stay whole, and intents are spread evenly."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.data.dataset import Example
from maksud.data.folds import assign_folds, group_near


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
