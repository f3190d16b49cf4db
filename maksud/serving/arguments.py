"""Arguments of calls as JSON in the types of a client's schema, and whether the two agree.

A value for which the schema has no room ("besar" for an integer) is not sent and not changed: it
counts as missing, so that the person is asked. So what is sent always fits the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maksud.errors import nearest
from maksud.http.api_error import ApiError
from maksud.http.fields import invalid
from maksud.language.calls import Call
from maksud.language.catalog import Intent, Parameter
from maksud.serving.shapes import UNFIT, Shape


@dataclass(frozen=True, slots=True)
class Gap:
    """An argument that a call lacks. `found`: what was said for it, where it does not fit."""

    intent: str
    parameter: str
    question: str
    found: str = ""

    def __str__(self) -> str:
        name = f"{self.intent}.{self.parameter}"
        return f"{name} ({self.found!r} does not fit)" if self.found else name


def check_parameters(intent: Intent, shapes: Mapping[str, Shape], where: str) -> None:
    """Raises `ApiError` (400) where a schema of an intent's arguments contradicts the catalog."""
    for name, shape in shapes.items():
        if (parameter := intent.parameter(name)) is None:
            known = nearest(name, [p.name for p in intent.parameters])
            what = f"the contract's {intent.name} has no parameter {name[:60]!r}. {known}"
            raise _contradiction(f"{where}.{name[:60]}", what)
        check_parameter(parameter, shape)
    for parameter in intent.parameters:
        if parameter.name not in shapes:
            what = f"{parameter.name!r} is left out, which the contract's {intent.name} takes"
            raise _contradiction(where, what)


def check_parameter(parameter: Parameter, shape: Shape) -> None:
    """Raises `ApiError` (400) where no value of a parameter, or not each of its list, fits."""
    one = _item_of(shape)
    if parameter.many and one is None:
        raise _contradiction(
            shape.where, f"{parameter.name} may be given several times: make it an array"
        )
    one = one or shape
    if parameter.choices:
        unfit = next((c for c in parameter.choices if one.of_text(c) is UNFIT), None)
        if unfit is not None:
            raise _contradiction(shape.where, f"has no room for {unfit[:60]!r} of the contract")
        return
    kinds = _kinds(one)
    if not kinds & {"string", "number", "integer"} or (
        parameter.type == "datetime" and "string" not in kinds
    ):
        wanted = "a number or a text" if parameter.type == "number" else "a text"
        raise _contradiction(shape.where, f"must be {wanted}: it is {parameter.type} here")


def fill_arguments(
    call: Call, intent: Intent, shapes: Mapping[str, Shape], required: frozenset[str]
) -> tuple[dict[str, Any], list[Gap]]:
    """The arguments of a call, which are named, as the schema has them; and what is missing.

    `required`: what the schema needs, beside what the catalog does. What it needs and lets be null
    is null where it was not said.
    """
    said: dict[str, list[str]] = {}
    for argument in call.arguments:
        said.setdefault(argument.name or "", []).append(argument.value)
    arguments: dict[str, Any] = {}
    gaps = []
    for p in intent.parameters:
        shape = shapes[p.name]
        texts = said.get(p.name, [])
        value = _value(texts, shape) if texts else UNFIT
        if value is not UNFIT:
            arguments[p.name] = value
        elif texts or p.required or (p.name in required and not shape.nullable):
            gaps.append(Gap(intent.name, p.name, question_of(p), ", ".join(texts)))
        elif p.name in required:
            arguments[p.name] = None
    return arguments, gaps


def question_of(parameter: Parameter) -> str:
    """What to ask a person for."""
    return parameter.question or f"{parameter.description or parameter.name}?"


def _value(texts: list[str], shape: Shape) -> Any:
    one = _item_of(shape)
    if one is None:
        return shape.of_text(texts[0]) if len(texts) == 1 else UNFIT
    values = [one.of_text(text) for text in texts]
    holder = shape if shape.items else next(o for o in shape.options if o.items)
    return UNFIT if UNFIT in values or not holder.holds_count(len(values)) else values


def _item_of(shape: Shape) -> Shape | None:
    """The shape of the items where a shape is an array."""
    found = (s.items for s in (shape, *shape.options) if s.items is not None and "array" in s.kinds)
    return next(found, None)


def _kinds(shape: Shape) -> frozenset[str]:
    if shape.options:
        return frozenset().union(*(_kinds(o) for o in shape.options))
    return shape.kinds


def _contradiction(where: str, what: str) -> ApiError:
    return invalid(where, f"contradicts the catalog: {what}", "schema_mismatch")
