"""Catalogs to and from the OpenAI API's tools."""

import json
from pathlib import Path
from typing import Any

import pytest
from catalogs import ANYTHING, CATALOG, CATALOGS
from hypothesis import given
from hypothesis import strategies as st

from maksud.errors import CatalogError
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.catalog_files import load_catalog, save_catalog
from maksud.language.catalog_tools import catalog_from_tools, catalog_to_tools


def test_tools_round_trip_keeps_everything(tmp_path: Path) -> None:
    tools = catalog_to_tools(CATALOG)
    assert tools[0]["function"]["parameters"]["required"] == ["time"]
    assert tools[0]["function"]["parameters"]["properties"]["sound"]["enum"] == ["bell", "bird"]
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    assert load_catalog(tmp_path / "tools.json") == CATALOG


def test_tools_of_others_are_read() -> None:
    tools = [{"name": "f", "parameters": {"properties": {"n": {"type": "integer"}}}}]
    assert catalog_from_tools(tools).intents[0].parameters[0].type == "number"
    with pytest.raises(CatalogError, match="type 'array'"):
        catalog_from_tools([{"name": "f", "parameters": {"properties": {"n": {"type": "array"}}}}])


def test_a_json_name_is_written_as_tools(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path / "tools.json")
    assert json.loads((tmp_path / "tools.json").read_text()) == catalog_to_tools(CATALOG)
    assert load_catalog(tmp_path / "tools.json") == CATALOG


@given(CATALOGS)
def test_any_catalog_comes_back_from_its_tools(catalog: Catalog) -> None:
    assert catalog_from_tools(json.loads(json.dumps(catalog_to_tools(catalog)))) == catalog


def test_values_of_others_are_read_as_json_writes_them() -> None:
    tools = [{"name": "f", "parameters": {"properties": {"n": {"enum": [1, 2.5, True, "a"]}}}}]
    assert catalog_from_tools(tools).intents[0].parameters[0].values == ("1", "2.5", "true", "a")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ({"description": 3}, r"tools\[0\]: 'description' must be a text"),
        ({"parameters": 3}, r"tools\[0\]: 'parameters' must be a mapping"),
        ({"parameters": {"properties": [1]}}, "'properties' must be a mapping"),
        ({"parameters": {"required": 3}}, "'required' must be a list of texts"),
        ({"parameters": {"required": [{}]}}, "'required' must be a list of texts"),
        ({"parameters": {"properties": {"x": 3}}}, "'x' must be a mapping"),
        ({"parameters": {"properties": {"x": {"enum": 3}}}}, r"\.x: 'enum' must be a list"),
        ({"parameters": {"properties": {"x": {"enum": [None]}}}}, r"\.x: 'enum' must be"),
        ({"parameters": {"properties": {"x": {"type": ["string"]}}}}, "has type a list"),
        ({"parameters": {"properties": {"x": {"x-maksud": 1}}}}, r"\.x: 'x-maksud' must be"),
        ({"parameters": {"properties": {"x": {"x-maksud": {"copied": "no"}}}}}, "found 'no'"),
        ({"x-maksud": {"positional": 1}}, "'positional' must be true or false"),
    ],
)
def test_tools_with_a_fault_say_where(function: dict[str, Any], says: str) -> None:
    with pytest.raises(CatalogError, match=says):
        catalog_from_tools([{"type": "function", "function": {"name": "f", **function}}])


_properties = ANYTHING | st.fixed_dictionaries({"x": ANYTHING})
_schemas = st.fixed_dictionaries({}, optional={"properties": _properties, "required": ANYTHING})


@given(
    ANYTHING
    | st.lists(
        st.fixed_dictionaries(
            {"name": st.just("f") | ANYTHING},
            optional={"parameters": _schemas, "description": ANYTHING, "x-maksud": ANYTHING},
        ),
        max_size=1,
    )
)
def test_any_content_is_a_catalog_or_a_catalog_error(content: Any) -> None:
    try:
        catalog = catalog_from_tools(content)
    except CatalogError:
        return
    assert catalog_from_tools(catalog_to_tools(catalog)) == catalog


def test_a_parameter_that_may_stand_several_times_is_an_array() -> None:
    song = Parameter("song", description="A title", question="Which?", many=True)
    catalog = Catalog((Intent("play", parameters=(song,)),))
    (tool,) = catalog_to_tools(catalog)
    schema = tool["function"]["parameters"]["properties"]["song"]
    assert schema["type"] == "array" and schema["items"] == {"type": "string"}
    assert schema["description"] == "A title"
    assert catalog_from_tools([tool]) == catalog


