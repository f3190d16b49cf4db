"""Findings are told in order, kept up to a limit, and always counted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.findings import Finding, Findings, escape_unprintable, excerpt, format_count


def info(code: str = "I-X", message: str = "x") -> Finding:
    return Finding("info", code, message)


def test_errors_come_first_and_codes_stay_together() -> None:
    found = Findings([info(), Finding("error", "E-Y", "y"), info("I-A"), info()])
    assert [f.code for f in found] == ["E-Y", "I-A", "I-X", "I-X"]
    assert found[0].level == "error" and found[1:3][0].code == "I-A"
    assert found.counts == {"error": 1, "warning": 0, "info": 3}
    assert repr(found) == "Findings(E-Y 1, I-A 1, I-X 2)"


def test_the_first_of_a_code_are_kept_and_all_are_counted() -> None:
    found = Findings(info(message=str(k)) for k in range(30))
    assert len(found) == 20 and found.codes == {"I-X": 30}
    shown = found.shown(5)
    assert [f.message for f in shown] == ["0", "1", "2", "3", "4", "… and 25 more of this kind"]
    assert len(Findings((info() for _ in range(30)), limit=None)) == 30


def test_what_is_not_kept_is_not_made() -> None:
    found = Findings(limit=2)
    made = []

    def make() -> Finding:
        made.append(1)
        return info()

    for _ in range(1000):
        found.note("I-X", make)
    assert len(made) == 2 and found.codes == {"I-X": 1000}


def test_each_gives_the_rows_that_are_wanted_and_counts_the_others() -> None:
    found = Findings(limit=3)
    seen = []
    for row in found.each("I-X", [7, 8, 9, 10, 11]):
        seen.append(row)
        found.append(info())
    assert seen == [7, 8, 9] and found.codes == {"I-X": 5}
    assert list(found.each("I-X", [12])) == [] and found.codes == {"I-X": 6}


def test_nothing_is_counted_that_has_no_example() -> None:
    with pytest.raises(ValueError, match="nothing of I-X"):
        Findings().more("I-X")


def test_findings_of_findings_keep_their_counts() -> None:
    part = Findings((info() for _ in range(30)), limit=4)
    whole = Findings([info()])
    whole.extend(part)
    assert whole.codes == {"I-X": 31} and len(whole) == 5


@given(st.lists(st.sampled_from(["I-A", "W-B", "E-C"])), st.integers(1, 4))
def test_counts_never_depend_on_the_limit(codes: list[str], limit: int) -> None:
    level: dict[str, Any] = {"I": "info", "W": "warning", "E": "error"}
    made = [Finding(level[c[0]], c, "x") for c in codes]
    cut, whole = Findings(made, limit=limit), Findings(made, limit=None)
    assert cut.codes == whole.codes and cut.counts == whole.counts
    assert all(len(g.kept) == min(limit, g.total) for g in cut.groups)
    assert sum(g.total for g in cut.groups) == len(codes)
    assert cut.to_json()["counts"] == whole.counts


def test_a_finding_is_one_line() -> None:
    assert str(Finding("error", "E-Y", "bad", "f:1", fix="mend")) == "ERROR E-Y f:1 bad - mend"
    assert Finding("info", "I-X", "x").to_json()["place"] == ""


def test_excerpts_are_short_and_printable() -> None:
    assert excerpt("a\x1b[31m") == '"a\\u001b[31m"'
    assert len(excerpt("x" * 500)) <= 82
    assert excerpt("a\u202eb\u200b") == '"a\\u202eb\\u200b"'
    assert escape_unprintable("a b\u00e9") == "a b\u00e9"


def test_counting_words() -> None:
    assert [format_count(n, "row") for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
