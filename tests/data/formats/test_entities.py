"""Formats of marked entities: Label Studio, Rasa, Snips, Dialogflow, CLU, BIO.

The samples are written by us, in the shape of each tool's own exports.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.base import Options
from maksud.data.formats.files import find, load, read, save
from maksud.data.formats.parts.spans import from_utf16, locate_values, to_utf16
from maksud.errors import DataError
from maksud.language.calls import Argument


def put(folder: Path, name: str, content: Any) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    text = (
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    )
    file.write_text(text, encoding="utf-8")
    return file


def refusal(file: Path, **options: Any) -> tuple[str, str]:
    """Code and message of the only reject."""
    _, _, rejects = read(file, options=Options(**options))
    assert len(rejects) == 1, [r.finding for r in rejects]
    return rejects[0].code, rejects[0].finding.message


# ---------------------------------------------------------------- spans


@given(st.text(), st.data())
def test_offsets_in_utf16_units_are_the_codecs(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    units = len(text[:at].encode("utf-16-le", "surrogatepass")) // 2
    assert to_utf16(text, at) == units
    assert from_utf16(text, units) == at


def test_half_a_character_is_no_offset() -> None:
    assert from_utf16("🎵a", 1) == from_utf16("a", 2) == from_utf16("🎵", -1) == -1


def test_values_are_found_left_to_right_at_the_borders_of_words() -> None:
    arguments = [Argument("x", "a"), Argument("y", "a"), Argument("z", "lagu")]
    spans = locate_values(arguments, "apa a lagunya a lagu")
    assert spans is not None
    assert [(s.start, s.end, s.name) for s in spans] == [(4, 5, "x"), (14, 15, "y"), (16, 20, "z")]
    assert locate_values([Argument("x", "a"), Argument("y", "a")], "bab") is None
    assert locate_values([Argument("x", "")], "bab") is None
    inside = locate_values([Argument("x", "音乐")], "播放音乐吧")
    assert inside is not None and (inside[0].start, inside[0].end) == (2, 4)


# ---------------------------------------------------------------- Label Studio


def choice(*labels: str, control: str = "intent") -> dict[str, Any]:
    return {"from_name": control, "type": "choices", "value": {"choices": list(labels)}}


def area(text: str, control: str = "output") -> dict[str, Any]:
    return {"from_name": control, "type": "textarea", "value": {"text": [text]}}


def marked(start: int, end: int, text: str, *labels: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": list(labels)}
    return {"id": "x", "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def task(text: str, *results: list[Any], **more: Any) -> dict[str, Any]:
    annotations = [{"id": k, "completed_by": k, "result": r} for k, r in enumerate(results, 1)]
    return {"id": 51, "data": {"text": text}, "annotations": annotations, **more}


def studio(folder: Path, *tasks: Any) -> Path:
    return put(folder, "x.json", list(tasks))


def test_choice_and_spans_are_a_call(tmp_path: Path) -> None:
    text = "putar Hampa dari Ari"
    results = [
        marked(17, 20, "Ari", "artist"),
        choice("play_music"),
        marked(6, 11, "Hampa", "song"),
    ]
    found = find(studio(tmp_path, task(text, results)))
    assert found.formats[0].name == "label-studio"
    example = found.dataset[0]
    assert example.output == "play_music(song=Hampa, artist=Ari)"
    assert (example.id, example.annotator, example.line) == ("51", "1", 2)


@pytest.mark.parametrize(
    ("results", "output"),
    [
        ([choice("a")], "a()"),
        ([choice("a", "b")], "a();b()"),
        ([choice("none")], "none()"),
        ([area("f(x=1)")], "f(x=1)"),
        ([area("play")], "play()"),
        ([choice("a"), area("f(x=1)")], "f(x=1)"),
        ([choice("a"), area("a note", "note")], "a()"),
        ([area("f()", "anything")], "f()"),
        ([], ""),
    ],
)
def test_what_an_annotation_says(results: list[Any], output: str, tmp_path: Path) -> None:
    assert load(studio(tmp_path, task("putar", results)))[0].output == output


def test_offsets_of_browsers_and_of_other_tools(tmp_path: Path) -> None:
    text = "🎵 putar Hampa"
    browser = [choice("f"), marked(9, 14, "Hampa", "song")]
    other = [choice("f"), marked(8, 13, "Hampa", "song")]
    file = studio(tmp_path, task(text, browser), task(text, other) | {"id": 52})
    assert [e.output for e in load(file)] == ["f(song=Hampa)"] * 2


def test_annotations_are_voted(tmp_path: Path) -> None:
    row = task("putar", [choice("a")], [choice("b")], [choice("a")])
    row["annotations"][1]["updated_at"] = "2026-01-02T03:04:05.678Z"
    tie = task("stop", [choice("a")], [choice("b")]) | {"id": 52}
    tie["annotations"][0]["created_at"] = "2026-01-02T03:04:05Z"
    tie["annotations"][1]["created_at"] = "2026-01-01T03:04:05Z"
    data, found, _ = read(studio(tmp_path, row, tie))
    assert [e.output for e in data] == ["a()", "a()"]
    assert found.codes == {"W-DISAGREE": 2}
    assert [a["output"] for a in data[0].metadata["answers"]] == ["a()", "b()", "a()"]
    assert data[0].metadata["answers"][1]["by"] == "2"


def test_cancelled_annotations_and_predictions_do_not_count_and_are_told(tmp_path: Path) -> None:
    row = task("putar", [choice("a")], [choice("b")], predictions=[{"result": [choice("c")]}])
    row["annotations"][0]["was_cancelled"] = True
    row["annotations"][1]["result"].append({"type": "rating", "value": {"rating": 3}})
    data, found, _ = read(studio(tmp_path, row))
    assert data[0].output == "b()"
    assert found.codes == {"I-CANCELLED": 1, "I-PREDICTION": 1, "W-RESULT": 1}


@pytest.mark.parametrize(
    ("results", "code", "says"),
    [
        ([choice("a"), marked(0, 3, "xyz", "s")], "E-SPAN", 'span 0 to 3 is "put", not "xyz"'),
        ([choice("a"), marked(3, 99, "ar", "s")], "E-SPAN", "at 3 to 99"),
        ([marked(0, 5, "putar", "s")], "E-TASK", "no intent is chosen"),
        ([choice("a", "b"), marked(0, 5, "putar", "s")], "E-TASK", "whose spans"),
        ([choice("a", control="x"), choice("b", control="y")], "E-TASK", "which control"),
        ([choice("a,b")], "E-LABEL", "U+002C"),
    ],
)
def test_a_task_that_can_not_be_used(
    results: list[Any], code: str, says: str, tmp_path: Path
) -> None:
    found = refusal(studio(tmp_path, task("putar", results)))
    assert found[0] == code and says in found[1]


def test_a_control_and_a_field_are_named(tmp_path: Path) -> None:
    row = task("", [choice("a", control="x"), choice("b", control="y")])
    row["data"] = {"one": "putar", "two": "lagu"}
    columns = {"instruction": "two", "output": "y"}
    example = load(studio(tmp_path, row), options=Options(columns=columns))[0]
    assert (example.instruction, example.output) == ("lagu", "b()")
    assert example.metadata == {"one": "putar"}


def test_tasks_without_annotations_are_to_be_labelled(tmp_path: Path) -> None:
    data = load(studio(tmp_path, {"data": {"text": "putar"}}, {"data": {"text": "stop"}}))
    assert [e.is_labelled for e in data] == [False, False]


# ---------------------------------------------------------------- Rasa

RASA = """\
version: "3.1"
nlu:
- intent: book_flight
  examples: |
    - [Berlin]{"entity": "city", "role": "from"} to [NYC]{"entity": "city", "value": "New York"}
    - to [Solo](city:Surakarta) [now](time)

    - hello
