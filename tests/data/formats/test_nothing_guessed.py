"""What other tools write is read as they mean it, or refused: nothing is lost or guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maksud.data.dataset import Example
from maksud.data.formats.files import Found, find, load, save
from maksud.errors import DataError


def put(folder: Path, name: str, content: object) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    )
    return file


def pairs(found: Found) -> list[tuple[str, str]]:
    return [(e.instruction, e.output) for e in found.dataset]


def told(found: Found, code: str) -> str:
    return " | ".join(f.message for f in found.findings if f.code == code)


def codes(found: Found) -> list[str]:
    return [r.code for r in found.rejects]


# ---------------------------------------------------------------- Rasa

LOST_DASH = """nlu:
- intent: sapa
  examples: |
    - hai
  intent: pergi
  examples: |
    - daag
- intent: lagi
  examples: |
    - ulangi
"""


def test_a_doubled_key_of_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    found = find(put(tmp_path, "nlu.yml", LOST_DASH))
    (reject,) = found.rejects
    assert (reject.code, reject.finding.place) == ("E-DUPKEY", f"{tmp_path}/nlu.yml:5")
    assert '"intent" appears twice' in reject.finding.message
    assert isinstance(reject.original, str)
    assert "hai" in reject.original and "daag" in reject.original  # nothing is lost
    assert pairs(found) == [("ulangi", "lagi()")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("nlu:\n- intent: a\n  examples: |\n    - x\n  examples: |\n    - y\n", 5),
        ("nlu:\n- intent: a\n  examples:\n  - text: x\n    text: y\n", 5),
    ],
)
def test_other_doubled_keys_of_rasa(text: str, line: int, tmp_path: Path) -> None:
    (reject,) = find(put(tmp_path, "nlu.yml", text)).rejects
    assert (reject.code, reject.finding.place) == ("E-DUPKEY", f"{tmp_path}/nlu.yml:{line}")


def test_a_file_with_nlu_twice_is_refused(tmp_path: Path) -> None:
    text = "nlu:\n- intent: a\n  examples: |\n    - x\n"
    with pytest.raises(DataError, match=r"nlu\.yml:5: E-DUPKEY"):
        load(put(tmp_path, "nlu.yml", text + text))


def test_a_backslash_of_rasa_is_a_backslash(tmp_path: Path) -> None:
    text = (
        "nlu:\n- intent: buka\n  examples: |\n    - lihat [C:\\bin\\run](path) di D:\\tmp\\foto\n"
    )
    (example,) = load(put(tmp_path, "nlu.yml", text))
    assert example.instruction == "lihat C:\\bin\\run di D:\\tmp\\foto"
    assert example.calls[0].arguments[0].value == "C:\\bin\\run"
    save([example], tmp_path / "back.yml")
    assert load(tmp_path / "back.yml")[0].instruction == example.instruction


def test_several_lines_are_written_in_rasas_own_form(tmp_path: Path) -> None:
    rows = [
        Example("kirim ke\nJl. Kenari 5", "kirim()"),
        Example("- minus\n\n  # di depan", "kirim()"),
        Example("biasa", "kirim()"),
    ]
    save(rows, tmp_path / "x.yml")
    assert "  - text: |\n      kirim ke\n      Jl. Kenari 5\n" in (tmp_path / "x.yml").read_text()
    assert [e.instruction for e in load(tmp_path / "x.yml")] == [e.instruction for e in rows]


def test_groups_and_metadata_are_told_and_both_values_kept(tmp_path: Path) -> None:
    text = (
        "nlu:\n- intent: pesan\n  metadata: {x: 1}\n  examples:\n"
        '  - text: |\n      satu [kopi]{"entity": "menu", "group": "1"} dari [SF]{"entity": '
        '"kota", "value": "San Francisco"} ke [SF]{"entity": "tujuan", "value": "Sioux Falls"}\n'
        "    metadata: {y: 2}\n"
    )
    found = find(put(tmp_path, "nlu.yml", text))
    assert found.dataset[0].metadata == {"values": {"SF": ["San Francisco", "Sioux Falls"]}}
    assert told(found, "I-RASA").split(" | ") == [
        "2 entries of metadata are not read",
        "1 groups of entities are not read",
        "2 normalised values are kept as metadata: values are read as said",
    ]


def test_a_mark_with_a_doubled_key(tmp_path: Path) -> None:
    mark = '[x]{"entity": "a", "entity": "b"}'
    found = find(
        put(tmp_path, "n.yml", f"nlu:\n- intent: f\n  examples: |\n    - {mark}\n    - y\n")
    )
    assert codes(found) == ["E-DUPKEY"]


def test_a_comment_in_a_block_is_a_comment(tmp_path: Path) -> None:
    text = "nlu:\n- intent: a\n  examples: |\n    # ramah\n    - hai\n    - # satu\n"
    found = find(put(tmp_path, "nlu.yml", text))
    assert [e.instruction for e in found.dataset] == ["hai", "# satu"]
    assert not found.findings


def test_a_directory_of_rasa_files_is_one_data_set(tmp_path: Path) -> None:
    nlu = "nlu:\n- intent: {0}\n  examples: |\n    - {0} dong\n"
    put(tmp_path, "data/nlu/a.yml", nlu.format("putar"))
    put(tmp_path, "data/nlu/b.yaml", nlu.format("stop"))
    put(tmp_path, "data/rules.yml", "rules:\n- rule: x\n")
    put(tmp_path, "domain.yml", "intents:\n- putar\n")
    put(tmp_path, "tests/nlu.yml", nlu.format("uji"))
    put(tmp_path, "data/empty.yml", "")
    found = find(tmp_path)
    assert found.formats[0].name == "rasa" and not found.rejects
    assert pairs(found) == [("putar dong", "putar()"), ("stop dong", "stop()")]
    assert "2 YAML files without nlu" in told(found, "I-RASA")


# ---------------------------------------------------------------- Label Studio


def task(text: str, *results: Any) -> dict[str, Any]:
    return {"data": {"text": text}, "annotations": [{"result": list(results)}]}


def chosen(intent: Any, control: str = "intent") -> dict[str, Any]:
    return {"from_name": control, "type": "choices", "value": {"choices": intent}}


def marked(start: int, end: int, labels: Any, **value: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": labels, **value}
    return {"from_name": "label", "type": "labels", "value": value}


def test_a_span_without_its_text_counts_as_label_studio_does(tmp_path: Path) -> None:
    rows = [
        task("🎵 mainkan Kangen", chosen(["main"]), marked(11, 17, ["song"])),
        task("mainkan Kangen", chosen(["main"]), marked(8, 14, ["song"])),
        task("🎵 a", chosen(["main"]), marked(1, 3, ["song"])),  # inside the emoji
    ]
    found = find(put(tmp_path, "x.json", rows))
    assert [o for _, o in pairs(found)] == ["main(song=Kangen)"] * 2
    assert codes(found) == ["E-SPAN"]


def test_a_text_where_a_list_belongs_is_one_name(tmp_path: Path) -> None:
    rows = [
        task("mainkan Kangen", chosen("main"), marked(8, 14, "song", text="Kangen")),
        task("a", chosen({"main": 1})),
        task("b", chosen([["main"]])),
        task("mainkan Kangen", chosen(["main"]), marked(8, 14, 7, text="Kangen")),
    ]
    found = find(put(tmp_path, "x.json", rows))
    assert pairs(found) == [("mainkan Kangen", "main(song=Kangen)")]
    assert codes(found) == ["E-TASK", "E-TASK", "E-SPAN"]


def test_other_controls_are_told(tmp_path: Path) -> None:
    note = {"from_name": "catatan", "type": "textarea", "value": {"text": ["ragu"]}}
    row = task("a b", chosen(["f"]), chosen(["senang"], "rasa"), note, marked(0, 1, []))
    found = find(put(tmp_path, "x.json", [row]))
    assert pairs(found) == [("a b", "f()")]
    said = told(found, "W-RESULT")
    assert '"rasa"' in said and '"catatan"' in said and "1 marked spans have no label" in said


def test_intent_goes_before_label(tmp_path: Path) -> None:
    row = task("a", chosen(["x"], "label"), chosen(["f"], "intent"))
    found = find(put(tmp_path, "x.json", [row]))
    assert pairs(found) == [("a", "f()")] and '"label"' in told(found, "W-RESULT")


# ---------------------------------------------------------------- JSON inside JSON


def chat(arguments: str, **row: Any) -> dict[str, Any]:
    call = {"type": "function", "function": {"name": "f", "arguments": arguments}}
    asked = {"role": "user", "content": "a"}
    return {"messages": [asked, {"role": "assistant", "tool_calls": [call]}], **row}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (chat('{"x": "1", "x": "2"}'), "E-DUPKEY"),
        (chat('{"x": NaN}'), "E-NUMBER"),
        (chat('{"x": -Infinity}'), "E-NUMBER"),
        (chat("{}", tools='[{"type": "function", "type": "x"}]'), "E-DUPKEY"),
        (
            {
                "conversations": [
                    {"from": "human", "value": "a"},
                    {"from": "function_call", "value": '{"name": "f", "name": "g"}'},
                ]
            },
            "E-DUPKEY",
        ),
    ],
)
def test_a_doubled_key_or_no_number_in_json_text(row: Any, code: str, tmp_path: Path) -> None:
    assert codes(find(put(tmp_path, "x.jsonl", row))) == [code]


def test_a_doubled_key_in_a_result_of_itag(tmp_path: Path) -> None:
    mark = '{"annotations": [{"labels": {"output": "f()", "output": "g()"}}]}'
    row = {"data": {"instruction": "a"}, "label-1": {"results": [{"MarkResult": mark}]}}
    assert codes(find(put(tmp_path, "x.manifest", row))) == ["E-DUPKEY"]


def test_numbers_of_arguments_keep_their_spelling(tmp_path: Path) -> None:
    found = find(put(tmp_path, "x.jsonl", chat('{"a": 1.50, "b": 1e999}')))
    assert pairs(found) == [("a", "f(a=1.50, b=1e999)")]


@pytest.mark.parametrize("tools", ["", " ", "\n", None, [], "[]"])
def test_empty_tools_are_no_tools(tools: Any, tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "f()"}]},
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "f()"}]},
    ]
    for row in rows:
        found = find(put(tmp_path, "x.jsonl", {**row, "tools": tools}))
        assert pairs(found) == [("a", "f()")] and not found.findings


def test_parts_of_text_may_hold_it_as_value(tmp_path: Path) -> None:
    parts = [{"type": "text", "value": "halo "}, {"type": "text", "text": {"value": "kak"}}]
    row = {
        "messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "f()"}]
    }
    assert pairs(find(put(tmp_path, "x.jsonl", row))) == [("halo kak", "f()")]


def test_weights_are_told(tmp_path: Path) -> None:
    said = {"role": "assistant", "content": "f()", "weight": 0}
    for row in (
        {"messages": [{"role": "user", "content": "a"}, said]},
        {"instruction": "a", "output": "f()", "weight": 2},
    ):
        found = find(put(tmp_path, "x.jsonl", row))
        assert "1 rows say a weight: training gives every row the same" in told(found, "I-WEIGHT")


# ---------------------------------------------------------------- rows

PROMPT = "Kenali maksud"
LATER = [
    {"instruction": "pagi", "output": "sapa()"},
    {"instruction": PROMPT, "input": "mainkan Kangen", "output": "main(song=Kangen)"},
]


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "wrapped.json"])
def test_alpaca_is_told_by_any_of_its_first_rows(name: str, tmp_path: Path) -> None:
    content: Any = LATER if name == "x.json" else {"data": LATER}
    if name == "x.jsonl":
        content = "\n".join(map(json.dumps, LATER))
    found = find(put(tmp_path, name, content))
    assert found.formats[0].name == "alpaca"
    assert pairs(found) == [("pagi", "sapa()"), ("mainkan Kangen", "main(song=Kangen)")]
    assert found.dataset[1].metadata == {"prompt": PROMPT}
    assert "of 1 rows the input is the utterance" in told(found, "I-ALPACA")


def test_a_history_in_a_later_row(tmp_path: Path) -> None:
    row = {"instruction": "Kangen", "output": "main()", "history": [["mainkan lagu", "Apa?"]]}
    found = find(put(tmp_path, "x.json", [LATER[0], row]))
    assert pairs(found)[1] == ("mainkan lagu. Kangen", "main()")


def test_metadata_called_input_is_told_and_can_stay(tmp_path: Path) -> None:
    rows = [{"instruction": f"putar {k}", "output": "f()", "input": "voice"} for k in "ab"]
    file = put(tmp_path, "x.json", rows)
    assert "of 2 rows the input is the utterance" in told(find(file), "I-ALPACA")
    stays = find(file, format="json")
    assert [e.metadata for e in stays.dataset] == [{"input": "voice"}] * 2


@pytest.mark.parametrize("name", ["data", "rows", "examples"])
def test_rows_in_one_object_are_unwrapped(name: str, tmp_path: Path) -> None:
    rows = [{"instruction": f"a {k}", "output": "f()"} for k in range(2000)]
    for content in ({name: rows[:2]}, {"version": "1.0", "n": 3, name: rows}):
        found = find(put(tmp_path, "x.json", json.dumps(content)))
        assert len(found.dataset) == len(content[name])  # type: ignore[arg-type]
        assert ("version, n are not read" in told(found, "I-WRAPPED")) == ("version" in content)
    found = find(put(tmp_path, "y.json", json.dumps({name: rows[:2]}, indent=1)))
    assert [e.line for e in found.dataset] == [3, 7]


def test_json_knows_the_names_that_tables_know(tmp_path: Path) -> None:
    rows = [
        {"text": "mainkan Kangen", "intent": "main", "label": "musik"},
        {"Utterance": "stop", "category": "henti"},
        {"instruction": "x", "output": "f()"},
    ]
    found = find(put(tmp_path, "x.jsonl", "\n".join(map(json.dumps, rows))))
    assert pairs(found) == [("mainkan Kangen", "main()"), ("stop", "henti()"), ("x", "f()")]
    assert found.dataset[0].metadata == {"label": "musik"}
    said = told(found, "I-COLUMNS")
    assert '"text" is read as instruction, "intent" is read as output (not label' in said


def test_a_row_that_is_half_known_is_refused(tmp_path: Path) -> None:
    found = find(put(tmp_path, "x.jsonl", '{"text": "a", "x": 1}\n' + json.dumps(LATER[0])))
    assert codes(found) == ["E-FIELD"]
    assert "say --columns instruction=text" in found.rejects[0].finding.fix


def test_a_line_with_a_tab_is_no_utterance(tmp_path: Path) -> None:
    found = find(put(tmp_path, "x.txt", "putar lagu\tplay\nhalo kak\n"))
    assert pairs(found) == [("halo kak", "")]
    assert codes(found) == ["E-TAB"] and "--format tsv" in found.rejects[0].finding.fix
    with pytest.raises(DataError, match="E-LINE"):
        save([Example("a\tb", "")], tmp_path / "y.txt")


# ---------------------------------------------------------------- CLU


def project(**about: Any) -> dict[str, Any]:
    entity = {"category": "song", "offset": 2, "length": 6}
    said = {"text": "🎵 Kangen", "intent": "main", "entities": [entity]}
    return {"projectFileVersion": "1", **about, "assets": {"utterances": [said]}}


def test_how_clu_counts_is_known_or_refused(tmp_path: Path) -> None:
    points = find(put(tmp_path, "x.json", project(stringIndexType="UnicodeCodePoint")))
    assert pairs(points) == [("🎵 Kangen", "main(song=Kangen)")]
    for about in ({"stringIndexType": "TextElement_v8"}, {"metadata": {"projectKind": "Custom"}}):
        with pytest.raises(DataError, match="E-ENUM"):
            load(put(tmp_path, "x.json", project(**about)))
