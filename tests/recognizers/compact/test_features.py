"""Features of words stay in their tables, and a vocabulary comes back as it was."""

from hypothesis import given
from hypothesis import strategies as st

from maksud.recognizers.compact.features import GRAMS, Vocabulary, word_grams

UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(UNICODE.filter(bool), st.integers(16, 2**16))
def test_grams_stay_in_their_table(word: str, buckets: int) -> None:
    grams = word_grams(word, buckets)
    assert 0 < len(grams) <= GRAMS
    assert all(0 < g < buckets for g in grams)


def test_a_vocabulary_comes_back_from_its_list() -> None:
    vocabulary = Vocabulary.build({"a": 3, "b": 1, "c": 5}, 64)
    assert vocabulary.to_list() == ["c", "a"]
    assert Vocabulary.from_list(vocabulary.to_list(), 64) == vocabulary
    assert vocabulary.id("b") == 1 and vocabulary.id("c") == 2 and len(vocabulary) == 4
