"""Frames that make of a wish something else, and frames that only seem to."""

import random
from collections import Counter

import pytest

from maksud.data.checks.languages import CODES
from maksud.data.dataset import Example
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog_inference import infer_catalog
from maksud.recognizers.joint.alignment import build_corpus
from maksud.recognizers.joint.augmentation import Variation, compose_epoch
from maksud.recognizers.joint.contrast import find_bare, languages_of, load_frames
from maksud.recognizers.joint.planning import IGNORED, Plan
from tests.joint_data import single


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
