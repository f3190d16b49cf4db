"""The catalog: what it names, writes, forbids and asks for."""

import pytest

from maksud.errors import CatalogError
from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter

ALARM = Intent(
    "set_alarm",
    "Ring at a time",
    (
        Parameter("time", required=True, question="At what time?"),
        Parameter("sound", type="enumeration", values=("bell", "bird")),
        Parameter("volume", type="number", copied=False),
        Parameter("repeat", type="boolean"),
        Parameter("until", type="datetime"),
    ),
)
WEATHER = Intent("weather", parameters=(Parameter("place"), Parameter("day")), positional=True)
CATALOG = Catalog((ALARM, WEATHER, Intent("stop")))


def test_positional_arguments_take_names_in_order() -> None:
    calls = CATALOG.name_arguments(parse_calls("weather(Hangzhou, tomorrow)"))
    assert calls[0].named == {"place": "Hangzhou", "day": "tomorrow"}
    assert CATALOG.render(calls) == "weather(Hangzhou, tomorrow)"
    # A named argument frees its name; a gap can only be written with names.
    assert (
        CATALOG.name_arguments(parse_calls("weather(tomorrow, place=X)"))[0].named["day"]
        == "tomorrow"
    )
    assert CATALOG.render(parse_calls("weather(day=tomorrow)")) == "weather(day=tomorrow)"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("wether(X)", "Nearest: weather"),
        ("weather(a, b, c)", "one too many"),
        ("weather(plce=X)", "Nearest: place"),
        ("weather(place=Bandung)", "not in the utterance"),
        ("set_alarm(sound=bel)", "Nearest: bell"),
        ("set_alarm(volume=loud)", "not a number"),
        ("set_alarm(volume=5pm)", "not a number"),
        ("set_alarm(volume=5.)", "not a number"),
        ("set_alarm(volume=+)", "not a number"),
        ("set_alarm(repeat=often)", "not true or false"),
    ],
)
def test_violations(answer: str, says: str) -> None:
    assert says in " ".join(CATALOG.violations(parse_calls(answer), "weather in Hangzhou a b c X"))


def test_valid_answers_have_no_violations() -> None:
    assert CATALOG.violations(parse_calls("none()")) == []
    text = "wake me at 5 with a bird"
    assert CATALOG.violations(parse_calls("set_alarm(time=5, sound=bird);stop()"), text) == []


def test_missing_required_parameters_bring_their_question() -> None:
    missing = CATALOG.missing(parse_calls("set_alarm();weather(X)"))
    assert [(m.parameter, m.question) for m in missing] == [("time", "At what time?")]


def test_merging_refuses_contradictions() -> None:
    assert CATALOG.merged(Catalog((Intent("more"),))).names[-1] == "more"
    with pytest.raises(CatalogError, match="two ways"):
        CATALOG.merged(Catalog((Intent("stop", "something else"),)))


def test_a_copied_value_is_what_was_said() -> None:
    """Whatever its type: people say "lima" and "jam lima sore"; only where it stands is checked."""
    copied = Catalog((Intent("f", "", (Parameter("n", "number"), Parameter("t", "datetime"))),))
    assert copied.violations(parse_calls("f(n=lima, t=nanti sore)"), "lima kali nanti sore") == []
    assert "not in the utterance" in copied.violations(parse_calls("f(n=5)"), "lima kali")[0]
    free = Catalog((Intent("f", "", (Parameter("t", "datetime", copied=False),)),))
    assert free.violations(parse_calls("f(t=sometime)"), "x") == []


@pytest.mark.parametrize("value", ["5", "-3", "+1", "1.5", '"1,000.5"', "12.000.000"])
def test_numbers(value: str) -> None:
    assert CATALOG.violations(parse_calls(f"set_alarm(volume={value})")) == []


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        ("weather(place=a)", "weather(a)"),
        ("weather(day=b, place=a)", "weather(a, b)"),
        ("weather(b, place=a)", "weather(a, b)"),
        ("weather(day=b)", "weather(day=b)"),
        ("weather(place=a, place=b)", "weather(place=a, place=b)"),
        ("weather(place=a, what=b)", "weather(place=a, what=b)"),
        ("weather(a, b, c)", "weather(place=a, day=b, c)"),
        ("set_alarm(5)", "set_alarm(time=5)"),
        ("other(5)", "other(5)"),
    ],
)
def test_answers_are_written_in_the_style_of_their_intent(answer: str, written: str) -> None:
    calls = parse_calls(answer)
    assert CATALOG.render(calls) == written
    assert CATALOG.render(CATALOG.name_arguments(calls)) == written


def test_a_parameter_stands_once_unless_it_is_many() -> None:
    once, many = Parameter("time"), Parameter("song", many=True)
    catalog = Catalog((Intent("f", parameters=(once, many)),))
    assert catalog.violations(parse_calls("f(time=6, song=a, song=b)")) == []
    twice = catalog.violations(parse_calls("f(time=5, time=6, 7)"))
    assert "f: time is given 2 times, and may stand once" in twice
