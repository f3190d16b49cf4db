"""What is written in a format is read back as the same utterances and calls, or told."""

from __future__ import annotations

import os
import re
import string
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import maksud
from maksud.data.dataset import Dataset, Example, fold_turns
from maksud.data.formats.base import Format, Options
from maksud.data.formats.files import find, load, write
from maksud.data.formats.registry import FORMATS, format_named
from maksud.data.formats.store import Staging
from maksud.language.calls import NONE, Argument, Call, format_calls
from maksud.language.catalog import Catalog

SHIPPED = Path(maksud.__file__).parent / "demo" / "data"
BENCHMARKS = Path(os.environ.get("MAKSUD_DATA") or Path(__file__).parents[4] / "shared/data")
"""Where public data sets may be; the shipped data is always there."""


def and_public(shipped: list[str], public: list[str]) -> list[str]:
    """Names of shipped data, and of the public data sets that are at hand."""
    return shipped + [name for name in public if (BENCHMARKS / name / "dev.json").exists()]


WRITABLE = [f for f in FORMATS if f.write is not None]
WITHOUT_CALLS = ("text",)
"""Formats that hold utterances alone."""
SINGLE = ("rasa", "snips", "clu", "bio")
"""Formats with room for one call."""
GROUPED = ("rasa", "snips")
"""Formats that gather the examples of an intent: the order between intents is lost."""


def ending(format: Format) -> str:
    return format.ending or format.suffixes[0]


def meaning(examples: list[Example], catalog: Catalog, format: Format) -> list[object]:
    """Utterances and calls, in the order that the format keeps."""
    if format.name in WITHOUT_CALLS:
        return [e.instruction for e in examples]
    out: list[object] = []
    for e in examples:
        calls = [
            (c.intent, sorted((a.name or "", a.value) for a in c.arguments))
            for c in catalog.name_arguments(e.calls if e.is_labelled else ())
        ]
        out.append((e.instruction, e.is_labelled, repr(calls)))
    return sorted(out, key=repr) if format.name in GROUPED else out


def there_and_back(
    data: Dataset, format: Format, folder: Path, *, tools: bool = False
) -> tuple[list[Example], list[Example], Counter[str]]:
    """What was written, what was read back, and the codes of what had no place in the format."""
    file = folder / f"x{ending(format)}"
    with Staging() as staging:
        written = write(data, file, staging, format=format.name, tools=tools)
    refused = {r.finding.place for r in written.rejects}
    kept = [e for e in data if e.place not in refused]
    back: list[Example] = []
    if kept:
        # Utterances may look like anything, so that plain text is named.
        found = find(file, format="text" if format.name == "text" else "")
        assert not found.rejects, found.findings.shown()
        assert found.formats[0].name in (format.name, "json"), "told from its content"
        back = list(found.dataset)
    return kept, back, Counter(r.code for r in written.rejects)


def real_data(name: str, limit: int | None = None) -> Dataset:
    """The dev split of shipped data, or of a public data set."""
    if not (SHIPPED / name).is_dir():
        return load(BENCHMARKS / name / "dev.json")[:limit]
    data = load(SHIPPED / name)
    return Dataset(data.dev.examples[:limit], catalog=data.declared_catalog)


def values_inside_words(data: Dataset) -> int:
    """The examples of one call with a value that begins or ends inside a word."""
    found = 0
    for e in data:
        if len(e.calls) == 1:
            values = [re.escape(a.value) for a in e.calls[0].arguments if a.value in e.instruction]
            found += not all(re.search(rf"(?<!\w){v}(?!\w)", e.instruction) for v in values)
    return found


REAL = and_public(["voice_assistant/id", "customer_service/en"], ["massive_id", "snips"])
SEVERAL = and_public(["voice_assistant/id", "customer_service/id"], ["mixsnips"])


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("format", WRITABLE, ids=lambda f: f.name)
def test_real_data_comes_back_equal(format: Format, name: str, tmp_path: Path) -> None:
    data = real_data(name)
    kept, back, refused = there_and_back(data, format, tmp_path)
    assert meaning(back, data.catalog, format) == meaning(kept, data.catalog, format)
    # What can't be marked in running text is the only thing that a format may refuse here, and
    # several calls in those that have room for one.
    several = sum(len(e.calls) > 1 for e in data)
    assert refused.pop("E-MULTI", 0) == (several if format.name in SINGLE else 0)
    assert set(refused) <= {"E-SPAN", "E-MARKUP", "E-TOKENS"}
    if format.name == "bio" and (SHIPPED / name).is_dir():
        # A tag covers a whole token: what a person wrote a suffix onto (`lampunya`) has none.
        assert refused.pop("E-TOKENS", 0) == values_inside_words(data)
    assert sum(refused.values()) <= 0.01 * len(data), refused


@pytest.mark.parametrize("data_name", and_public(["voice_assistant/en"], ["snips"]))
@pytest.mark.parametrize("name", ["openai", "sharegpt"])
def test_real_data_as_tool_calls(name: str, data_name: str, tmp_path: Path) -> None:
    data = real_data(data_name)
    format = format_named(name)
    kept, back, _ = there_and_back(data, format, tmp_path, tools=True)
    assert len(kept) == len(data)
    assert meaning(back, data.catalog, format) == meaning(kept, data.catalog, format)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_calls_come_back_where_there_is_room(name: str, tmp_path: Path) -> None:
    data = real_data(name, 300)
    several = sum(len(e.calls) > 1 for e in data)
    assert several > 10
    for format in WRITABLE:
        folder = tmp_path / format.name
        folder.mkdir()
        kept, back, refused = there_and_back(data, format, folder)
        assert meaning(back, data.catalog, format) == meaning(kept, data.catalog, format)
        if format.name in SINGLE:
            assert refused["E-MULTI"] == several
        else:
            assert not refused, format.name


