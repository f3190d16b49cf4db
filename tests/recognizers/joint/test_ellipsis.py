"""A clause that leaves out what is asked for asks for what the clause before does."""

from functools import partial

import pytest

from maksud.language.calls import Call, format_calls, parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.small_words import SmallWords
from maksud.recognizers.contract import Contract
from maksud.recognizers.joint.answers import (
    ClauseReadings,
    Reading,
    Tagging,
    Way,
    propose_answer,
)
from maksud.recognizers.joint.ellipsis import is_elliptic
from maksud.recognizers.joint.tokens import tokenize

ORDER = Parameter("order_id")
CATALOG = Catalog(
    (
        Intent("status", parameters=(ORDER,)),
        Intent("cancel", parameters=(ORDER, Parameter("reason"))),
        Intent("play", parameters=(Parameter("song"),)),
    )
)
CONTRACT = Contract(CATALOG, small=SmallWords(("Indonesian",)))


def call_of(text: str) -> Call:
    (call,) = CATALOG.name_arguments(parse_calls(text))
    return call


def clause(text: str, words: str, *readings: tuple[str, float]) -> ClauseReadings:
    start = text.index(words)
    said = [t for t in tokenize(text) if start <= t.start < start + len(words)]
    made = [
        Reading(lp, lp, 0.0, 0.0, call_of(call), Tagging(0, 0.0, [], None, None), [])
        for call, lp in readings
    ]
    return ClauseReadings(said, made, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("words", "call", "before", "elliptic"),
    [
        ("dan INV-2", "cancel(order_id=INV-2)", "status(order_id=INV-1)", True),
        ("dan INV-2 juga ya", "cancel(order_id=INV-2)", "status(order_id=INV-1)", True),
        ("dan batalkan INV-2", "cancel(order_id=INV-2)", "status(order_id=INV-1)", False),
        ("dan mana INV-2", "cancel(order_id=INV-2)", "status(order_id=INV-1)", False),
        ("dan Hampa", "play(song=Hampa)", "status(order_id=INV-1)", False),  # no order
        ("dan INV-2 rusak", "cancel(order_id=INV-2, reason=rusak)", "status()", False),
        ("dan batal", "cancel()", "status(order_id=INV-1)", False),
        ("dan INV-2", "cancel(order_id=INV-2)", "unknown()", False),
    ],
)
def test_what_is_left_out(words: str, call: str, before: str, elliptic: bool) -> None:
    read = clause(words, words, (call, -0.1))
    other = Call("unknown") if before == "unknown()" else call_of(before)
    assert is_elliptic(CONTRACT, words, read, call_of(call), other) == elliptic


def test_an_intent_that_rows_ask_for_by_a_value_may_be_meant() -> None:
    contract = Contract(CATALOG, small=SmallWords(("Indonesian",), by_values=("cancel",)))
    read = clause("dan INV-2", "dan INV-2", ("cancel(order_id=INV-2)", -0.1))
    before = call_of("status(order_id=INV-1)")
    assert not is_elliptic(contract, "dan INV-2", read, read.readings[0].call, before)


CEK = ("status(order_id=INV-1)", -0.1)
TEXT = "cek INV-1 dan INV-2"
SECOND = (("cancel(order_id=INV-2)", -0.2), ("status(order_id=INV-2)", -3.0))


def answer(*ways: Way) -> str:
    bare = partial(is_elliptic, CONTRACT, TEXT)
    made = propose_answer(ways, lambda words, best: None, None, 5, 0.0, bare)
    others = [calls for calls, _ in made.alternatives]
    assert made.calls not in others
    return format_calls(made.calls)


def test_the_second_asks_for_what_the_first_does() -> None:
    first = clause(TEXT, "cek INV-1", CEK, ("cancel(order_id=INV-1)", -9.0))
    second = clause(TEXT, "dan INV-2", *SECOND)
    both = "status(order_id=INV-1);status(order_id=INV-2)"
    assert answer(Way(0.0, [first, second])) == both
    third = clause(TEXT, "INV-2", *SECOND)
    assert answer(Way(0.0, [first, second, third])) == f"{both};status(order_id=INV-2)"


def test_where_it_was_not_read_so_another_way_to_cut_is_taken() -> None:
    first = clause(TEXT, "cek INV-1", CEK)
    second = clause(TEXT, "dan INV-2", SECOND[0])
    whole = clause(TEXT, TEXT, ("status(order_id=INV-1 dan INV-2)", -5.0))
    parted = Way(0.0, [first, second])
    assert answer(parted, Way(-4.0, [whole])) == "status(order_id=INV-1 dan INV-2)"
    # There is no other way: better an answer than none.
    assert answer(parted) == "status(order_id=INV-1);cancel(order_id=INV-2)"
