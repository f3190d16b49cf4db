"""Which examples are taken: the test split, those with an answer, always the same part."""

import pytest

from maksud.data.dataset import Dataset, Example
from maksud.errors import InputError, SettingsError
from maksud.evaluation.sampling import take_examples

ROWS = [Example(f"putar lagu {k}", "play()", split="test") for k in range(40)]


def test_the_test_split_or_everything() -> None:
    data = Dataset([*ROWS, Example("a", "b()", split="train")], name="songs")
    taken, left_out = take_examples(data, "songs")
    assert list(taken) == ROWS and left_out == [] and taken.name == "songs"
    assert len(take_examples(Dataset([Example("a", "b()")]), "file.json")[0]) == 1
    with pytest.raises(InputError, match="songs: the directory has no test split"):
        take_examples(data.train, "songs")


def test_what_has_no_answer_is_left_out_unless_nothing_has_one() -> None:
    bare = Example("entahlah", "", split="test")
    taken, left_out = take_examples(Dataset([bare, *ROWS]), "x")
    assert list(taken) == ROWS and left_out == [bare]
    assert list(take_examples(Dataset([bare]), "x")[0]) == [bare]


def test_a_limit_takes_a_random_part_that_is_always_the_same() -> None:
    data = Dataset(ROWS)
    (some, _), (again, _) = take_examples(data, "x", 5), take_examples(data, "x", 5)
    assert len(some) == 5 and list(some) == list(again) != ROWS[:5]
    assert all(len(take_examples(data, "x", many)[0]) == 40 for many in (0, 40, 99))
    with pytest.raises(SettingsError, match="limit is -1, expected at least 0"):
        take_examples(data, "x", -1)
