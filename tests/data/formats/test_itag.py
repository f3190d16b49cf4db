"""iTAG: the guide's step in one command, and what the guide's script gets wrong done right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from guide_script import GUIDES, OURS

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.base import Options
from maksud.data.formats.conversion import convert
from maksud.data.formats.files import load, read, save

JOB = "label-1947839552568066048"


def result(output: object, version: object = "1", **more: Any) -> dict[str, Any]:
    mark = {"tabId": "x", "annotations": [{"id": None, "labels": {"output": output}}]}
    return {"MarkResultId": "7", "MarkResult": json.dumps(mark), "Version": version, **more}


def item(text: str = "putar lagu", **blocks: Any) -> dict[str, Any]:
    """An item; `label=…`, `check=…` are lists of results, other keys stand beside them."""
    row: dict[str, Any] = {"data": {"instruction": text, "_itag_index": ""}}
    for name, value in blocks.items():
        if name in ("label", "check", "verify", "system"):
            row[JOB if name == "label" else f"{JOB}-{name}"] = {"results": value}
        else:
            row[name] = value
    return row


def manifest(folder: Path, *items: Any) -> Path:
    file = folder / "export.manifest"
    lines = [i if isinstance(i, str) else json.dumps(i, ensure_ascii=False) for i in items]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def convert_as_the_guide(guide: Path, source: Path, folder: Path) -> bytes:
    """What the guide's own script makes of a manifest."""
    shutil.copy(guide / "convert.py", folder / "convert.py")
    if source != folder / "test_json.manifest":
        shutil.copy(source, folder / "test_json.manifest")
    subprocess.run([sys.executable, "convert.py"], cwd=folder, check=True, capture_output=True)
    return (folder / "train.json").read_bytes()


# ---------------------------------------------------------------- samples, ours and the guide's


@pytest.fixture(params=GUIDES)
def samples(request: pytest.FixtureRequest) -> Path:
    """A folder with `export.manifest` and `import.manifest`."""
    return GUIDES[request.param]


def test_the_sample_converts_byte_for_byte_as_by_the_guides_script(
    guide: Path, samples: Path, tmp_path: Path
) -> None:
    theirs = convert_as_the_guide(guide, samples / "export.manifest", tmp_path)
    done = convert(samples / "export.manifest", tmp_path / "ours.json")
    assert (tmp_path / "ours.json").read_bytes() == theirs
    assert done.read == done.written and done.target_format.name == "guide"
    assert not done.rejects and not done.findings


def test_our_sample_converts_to_what_the_guides_script_made_of_it(tmp_path: Path) -> None:
    done = convert(OURS / "export.manifest", tmp_path / "ours.json")
    assert (tmp_path / "ours.json").read_bytes() == (OURS / "train.json").read_bytes()
    assert (done.read, done.written, done.target_format.name) == (5, 5, "guide")
    assert not done.rejects and not done.findings


def test_what_we_keep_of_the_guides_script_is_what_it_makes(guide: Path, tmp_path: Path) -> None:
    theirs = convert_as_the_guide(guide, OURS / "export.manifest", tmp_path)
    assert (OURS / "train.json").read_bytes() == theirs


def test_an_export_has_the_shape_of_the_sample(samples: Path, tmp_path: Path) -> None:
    file = samples / "export.manifest"
    sample = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    save(load(file), tmp_path / "x.manifest")
    exported = (tmp_path / "x.manifest").read_text(encoding="utf-8")
    ours = [json.loads(line) for line in exported.splitlines()]
    assert [shape(row) for row in ours] == [shape(row) for row in sample]
    job = next(k for k in ours[0] if k.startswith("label-") and k.endswith("-system"))
    assert job.removesuffix("-system") in ours[0] and all(job in row for row in ours)


def test_the_guides_script_reads_an_export_of_ours(
    guide: Path, samples: Path, tmp_path: Path
) -> None:
    save(load(samples / "export.manifest"), tmp_path / "x.manifest")
    assert convert_as_the_guide(guide, tmp_path / "x.manifest", tmp_path) == convert_as_the_guide(
        guide, samples / "export.manifest", tmp_path
    )


