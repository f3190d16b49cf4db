"""What every recognizer says is made in one place."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.errors import InputError
from maksud.language import catalog as catalog_module
from maksud.language.calls import NONE, Call, parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.small_words import SmallWords
from maksud.recognizers.calibration import fit_calibration
from maksud.recognizers.contract import VALUES_ALONE, Contract
from maksud.recognizers.recognition import Proposal, Recognition, Recognizer, Usage

CATALOG = Catalog(
    (
        Intent(
            "weather",
            parameters=(Parameter("place", required=True, question="Where?"),),
            positional=True,
        ),
        Intent("stop"),
    )
)


class Fixed(Recognizer):
    """Answers with the utterance itself, read as a call."""

    kind = "compact"

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        return [
            Proposal(parse_calls(u), (float(len(u)),), ((parse_calls("stop()"), -1.0),), 0.25)
            for u in utterances
        ]


def recognizer(threshold: float = 0.5) -> Fixed:
    calibration = fit_calibration([(float(k),) for k in range(40)], [k > 12 for k in range(40)])
    return Fixed("fixed", Contract(CATALOG).calibrated(calibration, threshold))


def test_arguments_are_named_and_the_text_keeps_the_style() -> None:
    answer = recognizer()("weather(Hangzhou, )".replace(", ", ""))
    assert answer.calls[0].named == {"place": "Hangzhou"}
    assert answer.text == "weather(Hangzhou)"
    assert answer.accepted and answer.missing == ()
    assert answer.model == "fixed" and answer.contract.startswith("sha256:")


@pytest.mark.parametrize("written", ["weather(Hangzhou)", "weather(place=Hangzhou)"])
def test_a_recognition_names_each_answer_once(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: Counter[str] = Counter()
    name, made = Catalog.name_arguments, catalog_module.Call

    def counted_name(self: Catalog, calls: Iterable[Call]) -> tuple[Call, ...]:
        done["named"] += 1
        return name(self, calls)

    def counted_call(*parts: Any) -> Call:
        done["calls made"] += 1
        return made(*parts)

    fixed = recognizer()
    monkeypatch.setattr(Catalog, "name_arguments", counted_name)
    monkeypatch.setattr(catalog_module, "Call", counted_call)
    answer = fixed(written)
    assert answer.text == "weather(Hangzhou)" and answer.calls[0].named == {"place": "Hangzhou"}
    # The answer and its alternative; one call is turned from positional to named, or to its
    # style, never there and back.
    assert done == {"named": 2, "calls made": 1}


def test_confidence_is_calibrated_and_gates() -> None:
    sure, unsure = recognizer()("weather(Hangzhou)"), recognizer()("stop()")
    assert 0 <= unsure.confidence < 0.5 < sure.confidence <= 1
    assert sure.accepted and not unsure.accepted
    assert recognizer(threshold=0.0)("stop()").accepted


def test_out_of_scope_is_never_accepted() -> None:
    answer = recognizer(threshold=0.0)("none()")
    assert answer.calls == (NONE,) and not answer.accepted


@pytest.mark.parametrize("answer", ["weather(Rome)", "weather(Rome);weather(Oslo)"])
def test_values_alone_ask_for_nothing(answer: str) -> None:
    """Of one call and of several: nobody knows what is to be done with them."""
    calls = parse_calls(answer)
    made = recognizer()
    assert made.judge("Rome, and Oslo", Proposal(calls, (39.0,))).accepted
    made.contract = replace(made.contract, small=SmallWords(("English",)))
    for said in ("the Rome", "Rome, please", "Rome and Oslo", "Rome, Oslo"):
        found = made.judge(said, Proposal(calls, (39.0,), usage=Usage(3, 1)))
        assert found.usage == Usage(3, 1)
        is_all = ("Oslo" in said) == (len(calls) > 1)
        assert found.accepted is not is_all
        assert not is_all or (found.text, found.reason) == ("none()", VALUES_ALONE)
        cut = made.judge(said, Proposal(calls, (39.0,), truncated=True))
        assert cut.truncated and not cut.accepted


def test_missing_parameters_bring_their_question() -> None:
    missing = recognizer()("weather()").missing
    assert [(m.parameter, m.question) for m in missing] == [("place", "Where?")]


def test_as_json() -> None:
    content = recognizer()("weather(Hangzhou)").to_json()
    assert content["calls"] == [
        {"intent": "weather", "arguments": [{"name": "place", "value": "Hangzhou"}]}
    ]
    left = round(1 - content["confidence"], 4)  # less than its own e^-1
    assert content["alternatives"] == [{"text": "stop()", "confidence": left}]
    assert set(content) >= {"text", "confidence", "accepted", "missing", "model", "contract"}


def test_batches_keep_their_order() -> None:
    asked = ["stop()", "weather(x)", "none()"]
    assert [r.utterance for r in recognizer().recognize(asked)] == asked


def test_an_answer_as_sure_as_the_threshold_is_accepted() -> None:
    confidence = recognizer()("stop()").confidence
    assert recognizer(threshold=confidence)("stop()").accepted
    assert not recognizer(threshold=math.nextafter(confidence, 1))("stop()").accepted


def test_arguments_are_named_once_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    name = Catalog._name

    def counted(self: Catalog, call: Call) -> Call:
        named = name(self, call)
        made.append(named is not call)
        return named

    monkeypatch.setattr(Catalog, "_name", counted)
    answer = recognizer()("weather(Hangzhou)")
    assert answer.calls[0].named == {"place": "Hangzhou"} and answer.text == "weather(Hangzhou)"
    assert made.count(True) == 1


@given(st.lists(st.floats(-20, 5), max_size=3), st.floats(-8, 8))
def test_no_other_answer_is_likelier_than_the_answer(others: list[float], evidence: float) -> None:
    asked = recognizer()
    calls = parse_calls("stop()")
    proposal = Proposal(calls, (evidence,), tuple((calls, lp) for lp in others))
    answer = asked.judge("stop", proposal)
    assert all(0 <= a.confidence <= answer.confidence for a in answer.alternatives)
    assert answer.confidence + sum(a.confidence for a in answer.alternatives) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"accepted": False}, "not sure enough: volume_up() at 0.41"),
        ({"accepted": False, "calls": (NONE,), "text": "none()"}, "out of scope"),
        (
            {"accepted": False, "calls": (NONE,), "reason": "nothing said"},
            "out of scope: nothing said",
        ),
        ({"accepted": False, "calls": ()}, "out of scope"),
        ({"accepted": False, "truncated": True}, "too long: not all of it was read"),
    ],
)
def test_why_an_answer_is_not_acted_on(changes: dict[str, Any], why: str) -> None:
    answer = Recognition("u", (Call("volume_up"),), "volume_up()", 0.41, True)
    assert replace(answer, **changes).refusal == why


def test_an_answer_is_held_to_some_intents_where_a_kind_can_do_that() -> None:
    fixed = recognizer()
    with pytest.raises(InputError, match="can't be held to a part of the catalog"):
        fixed.recognize(["stop()"], [{"weather"}])

    class Held(Fixed):
        asked: Sequence[object] = ()

        def propose_within(
            self, utterances: Sequence[str], allowed: Sequence[Collection[str] | None]
        ) -> list[Proposal]:
            self.asked = [*zip(utterances, allowed, strict=True)]
            return self.propose(utterances)

    held = Held("held", fixed.contract)
    answers = held.recognize(["stop()", "!!", "weather(x)"], [{"stop"}, {"stop"}, None])
    assert held.asked == [("stop()", {"stop"}), ("weather(x)", None)]  # "!!" says nothing
    assert [a.text for a in answers] == ["stop()", "none()", "weather(x)"]


def test_a_text_alone_is_not_read_letter_by_letter() -> None:
    fixed = recognizer()
    for wrong, kind in (("stop()", "str"), (b"stop()", "bytes"), (None, "NoneType"), (7, "int")):
        with pytest.raises(InputError, match=rf"{kind} where a list .*recognizer\("):
            fixed.recognize(wrong)  # type: ignore[arg-type]
    assert [a.text for a in fixed.recognize(text for text in ("stop()",))] == ["stop()"]


@pytest.mark.parametrize(("given", "kind"), [(None, "NoneType"), (["stop()"], "list"), (b"", "b")])
def test_what_is_no_text_is_told(given: Any, kind: str) -> None:
    fixed = recognizer()
    with pytest.raises(InputError, match=f"there is a {kind}.* where an utterance is expected"):
        fixed(given)
    with pytest.raises(InputError, match=f"there is a {kind}.* where an utterance is expected"):
        fixed.recognize(["stop()", given])
