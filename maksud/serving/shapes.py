"""JSON Schemas of clients, as far as answers can be made to fit them.

A schema is read once into a `Shape`: references followed, null taken apart, what only describes
left out. What restricts a value in a way that is not known here is refused by name, as are schemas
that are recursive or huge: what can't be promised is a 400, never a reply that breaks the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from maksud.http.fields import invalid
from maksud.http.json_body import kind_of
from maksud.language.catalog_tools import format_json_value
from maksud.language.numbers import read_number

MAX_PARTS = 5_000
"""Schemas within one request's schemas, at most; each reference that is followed is one more."""
MAX_NESTED = 32
"""Schemas one within the other, and references one after the other, at most."""
MAX_BITS = 1000
"""Bits of a whole number of a schema, at most: beyond it none can be told from its neighbours."""

KINDS = ("string", "number", "integer", "boolean", "array", "object", "null")
_NUMBERS = frozenset(("number", "integer"))
_DESCRIBES = frozenset(
    (
        "title",
        "description",
        "default",
        "examples",
        "example",
        "deprecated",
        "readOnly",
        "writeOnly",
        "nullable",
        "discriminator",
        "format",
        "strict",
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "definitions",
    )
)
_LIMITS = frozenset(
    (
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
    )
)
_READ = frozenset(
    (
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "anyOf",
        "oneOf",
        "allOf",
        "$ref",
    )
)


class Unfit:
    """The one value `UNFIT`: what is there does not fit a shape."""


