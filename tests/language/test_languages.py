"""Which language or script a text is in."""

import pytest

from maksud.language.languages import FAMILIAR_ROWS, MOST_FAMILIAR, Familiar, language_of


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


WISHES = [
    f"{verb} {what}"
    for verb in ("tolong putar lagu yang", "saya mau dengar musik dari", "bisa putar yang ini:")
    for what in ("Hampa", "La Vida", "Je ne sais pas", "Die Ärzte", "Raisa", "Tulus")
]
ENGLISH = [
    f"{verb} {what}"
    for verb in ("please play the song", "can you play me a song of", "what is the name of")
    for what in ("Hampa", "La Vida", "Je ne sais pas", "Die Ärzte", "Raisa", "Tulus")
]


@pytest.fixture(scope="module")
def indonesian() -> Familiar:
    return Familiar.of(WISHES)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("pon la canción de Shakira por favor", "Spanish"),
        ("¿dónde está el paquete que compré ayer?", "Spanish"),
        ("je voudrais annuler ma commande parce qu'elle est en retard", "French"),
        ("wie wird das Wetter morgen in Berlin", "German"),
        ("eu quero cancelar o meu pedido por favor", "Portuguese"),
        ("vorrei annullare il mio ordine per favore", "Italian"),
        ("ik wil mijn bestelling annuleren omdat het te lang duurt", "Dutch"),
        ("benim için bir şarkı çal lütfen", "Turkish"),
        ("tôi muốn hủy đơn hàng của tôi", "Vietnamese"),
        ("proszę włącz światło w kuchni i w łazience", "Polish"),
        ("what is the weather like tomorrow in London", "English"),
    ],
)
def test_a_language_that_the_texts_never_have(
    indonesian: Familiar, text: str, language: str
) -> None:
    assert indonesian.languages == ("Indonesian",)
    assert indonesian.foreign_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hola",
        "le la de",  # three words are not judged, whatever they are
        "putar lagu Je ne regrette rien de la vie",  # a title within a wish
        "tolong putar el amor de mi vida dari awal",
        "tolong please play the next one dong",  # mixed
        "Bohemian Rhapsody Queen live Wembley",  # nothing tells it
        "cariin gw kosan deket kampus yg murah",
        "wis ora usah dipateni lampune yo mas",  # a language that we have no words of
        "7 8 9 10 11",
        "Noah Dewa Sheila Padi Gigi Slank el amor de mi casa",  # three words of eleven
        "Monas la casa de",  # two of four
        "putar lagu Hampa " + "ya " * 600,
        "la la la la la",  # one word, however often
        "putar na na na na hey hey el el el",
    ],
)
def test_what_may_be_in_scope_is_left_alone(indonesian: Familiar, text: str) -> None:
    assert indonesian.foreign_language(text) == ""


def test_a_language_of_some_texts_is_theirs() -> None:
    """One row in Spanish is enough: no row of the data would be refused for its language."""
    spanish = "pon la canción de Shakira por favor"
    mixed = Familiar.of([*WISHES, spanish])
    assert mixed.languages == ("Indonesian", "Spanish")
    assert (
        mixed.foreign_language(spanish) == mixed.foreign_language("¿qué hora es en la casa?") == ""
    )
    assert mixed.foreign_language("what is the weather like tomorrow in London") == "English"
    assert Familiar.of(ENGLISH).foreign_language("tolong matikan lampu yang di dapur ya dong")
    both = Familiar.of([*WISHES, *ENGLISH])
    assert both.languages == ("English", "Indonesian")
    assert not any(both.foreign_language(text) for text in (*WISHES, *ENGLISH))


def test_usual_words_speak_against_a_foreign_language() -> None:
    said = "spiel bitte die musik von der band im radio mit dem beat"
    plain = Familiar(("Indonesian",))
    usual = Familiar(("Indonesian",), ("band", "beat", "musik", "radio", "spiel"))
    assert plain.foreign_language(said) == "German" and usual.foreign_language(said) == ""


def test_only_words_of_several_texts_are_usual() -> None:
    found = Familiar.of(WISHES)
    assert "putar" in found.words and "lagu" in found.words and "tulus" in found.words
    assert list(found.words) == sorted(found.words)
    rare = Familiar.of([*WISHES, *["unik dan yang ada"] * 2])
    assert "unik" not in rare.words
    many = Familiar.of([f"yang di ini itu w{k}" for k in range(2 * MOST_FAMILIAR)] * FAMILIAR_ROWS)
    assert len(many.words) == MOST_FAMILIAR
    assert many.words[-1] == "yang" and "w0" in many.words and "w999" not in many.words


def test_texts_that_tell_no_language_make_nothing_foreign() -> None:
    for texts in ([], ["Hampa", "Raisa"], ["เปิดเพลง", "включи музыку"]):
        none = Familiar.of(texts)
        assert none == Familiar() and not none.foreign_language("pon la canción de la casa")


def test_languages_of_more_texts_are_familiar_then(indonesian: Familiar) -> None:
    short, long = "je veux une table", "est-ce que je peux réserver une table pour deux personnes"
    more = indonesian.along_with([short])
    assert more.languages == ("French", "Indonesian") and more.words == indonesian.words
    assert indonesian.foreign_language(long) == "French" and more.foreign_language(long) == ""
    assert more.foreign_language("pon la canción de Shakira por favor") == "Spanish"
    assert indonesian.along_with(["สวัสดีครับ", "sup mie", ""]) == indonesian
    assert Familiar().along_with([long]) == Familiar()
