"""Formats of other tools: read with the right offsets, or refused by name with the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maksud.data.formats.files import Found, find, load
from maksud.errors import DataError


def read(folder: Path, content: Any, name: str = "x.json") -> Found:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    (folder / name).write_text(text)
    return find(folder / name)


def outcome(found: Found) -> list[str]:
    return [e.output for e in found.dataset] + [r.code for r in found.rejects]


def test_luis_counts_utf16_units_to_the_last_one(tmp_path: Path) -> None:
    def said(text: str, begin: Any, last: Any) -> dict[str, Any]:
        entity = {"entity": "song", "startPos": begin, "endPos": last}
        return {"text": text, "intent": "Play", "entities": [entity]}

    rows = [said("🎵 kangen", 3, 8), said("a", 0, 1), said("b", "0", 0), {"text": "c"}]
    found = read(tmp_path, {"luis_schema_version": "7.0.0", "utterances": rows})
    assert found.formats[0].name == "luis"
    assert outcome(found) == ["Play(song=kangen)", "E-SPAN", "E-SPAN", "E-TYPE"]
    with pytest.raises(DataError, match="has no utterances"):
        read(tmp_path, {"luis_schema_version": "7.0.0"})


def test_wit_offsets_must_fit_the_body(tmp_path: Path) -> None:
    def said(text: str, begin: int, end: int, body: str, **more: Any) -> dict[str, Any]:
        entity = {"entity": "lagu:lagu", "start": begin, "end": end, "body": body}
        return {"text": text, "intent": "main", "entities": [entity], "traits": [], **more}

    rows = [
        said("🎵 kangen", 2, 8, "kangen"),
        said("🎵 kangen", 3, 9, "kangen"),
        said("rindu", 0, 5, "rindu", traits=[{"trait": "wit$sentiment", "value": "positive"}]),
        said("rindu", 0, 5, "rindu", intent=None),
    ]
    found = read(tmp_path, {"utterances": rows})
    assert found.formats[0].name == "wit"
    assert outcome(found) == ["main(lagu=kangen)", "E-SPAN", "E-TASK", "E-TASK"]


def test_doccano_rows(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "🎵 kangen", "cats": ["main"], "entities": [[2, 8, "lagu"]]},
        {"text": "dua", "label": ["satu", "dua"], "Comments": ["?"]},
        {"text": "kangen", "label": [[0, 6, "lagu"]]},
        {"text": "kangen", "label": ["main", [0, 9, "lagu"]]},
        {"text": "kangen", "label": {"main": 1}},
        {"text": "kangen", "cats": ["a", "b"], "entities": [[0, 6, "lagu"]]},
        {"text": "kangen", "cats": ["a"], "relations": [{"id": 1}]},
        {
            "text": "kangen",
            "cats": ["main"],
            "entities": [{"start_offset": 0, "end_offset": 6, "label": "lagu"}],
        },
    ]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)), "x.jsonl")
    assert found.formats[0].name == "doccano"
    assert outcome(found) == [
        "main(lagu=kangen)",
        "satu();dua()",
        "main(lagu=kangen)",
        *("E-TASK", "E-SPAN", "E-TYPE", "E-TASK", "E-TASK"),
    ]
    assert "comments of 1 rows" in str([f.message for f in found.findings])


def test_rows_with_a_text_and_an_intent_are_no_doccano(tmp_path: Path) -> None:
    found = read(tmp_path, '{"text": "a", "label": "f"}\n', "x.jsonl")
    assert found.formats[0].name == "jsonl" and outcome(found) == ["f()"]


def test_old_rasa_json(tmp_path: Path) -> None:
    entity = {"start": 2, "end": 8, "value": "Kangen", "entity": "lagu"}
    rows = [
        {"text": "🎵 kangen", "intent": "main", "entities": [entity]},
        {"text": "x", "intent": None},
    ]
    content = {"rasa_nlu_data": {"common_examples": rows, "entity_synonyms": [{"value": "x"}]}}
    found = read(tmp_path, content)
    assert found.formats[0].name == "rasa-json"
    assert outcome(found) == ["main(lagu=kangen)", "E-TYPE"]
    assert "1 entity_synonyms are not read" in str([f.message for f in found.findings])


def test_old_rasa_markdown(tmp_path: Path) -> None:
    text = (
        "<!-- nlu -->\n## intent:main\n- putar [Kangen](lagu)\n* lagi\nhilang\n"
        "## regex:zip\n- [0-9]{5}\n"
    )
    found = read(tmp_path, text, "nlu.md")
    assert found.formats[0].name == "rasa-markdown"
    assert outcome(found) == ["main(lagu=Kangen)", "main()", "E-MARKDOWN"]
    assert "1 regex entries are not read" in str([f.message for f in found.findings])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"conversations": [], "chosen": {}, "rejected": {}}, r"DPO.*conversations \+ \[\.chosen"),
        ({"input": {}, "preferred_output": [], "non_preferred_output": []}, "OpenAI.*jq -c"),
        ({"prompt": "a", "chosen": "f()", "rejected": "g()"}, "DPO.*output: .chosen"),
        ("---\ntype: intent\nname: f\nutterances:\n  - a\n", "snips-nlu generate-dataset"),
        ("__label__f halo kak\n__label__g daag\n", "fastText.*sed -E"),
        ({"interactionModel": {"languageModel": {}}}, "Alexa"),
    ],
)
def test_what_is_known_and_not_read_is_refused_by_name(
    content: Any, says: str, tmp_path: Path
) -> None:
    for name in ("x.json", "x.txt", "x.yaml"):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=f"E-ELSEWHERE .*{says}"):
            load(tmp_path / name)
