"""Outputs against the call language and the catalog, and labels against an older version."""

import pytest
from checked import found, good, only, rows

from maksud.data.checks import check
from maksud.data.dataset import Dataset, Example
from maksud.language.catalog import Catalog, Intent, Parameter

CATALOG = Catalog(
    (
        Intent("play", parameters=(Parameter("song"),)),
        Intent("stop"),
        Intent("light", parameters=(Parameter("state", type="enumeration", values=("on", "off")),)),
    )
)


def test_the_declared_catalog_is_held() -> None:
    bad = [
        Example("hidupkan satu", "ligth(state=on)", source="t", line=1),
        Example("hidupkan dua", "light(stat=on)", source="t", line=2),
        Example("hidupkan tiga", "light(state=dim)", source="t", line=3),
    ]
    findings = check(Dataset(good() + bad, catalog=CATALOG))
    told = [f for f in findings if f.code == "E-LABEL"]
    assert [f.place for f in told] == ["t:1", "t:2", "t:3"]
    assert "Nearest: light" in told[0].message
    assert findings.codes["I-UNUSED"] == 1  # play: song


def test_what_no_example_uses() -> None:
    findings = check(Dataset(rows("play", 3) + rows("stop", 3), catalog=CATALOG))
    assert "light" in only(findings, "W-UNUSED").message
    assert "play: song" in only(findings, "I-UNUSED").message


def test_a_name_that_is_no_name_is_told_as_a_label() -> None:
    finding = only(found([Example("satu", "play,music()", source="t", line=1)]), "E-LABEL")
    assert "U+002C" in finding.message
    assert "E-CALL" in found([Example("satu", "play")]).codes


def changed(new: list[Example], catalog: Catalog | None = None) -> dict[str, str]:
    old = [
        Example("putar Hampa", "play(song=Hampa)"),
        Example("putar Rindu", "play(song=Rindu)"),
        Example("hentikan", "stop()"),
        Example("entah", "none()"),
    ]
    before = Dataset(old, catalog=catalog, version="music@2")
    findings = check(Dataset(new, catalog=catalog and CATALOG), against=before)
    return {f.code: f.message for f in findings if "SCHEMA" in f.code}


def test_a_label_that_is_gone() -> None:
    assert changed([Example("putar Hampa", "play(song=Hampa)")]) == {
        "E-SCHEMA": "stop of music@2 is gone; it was used by 1 row"
    }
    assert changed([Example("putar", "play()"), Example("hentikan", "stop()")]) == {
        "E-SCHEMA": "play: song of music@2 is gone; it was used by 2 rows"
    }


def test_a_label_that_is_new() -> None:
    same = [Example("putar Hampa", "play(song=Hampa)"), Example("hentikan", "stop()")]
    assert changed(same) == {}
    assert changed([*same, Example("terang", "light()")]) == {
        "I-SCHEMA": "light is new since music@2"
    }


@pytest.mark.parametrize(
    ("parameter", "what"),
    [
        (Parameter("state"), "was text and is enumeration"),
        (
            Parameter("state", type="enumeration", values=("on", "off", "dim")),
            "lost the values dim",
        ),
    ],
)
def test_a_declaration_that_changed(parameter: Parameter, what: str) -> None:
    before = Catalog((*CATALOG.intents[:2], Intent("light", parameters=(parameter,))))
    same = [Example("putar Hampa", "play(song=Hampa)"), Example("hentikan", "stop()")]
    assert what in changed(same, before)["W-SCHEMA"]
