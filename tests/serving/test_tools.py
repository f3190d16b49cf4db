"""Calls as tools, without a server: what is asked, how it fits the catalog, what is sent."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maksud.http.api_error import ApiError
from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.catalog_tools import catalog_to_tools
from maksud.language.conversation import Turn
from maksud.serving.tools import MAX_TOOLS, Toolbox, ToolsAsked, read_tools

CATALOG = Catalog(
    (
        Intent("play", parameters=(Parameter("song", many=True),)),
        Intent(
            "volume",
            parameters=(
                Parameter("level", type="number", required=True, question="Berapa?"),
                Parameter("room", type="enumeration", values=("dapur", "kamar")),
                Parameter("mute", type="boolean"),
            ),
        ),
        Intent("remind", parameters=(Parameter("time", type="datetime"), Parameter("note"))),
        Intent("stop"),
    )
)
OURS = catalog_to_tools(CATALOG)


def tool(name: str, properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def asked(tools: Any = OURS, **more: Any) -> ToolsAsked:
    found = read_tools({"tools": tools, **more})
    assert found is not None
    return found


def box(tools: Any = OURS, **more: Any) -> Toolbox:
    return Toolbox(asked(tools, **more), CATALOG, "m")


def refused(tools: Any = OURS, **more: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        box(tools, **more)
    assert caught.value.status == 400
    return caught.value


def sent(toolbox: Toolbox, text: str) -> list[Any]:
    """Name and arguments of what is sent, and what is missing."""
    made, gaps = toolbox.write(CATALOG.name_arguments(parse_calls(text)))
    assert len({c.id for c in made}) == len(made) and all(c.id.startswith("call_") for c in made)
    return [*((c.name, json.loads(c.arguments)) for c in made), *map(str, gaps)]


# ---------------------------------------------------------------- what is asked


@pytest.mark.parametrize("content", [{}, {"tools": []}, {"tools": None, "functions": []}])
@pytest.mark.parametrize("choice", [{}, {"tool_choice": "none"}, {"function_call": "none"}])
def test_what_asks_for_no_tool_asks_for_nothing(content: Any, choice: Any) -> None:
    assert read_tools(content | choice | {"parallel_tool_calls": True}) is None


def test_what_a_choice_means() -> None:
    names = CATALOG.names
    one = {"type": "function", "function": {"name": "stop"}}
    some = {"mode": "auto", "tools": [one, {**one, "function": {"name": "play"}}, one]}
    cases: list[tuple[Any, str, tuple[str, ...], frozenset[str] | None]] = [
        (None, "auto", names, None),
        ("auto", "auto", names, None),
        ("required", "required", names, frozenset(names)),
        (one, "required", ("stop",), frozenset({"stop"})),
        (
            {"type": "allowed_tools", "allowed_tools": some},
            "auto",
            ("stop", "play"),
            frozenset({"stop", "play", "none"}),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {**some, "mode": "required"}},
            "required",
            ("stop", "play"),
            frozenset({"stop", "play"}),
        ),
    ]
    for choice, mode, allowed, intents in cases:
        found = asked(tool_choice=choice)
        assert (found.mode, found.names, found.parallel) == (mode, allowed, True)
        assert box(tool_choice=choice).allowed == intents
    assert asked(tool_choice="none").mode == "none"
    assert not asked(parallel_tool_calls=False).parallel
    assert box(OURS[:1]).allowed == frozenset({"play", "none"})


def test_the_older_fields_mean_the_same() -> None:
    functions = [t["function"] for t in OURS]
    found = read_tools({"functions": functions, "function_call": {"name": "stop"}})
    assert found is not None and found.is_old and not found.parallel
    assert (found.mode, found.names) == ("required", ("stop",))
    for choice, mode in ((None, "auto"), ("auto", "auto"), ("none", "none")):
        found = read_tools({"functions": functions, "function_call": choice})
        assert found is not None and (found.mode, found.names) == (mode, CATALOG.names)


STOP = {"type": "function", "function": {"name": "stop"}}
ALLOWED = {"type": "allowed_tools"}


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": "stop"}, "tools"),
        ({"tools": ["stop"]}, "tools[0]"),
        ({"tools": [STOP, {"type": "custom", "custom": {"name": "x"}}]}, "tools[1].type"),
        ({"tools": [{"function": {"name": "stop"}}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [STOP, STOP]}, "tools[1].function.name"),
        ({"tools": [STOP] * (MAX_TOOLS + 1)}, "tools"),
        ({"tools": [STOP] * 10_000}, "tools"),
        ({"tools": [STOP], "tool_choice": "any"}, "tool_choice"),
        ({"tools": [STOP], "tool_choice": 1}, "tool_choice"),
        ({"tools": [STOP], "tool_choice": {"type": "custom"}}, "tool_choice"),
        ({"tools": [STOP], "tool_choice": {"type": "function"}}, "tool_choice.function"),
        (
            {"tools": [STOP], "tool_choice": {"type": "function", "function": {"name": "play"}}},
            "tool_choice.function.name",
        ),
        ({"tools": [STOP], "tool_choice": ALLOWED}, "tool_choice.allowed_tools"),
        (
            {"tools": [STOP], "tool_choice": {**ALLOWED, "allowed_tools": {"mode": "none"}}},
            "tool_choice.allowed_tools.mode",
        ),
        (
            {
                "tools": [STOP],
                "tool_choice": {**ALLOWED, "allowed_tools": {"mode": "auto", "tools": []}},
            },
            "tool_choice.allowed_tools.tools",
        ),
        (
            {
                "tools": [STOP],
                "tool_choice": {**ALLOWED, "allowed_tools": {"mode": "auto", "tools": ["stop"]}},
            },
            "tool_choice.allowed_tools.tools[0].function",
        ),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [], "tool_choice": STOP}, "tool_choice"),
        ({"function_call": "auto"}, "function_call"),
        ({"tools": [STOP], "functions": [{"name": "stop"}]}, "functions"),
        ({"functions": [{"name": "stop"}], "tool_choice": "auto"}, "functions"),
        ({"tools": [STOP], "function_call": "auto"}, "function_call"),
        ({"functions": [{"name": "stop"}], "function_call": "required"}, "function_call"),
        ({"functions": [{"name": "stop"}], "function_call": {"name": "x"}}, "function_call.name"),
        ({"functions": [{}]}, "functions[0].name"),
        ({"tools": [STOP], "parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ],
)
def test_what_cannot_be_read_is_named(content: Any, param: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_tools(content)
    assert (caught.value.status, caught.value.param) == (400, param)


# ---------------------------------------------------------------- tools and the catalog


def test_an_unknown_tool_is_named_and_how_to_make_the_catalogs() -> None:
    error = refused([*OURS, tool("plan", {})])
    assert error.param == "tools[4].function.name" and error.code == "unknown_tool"
    for part in ("'m'", "'plan'", "Nearest: play", "maksud catalog RUN --tools", "/v1/tools"):
        assert part in str(error)


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
VOLUME = {"level": NUMBER, "room": TEXT, "mute": {"type": "boolean"}}


@pytest.mark.parametrize(
    ("made", "at", "said"),
    [
        (tool("stop", {"why": TEXT}), "properties.why", "has no parameter 'why'"),
        (tool("play", {}), "properties", "'song' is left out"),
        (tool("play", {"song": TEXT}), "properties.song", "make it an array"),
        (tool("remind", {"time": NUMBER, "note": TEXT}), "properties.time", "must be a text"),
        (
            tool("remind", {"time": TEXT, "note": {"type": "boolean"}}),
            "properties.note",
            "must be a text",
        ),
        (
            tool("volume", {**VOLUME, "room": {"enum": ["dapur"]}}),
            "properties.room",
            "has no room for 'kamar'",
        ),
        (tool("volume", {**VOLUME, "mute": NUMBER}), "properties.mute", "has no room for 'true'"),
        (
            tool("volume", {**VOLUME, "level": {"type": "object"}}),
            "properties.level",
            "must be a number or a text",
        ),
    ],
)
def test_a_schema_that_contradicts_the_catalog_is_refused(made: Any, at: str, said: str) -> None:
    error = refused([made])
    assert error.param == f"tools[0].function.parameters.{at}"
    assert error.code == "schema_mismatch" and said in str(error)


def test_a_tool_without_parameters_is_one_without_arguments() -> None:
    assert sent(box([STOP]), "stop()") == [("stop", {})]
    none = {"type": "function", "function": {"name": "stop", "parameters": None}}
    assert sent(box([none]), "stop()") == [("stop", {})]
    assert "'song' is left out" in str(refused([{**STOP, "function": {"name": "play"}}]))
    listed = {"type": "function", "function": {"name": "stop", "parameters": {"type": "array"}}}
    assert refused([listed]).param == "tools[0].function.parameters"


def test_arguments_are_json_in_the_types_of_the_schema() -> None:
    ours = box()
    text = "volume(level=lima, room=dapur, mute=true)"
    assert sent(ours, text) == [("volume", {"level": 5, "room": "dapur", "mute": True})]
    assert sent(ours, "volume(level=2,5)".replace("2,5", '"2,5"')) == [("volume", {"level": 2.5})]
    assert sent(ours, "play(song=A, song=B);stop()") == [
        ("play", {"song": ["A", "B"]}),
        ("stop", {}),
    ]
    assert sent(ours, "play()") == [("play", {})]
    assert sent(ours, "remind(time=besok, note=晴天)") == [
        ("remind", {"time": "besok", "note": "晴天"})
    ]


def test_a_schema_may_be_wider_or_ask_for_more() -> None:
    whole = {"type": "integer", "minimum": 1, "maximum": 10}
    null = {"anyOf": [TEXT, {"type": "null"}]}
    strict = tool(
        "volume",
        {"level": whole, "room": null, "mute": {"type": ["boolean", "null"]}},
        ("level", "room", "mute"),
    )
    held = box([strict])
    assert sent(held, "volume(level=4)") == [("volume", {"level": 4, "room": None, "mute": None})]
    for said in ("11", "0", "2.5", "besar", "4 sampai 5"):
        *_, gap = sent(held, f"volume(level={said})")
        assert gap == f"volume.level ({said!r} does not fit)"
    noted = box([tool("remind", {"time": TEXT, "note": {"type": "number"}}, ("time",))])
    assert sent(noted, "remind(note=7)")[1:] == ["remind.time"]
    assert sent(noted, "remind(time=besok, note=tujuh)")[0][1] == {"time": "besok", "note": 7}
    numbers = {"enum": [1, 2, "x"]}
    assert sent(box([tool("remind", {"time": TEXT, "note": numbers})]), "remind(note=2)") == [
        ("remind", {"note": 2})
    ]


def test_what_is_missing_is_told_with_its_question() -> None:
    made, gaps = box().write(parse_calls("volume(room=dapur);remind(time=besok)"))
    assert [g.question for g in gaps] == ["Berapa?"] and str(gaps[0]) == "volume.level"
    assert len(made) == 2


SPOKEN = Turn("user", "x")


def test_results_close_a_turn_and_calls_follow_one_another_where_they_must() -> None:
    calls = parse_calls("stop();play(song=A)")
    first = [SPOKEN, Turn("assistant", "", calls[:1]), Turn("tool", "ok")]
    both = [SPOKEN, Turn("assistant", "", calls), Turn("tool", "ok"), Turn("tool", "ok")]
    again = [*both, SPOKEN]
    together, alone = box(), box(parallel_tool_calls=False)
    for turns, at_once, one in (
        ([SPOKEN], calls, calls[:1]),
        (first, (), calls[1:]),
        (both, (), ()),
        (again, calls, calls[:1]),
    ):
        assert tuple(together.next_calls(calls, turns)) == at_once
        assert tuple(alone.next_calls(calls, turns)) == one


# ---------------------------------------------------------------- anything at all

NAMES = st.sampled_from(["stop", "play", "volume", "song", "level", "type", "x", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | NAMES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            NAMES
            | st.sampled_from(
                ["function", "name", "parameters", "properties", "required", "enum", "anyOf"]
                + ["$ref", "allOf", "items", "const", "minimum", "multipleOf", "mode", "tools"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
def test_anything_is_read_or_refused(tools: Any, choice: Any, schema: Any) -> None:
    made = {"type": "function", "function": {"name": "volume", "parameters": schema}}
    for content in (
        {"tools": tools, "tool_choice": choice},
        {"functions": tools, "function_call": choice},
        {"tools": [made]},
        {"tools": [tool("volume", {**VOLUME, "level": schema, "room": choice})]},
    ):
        try:
            found = read_tools(content)
            if found is not None:
                toolbox = Toolbox(found, CATALOG, "m")
                toolbox.write(parse_calls("volume(level=5, room=dapur)"))
        except ApiError as error:
            assert error.status == 400 and error.param
        except KeyError as error:
            assert error.args == ("volume",)  # was not offered
