"""The call of a reading has only what the catalog allows, and is judged without words about it."""

import pytest

from maksud.language import catalog as catalog_module
from maksud.language.calls import Argument, parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.joint.arguments import CallWriter
from maksud.recognizers.joint.tokens import Token, tokenize

CATALOG = Catalog(
    (
        Intent(
            "alarm",
            parameters=(
                Parameter("sound", type="enumeration", values=("Bell", "bird")),
                Parameter("repeat", type="boolean"),
                Parameter("volume", type="number", copied=False),
                Parameter("place"),
            ),
        ),
    )
)
TEXT = "bell in the hall true 7 loud"


def values(*given: tuple[str, str]) -> list[tuple[str, Token, Token]]:
    words = {t.text: t for t in tokenize(TEXT)}
    return [(name, words[said], words[said]) for name, said in given]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ([("sound", "bell")], "alarm(sound=Bell)"),
        ([("sound", "hall")], "alarm()"),
        ([("repeat", "true"), ("place", "hall")], "alarm(repeat=true, place=hall)"),
        ([("repeat", "loud")], "alarm()"),
        ([("volume", "7")], "alarm(volume=7)"),
        ([("volume", "loud")], "alarm()"),
        ([("unknown", "hall")], "alarm()"),
    ],
)
def test_what_the_catalog_forbids_is_left_out_without_a_message(
    given: list[tuple[str, str]], written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nearest(*_: object) -> str:
        raise AssertionError("a message was made that nobody reads")

    monkeypatch.setattr(catalog_module, "nearest", nearest)
    writer = CallWriter(CATALOG, ["alarm"], ["sound", "repeat", "volume", "place"], [], {})
    assert str(writer.write("alarm", TEXT, values(*given), [])) == written


def test_a_chosen_value_that_is_not_said_is_no_copy() -> None:
    writer = CallWriter(CATALOG, ["alarm"], ["place", "sound"], [], {})
    call = writer.write("alarm", TEXT, [], [Argument("sound", "bird"), Argument("place", "attic")])
    assert (call,) == parse_calls("alarm(sound=bird)")


def test_half_of_a_pair_is_no_part_of_a_value() -> None:
    text = "bell in (the hall)"
    words = tokenize(text)
    writer = CallWriter(CATALOG, ["alarm"], ["place"], [("place", ">", "l")], {})
    call = writer.write("alarm", text, [("place", words[3], words[-1])], [])
    assert (call,) == parse_calls("alarm(place=the hal)")  # and then the affix, as training saw it


def test_a_picture_that_training_never_saw_is_no_part_of_a_value() -> None:
    text = "bell in hall\U0001f600"
    words = tokenize(text)
    for known, written in ((True, "hall\U0001f600"), (False, "hall")):
        writer = CallWriter(
            CATALOG,
            ["alarm"],
            ["place"],
            [],
            {},
            lambda sign, known=known: known,  # type: ignore[misc]
        )
        call = writer.write("alarm", text, [("place", words[2], words[3])], [])
        assert call.arguments[0].value == written


def test_a_number_is_copied_whole_up_to_the_value_beside_it() -> None:
    catalog = Catalog(
        (
            Intent(
                "order",
                parameters=(
                    Parameter("qty", type="number"),
                    Parameter("more", type="number"),
                    Parameter("code"),
                ),
            ),
        )
    )
    writer = CallWriter(catalog, ["order"], ["qty", "more", "code"], [], {})

    def written(text: str, *given: tuple[str, str]) -> str:
        words = {t.text: t for t in tokenize(text)}
        return str(writer.write("order", text, [(n, words[w], words[w]) for n, w in given], []))

    assert written("pesan 2 ribu pizza", ("qty", "2")) == "order(qty=2 ribu)"
    assert written("pesan 3,5 pizza", ("qty", "5")) == 'order(qty="3,5")'
    assert written("kode 12-7 ribu", ("code", "7")) == "order(code=12-7)"  # no number
    assert written("3 ribu 4", ("qty", "3"), ("more", "4")) == "order(qty=3 ribu, more=4)"
    assert written("3 4,5", ("qty", "3"), ("more", "5")) == 'order(qty=3, more="4,5")'
