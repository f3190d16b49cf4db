"""Tokens cover what was said, and offsets point at it."""

from hypothesis import given
from hypothesis import strategies as st

from maksud.recognizers.joint.tokens import MAX_TOKENS, tokenize

UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(UNICODE)
def test_tokens_cover_everything_but_space(text: str) -> None:
    tokens = tokenize(text)
    at = 0
    for token in tokens:
        assert token.start >= at and token.end > token.start
        assert not text[at : token.start].strip() or all(
            c.isspace() for c in text[at : token.start]
        )
        assert token.text == text[token.start : token.end].lower()
        at = token.end
    assert not text[at:].strip()


def test_words_of_several_scripts() -> None:
    words = [t.text for t in tokenize("Tolong 我要听 हिन्दी naïve 5pm!")]
    assert words == ["tolong", "我", "要", "听", "हिन्दी", "naïve", "5pm", "!"]


def test_a_thai_character_keeps_its_marks() -> None:
    assert [t.text for t in tokenize("ฉัน")] == ["ฉั", "น"]


def test_a_number_is_one_word() -> None:
    text = "jam 7.30-8:15pm, 2/6/2026."
    words = ["jam", "7.30", "-", "8:15pm", ",", "2/6/2026", "."]
    assert [t.text for t in tokenize(text)] == words


def test_length_is_bounded() -> None:
    assert len(tokenize("a " * 5000)) == MAX_TOKENS
