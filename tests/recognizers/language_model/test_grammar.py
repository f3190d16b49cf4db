"""The grammar accepts exactly what the catalog writes, and always knows a way to the end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_model_cases import answers, catalogs, spans, utterances

from maksud.language.calls import Argument, Call, parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.language_model.grammar import REPEATS, Answers, Grammar
from maksud.recognizers.language_model.parts import END, FREE, NUMBER, Spans, Text, edges

MUSIC = Catalog(
    (
        Intent("play", parameters=(Parameter("song", many=True), Parameter("artist"))),
        Intent("weather", positional=True, parameters=(Parameter("city"), Parameter("day"))),
        Intent(
            "lamp",
            parameters=(
                Parameter("state", type="enumeration", values=("on", "one, two")),
                Parameter("level", type="number", copied=False),
                Parameter("note", copied=False),
                Parameter("night", type="boolean", copied=False),
            ),
        ),
    )
)


def accepts(text: str, utterance: str, catalog: Catalog = MUSIC) -> bool:
    found = Answers(Grammar(catalog), utterance)
    state = found.start
    for byte in text.encode():
        choices = found.choices(state)
        state = found.step(state, byte)
        if choices is not None:
            assert bool(state) == (byte in choices)
        if not state:
            return False
    return found.ends(state)


@pytest.mark.parametrize(
    "text",
    [
        "none()",
        "play()",
        "play(song=lagu Hampa)",
        "play(artist=Hampa, song=5)",  # any order; between digits and letters, too
        "play(song=Hampa, song=lagu)",
        "weather(Hampa)",
        "weather(Hampa, 5pm)",
        "weather(day=5pm)",
        'play(song="Hampa (live")',  # what must be quoted is a JSON string
        "lamp(state=on)",
        'lamp(state="one, two", level=-1.5, night=true)',
        'lamp(level="1,000")',
        "lamp(note=anything at all)",
        'lamp(note="f(x)\\n")',
        "play();weather(5);lamp()",
    ],
)
def test_what_can_be_written(text: str) -> None:
    utterance = "putar lagu Hampa (live) jam 5pm"
    assert accepts(text, utterance)
    calls = parse_calls(text)
    assert MUSIC.render(calls) == text and not MUSIC.violations(calls, utterance)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pause()",
        "none();play()",
        "play();none()",
        "play(song=)",
        "play(song=Hamp)",  # a piece of a word
        "play(song=ampa)",
        "play(song=Rindu)",  # not in the utterance
        "play(song= Hampa)",
        "play(song=Hampa )",
        'play(song="Hampa")',  # quoted without need
        "play(song=Hampa (live)",
        "play(title=Hampa)",
        "play(Hampa)",
        "play(song=Hampa,artist=lagu)",
        "weather(Hampa, 5pm, jam)",
        "weather(city=Hampa)",  # it writes these without names
        "weather(city=Hampa, day=5pm)",
        "lamp(state=off)",
        "lamp(state=on, state=on)",
        "lamp(level=1,000)",
        "lamp(level=five)",
        "lamp(night=yes)",
        "lamp(note= x)",
        'lamp(note="x")',
        "play()x",
        "play() ;play()",
    ],
)
def test_what_can_not_be_written(text: str) -> None:
    assert not accepts(text, "putar lagu Hampa (live) jam 5pm")


@pytest.mark.parametrize(
    ("value", "is_number"),
    [
        ("5", True),
        ("+5", True),
        ("-1.5", True),
        ("1.000.000", True),
        ("1,000", True),
        ("-1,000.5", True),
        ("5 apples", False),
        ("5x", False),
        ("x5", False),
        ("5.", False),
        (".5", False),
        ("1,", False),
        ("1,,0", False),
        ("1,-0", False),
        ("--5", False),
        ("-", False),
    ],
)
def test_a_number_is_one_from_its_start_to_its_end(value: str, is_number: bool) -> None:
    calls = (Call("lamp", (Argument("level", value),)),)
    assert (not MUSIC.violations(calls, "x")) == is_number
    assert accepts(MUSIC.render(calls), "x") == is_number


def test_a_number_is_quoted_only_where_it_must_be() -> None:
    for text in ('lamp(level="5")', 'lamp(level="1.5")', "lamp(level=1,5)"):
        assert not accepts(text, "x")


def test_a_parameter_stands_once_and_one_that_is_many_so_often() -> None:
    assert accepts("play(artist=a)", "a") and not accepts("play(artist=a, artist=a)", "a")
    for times in (REPEATS, REPEATS + 1):
        text = f"play({', '.join(['song=a'] * times)})"
        assert accepts(text, "a") == (times <= REPEATS)


def test_without_words_there_is_nothing_to_copy() -> None:
    for utterance in ("", "  ", "\ud800"):
        assert accepts("play()", utterance) and not accepts("play(song=a)", utterance)
        found = Answers(Grammar(MUSIC), utterance)
        state = found.start
        for byte in b"play(":
            state = found.step(state, byte)
        assert found.choices(state) == [ord(")")]


@pytest.mark.parametrize(
    ("utterance", "wanted", "not_wanted"),
    [
        ("jam 5pm lalu", {"5", "pm", "5pm", "jam 5"}, {"m", "ja"}),
        ("播放音乐", {"播", "音乐"}, set()),
        ("di Kota-Lama, ya", {"Kota", "Lama", "Kota-Lama", "Kota-Lama,"}, {"Kot"}),
        ("nyalakan lampunya, ACnya", {"lampu", "lampunya", "AC"}, {"lampun", "lamp", "nya"}),
        ("สวัสดี", {"สวัสดี"}, {"ัส"}),  # a mark is never cut off its letter
    ],
)
def test_where_words_begin_and_end(utterance: str, wanted: set[str], not_wanted: set[str]) -> None:
    found = set(spans(utterance))
    assert wanted <= found and not not_wanted & found
    starts, ends = edges(utterance)
    assert all(not utterance[a].isspace() for a in starts)
    assert all(not utterance[b - 1].isspace() for b in ends)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_valid_answer_can_be_written(data: st.DataObject) -> None:
    catalog, utterance = data.draw(catalogs), data.draw(utterances)
    calls = data.draw(answers(catalog, utterance))
    text = catalog.render(calls)
    if catalog.violations(parse_calls(text), utterance):
        return  # a boolean that must be copied, say: nothing can be valid
    assert accepts(text, utterance, catalog), text


SOME_BYTES = sorted(set('aZ5 "\\,;()=\n\x7fé\u2028\u00a0日'.encode()))
"""Bytes that are tried where any may fit."""


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_written_is_valid_and_ends_in_the_bytes_foretold(data: st.DataObject) -> None:
    catalog, utterance = data.draw(catalogs), data.draw(utterances)
    found = Answers(Grammar(catalog), utterance)
    state, text = found.start, bytearray()
    for _ in range(data.draw(st.integers(0, 30))):
        choices = found.choices(state)
        if choices is None:
            choices = [b for b in SOME_BYTES if found.step(state, b)]
        if not choices:
            break
        text.append(data.draw(st.sampled_from(choices)))
        state = found.step(state, text[-1])
    while not found.ends(state):  # the shortest way out
        choices = found.choices(state) or SOME_BYTES
        left, byte = min((found.left(after), b) for b in choices if (after := found.step(state, b)))
        assert left == found.left(state) - 1
        text.append(byte)
        state = found.step(state, byte)
    assert found.left(state) == 1
    calls = parse_calls(text.decode())
    assert catalog.render(calls) == text.decode()
    assert catalog.violations(calls, utterance) == []


@pytest.mark.parametrize("more", ["x", " ", '"', "\\", "é", "é)"])
def test_nothing_stands_between_a_closing_quote_and_what_follows(more: str) -> None:
    assert accepts('lamp(note="f(x)")', "b")
    assert not accepts(f'lamp(note="f(x)"{more})', "b")


def test_free_text_is_utf_8_from_its_first_byte() -> None:
    found = Answers(Grammar(MUSIC), "b")
    for before in (b"lamp(note=", b"lamp(note=a", b'lamp(note="', b'lamp(note="('):
        state = found.start
        for byte in before:
            state = found.step(state, byte)
        assert state and not any(found.step(state, byte) for byte in range(0x80, 0xC2))
        assert all(found.step(state, byte) for byte in range(0xC3, 0xF4))


def test_the_fixed_texts_are_those_of_the_catalog() -> None:
    """All that a vocabulary must be able to write, beside what is copied or free."""
    wanted = ["none(), =;", "play", "song", "artist", "weather", "city", "day", "lamp", "state"]
    wanted += ["on", '"one, two"', "level", "note", "night", "true", "false"]
    assert list(Grammar(MUSIC).texts()) == wanted


def test_a_fixed_text_is_one_part_however_often_it_is_asked() -> None:
    grammar = Grammar(MUSIC)
    assert grammar.text("play(") is grammar.text("play(")
    assert grammar.text("play(").text == b"play(" != grammar.text("lamp(").text


def test_without_an_outside_none_is_no_answer() -> None:
    found = Answers(Grammar(MUSIC, outside=False), "a")
    assert found.choices(found.start) == sorted(b"pwl")
    state = found.start
    for byte in b"play()":
        state = found.step(state, byte)
    assert found.ends(state)


@pytest.mark.parametrize(
    ("written", "left"),
    [
        (b"", 1),
        (b"a", 0),
        (b"a ", 1),  # never ends in a blank
        (b"a b", 0),
        (b'"', 2),  # what needs the quotes, and the closing one
        (b'"a', 2),
        (b'"(', 1),
        (b'"(a', 1),
        (b'"\\', 2),  # an escaped quote, and the closing one
        (b'"\\"', 1),
        (b'"\\\\', 2),  # a backslash alone needs no quotes
        (b'"(\\', 2),
        (b'"(\\\\', 1),
        (b'"("', 0),
        (b"\xc3", 1),
        (b"\xdf", 1),
        (b"a\xc3", 1),
        (b"a \xc3", 1),
        (b"\xe0", 2),
        (b"\xe3", 2),
        (b"\xef", 2),
        (b"\xe3\x81", 1),
        (b"\xf0", 3),
        (b"\xf4", 3),
        (b"\xf0\x9f", 2),
        (b"\xf0\x9f\x98", 1),
        (b"\xf0\x9f\x98\x80", 0),
        (b'"\xc3', 3),
        (b'"(\xc3', 2),
        (b'"\xf0\x9f', 4),
    ],
)
def test_how_many_bytes_free_text_still_needs(written: bytes, left: int) -> None:
    (place,) = FREE.starts()
    for byte in written:
        (place,) = FREE.step(place, byte)
    assert FREE.left(place) == left
    if left:  # a byte that leads one nearer to the end is among those that fit
        some = range(256) if (fits := FREE.choices(place)) is None else fits
        after = [FREE.left(p) for byte in some for p in FREE.step(place, byte)]
        assert min(after) == left - 1


def test_free_text_in_quotes_is_what_the_catalog_writes() -> None:
    for value in ('(")', "(\\", "(\\\\\\", "\t", "(\n", '"', "a, \x7f", "(é", "日(\\"):
        text = MUSIC.render((Call("lamp", (Argument("note", value),)),))
        assert accepts(text, "x"), text
    assert not accepts('lamp(note="a\\\\b")', "x")  # nothing in it needs the quotes
    assert not accepts('lamp(note="(\\x")', "x") and not accepts('lamp(note="(\\é")', "x")


@pytest.mark.parametrize("place", [("plain\\", b""), ("ready\\", b"")])
def test_only_what_json_escapes_stands_behind_a_backslash(place: tuple[str, bytes]) -> None:
    fits = [byte for byte in range(256) if FREE.step(place, byte)]
    assert fits == sorted(FREE.choices(place) or ()) == sorted(b'"\\bfnrt')


@pytest.mark.parametrize(
    ("begun", "first", "last"),
    [
        (b"\xc3", 0x80, 0xBF),
        (b"\xe0", 0xA0, 0xBF),
        (b"\xed", 0x80, 0x9F),
        (b"\xf0", 0x90, 0xBF),
        (b"\xf4", 0x80, 0x8F),
    ],
)
def test_a_character_that_is_begun_goes_on_as_utf_8(begun: bytes, first: int, last: int) -> None:
    for mode in ("start", "word", "blank", "plain", "ready"):
        place = (mode, begun)
        if mode in ("start", "word", "blank") and begun == b"\xc3":
            assert FREE.choices(place) == list(range(first, last + 1))
        fits = [byte for byte in range(256) if FREE.step(place, byte)]
        assert FREE.choices(place) == fits == list(range(first, last + 1))


def test_nothing_follows_the_end_of_a_part() -> None:
    (at,) = END.starts()
    assert END.left(at) == 1 and not list(END.choices(at) or ())
    closed = Spans("(a", frozenset(range(256)), quoted=True)
    place = step_all(closed, b'"(a"')
    for part, shut in ((FREE, ("shut", b"")), (NUMBER, "shut"), (closed, place)):
        fits = part.choices(shut)
        assert part.left(shut) == 0 and fits is not None and not list(fits)
    for byte in range(256):
        assert not END.step(at, byte)
        assert not FREE.step(("shut", b""), byte) and not NUMBER.step("shut", byte)
        assert not closed.step(place, byte)


def step_all(part: Spans | Text, written: bytes) -> int:
    """The one place behind some bytes; at the beginning there may be several."""
    places = list(part.starts())
    for byte in written:
        places = [after for place in places for after in part.step(place, byte)]
    (place,) = places
    return int(place)


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("", 7),  # play() and the end, nearer than none()
        ("n", 6),
        ("none()", 1),
        ("play", 3),
        ("play(", 2),
        ("play(s", 7),  # ong=a)
        ("play(song=", 3),
        ("play(song=a", 2),
        ('play(song="', 4),  # a bracket and a quote, then the call's bracket
        ('play(song="a', 4),
        ('play(song="a(', 3),
        ('play(song="a("', 2),
        ("lamp(state=", 4),
        ("lamp(level=", 3),
        ('lamp(level="', 6),
        ("lamp(level=-", 3),
        ("weather(day", 4),
        ("weather(a", 2),
        ("play()", 1),
        ("play();", 7),
    ],
)
def test_how_many_bytes_an_answer_still_needs(written: str, left: int) -> None:
    found = Answers(Grammar(MUSIC), "a(")
    state = found.start
    for byte in written.encode():
        state = found.step(state, byte)
    assert found.left(state) == left


def test_what_can_only_be_copied_in_quotes_needs_them_counted() -> None:
    found = Answers(Grammar(MUSIC), "(")
    state = found.start
    for byte in b"play(song=":
        state = found.step(state, byte)
    assert found.left(state) == len('"(")') + 1 and found.choices(state) == [ord('"')]


def test_a_number_takes_ten_digits_two_signs_and_its_marks() -> None:
    assert sorted(NUMBER.choices("start") or ()) == sorted(b'0123456789+-"')
    assert sorted(NUMBER.choices("digits") or ()) == sorted(b"0123456789.")
    lefts = [NUMBER.left(p) for p in ("start", "open", "digits", "quoted", "quoted open")]
    assert lefts == [1, 1, 0, 4, 4]
    rest = [NUMBER.left(p) for p in ("quoted digits", "comma open", "comma", "shut")]
    assert rest == [3, 2, 1, 0]


def test_what_a_vocabulary_can_not_write_is_not_copied() -> None:
    found = Answers(Grammar(MUSIC), "aé b", frozenset(range(128)))
    assert found.copies
    state = found.start
    for byte in b"play(song=":
        state = found.step(state, byte)
    assert found.choices(state) == [ord("b")]
    assert not Answers(Grammar(MUSIC), "é", frozenset(range(128))).copies
