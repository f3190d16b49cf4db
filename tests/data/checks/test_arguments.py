"""How arguments are written: cut by a comma, without a name, twice."""

from __future__ import annotations

import pytest
from checked import WORDS, found, only

from maksud.data.checks import check
from maksud.data.dataset import Dataset, Example
from maksud.language.catalog import Catalog, Intent, Parameter


def said(*rows: tuple[str, str]) -> list[Example]:
    return [Example(text, answer, source="t", line=k) for k, (text, answer) in enumerate(rows, 1)]


# ---------------------------------------------------------------- an unquoted comma


@pytest.mark.parametrize(
    ("text", "answer", "whole"),
    [
        ("ingatkan bayar listrik, air besok", "remind(task=bayar listrik, air)", "listrik, air"),
        ("putar Hampa, Ari Lasso", "play(Hampa, Ari Lasso)", "Hampa, Ari Lasso"),
        ("beli gula,kopi", "buy(gula,kopi)", "gula, kopi"),
        ("catat a, b, c", "note(x=a, b, c)", "a, b"),
    ],
)
def test_a_value_that_a_comma_cut_in_two(text: str, answer: str, whole: str) -> None:
    findings = found(said((text, answer)))
    first = next(f for f in findings if f.code == "W-UNQUOTED")
    assert whole in first.message and first.place == "t:1" and "in quotes" in first.fix
    assert "W-MIXED" not in findings.codes  # once is enough


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ingatkan bayar listrik, air besok", 'remind(task="bayar listrik, air")'),
        ("dari Bogor ke Solo", "go(Bogor, Solo)"),
        ("ingatkan air, besok", "remind(task=air, day=besok)"),
    ],
)
def test_what_was_meant_is_not_told(text: str, answer: str) -> None:
    assert "W-UNQUOTED" not in found(said((text, answer))).codes


def test_a_second_place_that_is_usual_is_a_parameter() -> None:
    both = [Example(f"dari {w} ke Solo", f"go({w}, Solo)") for w in WORDS]
    listed = said(("dari Bogor, Solo", "go(Bogor, Solo)"))
    assert "W-UNQUOTED" not in found([*both, *listed]).codes
    one = [Example(f"ke {w}", f"go({w})") for w in WORDS]
    assert only(found([*one, *listed]), "W-UNQUOTED")


def test_the_comma_is_found_where_a_catalog_names_the_rest() -> None:
    parameters = (Parameter("task"), Parameter("day"))
    catalog = Catalog((Intent("remind", parameters=parameters),))
    rows = said(
        ("ingatkan listrik, air", "remind(task=listrik, air)"),
        ("ingatkan listrik, air", "remind(listrik, air)"),
        ("ingatkan air, besok", "remind(task=air, day=besok)"),
    )
    findings = check(Dataset(rows, catalog=catalog))
    assert [f.place for f in findings if f.code == "W-UNQUOTED"] == ["t:1", "t:2"]


# ---------------------------------------------------------------- with a name and without


def test_one_parameter_with_and_without_its_name() -> None:
    rows = said(("cuaca Solo", "weather(Solo)"), ("cuaca di Bogor", "weather(city=Bogor)"))
    finding = only(found(rows), "W-MIXED")
    assert 'weather: 1 call with a value that has no name, others have "city"' in finding.message
    assert finding.place == "t:1"


def test_a_value_without_a_name_behind_one_with_a_name() -> None:
    assert only(found(said(("putar Hampa dari Ari", "play(song=Hampa, Ari)"))), "W-MIXED")


def test_one_style_is_no_mixture() -> None:
    rows = said(("cuaca Solo besok", "weather(Solo, day=besok)"), ("cuaca Bogor", "weather(Bogor)"))
    assert "W-MIXED" not in found(rows).codes
    rows = said(("a Solo", "f(Solo)"), ("b Solo", "g(city=Solo)"))
    assert "W-MIXED" not in found(rows).codes
    rows = said(("cuaca Solo", "weather(Solo)"), ("cuaca di Bogor", "weather(city=Bogor)"))
    catalog = Catalog((Intent("weather", parameters=(Parameter("city"),)),))
    assert "W-MIXED" not in check(Dataset(rows, catalog=catalog)).codes


# ---------------------------------------------------------------- twice


def test_a_parameter_that_is_given_twice() -> None:
    once = [Example(f"pesan {w}", f"order(food={w})") for w in WORDS * 3]
    finding = only(found([*once, *said(("soto nasi", "order(food=soto, food=nasi)"))]), "W-TWICE")
    assert 'order: "food" is given several times in 1 call' in finding.message
    same = said(*(("soto nasi", "order(food=soto, food=soto)"),) * 3)
    assert "with the same value in 3" in only(found([*once, *same]), "W-TWICE").message


def test_a_list_on_purpose_is_an_info() -> None:
    once = [Example(f"pesan {w}", f"order(food={w})") for w in WORDS]
    lists = said(("soto nasi", "order(food=soto, food=nasi)"), ("b c d", "order(food=b, food=c)"))
    findings = found([*once, *lists])
    assert only(findings, "I-TWICE") and "W-TWICE" not in findings.codes
    twice = said(("soto lalu nasi", "order(food=soto);order(food=nasi)"))
    assert not {"I-TWICE", "W-TWICE"} & set(found(twice).codes)
