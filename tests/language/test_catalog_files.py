"""Catalogs written by hand: read to the letter, or told what is wrong and where."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from catalogs import ANYTHING, CATALOG, CATALOGS
from hypothesis import given
from hypothesis import strategies as st

from maksud.errors import CatalogError
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.catalog_fields import describe_value
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
    if place in ("description of f", "positional", "confirm"):
        return {"intents": {"f": {place.split()[0]: value}}}
    content: Any = value if place == "x" else {"type": "text"} | parameter
    content = value if place == "parameters" else {"x": content}
    content = value if place == "f" else {"parameters": content}
    return {"intents": value if place == "intents" else {"f": content}}


@given(
    st.sampled_from(
        ("intents", "f", "parameters", "x", "positional", "description of f", "confirm", *WRONG)
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


def test_a_catalog_is_written_to_be_read_by_people() -> None:
    lines = format_catalog(CATALOG).splitlines()
    head = [line for line in lines if line.startswith("#")]
    assert lines[: len(head)] == head and len(head) == 5
    assert lines[len(head) :] == [
        "intents:",
        "  set_alarm:",
        "    description: Ring at a time",
        "    parameters:",
        "      time: {type: text, required: true, question: 'At what time?'}",
        "      sound:",
        "        type: enumeration",
        "        values: [bell, bird]",
        "      volume: {type: number, copied: false}",
        "      repeat: {type: boolean}",
        "      until: {type: datetime}",
        "  weather:",
        "    positional: true",
        "    parameters:",
        "      place: {type: text}",
        "      day: {type: text}",
        "  stop: {}",
    ]


def test_texts_of_any_script_stand_as_they_are(tmp_path: Path) -> None:
    catalog = Catalog((Intent("播放", "放一首歌，请" * 30 + " a\u2028b\x85c", ()),))
    text = format_catalog(catalog)
    assert "播放:" in text and "放一首歌，请放" in text and "\\L" in text and "\\N" in text
    assert max(map(len, text.splitlines())) <= 200
    save_catalog(catalog, tmp_path / "a.yaml")
    assert load_catalog(tmp_path / "a.yaml") == catalog
    save_catalog(catalog, tmp_path / "a.json")
    assert "播放" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert (tmp_path / "a.json").read_text(encoding="utf-8").count("\n") > 5


def test_only_what_was_said_is_written() -> None:
    assert catalog_to_json(CATALOG) == {
        "intents": {
            "set_alarm": {
                "description": "Ring at a time",
                "parameters": {
                    "time": {"type": "text", "required": True, "question": "At what time?"},
                    "sound": {"type": "enumeration", "values": ["bell", "bird"]},
                    "volume": {"type": "number", "copied": False},
                    "repeat": {"type": "boolean"},
                    "until": {"type": "datetime"},
                },
            },
            "weather": {
                "positional": True,
                "parameters": {"place": {"type": "text"}, "day": {"type": "text"}},
            },
            "stop": {},
        }
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (3, "c: expected a mapping 'intents'. See docs/formats.md, Catalog"),
        ({"intents": {}, "x": 1}, "c: unknown key 'x'. Known: intents"),
        ({"intents": {3: {}}}, "c: a name in 'intents' must be a text, found a number. Put it in"),
        ({"intents": {"f": {"x": 1}}}, "c: f: unknown key 'x'. Known: confirm, description"),
        ({"intents": {"f": {"parameters": {"p": {"x": 1}}}}}, "c: f.p: unknown key 'x'. Known: c"),
        (
            {"intents": {"f": {"parameters": {"p": {"type": "nmber"}}}}},
            "c: f.p: 'type' is 'nmber'. Nearest: number",
        ),
        ({"intents": {"f" * 99: 3}}, f"c: {'f' * 60}: expected a mapping, found a number"),
        (
            {"intents": {"f": {"parameters": {"p" * 99: 3}}}},
            f"c: f.{'p' * 60}: expected a mapping, found a number",
        ),
        ({"intents": {"f": {"parameters": {"p": {"type": "\ud800"}}}}}, "c: f.p: 'type' holds hal"),
        (
            {"intents": {"f": {"parameters": {"p": {"values": ["a", 3]}}}}},
            "c: f.p: 'values' must be a list of texts, a number is among them. Quote them: [",
        ),
        ({"intents": {"f": {"description": []}}}, "c: f: 'description' must be a text, found a li"),
        ({"intents": {"f": {"positional": "yes"}}}, "c: f: 'positional' must be true or false, f"),
    ],
)
def test_every_fault_names_its_place_and_the_next_step(content: Any, says: str) -> None:
    with pytest.raises(CatalogError) as told:
        catalog_from_json(content, "c")
    assert str(told.value).startswith(says)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a" * 40, repr("a" * 40)),
        ("a" * 41, repr("a" * 39 + "…")),
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (0, "a number"),
        (1.5, "a number"),
        ({}, "a mapping"),
        ([], "a list"),
        ((), "a list"),
        (datetime.date(2020, 1, 1), "a date"),
    ],
)
def test_a_value_in_a_few_words(value: Any, words: str) -> None:
    assert describe_value(value) == words


def test_a_key_that_stands_twice_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("intents:\n  g: {}\n  f:\n    positional: true\n    positional: false\n")
    with pytest.raises(CatalogError, match=r"'positional' stands twice in the mapping of line 4"):
        load_catalog(file)
    file.write_text("intents:\n  f: {}\n  ? [a]\n  : {}\n")
    with pytest.raises(CatalogError):
        load_catalog(file)


def test_kinds_of_files_are_told_by_their_names(tmp_path: Path) -> None:
    for name, text in (
        ("a.yaml", "intents: {f: {}}"),
        ("a.yml", "\ufeffintents: {f: {}}"),
        ("a.toml", "[intents.f]"),
        ("a.json", '{"intents": {"f": {}}}'),
        ("b.json", '[{"name": "f"}]'),
        ("c.yaml", "- {name: f}"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert load_catalog(tmp_path / name).names == ("f",)
        assert load_catalog(str(tmp_path / name)).names == ("f",)
    (tmp_path / "d.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogError, match=r"d\.yaml: can't be read"):
        load_catalog(tmp_path / "d.yaml")
    (tmp_path / "e.json").write_text('[{"name": 3}]')
    with pytest.raises(CatalogError, match=r"e\.json\[0\]: expected a function with a name"):
        load_catalog(tmp_path / "e.json")


def test_values_make_an_enumeration(tmp_path: Path) -> None:
    content = {"intents": {"f": {"parameters": {"x": {"values": ["a"]}}}}}
    assert catalog_from_json(content).intents[0].parameters[0].type == "enumeration"


def test_a_yaml_file_builds_nothing_but_plain_values(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("intents: !!python/object/apply:os.getcwd []")
    with pytest.raises(CatalogError, match="is not valid"):
        load_catalog(file)


def test_a_text_is_quoted_only_where_it_must_be() -> None:
    catalog = Catalog((Intent("TAXI", "XL taxi", (Parameter("SIZE", description="X"),)),))
    assert format_catalog(catalog).endswith(
        "intents:\n  TAXI:\n    description: XL taxi\n    parameters:\n"
        "      SIZE: {type: text, description: X}\n"
    )
