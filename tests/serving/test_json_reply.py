"""Answers as JSON: always what the schema says, or a refusal; what can't be met is named."""

import json
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from maksud.http.api_error import ApiError
from maksud.language.calls import NONE, parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.recognition import Recognition
from maksud.serving.json_reply import Form, FormatAsked, answer_schema, read_format

CATALOG = Catalog(
    (
        Intent("play", parameters=(Parameter("song"),)),
        Intent(
            "alarm",
            parameters=(
                Parameter("time", required=True, question="Jam berapa?"),
                Parameter("times", type="number"),
                Parameter("days", type="enumeration", values=("sat", "sun"), many=True),
            ),
        ),
        Intent("stop"),
    )
)
SAID = [
    "none()",
    "stop()",
    "play(song=Hampa)",
    "play()",
    "alarm()",
    "alarm(time=5, times=tiga, days=sat, days=sun)",
    "alarm(time=5, times=often)",
    "play(song=A);stop();alarm(time=6)",
]


def answer(text: str, accepted: bool | None = None) -> Recognition:
    calls = parse_calls(text)
    acts = NONE not in calls if accepted is None else accepted
    return Recognition("u", calls, text, 0.87654, acts)


def form(schema: Any = None) -> Form:
    return Form(FormatAsked(schema), CATALOG)


def written(schema: Any, text: str, accepted: bool | None = None) -> Any:
    """The JSON, or the refusal."""
    made = answer(text, accepted)
    content, why = form(schema).write(made, made.accepted)
    assert (content is None) == bool(why)
    if content is None:
        return why
    found = json.loads(content)
    jsonschema.validate(found, schema if schema is not None else answer_schema(CATALOG))
    return found


