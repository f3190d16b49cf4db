"""Variety of phrasing is measured on patterns, not on texts."""

from checked import WORDS, found, only
from hypothesis import given
from hypothesis import strategies as st

from maksud.data.checks import examine
from maksud.data.checks.rows import read_answer
from maksud.data.checks.variety import pattern
from maksud.data.dataset import Dataset, Example
from maksud.language.folding import normalise

SONGS = [f"lagu{a}{b}" for a in WORDS for b in WORDS]


def sung(templates: list[str]) -> list[Example]:
    """A hundred examples, expanded from the templates."""
    return [
        Example(templates[k % len(templates)].format(song), f"sing(song={song})", split="train")
        for k, song in enumerate(SONGS)
    ]


def test_values_and_digits_do_not_make_a_pattern() -> None:
    answer = read_answer("f(song=Hampa, place=New York)", None)
    said = normalise("Putar Hampa di New York, 3 kali")
    assert pattern(said, answer) == "putar {song} di {place} 0 kali"
    positional = read_answer("f(Hampa)", None)
    assert pattern(normalise("putar Hampa 12"), positional) == "putar {value} 00"


def test_a_longer_value_goes_before_one_inside_it() -> None:
    answer = read_answer("f(a=York, b=New York)", None)
    assert pattern("new york to york", answer) == "{b} to {a}"


def test_a_value_is_whole_words() -> None:
    assert pattern("iklan di kl", read_answer("f(place=kl)", None)) == "iklan di {place}"


def test_expansions_of_a_few_templates_are_told_with_the_templates() -> None:
    finding = only(found(sung(["nyanyikan {}", "tolong nyanyikan {} dong"])), "W-VARIETY")
    assert "100 examples are 2 patterns" in finding.message
    assert '"nyanyikan {song}" 50 times' in finding.message


def test_many_ways_to_say_it_are_no_fault() -> None:
    ways = [f"{a} {b} {{}}" for a in WORDS for b in ("nyanyi", "dendangkan", "lagukan")]
    assert "W-VARIETY" not in found(sung(ways)).codes


def test_many_examples_of_each_pattern_are_told_even_where_ten_make_less_than_half() -> None:
    ways = [f"{a} {b} {{}}" for a in WORDS for b in ("nyanyi", "dendangkan", "lagukan")]
    data = [Example(way.format(song), f"sing(song={song})") for way in ways for song in SONGS[:12]]
    finding = only(found(data), "W-VARIETY")
    assert "360 examples are 30 patterns, 10 of which make 33%" in finding.message


def test_a_common_opening_is_told() -> None:
    data = [Example(f"coba kamu {a} {b}", "try_it()") for a in WORDS for b in WORDS]
    assert '"coba kamu"' in only(found(data), "I-OPENING").message


def test_out_of_scope_and_combined_examples_have_no_pattern() -> None:
    data = [Example("apa saja itu", "none()") for _ in range(200)]
    checked = examine(Dataset(data + sung(["nyanyikan {}"])))
    figures = {i.name: i.patterns for i in checked.profile.intents}
    assert figures == {"none": None, "sing": 1}


@given(st.text(max_size=30), st.text(max_size=30))
def test_patterns_of_any_text(text: str, value: str) -> None:
    from maksud.language.calls import Argument, Call, format_calls

    try:
        output = format_calls([Call("f", (Argument("p", value),))])
    except ValueError:
        return
    said = pattern(normalise(text), read_answer(output, None))
    assert isinstance(said, str)
