"""Times and weights beside an example."""

from typing import Any

import pytest
from checked import found, only
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.checks.metadata import moment_of, weight_fault
from maksud.data.dataset import Example


def told(**metadata: Any) -> set[str]:
    return set(found([Example("satu saja", "play()", metadata=metadata)]).codes)


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-31",
        "2024-05-31T08:00:00+07:00",
        "2024-05-31T01:00:00Z",
        1717117200,
        1717117200000,
        "1717117200",
        0,
    ],
)
def test_times(value: Any) -> None:
    assert told(created_at=value) == set()


@pytest.mark.parametrize("value", ["kemarin", "31/05/2024", "", None, True, -5, [1], 1e300])
@pytest.mark.parametrize("name", ["time", "created_at", "timestamp"])
def test_what_is_no_time(name: str, value: Any) -> None:
    assert told(**{name: value}) == {"W-TIME"}


def test_the_future() -> None:
    example = Example("satu saja", "play()", metadata={"time": "2999-01-01"}, source="t", line=3)
    finding = only(found([example]), "W-TIME")
    assert "in the future" in finding.message and finding.place == "t:3"


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (1, True),
        (0.5, True),
        (1e6, True),
        (0, False),
        (-1, False),
        ("1", False),
        (True, False),
        (1e7, False),
        (float("nan"), False),
        (None, False),
    ],
)
def test_weights(value: Any, right: bool) -> None:
    assert (weight_fault(value) == "") is right
    assert told(weight=value) == (set() if right else {"E-WEIGHT"})


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none()))
def test_any_value_is_a_moment_or_none(value: Any) -> None:
    moment = moment_of(value)
    assert moment is None or moment.tzinfo is not None