def unmet(schema: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        form(schema)
    assert caught.value.status == 400
    assert str(caught.value.param).startswith("response_format.json_schema.schema")
    return caught.value


# ---------------------------------------------------------------- our schema


def test_our_schema_is_one_and_is_always_met() -> None:
    jsonschema.Draft202012Validator.check_schema(answer_schema(CATALOG))
    for text in SAID:
        for accepted in (True, False):
            made = written(None, text, accepted)
            assert written(answer_schema(CATALOG), text, accepted) == made
            assert made["confidence"] == 0.8765 and made["accepted"] is accepted
            assert bool(made["calls"]) is (accepted and text != "none()")


def test_what_our_schema_says() -> None:
    whole = "alarm(time=5, times=tiga, days=sat, days=sun)"
    assert written(None, whole)["calls"] == [
        {"intent": "alarm", "arguments": {"time": "5", "times": 3, "days": ["sat", "sun"]}}
    ]
    lacking = written(None, "alarm(times=often)")
    assert lacking["calls"] == [{"intent": "alarm", "arguments": {}}]
    assert lacking["missing"] == [
        {"intent": "alarm", "parameter": "time"},
        {"intent": "alarm", "parameter": "times"},
    ]
    assert lacking["question"] == "Jam berapa?" and lacking["reason"] is None
    outside = written(None, "none()")
    assert outside == {
        "calls": [], "confidence": 0.8765, "accepted": False, "missing": [], "question": None,
        "reason": "out of scope",
    }  # fmt: skip
    assert written(None, "stop()", False)["reason"] == "not sure enough: stop() at 0.88"


# ---------------------------------------------------------------- schemas of clients


class Flat(BaseModel):
    """One object for several intents, as `with_structured_output` sends it."""

    intent: Literal["play", "alarm", "stop", "unknown"]
    song: str | None = None
    time: str | None = Field(None, description="When it rings")
    times: int | None = None
    days: list[str] | None = None


class Play(BaseModel):
    kind: Literal["play"]
    song: str | None = None


class AlarmArguments(BaseModel):
    time: str
    times: float | None = None
    days: list[Literal["sat", "sun"]] = []


class Alarm(BaseModel):
    kind: Literal["alarm"]
    arguments: AlarmArguments


class Stop(BaseModel):
    kind: Literal["stop"]


class Nothing(BaseModel):
    kind: Literal["none"]
    reason: str | None


class Union(BaseModel):
    """A discriminated union in one property, beside what is known."""

    action: Play | Alarm | Stop = Field(discriminator="kind")
    confidence: float


class Listed(BaseModel):
    calls: list[Play | Alarm | Stop | Nothing]
    question: str | None
    note: str | None


class Perhaps(BaseModel):
    action: Play | Stop | None


@pytest.mark.parametrize("model", [Flat, Union, Listed, Perhaps])
@pytest.mark.parametrize("text", SAID)
def test_what_pydantic_sends_is_filled_or_refused(model: type[BaseModel], text: str) -> None:
    schema = model.model_json_schema()
    calls = parse_calls(text)
    if {c.intent for c in calls} - {"none"} <= (form(schema).allowed or set(CATALOG.names)):
        for accepted in (True, False):
            made = written(schema, text, accepted)
            if not isinstance(made, str):
                model.model_validate(made)


def test_a_flat_object() -> None:
    schema = Flat.model_json_schema()
    assert form(schema).allowed is None
    assert written(schema, "play(song=Hampa)") == {"intent": "play", "song": "Hampa"}
    assert written(schema, "none()") == {"intent": "unknown"}
    assert written(schema, "stop()", False) == {"intent": "unknown"}
    assert written(schema, "alarm()") == {"intent": "alarm"}  # all of it may be left out
    assert written(schema, "alarm(time=5, times=2)")["times"] == 2
    refusal = written(schema, "play(song=A);stop()")
    assert refusal == "2 things are asked for, and the schema has room for one"
    every = {**schema, "required": list(schema["properties"])}  # as strict schemas have it
    assert written(every, "stop()") == {
        "intent": "stop", "song": None, "time": None, "times": None, "days": None,
    }  # fmt: skip
    assert written(every, "alarm()")["time"] is None


def test_a_union_in_a_property() -> None:
    schema = Union.model_json_schema()
    assert written(schema, "alarm(time=5, days=sat)") == {
        "action": {"kind": "alarm", "arguments": {"time": "5", "days": ["sat"]}},
        "confidence": 0.8765,
    }
    assert written(schema, "none()") == "out of scope"
    assert written(schema, "stop()", False) == "not sure enough: stop() at 0.88"
    assert written(schema, "alarm()") == "something is missing: alarm.time"
    assert written(Perhaps.model_json_schema(), "none()") == {"action": None}
    assert form(Perhaps.model_json_schema()).allowed == {"play", "stop", "none"}


def test_a_list_of_calls() -> None:
    schema = Listed.model_json_schema()
    assert written(schema, "play(song=A);stop()") == {
        "calls": [{"kind": "play", "song": "A"}, {"kind": "stop"}],
        "question": None,
        "note": None,
    }
    assert written(schema, "none()")["calls"] == []
    assert written(schema, "alarm()") == "something is missing: alarm.time"


def test_what_says_that_there_is_nothing_says_why() -> None:
    schema = {"anyOf": [m.model_json_schema() for m in (Play, Stop, Nothing)]}
    assert written(schema, "none()") == {"kind": "none", "reason": "out of scope"}
    assert written(schema, "stop()") == {"kind": "stop"}


FLAT = Flat.model_json_schema()


def object_of(properties: Any, *required: str) -> Any:
    return {"type": "object", "properties": properties, "required": list(required)}


NAME = {"type": "string", "enum": ["play"]}
TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "at", "said"),
    [
        ({}, "", "no property is a call"),
        (object_of({"answer": TEXT}), "", "no property is a call"),
        (object_of({"intent": TEXT, "song": TEXT}), "", "no property is a call"),
        (object_of({"intent": {"enum": ["play", "fly"]}, "song": TEXT}), "intent", "'fly'"),
        (object_of({"intent": NAME}), "properties", "'song' is left out"),
        (object_of({"intent": NAME, "song": {"type": "boolean"}}), "song", "must be a text"),
        (object_of({"intent": NAME, "song": TEXT, "why": TEXT}, "why"), "why", "nothing in"),
        (
            object_of({"intent": {"enum": ["play", "stop"]}, "song": TEXT}, "song"),
            "song",
            "nothing in an answer fills it",
        ),
        (object_of({"intent": NAME, "song": {**TEXT, "pattern": "^a"}}), "pattern", "keyword"),
        (object_of({"intent": NAME, "song": TEXT}) | {"not": {}}, "not", "keyword"),
        (object_of({"intent": NAME, "song": {"type": "text"}}), "type", "string"),
        (object_of({"a": FLAT, "b": FLAT}), "", "several properties hold a call"),
        (
            object_of({"c": {"type": "array", "items": FLAT, "minItems": 1}}),
            "properties.c",
            "how many",
        ),
        ({"$ref": "#"}, "$ref", "recursive"),
        ({"$ref": "https://example.org/schema"}, "$ref", "only references within"),
        ({"$ref": "#/$defs/nothing"}, "$ref", "leads nowhere"),
        (
            {"$defs": {"A": object_of({"a": {"$ref": "#/$defs/A"}})}, "$ref": "#/$defs/A"},
            "$ref",
            "recursive",
        ),
        ({"allOf": [FLAT, FLAT]}, "allOf", "only one"),
        (object_of([]), "properties", "must be an object"),
        (object_of({"a": TEXT}, "b"), "required", "'b' is not among"),
        ({"anyOf": []}, "anyOf", "must be a list"),
        ({"type": "object", "properties": {"a": 1}}, "properties.a", "must be a schema"),
    ],
)
def test_what_cannot_be_met_is_named(schema: Any, at: str, said: str) -> None:
    error = unmet(schema)
    assert at in str(error.param) and said in str(error)


