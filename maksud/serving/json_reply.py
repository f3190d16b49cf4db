"""Answers as JSON: `response_format` of a request, our own schema, and what a client's can hold.

A schema is filled from the calls by construction, or refused with the part that can't be. A call
is an object that names its intent (`const` or `enum`) beside its arguments or around them; a union
of those; one flat object for several intents. It may be the whole, stand in one property, or in a
list, beside what is known of the answer (`KNOWN`). Where the schema has no way to say "nothing",
what is not acted on is a refusal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maksud.http.api_error import ApiError
from maksud.http.fields import invalid, read_text
from maksud.http.json_body import kind_of
from maksud.language.calls import NONE, OUT_OF_SCOPE, Call
from maksud.language.catalog import Catalog
from maksud.language.catalog_tools import catalog_to_tools
from maksud.recognizers.recognition import Recognition
from maksud.serving.arguments import Gap, check_parameters, fill_arguments
from maksud.serving.shapes import Shape, ShapeReader, key_of_value

OUTSIDE = (OUT_OF_SCOPE, "unknown", "out_of_scope", "other", "")
"""Values of a client's enum that say that nothing is asked for, unless an intent has the name."""
KNOWN: Mapping[str, tuple[str, bool]] = {
    "confidence": ("number", False),
    "accepted": ("boolean", False),
    "question": ("string", True),
    "reason": ("string", True),
    "missing": ("array", False),
    "utterance": ("string", False),
}
"""Properties that are filled from the answer: their type, and whether they may be null."""
MISSING = "something is missing: "
"""How the refusal begins where an answer can't be written for want of a value."""
_NAMES = ("intent", "name", "function", "tool", "action", "type", "kind")
_INSIDE = ("arguments", "parameters", "args", "params")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class FormatAsked:
    """What asks for JSON. `schema` is None for `json_object`; `where`: the field that has it."""

    schema: Any = None
    where: str = "response_format.json_schema.schema"


def read_format(content: Mapping[str, Any]) -> FormatAsked | None:
    """The JSON that a chat request asks for; None for text. Raises `ApiError` (400)."""
    where = "response_format"
    wanted: Any = content.get(where)
    if _read_kind(wanted, where) != "json_schema":
        return FormatAsked() if wanted and wanted["type"] == "json_object" else None
    where = f"{where}.json_schema"
    given = wanted.get("json_schema")
    if not isinstance(given, dict):
        raise invalid(where, f"must be an object, found {kind_of(given)}", "invalid_type")
    return _read_schema(given, where)


def read_text_format(content: Mapping[str, Any]) -> FormatAsked | None:
    """The same of a request for a response, in which the schema stands beside its type."""
    text, where = content.get("text"), "text.format"
    if text is not None and not isinstance(text, dict):
        raise invalid("text", f"must be an object, found {kind_of(text)}", "invalid_type")
    wanted: Any = (text or {}).get("format")
    if _read_kind(wanted, where) != "json_schema":
        return FormatAsked() if wanted and wanted["type"] == "json_object" else None
    return _read_schema(wanted, where)


def _read_kind(wanted: Any, where: str) -> str:
    if wanted is None:
        return "text"
    if not isinstance(wanted, dict):
        raise invalid(where, f"must be an object, found {kind_of(wanted)}", "invalid_type")
    kind = wanted.get("type")
    if isinstance(kind, str) and kind in ("text", "json_object", "json_schema"):
        return kind
    shown = repr(kind[:40]) if isinstance(kind, str) else kind_of(kind)
    raise invalid(f"{where}.type", f"is {shown}. Known: text, json_object, json_schema")


def _read_schema(given: Mapping[str, Any], where: str) -> FormatAsked:
    if not _NAME.fullmatch(read_text(given, "name", f"{where}.name")):
        raise invalid(f"{where}.name", "must be 1 to 64 letters, digits, _ or -")
    if not isinstance(given.get("schema"), dict):
        found = kind_of(given.get("schema"))
        raise invalid(f"{where}.schema", f"must be a schema, found {found}", "invalid_type")
    return FormatAsked(given["schema"], f"{where}.schema")


def answer_schema(catalog: Catalog) -> dict[str, Any]:
    """The JSON Schema of an answer under a catalog: what `json_object` gives."""
    text: dict[str, Any] = {"type": "string"}
    flag: dict[str, Any] = {"type": "boolean"}
    calls = []
    for tool in catalog_to_tools(catalog):
        function = tool["function"]
        # What is missing is told in `missing`: an answer without it is an answer.
        arguments = {**function["parameters"], "required": []}
        calls.append(
            {
                **_closed({"intent": {"const": function["name"]}, "arguments": arguments}),
                "description": function["description"],
            }
        )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answer",
        **_closed(
            {
                "calls": {"type": "array", "items": {"anyOf": calls} if calls else {}},
                "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                "accepted": flag,
                "missing": {
                    "type": "array",
                    "items": _closed({"intent": text, "parameter": text}),
                },
                "question": {"type": ["string", "null"]},
                "reason": {"type": ["string", "null"]},
            }
        ),
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# ---------------------------------------------------------------- a schema and the catalog


