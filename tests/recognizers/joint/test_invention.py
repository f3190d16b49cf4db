"""Parameters with few values get made-up ones, like those that there are."""

import random

import pytest

from maksud.recognizers.joint.corpus import Clause
from maksud.recognizers.joint.invention import FEW_VALUES, INVENTED, invent_values


def clause(text: str, value: str, parameter: str = "city") -> Clause:
    words, inside = text.split(), value.split()
    at = next(k for k in range(len(words)) if words[k : k + len(inside)] == inside)
    return Clause("ask", words, [(at, at + len(inside), parameter)])


CITIES = [clause(f"berapa ongkos kirim ke {c} hari ini", c) for c in ("jakarta", "new york")]


def test_words_are_made_of_those_of_the_data() -> None:
    (values,) = invent_values(CITIES).values()
    assert len(values) == INVENTED and {len(v) for v in values} == {1, 2}
    heads = {w[: 1 + len(w) // 2] for c in CITIES for w in c.words if len(w) > 3}
    tails = {w[len(w) // 2 :] for c in CITIES for w in c.words if len(w) > 3}
    made = {word for value in values for word in value}
    assert len(made) > 30
    assert all(any(w == h + t for h in heads for t in tails) for w in made)


def test_numbers_and_codes_keep_their_shape() -> None:
    codes = [clause(f"lacak pesanan {c}", c, "order") for c in ("inv-123", "17", "bk 4")]
    (values,) = invent_values(codes).values()
    shapes = {"".join("9" if c.isdigit() else c for c in " ".join(v)) for v in values}
    assert {"inv-999", "99"} <= shapes and any(s.endswith(" 9") for s in shapes)
    assert len(set(values)) > 20


def test_who_has_many_values_needs_none() -> None:
    many = [clause(f"cuaca di kota{k}", f"kota{k}") for k in range(FEW_VALUES)]
    assert invent_values(many) == {}
    assert set(invent_values(many[1:])) == {"city"}
    assert invent_values(many[1:], listed={"city"}) == {}
    assert invent_values([]) == {} == invent_values([Clause("off", ["matikan", "semua"], [])])
    assert invent_values([clause("a b", "b")]) == {}  # there is no word to make others of


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_invents_the_same(seed: int) -> None:
    shuffled = random.Random(seed).sample(CITIES, 2)
    assert invent_values(CITIES, seed=seed) == invent_values(CITIES, seed=seed)
    assert set(invent_values(shuffled, seed=seed)) == {"city"}
