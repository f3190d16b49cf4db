"""Arguments: values that were not said, parameters that never vary, orders by chance."""

import pytest
from checked import WORDS, found, only

from maksud.data.checks import check
from maksud.data.checks.parameters import _as_said
from maksud.data.dataset import Dataset, Example
from maksud.language.catalog import Catalog, Intent, Parameter


def test_a_value_that_was_not_said() -> None:
    extra = [Example("putar lagu hampa", "play(song=Hampa)", source="t", line=4)]
    finding = only(found(extra), "W-VALUE")
    assert finding.place == "t:4" and "in other letter case" in finding.message
    assert "W-VALUE" not in found([Example("putar lagu Hampa", "play(song=Hampa)")]).codes


def test_what_is_never_said_is_taken_for_a_code() -> None:
    """Without a catalog, values that mostly do not stand in the text are not copied ones."""
    coded = [Example(f"matikan {w}", f"play(device=D{k})") for k, w in enumerate(WORDS)]
    assert "W-VALUE" not in found(coded).codes
    said = [Example(f"matikan {w}", f"play(device={w})") for w in WORDS]
    assert only(found([*said, coded[0]]), "W-VALUE")


def test_the_catalog_says_what_is_copied() -> None:
    row = [Example("matikan itu", "off(device=D1)")]
    for parameter, told in (
        (Parameter("device"), True),
        (Parameter("device", copied=False), False),
        (Parameter("device", type="enumeration", values=("D1",)), False),
    ):
        catalog = Catalog((Intent("off", parameters=(parameter,)),))
        assert ("W-VALUE" in check(Dataset(row, catalog=catalog)).codes) is told


def test_absent_values_are_counted_beyond_the_kept_ones() -> None:
    said = [Example(f"matikan {k}a", f"play(device={k}a)") for k in range(60)]
    absent = [Example(f"nyalakan {k}b", f"play(device={k}x)") for k in range(50)]
    findings = found(said + absent)
    assert findings.codes["W-VALUE"] == 50
    assert sum(f.code == "W-VALUE" for f in findings) == 20


def test_a_parameter_with_one_value() -> None:
    same = [Example(f"naik kereta {w}", "play(by=kereta)") for w in WORDS]
    assert "all of 10 times" in only(found(same), "I-ONEVALUE").message
    assert "I-ONEVALUE" not in found(same[1:]).codes
    other = Example("naik bus", "play(by=bus)")
    assert "I-ONEVALUE" not in found([*same, other]).codes


def test_positional_parameters_are_called_as_the_catalog_calls_them() -> None:
    finding = only(found([Example("cuaca di sana", "weather(Bogor)")]), "W-VALUE")
    assert "weather: value=" in finding.message
    both = [Example("dari Bogor ke sana", "go(Bogor, Solo)")]
    assert "go: value2=" in only(found(both), "W-VALUE").message


def orders(*outputs: str) -> list[Example]:
    return [Example(f"{k} dari Bogor ke Solo", output) for k, output in enumerate(outputs)]


def test_an_order_by_chance() -> None:
    a, b = "go(a=Bogor, b=Solo)", "go(b=Solo, a=Bogor)"
    finding = only(found(orders(a, a, a, b)), "W-ORDER")
    assert "a stands before b 3 times, and behind it 1 times" in finding.message
    assert "W-ORDER" not in found(orders(a, a, a, a)).codes


def test_one_order_and_the_order_of_speech_are_rules() -> None:
    spoken = [
        Example("dari Bogor ke Solo", "go(a=Bogor, b=Solo)"),
        Example("ke Solo dari Bogor", "go(b=Solo, a=Bogor)"),
    ]
    assert "W-ORDER" not in found(spoken).codes
    fixed = [
        Example("dari Bogor ke Solo", "go(a=Bogor, b=Solo)"),
        Example("ke Solo dari Bogor", "go(a=Bogor, b=Solo)"),
    ]
    assert "W-ORDER" not in found(fixed).codes


@pytest.mark.parametrize(
    ("values", "text", "said"),
    [
        (["3", "6"], "rate it 3 out of 6", True),
        (["6", "3"], "rate it 3 out of 6", False),
        (["6", "3"], "6 books: rate 3 of 6", True),
        (["absent", "6"], "out of 6", True),
    ],
)
def test_the_order_of_speech(values: list[str], text: str, said: bool) -> None:
    assert _as_said(values, text) is said
