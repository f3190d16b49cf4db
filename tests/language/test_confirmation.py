"""Confirmations: refused where they could not be filled in, filled in from every whole call."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.errors import CatalogError
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.catalog_files import catalog_from_json, catalog_to_json, load_catalog
from maksud.language.catalog_tools import catalog_from_tools, catalog_to_tools
from maksud.language.confirmation import check_confirmation, fill_confirmation, read_confirmation
from maksud.language.text import is_question

ALARM = "Alarm dipasang {time}[ untuk {date}]. / Alarm set for {time}[, {date}]."
BODY = {"confirm": ALARM, "parameters": {"time": {"required": True}, "date": {}}}


def check(template: str) -> None:
    check_confirmation(template, ["time", "date"], ["time"], "c: alarm")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"time": ["5"]}, "Alarm dipasang 5. / Alarm set for 5."),
        (
            {"time": ["5"], "date": ["lusa"]},
            "Alarm dipasang 5 untuk lusa. / Alarm set for 5, lusa.",
        ),
        ({"time": ["5", "6"]}, "Alarm dipasang 5, 6. / Alarm set for 5, 6."),
        ({"time": ["5\n# a\n\u2028x"]}, "Alarm dipasang 5 # a x. / Alarm set for 5 # a x."),
    ],
)
def test_values_stand_where_they_are_named(values: dict[str, list[str]], said: str) -> None:
    assert fill_confirmation(ALARM, values) == said


def test_a_value_is_no_template() -> None:
    assert fill_confirmation("Ingat: {time}", {"time": ["{date} [x] {{"]}) == "Ingat: {date} [x] {{"


def test_signs_are_written_twice() -> None:
    check("{{[[{time}]]}}")
    assert fill_confirmation("{{[[{time}]]}}", {"time": ["5"]}) == "{[5]}"


@pytest.mark.parametrize("value", ["beli apa?", "本当？", "…?!", "? 🙂"])
def test_what_a_value_asks_is_not_asked(value: str) -> None:
    """A turn that is answered by a question stays open: the command would run again."""
    assert is_question(f"Ingat: {value}")
    said = fill_confirmation("Ingat: {time}", {"time": [value]})
    assert said == f"Ingat: {value} OK." and not is_question(said)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{tme}", "names 'tme', which is no parameter. Nearest: time"),
        ("{}", "has a '{}' at character 1 that is not closed"),
        ("x {date}", r"names 'date', which a call may lack. Write \[{date}\]"),
        ("x {time", "has a '{' at character 3 that is not closed"),
        ("x time}", "has a '}' at character 7"),
        ("[x {date}", "has a '\\[' that is not closed"),
        ("x {date}]", "has a '\\]' at character 9"),
        ("[x [{date}]]", "has a '\\[' at character 4 that is not closed, not opened, or inside"),
        ("[x]{time}", "without a value in it"),
        ("Alarm {time}?", "asks"),
        ("Alarm {time}. Lagi?[ {date}?]", "asks"),
    ],
)
def test_what_could_not_be_filled_in_is_refused(template: str, says: str) -> None:
    with pytest.raises(CatalogError, match=says) as told:
        check(template)
    assert str(told.value).startswith("c: alarm: 'confirm' ")


def test_it_is_checked_when_a_catalog_is_read() -> None:
    for confirm in ("{when}", "[ {time}", "Yakin?"):
        with pytest.raises(CatalogError, match="c: alarm|intent 'alarm'"):
            catalog_from_json({"intents": {"alarm": {**BODY, "confirm": confirm}}}, "c")
    for value in (3, True, ["a"], {}):
        with pytest.raises(CatalogError, match="c: alarm: 'confirm' must be a text"):
            catalog_from_json({"intents": {"alarm": {**BODY, "confirm": value}}}, "c")


def test_every_form_of_a_catalog_keeps_it(tmp_path: Path) -> None:
    catalog = catalog_from_json({"intents": {"alarm": BODY, "stop": {}}})
    assert catalog.intents[0].confirm == ALARM and catalog.intents[1].confirm == ""
    assert catalog_from_json(catalog_to_json(catalog)) == catalog
    tools = catalog_to_tools(catalog)
    assert tools[0]["function"]["x-maksud"] == {"confirm": ALARM}
    assert "x-maksud" not in tools[1]["function"]
    assert catalog_from_tools(tools) == catalog
    wrong = {"name": "f", "x-maksud": {"confirm": 3}}
    with pytest.raises(CatalogError, match=r"tools\[0\]: 'confirm' must be a text"):
        catalog_from_tools([wrong])
    file = tmp_path / "catalog.toml"
    file.write_text('[intents.stop]\nconfirm = "Berhenti."\n', encoding="utf-8")
    assert load_catalog(file).intents[0].confirm == "Berhenti."


def test_a_catalog_without_one_is_written_as_before() -> None:
    """The id of a contract is a hash of it: runs of before keep theirs."""
    assert catalog_to_json(Catalog((Intent("stop"),))) == {"intents": {"stop": {}}}


_values = st.lists(st.text(max_size=4), min_size=1, max_size=2)


@given(st.text("{}[]ab ?", max_size=12), st.dictionaries(st.sampled_from("ab"), _values))
def test_what_is_accepted_can_be_filled_in(template: str, values: dict[str, list[str]]) -> None:
    """Any text is refused with its reason, or makes a statement of any call that it fits."""
    parameters = (Parameter("a", required=True), Parameter("b"))
    try:
        Catalog((Intent("f", parameters=parameters, confirm=template),))
    except CatalogError:
        return
    values.setdefault("a", ["x"])
    said = fill_confirmation(template, values)
    assert not is_question(said) and "\n" not in said
    assert all(p.text or p.name for p in read_confirmation(template))
