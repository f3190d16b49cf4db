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