# ---------------------------------------------------------------- generated examples

LETTERS = (
    string.ascii_letters + "äßé你好猫🎵\u00a0'\"-=+@,;()[]{}<>&#:_\\/|\n\t\r\u2028*% 0123456789"
)
names = st.text("abcdefgh_", min_size=1, max_size=6).filter(lambda t: t != "none")
pieces = st.text(LETTERS, min_size=1, max_size=12)
values = st.text(LETTERS + "\u200b", min_size=1, max_size=10)


@st.composite
def generated(draw: st.DrawFn) -> tuple[str, tuple[Call, ...]]:
    """An utterance, and calls whose values stand in it."""
    text = [draw(pieces.filter(lambda t: t.strip()))]
    calls = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        arguments = []
        for _ in range(draw(st.integers(0, 2))):
            value = draw(values)
            arguments.append(Argument(draw(names), value))
            text += [draw(st.sampled_from([" ", "", "\n", "x"])), value, draw(pieces)]
        calls.append(Call(draw(names), tuple(arguments)))
    if draw(st.integers(0, 9)) == 0:
        return "".join(text), (NONE,)
    return "".join(text), tuple(calls)


@pytest.mark.parametrize("format", WRITABLE, ids=lambda f: f.name)
@settings(max_examples=40, deadline=None)
@given(made=st.lists(generated(), min_size=1, max_size=4), labelled=st.booleans())
def test_generated_examples_come_back_equal_or_are_refused(
    format: Format,
    made: list[tuple[str, tuple[Call, ...]]],
    labelled: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    examples = [
        Example(text, format_calls(calls), source="made", line=k)
        for k, (text, calls) in enumerate(made, 1)
    ]
    if not labelled:
        examples[0] = Example(examples[0].instruction, "", source="made", line=1)
    data = Dataset(examples, name="made")
    folder = tmp_path_factory.mktemp(format.name)
    kept, back, refused = there_and_back(data, format, folder)
    assert meaning(back, data.catalog, format) == meaning(kept, data.catalog, format)
    if format.name in ("json", "jsonl", "itag", "label-studio", "csv", "tsv", "xlsx", "parquet"):
        assert not refused, "these hold everything"


def test_a_hash_is_a_token_of_bio(tmp_path: Path) -> None:
    data = Dataset([Example("#", "none()", source="made", line=1)], name="made")
    kept, back, refused = there_and_back(data, format_named("bio"), tmp_path)
    assert [e.instruction for e in back] == [e.instruction for e in kept] == ["#"]
    assert not refused


CHATS = ("openai", "sharegpt", "alpaca")
"""Formats of conversations: what closes a turn parts them."""


@pytest.mark.parametrize("format", WRITABLE, ids=lambda f: f.name)
@settings(max_examples=20, deadline=None)
@given(
    turns=st.lists(st.text("abc?. 你", min_size=1).filter(str.strip), min_size=2, max_size=4),
    said=st.lists(st.sampled_from(["which one?", "", "ok.", "f()"]), min_size=3, max_size=3),
)
def test_turns_and_replies_come_back_or_are_told(
    format: Format, turns: list[str], said: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    replies = said[: len(turns) - 1]
    about = {"turns": turns, "replies": replies}
    instruction = fold_turns(turns)
    data = Dataset([Example(instruction, "f()", source="made", line=1, metadata=about)])
    file = tmp_path_factory.mktemp("turns") / f"x{ending(format)}"
    with Staging() as staging:
        written = write(data, file, staging, format=format.name)
    told = " ".join(f.message for f in written.findings if f.code == "I-LOST")
    if written.rejects:
        assert format.name in SINGLE
        return
    (back,) = load(file, format="text" if format.name == "text" else "")
    assert back.instruction == instruction
    closing = sum(r in ("ok.", "f()") for r in replies)
    if format.keeps is not None and "replies" not in format.keeps:
        assert "replies" in told and "turns" in told and not {"turns", "replies"} & {*back.metadata}
        return
    assert back.metadata["turns"] == turns
    if format.name not in CHATS:
        assert back.metadata["replies"] == replies and not told
        return
    assert (f"{closing} replies that close" in told) == bool(closing)
    stay = [r if r == "which one?" else "" for r in replies]
    assert back.metadata.get("replies", [""] * len(stay)) == stay


def test_splits_come_back_from_one_file_or_are_told(tmp_path: Path) -> None:
    rows = [
        Example(f"say {k}", "say()", split=split, source="made", line=k)
        for k, split in enumerate(("train", "dev", "test"), 1)
    ]
    for format in WRITABLE:
        file = tmp_path / f"{format.name}{ending(format)}"
        with Staging() as staging:
            written = write(Dataset(rows), file, staging, format=format.name)
        back = [e.split for e in load(file, format=format.name)]
        told = any("split" in f.message for f in written.findings if f.code == "I-LOST")
        if format.name == "clu":
            assert back == ["train", "train", "test"]
        else:
            assert (back == ["train", "dev", "test"]) != told, format.name


def test_a_split_is_read_as_the_options_say(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("halo\n")
    assert load(tmp_path / "x.txt", options=Options(split="test"))[0].split == "test"
