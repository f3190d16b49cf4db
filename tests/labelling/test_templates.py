"""Templates: what is one, what is told where it is none, and the same as a text and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelling_cases import House, open_house

from maksud.data.dataset import Dataset, Example
from maksud.labelling.library import list_templates, register, save_template, template_named
from maksud.labelling.patterns import check_pattern, fits
from maksud.labelling.refusals import Refused, Unknown
from maksud.labelling.tasks import Wanted, create_task, task_for
from maksud.labelling.templates import Template, format_template, parse_template

WHOLE = """
show:
- instruction
- {field: turns, kind: conversation}
- {field: channel, title: Kanal}
ask:
- {title: output, kind: calls}
- title: nada
  kind: choice
  options: [{value: positif, label: Positif, key: p}, {value: negatif, key: n}]
  default: positif
- title: keluhan
  kind: choices
  options: [harga, mutu]
  when: {question: nada, is: negatif}
- {title: nomor, kind: input, required: false, pattern: "[A-Z]{2}[0-9]+"}
- {title: sebutan, kind: span, required: false, options: [tempat, orang]}
reasons: [derau]
guide: Baca dahulu.
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = open_house(tmp_path / "labels.db")
    yield made
    made.close()


def test_a_text_is_a_template_and_back() -> None:
    template = parse_template(WHOLE)
    assert template.fields == ("instruction", "channel") and template.conversation == "turns"
    assert (template.card, template.has_calls) == ("form", True)
    assert [q.kind for q in template.questions] == ["calls", "choice", "choices", "input", "span"]
    assert parse_template(format_template(template)) == template
    assert Template.from_json(json.loads(json.dumps(template.to_json()))) == template
    assert parse_template(json.dumps({"show": ["instruction"]})).card == "calls"


def test_the_intent_card_alone_is_the_default_one() -> None:
    asked = parse_template("ask: [{title: output, kind: calls}]\nreasons: []")
    assert (asked.card, asked.questions) == ("calls", ())
    default = Template()
    assert parse_template(format_template(default)) == default


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ask: [", "can't be read"),
        ("- 1", "is no mapping"),
        ("colour: red", "'colour'"),
        ("show: []\nask: [{kind: input}]", "has no title"),
        ("show: [channel]", "'instruction' first"),
        ("show: [instruction, instruction]", "each field once"),
        ("show: [instruction, {field: a, kind: film}]", "no content card"),
        ("ask: [{title: a, kind: radio}]", "calls, input, choice"),
        ("ask: [{title: a, kind: choice}]", "has no options"),
        ("ask: [{title: a, kind: choice, options: [x, x]}]", "an option twice"),
        ("ask: [{title: a, kind: choice, options: [x], default: y}]", "none of its options"),
        ("ask: [{title: a, kind: input, options: [x]}]", "nobody would see"),
        ("ask: [{title: a, kind: input}, {title: a, kind: input}]", "the title of another"),
        ("ask: [{title: output, kind: span, options: [x]}]", "neither calls nor free input"),
        ("ask: [{title: a, kind: choice, options: [{value: x, key: s}]}]", "for itself"),
        ("ask: [{title: a, kind: choice, options: [{value: x, key: xy}]}]", "no single key"),
        ("ask: [{title: output, kind: calls}, {title: b, kind: calls}]", "second intent card"),
        ("ask: [{title: a, kind: choice, options: [{value: x, key: x}, {value: y, key: x}]}]",
         "as has 'a'"),
        ("ask: [{title: a, kind: input, when: {question: b, is: x}}]", "no choice above it"),
        ("ask: [{title: a, kind: choice, options: [x]},"
         "{title: b, kind: input, when: {question: a, is: z}}]", "does not offer"),
        ("ask: [{title: a, kind: choice, options: [x], pattern: x}]", "no free input"),
        ("ask: [{title: a, kind: input, pattern: '('}]", "no regular expression"),
        ("ask: [{title: a, kind: input, required: 'no'}]", "true or false"),
        ("a: &a [1]\nb: *a", "refers to itself"),
    ],
)  # fmt: skip
def test_what_is_no_template_is_told(text: str, told: str) -> None:
    with pytest.raises(Refused, match="(?s).*") as caught:
        parse_template(text)
    assert told in str(caught.value) and caught.value.code == "invalid_template"


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|a)*", "(?=a)b", r"(a)\1", "a*b*c*d*", "[a-z]+x{0,99}y+z{5,}", "x" * 201,
     "(a{1,30}){2}"],
)  # fmt: skip
def test_patterns_that_could_keep_the_server_busy_are_refused(pattern: str) -> None:
    with pytest.raises(Refused, match="pattern"):
        check_pattern(pattern, "ask[1]")


@pytest.mark.parametrize(
    ("pattern", "text", "fit"),
    [("[A-Z]{2}[0-9]+", "AB12", True), ("[A-Z]{2}[0-9]+", "AB12 ", False),
     ("(?:ya|tidak)", "ya", True),
     (r"[)*+]{1,3}\)", "*+)", True), (".*", "x" * 401, False)],
)  # fmt: skip
def test_patterns_hold_for_the_whole_text(pattern: str, text: str, fit: bool) -> None:
    check_pattern(pattern, "ask[1]")
    assert fits(pattern, text) == fit


def test_versions_are_kept_and_a_task_keeps_its_own(house: House) -> None:
    def make(c: Any, text: str) -> int:
        return save_template(c, "nada", parse_template(text), 1.0)

    one = house.store.write(lambda c: make(c, "ask: [{title: a, kind: input}]"))
    wanted = Wanted("t", house.dataset, [1], template=one)
    task = house.store.write(lambda c: create_task(c, wanted, 1.0))
    two = house.store.write(lambda c: make(c, "ask: [{title: b, kind: input}]"))
    named = house.store.read(lambda c: template_named(c, two))
    assert named[:2] == ("nada", 2)
    kept = house.store.read(lambda c: task_for(c, task, house.people["admin"]))
    assert [q.title for q in kept.template.questions] == ["a"]
    there = house.store.read(list_templates)
    assert [(t["name"], t["version"]) for t in there[:2]] == [("nada", 2), ("nada", 1)]
    with pytest.raises(Unknown):
        house.store.read(lambda c: template_named(c, 99))


@pytest.mark.parametrize(
    ("show", "told"),
    [("{field: channel}", "row 1 has no field 'channel'"),
     ("{field: turns, kind: conversation}", "no row has a conversation under 'turns'")],
)  # fmt: skip
def test_a_field_that_the_data_lacks_is_refused_at_creation(
    house: House, show: str, told: str
) -> None:
    template = parse_template(f"show: [instruction, {show}]")
    id = house.store.write(lambda c: save_template(c, "wide", template, 1.0))
    with pytest.raises(Refused, match=told) as caught:
        house.store.write(
            lambda c: create_task(c, Wanted("t", house.dataset, [1], template=id), 1.0)
        )
    assert "Choose another template" in str(caught.value)
    rows = [Example("satu", "", metadata={"channel": "x", "turns": ["satu", "dua"]})]
    data = house.store.write(lambda c: register(c, "wide", Dataset(rows), "x", 1.0))
    assert house.store.write(lambda c: create_task(c, Wanted("t", data, [1], template=id), 1.0))
