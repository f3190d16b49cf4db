"""Small words mean nothing alone, unless rows say what."""

import pytest

from maksud.language.calls import Call, parse_calls
from maksud.language.languages import FUNCTION_WORDS
from maksud.language.small_words import LEAST_ROWS, LONGEST, ONE_IN, SmallWords, adds_only


def asking(*texts: str) -> list[tuple[str, tuple[Call, ...]]]:
    return [(text, (Call("ask"),)) for text in texts]


def test_rows_say_what_small_words_mean() -> None:
    rows = ["who are you", "what is the weather in Paris", "ya", "stop"]
    made = SmallWords.of(asking(*rows), ["English", "Spanish"])
    assert made == SmallWords(("English",), ("who are you",))
    assert not made.are_all("who are you") and not made.are_all("Are they?")
    assert made.are_all("The...") and made.are_all("yes") and made.are_all("B")
    assert not made.are_all("ya")  # of a language that the rows are not in
    assert not made.are_all("") and not made.are_all("stop") and not made.are_all("7")
    assert not made.are_all(" ".join(["the"] * (LONGEST + 1)))


def test_who_has_rows_for_yes_has_an_intent_for_answers() -> None:
    made = SmallWords.of(asking("yes"), ["English", "Indonesian"])
    for answer in ("yes", "nope", "ya", "okay sure"):
        assert not made.are_all(answer)
    assert made.are_all("a") and made.are_all("dari")


def test_without_a_language_that_we_know_nothing_is_small() -> None:
    made = SmallWords.of(asking("a"), ["Spanish"])
    assert made == SmallWords() and not made.are_all("a") and not made.are_all("x")


def test_more_rows_can_only_give_words_a_meaning() -> None:
    made = SmallWords.of([], ["English"])
    more = made.along_with(["who is it", "play jazz"], "ask")
    assert made.are_all("who") and not more.are_all("who") and more.are_all("the")
    assert SmallWords().along_with(["who is it"], "ask") == SmallWords()


@pytest.mark.parametrize("language", ["English", "Indonesian"])
@pytest.mark.parametrize(
    "wish", ["on", "off", "stop", "next", "lagi", "besok", "help", "more", "cancel", "tambah", "up"]
)
def test_what_may_be_a_whole_wish_is_not_small(language: str, wish: str) -> None:
    assert language in FUNCTION_WORDS
    assert not SmallWords((language,)).are_all(wish)


ROWS = [("turn on the tv", "on(tv)"), ("the lamp please", "on(lamp)"), ("jazz", "play(jazz)"),
        ("play jazz and turn it off", "play(jazz);off()"), ("turn off the tv", "off(tv)"),
        ("the lamp and turn off the tv", "on(lamp);off(tv)")]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "answer", "bare"),
    [
        ("tv", "off(tv)", True),  # on or off?
        ("The TV, please!", "off(TV)", True),
        ("tv", "on(tv)", True),
        ("the tv", "on(tv)", False),  # a row asks so
        ("rock", "play(rock)", False),
        ("the rock", "play(rock)", False),  # less than a row that asks by values alone
        ("turn off the tv", "off(tv)", False),
        ("tv", "off()", False),
        ("tv", "off(television)", False),  # a value that was not said
        ("tv tv", "off(tv)", False),
        ("lamp, tv", "off(lamp);off(tv)", True),  # said twice, as little is known
        ("lamp and tv", "on(lamp);on(tv)", True),  # what joins them is no "the"
        ("rock then tv", "play(rock);off(tv)", True),
        ("rock, jazz", "play(rock);play(jazz)", False),
        ("the lamp and rock", "on(lamp);play(rock)", False),
        ("the lamp and tv off", "on(lamp);off(tv)", False),
        ("tv and louder", "off(tv);louder()", False),
    ],
)
def test_a_value_alone_asks_for_what_rows_say(text: str, answer: str, bare: bool) -> None:
    small = SmallWords.of(((t, parse_calls(a)) for t, a in ROWS), ["English"])
    assert (small.by_values, small.by_values_and_small) == (("play",), ("on", "play"))
    assert small.is_bare(text, parse_calls(answer)) is bare
    assert not SmallWords().is_bare(text, parse_calls(answer))


def test_a_letter_of_another_script_may_be_a_word() -> None:
    small = SmallWords(("English",))
    assert small.are_all("b") and not small.are_all("停") and not small.are_all("да б")


def test_an_odd_row_of_thousands_says_nothing() -> None:
    many = [("turn off the tv", parse_calls("off(tv)"))] * ONE_IN
    small = SmallWords.of([("tv", parse_calls("off(tv)")), *many], ["English"])
    assert small.is_bare("tv", parse_calls("off(tv)"))


