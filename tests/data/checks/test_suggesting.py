"""Candidates for counter-examples: new, of the data's own rows, and used by nobody unread."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.data.checks import check
from maksud.data.checks.counter import look_for_counters
from maksud.data.checks.cues import STARTS
from maksud.data.checks.suggesting import (
    ROWS,
    WAYS,
    language_in,
    require_new,
    suggest,
    write_suggestions,
)
from maksud.data.dataset import Dataset, Example
from maksud.data.formats.conversion import convert
from maksud.data.formats.files import load, read, save
from maksud.demo.shipped import SCENARIOS, load_shipped
from maksud.errors import InputError
from maksud.language.folding import folded_words, normalise

ROOMS = "dapur teras garasi gudang lorong balkon taman loteng kamar ruang tamu aula".split()  # noqa: SIM905
OPENINGS = ["tolong ", "", "bisakah kamu ", "saya mau ", "coba "]
VERBS = {"on": "nyalakan lampu", "play": "putar lagu", "call": "telepon penjaga"}


def rows(language: str = "id") -> list[Example]:
    return [
        Example(f"{OPENINGS[k % 5]}{says} yang di {room} itu", f"{intent}(x={room})")
        for intent, says in VERBS.items()
        for k, room in enumerate(ROOMS)
    ]


def whole(scenario: str, language: str) -> Dataset:
    """Shipped data in which no intent has a counter-example."""
    data = load_shipped(scenario, language)
    return Dataset(
        e
        for e in data
        if e.output != "none()"
        and not e.metadata.get("pair")
        and STARTS.isdisjoint(folded_words(e.instruction))
    )


SHIPPED = [whole(scenario, language) for scenario in SCENARIOS for language in ("id", "en")]


@pytest.mark.parametrize("data", [*SHIPPED, Dataset(rows())])
def test_candidates_are_new_and_their_acting_member_is_a_row(data: Dataset) -> None:
    found = suggest(data)
    assert found.examples
    answers = {e.instruction: e.output for e in data if e.split in ("", "train")}
    standing = {normalise(e.instruction) for e in data}
    made = [normalise(e.instruction) for e in found.examples]
    assert len(set(made)) == len(made) and not set(made) & standing
    for e in found.examples:
        about = e.metadata
        assert answers[about["acting"]].startswith(f"{about['counters']}(")
        assert not e.is_labelled and about["suggestion"] == "none()" and about["accept"] == ""
    pairs = Counter(e.metadata["pair"] for e in found.examples)
    assert set(pairs.values()) <= {*range(1, WAYS + 1)}
    of_intent = Counter(e.metadata["counters"] for e in found.examples)
    assert max(of_intent.values()) <= ROWS * WAYS
    assert sorted(of_intent) == sorted(found.intents)
    lacking = set(look_for_counters(data.examples, data.declared_catalog).lacking())
    assert {*found.intents, *found.without} == lacking


@settings(max_examples=15)
@given(st.lists(st.sampled_from(["", "jangan ", "eh "]), min_size=3, max_size=3), st.text())
def test_whatever_stands_already_is_not_said_again(before: list[str], other: str) -> None:
    more = [Example(f"{b}nyalakan lampu yang di teras itu", "on(x=teras)") for b in before]
    data = Dataset([*rows(), *more, Example(other, "none()")])
    made = {normalise(e.instruction) for e in suggest(data).examples}
    assert not made & {normalise(e.instruction) for e in data}


def test_wordings_are_spread_over_the_intents() -> None:
    each = [suggest(data) for data in SHIPPED]
    examples = [e for found in each for e in found.examples]
    kinds = Counter(e.metadata["kind"] for e in examples)
    assert len(kinds) == 6 and max(kinds.values()) < len(examples) / 3
    begun = Counter(e.instruction.split()[0] for e in examples)
    assert max(begun.values()) < len(examples) / 5
    assert [suggest(data) for data in SHIPPED] == each


def test_what_has_counter_examples_is_left_alone() -> None:
    negated = Example("jangan nyalakan lampu", "none()")
    found = suggest(Dataset([*rows(), negated]))
    assert set(found.intents) == {"call", "play"}
    nothing = suggest(Dataset([]))
    assert not nothing.examples and "Nothing to suggest" in nothing.summary


def test_intents_without_a_fit_row_are_told() -> None:
    asked = [Example(f"berapa harga yang di {r} itu ya?", f"price(x={r})") for r in ROOMS]
    found = suggest(Dataset([*rows(), *asked]))
    assert found.without == ("price",) and "No row was fit of price." in found.summary
    assert suggest(Dataset(asked)).summary.startswith("Nothing was written.")


def test_only_train_and_rows_with_one_intent() -> None:
    data = [replace(e, split="dev" if "teras" in e.instruction else "train") for e in rows()]
    data.append(Example("nyalakan lampu lalu putar lagu", "on();play()", split="train"))
    found = suggest(Dataset(data))
    assert found.examples
    assert not any("teras" in e.instruction for e in found.examples)
    assert not any("lalu" in e.instruction for e in found.examples)
    assert {e.split for e in found.examples} == {"train"}  # one place with several splits
    apart = [replace(e, source=e.split) for e in data]
    assert {e.split for e in suggest(Dataset(apart)).examples} == {""}


@pytest.mark.parametrize(
    ("text", "main", "language"),
    [
        ("putar jazz", "Indonesian", "Indonesian"),
        ("play jazz please", "Indonesian", ""),
        ("can you play jazz for me", "Indonesian", "English"),
        ("quiero la luz para mi", "Indonesian", ""),
        ("playa", "Spanish", ""),
        ("play jazz", "", ""),
    ],
)
def test_the_language_of_a_row(text: str, main: str, language: str) -> None:
    assert language_in(text, main) == language


# ---------------------------------------------------------------- files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    save(Dataset(rows()), tmp_path / "x.jsonl")
    return tmp_path / "x.jsonl"


def accept(file: Path, *answers: object) -> None:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for row, answer in zip(lines, answers, strict=False):
        row["accept"] = answer
    file.write_text("".join(json.dumps(row) + "\n" for row in lines))


def test_unread_candidates_have_no_answer_and_are_told(data: Path, tmp_path: Path) -> None:
    written = write_suggestions(load(data), tmp_path / "new.jsonl")
    back, findings, rejects = read(tmp_path / "new.jsonl")
    assert not rejects and [e.instruction for e in back] == [
        e.instruction for e in written.examples
    ]
    assert [dict(e.metadata) for e in back] == [dict(e.metadata) for e in written.examples]
    assert not any(e.is_labelled for e in back)
    assert findings.codes == {"I-SUGGESTED": 1}
    assert check(tmp_path / "new.jsonl").counts["error"] == 0


@pytest.mark.parametrize("between", ["", "table.csv", "table.json"])
def test_what_was_accepted_is_added_and_nothing_else(
    between: str, data: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.jsonl"
    made = write_suggestions(load(data), new).examples
    accept(new, "yes", "no", " YES ", "", True, "perhaps", None)
    source = new
    if between:
        convert(new, tmp_path / between)
        source = tmp_path / between
    done = convert(source, data, append=True)
    assert done.written == 3
    told = [f for f in done.findings if f.code == "I-SUGGESTED" and "not added" in f.message]
    assert told[0].message.startswith(f"{len(made) - 3} suggestions")
    after = load(data)
    assert [e.output for e in after[-3:]] == ["none()"] * 3
    assert [e.instruction for e in after[-3:]] == [made[k].instruction for k in (0, 2, 4)]
    assert set(after[-1].metadata) == {"kind", "pair", "acting", "counters"}
    assert len(after) == len(rows()) + 3
    assert not check(data).counts["error"]


def test_accepted_candidates_end_the_finding_and_contradict_nothing(tmp_path: Path) -> None:
    for data in (Dataset(rows()), SHIPPED[0], SHIPPED[3]):
        file = tmp_path / "new.jsonl"
        file.unlink(missing_ok=True)
        write_suggestions(data, file)
        accept(file, *["yes"] * 1000)
        more = load(file)
        assert all(e.output == "none()" for e in more)
        after = check(Dataset([*data, *more]))
        before = check(data)
        for code in ("W-CONFLICT", "W-NEARCONFLICT", "W-DUP"):
            assert after.codes.get(code, 0) == before.codes.get(code, 0), code
        assert "I-COUNTER" not in after.codes


def test_candidates_go_to_the_train_of_a_directory(tmp_path: Path) -> None:
    split = {"teras": "dev", "aula": "test"}
    all_ = [replace(e, split=split.get(e.instruction.split()[-2], "train")) for e in rows()]
    save(Dataset(all_), tmp_path / "data")
    write_suggestions(load(tmp_path / "data"), tmp_path / "new.jsonl")
    accept(tmp_path / "new.jsonl", *["yes"] * 100)
    assert '"split"' not in (tmp_path / "new.jsonl").read_text()
    done = convert(tmp_path / "new.jsonl", tmp_path / "data", append=True)
    after = load(tmp_path / "data")
    assert done.written == len(load(tmp_path / "new.jsonl")) > 10
    assert len(after.train) == sum(e.split == "train" for e in all_) + done.written
    assert len(after.dev) == len(after.test) == 3


def test_candidates_of_a_file_of_several_splits_say_theirs(tmp_path: Path) -> None:
    all_ = [replace(e, split="dev" if "teras" in e.instruction else "train") for e in rows()]
    save(Dataset(all_), tmp_path / "x.jsonl")
    write_suggestions(load(tmp_path / "x.jsonl"), tmp_path / "new.jsonl")
    accept(tmp_path / "new.jsonl", *["yes"] * 100)
    done = convert(tmp_path / "new.jsonl", tmp_path / "x.jsonl", append=True)
    train = sum(e.split == "train" for e in all_)
    assert len(load(tmp_path / "x.jsonl").train) == train + done.written


def test_nothing_accepted_is_nothing_to_add(data: Path, tmp_path: Path) -> None:
    write_suggestions(load(data), tmp_path / "new.jsonl")
    before = data.read_bytes()
    with pytest.raises(Exception, match="suggestions that nobody accepted, and nothing else"):
        convert(tmp_path / "new.jsonl", data, append=True)
    assert data.read_bytes() == before


def test_rows_without_a_pair_are_nobodys_suggestion(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    row = {"instruction": "x", "output": None, "suggestion": "f()", "accept": "yes"}
    file.write_text(json.dumps(row))
    assert not load(file)[0].is_labelled
    file.write_text(json.dumps({**row, "pair": "1"}))
    assert load(file)[0].output == "f()"
    file.write_text(json.dumps({**row, "pair": "1", "output": "g()"}))
    assert load(file)[0].output == "g()"
    file.write_text(json.dumps({**row, "pair": "1", "suggestion": " "}))
    assert not load(file)[0].is_labelled


def test_nothing_is_written_over(data: Path, tmp_path: Path) -> None:
    before = data.read_bytes()
    with pytest.raises(InputError, match="something already"):
        write_suggestions(load(data), data)
    assert data.read_bytes() == before
    with pytest.raises(InputError, match="JSON Lines"):
        require_new(tmp_path / "x.csv")
    nothing = write_suggestions(Dataset(rows()[:3]), tmp_path / "none.jsonl")
    assert not nothing.path and not (tmp_path / "none.jsonl").exists()
