"""Answers to unseen examples, and what is made of them."""

import math
from dataclasses import replace

import pytest
from scripted import Scripted, catalog_of, examples

from maksud.data.dataset import Example
from maksud.errors import DataError
from maksud.language.calls import Call
from maksud.language.small_words import SmallWords
from maksud.progress import Progress
from maksud.recognizers import held_out
from maksud.recognizers.calibration import cross_fit
from maksud.recognizers.decision import Rule
from maksud.recognizers.held_out import (
    HeldOut,
    answer_background,
    answer_held_out,
    answer_unknown,
    decide_contract,
    fit_scope,
    judge_held_out,
)
from maksud.recognizers.recognition import Proposal

ROWS = examples(
    ("putar Hampa", "play_music(song=Hampa)"),
    ("putar Rindu", "play_music(song=Rindu)"),
    ("kecilkan", "volume_down()"),
    ("siapa presiden", "none()"),
    ("berapa akar dua", "none()"),
    ("hm", "volume_down()"),
)
ANSWERS = {
    "putar Hampa": "play_music(Hampa)",  # positional: the same answer
    "putar Rindu": "play_music(song=Hampa)",
    "kecilkan": "none()",
    "siapa presiden": "none()",
    "berapa akar dua": "volume_down()",
    "hm": "",
}


def quiet(_: Progress) -> None:
    pass


def answered(rows: list[Example] = ROWS) -> HeldOut:
    return answer_held_out(Scripted(ANSWERS, catalog_of(ROWS)), rows, quiet)


def many(right: int, wrong: int, outside: int) -> HeldOut:
    """Sure answers that are right, unsure ones that are wrong, and none() that is right."""
    held = HeldOut()
    for k, (acts, correct) in enumerate(
        [(True, True)] * right + [(True, False)] * wrong + [(False, True)] * outside
    ):
        surely = -0.01 if correct else -2.0
        held.extend(HeldOut([(surely - k / 1e4,)], [acts], [correct], [not acts]))
    return held


def test_what_is_recorded_of_an_answer() -> None:
    held = answered()
    assert held.correct == [True, False, False, True, False, False]
    assert held.acts == [True, True, False, False, True, False]  # an empty answer is no act
    assert held.out_of_scope == [False, False, False, True, True, False]
    assert len(held) == len(held.features) == 6
    assert held.exact_match == pytest.approx(2 / 6)


def test_what_the_contract_refuses_unasked_is_no_act() -> None:
    recognizer = Scripted({"Hampa": "play_music(song=Hampa)", "a": "volume_down()"},
                          catalog_of(ROWS))  # fmt: skip
    rows = examples(("Hampa", "play_music(song=Hampa)"), ("a", "none()"))
    assert answer_held_out(recognizer, rows, quiet).acts == [True, True]
    recognizer.contract = replace(recognizer.contract, small=SmallWords(("English",)))
    held = answer_held_out(recognizer, rows, quiet)
    assert held.acts == [False, False]
    assert held.correct == [True, False]  # of the model, whose evidence is what is calibrated


def test_answers_are_asked_in_batches_and_told() -> None:
    rows = examples(*((f"u{k}", "play()") for k in range(70)))
    recognizer = Scripted({e.instruction: "play()" for e in rows}, catalog_of(rows))
    asked: list[int] = []
    propose = recognizer.propose
    recognizer.propose = lambda said: asked.append(len(said)) or propose(said)  # type: ignore
    told: list[Progress] = []
    held = answer_held_out(recognizer, rows, told.append, "look")
    assert asked == [32, 32, 6] and len(held) == 70
    assert [p.done for p in told] == [32 / 70, 64 / 70, 1.0]
    assert told[-1].text == "70 of 70" and told[-1].stage == "look"


def test_no_answers_at_all() -> None:
    assert len(answered([])) == 0
    with pytest.raises(DataError, match="nothing is held out to calibrate on"):
        judge_held_out(HeldOut(), Rule())


def test_none_is_never_acted_on_however_sure() -> None:
    held = many(40, 10, 30)
    calibration, decision = judge_held_out(held, Rule())
    assert calibration.probability(held.features[-1]) > 0.5
    assert (decision.answers, decision.out_of_scope, decision.false_accepts) == (80, 30, 0)
    assert decision.acted <= 50


def test_a_decision_is_judged_by_confidences_of_fits_that_did_not_see_the_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = many(40, 10, 30)
    judged: list[float] = []
    decide = held_out.decide

    def look(confidence: list[float], **about: object) -> object:
        judged.extend(confidence)
        return decide(confidence, **about)  # type: ignore[arg-type]

    monkeypatch.setattr(held_out, "decide", look)
    calibration, _ = judge_held_out(held, Rule())
    fitted, fresh = cross_fit(held.features, held.correct)
    assert calibration == fitted
    assert judged == [p if acts else 0.0 for p, acts in zip(fresh, held.acts, strict=True)]
    seen = [fitted.probability(row) for row in held.features]
    assert any(not math.isclose(a, b) for a, b in zip(judged, seen, strict=True) if a)


