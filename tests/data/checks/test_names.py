"""Names: spellings of one, slips of another, and what is no name."""

from checked import WORDS, found, only, rows
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.checks import check
from maksud.data.checks.names import folded_name, slips, spellings
from maksud.data.dataset import Dataset, Example
from maksud.language.catalog import Catalog, Intent


def test_spellings_by_case_width_separators_and_lookalikes() -> None:
    alike = [
        "book_flight",
        "Book_Flight",
        "book-flight",
        "bookFlight",
        "ｂｏｏｋ_flight",
        "bооk_flight",
    ]
    assert len({folded_name(name) for name in alike}) == 1
    assert folded_name("book_flights") != folded_name("book_flight")


def test_the_declared_spelling_is_right_else_the_commonest() -> None:
    assert spellings({"A_b": 9, "ab": 2}, ()) == {"ab": "A_b"}
    assert spellings({"A_b": 9, "ab": 2}, ["ab"]) == {"A_b": "ab"}
    assert spellings({"A_b": 9}, ["ab"]) == {"A_b": "ab"}
    assert spellings({"on": 9, "ON": 9}, ["on", "ON"]) == {}


@given(st.dictionaries(st.text("aA_b", min_size=1, max_size=4), st.integers(1, 9)))
def test_every_name_has_one_right_spelling(counts: dict[str, int]) -> None:
    wrong = spellings(counts, ())
    assert all(right in counts and right not in wrong for right in wrong.values())
    kept = set(counts) - set(wrong)
    assert len({folded_name(name) for name in kept}) == len(kept)


def test_one_intent_under_two_names() -> None:
    finding = only(found([Example("putar itu saja", "Play()", source="t", line=5)]), "W-LABEL")
    assert finding.place == "t:5" and '"Play" is "play"' in finding.message
    assert "1 row" in finding.message


def test_one_parameter_under_two_names() -> None:
    extra = [
        Example("pesanan 12 dan 34", "play(order_id=12)"),
        Example("pesanan 56 dan 78", "play(order_id=56)"),
        Example("pesanan 90 dan 11", "stop(orderId=90)"),
    ]
    finding = only(found(extra), "W-NAMING")
    assert '"orderId" is "order_id"' in finding.message


def test_slips() -> None:
    assert slips({"play_music": 9, "play_musik": 1}) == [("play_musik", "play_music")]
    assert slips({"alarm_set": 9, "alarm_get": 9, "room_10": 1, "room_11": 1}) == []
    assert slips({"turn_light": 9, "torn_lights": 1}) == []
    extra = rows("play_music", 100) + [Example("putar lagu itu", "play_musik()")]
    assert '"play_musik" (1 use)' in only(found(extra), "W-NAMES").message
    both = rows("play_music", 60) + rows("play_musik", 50)
    assert "I-NAMES" in found(both).codes and "W-NAMES" not in found(both).codes


def test_slips_of_parameters_and_of_a_declared_catalog() -> None:
    extra = [Example(f"ke kota {w}", f"play(location={w})") for w in WORDS]
    extra += [Example("ke kota Bogor", "play(locaton=Bogor)"), Example("ke desa", "stop()")]
    assert "locaton" in found(extra).shown()[0].message or "W-NAMES" in found(extra).codes
    catalog = Catalog((Intent("play_music"), Intent("play_musik")))
    data = Dataset(rows("play_music", 60) + rows("play_musik", 50), catalog=catalog)
    assert "I-NAMES" not in check(data).codes


def test_what_is_no_name() -> None:
    finding = only(found([Example("itu", "x" * 129 + "()")]), "E-LABEL")
    assert "129 characters (max 128)" in finding.message
    assert "E-LABEL" not in found([Example("itu", "x" * 128 + "()")]).codes
    assert '"<"' in only(found([Example("itu", "<img>()")]), "W-MARKUP").message
