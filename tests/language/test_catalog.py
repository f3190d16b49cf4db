"""The catalog: inferred, written by hand, to and from OpenAI tools."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.errors import CatalogError
from maksud.language.calls import Argument, Call, parse_calls, same_answer
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


def test_yaml_round_trip_keeps_everything(tmp_path: Path) -> None:
    CATALOG.save(tmp_path / "catalog.yaml")
    assert Catalog.load(tmp_path / "catalog.yaml") == CATALOG
    assert (tmp_path / "catalog.yaml").read_text().startswith("#")


def test_toml_is_read(tmp_path: Path) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text("[intents.stop]\n[intents.go.parameters.to]\nrequired = true # where\n")
    catalog = Catalog.load(file)
    assert catalog.names == ("stop", "go")
    assert catalog.intents[1].parameters[0].required


def test_tools_round_trip_keeps_everything(tmp_path: Path) -> None:
    tools = CATALOG.to_tools()
    assert tools[0]["function"]["parameters"]["required"] == ["time"]
    assert tools[0]["function"]["parameters"]["properties"]["sound"]["enum"] == ["bell", "bird"]
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    assert Catalog.load(tmp_path / "tools.json") == CATALOG


def test_tools_of_others_are_read() -> None:
    tools = [{"name": "f", "parameters": {"properties": {"n": {"type": "integer"}}}}]
    assert Catalog.from_tools(tools).intents[0].parameters[0].type == "number"
    with pytest.raises(CatalogError, match="type 'array'"):
        Catalog.from_tools([{"name": "f", "parameters": {"properties": {"n": {"type": "array"}}}}])


def test_positional_arguments_take_names_in_order() -> None:
    calls = CATALOG.named(parse_calls("weather(Hangzhou, tomorrow)"))
    assert calls[0].named == {"place": "Hangzhou", "day": "tomorrow"}
    assert CATALOG.render(calls) == "weather(Hangzhou, tomorrow)"
    # A named argument frees its name; a gap can only be written with names.
    assert CATALOG.named(parse_calls("weather(tomorrow, place=X)"))[0].named["day"] == "tomorrow"
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


def test_inferred_from_answers() -> None:
    answers = ["play(song=Halo)", "weather(Hangzhou)", "stop()", "none()", "play(mode=loud)"] * 12
    utterances = ["play Halo", "in Hangzhou", "stop", "?", "play it with noise"] * 12
    catalog = Catalog.infer(map(parse_calls, answers), utterances)
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
    catalog = Catalog.infer(seen)
    for answer in seen:
        assert catalog.violations(answer) == []
        assert all(a.name for c in catalog.named(answer) for a in c.arguments)
        # What it writes means the same as what it was given.
        written = parse_calls(catalog.render(answer))
        assert same_answer(catalog.named(written), catalog.named(answer))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "expected a mapping 'intents'"),
        ({"intents": {"none": {}}}, "'none' is always there"),
        ({"intents": {"two words": {}}}, "not a name"),
        ({"intents": {"f": {"parameters": {"x": {"type": "txt"}}}}}, "Nearest: text"),
        ({"intents": {"f": {"parameters": {"x": {"requred": True}}}}}, "Nearest: required"),
        ({"intents": {"f": {"parameters": {"x": {"type": "enumeration"}}}}}, "lists its values"),
        ({"intents": {"f": {"parameters": {"x": {"values": "on"}}}}}, "list of texts"),
        ({"intents": {"f": 3}}, "expected a mapping"),
    ],
)
def test_bad_catalogs_say_what_and_where(content: object, says: str) -> None:
    with pytest.raises(CatalogError, match=says):
        Catalog.from_json(content)


def test_a_file_that_is_no_catalog(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text("intents: [")
    with pytest.raises(CatalogError, match="is not valid"):
        Catalog.load(file)
    with pytest.raises(CatalogError, match="can't be read"):
        Catalog.load(tmp_path / "missing.yaml")


def test_merging_refuses_contradictions() -> None:
    assert CATALOG.merged(Catalog((Intent("more"),))).names[-1] == "more"
    with pytest.raises(CatalogError, match="two ways"):
        CATALOG.merged(Catalog((Intent("stop", "something else"),)))
