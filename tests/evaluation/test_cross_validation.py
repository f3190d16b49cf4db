"""No network judges what it was taught."""

from collections.abc import Sequence
from typing import Any

import pytest
from joint_data import single

from maksud.data.dataset import Dataset, Example
from maksud.evaluation.label_errors import find_label_errors
from maksud.recognizers.joint.scoring import AnswerScore


def test_no_network_scores_what_it_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    from maksud.recognizers.compact import training
    from maksud.recognizers.joint import scoring

    data = Dataset(single(60))
    learnt: list[set[str]] = []
    train = training.train_compact

    def watched(examples: Sequence[Example], *rest: Any, **named: Any) -> dict[str, Any]:
        learnt.append({e.instruction for e in examples})
        return train(examples, *rest, **named)

    class Watched(scoring.Scorer):
        def score(self, examples: Sequence[Example]) -> list[AnswerScore]:
            assert not learnt[-1] & {e.instruction for e in examples}
            return super().score(examples)

    monkeypatch.setattr(training, "train_compact", watched)
    monkeypatch.setattr(scoring, "Scorer", Watched)
    find_label_errors(data, folds=2, rounds=1)
    assert len(learnt) == 2
