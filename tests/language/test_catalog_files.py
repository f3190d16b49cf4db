"""Catalogs written by hand: read to the letter, or told what is wrong and where."""

import json
from pathlib import Path
from typing import Any

import pytest
from catalogs import ANYTHING, CATALOG, CATALOGS
from hypothesis import given
from hypothesis import strategies as st

from maksud.errors import CatalogError
from maksud.language.catalog_files import (
    _parse_yaml,
    catalog_from_json,
    catalog_to_json,
    format_catalog,
    load_catalog,
    save_catalog,
)


def test_yaml_round_trip_keeps_everything(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path / "catalog.yaml")
    assert load_catalog(tmp_path / "catalog.yaml") == CATALOG
    assert (tmp_path / "catalog.yaml").read_text().startswith("#")


def test_toml_is_read(tmp_path: Path) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text("[intents.stop]\n[intents.go.parameters.to]\nrequired = true # where\n")
    catalog = load_catalog(file)
    assert catalog.names == ("stop", "go")
    assert catalog.intents[1].parameters[0].required


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
        catalog_from_json(content)


def test_a_file_that_is_no_catalog(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text("intents: [")
    with pytest.raises(CatalogError, match="is not valid"):
        load_catalog(file)
    with pytest.raises(CatalogError, match="can't be read"):
        load_catalog(tmp_path / "missing.yaml")


WRONG: dict[str, list[Any]] = {
    "type": [3, True, ["text"], {}],
    "description": [3, False, ["a"], {}, "\ud800"],
    "question": [3, ["a"]],
    "required": ["no", "yes", "true", 0, 1, [], {}],
    "copied": ["no", 0, 1, []],
    "values": [3, 0, True, "", "on", {"on": 1}, [1], [None], [["a"]], [True], ["\ud800"]],
}


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, vs in WRONG.items() for v in vs])
def test_a_field_of_another_type_is_named(key: str, value: Any) -> None:
    with pytest.raises(CatalogError, match=rf"^catalog: f\.x: '{key}' ") as told:
        catalog_from_json({"intents": {"f": {"parameters": {"x": {key: value}}}}})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"positional": "no"}, "f: 'positional' must be true or false, found 'no'"),
        ({"description": 5}, "f: 'description' must be a text, found a number"),
        ({"parameters": []}, "f: 'parameters' must be a mapping, found a list"),
        ({"parameters": {1: {}}}, "f: a name in 'parameters' must be a text, found a number"),
        ({"parameters": {"x": False}}, "f.x: expected a mapping, found false"),
        ([], "f: expected a mapping, found a list"),
        ({3: "x"}, "f: unknown key a number"),
    ],
)
def test_a_place_of_another_type_is_named(body: Any, says: str) -> None:
    with pytest.raises(CatalogError) as told:
        catalog_from_json({"intents": {"f": body}}, "c.yaml")
    assert str(told.value).startswith(f"c.yaml: {says}")


def test_what_is_null_counts_as_not_given() -> None:
    keys = ("type", "description", "required", "question", "values", "copied")
    null = {"intents": {"f": {"parameters": {"x": dict.fromkeys(keys)}}, "g": None}}
    assert catalog_from_json(null) == catalog_from_json(
        {"intents": {"f": {"parameters": {"x": {}}}, "g": {}}}
    )
    assert catalog_from_json(null).intents[0].parameters[0].copied


def _put(place: str, value: Any) -> Any:
    parameter = {place: value} if place not in ("intents", "f", "parameters", "x") else {}
    if place in ("description of f", "positional"):
        return {"intents": {"f": {place.split()[0]: value}}}
    content: Any = value if place == "x" else {"type": "text"} | parameter
    content = value if place == "parameters" else {"x": content}
    content = value if place == "f" else {"parameters": content}
    return {"intents": value if place == "intents" else {"f": content}}


@given(
    st.sampled_from(
        ("intents", "f", "parameters", "x", "positional", "description of f", *WRONG)
    ).flatmap(lambda place: ANYTHING.map(lambda value: _put(place, value)))
    | ANYTHING
)
def test_any_content_is_a_catalog_or_a_catalog_error(content: Any) -> None:
    try:
        catalog = catalog_from_json(content)
    except CatalogError as error:
        assert len(str(error)) < 1000
        return
    assert catalog_from_json(catalog_to_json(catalog)) == catalog


@given(CATALOGS)
def test_any_catalog_comes_back_from_its_text(catalog: Any) -> None:
    assert catalog_from_json(json.loads(json.dumps(catalog_to_json(catalog)))) == catalog
    assert catalog_from_json(_parse_yaml(format_catalog(catalog))) == catalog


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "intents:\n  f: {parameters: {x: {values: 3}}}", "f.x: 'values' must be"),
        ("a.yaml", 'intents:\n  f: {parameters: {x: {required: "no"}}}', "found 'no'"),
        ("a.yaml", "intents:\n  on: {}", "must be a text, found true"),
        ("a.yaml", "intents:\n  f: {description: 2020-01-01}", "must be a text, found a date"),
        ("a.yaml", "intents:\n  f: {}\n  f: {positional: true}", "'f' stands twice"),
        ("a.yaml", "intents: &a\n  f: {parameters: *a}", "unknown key 'parameters'"),
        ("a.yaml", "intents: {f: {description: 0x" + "f" * 9000 + "}}", "found a number"),
        ("a.yaml", "[" * 5000, "is not valid"),
        ("a.json", '{"intents": {"f": {}, "f": {}}}', "'f' stands twice"),
        ("a.json", "[" * 100000, "is not valid"),
        ("a.toml", '[intents.f.parameters.x]\nrequired = "no"', "found 'no'"),
        ("a.toml", "[intents.f.parameters.x]\nvalues = 3", "must be a list of texts"),
    ],
)
def test_files_with_a_fault_say_where(tmp_path: Path, name: str, text: str, says: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(CatalogError, match=says) as told:
        load_catalog(file)
    assert str(told.value).startswith(str(file))


def test_unquoted_words_of_yaml_are_truth_values(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("intents:\n  f: {parameters: {x: {required: no}, y: {required: yes}}}")
    assert [p.required for p in load_catalog(file).intents[0].parameters] == [False, True]
