"""How near a clause is to what is labelled: a cosine, with values taken out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.recognizers.joint.corpus import Clause
from maksud.recognizers.joint.nearness import BUCKETS, MOST_ROWS, Nearness

CLAUSES = [
    Clause("play", ["putar", "lagu", "yellow"], [(2, 3, "song")]),
    Clause("play", ["play", "the", "song", "blue", "sky"], [(3, 5, "song")]),
    Clause("lamp", ["matikan", "lampu", "dapur"], [(2, 3, "room")]),
]
INTENTS = ["lamp", "none", "play"]


def index() -> Nearness:
    return Nearness.build(CLAUSES, INTENTS, seed=0)


def test_the_same_words_are_nearest_whatever_the_value_is() -> None:
    near = index()
    assert near(2, ["putar", "lagu", "bintang", "kecil"], [(2, 4, "song")]) == pytest.approx(1)
    other_value = near(2, ["putar", "lagu", "bintang"], [])
    assert 0.3 < other_value < 0.95
    assert near(2, ["matikan", "lampu", "dapur"], [(2, 3, "room")]) < 0.2
    assert near(0, ["matikan", "lampu", "dapur"], [(2, 3, "room")]) == pytest.approx(1)


def test_an_intent_without_clauses_and_an_empty_clause_are_near_nothing() -> None:
    near = index()
    assert near(1, ["putar", "lagu"], []) == 0
    assert near(2, [], []) == 0


words = st.lists(st.text(st.sampled_from("abcdeé🙂 9"), min_size=1, max_size=6), max_size=90)


@given(words)
@settings(max_examples=60)
def test_it_is_a_cosine_for_any_words(found: list[str]) -> None:
    near = index()
    assert all(0 <= near(k, found, []) <= 1 + 1e-5 for k in range(3))


def test_it_reads_back_as_it_was_saved() -> None:
    near, tensors = index(), index().tensors()
    again = Nearness.from_tensors(tensors, 3)
    assert again is not None
    query = (["putar", "musik", "yellow"], [(2, 3, "song")])
    assert again(2, *query) == pytest.approx(near(2, *query), abs=2e-3)
    assert Nearness.from_tensors({"heads.attend": tensors["near.idf"]}, 3) is None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("near.idf", lambda a: a[:-1]),
        ("near.places", lambda a: a[:-1]),
        ("near.rows", lambda a: a[1:]),
        ("near.places", lambda a: a[::-1]),
        ("near.begin", lambda a: a[::-1]),
        ("near.begin", lambda a: a[:-1]),
        ("near.begin", lambda a: a + 1),
    ],
)
def test_tensors_that_do_not_fit_together_are_refused(name: str, change) -> None:  # type: ignore[no-untyped-def]
    tensors = index().tensors()
    tensors[name] = np.ascontiguousarray(change(tensors[name]))
    with pytest.raises(ValueError, match="does not fit together"):
        Nearness.from_tensors(tensors, 3)


def test_an_index_of_other_intents_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit together"):
        Nearness.from_tensors(index().tensors(), 4)


def test_an_intent_keeps_so_many_clauses_and_the_same_for_a_seed() -> None:
    many = [Clause("play", [f"w{k}", f"v{k}"], []) for k in range(MOST_ROWS + 50)]
    first, again = (Nearness.build(many, ["play"], seed=3).tensors() for _ in range(2))
    assert int(first["near.rows"].max()) == MOST_ROWS - 1
    assert all((first[k] == again[k]).all() for k in first)
    assert int(first["near.places"].max()) < BUCKETS