def test_a_new_intent_may_be_asked_for_by_a_value() -> None:
    small = SmallWords(("English",)).along_with(["book a table"], "book")
    assert not small.is_bare("table", parse_calls("book(table)"))
    assert small.is_bare("table", parse_calls("off(table)"))
    assert small.without("book").is_bare("table", parse_calls("book(table)"))


ORDERS = [
    ("cancel my order", "cancel()"),
    ("stop the order", "cancel()"),
    ("where is the order", "track()"),
    ("track order", "track()"),
    ("an order came broken", "complain()"),
    ("what is an order of magnitude", "none()"),
    *(("refund, please", "refund()") for _ in range(5)),
    *(("order a refund", "refund()") for _ in range(1)),
    *((f"play order {k}", "play(order)") for k in range(9)),
]


def rows_of(pairs: list[tuple[str, str]]) -> list[tuple[str, tuple[Call, ...]]]:
    return [(text, parse_calls(answer)) for text, answer in pairs]


@pytest.mark.parametrize("languages", [["English"], ["Spanish"], []])
def test_a_word_that_rows_of_many_intents_have_asks_for_none_of_them(languages: list[str]) -> None:
    made = SmallWords.of(rows_of(ORDERS), languages)
    # All rows of "refund" are of one intent; in the last nine "order" is a value.
    assert "order" in made.ambiguous and "refund" not in made.ambiguous
    for text in ("order", "Order!", "order order"):
        assert made.is_ambiguous(text, [Call("cancel")])
    for text in ("my order", "refund", "orders", ""):
        assert not made.is_ambiguous(text, [Call("cancel")])
    assert not made.is_ambiguous("order", [Call("none")])
    assert not made.is_ambiguous("order", parse_calls("play(order)"))
    assert not SmallWords(("English",)).is_ambiguous("order", [Call("cancel")])  # a run of before


def test_a_row_that_is_the_word_alone_says_what_it_means() -> None:
    assert "order" not in SmallWords.of(rows_of([*ORDERS, ("Order.", "track()")]), []).ambiguous
    assert "order" in SmallWords.of(rows_of([*ORDERS, ("Order.", "none()")]), []).ambiguous
    made = SmallWords.of(rows_of(ORDERS), ["English"])
    assert "order" not in made.along_with(["order"], "buy").ambiguous
    assert "order" in made.along_with(["order food"], "buy").ambiguous
    without = SmallWords.of(rows_of(ORDERS), [])
    assert without.along_with(["order"], "buy").ambiguous == ()
    assert "order" in made.without("buy").ambiguous


def test_few_rows_do_not_make_a_word_ambiguous() -> None:
    rows = rows_of(ORDERS[: LEAST_ROWS - 1])
    assert SmallWords.of(rows, ["English"]).ambiguous == ()
    assert "order" in SmallWords.of(rows_of(ORDERS[: LEAST_ROWS + 1]), ["English"]).ambiguous


def test_a_new_intent_whose_examples_share_a_word() -> None:
    texts = [f"book a table at {place}" for place in ("noon", "home", "sea", "night", "Rio", "two")]
    made = SmallWords(("English",), ambiguous=("order",)).along_with(texts, "book")
    assert made.by_values == ("book",) and made.ambiguous == ("order",)


def test_what_is_said_may_be_values_and_nothing_else() -> None:
    known = SmallWords(("Indonesian",))
    assert known.has_only("Telepon ibu ya!", ["telepon ibu", "jam 7"])
    assert known.has_only("telepon ibu jam 7", ["telepon ibu", "jam 7"])
    assert not known.has_only("telepon ibu saja sekarang", ["telepon ibu"])
    assert not known.has_only("ya", ["jam 7"])  # a small word, and no value
    assert not known.has_only("ibu", ["telepon ibu"])  # not the whole value
    assert not known.has_only("", [])
    assert not SmallWords().has_only("telepon ibu ya", ["telepon ibu"])  # of an unknown language


def test_a_value_may_be_added_to_another_without_a_word_of_what_is_asked_for() -> None:
    (call,) = parse_calls("status(order_id=INV-2)")
    for text in ("dan INV-2", "INV-2 juga ya", "and INV-2 as well please", ", INV-2!"):
        assert adds_only(text, call)
    for text in ("dan mana INV-2", "where's INV-2", "cek INV-2", "dan INV-3"):
        assert not adds_only(text, call)
    assert not adds_only("dan", Call("status"))
