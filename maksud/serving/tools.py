"""Calls as tools: `tools` and `tool_choice` of a request, and the tool calls of its reply.

A tool is an intent of the contract by name, and its arguments are the intent's parameters: what
contradicts the catalog is refused. Offering some of the intents holds the answer to them.
`functions` and `function_call`, the older fields, mean the same with one call a reply. In requests
for responses a tool is flat: its name and parameters stand beside its type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from maksud.errors import nearest
from maksud.http.api_error import ApiError, new_id
from maksud.http.fields import invalid, read_boolean
from maksud.http.json_body import kind_of
from maksud.language.calls import OUT_OF_SCOPE, Call
from maksud.language.catalog import Catalog, Intent
from maksud.language.conversation import Turn
from maksud.serving.arguments import Gap, check_parameters, fill_arguments
from maksud.serving.shapes import Shape, ShapeReader

MAX_TOOLS = 1024
"""Tools of a request at most."""

Mode = Literal["none", "auto", "required"]


@dataclass(frozen=True, slots=True)
class ToolsAsked:
    """What a request says of tools. `field`: `tools`, or `functions` where the old fields are used.

    `functions`: name, description and parameters of each, with the field that holds it. `names`:
    those that may be called.
    """

    field: str
    functions: tuple[tuple[str, Mapping[str, Any]], ...]
    names: tuple[str, ...]
    mode: Mode
    parallel: bool = True

    @property
    def is_old(self) -> bool:
        """Whether the reply is to have `function_call` in place of `tool_calls`."""
        return self.field == "functions"

    @property
    def only(self) -> tuple[str, Mapping[str, Any]] | None:
        """The one tool that is offered, and has to be called; None where there is a choice."""
        return self.functions[0] if self.mode == "required" and len(self.functions) == 1 else None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as a reply has it. `arguments` is JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class _Tool:
    intent: Intent
    shapes: Mapping[str, Shape]
    required: frozenset[str]


# ---------------------------------------------------------------- requests


def read_tools(content: Mapping[str, Any]) -> ToolsAsked | None:
    """The tools of a request; None where it asks for none. Raises `ApiError` (400)."""
    tools, functions = content.get("tools"), content.get("functions")
    read_boolean(content, "parallel_tool_calls")
    functions = None if functions == [] else functions
    if functions is not None and (tools or content.get("tool_choice") is not None):
        raise invalid("functions", "is the older spelling of tools: send one of the two")
    if functions is not None:
        found = _read_list(functions, "functions", lambda function, where: (where, function))
        mode, names = _read_old_choice(content.get("function_call"), [f["name"] for _, f in found])
        return ToolsAsked("functions", found, names, mode, parallel=False)
    if tools and content.get("function_call") is not None:
        raise invalid(
            "function_call", "is the older spelling of tool_choice, which goes with tools"
        )
    if content.get("function_call") not in (None, "none"):
        raise invalid("function_call", "needs functions")
    return _read_tools(content, _open_nested, _NestedChoice)


def read_flat_tools(content: Mapping[str, Any]) -> ToolsAsked | None:
    """The tools of a request for a response, which are flat; see `read_tools`."""
    read_boolean(content, "parallel_tool_calls")
    return _read_tools(content, _open_flat, _FlatChoice)


def _read_tools(
    content: Mapping[str, Any], open_tool: _Opening, choices: type[_NestedChoice]
) -> ToolsAsked | None:
    tools, choice = content.get("tools"), content.get("tool_choice")
    found = _read_list(tools, "tools", open_tool) if tools is not None else ()
    if not found:
        if choice not in (None, "none", *choices.empty):
            raise invalid("tool_choice", "needs tools")
        return None
    offered = [f["name"] for _, f in found]
    mode, names = choices(offered).read(choice)
    return ToolsAsked("tools", found, names, mode, content.get("parallel_tool_calls") is not False)


_Opening = Callable[[Any, str], tuple[str, Any]]
"""From an entry of the list and its place: the function in it, and the place of that."""


def _open_nested(tool: Mapping[str, Any], where: str) -> tuple[str, Any]:
    """The function of a tool in a chat request."""
    if (kind := tool.get("type")) != "function":
        shown = repr(kind[:40]) if isinstance(kind, str) else kind_of(kind)
        raise invalid(f"{where}.type", f"is {shown}: only functions can be called")
    function = tool.get("function")
    if not isinstance(function, dict):
        raise invalid(
            f"{where}.function", f"must be an object, found {kind_of(function)}", "invalid_type"
        )
    return f"{where}.function", function


def _open_flat(tool: Mapping[str, Any], where: str) -> tuple[str, Any]:
    """The function of a tool in a request for a response, which is the tool."""
    if (kind := tool.get("type")) != "function":
        shown = repr(kind[:40]) if isinstance(kind, str) else kind_of(kind)
        raise invalid(
            f"{where}.type",
            f"is {shown}: no tools are built in. Send functions of the catalog (GET /v1/tools), "
            'flat: {"type": "function", "name": …, "parameters": …}',
            "unsupported_tool",
        )
    if "name" not in tool and isinstance(tool.get("function"), dict):
        raise invalid(
            f"{where}.function",
            "is the shape of chat completions: put name and parameters beside type",
        )
    read_boolean(tool, "strict", f"{where}.strict")
    return where, tool


def _read_list(
    tools: Any, field: str, open_tool: _Opening
) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    if not isinstance(tools, list):
        raise invalid(field, f"must be a list, found {kind_of(tools)}", "invalid_type")
    if len(tools) > MAX_TOOLS:
        raise invalid(field, f"has {len(tools):,} entries, at most {MAX_TOOLS:,}")
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for k, tool in enumerate(tools):
        where = f"{field}[{k}]"
        if not isinstance(tool, dict):
            raise invalid(where, f"must be an object, found {kind_of(tool)}", "invalid_type")
        where, function = open_tool(tool, where)
        name = function.get("name")
        if not isinstance(name, str) or not name:
            raise invalid(f"{where}.name", f"must be a name, found {kind_of(name)}", "invalid_type")
        if name in found:
            raise invalid(f"{where}.name", f"{name[:60]!r} is there twice")
        found[name] = where, function
    return tuple(found.values())


class _NestedChoice:
    """What `tool_choice` says in a chat request: whether tools are called, and which may be."""

    empty: tuple[str, ...] = ()
    """What may stand there, beside "none", where there are no tools and it asks for nothing."""
    named = '{"type": "function", "function": {"name": …}}'
    allowed = '{"type": "allowed_tools", "allowed_tools": {"mode": …, "tools": […]}}'

    def __init__(self, offered: Sequence[str]) -> None:
        self._offered = tuple(offered)

    def read(self, choice: Any) -> tuple[Mode, tuple[str, ...]]:
        """The mode, and the names of those that may be called."""
        modes: Mapping[Any, Mode] = {"none": "none", "auto": "auto", "required": "required"}
        if choice is None or isinstance(choice, str) and choice in modes:
            return modes[choice or "auto"], self._offered
        kind = choice.get("type") if isinstance(choice, dict) else None
        if kind == "function":
            return "required", (self._read_named(choice, "tool_choice"),)
        if kind == "allowed_tools":
            return self._read_allowed(*self._open_allowed(choice))
        known = f'Use "none", "auto", "required", {self.named} or {self.allowed}'
        raise invalid("tool_choice", f"can't be read. {known}")

    def _read_allowed(self, allowed: Any, where: str) -> tuple[Mode, tuple[str, ...]]:
        if not isinstance(allowed, dict):
            raise invalid(where, f"must be an object, found {kind_of(allowed)}", "invalid_type")
        mode, tools = allowed.get("mode"), allowed.get("tools")
        if mode not in ("auto", "required"):
            raise invalid(f"{where}.mode", 'must be "auto" or "required"')
        if not isinstance(tools, list) or not tools:
            raise invalid(f"{where}.tools", f"must be a list of tools, found {kind_of(tools)}")
        names = [self._read_named(t, f"{where}.tools[{k}]") for k, t in enumerate(tools)]
        return mode, tuple(dict.fromkeys(names))

    def _open_allowed(self, choice: Mapping[str, Any]) -> tuple[Any, str]:
        return choice.get("allowed_tools"), "tool_choice.allowed_tools"

    def _read_named(self, tool: Any, where: str) -> str:
        function = tool.get("function") if isinstance(tool, dict) else None
        return self._read_name(function, f"{where}.function")

    def _read_name(self, function: Any, where: str) -> str:
        if not isinstance(function, dict):
            raise invalid(where, f"must be an object, found {kind_of(function)}", "invalid_type")
        return _of_those(function.get("name"), f"{where}.name", self._offered)


class _FlatChoice(_NestedChoice):
    """The same in a request for a response, where all of it is flat."""

    empty = ("auto",)
    named = '{"type": "function", "name": …}'
    allowed = '{"type": "allowed_tools", "mode": …, "tools": […]}'

    def _open_allowed(self, choice: Mapping[str, Any]) -> tuple[Any, str]:
        return choice, "tool_choice"

    def _read_named(self, tool: Any, where: str) -> str:
        return self._read_name(tool, where)


def _of_those(name: Any, where: str, offered: Sequence[str]) -> str:
    if not isinstance(name, str):
        raise invalid(where, f"must be a name, found {kind_of(name)}", "invalid_type")
    if name not in offered:
        raise invalid(where, f"{name[:60]!r} is not offered. {nearest(name[:60], offered)}")
    return name


def _read_old_choice(choice: Any, offered: Sequence[str]) -> tuple[Mode, tuple[str, ...]]:
    if choice is None or choice == "auto":
        return "auto", tuple(offered)
    if choice == "none":
        return "none", tuple(offered)
    if not isinstance(choice, dict):
        raise invalid("function_call", 'must be "none", "auto" or {"name": …}')
    return "required", (_of_those(choice.get("name"), "function_call.name", offered),)


# ---------------------------------------------------------------- tools and the catalog


class Toolbox:
    """The tools of a request, matched to the catalog of a contract.

    Raises `ApiError` (400) for a tool that the catalog does not have, or that contradicts it.
    `model`: the name that the tools of the catalog can be asked for under.
    """

    def __init__(self, asked: ToolsAsked, catalog: Catalog, model: str) -> None:
        self.asked = asked
        self._catalog = catalog
        self._tools: dict[str, _Tool] = {}
        reader = ShapeReader()
        for where, function in asked.functions:
            name = function["name"]
            if (intent := catalog.get(name)) is None:
                raise unknown_tool(name, where, catalog, model)
            self._tools[name] = _read_tool(function, intent, where, reader)

    @property
    def allowed(self) -> frozenset[str] | None:
        """The intents that the answer may have; None for all that there are."""
        names = set(self.asked.names)
        if self.asked.mode == "auto":
            names.add(OUT_OF_SCOPE)
        return None if names > set(self._catalog.names) else frozenset(names)

    def write(self, calls: Sequence[Call]) -> tuple[list[ToolCall], list[Gap]]:
        """The calls, with named arguments, as tool calls; and what they lack."""
        made, gaps = [], []
        for call in calls:
            tool = self._tools[call.intent]
            arguments, lacking = fill_arguments(call, tool.intent, tool.shapes, tool.required)
            gaps += lacking
            text = json.dumps(arguments, ensure_ascii=False)
            made.append(ToolCall(new_id("call_")[:29], call.intent, text))
        return made, gaps

    def next_calls(self, calls: Sequence[Call], turns: Sequence[Turn]) -> Sequence[Call]:
        """Which calls of the last turn's answer are to be made now.

        All of them at once, and none where their results are there; one after the other where
        they are not to be parallel.
        """
        done = count_done(turns)
        if self.asked.parallel:
            return () if is_done(turns) else calls
        return calls[done : done + 1]


def count_done(turns: Sequence[Turn]) -> int:
    """How many calls the assistant made since the user last spoke."""
    count = 0
    for turn in reversed(turns):
        if turn.role == "user":
            break
        count += len(turn.calls)
    return count


def is_done(turns: Sequence[Turn]) -> bool:
    """Whether a conversation ends with the result of a tool: the person is answered already."""
    return next((t.role == "tool" for t in reversed(turns) if t.role != "system"), False)


def results_of(turns: Sequence[Turn]) -> str:
    """What the tools said at the end of a conversation."""
    texts: list[str] = []
    for turn in reversed(turns):
        if turn.role == "system":  # an agent's framework may put its words behind
            continue
        if turn.role != "tool":
            break
        texts.append(turn.text)
    return "\n".join(reversed(texts))


def _read_tool(
    function: Mapping[str, Any], intent: Intent, where: str, reader: ShapeReader
) -> _Tool:
    schema = function.get("parameters")
    where = f"{where}.parameters"
    shape = reader.read({"type": "object"} if schema is None else schema, where)
    if "object" not in shape.kinds or shape.options:
        raise invalid(where, "must be the schema of an object")
    check_parameters(intent, shape.properties, f"{where}.properties")
    return _Tool(intent, shape.properties, shape.required)


def unknown_tool(name: str, where: str, catalog: Catalog, model: str, more: str = "") -> ApiError:
    """The 400 for a tool that is no intent of the catalog of `model`; `more` ends what it says."""
    return invalid(
        f"{where}.name",
        f"the contract of {model!r} has no {name[:60]!r}. {nearest(name[:60], catalog.names)}. "
        f"Make the tools of its catalog: `maksud catalog RUN --tools`, or GET /v1/tools{more}",
        "unknown_tool",
    )