UNFIT = Unfit()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a schema lets through. `where`: the field that holds it.

    `kinds`: JSON types, all where the schema names none; null is `nullable`. `values`: of `enum`
    or `const`. `options`: of `anyOf`; the shape itself then says nothing more. `exclusive`: they
    are of `oneOf`, and of two only objects may hold at once, which whoever writes one rules out.
    `is_open`: no type is named, nor values, so that others than of `kinds` may hold, too.
    """

    where: str
    kinds: frozenset[str] = frozenset(KINDS) - {"null"}
    nullable: bool = False
    values: tuple[Any, ...] | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    items: Shape | None = None
    properties: Mapping[str, Shape] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    options: tuple[Shape, ...] = ()
    exclusive: bool = False
    is_open: bool = False

    def of_text(self, text: str) -> Any:
        """The text as a value of the shape; `UNFIT` where it is none."""
        if self.options:
            found = (option.of_text(text) for option in self.options)
            return next((value for value in found if value is not UNFIT), UNFIT)
        if self.values is not None:
            return next((v for v in self.values if format_json_value(v) == text), UNFIT)
        value: Any = UNFIT
        if "string" in self.kinds:
            value = text
        elif self.kinds & {"number", "integer"}:
            number = read_number(text)
            if isinstance(number, float) and number.is_integer():
                number = int(number)
            if number is not None and ("number" in self.kinds or isinstance(number, int)):
                value = number
        elif "boolean" in self.kinds and text in ("true", "false"):
            value = text == "true"
        return value if value is UNFIT or self.is_within(value) else UNFIT

    def holds_count(self, count: int) -> bool:
        """Whether an array may have so many items."""
        least, most = self.limits.get("minItems", 0), self.limits.get("maxItems", count)
        return bool(least <= count <= most)

    def has_room(self, value: Any) -> bool:
        """Whether a value has one of the kinds, and keeps the limits."""
        if isinstance(value, str | bool):
            kind = "boolean" if isinstance(value, bool) else "string"
            return kind in self.kinds and self.is_within(value)
        if isinstance(value, int | float):
            whole = "integer" in self.kinds and float(value).is_integer()
            return ("number" in self.kinds or whole) and self.is_within(value)
        return (
            value is not None and ("array" if isinstance(value, list) else "object") in self.kinds
        )

    def is_within(self, value: Any) -> bool:
        """Whether a number, a text or a truth value keeps the limits."""
        size = len(value) if isinstance(value, str) else value
        names = ("minLength", "maxLength") if isinstance(value, str) else ("minimum", "maximum")
        low, high = (self.limits.get(name) for name in names)
        if (low is not None and size < low) or (high is not None and size > high):
            return False
        if isinstance(value, str | bool):
            return True
        above, below = self.limits.get("exclusiveMinimum"), self.limits.get("exclusiveMaximum")
        step = self.limits.get("multipleOf")
        return (
            (above is None or value > above)
            and (below is None or value < below)
            and (step is None or value % step == 0)
        )


class ShapeReader:
    """Reads the schemas of one request, which have `MAX_PARTS` together at most."""

    def __init__(self) -> None:
        self._root: Any = None
        self._parts = 0
        self._depth = 0

    def read(self, schema: Any, where: str) -> Shape:
        """The shape of a schema. Raises `ApiError` (400) that names the part that can't be met."""
        self._root = schema
        self._depth = 0
        return self._read(schema, where, ())

    def _read(self, schema: Any, where: str, followed: tuple[str, ...]) -> Shape:
        """One schema. `followed`: the references that led here."""
        self._count(1, where)
        if schema is True:
            return Shape(where, is_open=True)
        if not isinstance(schema, Mapping):
            raise invalid(where, f"must be a schema, found {kind_of(schema)}", "invalid_type")
        if self._depth == MAX_NESTED:
            raise _unmet(where, f"the schema is nested deeper than {MAX_NESTED}")
        self._depth += 1
        shape = self._read_mapping(schema, where, followed)
        self._depth -= 1
        return shape

    def _count(self, parts: int, where: str) -> None:
        self._parts += parts
        if self._parts > MAX_PARTS:
            raise _unmet(where, f"the schema has more than {MAX_PARTS:,} parts")

    def _read_mapping(
        self, schema: Mapping[str, Any], where: str, followed: tuple[str, ...]
    ) -> Shape:
        schema, followed = self._resolved(schema, where, followed)
        for keyword in schema:
            known = keyword in _DESCRIBES or keyword in _LIMITS or keyword in _READ
            if not known and not keyword.startswith("x-"):
                raise _unmet(f"{where}.{keyword[:40]}", "this keyword can't be promised")
        shape = self._read_kinds(schema, where)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                _refuse_beside(keyword, schema, where)
                return self._read_options(schema, keyword, shape, followed)
        return self._read_inside(schema, shape, followed)

    def _resolved(
        self, schema: Mapping[str, Any], where: str, followed: tuple[str, ...]
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The schema with its reference and a lone `allOf` put in."""
        while "$ref" in schema or "allOf" in schema:
            if "$ref" in schema:
                reference = schema["$ref"]
                if not isinstance(reference, str) or not reference.startswith("#"):
                    raise _unmet(f"{where}.$ref", "only references within the schema are followed")
                if reference in followed:
                    raise _unmet(f"{where}.$ref", f"{reference[:60]!r} is recursive")
                if len(followed) == MAX_NESTED:
                    raise _unmet(f"{where}.$ref", f"references lead deeper than {MAX_NESTED}")
                followed = (*followed, reference)
                found = self._find(reference, f"{where}.$ref")
                rest = {k: v for k, v in schema.items() if k != "$ref"}
            else:
                parts = schema["allOf"]
                if not isinstance(parts, list) or len(parts) != 1:
                    raise _unmet(f"{where}.allOf", "only one schema can stand in allOf")
                found = parts[0]
                rest = {k: v for k, v in schema.items() if k != "allOf"}
            if not isinstance(found, Mapping):
                raise invalid(where, f"must be a schema, found {kind_of(found)}", "invalid_type")
            # It is copied again at each reference; and a long reference takes its time.
            self._count(1 + len(found) // 20 + len(str(schema.get("$ref", ""))) // 200, where)
            for keyword, value in rest.items():
                restricts = keyword in _READ or keyword in _LIMITS
                if restricts and found.get(keyword, value) != value:
                    raise _unmet(f"{where}.{keyword}", "says another thing than what it refers to")
            schema = {**found, **rest}
        return schema, followed

    def _find(self, reference: str, where: str) -> Any:
        found = self._root
        for key in reference.removeprefix("#").split("/")[1:]:
            key = key.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or key not in found:
                raise _unmet(where, f"{reference[:60]!r} leads nowhere")
            found = found[key]
        return found

    def _read_kinds(self, schema: Mapping[str, Any], where: str) -> Shape:
        """Type, values and limits."""
        named = schema.get("type")
        kinds = [named] if isinstance(named, str) else named
        if kinds is None:
            kinds = [k for k in KINDS if k != "null"]
            if "properties" in schema:
                kinds = ["object"]
        if not isinstance(kinds, list) or not all(isinstance(k, str) and k in KINDS for k in kinds):
            raise invalid(f"{where}.type", f"must be among {', '.join(KINDS)}")
        nullable = "null" in kinds or schema.get("nullable") is True
        values: tuple[Any, ...] | None = None
        if "const" in schema:
            values = (schema["const"],)
        elif "enum" in schema:
            if not isinstance(schema["enum"], list) or not schema["enum"]:
                raise invalid(f"{where}.enum", "must be a list of values")
            values = tuple(schema["enum"])
        if values is not None:
            for value in values:
                _check_size(value, f"{where}.{'const' if 'const' in schema else 'enum'}")
            nullable = None in values and (named is None or nullable)
        limits = {k: schema[k] for k in _LIMITS if schema.get(k) is not None}
        for keyword, value in limits.items():
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise invalid(f"{where}.{keyword}", f"must be a number, found {kind_of(value)}")
            _check_size(value, f"{where}.{keyword}")
        if limits.get("multipleOf", 1) <= 0:
            raise invalid(f"{where}.multipleOf", "must be above 0")
        shape = Shape(where, frozenset(kinds) - {"null"}, nullable, limits=limits)
        if values is None:
            return replace(shape, is_open=named is None)
        return replace(shape, values=tuple(v for v in values if shape.has_room(v)))

    def _read_options(
        self, schema: Mapping[str, Any], keyword: str, shape: Shape, followed: tuple[str, ...]
    ) -> Shape:
        options, where = schema[keyword], f"{shape.where}.{keyword}"
        if not isinstance(options, list) or not options:
            raise invalid(where, "must be a list of schemas")
        read = [self._read(o, f"{where}[{k}]", followed) for k, o in enumerate(options)]
        nullable = any(o.nullable for o in read)
        if "type" in schema:
            nullable = nullable and shape.nullable
            read = [_narrowed(o, shape.kinds) for o in read]
        nullable = nullable or schema.get("nullable") is True
        if keyword == "oneOf":
            _refuse_overlap(read, where)
        some = tuple(o for o in read if o.kinds and o.values != ())
        if len(some) == 1:
            return replace(some[0], nullable=nullable)
        return replace(shape, nullable=nullable, options=some, exclusive=keyword == "oneOf")

    def _read_inside(
        self, schema: Mapping[str, Any], shape: Shape, followed: tuple[str, ...]
    ) -> Shape:
        """Items of an array, properties of an object."""
        where = shape.where
        items = None
        if "items" in schema:
            items = self._read(schema["items"], f"{where}.items", followed)
        properties = schema.get("properties")
        if properties is None:
            properties = {}
        if not isinstance(properties, Mapping):
            raise invalid(f"{where}.properties", "must be an object", "invalid_type")
        required = schema.get("required")
        if required is None:
            required = []
        if not isinstance(required, list) or not all(isinstance(r, str) for r in required):
            raise invalid(f"{where}.required", "must be a list of names", "invalid_type")
        if unknown := next((r for r in required if r not in properties), None):
            raise _unmet(f"{where}.required", f"{unknown[:60]!r} is not among the properties")
        return replace(
            shape,
            items=items,
            properties={
                name: self._read(part, f"{where}.properties.{name[:60]}", followed)
                for name, part in properties.items()
            },
            required=frozenset(required),
        )


def _check_size(value: Any, where: str) -> None:
    """Raises `ApiError` (400) for a whole number that no floating one can be compared with."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise invalid(where, "is out of range")


def _refuse_beside(keyword: str, schema: Mapping[str, Any], where: str) -> None:
    """Raises `ApiError` (400) where options stand beside what would have to hold as well."""
    for other in schema:
        if other in (_READ | _LIMITS) - {keyword, "type"}:
            raise _unmet(f"{where}.{other}", f"can't be promised beside {keyword}")


def key_of_value(value: Any) -> Any:
    """A value of JSON as a key that no other value has: true is not 1 there, and 1.0 is 1."""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, sort_keys=True), type(value)
    return value


