"""Which language or script a text is in."""

import pytest

from maksud.language.languages import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("tolong putar lagu yang ada di daftar saya", "Indonesian"),
        ("what is the weather in my town", "English"),
        ("wie ist das Wetter und wird es regnen", "German"),
        ("quiero las noticias del día por favor", "Spanish"),
        ("播放我的音乐", "Han"),
        ("音楽をかけてください", "Japanese"),
        ("включи музыку", "Cyrillic"),
        ("شغل الموسيقى", "Arabic"),
        ("play Hampa", ""),
        ("café", ""),
    ],
)
def test_languages_and_scripts(text: str, language: str) -> None:
    assert language_of(text) == language
