"""Rows taken apart, and said without wishing for it."""

import pytest

from maksud.data.checks.wishes import (
    ENGLISH,
    INDONESIAN,
    KINDS,
    WORDINGS,
    past_of,
    read_wish,
    word_without_wishing,
    wordings_of,
)


def said(text: str, language: str, kind: str) -> str:
    """A row in the first wording of a kind."""
    wish = read_wish(text, language)
    assert wish is not None
    return word_without_wishing(wish, wordings_of(wish, kind)[0])


@pytest.mark.parametrize(
    ("text", "kind", "becomes"),
    [
        ("nyalakan lampu teras", "negation", "jangan nyalakan lampu teras"),
        ("nyalakan lampu teras", "unneeded", "nggak usah nyalakan lampu teras"),
        ("nyalakan lampu teras", "past", "tadi aku sudah nyalakan lampu teras"),
        ("nyalakan lampu teras", "cancel", "nyalakan lampu teras, eh nggak jadi"),
        ("Tolong nyalakan lampu teras dong.", "negation", "jangan nyalakan lampu teras"),
        ("Mohon Putarkan Bengawan Solo", "negation", "jangan putarkan Bengawan Solo"),
        ("Bisakah Anda memutar musik klasik?", "negation", "jangan memutar musik klasik"),
        ("bisa cek stok gelang nggak?", "unneeded", "nggak usah cek stok gelang"),
        ("tolong ingatkan saya makan obat", "past", "tadi kamu sudah ingatkan saya makan obat"),
        ("saya ingin dengar jazz", "negation", "saya tidak ingin dengar jazz"),
        ("gw mau lofi dong", "negation", "gw nggak mau lofi"),
        ("lampu teras dong", "cancel", "lampu teras dong, eh nggak jadi"),
    ],
)
def test_indonesian(text: str, kind: str, becomes: str) -> None:
    assert said(text, INDONESIAN, kind) == becomes


@pytest.mark.parametrize(
    ("text", "kind", "becomes"),
    [
        ("play some jazz", "negation", "don't play some jazz"),
        ("Can you play some jazz please?", "unneeded", "there's no need to play some jazz"),
        ("could you please stop the music", "negation", "don't stop the music"),
        ("I want you to stop the music", "negation", "don't stop the music"),
        ("let me talk to an agent", "negation", "don't talk to an agent"),
        ("I want to hear jazz", "negation", "I don't want to hear jazz"),
        ("i'd like a song", "negation", "I don't want a song"),
        ("we wanna hear jazz", "past", "yesterday we wanted to hear jazz, now we don't"),
        ("remind me to buy milk", "past", "you already reminded me to buy milk"),
        ("Turn off the lamp", "past", "I already turned off the lamp"),
        ("Paris weather", "quote", 'I typed "Paris weather" by mistake'),
        ("order a pizza", "negation", "don't order a pizza"),
        ("call Kim", "negation", "don't call Kim"),
    ],
)
def test_english(text: str, kind: str, becomes: str) -> None:
    assert said(text, ENGLISH, kind) == becomes


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("berapa ongkir ke Bekasi", INDONESIAN),
        ("Apakah besok hujan?", INDONESIAN),
        ("kirim ke Bekasi kena berapa", INDONESIAN),
        ("jangan nyalakan lampu", INDONESIAN),
        ("aku lagi sedih", INDONESIAN),
        ("ada lagu? puterin yang enak", INDONESIAN),
        ('tulis "halo" sekarang', INDONESIAN),
        ("hujan ya?", INDONESIAN),
        ("what's the weather", ENGLISH),
        ("is it cold", ENGLISH),
        ("I'm cold", ENGLISH),
        ("I didn't ask to play it", ENGLISH),
        ("can I hear Moon River", ENGLISH),
        ("play " + "very " * 20 + "loud", ENGLISH),
        ("play " + "a" * 150, ENGLISH),
        ("play jazz" + "!" * 120 + "x " * 20, ENGLISH),
        ("", ENGLISH),
        ("?!", ENGLISH),
    ],
)
def test_what_is_left_alone(text: str, language: str) -> None:
    assert read_wish(text, language) is None


@pytest.mark.parametrize("text", ["order status", "refund update for 60", "stop", "ikan bakar"])
def test_what_does_not_begin_with_a_verb_is_only_cited(text: str) -> None:
    wish = read_wish(text, INDONESIAN if text == "ikan bakar" else ENGLISH)
    assert wish is not None and wish.form == "said"
    assert not wordings_of(wish, "negation") and wordings_of(wish, "cancel")


def test_every_wording_can_be_said_and_says_something_else() -> None:
    for language, text in ((INDONESIAN, "nyalakan lampu"), (ENGLISH, "play jazz")):
        wants = "saya ingin jazz" if language == INDONESIAN else "I want jazz"
        wishes = [read_wish(t, language) for t in (text, wants)]
        for kind in KINDS:
            for wish in wishes:
                assert wish is not None
                for wording in wordings_of(wish, kind):
                    made = word_without_wishing(wish, wording)
                    assert made != wish.said and "{" not in made and "  " not in made
        assert {w.kind for w in WORDINGS[language]} == set(KINDS)
        assert {w.kind for w in WORDINGS[language] if w.form != "rest"} == set(KINDS)


@pytest.mark.parametrize(
    ("verb", "past"),
    [("play", "played"), ("raise", "raised"), ("notify", "notified"), ("stop", "stopped"), ("", "")]
    + [("put", "put"), ("tell", "told"), ("cancel", "cancelled"), ("turn", "turned")],
)
def test_past(verb: str, past: str) -> None:
    assert past_of(verb) == past