def test_a_huge_schema_is_refused_soon() -> None:
    wide = object_of({f"p{k}": {"type": "string"} for k in range(20_000)})
    assert "more than 5,000 parts" in str(unmet(wide))
    bomb: dict[str, Any] = {"d0": object_of({"x": TEXT})}
    for k in range(1, 25):
        both = {"$ref": f"#/$defs/d{k - 1}"}
        bomb[f"d{k}"] = object_of({"a": both, "b": both})
    assert "more than 5,000 parts" in str(unmet({"$defs": bomb, "$ref": "#/$defs/d24"}))


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ("json", "response_format"),
        ({}, "response_format.type"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": 1}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {}}, "response_format.json_schema.name"),
        (
            {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}},
            "response_format.json_schema.name",
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "a" * 65, "schema": {}}},
            "response_format.json_schema.name",
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "a", "schema": []}},
            "response_format.json_schema.schema",
        ),
    ],
)
def test_a_format_that_cannot_be_read_is_named(wanted: Any, param: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_format({"response_format": wanted})
    assert (caught.value.status, caught.value.param) == (400, param)


def test_which_formats_there_are() -> None:
    assert read_format({}) is None and read_format({"response_format": None}) is None
    assert read_format({"response_format": {"type": "text"}}) is None
    assert read_format({"response_format": {"type": "json_object"}}) == FormatAsked()
    given = {"name": "a-B_1", "schema": FLAT, "strict": True}
    asked = read_format({"response_format": {"type": "json_schema", "json_schema": given}})
    assert asked == FormatAsked(FLAT)


@given(
    st.sampled_from([*SAID, "alarm(time=a, times=1)", "play(song=x);play(song=y)"]),
    st.booleans(),
    st.sampled_from([None, Flat, Union, Listed]),
)
def test_an_answer_always_fits_its_schema(text: str, accepted: bool, model: Any) -> None:
    written(None if model is None else model.model_json_schema(), text, accepted)


def one(**properties: Any) -> dict[str, Any]:
    """The schema of one call, with these properties beside its intent."""
    return {
        "type": "object",
        "properties": {"intent": {"enum": ["play"]}, **properties},
        "required": ["intent", *properties],
    }


def test_schemas_that_nest_through_references_are_refused_in_good_time() -> None:
    deep: dict[str, Any] = {
        f"d{k}": {"properties": {"x": {"$ref": f"#/$defs/d{k + 1}"}}} for k in range(1500)
    }
    error = unmet({"$defs": {**deep, "d1500": {}}, **one(song={"$ref": "#/$defs/d0"})})
    assert error.code == "unsupported_schema" and "deeper than 32" in str(error)
    chain: dict[str, Any] = {f"d{k}": {"$ref": f"#/$defs/d{k + 1}"} for k in range(1500)}
    song = {"anyOf": [{"$ref": "#/$defs/d0"}] * 100}
    error = unmet({"$defs": {**chain, "d1500": {}}, **one(song=song)})
    assert error.code == "unsupported_schema" and "deeper than 32" in str(error)
    few: dict[str, Any] = {f"d{k}": {"$ref": f"#/$defs/d{k + 1}"} for k in range(20)}
    song = {"anyOf": [{"$ref": "#/$defs/d0"}] * 1000}
    assert "more than 5,000 parts" in str(unmet({"$defs": {**few, "d20": {}}, **one(song=song)}))


@pytest.mark.parametrize(
    ("song", "keyword"),
    [
        ({"anyOf": [{"type": "string"}], "minLength": 100}, "minLength"),
        ({"enum": ["x"], "oneOf": [{"type": "string"}]}, "enum"),
        ({"anyOf": [{"type": "string"}], "oneOf": [{"type": "null"}]}, "oneOf"),
        ({"$ref": "#/$defs/long", "minLength": 1}, "minLength"),
        ({"allOf": [{"$ref": "#/$defs/long"}], "minLength": 1}, "minLength"),
    ],
)
def test_what_stands_beside_options_or_a_reference_is_never_dropped(
    song: dict[str, Any], keyword: str
) -> None:
    long = {"type": "string", "minLength": 100, "description": "Which"}
    error = unmet({"$defs": {"long": long}, **one(song=song)})
    assert error.code == "unsupported_schema" and str(error.param).endswith(f".song.{keyword}")
    kept = {"$defs": {"long": long}, **one(song={"$ref": "#/$defs/long", "description": "It"})}
    assert "something is missing" in written(kept, "play(song=Hampa)")


def test_a_type_beside_options_holds_for_each_of_them() -> None:
    song = {"type": "string", "anyOf": [{"type": "integer"}, {"maxLength": 9}, {"type": "null"}]}
    assert written(one(song=song), "play(song=5)") == {"intent": "play", "song": "5"}
    assert "something is missing" in written(one(song=song), "play()")  # null is no string
    count = {"type": "number", "anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert written(one(song=count), "play(song=5)") == {"intent": "play", "song": 5}


def test_values_that_the_rest_of_a_schema_rules_out_are_never_sent() -> None:
    song = {"type": "string", "enum": [1, "1", "ab"], "maxLength": 1}
    assert written(one(song=song), "play(song=1)") == {"intent": "play", "song": "1"}
    assert "something is missing" in written(one(song=song), "play(song=ab)")


def test_what_is_known_goes_only_where_the_schema_has_room() -> None:
    song = {"type": "string"}
    made = written(one(song=song, question={"const": None}), "play(song=A)")
    assert made == {"intent": "play", "song": "A", "question": None}
    for shape in ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, {"enum": ["high"]}):
        assert unmet(one(song=song, confidence=shape)).code == "unsupported_schema"


def test_limits_that_no_number_can_meet_are_refused() -> None:
    error = unmet(one(song={"type": "number", "multipleOf": 10**400}))
    assert str(error.param).endswith(".song.multipleOf")


@pytest.mark.parametrize("values", [{"enum": ["a", 10**400]}, {"const": -(10**400)}])
def test_values_that_no_number_can_be_compared_with_are_refused(values: dict[str, Any]) -> None:
    for song in (values, {"oneOf": [values, {"type": "boolean"}]}, {**values, "multipleOf": 0.5}):
        error = unmet(one(song=song))
        assert error.status == 400 and str(error.param).endswith((".enum", ".const"))


# ---------------------------------------------------------------- oneOf: of several, one holds

TEXT, NULL = {"type": "string"}, {"type": "null"}


@pytest.mark.parametrize(
    ("options", "said", "song"),
    [
        ([TEXT, NULL], "play(song=5)", "5"),
        ([TEXT, NULL], "play()", None),
        ([{"type": "integer"}, TEXT], "play(song=5)", 5),
        ([{"type": "integer"}, {"type": "boolean"}, TEXT], "play(song=x)", "x"),
        ([{"enum": ["a", 1]}, {"enum": ["b", 2]}], "play(song=b)", "b"),
        ([{"enum": [1, 1.5]}, {"enum": [True]}, TEXT], "play(song=x)", "x"),
        ([{"enum": [1.5]}, {"type": "integer"}, TEXT], "play(song=7)", 7),
        ([{"anyOf": [{"enum": ["a"]}, {"const": "b"}]}, {"enum": ["c"]}], "play(song=b)", "b"),
    ],
)
def test_of_one_of_only_one_holds(options: Any, said: str, song: Any) -> None:
    schema = one(song={"oneOf": options})
    assert written(schema, said) == {"intent": "play", "song": song}


@pytest.mark.parametrize(
    "options",
    [
        [TEXT, TEXT],
        [TEXT, {"type": ["string", "null"]}],
        [{**TEXT, "maxLength": 3}, {**TEXT, "minLength": 2}],
        [{"type": ["string", "null"]}, NULL],
        [{"enum": ["a"]}, TEXT],
        [TEXT, {"enum": ["a"]}],
        [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}],
        [{"type": "number"}, {"type": "integer"}, TEXT],
        [{"type": "integer"}, {"type": "number"}, TEXT],
        [{"const": 1}, {"const": 1.0}, TEXT],
        [{}, NULL, TEXT],
        [{}, NULL],
        [{"maxLength": 3}, {"type": "boolean"}],
        [{"properties": {}}, TEXT],
        [{"anyOf": [TEXT, {"type": "integer"}]}, {"type": "number"}],
        [{"anyOf": [{"anyOf": [TEXT, NULL]}, {"type": "integer"}]}, {"const": "x"}],
    ],
    ids=str,
)
def test_one_of_that_may_hold_twice_is_refused(options: Any) -> None:
    error = unmet(one(song={"oneOf": options}))
    assert error.code == "unsupported_schema" and str(error.param).endswith(".song.oneOf")
    assert "use anyOf" in str(error)
    if {"type": "string"} in options:
        assert written(one(song={"anyOf": options}), "play(song=A)")


