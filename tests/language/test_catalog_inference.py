"""The catalog that answers imply."""

from hypothesis import given
from hypothesis import strategies as st

from maksud.language.calls import Argument, Call, parse_calls, same_answer
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.catalog_inference import infer_catalog


def test_inferred_from_answers() -> None:
    answers = ["play(song=Halo)", "weather(Hangzhou)", "stop()", "none()", "play(mode=loud)"] * 12
    utterances = ["play Halo", "in Hangzhou", "stop", "?", "play it with noise"] * 12
    catalog = infer_catalog(map(parse_calls, answers), utterances)
    assert catalog.names == ("play", "stop", "weather")
    assert catalog.get("weather") == Intent(
        "weather", parameters=(Parameter("value"),), positional=True
    )
    mode = catalog.intents[0].parameter("mode")
    assert mode is not None and mode.type == "enumeration" and mode.values == ("loud",)


names = st.sampled_from(["f", "g", "h"])
parameters = st.sampled_from([None, "x", "y", "z"])
answers = st.lists(
    st.builds(
        Call,
        names,
        st.lists(st.builds(Argument, parameters, st.text(min_size=1, max_size=3)), max_size=3).map(
            tuple
        ),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


@given(st.lists(answers, max_size=8))
def test_an_inferred_catalog_allows_its_answers(seen: list[tuple[Call, ...]]) -> None:
    catalog = infer_catalog(seen)
    for answer in seen:
        # What one answer alone says twice is taken for a slip.
        assert all("may stand once" in v for v in catalog.violations(answer))
        assert all(a.name for c in catalog.name_arguments(answer) for a in c.arguments)
        # What it writes means the same as what it was given.
        written = parse_calls(catalog.render(answer))
        assert same_answer(catalog.name_arguments(written), catalog.name_arguments(answer))


def test_what_is_often_given_several_times_is_many() -> None:
    once, twice = parse_calls("f(a=1, b=2)"), parse_calls("f(a=1, a=2, b=2)")
    (intent,) = infer_catalog([once] * 50 + [twice] * 2).intents
    assert [(p.name, p.many) for p in intent.parameters] == [("a", True), ("b", False)]
    (intent,) = infer_catalog([once] * 2 + [twice]).intents  # one row is a slip
    assert not any(p.many for p in intent.parameters)
    (intent,) = infer_catalog([once] * 400 + [twice] * 3).intents  # three of four hundred, too
    assert not any(p.many for p in intent.parameters)


def infer(*rows: tuple[str, str]) -> Catalog:
    return infer_catalog([parse_calls(answer) for answer, _ in rows], [text for _, text in rows])


def test_several_places_get_numbers_and_come_first() -> None:
    catalog = infer_catalog(map(parse_calls, ["f(z=1, a, b)", "f(c, y=1)", "g(a)", "none()"]))
    assert catalog == Catalog(
        (
            Intent("f", parameters=tuple(map(Parameter, ("value1", "value2", "z", "y")))),
            Intent("g", parameters=(Parameter("value"),), positional=True),
        )
    )


def test_one_name_is_enough_to_write_all_names() -> None:
    assert infer(("f(a)", "a"), ("f(b)", "b")).intents[0].positional
    assert not infer(("f(a)", "a"), ("f(x=b)", "b")).intents[0].positional
    assert not infer(("f()", "a"), ("f()", "b")).intents[0].positional


def test_none_is_no_intent_and_hides_none_that_follows() -> None:
    answers = [(Call("none"), Call("f")), (Call("g"),)]
    assert infer_catalog(answers).names == ("f", "g")


def test_ten_values_that_are_not_said_are_a_rule_and_nine_are_not() -> None:
    nine = infer(*[("f(x=on)", "please")] * 9).intents[0].parameters[0]
    assert nine == Parameter("x")
    ten = infer(*[("f(x=on)", "please")] * 10).intents[0].parameters[0]
    assert ten == Parameter("x", "enumeration", values=("on",), copied=False)


def test_half_of_the_values_said_is_copied() -> None:
    said, not_said = ("f(x=on)", "turn it on"), ("f(x=on)", "please")
    assert infer(*[said] * 5, *[not_said] * 5).intents[0].parameters[0].copied
    assert not infer(*[said] * 4, *[not_said] * 6).intents[0].parameters[0].copied


def test_a_third_as_many_values_as_uses_make_an_enumeration() -> None:
    def values(different: int, uses: int) -> tuple[str, ...]:
        rows = [(f"f(x=v{k % different:02d})", "?") for k in range(uses)]
        return infer(*rows).intents[0].parameters[0].values

    assert values(4, 12) == ("v00", "v01", "v02", "v03")
    assert values(4, 11) == ()
    assert len(values(50, 150)) == 50
    assert values(51, 153) == ()
    free = infer(*[(f"f(x=v{k})", "?") for k in range(10)]).intents[0].parameters[0]
    assert free == Parameter("x", copied=False)


def test_answers_without_their_utterances_say_nothing_of_copying() -> None:
    calls = [parse_calls("f(x=on)")] * 20
    assert infer_catalog(calls).intents[0].parameters == (Parameter("x"),)
    # With some of the utterances only those that have none speak for it.
    part = infer_catalog(calls, ["?"] * 9).intents[0].parameters
    assert part == (Parameter("x"),)
    most = infer_catalog(calls, ["?"] * 11).intents[0].parameters
    assert most == (Parameter("x", "enumeration", values=("on",), copied=False),)


def test_copying_is_judged_for_each_intent_and_parameter() -> None:
    rows = [("f(x=on, y=on);g(x=off)", "on")] * 12
    assert infer(*rows) == Catalog(
        (
            Intent("f", parameters=(Parameter("x"), Parameter("y"))),
            Intent("g", parameters=(Parameter("x", "enumeration", values=("off",), copied=False),)),
        )
    )


def test_a_place_is_counted_anew_in_each_call() -> None:
    catalog = infer(*[("f(a, b);f(c)", "a b c")] * 3)
    assert catalog.intents[0].parameters == (Parameter("value1"), Parameter("value2"))
    assert catalog.render(parse_calls("f(value2=b, value1=a)")) == "f(a, b)"


def test_positional_and_named_by_its_place_are_one_parameter() -> None:
    """Answers are given back as `f(value=x)` where the rows say `f(x)`: both may be in the data."""
    answers = [parse_calls(t) for t in ("f(a)", "f(value=b)", "g(a, b)", "g(value2=c)")]
    catalog = infer_catalog(answers)
    names = {i.name: [p.name for p in i.parameters] for i in catalog.intents}
    assert names == {"f": ["value"], "g": ["value1", "value2"]}
    assert not any(catalog.violations(calls) for calls in answers)