def _refuse_overlap(options: Sequence[Shape], where: str) -> None:
    """Raises `ApiError` (400) where a value that is no object may fit two of the options.

    They are told apart by the kinds of values that they have, and by the values themselves where
    both name them: so a long list costs no more than reading it does.
    """
    overlap = sum(o.nullable or any(leaf.is_open for leaf in _leaves(o)) for o in options) > 1
    taken: set[Any] = set()
    any_of, some_of = set[str](), set[str]()  # kinds, all values or some values of which are taken
    for option in options:
        leaves = list(_leaves(option))
        values = {key_of_value(v) for leaf in leaves for v in leaf.values or ()}
        named = {_kind_of_value(v) for leaf in leaves for v in leaf.values or ()}
        free = (KINDS if leaf.is_open else leaf.kinds for leaf in leaves if leaf.values is None)
        kinds = set[str]().union(*free) - {"object", "null"}
        kinds |= {"integer"} if "number" in kinds else set()
        overlap = overlap or bool(kinds & (any_of | some_of) or named & any_of or values & taken)
        any_of |= kinds
        some_of |= named
        taken |= values
    if overlap:
        raise _unmet(
            where,
            "two of its schemas may hold at once: use anyOf, or make them differ in type or values",
        )


def _leaves(shape: Shape) -> Iterator[Shape]:
    """The shapes without options that a shape is made of."""
    if not shape.options:
        yield shape
    for option in shape.options:
        yield from _leaves(option)


def _kind_of_value(value: Any) -> str:
    if isinstance(value, bool | str):
        return "string" if isinstance(value, str) else "boolean"
    if isinstance(value, int | float):
        return "integer" if float(value).is_integer() else "number"
    return "array" if isinstance(value, list) else "object"


def _narrowed(shape: Shape, kinds: frozenset[str]) -> Shape:
    """The shape with those of its kinds alone that are among these; every integer is a number."""
    both = shape.kinds & kinds
    if shape.kinds & _NUMBERS and kinds & _NUMBERS:
        both |= {"integer"}
    options = tuple(_narrowed(o, kinds) for o in shape.options)
    narrow = replace(shape, kinds=both, options=options, is_open=False)
    if shape.values is None:
        return narrow
    return replace(narrow, values=tuple(v for v in shape.values if narrow.has_room(v)))


def _unmet(where: str, why: str) -> Exception:
    return invalid(where, why, "unsupported_schema")
