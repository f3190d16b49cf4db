"""Values between an utterance and its normal form, and those that are not of their type."""

import pytest

from maksud.language.calls import Argument, Call, parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.text import normalise_text
from maksud.language.values import find_doubts, normalise_values, restore_values

CATALOG = Catalog(
    (
        Intent("play", parameters=(Parameter("song", many=True), Parameter("artist"))),
        Intent(
            "light",
            parameters=(
                Parameter("state", type="enumeration", values=("on", "off")),
                Parameter("mode", copied=False),
            ),
        ),
        Intent(
            "alarm", parameters=(Parameter("time", type="datetime"), Parameter("n", type="number"))
        ),
    )
)


def test_values_are_given_as_they_were_said() -> None:
    read = normalise_text("putar \u201cDon\u2019t  Stop\u201d dari \uff21\uff22\uff22\uff21 ya")
    assert read.text == 'putar "Don\'t Stop" dari ABBA ya'
    calls = parse_calls('play(song="Don\'t Stop", artist=ABBA)')
    assert restore_values(calls, read, CATALOG)[0].named == {
        "song": "Don\u2019t  Stop",
        "artist": "\uff21\uff22\uff22\uff21",
    }


def test_of_several_places_the_first_that_fits_is_taken() -> None:
    # Inside of "Hampaku" only where it stands nowhere else, and the second behind the first.
    read = normalise_text("\uff28ampaku Ham\u00adpa lalu Hamp\u200ba")
    calls = parse_calls("play(song=Hampa, song=Hampa);play(song=Hampa)")
    values = [a.value for c in restore_values(calls, read, CATALOG) for a in c.arguments]
    assert values == ["Ham\u00adpa", "Hamp\u200ba", "Ham\u00adpa"]
    read = normalise_text("\uff28ampaku")
    assert restore_values(parse_calls("play(song=Hampa)"), read, CATALOG)[0].named == {
        "song": "\uff28ampa"
    }


def test_chosen_values_are_no_part_of_the_utterance() -> None:
    read = normalise_text("\uff4f\uff4e eco\u00adnomy please")
    calls = parse_calls("light(state=on, mode=economy)")
    assert restore_values(calls, read, CATALOG) == calls
    unknown = (Call("other", (Argument("x", "on"), Argument(None, "on"))),)
    assert restore_values(unknown, read, CATALOG) == unknown


def test_where_nothing_changed_nothing_is_looked_for() -> None:
    calls = parse_calls("play(song=Hampa)")
    assert restore_values(calls, normalise_text("putar Hampa"), CATALOG)[0] is calls[0]


def test_gold_values_that_stand_in_the_utterance_follow_it() -> None:
    calls = parse_calls('play(song="Don\u2019t", artist="Anak\u00a0Band");light(state=on)')
    same = normalise_values(calls, CATALOG, "putar Don't")
    assert same[0].named == {"song": "Don't", "artist": "Anak\u00a0Band"}
    assert same[1] is calls[1]
    assert normalise_values(calls, CATALOG)[0].named == {"song": "Don't", "artist": "Anak Band"}
    listed = Catalog(
        (Intent("f", parameters=(Parameter("x", "enumeration", values=("½\u00a0l",)),)),)
    )
    calls = (Call("f", (Argument("x", "½\u00a0l"),)),)
    assert normalise_values(calls, listed) == calls


@pytest.mark.parametrize(
    "value",
    ["jam 7", "besok pagi", "SENIN depan", "half past five", "o'clock", "jum\u2019at", "tomorrow",
     "七点", "\uff17", "setengah delapan", "nanti malam", "in an hour"],
)  # fmt: skip
def test_a_time_is_found(value: str) -> None:
    assert list(find_doubts([Call("alarm", (Argument("time", value),))], CATALOG)) == []


@pytest.mark.parametrize("value", ["lima", "dua puluh", "5pm", "twelve", "½", "٣", "seratus"])
def test_a_number_is_found(value: str) -> None:
    assert list(find_doubts([Call("alarm", (Argument("n", value),))], CATALOG)) == []


@pytest.mark.parametrize("value", ["lampu", "the kitchen", "", "?!"])
def test_what_is_neither_is_doubted(value: str) -> None:
    call = Call("alarm", (Argument("time", value), Argument("n", value)))
    doubts = list(find_doubts([call, Call("play", (Argument("song", value),))], CATALOG))
    assert [(d.intent, d.parameter, d.value, d.expected) for d in doubts] == [
        ("alarm", "time", value, "datetime"),
        ("alarm", "n", value, "number"),
    ]
    assert list(find_doubts([Call("alarm", (Argument("n", "besok"),))], CATALOG)) != []
