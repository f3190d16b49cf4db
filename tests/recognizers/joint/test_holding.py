"""What intents that may not be answered have is given to none(), or shared out."""

import numpy as np
import pytest

from maksud.recognizers.joint.decoding import IMPOSSIBLE
from maksud.recognizers.joint.holding import Held

INTENTS = ["on", "off", "none"]
LP = np.log(np.array([[0.2, 0.7, 0.1]], np.float32))


def test_what_is_closed_speaks_for_none_where_that_may_be_answered() -> None:
    held = Held.within([{"on", "none"}], INTENTS)
    assert not held.masks.any()
    assert np.exp(held.give(LP, 2))[0] == pytest.approx([0.2, 0, 0.8])
    assert (LP[0] > -3).all()  # is left as it was


@pytest.mark.parametrize(
    "held",
    [Held.within([{"on"}], INTENTS), Held.without([{"off", "none"}], INTENTS),
     Held.within([{"on", "none"}], ["on", "off", "other"])],
)  # fmt: skip
def test_else_it_is_shared_out(held: Held) -> None:
    assert held.masks[0].tolist() == [0, IMPOSSIBLE, IMPOSSIBLE]
    assert held.give(LP, 2) is LP


def test_each_row_has_its_own() -> None:
    held = Held.within([None, {"off"}, {"off", "none"}, set()], INTENTS)
    assert held.masks.any(1).tolist() == [False, True, False, True]
    made = held.of([0, 2]).give(np.concatenate([LP, LP]), 2)
    assert np.array_equal(made[0], LP[0]) and np.exp(made[1]) == pytest.approx([0, 0.7, 0.3])
    assert Held.without([], INTENTS).masks.shape == (0, 3)
