"""The evidence for an answer."""

from maksud.language.calls import Argument, Call
from maksud.recognizers.joint.answers import (
    FEATURES,
    WIDEST_MARGIN,
    ClauseReadings,
    Reading,
    Tagging,
    Way,
    propose_answer,
)
from maksud.recognizers.joint.tokens import Token, tokenize

MARGIN = FEATURES.index("margin to the second answer")


def reading(score: float, value: str) -> Reading:
    call = Call("phone", (Argument("contact", value),))
    return Reading(score, score, 0.0, 0.0, call, Tagging(0, 0.0, [], None, None), [])


def margin_of(*seconds: Reading) -> float:
    clause = ClauseReadings(tokenize("telepon <ibu>"), [reading(-0.5, "ibu")], 0.0, 0.0, 1.0)
    left = iter(seconds)

    def second(words: list[Token], best: Reading) -> Reading | None:
        return next(left, None)

    return propose_answer([Way(0.0, [clause])], second, None, 4, 0.0).features[MARGIN]


def test_another_way_to_read_the_same_answer_makes_it_no_surer() -> None:
    """Signs that are cut from a value leave the same answer of two readings."""
    assert margin_of() == WIDEST_MARGIN
    assert margin_of(reading(-2.0, "bapak")) == 1.5
    assert margin_of(reading(-2.0, "ibu")) == 1.5
