"""Small words mean nothing alone, unless rows say what."""

import pytest

from maksud.language.languages import FUNCTION_WORDS
from maksud.language.small_words import LONGEST, SmallWords


def test_rows_say_what_small_words_mean() -> None:
    rows = ["who are you", "what is the weather in Paris", "ya", "stop"]
    made = SmallWords.of(rows, ["English", "Spanish"])
    assert made == SmallWords(("English",), ("who are you",))
    assert not made.are_all("who are you") and not made.are_all("Are they?")
    assert made.are_all("The...") and made.are_all("yes") and made.are_all("B")
    assert not made.are_all("ya")  # of a language that the rows are not in
    assert not made.are_all("") and not made.are_all("stop") and not made.are_all("7")
    assert not made.are_all(" ".join(["the"] * (LONGEST + 1)))


def test_who_has_rows_for_yes_has_an_intent_for_answers() -> None:
    made = SmallWords.of(["yes"], ["English", "Indonesian"])
    for answer in ("yes", "nope", "ya", "okay sure"):
        assert not made.are_all(answer)
    assert made.are_all("a") and made.are_all("dari")


def test_without_a_language_that_we_know_nothing_is_small() -> None:
    made = SmallWords.of(["a"], ["Spanish"])
    assert made == SmallWords() and not made.are_all("a") and not made.are_all("x")


def test_more_rows_can_only_give_words_a_meaning() -> None:
    made = SmallWords.of([], ["English"])
    more = made.along_with(["who is it", "play jazz"])
    assert made.are_all("who") and not more.are_all("who") and more.are_all("the")
    assert SmallWords().along_with(["who is it"]) == SmallWords()


@pytest.mark.parametrize("language", ["English", "Indonesian"])
@pytest.mark.parametrize(
    "wish", ["on", "off", "stop", "next", "lagi", "besok", "help", "more", "cancel", "tambah", "up"]
)
def test_what_may_be_a_whole_wish_is_not_small(language: str, wish: str) -> None:
    assert language in FUNCTION_WORDS
    assert not SmallWords((language,)).are_all(wish)
