"""Figures of agreement, on examples whose values are published."""

from __future__ import annotations

import pytest

from maksud.labelling.agreement import agreement


def test_cohen_s_own_example() -> None:
    """20 and 15 on which two agree, 5 and 10 on which they do not: 0.4."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    rows = [(who, k, pair[i]) for k, pair in enumerate(pairs) for i, who in enumerate("ab")]
    found = agreement(rows)
    assert found["cohen"]["mean"] == pytest.approx(0.4)
    assert found["equal"] == pytest.approx(0.7) and found["items"] == 50


def test_fleiss_s_worked_example() -> None:
    """14 raters, 10 subjects, 5 categories: 0.210."""
    table = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    rows = []
    for k, counts in enumerate(table):
        answers = [str(c) for c, n in enumerate(counts) for _ in range(n)]
        rows += [(f"r{i}", k, answer) for i, answer in enumerate(answers)]
    assert agreement(rows)["fleiss"] == pytest.approx(0.210, abs=0.0005)


def test_krippendorff_s_example_with_gaps() -> None:
    """Four observers, twelve units, some not seen by all: 0.743 for nominal data."""
    seen = {
        "a": "1 2 3 3 2 1 4 1 2 * * *", "b": "1 2 3 3 2 2 4 1 2 5 * 3",
        "c": "* 3 3 3 2 3 4 2 2 5 1 *", "d": "1 2 3 3 2 4 4 1 2 5 1 *",
    }  # fmt: skip
    rows = [(who, k, v) for who, line in seen.items() for k, v in enumerate(line.split())
            if v != "*"]  # fmt: skip
    found = agreement(rows)
    assert found["krippendorff"] == pytest.approx(0.743, abs=0.0005)
    assert found["fleiss"] is None  # not all items have equally many labels
    assert found["items"] == 11 and len(found["cohen"]["pairs"]) == 6


def test_nothing_to_say_is_no_figure() -> None:
    alone = agreement([("a", 1, "x"), ("a", 2, "y")])
    assert (alone["items"], alone["equal"], alone["krippendorff"]) == (0, None, None)
    same = agreement([("a", 1, "x"), ("b", 1, "x")])
    assert (same["equal"], same["cohen"]["mean"], same["krippendorff"]) == (1.0, None, None)