def shape(value: Any) -> Any:
    """Keys in their order and kinds of values, whatever the job's number."""
    if isinstance(value, dict):
        names = [re.sub(r"\d+", "N", name) for name in value]
        return list(zip(names, map(shape, value.values()), strict=True))
    if isinstance(value, list):
        return [shape(v) for v in value]
    if isinstance(value, str) and value.startswith("{"):
        return ("json", shape(json.loads(value)))
    if isinstance(value, str) and value.isdigit():
        return ("digits", len(value))
    return type(value).__name__


def test_items_to_be_labelled_go_out_and_come_in(samples: Path, tmp_path: Path) -> None:
    data = load(samples / "import.manifest")
    sample = (samples / "import.manifest").read_text(encoding="utf-8").splitlines()
    assert [e.is_labelled for e in data] == [False] * len(sample)
    assert [{"data": {"instruction": e.instruction}} for e in data] == list(map(json.loads, sample))
    save(data, tmp_path / "x.manifest")
    ours = (tmp_path / "x.manifest").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in ours] == [json.loads(line) for line in sample]


def test_only_a_labelled_manifest_is_written_as_the_guide_does(tmp_path: Path) -> None:
    unlabelled = manifest(tmp_path, item())
    assert convert(unlabelled, tmp_path / "a.json").target_format.name == "json"
    labelled = manifest(tmp_path, item(label=[result("f()")], extra="x"))
    assert convert(labelled, tmp_path / "b.json").target_format.name == "guide"
    assert convert(labelled, tmp_path / "c.json", to="json").target_format.name == "json"
    assert convert(labelled, tmp_path / "d.jsonl").target_format.name == "jsonl"


# ---------------------------------------------------------------- stages


@pytest.mark.parametrize(
    ("blocks", "wanted"),
    [
        ({"system": "a", "label": "b"}, "b"),
        ({"label": "b", "check": "c"}, "c"),
        ({"verify": "d", "check": "c", "label": "b", "system": "a"}, "d"),
        ({"system": "a"}, "a"),
        ({"label": "b", "check": None}, "b"),
    ],
)
def test_the_latest_stage_wins(blocks: dict[str, str | None], wanted: str, tmp_path: Path) -> None:
    results = {k: [result(f"{v}()")] if v else [] for k, v in blocks.items()}
    data = load(manifest(tmp_path, item(**results)))
    assert data[0].output == f"{wanted}()"


def test_a_later_stage_is_told_and_the_earlier_answer_kept(tmp_path: Path) -> None:
    rows = item(label=[result("a()")], check=[result("b()")], system=[result("a()")])
    data, found, _ = read(manifest(tmp_path, rows, item("x", label=[result("c()")])))
    assert found.codes == {"I-CORRECTED": 1}
    assert [(a["stage"], a["output"]) for a in data[0].metadata["answers"]] == [
        ("label", "a()"),
        ("check", "b()"),
    ]
    assert data[0].metadata["stage"] == "check" and not data[1].metadata


def test_stages_come_back_from_an_export(tmp_path: Path) -> None:
    row = item(
        label=[result("a()", "3"), result("b()", "2"), result("a()", "1")],
        check=[result("c()", "5"), result("d()", "4")],
    )
    data = load(manifest(tmp_path, row))
    save(data, tmp_path / "again.manifest")
    again = load(tmp_path / "again.manifest")
    assert again[0].output == data[0].output == "c()"
    outputs = sorted((a["stage"], a["output"]) for a in again[0].metadata["answers"])
    assert outputs == sorted((a["stage"], a["output"]) for a in data[0].metadata["answers"])


# ---------------------------------------------------------------- votes


