"""A second opinion on `none()`: asked for where frames alone have taught it, and then needed."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.dataset import Example
from maksud.language.catalog_inference import infer_catalog
from maksud.recognizers.joint.alignment import build_corpus
from maksud.recognizers.joint.decoding import IMPOSSIBLE
from maksud.recognizers.joint.framed import VETOED, Framed, veto_none, weigh_none
from maksud.recognizers.joint.linear_training import fit_framed
from maksud.recognizers.joint.planning import Plan
from maksud.recognizers.negation import NEGATED, Negation

WISHES = [
    ("putar lagu pop", "play_music(genre=pop)"),
    ("putar lagu jazz", "play_music(genre=jazz)"),
    ("putar musik rock", "play_music(genre=rock)"),
    ("matikan lampu dapur", "lamp_off(room=dapur)"),
    ("matikan lampu kamar", "lamp_off(room=kamar)"),
    ("matikan lampu teras", "lamp_off(room=teras)"),
    ("tolong dong matikan lampu yang ada di dapur sekarang", "lamp_off(room=dapur)"),
    ("saya ingin mendengarkan lagu dangdut yang baru", "play_music(genre=dangdut)"),
]
NOTHING = [("siapa presiden pertama", "none()")]


def framed_of(rows: list[tuple[str, str]], *, contrast: bool = True) -> Framed | None:
    examples = [Example(text, output) for text, output in rows]
    catalog = infer_catalog([e.calls for e in examples], [e.instruction for e in examples])
    return fit_framed(Plan.build(build_corpus(examples, catalog), contrast=contrast), 0)


@pytest.fixture(scope="module")
def framed() -> Framed:
    made = framed_of(WISHES)
    assert made is not None
    return made


def test_data_that_shows_what_asks_for_nothing_needs_none() -> None:
    assert framed_of(WISHES + NOTHING) is None
    assert framed_of(WISHES, contrast=False) is None


def test_wishes_are_told_from_those_that_a_frame_refuses(framed: Framed) -> None:
    for wish in ("putar lagu pop", "matikan lampu teras", "putar lagu keroncong"):
        assert framed(wish.split()) < 0 < framed(f"jangan {wish}".split()), wish
    assert framed(["jangan", "lupa", "putar", "lagu", "pop"]) < 0


def test_none_is_vetoed_for_a_sure_wish_alone(framed: Framed) -> None:
    wish, refused = ["putar", "lagu", "pop"], ["jangan", "putar", "lagu", "pop"]
    assert [framed.is_wish(words) for words in (wish, refused, [])] == [True, False, False]
    scores = np.array([[1.0, 2.0, 0.0]] * 3, np.float32)
    doubt = weigh_none(scores, [wish, refused, []], 1, None, framed)
    assert scores.tolist() == [[1.0, 2.0 - VETOED, 0.0], [1.0, 2.0, 0.0], [1.0, 2.0, 0.0]]
    inside = np.exp([1.0, 0.0]).sum()
    assert doubt == pytest.approx([-np.log((inside + np.e**2) / inside), 0, 0], abs=1e-4)


def test_words_that_refuse_are_not_vetoed(framed: Framed) -> None:
    class Credulous(Framed):
        def is_wish(self, words: Sequence[str]) -> bool:
            return True

    scores = np.array([[1.0, 2.0, 0.0]] * 2, np.float32)
    clauses = [["jangan", "putar", "lagu", "pop"], ["putar", "lagu", "pop"]]
    credulous = Credulous.from_tensors(framed.tensors())
    doubt = weigh_none(scores, clauses, 1, Negation(["id"], ["putar"], []), credulous)
    assert scores[:, 1].tolist() == [2.0 + NEGATED, 2.0 - VETOED]
    assert doubt[0] == 0.0 > doubt[1]


def test_where_no_intent_is_left_nothing_is_vetoed() -> None:
    scores = np.array([[IMPOSSIBLE, 2.0, IMPOSSIBLE]], np.float32)
    assert veto_none(scores, np.array([True]), 1).tolist() == [0.0]
    assert scores[0, 1] == 2.0


@given(st.lists(st.text(max_size=12), max_size=80))
def test_any_words_have_an_opinion(framed: Framed, words: list[str]) -> None:
    assert np.isfinite(framed(words))


def test_it_reads_back_and_is_the_same_each_time(framed: Framed) -> None:
    tensors = framed.tensors()
    again = framed_of(WISHES)
    assert again is not None
    assert all(np.array_equal(again.tensors()[name], t) for name, t in tensors.items())
    read = Framed.from_tensors(tensors)
    assert read is not None and read(["putar", "lagu"]) == pytest.approx(
        framed(["putar", "lagu"]), abs=0.1
    )
    assert Framed.from_tensors({}) is None
    with pytest.raises(ValueError, match="framed classifier does not fit"):
        Framed.from_tensors(tensors | {"framed.bias": np.zeros(3, np.float32)})