def test_the_contract_gets_calibration_threshold_and_rule() -> None:
    contract = Scripted(ANSWERS, catalog_of(ROWS)).contract
    rule = Rule(wrong_cost=3, false_accept_rate=0.2)
    held = many(60, 20, 30)
    made, about = decide_contract(contract, held, rule)
    calibration, decision = judge_held_out(held, rule)
    assert (made.calibration, made.threshold, made.rule) == (calibration, decision.threshold, rule)
    assert made.false_accept_rate == 0.2 and made.threshold >= 0.75
    assert about["examples"] == 110 and about["exact_match"] == pytest.approx(90 / 110)
    assert about["summary"] == decision.summary and about["wrong_cost"] == 3
    few = HeldOut(held.features[:5], held.acts[:5], held.correct[:5], held.out_of_scope[:5])
    assert "smoothed prior" in decide_contract(contract, few, rule)[1]["calibration_note"]


# ---------------------------------------------------------------- what is out of scope


class Guessing(Scripted):
    """Can be asked as if it did not know an intent: it then says something else."""

    def propose_without(self, utterances, unknown):  # type: ignore[no-untyped-def]
        self.unknown = [set(names) for names in unknown]
        return [Proposal((Call("other"),), (-3.0,)) for _ in utterances]


def test_each_row_is_asked_as_if_its_own_intent_were_unknown() -> None:
    recognizer = Guessing(ANSWERS, catalog_of(ROWS))
    unknown = answer_unknown(recognizer, ROWS, quiet)
    assert recognizer.unknown == [{"play_music"}, {"play_music"}, {"volume_down"}, {"volume_down"}]
    assert unknown.acts == [True] * 4 and unknown.features == [(-3.0,)] * 4
    assert not any(unknown.correct) and all(unknown.out_of_scope)
    assert len(answer_unknown(Scripted(ANSWERS, catalog_of(ROWS)), ROWS, quiet)) == 0
    assert len(answer_unknown(recognizer, ROWS, quiet, most=2)) == 2


def unsure(count: int) -> HeldOut:
    return HeldOut(
        [(-0.5 - k / 1e4,) for k in range(count)], [True] * count, [False] * count, [True] * count
    )


def test_the_unknown_lowers_confidence_by_its_share_and_is_no_held_out_row() -> None:
    held = many(180, 20, 0)
    alone, decision = judge_held_out(held, Rule())
    doubted, same = judge_held_out(held, Rule(), unsure(50), share=0.3)
    assert doubted.probability((-0.5,)) < alone.probability((-0.5,)) - 0.1
    assert same.answers == decision.answers == 200 and same.out_of_scope == 0
    # So many real ones need no stand-ins.
    enough = many(100, 10, 50)
    assert judge_held_out(enough, Rule(), unsure(50), share=0.3) == judge_held_out(enough, Rule())


def test_the_scope_is_told_from_the_same_evidence() -> None:
    held = many(60, 10, 0)
    scope = fit_scope(held, unsure(40))
    assert scope is not None
    assert scope.probability((-0.01,)) > 0.8 > 0.3 > scope.probability((-0.52,))
    aside = [HeldOut([(*f, k % 7.0) for k, f in enumerate(x.features)], x.acts, x.correct,
                     x.out_of_scope) for x in (held, unsure(40))]  # fmt: skip
    assert fit_scope(*aside, [0]).weights[1] == 0 != fit_scope(*aside).weights[1]  # type: ignore
    assert fit_scope(held, HeldOut()) is None and fit_scope(HeldOut(), unsure(40)) is None
    contract, _ = decide_contract(
        Scripted(ANSWERS, catalog_of(ROWS)).contract, held, Rule(), unsure(40)
    )
    assert contract.scope == scope
    recognizer = Scripted(ANSWERS, catalog_of(ROWS))
    recognizer.contract = contract
    sure = recognizer.judge("putar Hampa", Proposal((Call("play_music"),), (-0.01,)))
    odd = recognizer.judge("putar Hampa", Proposal((Call("play_music"),), (-0.52,)))
    assert sure.out_of_scope < 0.2 < 0.7 < odd.out_of_scope


def test_ordinary_sayings_are_asked_and_counted() -> None:
    rows = examples(*((f"tolong putar lagu nomor {k} untuk saya", "play()") for k in range(30)))

    class Eager(Scripted):
        def propose(self, utterances):  # type: ignore[no-untyped-def]
            self.asked = [*getattr(self, "asked", []), *utterances]
            return [Proposal((Call("play"),), (-0.01,)) for _ in utterances]

    recognizer = Eager({}, catalog_of(rows))
    background = answer_background(recognizer, rows, 40, 0, quiet)
    assert len(background.answers) == 40 == len(set(recognizer.asked))
    assert all(background.answers.out_of_scope) and not any(background.answers.correct)
    _, about = decide_contract(recognizer.contract, many(60, 5, 0), Rule(), None, background)
    assert about["background"]["sayings"] == 40 == about["stand_ins"]
    assert about["background"]["left_out"] == len(background.served)
    german = examples(*((f"bitte spiel das lied nummer {k} für mich", "play()") for k in range(30)))
    assert len(answer_background(recognizer, german, 40, 0, quiet).answers) == 0


def test_so_few_rows_carry_a_prior_whatever_stands_in_beside_them() -> None:
    held = many(12, 0, 0)
    calibration, decision = judge_held_out(held, Rule(), unsure(30))
    assert "smoothed prior" in calibration.note and decision.answers == 12
    assert (calibration.examples, calibration.correct) == (12, 12)
    wrong, _ = judge_held_out(many(0, 40, 0), Rule(), unsure(30))
    assert wrong.note.startswith("40 held-out answers (all of one outcome)")
    enough, _ = judge_held_out(many(180, 20, 0), Rule(), unsure(30))
    assert (enough.examples, enough.correct, enough.note) == (200, 180, "")