def test_a_catalog_as_tools_to_the_letter() -> None:
    assert catalog_to_tools(CATALOG) == [
        {
            "type": "function",
            "function": {
                "name": "set_alarm",
                "description": "Ring at a time",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "time": {"type": "string", "x-maksud": {"question": "At what time?"}},
                        "sound": {"type": "string", "enum": ["bell", "bird"]},
                        "volume": {"type": "number", "x-maksud": {"copied": False}},
                        "repeat": {"type": "boolean"},
                        "until": {"type": "string", "format": "date-time"},
                    },
                    "required": ["time"],
                    "additionalProperties": False,
                },
            },
        },
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "",
                "parameters": {
                    "type": "object",
                    "properties": {"place": {"type": "string"}, "day": {"type": "string"}},
                    "required": [],
                    "additionalProperties": False,
                },
                "x-maksud": {"positional": True},
            },
        },
        {
            "type": "function",
            "function": {
                "name": "stop",
                "description": "",
                "parameters": {
                    "type": "object",
                    "properties": {},
                    "required": [],
                    "additionalProperties": False,
                },
            },
        },
    ]


def read_property(schema: dict[str, Any]) -> Parameter:
    return (
        catalog_from_tools([{"name": "f", "parameters": {"properties": {"p": schema}}}])
        .intents[0]
        .parameters[0]
    )


@pytest.mark.parametrize(
    ("schema", "parameter"),
    [
        ({}, Parameter("p")),
        ({"type": "string", "description": "d"}, Parameter("p", description="d")),
        ({"type": "string", "format": "date-time"}, Parameter("p", "datetime")),
        ({"format": "date"}, Parameter("p", "datetime")),
        ({"format": "time"}, Parameter("p", "datetime")),
        ({"format": "email"}, Parameter("p")),
        ({"type": "number", "format": "date"}, Parameter("p", "number")),
        ({"type": "integer"}, Parameter("p", "number")),
        ({"type": "boolean"}, Parameter("p", "boolean")),
        ({"enum": ["a"]}, Parameter("p", "enumeration", values=("a",))),
        ({"type": "array", "enum": ["a"]}, Parameter("p", "enumeration", values=("a",))),
        ({"enum": ["a"], "format": "date"}, Parameter("p", "enumeration", values=("a",))),
        ({"enum": None}, Parameter("p")),
        ({"x-maksud": {"question": "Q?"}}, Parameter("p", question="Q?")),
        ({"x-maksud": {"copied": False}}, Parameter("p", copied=False)),
        ({"enum": [1 << 63, -(1 << 63), False, 0.5]}, Parameter(
            "p", "enumeration", values=(str(1 << 63), str(-(1 << 63)), "false", "0.5")
        )),
    ],
)  # fmt: skip
def test_a_property_of_others(schema: dict[str, Any], parameter: Parameter) -> None:
    assert read_property(schema) == parameter


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ({}, "t: expected a list of tools"),
        ([{"name": "f"}, 3], "t[1]: expected a function with a name"),
        ([{"function": {}}], "t[0]: expected a function with a name"),
        ([{"name": "f", "parameters": []}], "t[0]: 'parameters' must be a mapping, found a list"),
        (
            [{"name": "f", "parameters": {"properties": {"p": {"type": "object"}}}}],
            "t[0]: property 'p' has type 'object'. Use string, number, integer, boolean or an enum",
        ),
        (
            [{"name": "f", "parameters": {"properties": {"p" * 99: {"description": 3}}}}],
            f"t[0].{'p' * 60}: 'description' must be a text, found a number",
        ),
        (
            [{"name": "f", "parameters": {"properties": {"p": {"x-maksud": {"question": 3}}}}}],
            "t[0].p: 'question' must be a text, found a number",
        ),
        (
            [{"name": "f", "parameters": {"properties": {"p": {"enum": [1 << 64]}}}}],
            "t[0].p: 'enum' must be a list of texts, a number is among them",
        ),
        (
            [{"name": "f", "parameters": {"properties": {"p": {"enum": "ab"}}}}],
            "t[0].p: 'enum' must be a list, found 'ab'",
        ),
        ([{"name": "f", "x-maksud": 3}], "t[0]: 'x-maksud' must be a mapping, found a number"),
        ([{"name": "\ud800"}], "t[0]: 'name' holds half a surrogate pair. Retype it"),
    ],
)
def test_a_fault_of_tools_names_its_place(tools: Any, says: str) -> None:
    with pytest.raises(CatalogError) as told:
        catalog_from_tools(tools, "t")
    assert str(told.value).startswith(says)


def test_a_list_of_tools_is_read_in_order_with_what_is_required() -> None:
    properties = {"a": {"type": "string"}, "b": {"type": "string"}}
    tools = [
        {"type": "function", "function": {"name": "g", "description": "G"}},
        {"name": "f", "parameters": {"properties": properties, "required": ["b"]}},
        {"name": "h", "x-maksud": {"positional": True}},
    ]
    assert catalog_from_tools(tools) == Catalog(
        (
            Intent("g", "G"),
            Intent("f", parameters=(Parameter("a"), Parameter("b", required=True))),
            Intent("h", positional=True),
        )
    )