def test_calls_in_one_of_are_told_apart_by_their_intent() -> None:
    play = one(song=TEXT)
    stop = {"type": "object", "properties": {"intent": {"const": "stop"}}, "required": ["intent"]}
    assert written({"oneOf": [play, stop]}, "play(song=A)") == {"intent": "play", "song": "A"}
    listed = {
        "type": "object",
        "properties": {"calls": {"type": "array", "items": {"oneOf": [play, stop]}}},
        "required": ["calls"],
    }
    assert written(listed, "stop()") == {"calls": [{"intent": "stop"}]}
    bare = {k: v for k, v in play.items() if k != "type"}
    assert "use anyOf" in str(unmet({"oneOf": [bare, {"type": "string"}]}))
    free = {"type": "object", "properties": {"note": TEXT}}
    named = {"type": "object", "properties": {"intent": TEXT}, "required": ["intent"]}
    both = {**stop, "properties": {"intent": {"enum": ["play", "stop"]}, "song": TEXT}}
    for other in (free, named, both, play, {}):
        error = unmet({"oneOf": [play, stop, other]})
        assert error.code == "unsupported_schema" and "'intent'" in str(error)
        if other != {}:
            written({"anyOf": [play, stop, other]}, "play(song=A)")


def test_a_long_one_of_is_read_in_good_time() -> None:
    options = [{"enum": [f"{k}-{n}" for n in range(40)]} for k in range(1000)]
    assert written(one(song={"oneOf": options}), "play(song=7-7)")
    nested = {"anyOf": [{**TEXT, "maxLength": k} for k in range(1, 1000)]}
    numbers = {"anyOf": [{"type": "integer", "minimum": k} for k in range(1, 1000)]}
    assert written(one(song={"oneOf": [nested, numbers]}), "play(song=A)")
