"""Words in pieces, and the vectors of these."""

from pathlib import Path

import numpy as np
import pytest
from tiny_encoder import tiny_unigram

from maksud.recognizers.encoder.pieces import LONGEST_WORD, Pieces, places_of, save_vectors


@pytest.fixture
def pieces(tmp_path: Path) -> Pieces:
    tokenizer = tiny_unigram()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    table = np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), 8)).astype("f4")
    save_vectors(tmp_path, table)
    made = Pieces(tmp_path, [0, 4], [2])
    made.table = table  # type: ignore[attr-defined]
    return made


def test_each_word_is_cut_alone(pieces: Pieces) -> None:
    row = pieces.row(["putar", "ﬁx", "?"])
    fix = pieces.ids("fix")
    assert row.ids == [0, 4, *pieces.ids("putar"), *fix, *pieces.ids("?"), 2]
    assert len(fix) == 4 and pieces.ids("ﬁx") == fix
    assert (row.first, row.last) == ([2, 3, 7], [3, 7, 8])


def test_a_sign_stands_without_a_space_before_it(pieces: Pieces) -> None:
    assert len(pieces.ids("?")) == 1 and len(pieces.ids("x")) == 2


def test_any_word_has_a_piece_and_few(pieces: Pieces) -> None:
    assert pieces.ids("\u200b") and pieces.ids("我") and pieces.ids("")
    assert len(pieces.ids("x" * 500)) == LONGEST_WORD


def test_vectors_are_near_to_the_table(pieces: Pieces) -> None:
    table = pieces.table  # type: ignore[attr-defined]
    ids = [5, 0, 5, 9]
    got = pieces.vectors(ids)
    assert np.array_equal(got[0], got[2])
    assert np.abs(got - table[ids]).max() <= np.abs(table).max() / 127
    rows = [pieces.row(["putar"]), pieces.row(["x", "?"])]
    vectors, mask = pieces.batch(rows)
    assert mask.tolist() == [[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]] and not vectors[0, 4:].any()
    first, last, present = places_of(rows)
    assert first.tolist() == [[2, 0], [2, 4]] and last.tolist() == [[3, 0], [4, 5]]
    assert present[..., 0].tolist() == [[1, 0], [1, 1]]
