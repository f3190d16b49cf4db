"""Forms of a verb are told to be of it, and other words are not."""

import pytest

from maksud.recognizers.verbs import Verbs, participles, root


def test_roots_are_cut_of_what_is_long_enough() -> None:
    assert [root(w) for w in ("batalkan", "batalin", "batal")] == ["batal"] * 3
    assert root("main") == "main" and root("akan") == "akan" and root("") == ""


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("cancel", "cancelled"),
        ("cancel", "canceled"),
        ("stop", "stopped"),
        ("change", "changed"),
        ("verify", "verified"),
        ("play", "played"),
        ("send", "sent"),
        ("set", "set"),
        ("turn", "turned"),
    ],
)
def test_participles(verb: str, form: str) -> None:
    assert form in participles(verb)
    assert Verbs([verb], ["en"]).passive([form, "off"]) == (verb, 1)
    assert Verbs([verb], ["id"]).passive([form, "off"]) == ("", 0)


def test_active_forms_of_a_verb() -> None:
    verbs = Verbs(["matikan", "putar", "lampu"], ["id"])
    assert [verbs.active(w) for w in ("matikan", "matiin", "putarkan", "lampu")] == [
        "matikan", "matikan", "putar", "lampu",
    ]  # fmt: skip
    assert [verbs.active(w) for w in ("mati", "lampunya", "main", "")] == [""] * 4
    assert Verbs(["matikan"], ["en"]).active("matiin") == ""


def test_passive_forms_of_a_verb() -> None:
    verbs = Verbs(["batalkan", "batalin", "ganti"], ["id"])
    for said, size in (
        (["dibatalkan", "ya"], 1),
        (["dibatalin"], 1),
        (["dibatal"], 1),
        (["dibatalkannya"], 1),
        (["di", "batalkan"], 2),
        (["di", "-", "batalin"], 3),
    ):
        verb, taken = verbs.passive(said)
        assert verb in ("batalkan", "batalin") and taken == size
    assert verbs.passive(["digantiin"]) == verbs.passive(["diganti"]) == ("ganti", 1)
    for said in (["di"], ["di", "-"], ["di", "rumah"], ["dia"], ["batalkan"], [], ["diskon"]):
        assert verbs.passive(said) == ("", 0)
