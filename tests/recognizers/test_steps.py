"""Long work in steps: seen from outside, and ended between two."""

import pytest

from maksud.recognizers.steps import Abandoned, step, watch


def test_a_step_that_nobody_watches_is_nothing() -> None:
    step()


def test_steps_are_told_to_who_watches_and_to_nobody_else() -> None:
    seen: list[int] = []
    with watch(lambda: seen.append(1)):
        step()
        with watch(lambda: seen.append(2)):
            step()
        step()
    step()
    assert seen == [1, 2, 1]


def test_a_step_may_end_the_work() -> None:
    def end() -> None:
        raise Abandoned

    with pytest.raises(Abandoned), watch(end):
        step()
        raise AssertionError("went on")
    step()