def test_the_majority_is_taken_and_the_disagreement_told(tmp_path: Path) -> None:
    votes = [result("f(x=1, y=2)", "1"), result("g()", "9"), result("f(y=2,x=1)", "2")]
    data, found, _ = read(manifest(tmp_path, item(label=votes)))
    assert data[0].output == "f(y=2,x=1)"  # the latest of those that say the same
    (told,) = found
    assert told.code == "W-DISAGREE" and told.place.endswith(":1")
    assert "2 × " in told.message and '1 × "g()"' in told.message
    assert [a["output"] for a in data[0].metadata["answers"]] == [
        "f(x=1, y=2)",
        "g()",
        "f(y=2,x=1)",
    ]


def test_without_a_majority_the_latest_is_taken(tmp_path: Path) -> None:
    by_version = item(label=[result("a()", "20"), result("b()", "3")])
    by_time = item(
        "other",
        label=[
            result("a()", None, MarkTime="Rab Jul 23 10:03:39 CST 2025"),
            result("b()", None, MarkTime="Sel Jul 22 23:59:59 CST 2025"),
        ],
    )
    by_place = item("third", label=[result("a()", None), result("b()", None)])
    data, found, _ = read(manifest(tmp_path, by_version, by_time, by_place))
    assert [e.output for e in data] == ["a()", "a()", "b()"]
    assert found.codes == {"W-DISAGREE": 3}
    assert "no majority: the latest is taken" in found[0].message


def test_results_that_agree_are_no_disagreement(tmp_path: Path) -> None:
    votes = [result("f(x=1, y=2)"), result("f(y=2, x=1)")]
    data, found, _ = read(manifest(tmp_path, item(label=votes)))
    assert not found and not data[0].metadata


# ---------------------------------------------------------------- abandoned, broken


@pytest.mark.parametrize("flag", [1, True, "1", "true"])
def test_abandoned_items_are_left_out_and_counted(flag: object, tmp_path: Path) -> None:
    answer = [result("f()")]
    above = item("a", label=answer, abandonFlag=flag, abandonRemark="rusak")
    inside = item("b", label=answer)
    inside[f"{JOB}-system"] = {"results": answer, "abandonFlag": flag}
    kept = item("c", label=answer, abandonFlag=0, abandonRemark=None)
    data, found, rejects = read(manifest(tmp_path, above, inside, kept))
    assert [e.instruction for e in data] == ["c"]
    assert not rejects and found.codes == {"I-ABANDONED": 1}
    assert "2 abandoned items" in found[0].message and "rusak" in found[0].message


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ('{"data": {"instruction": "a"', "E-JSON", ""),
        ("[1]", "E-SHAPE", "a list"),
        ('{"data": "x"}', "E-FIELD", '"data" is text'),
        ('{"data": {}}', "E-FIELD", "has: nothing"),
        ('{"data": {"instruction": 3}}', "E-TYPE", "a number"),
        (json.dumps(item(label="x")), "E-ITAG", "no list of results"),
        (json.dumps(item(label=[3])), "E-ITAG", "a number, expected an object"),
        (json.dumps(item(label=[{"MarkResult": "{"}])), "E-ITAG", "not valid JSON"),
        (json.dumps(item(label=[{"MarkResult": "{}"}])), "E-ITAG", "no annotations"),
        (json.dumps(item(label=[result(["x", "y"])])), "E-ITAG", "is a list"),
    ],
)
def test_a_bad_line_is_told_with_its_number(
    line: str, code: str, says: str, tmp_path: Path
) -> None:
    good = item(label=[result("f()")])
    data, found, rejects = read(manifest(tmp_path, good, line, item("b", label=[result("g()")])))
    assert [e.line for e in data] == [1, 3]
    (reject,) = rejects
    assert (reject.code, reject.finding.place) == (code, f"{tmp_path}/export.manifest:2")
    assert says in reject.finding.message and reject.original == line.encode()


