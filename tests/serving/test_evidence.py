"""Log-probabilities of replies."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.serving.evidence import LEAST, cut_entries, weigh_pieces

WAYS = [(["f", "(", "b", ")"], 0.2), (["g", "(", ")"], 0.1)]


def test_decisions_stand_where_answers_part() -> None:
    entries = weigh_pieces(["f", "(", "a", ")"], 0.6, WAYS, 3)
    shares = [math.exp(e["logprob"]) for e in entries]
    assert shares == pytest.approx([0.8, 1.0, 0.75, 1.0])
    assert math.prod(shares) == pytest.approx(0.6)
    named = [[t["token"] for t in e["top_logprobs"]] for e in entries]
    assert named == [["f", "g"], ["("], ["a", "b"], [")"]]
    assert math.exp(entries[2]["top_logprobs"][1]["logprob"]) == pytest.approx(0.25)
    assert bytes(entries[0]["bytes"]) == b"f"
    assert [e["top_logprobs"] for e in weigh_pieces(["f"], 0.6, WAYS, 0)] == [[]]


PIECES = st.lists(st.sampled_from("abc(晴"), min_size=1, max_size=5)
SHARES = st.floats(0, 1)


@given(PIECES, SHARES, st.lists(st.tuples(PIECES, SHARES), max_size=4), st.integers(0, 20))
def test_the_sum_is_the_confidence_and_every_number_is_finite(
    pieces: list[str], p: float, others: list[tuple[list[str], float]], top: int
) -> None:
    entries = weigh_pieces(pieces, p, others, top)
    assert len(entries) == len(pieces)
    for entry, piece in zip(entries, pieces, strict=True):
        assert entry["token"] == piece and bytes(entry["bytes"]).decode() == piece
        assert len(entry["top_logprobs"]) <= top
        for each in (entry, *entry["top_logprobs"]):
            assert LEAST <= each["logprob"] <= 0
    if p > 1e-6:
        assert math.exp(sum(e["logprob"] for e in entries)) == pytest.approx(p, rel=1e-6)


def test_what_is_cut_keeps_its_entries() -> None:
    entries = weigh_pieces(["ab", "cd"], 0.5, [], 1)
    (kept,) = cut_entries(entries, ["a"])
    assert (kept["token"], kept["bytes"], kept["logprob"]) == ("a", [97], entries[0]["logprob"])
