"""Catalogs as the OpenAI API's `tools` list, and from it.

What JSON Schema has no word for (question, copied, positional, confirm) stands under `x-maksud`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from maksud.errors import CatalogError
from maksud.language.calls import Argument
from maksud.language.catalog import Catalog, Intent, Parameter, ParameterType
from maksud.language.catalog_fields import (
    describe_value,
    read_flag,
    read_mapping,
    read_text,
    read_texts,
    wrong_field,
)

_SCHEMA_TYPES = {"text": "string", "enumeration": "string", "datetime": "string"}
_OUR_TYPES: dict[str, ParameterType] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
}


def catalog_to_tools(catalog: Catalog) -> list[dict[str, Any]]:
    """The catalog as the OpenAI API's `tools` list."""
    return [_tool(i) for i in catalog.intents]


def catalog_from_tools(tools: Any, where: str = "tools") -> Catalog:
    """A catalog from the OpenAI API's `tools` list, of ours or of others.

    Raises `CatalogError` for anything else, with the place of it.
    """
    if not isinstance(tools, list):
        raise CatalogError("expected a list of tools", where=where)
    intents = []
    for k, tool in enumerate(tools):
        function = tool.get("function", tool) if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise CatalogError("expected a function with a name", where=f"{where}[{k}]")
        intents.append(_read_function(function, f"{where}[{k}]"))
    return Catalog(tuple(intents))


def read_arguments(content: Mapping[str, Any]) -> tuple[Argument, ...]:
    """The arguments of a function call, as a model or a client writes them in JSON.

    A list is the same argument several times, null is no argument, what is no text is written as
    JSON writes it.
    """
    return tuple(
        Argument(str(name), format_json_value(item))
        for name, value in content.items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    )


def format_json_value(value: Any) -> str:
    """A value of JSON as the text of an argument."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tool(intent: Intent) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for p in intent.parameters:
        schema: dict[str, Any] = {"type": _SCHEMA_TYPES.get(p.type, p.type)}
        if p.description:
            schema["description"] = p.description
        if p.type == "enumeration":
            schema["enum"] = list(p.values)
        if p.type == "datetime":
            schema["format"] = "date-time"
        if p.many:
            about = schema.pop("description", None)
            schema = {"type": "array", "items": schema, **({"description": about} if about else {})}
        own = {k: v for k, v in (("question", p.question),) if v}
        if not p.copied:
            own["copied"] = False  # type: ignore[assignment]
        if own:
            schema["x-maksud"] = own
        properties[p.name] = schema
    function: dict[str, Any] = {
        "name": intent.name,
        "description": intent.description,
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": [p.name for p in intent.parameters if p.required],
            "additionalProperties": False,
        },
    }
    ours: dict[str, Any] = {"positional": True} if intent.positional else {}
    if intent.confirm:
        ours["confirm"] = intent.confirm
    if ours:
        function["x-maksud"] = ours
    return {"type": "function", "function": function}


def _read_function(function: Mapping[str, Any], where: str) -> Intent:
    schema = read_mapping(function, "parameters", where)
    properties = read_mapping(schema, "properties", where)
    required = read_texts(schema, "required", where)
    own = read_mapping(function, "x-maksud", where)
    return Intent(
        read_text(function, "name", where),
        description=read_text(function, "description", where),
        parameters=tuple(
            _read_property(name, read_mapping(properties, name, where), name in required, where)
            for name in properties
        ),
        positional=read_flag(own, "positional", where),
        confirm=read_text(own, "confirm", where),
    )


def _read_property(name: str, body: Mapping[str, Any], required: bool, where: str) -> Parameter:
    place = f"{where}.{name[:60]}"
    own = read_mapping(body, "x-maksud", place)
    about = read_text(body, "description", place)
    many = body.get("type") == "array" and "items" in body
    if many:
        body = read_mapping(body, "items", place)
    values = _read_enum(body, place)
    kind = body.get("type", "string")
    if not values and not (isinstance(kind, str) and kind in _OUR_TYPES):
        raise CatalogError(
            f"property {describe_value(name)} has type {describe_value(kind)}",
            where=where,
            hint="Use string, number, integer, boolean or an enum",
        )
    type_: ParameterType = "enumeration" if values else _OUR_TYPES[kind]
    if type_ == "text" and body.get("format") in ("date-time", "date", "time"):
        type_ = "datetime"
    return Parameter(
        name,
        type=type_,
        description=about,
        required=required,
        question=read_text(own, "question", place),
        values=values,
        copied=read_flag(own, "copied", place, default=True),
        many=many,
    )


def _read_enum(body: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """The values of an `enum`; numbers and truth values as JSON writes them."""
    enum = body.get("enum")
    if not isinstance(enum, list):
        if enum is None:
            return ()
        raise wrong_field("enum", "a list", enum, where)
    out = []
    for value in enum:
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 64):
            value = str(value)
        out.append(value)
    return read_texts({"enum": out}, "enum", where)
