"""The call language: parsing is total, linear, and the inverse of formatting."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.errors import CallSyntaxError
from maksud.language.calls import (
    NONE,
    Argument,
    Call,
    format_calls,
    is_name,
    parse_calls,
    same_answer,
)

names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(
    lambda n: is_name(n) and n != "none"
)
values = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
arguments = st.builds(Argument, st.none() | names, values)
calls = st.lists(st.builds(Call, names, st.lists(arguments, max_size=4).map(tuple)), min_size=1)


@given(calls)
def test_formatting_and_parsing_are_inverse(answer: list[Call]) -> None:
    assert parse_calls(format_calls(answer)) == tuple(answer)


@given(st.text(max_size=60) | st.text('ab(),;="\\ \n', max_size=60))
def test_parsing_is_total_and_canonical(text: str) -> None:
    try:
        answer = parse_calls(text)
    except CallSyntaxError as error:
        assert 0 <= error.position <= len(text)
        assert "\n" not in str(error)
        return
    assert parse_calls(format_calls(answer)) == answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("play_music()", (Call("play_music"),)),
        ("weather_search(Hangzhou)", (Call("weather_search", (Argument(None, "Hangzhou"),)),)),
        ("play_music(***)", (Call("play_music", (Argument(None, "***"),)),)),
        ("f( a = b c , d )", (Call("f", (Argument("a", "b c"), Argument(None, "d"))),)),
        ('f(a="x, (y)")', (Call("f", (Argument("a", "x, (y)"),)),)),
        ("a(x);b()", (Call("a", (Argument(None, "x"),)), Call("b"))),
        ("none()", (NONE,)),
        ("天气(城市=上海)", (Call("天气", (Argument("城市", "上海"),)),)),
        ("मौसम(दिल्ली)", (Call("मौसम", (Argument(None, "दिल्ली"),)),)),
    ],
)
def test_reads(text: str, expected: tuple[Call, ...]) -> None:
    assert parse_calls(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 0, "empty"),
        ("   ", 3, "empty"),
        ("a", 1, "expected '('"),
        ("a(", 2, "expected a value"),
        ("a(b", 3, "expected ',' or ')'"),
        ("a()b()", 3, "expected ';'"),
        ("a();", 4, "after ';'"),
        ("a(,)", 2, "expected a value"),
        ("a(\u00a0)", 2, "expected a value"),
        ("a(b=)", 4, "expected a value"),
        ("a(b=c=d)", 5, "double quotes"),
        ("f(x (y))", 4, "double quotes"),
        ('f("x)', 2, "JSON string"),
        ('f("\\ud800")', 2, "surrogate"),
        ("none();a()", 0, "stand alone"),
        ("none(x)", 0, "no arguments"),
    ],
)
def test_refuses_with_a_position(text: str, position: int, says: str) -> None:
    with pytest.raises(CallSyntaxError) as caught:
        parse_calls(text)
    assert caught.value.position == position
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "piece", ["a", "a-", "a(", "f(a=", "f(a,", '"', 'f("\\\\', ";", "a();", "f(" + "x " * 9]
)
def test_parsing_ends_on_any_length(piece: str) -> None:
    """A million characters: work that grew with their square would not end today."""
    text = piece * (1_000_000 // len(piece))
    with contextlib.suppress(CallSyntaxError):
        assert parse_calls(text)


def test_formatting_refuses_what_could_not_be_read_back() -> None:
    with pytest.raises(ValueError, match="not a name"):
        format_calls([Call("two words")])


def test_same_answer_ignores_the_order_of_arguments_only() -> None:
    a = parse_calls("f(x=1, y=2);g()")
    assert same_answer(a, parse_calls("f(y=2, x=1);g()"))
    assert not same_answer(a, parse_calls("g();f(x=1, y=2)"))
    assert not same_answer(a, parse_calls("f(x=1, y=3);g()"))
    assert not same_answer(a, a[:1])
    assert not same_answer(parse_calls("f(x=1)"), parse_calls("f(y=1)"))
    assert not same_answer(parse_calls("f(x=1)"), parse_calls("f(1)"))
    assert not same_answer(parse_calls("f(x=1)"), parse_calls("g(x=1)"))
    assert same_answer(parse_calls("f(1, 2)"), parse_calls("f(2, 1)"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a() 123456789012", "found '123456789012' at character 4"),
        ("a() 1234567890123", "found '123456789012…' at character 4"),
        ("a(b", "but the text ends at character 3"),
        ("(b)", "expected an intent name, found '(b)' at character 0"),
    ],
)
def test_an_error_shows_what_it_found_and_where(text: str, says: str) -> None:
    with pytest.raises(CallSyntaxError) as caught:
        parse_calls(text)
    assert says in str(caught.value)


def test_values_are_written_in_their_own_script() -> None:
    assert str(Call("f", (Argument(None, "a, é"),))) == 'f("a, é")'


def test_the_last_half_of_a_pair_is_refused() -> None:
    with pytest.raises(CallSyntaxError, match="surrogate"):
        parse_calls('f("\\udfff")')


@given(st.text(st.sampled_from('ab(),;= "\t\u2028\x00\u3000é#'), max_size=24))
def test_splitting_reads_what_token_by_token_reads(text: str) -> None:
    from maksud.language import calls

    if calls._PLAIN.fullmatch(text) and '"' not in text:
        assert [calls._split(part) for part in text.split(";")] == calls._read(text)


@pytest.mark.parametrize("text", ["f(a=b c, d)", "f()", "f(x);g(y=z , w=é)", "f(a=b\u3000)"])
def test_plain_answers_are_split(text: str) -> None:
    from maksud.language import calls

    assert calls._PLAIN.fullmatch(text)
    assert [calls._split(part) for part in text.split(";")] == calls._read(text)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", "a"),
        ("a b", "a b"),
        ("", '""'),
        (" a", '" a"'),
        ("a\u00a0", '"a\u00a0"'),
        ("\u3000", '"\u3000"'),
        ("a=b", '"a=b"'),
        ('"', '"\\""'),
        ("a\u2028b", '"a\u2028b"'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_only_a_value_that_must_be_is_quoted(value: str, written: str) -> None:
    assert format_calls([Call("f", (Argument("x", value),))]) == f"f(x={written})"
    assert parse_calls(f"f(x={written}, {written})")[0].arguments == (
        Argument("x", value),
        Argument(None, value),
    )


def test_names_of_any_letters_are_read_whole() -> None:
    text = "X(X=1, XX=X, Xa=2, aX=3);XX()"
    assert [(a.name, a.value) for a in parse_calls(text)[0].arguments] == [
        *(("X", "1"), ("XX", "X"), ("Xa", "2"), ("aX", "3"))
    ]
    assert format_calls(parse_calls(text)) == text


def test_an_error_without_a_next_step_ends_with_its_place() -> None:
    with pytest.raises(CallSyntaxError) as caught:
        parse_calls("a()b()")
    assert str(caught.value) == "expected ';' or the end after ')', found 'b()' at character 3"


def test_space_around_tokens_means_nothing_and_its_lack_neither() -> None:
    tight = 'f("a,",b,"c;",x="=",y=d);g("(",e)'
    loose = ' f ( "a," , b\t,\n"c;" , x = "=" , y = d ) ; g ( "(" , e ) '
    assert parse_calls(tight) == parse_calls(loose)
    assert [a.value for c in parse_calls(tight) for a in c.arguments] == [
        *("a,", "b", "c;", "=", "d", "(", "e")
    ]
