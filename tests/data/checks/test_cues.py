"""Words by which a wording is told not to be acted on, and what they are about."""

import pytest

from maksud.data.checks.cues import NEGATORS, places_after, root_of
from maksud.language.folding import folded_words


def sure(text: str) -> set[str]:
    """The words that a cue of a text is surely about."""
    words = folded_words(text)
    return {words[place] for place, direct in places_after(words) if direct}


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("jangan matikan lampu", {"matikan"}),
        ("nggak usah dimatikan", {"usah", "dimatikan"}),
        ("don't play that", {"t", "play"}),
        ("you don't have to play it", {"t", "have", "to", "play"}),
        ("tadi aku sudah matikan", {"aku", "sudah", "matikan"}),
        ("matikan lampu, eh nggak jadi", {"matikan", "lampu", "eh", "jadi"}),
        ("play jazz, never mind", {"play", "jazz", "mind"}),
        ("jangan lupa matikan lampu", set()),
        ("don't forget the lamp", set()),
        ("matikan lampu", set()),
    ],
)
def test_what_a_cue_is_about(text: str, about: set[str]) -> None:
    assert sure(text) == about


def test_what_stands_further_is_less_sure_and_then_not_meant() -> None:
    words = folded_words("jangan berisik lampu satu dua tiga empat")
    assert places_after(words) == [(1, True), (2, False), (3, False), (4, False), (5, False)]
    assert places_after(["tadi", "lampu"], NEGATORS) == []


@pytest.mark.parametrize(
    "words",
    [
        ("nyalakan", "nyalain", "dinyalakan"),
        ("lagu", "lagunya"),
        ("play", "played", "playing", "plays"),
        ("lampu", "lampu"),
    ],
)
def test_roots_bring_forms_of_a_word_together(words: tuple[str, ...]) -> None:
    assert len({root_of(w) for w in words}) == 1


def test_short_words_keep_their_ends() -> None:
    assert [root_of(w) for w in ("is", "in", "kan", "king", "dia")] == [
        *("is", "in", "kan", "king", "dia"),
    ]
