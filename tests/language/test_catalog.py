"""The catalog: what it names, writes, forbids and asks for."""

import pytest
from catalogs import ALARM, CATALOG

from maksud.errors import CatalogError
from maksud.language.calls import Argument, Call, parse_calls
from maksud.language.catalog import Catalog, Intent, MissingParameter, Parameter


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


def positional(*names: str) -> Catalog:
    return Catalog((Intent("f", parameters=tuple(map(Parameter, names)), positional=True),))


def test_a_catalog_is_a_collection_of_its_intents() -> None:
    assert CATALOG.names == ("set_alarm", "weather", "stop")
    assert len(CATALOG) == 3 and "stop" in CATALOG and "none" not in CATALOG and 3 not in CATALOG
    assert CATALOG.get("stop") == Intent("stop") and CATALOG.get("none") is None
    assert ALARM.parameter("sound") == ALARM.parameters[1] and ALARM.parameter("song") is None
    assert Catalog(()).names == ()


@pytest.mark.parametrize(
    ("intents", "says"),
    [
        ((Intent("f"), Intent("g"), Intent("f", "x")), "intent 'f' is declared twice. Merge them"),
        ((Intent("two words"),), "intent 'two words': is not a name. Leave out spaces"),
        ((Intent("none"),), "intent 'none': 'none' is always there. Remove the entry"),
        ((Intent("f", "", (Parameter("a b"),)),), "intent 'f': parameter 'a b' is not a name"),
        (
            (Intent("f", "", (Parameter("a"), Parameter("b"), Parameter("a"))),),
            "intent 'f': parameter 'a' is declared twice",
        ),
        (
            (Intent("f", "", (Parameter("a", "txt"),)),),  # type: ignore[arg-type]
            "intent 'f': parameter 'a' has type 'txt'. Nearest: text",
        ),
        ((Intent("f", "", (Parameter("a", "enumeration"),)),), "intent 'f': parameter 'a': an enu"),
        ((Intent("f", "", (Parameter("a", values=("x",)),)),), "intent 'f': parameter 'a': an enu"),
    ],
)
def test_a_catalog_that_contradicts_itself_is_refused(
    intents: tuple[Intent, ...], says: str
) -> None:
    with pytest.raises(CatalogError) as told:
        Catalog(intents)
    assert str(told.value).startswith(says)


def test_a_parameter_of_the_same_name_may_stand_in_two_intents() -> None:
    two = Catalog((Intent("f", "", (Parameter("a"),)), Intent("g", "", (Parameter("a"),))))
    assert two.names == ("f", "g")


def test_choices_are_all_the_values_that_there_are() -> None:
    choices = [p.choices for p in ALARM.parameters]
    assert choices == [(), ("bell", "bird"), (), ("true", "false"), ()]


def test_all_violations_are_told_in_order() -> None:
    calls = (
        Call("none"),
        Call("wether"),
        Call("set_alarm", (Argument("sound", "bel"), Argument("repeat", "no"))),
        Call("weather", tuple(Argument(None, v) for v in "abc")),
        Call("weather", (Argument("plce", "a"), Argument("place", "b"))),
    )
    assert CATALOG.violations(calls, "a") == [
        "intent 'wether' is not in the catalog. Nearest: weather",
        "set_alarm: sound='bel' is not among the values. Nearest: bell",
        "set_alarm: repeat='no' is not true or false",
        "weather: day='b' is not in the utterance",
        "weather takes 2 parameters; the value 'c' is one too many",
        "weather has no parameter 'plce'. Nearest: place",
        "weather: place='b' is not in the utterance",
    ]
    assert CATALOG.violations(parse_calls("set_alarm(repeat=true);set_alarm(repeat=false)")) == []
    assert CATALOG.violations(parse_calls("set_alarm(volume=x)")) == [
        "set_alarm: volume='x' is not a number"
    ]
    # Without an utterance nobody can say what stands in it.
    assert CATALOG.violations(parse_calls("weather(Hangzhou)")) == []


def test_what_is_missing_is_asked_for_in_order() -> None:
    catalog = Catalog(
        (
            Intent("stop"),
            Intent(
                "book",
                parameters=(
                    Parameter("from", required=True, description="where from", question="From?"),
                    Parameter("class"),
                    Parameter("to", required=True, description="where to"),
                    Parameter("day", required=True),
                ),
            ),
        )
    )
    calls = parse_calls("stop();other(x);book(class=1);book(Bandung, day=besok)")
    assert catalog.missing(calls) == (
        MissingParameter("book", "from", "From?"),
        MissingParameter("book", "to", "where to?"),
        MissingParameter("book", "day", "day?"),
        MissingParameter("book", "to", "where to?"),
    )
    assert catalog.missing(parse_calls("book(a, b, c, d)")) == ()


def test_merging_keeps_what_both_declare_once() -> None:
    merged = CATALOG.merged(Catalog((Intent("more"), Intent("stop"), Intent("last"))))
    assert merged.names == ("set_alarm", "weather", "stop", "more", "last")
    with pytest.raises(CatalogError, match="'weather' is declared in two ways. Make the two"):
        CATALOG.merged(Catalog((Intent("more"), Intent("weather"))))


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("f(1, 2, 3)", "f(a=1, b=2, c=3)"),
        ("f(b=1, 2, 3)", "f(b=1, a=2, c=3)"),
        ("f(1, a=2)", "f(b=1, a=2)"),
        ("f(1, 2, 3, 4)", "f(a=1, b=2, c=3, 4)"),
        ("f(x=1, 2)", "f(x=1, a=2)"),
        ("f(a=1, a=2, 3)", "f(a=1, a=2, b=3)"),
        ("f()", "f()"),
        ("g(1)", "g(1)"),
        ("f(1);g(1);f(2)", "f(a=1);g(1);f(a=2)"),
    ],
)
def test_names_go_to_what_has_none(answer: str, named: str) -> None:
    catalog = positional("a", "b", "c")
    assert catalog.name_arguments(parse_calls(answer)) == parse_calls(named)


@pytest.mark.parametrize(
    ("answer", "styled"),
    [
        ("f(a=1, b=2, c=3)", "f(1, 2, 3)"),
        ("f(c=3, b=2, a=1)", "f(1, 2, 3)"),
        ("f(1, 2)", "f(1, 2)"),
        ("f(a=1, 2)", "f(1, 2)"),
        ("f(1, c=3)", "f(a=1, c=3)"),
        ("f(1, 2, 3, 4)", "f(a=1, b=2, c=3, 4)"),
        ("f(a=1, b=2, c=3, d=4)", "f(a=1, b=2, c=3, d=4)"),
        ("f(a=1, b=2, c=3, c=4)", "f(a=1, b=2, c=3, c=4)"),
        ("f()", "f()"),
        ("none()", "none()"),
    ],
)
def test_styles_of_three_places(answer: str, styled: str) -> None:
    catalog = positional("a", "b", "c")
    assert catalog.style_arguments(parse_calls(answer)) == parse_calls(styled)
    assert catalog.render(parse_calls(answer)) == styled
