"""Broken bodies: each a 400 that says where, never a traceback, never a changed value."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.http.api_error import ApiError
from maksud.http.json_body import MAX_DEPTH, Repeated, dumps, kind_of, parse_json


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"\xef\xbb\xbf{}", "byte order mark at byte 0"),
        (b'{"a": "\xff"}', "byte 0xFF at 7"),
        (b'{"a": 1', "line 1 column 8"),
        (b'{"a": 1,\n "b": oops}', "line 2 column 7"),
        (b"{'a': 1}", "line 1 column 2"),
        (b'{"a": "NaN",\n "b": NaN}', "NaN is no JSON number, line 2 column 7"),
        (b'{"a": 1,\n"b": 2,\n "c": NaN}', "NaN is no JSON number, line 3 column 7"),
        (b'{"a": [-Infinity]}', "-Infinity is no JSON number, line 1 column 8"),
        (b'{"a": 1e999}', "1e999 is no JSON number, line 1 column 7"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"a": 1, "a": 2}', "key 'a' appears twice"),
        (b'{"a": 1, "b": 1, "b": 2}', "key 'b' appears twice"),
        (b'{"a" : 1, "a": 2}', "key 'a' appears twice"),
        (b'{"a"\n: 1, "a"\t: 2}', "key 'a' appears twice"),
        (b'{"a" :1,"b":2,"b":2}', "key 'b' appears twice"),
        (b'{"a": {"b": [{"c":1,"d":":\\":","c":1}]}}', "key 'c' appears twice"),
        (b'{"a": {"x":1,"y":2}, "a": "\\":\\":"}', "key 'a' appears twice"),
        (b'{"\\u0061":1,"a":2}', "key 'a' appears twice"),
        (b'{"a": "\\ud83d"}', "lacks its other half"),
        (b'{"\\udc00": 1}', "lacks its other half"),
        (b"[1]", "expected a JSON object, found a list"),
        (b"null", "expected a JSON object, found null"),
        (b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH + b"x", "line 1"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "nested deeper than 32"),
        (b'{"a":' + b"[" * 200_000, "nested deeper than 32"),
    ],
)
def test_broken_json_is_told_with_its_place(body: bytes, says: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_json(body)
    assert caught.value.status == 400 and caught.value.code == "invalid_json"
    assert says in str(caught.value)


@settings(deadline=None)
@given(
    st.recursive(
        st.sampled_from(['1', '":"', '" :"', '"\\":"', '"a"', 'null', '"\\u003a"']),
        lambda below: (
            st.lists(below, max_size=3).map(lambda parts: "[" + ",".join(parts) + "]")
            | st.lists(
                st.tuples(st.sampled_from(['"a"', '"b"', '"\\":"', '":"']),
                          st.sampled_from([":", ": ", " :", "\n:", "\t :"]), below),
                max_size=3,
            ).map(lambda pairs: "{" + ",".join("".join(pair) for pair in pairs) + "}")
        ),
        max_leaves=12,
    )
)  # fmt: skip
def test_no_key_is_ever_lost(text: str) -> None:
    twins: list[bool] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twins.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    content = json.loads('{"x": ' + text + "}", object_pairs_hook=look)
    try:
        assert parse_json(b'{"x": ' + text.encode() + b"}") == content and not any(twins)
    except ApiError as error:
        assert any(twins) and "appears twice" in str(error)


def test_the_deepest_that_is_allowed() -> None:
    body = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    assert parse_json(body) == json.loads(body)


def test_a_pair_of_halves_is_a_character() -> None:
    assert parse_json(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: ("{" + t + "}").encode()))
def test_any_bytes_are_an_object_or_an_api_error(body: bytes) -> None:
    try:
        assert isinstance(parse_json(body), dict)
    except ApiError as error:
        assert error.status == 400


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text("abc"), below, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(st.text("abcé"), VALUES, max_size=5))
def test_what_is_written_is_read_back(content: dict[str, Any]) -> None:
    assert parse_json(dumps(content)) == content


def test_writing_never_gives_what_is_no_json() -> None:
    assert json.loads(dumps({"a": "x\ud800"})) == {"a": "x\ud800"}
    with pytest.raises(ValueError):
        dumps({"a": math.nan})


def test_json_is_written_in_few_bytes() -> None:
    assert dumps({"a": ["é", 1]}) == '{"a":["é",1]}'.encode()


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ([], "an empty list"),
        ({}, "an empty object"),
        ([0], "a list"),
        ({"a": 0}, "an object"),
        ("", "a text"),
        (False, "true or false"),
        (None, "null"),
        (0, "a number"),
        (0.5, "a number"),
    ],
)
def test_what_a_value_is_in_a_word(value: object, word: str) -> None:
    assert kind_of(value) == word


# ---------------------------------------------------------------- what comes again and again


def test_a_value_that_comes_again_is_the_same_and_the_rest_is_read() -> None:
    known = Repeated("tools")
    tools = [{"name": "a", "deep": {"n": [1, 2.5, None, "tools"]}}]
    first = parse_json(dumps({"m": 1, "tools": tools, "n": "x"}), known)
    again = parse_json(dumps({"m": 2, "tools": tools, "n": ["y"]}), known)
    assert first == {"m": 1, "tools": tools, "n": "x"}
    assert again == {"m": 2, "tools": tools, "n": ["y"]} and list(again) == ["m", "tools", "n"]
    assert again["tools"] is parse_json(dumps({"tools": tools}), known)["tools"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"tools":[1,2],"a":1}',  # goes on otherwise
        b'{"tools":[1]}',
        b'{"tools": [1]}',  # with the blank that json.dumps writes
        b'{"a":{"tools":[1]}}',  # further inside
        b'{"a":{"tools":[1]},"tools" :null}',
        b'{"tools" :[true],"a":{"tools":[1]}}',
        b'{"tools":[1],"a":{"tools":[1]}}',
        b'{"a":"\\"tools\\":[1]","tools":[3]}',  # said, not meant
        b'{"tools":{"tools":[1]}}',
        b'{"tools":"[1]"}',
    ],
)
def test_what_is_known_changes_no_other_body(body: bytes) -> None:
    known = Repeated("tools")
    parse_json(b'{"tools":[1]}', known)
    for _ in range(2):
        read = parse_json(body, known)
        assert read == json.loads(body) and repr(read) == repr(json.loads(body))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"tools":[1],\n "b": oops}', "line 2 column 7"),
        (b'{"tools":[1],\n "b": NaN}', "NaN is no JSON number, line 2 column 7"),
        (b'{"tools":[1]', "line 1 column 13"),
        (b'{"tools":[1],"tools" :[1]}', "key 'tools' appears twice"),
        (b'{"tools":[1],"\\u0074ools":[1]}', "key 'tools' appears twice"),
        (b'{"tools":[1]]}', "line 1 column 13"),
    ],
)
def test_beside_what_is_known_faults_are_told_as_ever(body: bytes, says: str) -> None:
    known = Repeated("tools")
    parse_json(b'{"tools":[1]}', known)
    for repeated in (known, None):
        with pytest.raises(ApiError) as caught:
            parse_json(body, repeated)
        assert says in str(caught.value)


def test_what_was_refused_is_not_known_and_few_are_kept() -> None:
    known = Repeated("tools")
    for broken in (b'{"tools":[1],"a":1,"a":2}', b'{"tools":[NaN]}', b'{"tools":["\\ud800"]}'):
        with pytest.raises(ApiError):
            parse_json(broken, known)
        with pytest.raises(ApiError):
            parse_json(broken, known)
    assert not known._known
    for k in range(3 * Repeated.MOST):
        parse_json(dumps({"tools": [k]}), known)
    parse_json(dumps({"tools": ["x" * Repeated.LONGEST]}), known)
    assert list(known._known) == [f"[{k}]" for k in range(2 * known.MOST, 3 * known.MOST)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('a":,[]{}\\', max_size=4),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.sampled_from(["tools", "a", '"tools":']), inside, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(["tools", "a", "b"]), JSON), max_size=6))
def test_bodies_in_a_row_are_read_as_each_alone(bodies: list[dict[str, Any]]) -> None:
    known = Repeated("tools")
    for body in bodies + bodies:
        for text in (dumps(body), json.dumps(body).encode()):
            assert repr(parse_json(text, known)) == repr(body)
