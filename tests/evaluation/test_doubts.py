"""A likelier answer is doubted, each class against its own threshold."""

from label_error_cases import PLAYED, WEATHER, call, sure

from maksud.evaluation.doubts import find_doubts
from maksud.language.calls import Argument, Call
from maksud.recognizers.joint.scoring import AnswerScore


def test_agreement_is_no_doubt() -> None:
    assert find_doubts(sure(5)) == {}


def test_a_likelier_intent_is_doubted_by_its_margin() -> None:
    near = call(intent=-1.0, other=(WEATHER, -0.5))
    far = call(intent=-6.0, other=(WEATHER, -0.01))
    doubts = find_doubts([*sure(5), AnswerScore((near,)), AnswerScore((far,))])
    assert set(doubts) == {5, 6}
    assert doubts[6].score > doubts[5].score
    assert doubts[6].suggested == (WEATHER,) and doubts[6].kind == "intent"


def test_each_class_has_its_own_threshold() -> None:
    """p(weather) = 0.6 is confident where given weather is only half sure, else not."""
    doubted = AnswerScore((call(intent=-2.0, other=(WEATHER, -0.5)),))
    for own, expected in ((-0.7, True), (-0.01, False)):
        seen = [AnswerScore((call(WEATHER, intent=own, other=(PLAYED, -9.0)),))] * 40
        assert find_doubts([*seen, doubted])[40].confident is expected


def test_arguments_are_only_doubted_under_an_agreed_intent() -> None:
    better = Call("play", (Argument("song", "b"),))
    doubt = find_doubts([AnswerScore((call(arguments=-7.0, best=(better, -0.1)),))])[0]
    assert (doubt.kind, doubt.suggested) == ("arguments", (better,))
    both = call(intent=-5.0, other=(WEATHER, -0.1), arguments=-7.0, best=(better, -0.1))
    assert find_doubts([AnswerScore((both,))])[0].kind == "intent"


def test_the_same_arguments_found_elsewhere_are_no_doubt() -> None:
    again = Call("play", (Argument("song", "a"),))
    assert find_doubts([AnswerScore((call(arguments=-7.0, best=(again, -0.1)),))]) == {}
    assert find_doubts([AnswerScore((call(arguments=None, best=(WEATHER, -0.1)),))]) == {}


def test_an_unsure_suggestion_and_a_doubtful_parameter_rank_lower() -> None:
    better = Call("play", (Argument("song", "b"),))

    def scored(best: float, others: float) -> float:
        seen = [AnswerScore((call(arguments=others),))] * 40
        row = AnswerScore((call(arguments=best - 5.0, best=(better, best)),))
        return find_doubts([*seen, row])[40].score

    assert scored(-0.1, -0.1) > scored(-1.0, -0.1)
    assert scored(-0.1, -0.1) > scored(-0.1, -1.5)


def test_another_number_of_calls_is_doubted() -> None:
    two = AnswerScore((call(),), -4.0, (PLAYED, WEATHER), -0.05, -0.1)
    doubt = find_doubts([two])[0]
    assert (doubt.kind, doubt.suggested) == ("intent", (PLAYED, WEATHER))
    unsure = AnswerScore((call(),), -0.5, (PLAYED, WEATHER), -0.6, -0.3)
    assert find_doubts([unsure]) == {}