def test_the_guides_script_prints_what_we_reject_and_both_keep_the_rest(
    guide: Path, tmp_path: Path
) -> None:
    source = tmp_path / "test_json.manifest"
    lines = (guide / "export.manifest").read_text().replace('"label-1', '"lab', 1).splitlines()
    source.write_text("\n".join([*lines, "{oops\n"]))
    theirs = json.loads(convert_as_the_guide(guide, source, tmp_path))
    done = convert(source, tmp_path / "ours.json")
    assert done.rejected == {"E-JSON": 1}
    assert json.loads((tmp_path / "ours.json").read_text()) == theirs
    (row,) = map(json.loads, Path(done.rejects_path).read_text().splitlines())
    assert row["original"] == "{oops" and row["place"] == f"{source}:{len(lines) + 1}"


# ---------------------------------------------------------------- other templates


def test_the_answer_may_have_another_title_and_the_text_another_field(tmp_path: Path) -> None:
    mark = {"annotations": [{"labels": {"jawaban": "f()"}}]}
    row = {"data": {"source": "halo"}, JOB: {"results": [{"MarkResult": json.dumps(mark)}]}}
    assert load(manifest(tmp_path, row))[0].output == "f()"

    mark["annotations"][0]["labels"] = {"jawaban": "f()", "catatan": "x"}
    row = {"data": {"a": "x", "b": "halo"}, JOB: {"results": [{"MarkResult": json.dumps(mark)}]}}
    file = manifest(tmp_path, row)
    _, found, _ = read(file, format="itag")
    assert "no field of the data is the utterance (has: a, b)" in found.shown()[0].message
    options = Options(columns={"instruction": "b", "output": "jawaban"})
    example = load(file, format="itag", options=options)[0]
    assert (example.instruction, example.output) == ("halo", "f()")
    assert example.metadata == {"a": "x"}


def test_a_question_of_its_own_holds_its_text(tmp_path: Path) -> None:
    row = item(label=[{"questionId": "1", "data": "f()", "markTitle": "output"}])
    assert load(manifest(tmp_path, row))[0].output == "f()"


def test_other_fields_of_the_data_come_back(tmp_path: Path) -> None:
    data = Dataset([Example("halo", "f()", id="7", metadata={"topic": {"x": 1}})])
    save(data, tmp_path / "x.manifest")
    back = load(tmp_path / "x.manifest")[0]
    assert (back.id, back.metadata) == ("7", {"topic": {"x": 1}})


# ---------------------------------------------------------------- labels, and a field of that name


@pytest.mark.parametrize(
    "own",
    [
        ["music", "home"],
        "music",
        7,
        {"topic": 3},
        {"topic": None},
        {"words": [{"start": "0", "end": 3}]},
        {"words": [{"start": True, "end": 3}]},
        {"words": [{"start": 0, "end": 3}, "loose"]},
    ],
)
def test_a_field_of_the_rows_that_is_called_labels_stays(own: Any, tmp_path: Path) -> None:
    data = Dataset([Example("putar lagu", "play()", metadata={"labels": own})])
    for format, ending in (("itag", ".manifest"), ("label-studio", ".json")):
        file = tmp_path / f"out{ending}"
        save(data, file, format=format)
        (example,) = load(file, format=format)
        assert (example.output, example.metadata["labels"]) == ("play()", own), format


def test_answers_to_other_questions_are_written_as_answers(tmp_path: Path) -> None:
    labels = {"note": "x", "mood": ["calm"], "who": [{"start": 0, "end": 5, "label": "verb"}]}
    data = Dataset([Example("putar lagu", "play()", metadata={"labels": labels})])
    save(data, tmp_path / "out.json", format="label-studio")
    (task,) = json.loads((tmp_path / "out.json").read_text())
    assert "labels" not in task["data"]
    sorts = [(r["from_name"], r["type"]) for r in task["annotations"][0]["result"]]
    assert sorts == [("output", "textarea"), ("note", "textarea"), ("mood", "choices"),
                     ("who", "labels")]  # fmt: skip
    save(data, tmp_path / "out.manifest", format="itag")
    row = json.loads((tmp_path / "out.manifest").read_text())
    assert "labels" not in row["data"] and "calm" in json.dumps(row)
