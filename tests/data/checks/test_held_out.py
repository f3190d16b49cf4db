"""How few rows are measured."""

import pytest
from checked import found, good, only, rows

from maksud.data.checks import check
from maksud.data.checks.held_out import FEW, doubt
from maksud.data.dataset import Dataset
from maksud.recognizers.door import _splits
from maksud.recognizers.kinds import kind_of_base
from maksud.recognizers.settings import TrainSettings


def test_six_rows_are_told_with_what_they_can_hide() -> None:
    """0.61^6 = 0.05: six right answers go with 39 % of wrong ones."""
    finding = only(found(rows("play", 6, "dev")), "W-HELDOUT")
    assert finding.level == "warning"
    assert finding.message == (
        "dev: only 6 rows held out: were all of them right, 39% of the answers could still be "
        "wrong; confidence may rest on them alone"
    )


@pytest.mark.parametrize(("count", "told"), [(FEW - 1, True), (FEW, False)])
@pytest.mark.parametrize("split", ["dev", "test"])
def test_where_enough_begins(count: int, told: bool, split: str) -> None:
    assert ("W-HELDOUT" in found(rows("play", count, split)).codes) is told


def test_without_a_dev_split_a_tenth_of_train_counts() -> None:
    assert "W-HELDOUT" not in check(Dataset(good())).codes
    few = Dataset(rows("play", 40) + rows("stop", 25))
    message = only(check(few), "W-HELDOUT").message
    assert message.startswith("dev (training takes a tenth of train): only 6 rows held out")
    nothing = Dataset(rows("play", 5) + rows("stop", 4))
    assert "nothing is held out" in only(check(nothing), "W-HELDOUT").message


def test_training_tells_it_with_its_notes() -> None:
    """A compact network is trained on parts, so that training rows count for confidence too."""
    few = Dataset(rows("play", 40) + rows("stop", 25))
    for base, folds, rest in (
        ("compact", 3, " and on training rows, answered by recognizers that did not see them"),
        ("compact", 0, ""),
        ("e5-small", 3, ""),
    ):
        _, dev, notes = _splits(few, TrainSettings(base=base, folds=folds), kind_of_base(base))
        assert doubt(len(dev), f"confidence rests on them{rest}") in notes and len(dev) < FEW
    enough = Dataset(rows("play", 90) + rows("stop", 90) + rows("play", 30, "dev"))
    notes = _splits(enough, TrainSettings(base="compact"), kind_of_base("compact"))[2]
    assert not [n for n in notes if "held out:" in n]
