"""Which utterances are worth a label next: uncertain ones, spread over what is said."""

from __future__ import annotations

import numpy as np
import pytest
from labelling_cases import CATALOG
from scripted import Scripted

from maksud.labelling.selection import choose, doubt_of

SORTS = ["putar lagu {}", "berapa suhu di kota {}", "pesan tiket kereta ke {}"]
SAID = [sort.format(name) for sort in SORTS for name in "abcdefghijklmnopqrst"]


def test_each_sort_is_among_the_first() -> None:
    """Twenty of each sort, equally uncertain: three are one of each."""
    chosen = choose(SAID, np.full(len(SAID), 0.5), 3, seed=0)
    assert sorted(k // 20 for k in chosen) == [0, 1, 2]
    assert chosen == choose(SAID, np.full(len(SAID), 0.5), 3, seed=0)


def test_what_is_sure_is_left_out() -> None:
    doubt = np.zeros(len(SAID))
    doubt[20:36] = 0.9
    assert set(choose(SAID, doubt, 2, seed=0)) <= set(range(20, 36))


@pytest.mark.parametrize("most, many", [(0, 0), (5, 5), (60, 60), (100, 60)])
def test_as_many_as_are_wanted_each_once(most: int, many: int) -> None:
    chosen = choose(SAID, np.linspace(0, 1, len(SAID)), most, seed=1)
    assert len(chosen) == len(set(chosen)) == many


def test_nothing_and_the_same_text() -> None:
    assert choose([], np.zeros(0), 4, seed=0) == []
    same = ["ya"] * 50
    assert len(set(choose(same, np.full(50, 0.3), 4, seed=0))) == 4


def test_a_kind_without_a_margin_is_asked_for_its_confidence() -> None:
    sure = {"a": 0.9, "b": 0.2, "c": 0.5}
    recognizer = Scripted(dict.fromkeys(sure, "play_music()"), CATALOG, sure=sure)
    doubt = doubt_of(recognizer, list(sure))
    assert list(np.argsort(-doubt)) == [1, 2, 0]
