"""Ordinary negations are found by their words; what only looks like one is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.recognizers.joint.corpus import Clause
from maksud.recognizers.joint.negation import Negation
from maksud.recognizers.joint.tokens import tokenize


def words(text: str) -> list[str]:
    return [t.text for t in tokenize(text)]


WISHES = [
    *[("lamp_off", f"matikan lampu {room}") for room in ("dapur", "kamar", "teras")],
    *[("lamp_off", f"turn off the {thing}") for thing in ("lamp", "light", "bulb")],
    *[("play", f"putar lagu {song}") for song in ("Hampa", "Yellow", "Laskar")],
    *[("stop", f"jangan putar {what} lagi") for what in ("musik", "lagu")],
    ("none", "jangan matikan lampu"),
]


@pytest.fixture(scope="module")
def negation() -> Negation:
    return Negation.build([Clause(i, words(t), []) for i, t in WISHES], ["en", "id"])


@pytest.mark.parametrize(
    "said",
    [
        "jangan matikan lampu",
        "Tolong jangan matikan lampu kamar dulu ya",
        "nggak usah matikan lampu",
        "saya tidak ingin matikan lampu",
        "don't turn off the lamp",
        "please don't turn off the lamp now",
        "you don't have to turn off the light!",
    ],
)
def test_a_refused_wish_is_found(negation: Negation, said: str) -> None:
    assert negation(words(said))


@pytest.mark.parametrize(
    "said",
    [
        "matikan lampu",
        "jangan",
        "",
        "jangan lupa matikan lampu",
        "don't forget to turn off the lamp",
        "don't wait, turn off the lamp",
        "why don't you turn off the lamp",
        "jangan matikan lampu, kipas saja",
        "don't turn off the lamp but the fan",
        "jangan berisik",  # no wish of the data begins so
        "jangan putar lagu itu lagi",  # the data has that for a wish
        "jangan matikan " + "lampu " * 20,
    ],
)
def test_what_only_looks_like_one_is_not(negation: Negation, said: str) -> None:
    assert not negation(words(said))


def test_one_language_alone_has_its_own_frames_only() -> None:
    clauses = [Clause(i, words(t), []) for i, t in WISHES]
    english = Negation.build(clauses, ["en"])
    assert english(words("don't turn off the lamp")) and not english(words("jangan matikan lampu"))


def test_it_reads_back_as_it_was_written(negation: Negation) -> None:
    again = Negation.from_json(negation.to_json())
    assert again is not None and again.to_json() == negation.to_json()
    assert again(words("jangan matikan lampu")) and not again(words("jangan putar lagu"))
    assert Negation.from_json(None) is None


def test_a_language_without_frames_is_refused(negation: Negation) -> None:
    with pytest.raises(ValueError, match="no frames"):
        Negation.from_json(negation.to_json() | {"languages": ["../id"]})


@given(st.lists(st.sampled_from(["jangan", "matikan", "tolong", "ya", ",", "tapi", "x", ""])))
def test_any_words_have_an_answer(said: list[str]) -> None:
    made = Negation(["id"], ["matikan"], [])
    assert made(said) in (True, False)
    if "jangan" not in said or "matikan" not in said:
        assert not made(said)