- synonym: New York
  examples: |
    - NYC
- intent: greet
  examples:
  - text: hi [there](who)
    metadata:
      sentiment: neutral
  - hey
- regex: zip
  examples: |
    - \\d{5}
rules: []
"""


def test_rasa_is_read_with_its_lines(tmp_path: Path) -> None:
    found = find(put(tmp_path, "nlu.yml", RASA))
    assert found.formats[0].name == "rasa" and not found.rejects
    assert [(e.line, e.instruction, e.output) for e in found.dataset] == [
        (5, "Berlin to NYC", "book_flight(city_from=Berlin, city=NYC)"),
        (6, "to Solo now", "book_flight(city=Solo, time=now)"),
        (8, "hello", "book_flight()"),
        (14, "hi there", "greet(who=there)"),
        (17, "hey", "greet()"),
    ]
    assert found.dataset[0].metadata == {"values": {"NYC": "New York"}}
    told = sorted(f.message for f in found.findings)
    assert told == [
        "1 entries of metadata are not read",
        "1 regex entries are not read",
        "1 synonym entries are not read",
        "2 normalised values are kept as metadata: values are read as said",
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nlu:\n- intent: a\n  examples: |\n    - x\n    oops\n", "E-YAML"),
        ("nlu:\n- intent: a\n  examples: |\n    - x\n    - [a]{entity: b}\n", "E-MARKUP"),
        ('nlu:\n- intent: a\n  examples: |\n    - x\n    - [a]{"value": "b"}\n', "E-MARKUP"),
        ("nlu:\n- intent: a\n  examples: |\n    - x\n- intent: b\n", "E-YAML"),
        (
            "nlu:\n- intent: a\n  examples: |\n    - x\n- intent: b,c\n  examples: |\n    - y\n",
            "E-LABEL",
        ),
    ],
)
def test_a_rasa_example_that_can_not_be_used(text: str, code: str, tmp_path: Path) -> None:
    assert refusal(put(tmp_path, "nlu.yml", text))[0] == code


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nlu:\n- intent: [a\n", r"nlu\.yml:\d: E-YAML"),
        ("nlu:\n- intent: {a: b}\n", r"nlu\.yml:2: E-YAML an intent has no name"),
        ("nlu:\n- &a\n  intent: a\n  examples: |\n    - x\n- *a\n", "aliases are not read"),
        ("nlu: []\n", "E-NOROWS"),
    ],
)
def test_a_rasa_file_that_can_not_be_read(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=says):
        read(put(tmp_path, "nlu.yml", text))


def test_rasa_is_written_below_its_intents(tmp_path: Path) -> None:
    rows = [
        Example("putar Hampa", "play(song=Hampa)"),
        Example("stop", "stop:now()"),
        Example("putar\nlagi", "play()"),
    ]
    save(rows, tmp_path / "x.yml")
    assert (tmp_path / "x.yml").read_text() == (
        'version: "3.1"\n\nnlu:\n- intent: play\n  examples:\n'
        "  - text: |\n      putar [Hampa](song)\n  - text: |\n      putar\n      lagi\n"
        '- intent: "stop:now"\n  examples: |\n    - stop\n'
    )
    assert {(e.instruction, e.output) for e in load(tmp_path / "x.yml")} == {
        (e.instruction, e.output) for e in rows
    }


@pytest.mark.parametrize(
    ("text", "output", "code"),
    [
        ("a", "f();g()", "E-MULTI"),
        ("a", "f(x=b)", "E-SPAN"),
        ("[a](b)", "f()", "E-MARKUP"),
        ("a\u2028b", "f()", "E-MARKUP"),
        ("a\rb", "f()", "E-MARKUP"),
        ("a", "f(", "E-CALL"),
        ("a", "", "E-UNLABELLED"),
    ],
)
def test_what_rasa_can_not_hold_is_refused(
    text: str, output: str, code: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=code):
        save([Example(text, output)], tmp_path / "x.yml")


# ---------------------------------------------------------------- Snips

CHUNKS = [{"text": "cuaca di "}, {"text": "Solo", "entity": "snips/city", "slot_name": "city"}]


def test_snips_datasets_are_read_with_their_lines(tmp_path: Path) -> None:
    dataset = {
        "language": "id",
        "intents": {"weather": {"utterances": [{"data": CHUNKS}, {"data": [{"text": "hujan?"}]}]}},
        "entities": {},
    }
    found = find(put(tmp_path, "x.json", dataset))
    assert found.formats[0].name == "snips"
    assert [(e.line, e.instruction, e.output) for e in found.dataset] == [
        (6, "cuaca di Solo", "weather(city=Solo)"),
        (18, "hujan?", "weather()"),
    ]
    assert found.dataset[0].metadata == {"language": "id"}


def test_the_published_benchmark_files_are_read(tmp_path: Path) -> None:
    utterance = {"data": [{"text": "in "}, {"text": "Solo", "entity": "city"}]}
    found = find(put(tmp_path, "train_GetWeather_full.json", {"GetWeather": [utterance]}))
    assert found.formats[0].name == "snips"
    assert found.dataset[0].output == "GetWeather(city=Solo)"


@pytest.mark.parametrize(
    "utterance", [{"data": "x"}, {"data": [{"text": 3}]}, {"data": ["x"]}, {"text": "x"}, "x"]
)
def test_a_snips_utterance_that_can_not_be_used(utterance: Any, tmp_path: Path) -> None:
    intents = {"weather": {"utterances": [{"data": CHUNKS}, utterance]}}
    file = put(tmp_path, "x.json", {"intents": intents, "entities": {}})
    assert refusal(file)[0] == "E-SHAPE"


def test_a_broken_document_has_its_line(tmp_path: Path) -> None:
    file = put(tmp_path, "x.json", '{"intents": {\n"a": {"utterances": [\n{"data": oops}]}}}')
    with pytest.raises(DataError, match=r"x\.json:3: E-JSON"):
        load(file, format="snips")
    with pytest.raises(DataError, match="E-DUPKEY"):
        load(put(tmp_path, "x.json", '{"intents": {"a": [], "a": []}}'), format="snips")


# ---------------------------------------------------------------- Dialogflow


def usersays(*rows: Any) -> list[Any]:
    return [{"id": f"{k}", "isTemplate": False, "count": 0, "data": r} for k, r in enumerate(rows)]


PARTS = [
    {"text": "cuaca di ", "userDefined": False},
    {"text": "Solo", "alias": "geo-city", "meta": "@sys.geo-city", "userDefined": True},
    {"text": " ya", "alias": "x", "meta": "@sys.ignore"},
]


def test_a_dialogflow_file_is_read(tmp_path: Path) -> None:
    file = put(tmp_path, "Cek cuaca_usersays_id.json", usersays(PARTS, [{"text": "hujan?"}]))
    found = find(file)
    assert found.formats[0].name == "dialogflow"
    assert [(e.instruction, e.output) for e in found.dataset] == [
        ("cuaca di Solo ya", "Cek_cuaca(geo-city=Solo)"),
        ("hujan?", "Cek_cuaca()"),
    ]
    assert found.dataset[0].metadata == {"language": "id"}
    assert found.findings.codes == {"I-NAME": 1}


def test_a_dialogflow_export_is_read_with_its_fallback(tmp_path: Path) -> None:
    put(tmp_path, "agent.json", {})
    put(tmp_path, "intents/weather.json", {"name": "weather", "fallbackIntent": False})
    put(tmp_path, "intents/weather_usersays_id.json", usersays(PARTS))
    put(tmp_path, "intents/weather_usersays_en.json", usersays([{"text": "rain?"}]))
    put(tmp_path, "intents/Fallback.json", {"name": "Fallback", "fallbackIntent": True})
    put(tmp_path, "intents/Fallback_usersays_id.json", usersays([{"text": "apa kabar"}]))
    found = find(tmp_path)
    assert found.formats[0].name == "dialogflow"
    outputs = {e.instruction: (e.output, e.metadata["language"]) for e in found.dataset}
    assert outputs == {
        "cuaca di Solo ya": ("weather(geo-city=Solo)", "id"),
        "rain?": ("weather()", "en"),
        "apa kabar": ("none()", "id"),
    }
    fallback = load(tmp_path / "intents" / "Fallback_usersays_id.json")
    assert fallback[0].output == "none()"


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ('{"name": "x",\n "fallbackIntent": tru', r"x\.json:2: E-JSON .*export it again"),
        ("", r"x\.json: E-EMPTY"),
        ("[]", r"x\.json: E-SHAPE"),
        ('{"fallbackIntent": true, "fallbackIntent": false}', r"x\.json: E-DUPKEY"),
    ],
)
def test_a_broken_intent_of_dialogflow_is_told_and_not_taken_for_no_fallback(
    about: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "agent.json").write_text("{}")
    (tmp_path / "intents").mkdir()
    (tmp_path / "intents" / "x.json").write_text(about)
    rows = put(tmp_path, "intents/x_usersays_id.json", usersays([{"text": "apa kabar"}]))
    for source in (tmp_path, rows):
        with pytest.raises(DataError, match=says):
            load(source)


def test_a_dialogflow_file_without_its_name_or_with_a_template(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="E-INTENT"):
        load(put(tmp_path, "x.json", usersays(PARTS)))
    rows = usersays(PARTS)
    rows[0]["isTemplate"] = True
    assert refusal(put(tmp_path, "a_usersays_en.json", rows))[0] == "E-TEMPLATE"


def test_dialogflow_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="can be read, not written"):
        save([Example("a", "f()")], tmp_path / "x.json", format="dialogflow")


# ---------------------------------------------------------------- CLU


def project(*utterances: Any, **more: Any) -> dict[str, Any]:
    return {
        "projectFileVersion": "2022-10-01-preview",
        "stringIndexType": "Utf16CodeUnit",
        "assets": {"projectKind": "Conversation", "utterances": list(utterances)},
        **more,
    }


def said(text: str, intent: str, *entities: tuple[str, int, int], **more: Any) -> dict[str, Any]:
    marks = [{"category": c, "offset": o, "length": n} for c, o, n in entities]
    return {"text": text, "intent": intent, "language": "id", "entities": marks, **more}


def test_a_clu_project_is_read(tmp_path: Path) -> None:
    file = put(
        tmp_path,
        "x.json",
        project(
            said("🎵 putar Hampa", "Play", ("song title", 9, 5), dataset="Train"),
            said("apa kabar", "None", dataset="Test"),
        ),
    )
    found = find(file)
    assert found.formats[0].name == "clu"
    assert [(e.line, e.instruction, e.output, e.split) for e in found.dataset] == [
        (7, "🎵 putar Hampa", "Play(song_title=Hampa)", "train"),
        (20, "apa kabar", "none()", "test"),
    ]


@pytest.mark.parametrize(
    ("utterance", "code"),
    [
        ("x", "E-SHAPE"),
        ({"text": 3, "intent": "a"}, "E-TYPE"),
        ({"text": "a"}, "E-TYPE"),
        (said("abc", "a", ("x", 2, 5)), "E-SPAN"),
        (said("🎵", "a", ("x", 1, 1)), "E-SPAN"),
        ({"text": "a", "intent": "a", "entities": [{"category": "x"}]}, "E-SPAN"),
        ({"text": "a", "intent": "a", "dataset": "Other"}, "E-SPLIT"),
    ],
)
def test_a_clu_utterance_that_can_not_be_used(utterance: Any, code: str, tmp_path: Path) -> None:
    assert refusal(put(tmp_path, "x.json", project(said("a", "b"), utterance)))[0] == code


def test_a_clu_project_without_utterances(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="E-SHAPE the project has no assets.utterances"):
        load(put(tmp_path, "x.json", {"projectFileVersion": "1", "assets": {}}))


def test_a_clu_project_can_be_imported(tmp_path: Path) -> None:
    rows = [
        Example("🎵 putar Hampa", "play(song=Hampa)", split="train"),
        Example("apa", "none()", split="test"),
        Example("stop", "stop()", split="dev"),
    ]
    save(Dataset(rows, name="music"), tmp_path / "x.json", format="clu")
    made = json.loads((tmp_path / "x.json").read_text())
    assert made["metadata"]["projectName"] == "music"
    assert made["assets"]["intents"] == [
        {"category": "play"},
        {"category": "None"},
        {"category": "stop"},
    ]
    assert made["assets"]["utterances"][0]["entities"] == [
        {"category": "song", "offset": 9, "length": 5}
    ]
    assert [u["dataset"] for u in made["assets"]["utterances"]] == ["Train", "Test", "Train"]


# ---------------------------------------------------------------- BIO

DUMP = """\
listen O
to O
westbam B-artist
allergic B-album
allergic I-album
PlayMusic

