"""Values that can be told by their form, and tags that trained intents lend."""

import numpy as np
import pytest

from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.joint.additions import (
    extend_tags,
    find_number,
    find_values,
    give_back,
    join,
    refused,
)
from maksud.recognizers.joint.decoding import IMPOSSIBLE
from maksud.recognizers.joint.tokens import tokenize
from maksud.recognizers.negation import Negation
from maksud.recognizers.new_intents import read_parameter


def values(text: str, *parameters: str) -> dict[str | None, str]:
    intent = Intent("f", "", tuple(map(read_parameter, parameters)))
    return {a.name: a.value for a in find_values(intent, text, tokenize(text), [])}


@pytest.mark.parametrize(
    ("text", "parameters", "found"),
    [
        ("a Large one", ["size:small|large"], {"size": "large"}),
        ("small or large", ["size:small|large"], {}),  # nobody can say which
        ("larger", ["size:small|large"], {}),
        ("extra large", ["size:large|extra large"], {"size": "extra large"}),
        ("meja untuk dua orang", ["n:number"], {"n": "dua"}),
        ("for twenty five people", ["n:number"], {"n": "twenty five"}),
        ("dua puluh lima kursi", ["n:number"], {"n": "dua puluh lima"}),
        ("5 ribu saja", ["n:number"], {"n": "5 ribu"}),
        ("dua puluh lima rb ya", ["n:number"], {"n": "dua puluh lima rb"}),
        ("setel ke minus 5 derajat", ["n:number"], {"n": "minus 5"}),
        ("satu setengah jam", ["n:number"], {}),  # none of its parts is what was said
        ("for two and a half hours", ["n:number"], {}),
        ("pesan 2 lusin donat", ["n:number"], {}),
        ("half price for these 5 people", ["n:number"], {"n": "5"}),
        ("3 kali 4", ["n:number"], {}),
        ("3 kali", ["n:number", "m:number"], {}),
        ("besok", ["day:datetime", "what"], {}),
        ("yes please", ["sure:boolean"], {}),
    ],
)
def test_values_by_form(text: str, parameters: list[str], found: dict[str, str]) -> None:
    assert values(text, *parameters) == found


def test_a_number_that_is_not_copied_is_in_digits() -> None:
    intent = Intent("f", "", (Parameter("n", "number", copied=False),))
    for text, digits in (
        ("dua puluh orang", "20"),
        ("transfer 1234567", "1234567"),
        ("transfer 999999999", "999999999"),
        ("kirim 0,00001 gram", "0.00001"),
        ("2,5 kg", "2.5"),
    ):
        [argument] = find_values(intent, text, tokenize(text), [])
        assert argument.value == digits


def test_what_is_tagged_is_taken() -> None:
    intent = Intent("f", "", (Parameter("n", "number"), Parameter("street")))
    text = "jalan 5 untuk 3 orang"
    tokens = tokenize(text)
    [argument] = find_values(intent, text, tokens, [("street", tokens[0], tokens[1])])
    assert (argument.name, argument.value) == ("n", "3")
    assert find_values(intent, text, tokens, [("n", tokens[1], tokens[1])]) == []


def test_one_number_is_found_and_of_two_none() -> None:
    assert find_number("alarm 7.30", tokenize("alarm 7.30")) == ("7.30", 7.3)
    assert find_number("1 2", tokenize("1 2")) is None
    assert find_number("tanpa", tokenize("tanpa")) is None


def test_tags_are_lent_by_name_and_type() -> None:
    city, song = Parameter("city"), Parameter("song")
    catalog = Catalog((
        Intent("weather", "", (city,)), Intent("play", "", (song,)),
        Intent("book", "", (city, Parameter("song", "number"))),
    ))  # fmt: skip
    scores = np.array([[0, 1, -8, 2, -8], [0.5, -8, 3, -8, 4]], "f4")
    out = extend_tags(scores, ["weather", "play", "book"], ["city", "song"], catalog)
    assert out.shape == (3, 5) and (out[:2] == scores).all()
    assert out[2].tolist() == [0.25, 1, IMPOSSIBLE, 2, IMPOSSIBLE]
    assert extend_tags(scores, ["weather", "play"], ["city", "song"], catalog) is scores


def test_join_shares_out_what_is_left() -> None:
    lp = np.log(np.array([[0.6, 0.4]], "f4"))
    odds = np.array([[0.0, IMPOSSIBLE]], "f4")
    out = np.exp(join(lp, odds, np.array([False])))
    assert np.allclose(out, [[0.3, 0.2, 0.5, 0]], atol=1e-6)
    alone = join(lp, odds, np.array([True]))
    assert np.allclose(np.exp(alone), [[0, 0, 1, 0]], atol=1e-6)
    neither = join(lp, np.full((1, 2), IMPOSSIBLE), np.array([False]))
    assert np.allclose(np.exp(neither), [[0.6, 0.4, 0, 0]], atol=1e-6)


def test_refused_wishes_are_for_none() -> None:
    negation = Negation(["id"], ["putar"], ())
    clauses = [t.split() for t in ("jangan pesan meja dulu", "pesan meja", "tolong jangan pesan")]
    assert refused(negation, clauses, []).tolist() == [True, False, True]
    assert not negation(clauses[0])  # of trained wishes, only those that begin like the data's
    assert not refused(negation, clauses, [("jangan", "pesan", "apa", "apa")]).any()
    lp = np.log(np.array([[0.1, 0.3, 0.6], [0.1, 0.3, 0.6]], "f4"))
    out = np.exp(give_back(lp, np.array([True, False]), 2, 1))
    assert np.allclose(out[1], [0.1, 0.3, 0.6]) and np.allclose(out.sum(1), 1, atol=1e-5)
    assert out[0, 2] < 0.01 and out[0, 1] > 0.89 and np.isclose(out[0, 0], 0.1)
