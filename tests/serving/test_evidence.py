"""Log-probabilities of replies."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.recognizers.recognition import Token
from maksud.serving.evidence import LEAST, cut_entries, deal_entries, list_tokens, weigh_pieces

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
    (kept,) = cut_entries(entries, "a")
    assert (kept["token"], kept["bytes"], kept["logprob"]) == ("a", [97], entries[0]["logprob"])


TOKENS = [
    Token(b"play", -0.5, ((b"play", -0.5), (b"stop", -1.0))),
    Token(b"(\xe6\x99", 0.0),
    Token(b"\xb4)", -0.25, ((b"<end>", -0.1), (b"\xb4)", -0.25))),
]


def test_a_language_models_own_tokens() -> None:
    entries = list_tokens(TOKENS, 2)
    assert [(e["token"], e["logprob"]) for e in entries] == [
        ("play", -0.5),
        ("bytes:\\x28\\xe6\\x99", 0.0),
        ("bytes:\\xb4\\x29", -0.25),
    ]
    assert b"".join(bytes(e["bytes"]) for e in entries).decode() == "play(晴)"
    told = [[(t["token"], t["logprob"]) for t in e["top_logprobs"]] for e in entries]
    assert told[0] == [("play", -0.5), ("stop", -1.0)]
    assert told[1] == [("bytes:\\x28\\xe6\\x99", 0.0)]  # nothing else could be written
    assert told[2][0] == ("<end>", -0.1)
    assert [e["top_logprobs"] for e in list_tokens(TOKENS, 0)] == [[], [], []]


@given(
    st.text("ab晴", min_size=1, max_size=8),
    st.lists(st.integers(1, 20)),
    st.lists(st.integers(1, 8)),
)
def test_tokens_are_cut_and_dealt_however_they_lie(
    text: str, cuts: list[int], ends: list[int]
) -> None:
    data = text.encode()
    edges = [0, *sorted({c for c in cuts if c < len(data)}), len(data)]
    tokens = [Token(data[a:b], -1.0) for a, b in zip(edges, edges[1:], strict=False)]
    entries = list_tokens(tokens, 1)
    assert cut_entries(entries, text) == entries
    said = text[: len(text) // 2]
    kept = cut_entries(entries, said)
    assert b"".join(bytes(e["bytes"]) for e in kept) == said.encode()
    marks = [0, *sorted({e for e in ends if e < len(text)}), len(text)]
    pieces = [text[a:b] for a, b in zip(marks, marks[1:], strict=False)]
    dealt = deal_entries(entries, pieces)
    assert len(dealt) == len(pieces) and [e for own in dealt for e in own] == entries
    for k, own in enumerate(dealt):
        for entry in own:
            begins = sum(len(e["bytes"]) for e in entries[: next(
                n for n, e in enumerate(entries) if e is entry)])  # fmt: skip
            low = len("".join(pieces[:k]).encode())
            assert low <= begins < low + len(pieces[k].encode())
