"""The catalog that answers imply."""

from hypothesis import given
from hypothesis import strategies as st

from maksud.language.calls import Argument, Call, parse_calls, same_answer
from maksud.language.catalog import Intent, Parameter
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
