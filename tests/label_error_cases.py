"""Scores of answers as cross-validation gives them, made by hand."""

from __future__ import annotations

from maksud.language.calls import Argument, Call
from maksud.recognizers.joint.scoring import AnswerScore, CallScore

PLAYED, WEATHER = Call("play", (Argument("song", "a"),)), Call("weather")


def call(
    given: Call = PLAYED,
    *,
    intent: float = -0.1,
    other: tuple[Call, float] = (WEATHER, -3.0),
    arguments: float | None = -0.1,
    best: tuple[Call, float] | None = None,
) -> CallScore:
    best = best or (given, arguments or 0.0)
    return CallScore(given, intent, other[0], other[1], arguments, best[0], best[1])


def sure(number: int) -> list[AnswerScore]:
    return [AnswerScore((call(),)) for _ in range(number)]
