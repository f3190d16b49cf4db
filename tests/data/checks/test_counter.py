"""Counter-examples: which intents have none, told once and only as something to know."""

from dataclasses import replace

import pytest

from maksud.data.checks import check
from maksud.data.checks.counter import EACH, ENOUGH, look_for_counters
from maksud.data.dataset import Dataset, Example
from maksud.demo.shipped import SCENARIOS, load_shipped

ROOMS = "dapur teras garasi gudang lorong balkon taman loteng kamar ruang tamu aula".split()  # noqa: SIM905
ACTING = [
    *(Example(f"tolong nyalakan lampu di {r} untuk saya", f"on(room={r})") for r in ROOMS),
    *(Example(f"tolong putar lagu yang dari {r} untuk saya", f"play(song={r})") for r in ROOMS),
]


def lacking(*more: Example) -> list[str]:
    return list(look_for_counters([*ACTING, *more], None).lacking())


def test_what_was_never_seen_negated_is_told_once_for_each_intent() -> None:
    findings = [f for f in check(Dataset(ACTING)) if f.code == "I-COUNTER"]
    assert [f.level for f in findings] == ["info", "info"]
    assert findings[0].message == f"on: no counter-example beside {len(ROOMS)} rows"
    assert "--suggest" in findings[0].fix


@pytest.mark.parametrize(
    "text",
    [
        "jangan nyalakan lampu",
        "nggak usah dinyalain",
        "tadi aku sudah nyalakan lampu teras",
        "nyalakan lampu, eh nggak jadi",
        "kata ibu jangan lagi ada lampu yang nyala",
    ],
)
def test_a_row_that_says_it_without_wishing_is_a_counter_example(text: str) -> None:
    assert lacking(Example(text, "none()")) == ["play"]


@pytest.mark.parametrize(
    "row",
    [
        Example("jangan nyalakan lampu", "on()"),  # is acted on
        Example("jangan lupa nyalakan lampu", "none()"),
        Example("jangan berisik", "none()"),
        Example("aku tidak suka warna lampu", "none()"),  # one word, and not what is denied
        Example("nyalakan lampu", "none()"),  # no cue: a contradiction, which others tell
        Example("jangan nyalakan lampu", "none()", split="test"),
        Example("jangan nyalakan lampu", ""),
        Example("tadi lampu nyala, putar lagu", "play()"),  # of what is answered, no past
    ],
)
def test_what_is_none(row: Example) -> None:
    assert lacking(row) == ["on", "play"]


def test_another_answer_is_a_counter_example_too() -> None:
    assert lacking(Example("jangan nyalakan lampu, putar lagu", "play()")) == ["play"]


def test_english() -> None:
    rooms = [Example(f"please turn on the lamp in the {r}", f"on(room={r})") for r in ROOMS]
    songs = [Example(f"please play me the song {r}", f"play(song={r})") for r in ROOMS]
    more = [Example("there's no need to play songs, don't play", "none()")]
    assert list(look_for_counters([*rooms, *songs], None).lacking()) == ["on", "play"]
    assert list(look_for_counters([*rooms, *songs, *more], None).lacking()) == ["on"]


def test_pairs_say_so_themselves() -> None:
    pair = [
        replace(ACTING[0], metadata={"pair": "1"}),
        Example("kalau lampu itu merusak mata", "none()", metadata={"pair": "1"}),
    ]
    assert lacking(*pair) == ["play"]
    assert lacking(pair[0]) == ["on", "play"]
    same = replace(ACTING[1], metadata={"pair": "1"})
    assert lacking(pair[0], same) == ["on", "play"]
    assert lacking(Example("kucing", "none()", metadata={"counters": "on"})) == ["play"]
    assert lacking(Example("kucing", "on()", metadata={"counters": "on"})) == ["on", "play"]
    assert lacking(Example("kucing", "none()", metadata={"pair": 7, "counters": 7})) == [
        *("on", "play"),
    ]


def test_intents_with_few_rows_and_other_languages_are_left_alone() -> None:
    few = ACTING[: ENOUGH - 1]
    assert not look_for_counters(few, None).lacking()
    assert look_for_counters(ACTING[:ENOUGH], None).lacking()
    spanish = [Example(f"quiero que la luz de {r} esta para mi", f"on(x={r})") for r in ROOMS]
    assert not look_for_counters(spanish, None).lacking()
    open_ = [Example(f"lampu {r}", f"on(room={r})") for r in ROOMS]
    assert not look_for_counters(open_, None).lacking()
    assert look_for_counters([*ACTING, *open_[:1]], None).main_language == "Indonesian"


def test_many_intents_make_one_finding() -> None:
    def rows(n: int) -> list[Example]:
        return [
            Example(f"tolong kerjakan hal{k} di {r} untuk saya", f"intent{k:02}()")
            for k in range(n)
            for r in ROOMS
        ]

    def told(n: int) -> list[str]:
        return [f.message for f in check(Dataset(rows(n))) if f.code == "I-COUNTER"]

    assert len(told(EACH)) == EACH
    [message] = told(EACH + 1)
    assert message.startswith(f"{EACH + 1} intents have no counter-example: intent00, intent01")


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("language", ["id", "en"])
def test_shipped_data_gets_nothing_worse_than_info(scenario: str, language: str) -> None:
    found = check(load_shipped(scenario, language))
    assert all(f.level == "info" for f in found if f.code == "I-COUNTER")
