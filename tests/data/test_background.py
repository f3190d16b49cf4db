"""The background is what the docs promise: ours, ordinary, in two languages, without doubles."""

from collections import Counter

import pytest

from maksud.data.background import LANGUAGES, choose_sayings, load_background
from maksud.language.folding import normalise
from maksud.language.languages import language_of


@pytest.mark.parametrize("language", LANGUAGES)
def test_enough_sayings_of_many_topics_and_no_doubles(language: str) -> None:
    sayings = load_background(language)
    assert len(sayings) >= 1_500
    topics = Counter(s.topic for s in sayings)
    assert len(topics) >= 30 and "" not in topics and min(topics.values()) >= 30
    assert len({s.text.casefold() for s in sayings}) == len(sayings)
    assert len({normalise(s.text) for s in sayings}) > 0.98 * len(sayings)


@pytest.mark.parametrize(("language", "name"), [("id", "Indonesian"), ("en", "English")])
def test_sayings_are_of_their_language(language: str, name: str) -> None:
    told = Counter(language_of(s.text) for s in load_background(language))
    del told[""]
    assert told[name] > 0.93 * told.total()


def test_what_may_be_in_scope_is_left_out() -> None:
    line = load_background("en")[40].text
    mine = [line, *(f"please tell me what the weather is like in town {k}" for k in range(20))]
    kept, served = choose_sayings(mine, 10_000)
    assert line in {s.text for s in served} and line not in {s.text for s in kept}
    assert len(kept) + len(served) == len(load_background("en"))
    assert choose_sayings(mine, 25)[0] == choose_sayings(mine, 25)[0] != []
    assert len(choose_sayings(mine, 25)[0]) == 25
    assert choose_sayings(["wie ist das wetter für mich"] * 20, 25) == ([], [])