what O
's O
on O
SearchScreeningEvent
"""


def test_the_usual_dumps_are_read(tmp_path: Path) -> None:
    found = find(put(tmp_path, "seq.txt", DUMP))
    assert found.formats[0].name == "bio"
    assert [(e.line, e.instruction, e.output) for e in found.dataset] == [
        (
            1,
            "listen to westbam allergic allergic",
            "PlayMusic(artist=westbam, album=allergic allergic)",
        ),
        (8, "what 's on", "SearchScreeningEvent()"),
    ]


@pytest.mark.parametrize(
    "tags",
    [
        ["O", "B-a", "I-a", "B-a"],
        ["O", "I-a", "I-a", "B-a"],
        ["O", "B-a", "E-a", "S-a"],
        ["O", "B-a", "L-a", "U-a"],
    ],
)
def test_all_usual_schemes_are_read(tags: list[str], tmp_path: Path) -> None:
    rows = "\n".join(f"w{k}\tx\t{tag}" for k, tag in enumerate(tags))
    data = load(put(tmp_path, "x.conll", f"-DOCSTART- -X- O\n\n# intent = f\n# id = 7\n{rows}\n\n"))
    assert (data[0].output, data[0].id) == ("f(a=w1 w2, a=w3)", "7")


def test_the_text_of_a_comment_counts(tmp_path: Path) -> None:
    text = "# intent: f\n# text = Solo,  besok!\nSolo\tB-a\n,\tO\nbesok\tB-b\n!\tO\n"
    data = load(put(tmp_path, "x.bio", text))
    assert (data[0].instruction, data[0].output) == ("Solo,  besok!", "f(a=Solo, b=besok)")


@pytest.mark.parametrize(
    ("sentence", "code", "says"),
    [
        ("a\tO\nb\tO\n", "E-BIO", "no intent"),
        ("# intent: f\na\tO\nb\n", "", ""),
        ("# intent: f\na\tO\nb\nc\tO\n", "E-BIO", '"b" has no tag'),
        ("# intent: f\n# text = x\na\tO\n", "E-BIO", "not the next of the text"),
        ("# intent: f\n", "E-BIO", "no tokens"),
        ("a\tO\nf#g\n", "E-MULTI", "one intent"),
        ("# intent: f=g\na\tO\n", "E-LABEL", "U+003D"),
    ],
)
def test_a_sentence_that_can_not_be_used(
    sentence: str, code: str, says: str, tmp_path: Path
) -> None:
    file = put(tmp_path, "x.bio", f"# intent: f\na\tO\n\n{sentence}")
    data, _, rejects = read(file)
    if not code:
        assert len(data) == 2
        return
    assert [(r.code, r.finding.place) for r in rejects] == [(code, f"{file}:4")]
    assert says in rejects[0].finding.message
    assert isinstance(rejects[0].original, bytes)
    assert rejects[0].original.decode() == sentence.rstrip("\n")


def test_bio_is_written_with_the_text_only_where_it_needs_it(tmp_path: Path) -> None:
    rows = [Example("putar Hampa", "f(song=Hampa)"), Example("putar Hampa!", "f(song=Hampa)")]
    save(rows, tmp_path / "x.bio")
    assert (tmp_path / "x.bio").read_text() == (
        "# intent: f\nputar\tO\nHampa\tB-song\n\n"
        "# intent: f\n# text = putar Hampa!\nputar\tO\nHampa\tB-song\n!\tO\n\n"
    )


@pytest.mark.parametrize("content", ["instruction,output\n0 L-0,\n", "text\nputar B-lagu\n"])
def test_a_table_whose_rows_look_like_tags_is_no_bio(content: str, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(content, encoding="utf-8")
    assert [f.name for f in find(file).formats] == ["csv"]
