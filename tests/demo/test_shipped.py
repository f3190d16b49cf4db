"""The shipped data keeps what its README promises."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

import maksud.demo
from maksud.data.checks import check
from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load
from maksud.demo.shipped import LANGUAGES, SCENARIOS, load_contrast, load_shipped, write_starter
from maksud.errors import NotFoundError, RunError
from maksud.language.calls import NONE
from maksud.language.folding import normalise

DATA = Path(maksud.demo.__file__).parent / "data"
PARTS = [(s, c) for s in SCENARIOS for c in LANGUAGES]


def alone(data: Dataset) -> Counter[str]:
    """Single-turn, single-intent examples of each intent."""
    calls = [e.calls for e in data if not e.is_multi_turn]
    return Counter(c[0].intent for c in calls if len(c) == 1)


def test_two_scenarios_two_languages_twenty_intents() -> None:
    data = load_shipped()
    assert len(data.catalog) >= 20
    assert {(e.metadata["scenario"], e.metadata["language"]) for e in data} == set(PARTS)
    assert {e.split for e in data} == {"train", "dev", "test"}


@pytest.mark.parametrize(("scenario", "language"), PARTS)
def test_the_readme_has_the_numbers(scenario: str, language: str) -> None:
    data = load_shipped(scenario, language)
    row = f"| `{language}` | {len(data.train):,} | {len(data.dev)} | {len(data.test)} |"
    assert row in (DATA / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("scenario", "language"), PARTS)
def test_every_intent_has_enough(scenario: str, language: str) -> None:
    data = load_shipped(scenario, language)
    whole, train = alone(data), alone(data.train)
    for name in data.catalog.names:
        if name in whole:
            assert whole[name] >= 80 and train[name] >= 50, (name, whole[name], train[name])
    assert set(whole) == {*data.catalog.names, NONE.intent}
    assert whole[NONE.intent] >= 80
    for split in (data.train, data.test):
        several = sum(len(e.calls) > 1 or e.is_multi_turn for e in split)
        assert several > 0.2 * (len(split) - several)
        assert sum(e.is_multi_turn for e in split) >= 16


def test_no_value_of_test_or_dev_occurs_in_training() -> None:
    """Dev is as far from train as test is: what is decided on it holds for test, too."""
    seen: defaultdict[str, set[str]] = defaultdict(set)
    data = load_shipped()
    for split in (data.train, data.dev, data.test):
        found = {(a.name or "", a.value.casefold()): e.place for e in split for c in e.calls
                 for a in c.arguments}  # fmt: skip
        for (name, value), place in found.items():
            assert value not in seen[name], (place, name, value)
        for name, value in found:
            seen[name].add(value)


@pytest.mark.parametrize(("scenario", "language"), PARTS)
def test_test_and_dev_phrasings_are_no_rewordings(scenario: str, language: str) -> None:
    """With values blanked, none shares over 70 % of its words with one of train."""

    def words(e: object) -> frozenset[str]:
        text = e.instruction  # type: ignore[attr-defined]
        for call in e.calls:  # type: ignore[attr-defined]
            for a in call.arguments:
                text = text.replace(a.value, f"<{a.name}>", 1)
        return frozenset(text.casefold().replace("<", " <").split())

    data = load_shipped(scenario, language)
    train = [words(e) for e in data.train]
    for e in [*data.test, *data.dev]:
        mine = words(e)
        if len(mine) >= 4:
            assert all(len(mine & w) <= 0.7 * len(mine | w) for w in train), e.place


@pytest.mark.parametrize(("scenario", "language"), PARTS)
def test_it_is_not_expanded_from_templates(scenario: str, language: str) -> None:
    data = load_shipped(scenario, language)
    assert len({normalise(e.instruction) for e in data}) == len(data)
    for name in data.catalog.names:
        texts = [
            normalise(e.instruction).split()
            for e in data.train
            if len(e.calls) == 1 and e.calls[0].intent == name
        ]
        openings = Counter(" ".join(t[:2]) for t in texts)
        assert openings.most_common(1)[0][1] <= 0.15 * len(texts), (name, openings.most_common(1))


def test_it_checks_without_errors_or_warnings() -> None:
    assert [f for f in check(load_shipped()) if f.level != "info"] == []
    for part in PARTS:
        assert [f for f in check(load_shipped(*part)) if f.level != "info"] == []


def test_a_starter_reads_back_as_it_was_shipped(tmp_path: object) -> None:
    from pathlib import Path

    place = Path(str(tmp_path)) / "mine"
    written = write_starter(place, "customer_service", "en")
    back = load(place)
    assert [(e.instruction, e.output) for e in back] == [
        (e.instruction, e.output) for e in sorted(written, key=lambda e: SPLITS.index(e.split))
    ]
    assert back.declared_catalog == written.declared_catalog
    pairs = load(place / "contrast.json")
    assert len(pairs) == len(load_contrast("customer_service", "en"))
    assert all(e.metadata["pair"] and e.metadata["kind"] for e in pairs)
    with pytest.raises(RunError, match="is not empty"):
        write_starter(place, "customer_service", "en")
    with pytest.raises(NotFoundError, match="Nearest: voice_assistant"):
        load_shipped("voice_asistant")


SPLITS = ("train", "dev", "test")


@pytest.mark.parametrize(("scenario", "language"), PARTS)
def test_contrast_pairs_are_pairs_of_every_kind_and_intent(scenario: str, language: str) -> None:
    held = load_contrast(scenario, language)
    shown = load_shipped(scenario, language)
    trained = [e for e in [*shown.train, *shown.dev] if e.metadata.get("pair")]
    for rows, fewest in ((list(held), 50), (trained, 150)):
        pairs: defaultdict[str, list[Example]] = defaultdict(list)
        for e in rows:
            pairs[str(e.metadata["pair"])].append(e)
        assert len(pairs) >= fewest
        for members in pairs.values():
            assert len(members) == 2
            assert members[0].metadata["kind"] == members[1].metadata["kind"]
            assert members[0].calls != members[1].calls
        kinds = Counter(str(m[0].metadata["kind"]) for m in pairs.values())
        assert len(kinds) == 9 and min(kinds.values()) >= fewest // 10
        intents = Counter(c.intent for e in rows for c in e.calls)
        assert set(load_shipped(scenario).catalog.names) <= set(intents)
        outside = sum(NONE in e.calls for e in rows)
        assert 0.3 < outside / len(rows) < 0.6  # acting and refusing: no word gives it away


@pytest.mark.parametrize(("scenario", "language"), PARTS)
def test_held_out_pairs_are_of_two_wordings(scenario: str, language: str) -> None:
    found = Counter(str(e.metadata["wording"]) for e in load_contrast(scenario, language))
    assert set(found) == {"hard", "everyday"} and min(found.values()) >= 2 * 38


@pytest.mark.parametrize(("scenario", "language"), PARTS)
def test_held_out_pairs_are_said_otherwise(scenario: str, language: str) -> None:
    """No held-out member shares over 70 % of its words with one of train, and none is in it."""
    data = load_shipped(scenario, language)
    train = [frozenset(normalise(e.instruction).split()) for e in data.train]
    for e in load_contrast(scenario, language):
        words = frozenset(normalise(e.instruction).split())
        if len(words) >= 4:
            assert all(len(words & w) <= 0.7 * len(words | w) for w in train), e.place
