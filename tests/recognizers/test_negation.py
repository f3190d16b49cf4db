"""Ordinary negations are found by their words; what only looks like one is left alone."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.dataset import Example
from maksud.errors import RunError
from maksud.recognizers.joint.tokens import tokenize
from maksud.recognizers.negation import FILE, NEGATED, Negation, shift_outside


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
    return Negation.build([(i, words(t)) for i, t in WISHES], ["en", "id"])


@pytest.mark.parametrize(
    "said",
    [
        "jangan matikan lampu",
        "Tolong jangan matikan lampu kamar dulu ya",
        "nggak usah matikan lampu",
        "saya tidak ingin matikan lampu",
        "don't turn off the lamp",
        "please don't turn off the lamp now",
        "please don't turn off the lamp just yet",
        "don't turn off the lamp just now",
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
        "don't turn off the lamp just the fan",
        "jangan berisik",  # no wish of the data begins so
        "jangan putar lagu itu lagi",  # the data has that for a wish
        "jangan matikan " + "lampu " * 20,
    ],
)
def test_what_only_looks_like_one_is_not(negation: Negation, said: str) -> None:
    assert not negation(words(said))


def test_one_language_alone_has_its_own_frames_only() -> None:
    clauses = [(i, words(t)) for i, t in WISHES]
    english = Negation.build(clauses, ["en"])
    assert english(words("don't turn off the lamp")) and not english(words("jangan matikan lampu"))


def test_it_reads_back_as_it_was_written(negation: Negation) -> None:
    again = Negation.from_json(negation.to_json())
    assert again is not None and again.to_json() == negation.to_json()
    assert again(words("jangan matikan lampu")) and not again(words("jangan putar lagu lagi"))
    assert Negation.from_json(None) is None


def test_a_run_of_before_did_not_tell_them_apart(negation: Negation) -> None:
    content = negation.to_json()
    del content["marked"]
    before = Negation.from_json(content | {"acting": [["jangan", "putar"]]})
    assert before is not None
    for said in ("jangan putar lagu", "jangan putar lagu lagi", "jangan putar lagu dulu"):
        assert not before(words(said))


def test_a_language_without_frames_is_refused(negation: Negation) -> None:
    with pytest.raises(ValueError, match="no frames"):
        Negation.from_json(negation.to_json() | {"languages": ["../id"]})


@given(st.lists(st.sampled_from(["jangan", "matikan", "tolong", "ya", ",", "tapi", "x", ""])))
def test_any_words_have_an_answer(said: list[str]) -> None:
    made = Negation(["id"], ["matikan"], [])
    assert made(said) in (True, False)
    if "jangan" not in said or "matikan" not in said:
        assert not made(said)


SHOP = [
    *[("cancel_order", f"batalkan pesanan {n}") for n in ("A-1", "B-2", "C-3")],
    *[("cancel_order", f"cancel my order {n}") for n in ("A-1", "B-2", "C-3")],
    *[("change_address", f"ganti alamat ke {x}") for x in ("Solo", "Bogor", "Kudus")],
    *[("change_address", f"change the address to {x}") for x in ("Solo", "Bogor", "Kudus")],
    *[("send_invoice", f"kirim nota {n}") for n in ("A-1", "B-2", "C-3")],
    *[("send_invoice", f"send the invoice for {n}") for n in ("A-1", "B-2", "C-3")],
    *[("lock", f"kunci akun {n}") for n in ("saya", "ini", "toko")],
    *[("lock", f"lock the {n}") for n in ("account", "card", "shop")],
    *[("order_status", f"pesanan yang {n} itu sudah sampai mana") for n in ("A-1", "B-2", "C-3")],
    *[("order_status", f"where is {n} and when will it be here") for n in ("A-1", "B-2", "C-3")],
    *[("none", f"jangan {what}") for what in ("batalkan pesanan", "kirim nota")],
    *[("unlock", f"akun {n} jangan dikunci lagi") for n in ("ini", "saya")],
]


@pytest.fixture(scope="module")
def shop() -> Negation:
    return Negation.build([(i, words(t)) for i, t in SHOP], ["en", "id"])


@pytest.mark.parametrize(
    "said",
    [
        "pesanan saya jangan dibatalin dulu ya",
        "tolong jangan sampai order B-2 dibatalkan",
        "gak usah dibatalin kok pesanannya",
        "alamatnya tidak perlu diganti",
        "notanya nggak usah dikirim ke email",
        "jangan di-batalkan pesanan kemarin",
        "jangan di batalkan dong yang C-3",
        "barang A-1 ga jadi dibatalkan",
        "saya nggak mau alamat rumah diganti",
        "jangan dicancel order gue",
        "jangan batalin pesanan gue",
        "please don't let my order get cancelled",
        "I don't want the address changed",
        "my order shouldn't be canceled",
        "the invoice doesn't need to be sent",
        "no need for the address to be changed",
        "dont let it be cancelled pls",
        "order B-2 must not be cancelled",
        "we do not want the invoice to be sent",
        "that card need not be locked",
    ],
)
def test_a_passive_is_refused_as_the_wish_is(shop: Negation, said: str) -> None:
    assert shop(words(said))


@pytest.mark.parametrize(
    "said",
    [
        "pesanan saya dibatalkan saja",
        "tolong dibatalin ya pesanan B-2",
        "kenapa pesanan saya tidak boleh dibatalkan",
        "apakah alamat nggak perlu diganti",
        "pesanan saya belum dikirim",
        "nota tidak dikirim ke email saya",
        "jangan dikirim ke Solo tapi ke Bogor",
        "jangan dibatalkan, ganti alamat ke Kudus",
        "jangan dibatalkan dan kirim nota A-1",
        "jangan ditunda batalkan pesanan A-1",
        "jangan sampai tidak dibatalkan",
        "kalau nggak usah dikirim berapa ongkosnya",
        "tolong akun toko jangan dikunci lagi",  # the data has that for a wish
        "my order was cancelled",
        "I want my order cancelled",
        "why should my order not be cancelled",
        "can the address not be changed",
        "my invoice has not been sent",
        "I don't want it changed but cancelled",
        "don't let me wait and cancel my order",
    ],
)
def test_what_only_looks_like_a_refused_passive_is_not(shop: Negation, said: str) -> None:
    assert not shop(words(said))


def test_what_goes_on_no_more_is_told_from_what_does_not_begin(negation: Negation) -> None:
    """The data has "jangan putar … lagi" for a wish: what plays shall stop. Not yet is another."""
    assert not negation(words("jangan putar lagu ini lagi"))
    for said in ("jangan putar lagu dulu", "jangan putar dulu lagunya", "jangan putar lagu Hampa"):
        assert negation(words(said))
    plain = [("stop", "jangan putar musik"), ("stop", "jangan putar lagu")]
    made = Negation.build([(i, words(t)) for i, t in [*WISHES, *plain]], ["id"])
    assert not made(words("jangan putar lagu Hampa")) and made(words("jangan putar lagu dulu"))
    later = [("stop", "jangan putar musik dulu"), ("stop", "jangan putar lagu dulu ya")]
    made = Negation.build([(i, words(t)) for i, t in [*WISHES, *later]], ["id"])
    assert not made(words("jangan putar lagu dulu"))


def test_what_follows_a_refused_wish_is_another(negation: Negation) -> None:
    assert negation(words("jangan matikan lampu dan kipas"))
    assert not negation(words("jangan matikan lampu dan putar lagu Hampa"))
    assert not negation(words("don't turn off the lamp and turn off the bulb"))


def test_it_is_learnt_from_rows_that_ask_for_one_thing() -> None:
    rows = [Example(t, f"{i}()") for i, t in SHOP]
    several = [Example(f"bungkus kado {n}", "cancel_order();lock()") for n in (1, 2, 3)]
    found = Negation.learn([*rows, *several])
    assert found is not None and found.refuses("pesanan saya jangan dibatalkan")
    assert {"batalkan", "kunci", "cancel"} <= found.openers and "bungkus" not in found.openers
    assert Negation.learn([Example("включи музыку", "play()")]) is None
    assert Negation.learn([]) is None
    assert not found.refuses("jangan batalkan pesanan " + "saya " * 100_000)


def test_a_run_keeps_it_in_a_file(shop: Negation, tmp_path: Path) -> None:
    assert Negation.load(tmp_path) is None  # a run of before
    shop.save(tmp_path)
    again = Negation.load(tmp_path)
    assert again is not None and again.to_json() == shop.to_json()
    for text in ("", "[]", "7", '{"languages": ["xx"], "openers": [], "acting": []}', "{}"):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(RunError, match="negations can't be read"):
            Negation.load(tmp_path)
    (tmp_path / FILE).write_text(json.dumps(None))
    assert Negation.load(tmp_path) is None


@pytest.mark.parametrize("p", [1e-9, 0.001, 0.01, 0.5, 0.9, 1 - 1e-9])
def test_log_odds_are_added_to_what_is_outside(p: float) -> None:
    outside, less = shift_outside(math.log(p))
    odds = math.log(p / (1 - p)) + NEGATED
    assert outside == pytest.approx(-math.log1p(math.exp(-odds)), abs=1e-6)
    assert math.exp(outside) + (1 - p) * math.exp(less) == pytest.approx(1)
    assert shift_outside(0.0)[0] == pytest.approx(0, abs=1e-9)
