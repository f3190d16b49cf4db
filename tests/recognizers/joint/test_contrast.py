"""Frames that make of a wish something else, and frames that only seem to."""

import random
from collections import Counter

import pytest

from maksud.data.dataset import Example
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog_inference import infer_catalog
from maksud.language.languages import CODES
from maksud.recognizers.joint.alignment import build_corpus
from maksud.recognizers.joint.augmentation import Variation, compose_epoch
from maksud.recognizers.joint.contrast import find_bare, languages_of, load_corrections, load_frames
from maksud.recognizers.joint.planning import IGNORED, Plan
from tests.joint_data import several, single


@pytest.mark.parametrize("language", sorted(CODES.values()))
def test_both_kinds_are_as_many_and_no_word_tells_them_apart(language: str) -> None:
    """A word on one side alone would be learnt instead of what the sentence says."""
    frames = load_frames(language)
    acts = [f for f in frames if f.acts]
    assert len(frames) >= 220 and 0.4 < len(acts) / len(frames) < 0.6
    assert len(set(frames)) == len(frames)
    assert any(f.bare for f in acts) and any(f.bare for f in frames if not f.acts)
    sides = Counter(
        (word, f.acts) for f in frames for word in {*f.before, *f.after} if word.isalpha()
    )
    frequent = {w for (w, _), n in sides.items() if n >= 12}
    assert len(frequent) >= 6
    for word in frequent:
        on, off = sides[word, True], sides[word, False]
        assert min(on, off) >= 0.2 * (on + off), (word, on, off)


def test_the_languages_of_data_and_of_its_clauses() -> None:
    clauses = [["tolong", "putar", "lagu", "itu", "dong"], ["play", "the", "song", "for", "me"]]
    own, each = languages_of([*clauses, ["hampa"]])
    assert own == ["en", "id"] and each == [["id"], ["en"], ["en", "id"]]
    german = [["wie", "ist", "das", "wetter", "für", "mich"]] * 5
    assert languages_of(german) == ([], [[]] * 5)


def test_what_begins_like_a_bare_verb() -> None:
    rows = [("play", ["putar", str(k)]) for k in range(3)] + [("play", ["saya", "mau"])] * 3
    rows += [("play", ["bunyikan", "lagu"]), ("play", []), ("play", ["9"])]
    assert find_bare(rows) == [True] * 3 + [False] * 6


def plan(rows: list[Example], *, contrast: bool = True) -> Plan:
    catalog = infer_catalog([e.calls for e in rows], [e.instruction for e in rows])
    return Plan.build(build_corpus(rows, catalog), contrast=contrast)


def test_a_framed_wish_keeps_its_values_or_becomes_none() -> None:
    rows = single(200)
    made = plan(rows)
    assert made.frames and OUT_OF_SCOPE in made.intents
    none = made.intents.index(OUT_OF_SCOPE)
    words = ["", *made.words]
    epoch = compose_epoch(made, Variation(0, 0, 1.0), random.Random(0))
    plain = {" ".join(words[t] for t in i.types): i for i in made.items}
    refused = [u for u in epoch if u.items[0].intent == none]
    acted = [u for u in epoch if u.items[0].intent != none]
    assert 0.3 < len(refused) / len(epoch) < 0.7
    for u in epoch:
        text = " ".join(words[t] for t in u.types)
        assert u.clauses == [(0, len(u.types))] and len(u.tags[0]) == len(u.types)
        assert any(wish.rstrip(" .!?") in text for wish in plain), text
    assert all(not any(u.tags[0]) and set(u.items[0].choices) <= {IGNORED} for u in refused)
    many = len(made.parameters)
    for u in acted:
        begun = [t for t, tag in enumerate(u.tags[0]) if 1 <= tag <= many]
        assert len(begun) == len(u.items[0].spans)
        wish = u.items[0]
        for at, (first, last, _) in zip(begun, wish.spans, strict=True):
            assert u.types[at : at + last - first] == wish.types[first:last]


def test_without_frames_nothing_is_framed() -> None:
    rows = single(60)
    made = plan(rows, contrast=False)
    assert made.frames == [] and OUT_OF_SCOPE not in made.intents
    epoch = compose_epoch(made, Variation(0, 0, 1.0), random.Random(0))
    assert Counter(len(u.types) for u in epoch) == Counter(len(i.types) for i in made.items)


@pytest.mark.parametrize("language", sorted(CODES.values()))
def test_the_value_that_is_meant_stands_first_or_last(language: str) -> None:
    """What stands last would be learnt instead of which is meant."""
    corrections = load_corrections(language)
    assert len(set(corrections)) == len(corrections) >= 40
    assert 3 <= sum(not c.last for c in corrections) < len(corrections) / 2
    assert all(c.between for c in corrections)


@pytest.mark.parametrize("also", [0, 1], ids=["one clause", "joined"])
def test_a_corrected_value_keeps_its_tag_and_the_other_one_has_none(also: int) -> None:
    rows = [*single(60), *(several(60, 1) if also else [])]
    made = plan(rows, contrast=True)
    names = {t: w for w, t in zip(made.words, range(1, len(made.words) + 1), strict=True)}
    words = [names[t] for c in made.corrections[0] for t in c.between]
    assert "no" in words or "bukan" in words
    corrected = 0
    for u in compose_epoch(made, Variation(0.0, 0.0, 0.0, 1.0), random.Random(0)):
        for (first, last), tags, item in zip(u.clauses, u.tags, u.items, strict=True):
            said = u.types[first:last]
            assert len(tags) == len(said)
            for i, j, k in item.spans:
                begins = [t for t, tag in enumerate(tags) if tag == 1 + k]
                assert len(begins) == sum(p == k for _, _, p in item.spans)
                assert item.types[i:j] in [said[t : t + j - i] for t in begins]
            corrected += len(said) > len(item.types) + 1
    assert corrected > 15
    untouched = compose_epoch(made, Variation(0.0, 0.0, 0.0, 0.0), random.Random(0))
    assert all(u.types == u.items[0].types for u in untouched if len(u.items) == 1)
