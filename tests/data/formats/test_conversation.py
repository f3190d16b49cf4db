"""Conversations (OpenAI, ShareGPT, Alpaca): they become examples, and what they lack is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maksud.data.dataset import Dataset, Example
from maksud.data.findings import Findings
from maksud.data.formats.files import find, load, read, save
from maksud.data.formats.parts.reading import Reject
from maksud.errors import DataError
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.catalog_files import save_catalog
from maksud.language.catalog_tools import catalog_to_tools


def lines(folder: Path, *rows: Any, name: str = "x.jsonl") -> Path:
    file = folder / name
    file.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n")
    return file


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: Any = None, *calls: tuple[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": "1", "type": "function", "function": {"name": n, "arguments": a}}
            for n, a in calls
        ]
    return message


def one(folder: Path, *messages: Any, **more: Any) -> Example:
    return load(lines(folder, {"messages": list(messages), **more}))[0]


def refused(folder: Path, row: Any) -> tuple[Reject, Findings]:
    good = {"messages": [user("a"), assistant("f()")]}
    data, found, rejects = read(lines(folder, good, row))
    assert len(data) == len(rejects) == 1
    assert rejects[0].finding.place == f"{folder}/x.jsonl:2"
    return rejects[0], found


# ---------------------------------------------------------------- OpenAI


def test_an_answer_in_text(tmp_path: Path) -> None:
    example = one(
        tmp_path,
        {"role": "system", "content": "You are"},
        user("cuaca Hangzhou"),
        assistant("weather_search(Hangzhou)"),
    )
    assert (example.instruction, example.output) == ("cuaca Hangzhou", "weather_search(Hangzhou)")
    assert example.metadata == {"system": "You are"}


def test_tool_calls_become_calls(tmp_path: Path) -> None:
    arguments = '{"song": "Hampa, lagi", "n": 7, "x": 1.50, "e": 1e5, "on": true, "no": null}'
    calls = assistant(None, ("play", arguments), ("stop", ""), ("tag", '{"t": ["a", "b"]}'))
    example = one(tmp_path, user("putar"), calls)
    assert example.output == (
        'play(song="Hampa, lagi", n=7, x=1.50, e=1e5, on=true);stop();tag(t=a, t=b)'
    )


def test_arguments_may_be_an_object_and_values_objects(tmp_path: Path) -> None:
    calls = assistant("", ("f", {"where": {"city": "Solo"}}))
    assert one(tmp_path, user("x"), calls).calls[0].named == {"where": '{"city": "Solo"}'}


def test_parts_of_text_are_joined_and_developer_is_system(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": " b"}]
    example = one(tmp_path, {"role": "developer", "content": "s"}, user(parts), assistant("f()"))
    assert example.instruction == "a b" and example.metadata["system"] == "s"


def test_the_older_function_call_is_read(tmp_path: Path) -> None:
    message = {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "f", "arguments": "{}"},
    }
    assert one(tmp_path, user("x"), message).output == "f()"


def test_several_turns_fold_to_one_utterance(tmp_path: Path) -> None:
    example = one(
        tmp_path,
        user("Saya ingin mendengarkan musik."),
        assistant("Musik apa?"),
        user("Hampa"),
        assistant("play_music(song=Hampa)"),
    )
    assert example.instruction == "Saya ingin mendengarkan musik. Hampa"
    assert example.is_multi_turn
    assert example.metadata == {
        "turns": ["Saya ingin mendengarkan musik.", "Hampa"],
        "replies": ["Musik apa?"],
    }


def test_a_conversation_gives_an_example_for_each_answer(tmp_path: Path) -> None:
    said = [user("lampu"), assistant(None, ("lamp_on", "{}")), {"role": "tool", "content": "ok"}]
    said += [assistant("Menyala."), user("putar lagu"), assistant("Lagu apa?"), user("Hampa")]
    said += [assistant("play(song=Hampa)")]
    about = {"id": "7", "topic": "x", "annotator": "dewi"}
    plain = {"messages": [user("a"), assistant("f()")], "id": "8"}
    found = find(lines(tmp_path, {"messages": said, **about}, plain))
    assert [(e.instruction, e.output, e.id, e.line) for e in found.dataset] == [
        ("lampu", "lamp_on()", "", 1),
        ("putar lagu. Hampa", "play(song=Hampa)", "7", 1),
        ("a", "f()", "8", 2),
    ]
    assert [dict(e.metadata) for e in found.dataset][:2] == [
        {"reply": "Menyala.", "topic": "x"},
        {"turns": ["putar lagu", "Hampa"], "replies": ["Lagu apa?"], "topic": "x"},
    ]
    assert {e.annotator for e in found.dataset[:2]} == {"dewi"}
    told = [f.message for f in found.findings if f.code == "I-CLOSED"]
    assert len(told) == 1 and told[0].startswith("1 conversation") and "2 examples" in told[0]


def test_a_conversation_is_used_whole_or_not_at_all(tmp_path: Path) -> None:
    bad = [user("a"), assistant("f()"), user("b\x00"), assistant("g()")]
    reject, found = refused(tmp_path, {"messages": bad})
    assert reject.code == "E-CONTROL" and "I-CLOSED" not in found.codes


def test_the_catalog_of_the_tools_or_beside_the_file_says_what_is_open(tmp_path: Path) -> None:
    alarm = Catalog((Intent("alarm", "", (Parameter("time", required=True),)),))
    talk = [user("alarm"), assistant("alarm()"), user("jam 6"), assistant("alarm(time=jam 6)")]
    row = {"messages": talk}
    parted = ["alarm", "jam 6"]
    folded = ["alarm", "alarm. jam 6"]
    assert [e.instruction for e in load(lines(tmp_path, row))] == parted
    with_tools = lines(tmp_path, {**row, "tools": catalog_to_tools(alarm)})
    assert [e.instruction for e in load(with_tools)] == folded
    (tmp_path / "data").mkdir()
    lines(tmp_path / "data", row, name="train.jsonl")
    assert [e.instruction for e in load(tmp_path / "data")] == parted
    save_catalog(alarm, tmp_path / "data" / "catalog.yaml")
    data = load(tmp_path / "data")
    assert [e.instruction for e in data] == folded
    # And written again, with the catalog beside it or as tools, it is the same two examples.
    for name, tools in [("again", False), ("tools", True)]:
        for format in ("openai", "sharegpt"):
            place = tmp_path / f"{name}-{format}"
            save(data, place, format=format, tools=tools)
            back = load(place)
            assert [(e.instruction, e.output, e.metadata) for e in back] == [
                (e.instruction, e.output, e.metadata) for e in data
            ]


def test_what_weighs_nothing_is_no_example(tmp_path: Path) -> None:
    for weight in ({"weight": 0}, {"loss": False}):
        passed = {**assistant("f()"), **weight}
        found = find(
            lines(tmp_path, {"messages": [user("a"), passed, user("b"), assistant("g()")]})
        )
        assert [e.instruction for e in found.dataset] == ["b"]
        assert "I-WEIGHT" not in found.findings.codes, "it is heeded"
    last = {**assistant("g()"), "weight": 0}
    assert "I-WEIGHT" in find(lines(tmp_path, {"messages": [user("b"), last]})).findings.codes


def test_the_answer_is_what_was_called_not_what_was_said_about_it(tmp_path: Path) -> None:
    example = one(
        tmp_path,
        user("lampu"),
        assistant(None, ("lamp_on", "{}")),
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
        assistant("Lampu menyala."),
    )
    assert example.output == "lamp_on()" and example.metadata == {"reply": "Lampu menyala."}


def test_tools_are_the_catalog_and_no_call_is_out_of_scope(tmp_path: Path) -> None:
    catalog = Catalog((Intent("lamp", "A lamp", (Parameter("room", required=True),)),))
    more = Catalog((Intent("fan", "A fan"),))
    file = lines(
        tmp_path,
        {
            "messages": [user("a"), assistant(None, ("lamp", "{}"))],
            "tools": catalog_to_tools(catalog),
        },
        {"messages": [user("b"), assistant("Sorry, I can't.")], "tools": catalog_to_tools(more)},
        {"messages": [user("c"), assistant("lamp(x)")], "tools": catalog_to_tools(catalog)},
    )
    data = load(file)
    assert [e.output for e in data] == ["lamp()", "none()", "lamp(x)"]
    assert data[1].metadata == {"reply": "Sorry, I can't."}
    assert data.declared_catalog == catalog.merged(more)


def test_tools_that_disagree_are_told(tmp_path: Path) -> None:
    rows = [
        {
            "messages": [user(f"a{k}"), assistant("f()")],
            "tools": catalog_to_tools(Catalog((Intent("f", description),))),
        }
        for k, description in enumerate(["one", "two"])
    ]
    _, found, _ = read(lines(tmp_path, *rows))
    assert found.codes == {"W-TOOLS": 1}


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([], "messages is empty"),
        ("x", "messages is text, expected a list"),
        (
            [user("a"), {"role": "asistant", "content": "f()"}],
            'role "asistant" unknown at messages[1]',
        ),
        ([user("a")], "last message must be assistant"),
        ([assistant("f()")], "the first message must be the user's"),
        (
            [{"role": "system", "content": "a"}] * 2 + [user("a"), assistant("f()")],
            "2 system messages",
        ),
        ([user(None), assistant("f()")], "messages[0].content is null"),
        ([user("a"), assistant(None)], "messages[1].content is null"),
        (
            [user([{"type": "image_url", "image_url": {}}]), assistant("f()")],
            'messages[0].content[0].type "image_url" not supported',
        ),
        (["x", assistant("f()")], "messages[0] is text"),
        ([user("a"), {"role": "assistant", "tool_calls": [{}]}], "has no function name"),
    ],
)
def test_a_conversation_that_can_not_be_used(messages: Any, says: str, tmp_path: Path) -> None:
    reject, _ = refused(tmp_path, {"messages": messages})
    assert reject.code == "E-CHAT" and says in reject.finding.message


@pytest.mark.parametrize("arguments", ["{oops", "[1]", "3"])
def test_arguments_that_are_no_json_object(arguments: str, tmp_path: Path) -> None:
    reject, _ = refused(tmp_path, {"messages": [user("a"), assistant(None, ("f", arguments))]})
    assert reject.code == "E-TARGET"


def test_a_function_whose_name_is_none(tmp_path: Path) -> None:
    reject, _ = refused(tmp_path, {"messages": [user("a"), assistant(None, ("f,g", "{}"))]})
    assert reject.code == "E-LABEL" and "U+002C" in reject.finding.message


def test_written_with_tools_values_are_typed_as_the_catalog_says(tmp_path: Path) -> None:
    parameters = (
        Parameter("n", type="number", copied=False),
        Parameter("on", type="boolean", copied=False),
        Parameter("text"),
    )
    catalog = Catalog((Intent("f", parameters=parameters),))
    rows = [
        Example("a", "f(n=7, on=true, text=7)"),
        Example("b", "f(n=007, on=maybe)"),
        Example("c", "f(n=1, n=2)"),
        Example("d", "f(1)"),
        Example("e", "none()"),
    ]
    save(Dataset(rows, catalog=catalog), tmp_path / "x.jsonl", format="openai", tools=True)
    made = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    calls = [row["messages"][-1].get("tool_calls") for row in made]
    given = [json.loads(c[0]["function"]["arguments"]) if c else None for c in calls]
    assert given == [
        {"n": 7, "on": True, "text": "7"},
        {"n": "007", "on": "maybe"},
        {"n": [1, 2]},
        {"n": 1},
        None,
    ]
    assert all(row["tools"] == catalog_to_tools(catalog) for row in made)
    assert made[4]["messages"][-1] == {"role": "assistant", "content": "none()"}
    back = load(tmp_path / "x.jsonl")
    assert [catalog.name_arguments(e.calls) for e in back] == [
        catalog.name_arguments(e.calls) for e in rows
    ]


def test_without_tools_the_content_is_the_answer(tmp_path: Path) -> None:
    about = {"turns": ["a", "b"], "replies": ["what?"], "system": "s"}
    save([Example("a. b", "f(x)", metadata=about)], tmp_path / "x.jsonl", format="openai")
    assert json.loads((tmp_path / "x.jsonl").read_text()) == {
        "messages": [
            {"role": "system", "content": "s"},
            user("a"),
            {"role": "assistant", "content": "what?"},
            user("b"),
            {"role": "assistant", "content": "f(x)"},
        ]
    }


def test_what_a_chat_format_can_not_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="E-UNLABELLED"):
        save([Example("a", "")], tmp_path / "x.jsonl", format="openai")
    with pytest.raises(DataError, match="E-CALL"):
        save([Example("a", "f(")], tmp_path / "x.jsonl", format="openai", tools=True)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- ShareGPT


def test_sharegpt_is_read(tmp_path: Path) -> None:
    rows = [
        {
            "id": "7",
            "system": "s",
            "conversations": [
                {"from": "human", "value": "a"},
                {"from": "gpt", "value": "what?"},
                {"from": "human", "value": "b"},
                {"from": "gpt", "value": "f(x)"},
            ],
        },
        {
            "conversations": [
                {"from": "human", "value": "c"},
                {"from": "function_call", "value": '{"name": "g", "arguments": {"n": 07}}'},
            ]
        },
        {
            "conversations": [
                {"from": "human", "value": "c"},
                {
                    "from": "function_call",
                    "value": '[{"name": "g", "arguments": {"n": 1.0}}, {"name": "h"}]',
                },
                {"from": "observation", "value": "{}"},
                {"from": "gpt", "value": "done"},
            ]
        },
    ]
    file = tmp_path / "x.json"
    file.write_text(json.dumps(rows))
    found = find(file)
    assert found.formats[0].name == "sharegpt"
    assert [r.code for r in found.rejects] == ["E-TARGET"]  # 07 is not JSON
    assert [(e.instruction, e.output, e.id) for e in found.dataset] == [
        ("a. b", "f(x)", "7"),
        ("c", "g(n=1.0);h()", ""),
    ]
    assert found.dataset[0].metadata == {"turns": ["a", "b"], "replies": ["what?"], "system": "s"}


@pytest.mark.parametrize(
    ("conversations", "says"),
    [
        ([], "messages is empty"),
        (None, "is null"),
        ([{"from": "alien", "value": "x"}], 'role "alien" unknown at conversations[0]'),
        ([{"from": "human", "value": 3}], "conversations[0].value is a number"),
        ([3], "conversations[0] is a number"),
        ([{"from": "human", "value": "a"}], "last message must be assistant"),
    ],
)
def test_a_sharegpt_row_that_can_not_be_used(conversations: Any, says: str, tmp_path: Path) -> None:
    _, found, _ = read(lines(tmp_path, {"conversations": conversations}))
    told = [f for f in found if f.code == "E-CHAT"]
    assert len(told) == 1 and says in told[0].message


# ---------------------------------------------------------------- Alpaca


def test_alpaca_is_read(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Classify", "input": "putar lagu", "output": "play()"},
        {"instruction": "berhenti", "input": "", "output": "stop()"},
        {
            "instruction": "b",
            "input": "",
            "output": "f()",
            "history": [["a", "what?"]],
            "system": "",
        },
    ]
    file = tmp_path / "x.json"
    file.write_text(json.dumps(rows))
    found = find(file)
    assert found.formats[0].name == "alpaca"
    assert [(e.instruction, e.output, dict(e.metadata)) for e in found.dataset] == [
        ("putar lagu", "play()", {"prompt": "Classify"}),
        ("berhenti", "stop()", {}),
        ("a. b", "f()", {"turns": ["a", "b"], "replies": ["what?"]}),
    ]


def test_a_history_is_a_conversation(tmp_path: Path) -> None:
    said = [["lampu", "lamp_on()"], ["putar lagu", "Lagu apa?"]]
    row = {"id": "7", "instruction": "Hampa", "input": "", "output": "play(song=Hampa)"}
    plain = {"instruction": "a", "input": "", "output": "f()"}
    found = find(lines(tmp_path, {**row, "topic": "x", "history": said}, plain))
    assert found.formats[0].name == "alpaca" and "I-CLOSED" in found.findings.codes
    assert [(e.instruction, e.output, e.id) for e in found.dataset] == [
        ("lampu", "lamp_on()", ""),
        ("putar lagu. Hampa", "play(song=Hampa)", "7"),
        ("a", "f()", ""),
    ]
    assert found.dataset[1].metadata["replies"] == ["Lagu apa?"]
    assert [e.metadata.get("topic") for e in found.dataset] == ["x", "x", None]


def test_alpaca_comes_back_with_its_prompt_and_metadata(tmp_path: Path) -> None:
    rows = [
        Example("putar", "play()", id="1", metadata={"prompt": "Classify", "topic": "x"}),
        Example("stop", "stop()"),
    ]
    save(rows, tmp_path / "x.json", format="alpaca")
    first = json.loads((tmp_path / "x.json").read_text())[0]
    assert list(first)[:3] == ["instruction", "input", "output"]
    assert (first["instruction"], first["input"]) == ("Classify", "putar")
    back = load(tmp_path / "x.json")
    assert [(e.instruction, e.output, e.id, dict(e.metadata)) for e in back] == [
        (e.instruction, e.output, e.id, dict(e.metadata)) for e in rows
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"instruction": "a", "input": 3, "output": "f()"}, "E-TYPE"),
        ({"instruction": "a", "input": "", "output": 3}, "E-TYPE"),
        ({"instruction": "a", "input": "", "output": "f()", "history": ["x"]}, "E-CHAT"),
        ({"instruction": 3, "input": "", "output": "f()", "history": [["x", "y"]]}, "E-TYPE"),
        ({"instruction": "a", "input": "", "output": 3, "history": [["x", "g()"]]}, "E-TYPE"),
        ({"instruction": "", "input": "", "output": "f()"}, "E-EMPTYTEXT"),
    ],
)
def test_an_alpaca_row_that_can_not_be_used(row: Any, code: str, tmp_path: Path) -> None:
    good = {"instruction": "a", "input": "", "output": "f()"}
    _, _, rejects = read(lines(tmp_path, good, row))
    assert [r.code for r in rejects] == [code]