@dataclass(frozen=True, slots=True)
class _One:
    """An object for a call of one intent (`intent` None: for none), as a schema has it.

    `value` under `name` says which. `inside`: the property that holds the arguments, if one does.
    `known` are filled from the answer, `null` are the properties that have to be there, as null.
    """

    name: str
    value: str
    intent: str | None
    inside: str
    shapes: Mapping[str, Shape]
    required: frozenset[str]
    known: Mapping[str, Shape]
    null: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a schema is filled: `calls` by intent, None for none.

    `holder`: the property that holds the calls, "" where the call is the whole. `many`: it is a
    list; `nullable`: it may be null. `known` stand beside it.
    """

    calls: Mapping[str | None, _One]
    holder: str = ""
    many: bool = False
    nullable: bool = False
    known: Mapping[str, Shape] = field(default_factory=dict)
    null: tuple[str, ...] = ()


class Form:
    """What a request's JSON is, under a catalog.

    Raises `ApiError` (400) where the schema has a part that can't be filled.
    """

    def __init__(self, asked: FormatAsked, catalog: Catalog) -> None:
        self._catalog = catalog
        ours = asked.schema is None
        shape = ShapeReader().read(answer_schema(catalog) if ours else asked.schema, asked.where)
        self._plan = _plan_of(shape, catalog)

    @property
    def allowed(self) -> frozenset[str] | None:
        """The intents that the answer may have; None for all that there are."""
        names = {name for name in self._plan.calls if name is not None}
        return None if names == set(self._catalog.names) else frozenset({*names, OUT_OF_SCOPE})

    def write(self, recognition: Recognition, shown: bool) -> tuple[str | None, str]:
        """The answer as JSON, or None and why there is none.

        `shown`: whether its calls are written; where they are not, the JSON says that nothing is
        asked for.
        """
        plan = self._plan
        acts = recognition.calls if shown else ()
        calls = [c for c in acts if c != NONE]
        if len(calls) > 1 and not plan.many:
            return None, f"{len(calls)} things are asked for, and the schema has room for one"
        gaps: list[Gap] = []
        made = [self._call(call, recognition, gaps) for call in calls]
        if None in made:
            return None, MISSING + ", ".join(map(str, gaps))
        content: Any
        if plan.many:
            content = made
        elif made:
            content = made[0]
        elif None in plan.calls:
            one = plan.calls[None]
            content = {one.name: one.value, **_nulls(one)}
            content |= self._known(one.known, recognition, gaps)
        elif plan.nullable:
            content = None
        else:
            return None, recognition.refusal or "nothing is asked for"
        if plan.holder:
            known = self._known(plan.known, recognition, gaps)
            content = {plan.holder: content, **known, **dict.fromkeys(plan.null)}
        return json.dumps(content, ensure_ascii=False), ""

    def _call(self, call: Call, recognition: Recognition, gaps: list[Gap]) -> dict[str, Any] | None:
        """A call as the schema has it; None where it needs what was not said."""
        one = self._plan.calls[call.intent]
        intent = self._catalog.get(call.intent)
        assert intent is not None
        arguments, lacking = fill_arguments(call, intent, one.shapes, one.required)
        gaps += lacking
        for gap in lacking:
            if gap.parameter in one.required:
                if not one.shapes[gap.parameter].nullable:
                    return None
                arguments[gap.parameter] = None
        content: dict[str, Any] = {one.name: one.value}
        content |= {one.inside: arguments} if one.inside else arguments
        return content | self._known(one.known, recognition, lacking) | _nulls(one)

    def _known(
        self,
        wanted: Mapping[str, Shape],
        recognition: Recognition,
        gaps: Sequence[Gap],
    ) -> dict[str, Any]:
        """What is known of the answer, under the names that the schema has for it."""
        values = {
            "confidence": round(recognition.confidence, 4),
            "accepted": recognition.accepted,
            "question": gaps[0].question if gaps else None,
            "reason": recognition.refusal or None,
            "missing": [{"intent": g.intent, "parameter": g.parameter} for g in gaps],
            "utterance": recognition.utterance,
        }
        return {name: values[name] for name in wanted}


def _nulls(one: _One) -> dict[str, Any]:
    return dict.fromkeys(one.null)


def _plan_of(shape: Shape, catalog: Catalog) -> _Plan:
    if calls := _calls_of(shape, catalog):
        return _Plan(calls)
    found = []
    for name, part in shape.properties.items():
        holds = part.items if part.items is not None else part
        if inner := _calls_of(holds, catalog):
            found.append((name, part, inner))
    if len(found) != 1:
        what = "several properties hold" if found else "no property is"
        raise _unmet(
            shape.where,
            f"{what} a call: an object whose intent is a const or an enum of intents of the "
            "catalog. GET /v1/schema has a schema that is always met",
        )
    holder, part, inner = found[0]
    rest = {k: v for k, v in shape.properties.items() if k != holder}
    known, null = _beside(rest, shape.required)
    many = part.items is not None
    if many and part.limits:
        raise _unmet(part.where, "how many calls there are can't be promised")
    return _Plan(inner, holder, many, part.nullable, known, null)


def _calls_of(shape: Shape, catalog: Catalog) -> dict[str | None, _One]:
    """The objects for calls of a schema, by intent; empty where it has none for calls.

    Options that are none are not looked at: what is written fits one of the others.
    """
    found: dict[str | None, _One] = {}
    for option in shape.options or (shape,):
        for one in _read_object(option, catalog):
            found.setdefault(one.intent, one)
    if not set(found) - {None}:
        return {}
    if shape.exclusive:
        _refuse_ambiguous(shape, found.values())
    return found


def _refuse_ambiguous(shape: Shape, calls: Iterable[_One]) -> None:
    """Raises `ApiError` (400) where a call fits several of the options, of which one may hold.

    Its name tells it from the others, where each of them has a property for that.
    """
    objects = [o for o in shape.options if "object" in o.kinds]
    for name in sorted({one.name for one in calls}):
        shapes = [o.properties.get(name) for o in objects]
        values = [s.values for s in shapes if s is not None and s.values is not None]
        taken = [key_of_value(v) for own in values for v in set(map(key_of_value, own))]
        if len(values) < len(objects) or len(set(taken)) < len(taken):
            raise _unmet(
                shape.where,
                f"several of the schemas in oneOf may hold at once: let {name!r} be there in each, "
                "with values of its own, or use anyOf",
            )


def _read_object(shape: Shape, catalog: Catalog) -> list[_One]:
    """The objects that a schema is, one for each intent that it names."""
    names = [n for n, p in shape.properties.items() if _names_intents(p, catalog)]
    if not names:
        return []
    name = next((n for n in _NAMES if n in names), names[0])
    values: list[str] = list(shape.properties[name].values or ())
    rest = {n: p for n, p in shape.properties.items() if n != name}
    out = []
    for value in values:
        intent = catalog.get(value)
        if intent is None:
            known, null = _beside(rest, shape.required)
            out.append(_One(name, value, None, "", {}, frozenset(), known, null))
            continue
        taken = {p.name for p in intent.parameters}
        inside = next((n for n in _INSIDE if n in rest and n not in taken), "")
        if inside and not rest[inside].properties and rest[inside].kinds != {"object"}:
            inside = ""
        holder = rest[inside] if inside else shape
        shapes = dict(holder.properties) if inside else {k: rest[k] for k in rest if k in taken}
        check_parameters(intent, shapes, f"{holder.where}.properties")
        beside = {k: v for k, v in rest.items() if k != inside and (inside or k not in taken)}
        known, null = _beside(beside, shape.required)
        out.append(_One(name, value, value, inside, shapes, holder.required, known, null))
    return out


def _names_intents(shape: Shape, catalog: Catalog) -> bool:
    """Whether each value of a property is an intent, or says that there is none."""
    values = shape.values or ()
    texts = [v for v in values if isinstance(v, str)]
    named = [v for v in texts if v in catalog]
    if named and len(texts) == len(values):
        unknown = next((v for v in texts if v not in catalog and v not in OUTSIDE), None)
        if unknown is not None:
            raise _unmet(shape.where, f"{unknown[:60]!r} is no intent of the catalog")
        return True
    return bool(values) and all(v in OUTSIDE for v in values)


def _beside(
    rest: Mapping[str, Shape], required: frozenset[str]
) -> tuple[dict[str, Shape], tuple[str, ...]]:
    """The properties beside a call that are filled from the answer, and those that are null."""
    known, null = {}, []
    for name, shape in rest.items():
        kind, may_be_null = KNOWN.get(name, ("", False))
        fits = kind in shape.kinds and (shape.nullable or not may_be_null) and shape.values is None
        if fits and _holds_known(name, shape):
            known[name] = shape
        elif name in required:
            if not shape.nullable:
                raise _unmet(
                    shape.where,
                    "nothing in an answer fills it: leave it out of required, or let it be null",
                )
            null.append(name)
    return known, tuple(null)


def _holds_known(name: str, shape: Shape) -> bool:
    """Whether a property has room for all that its name can mean."""
    if shape.options:
        return False
    if name == "confidence":
        return shape.is_within(0) and shape.is_within(1) and "multipleOf" not in shape.limits
    if name == "missing" and shape.items is not None:
        parts = shape.items.properties
        plain = all(
            "string" in p.kinds and p.values is None and not p.limits for p in parts.values()
        )
        if (
            "object" not in shape.items.kinds
            or not set(parts) <= {"intent", "parameter"}
            or not plain
        ):
            return False
    return not shape.limits


def _unmet(where: str, why: str) -> ApiError:
    return invalid(where, why, "unsupported_schema")
