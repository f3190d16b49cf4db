"""The catalog: which intents there are, which parameters they take, what to ask for.

It is inferred from labelled data, written by hand as YAML (comments welcome), or made from
OpenAI `tools` JSON. It gives positional arguments their names, writes answers in each intent's
own style, and says where an answer breaks it. `none()` needs no entry: it is always allowed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from maksud.errors import CatalogError, nearest
from maksud.language.calls import NONE, OUT_OF_SCOPE, Argument, Call, format_calls, is_name

ParameterType = Literal["text", "enumeration", "number", "datetime", "boolean"]
_TYPES = get_args(ParameterType)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an intent.

    `copied`: the value is a span of the utterance, as said (never where there are `choices`). An
    enumeration lists its `values`.
    `required` with a `question`: what to ask the person when an answer lacks it.
    """

    name: str
    type: ParameterType = "text"
    description: str = ""
    required: bool = False
    question: str = ""
    values: tuple[str, ...] = ()
    copied: bool = True

    @property
    def choices(self) -> tuple[str, ...]:
        """All values that there are: of an enumeration and a boolean; none where they are open."""
        return ("true", "false") if self.type == "boolean" else self.values


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that people want. `positional`: answers are written `f(x)`, not `f(p=x)`."""

    name: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    positional: bool = False

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, if there is one."""
        return next((p for p in self.parameters if p.name == name), None)


@dataclass(frozen=True, slots=True)
class MissingParameter:
    """A required parameter that an answer lacks, with the question that asks for it."""

    intent: str
    parameter: str
    question: str


@dataclass(frozen=True)
class Catalog:
    """The intents that a recognizer knows, in a fixed order."""

    intents: tuple[Intent, ...]
    _by_name: dict[str, Intent] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, Intent] = {}
        for intent in self.intents:
            _check_intent(intent)
            if intent.name in by_name:
                raise CatalogError(f"intent {intent.name!r} is declared twice", hint="Merge them")
            by_name[intent.name] = intent
        object.__setattr__(self, "_by_name", by_name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the intents, in order; `none` is not among them."""
        return tuple(i.name for i in self.intents)

    def get(self, name: str) -> Intent | None:
        """The intent of that name, if there is one."""
        return self._by_name.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self.intents)

    # ------------------------------------------------------------ answers

    def named(self, calls: Iterable[Call]) -> tuple[Call, ...]:
        """The calls with every positional argument named, in the order of the parameters.

        A positional argument takes the first declared name that the call does not use yet; with
        none left, or an unknown intent, it stays positional (`violations` reports it).
        """
        out = []
        for call in calls:
            intent = self._by_name.get(call.intent)
            if intent is None or all(a.name is not None for a in call.arguments):
                out.append(call)
                continue
            used = {a.name for a in call.arguments}
            free = iter([p.name for p in intent.parameters if p.name not in used])
            out.append(
                Call(
                    call.intent,
                    tuple(
                        a if a.name is not None else Argument(next(free, None), a.value)
                        for a in call.arguments
                    ),
                )
            )
        return tuple(out)

    def styled(self, calls: Iterable[Call]) -> tuple[Call, ...]:
        """The calls as each intent writes them: positional where it does and order allows."""
        out = []
        for call in self.named(calls):
            intent = self._by_name.get(call.intent)
            if intent is not None and intent.positional and call.arguments:
                given = [a.name for a in call.arguments]
                if None not in given and len(set(given)) == len(given):
                    order = {p.name: k for k, p in enumerate(intent.parameters)}
                    ranked = sorted(call.arguments, key=lambda a: order.get(a.name or "", 99))
                    if [order.get(a.name or "") for a in ranked] == list(range(len(ranked))):
                        call = Call(call.intent, tuple(Argument(None, a.value) for a in ranked))
            out.append(call)
        return tuple(out)

    def render(self, calls: Iterable[Call]) -> str:
        """The answer's text, in each intent's style."""
        return format_calls(self.styled(calls))

    def violations(self, calls: Iterable[Call], utterance: str | None = None) -> list[str]:
        """What in the answer the catalog forbids; empty for a valid answer.

        With an utterance, a copied value must be a part of it.
        """
        out = []
        for call in self.named(calls):
            if call == NONE:
                continue
            intent = self._by_name.get(call.intent)
            if intent is None:
                out.append(
                    f"intent {call.intent!r} is not in the catalog. "
                    + nearest(call.intent, self._by_name)
                )
                continue
            for argument in call.arguments:
                out.extend(_argument_violations(intent, argument, utterance))
        return out

    def missing(self, calls: Iterable[Call]) -> tuple[MissingParameter, ...]:
        """Required parameters that the calls lack, in the order of calls and parameters."""
        out = []
        for call in self.named(calls):
            intent = self._by_name.get(call.intent)
            if intent is None:
                continue
            given = {a.name for a in call.arguments}
            for p in intent.parameters:
                if p.required and p.name not in given:
                    question = p.question or f"{p.description or p.name}?"
                    out.append(MissingParameter(intent.name, p.name, question))
        return tuple(out)

    def merged(self, other: Catalog) -> Catalog:
        """Both catalogs in one. Raises `CatalogError` where they declare an intent differently."""
        for intent in other.intents:
            mine = self.get(intent.name)
            if mine is not None and mine != intent:
                raise CatalogError(
                    f"intent {intent.name!r} is declared in two ways",
                    hint="Make the two catalogs agree, or rename one",
                )
        return Catalog(self.intents + tuple(i for i in other.intents if i.name not in self))

    # ------------------------------------------------------------ from data

    @classmethod
    def infer(cls, answers: Iterable[Sequence[Call]], utterances: Iterable[str] = ()) -> Catalog:
        """The smallest catalog that allows all the answers (`none()` aside).

        Unnamed arguments get the names `value`, or `value1`, `value2`… where there are several.
        With the utterances of the answers, in step, a parameter whose values never stand in
        them becomes an enumeration (few values) or free text that is not copied.
        """
        texts = iter(utterances)
        order: dict[str, dict[str, Counter[str]]] = {}
        copied: Counter[tuple[str, str]] = Counter()
        positional: Counter[str] = Counter()
        named: Counter[str] = Counter()
        width: Counter[str] = Counter()
        seen_text = False
        for calls in answers:
            text = next(texts, None)
            seen_text = seen_text or text is not None
            for call in calls:
                if call.intent == OUT_OF_SCOPE:
                    continue
                values = order.setdefault(call.intent, {})
                bare = [a for a in call.arguments if a.name is None]
                positional[call.intent] += len(bare)
                named[call.intent] += len(call.arguments) - len(bare)
                width[call.intent] = max(width[call.intent], len(bare))
                place = 0
                for a in call.arguments:
                    name = a.name
                    if name is None:
                        place += 1
                        name = f"\0{place}"
                    values.setdefault(name, Counter())[a.value] += 1
                    if text is None or a.value in text:
                        copied[call.intent, name] += 1
        intents = []
        for intent, parameters in sorted(order.items()):
            made = []
            # Positional parameters come first, in their places, so that `named` finds them.
            ranked = sorted(parameters.items(), key=lambda kv: not kv[0].startswith("\0"))
            for name, counts in ranked:
                number = name[1:] if name.startswith("\0") else ""
                plain = name if not number else "value" + (number if width[intent] > 1 else "")
                total = sum(counts.values())
                # A handful of values that are not in the text is a fault of the data (`checks`
                # tells it), not a rule.
                few = total < 10
                is_copied = few or not seen_text or copied[intent, name] >= 0.5 * total
                listed = not is_copied and len(counts) <= min(50, total // 3)
                made.append(
                    Parameter(
                        plain,
                        type="enumeration" if listed else "text",
                        values=tuple(sorted(counts)) if listed else (),
                        copied=is_copied,
                    )
                )
            bare_style = positional[intent] > 0 and named[intent] == 0
            intents.append(Intent(intent, parameters=tuple(made), positional=bare_style))
        return cls(tuple(intents))

    # ------------------------------------------------------------ files

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping; `from_json` reads it back."""
        return {"intents": {i.name: _intent_json(i) for i in self.intents}}

    @classmethod
    def from_json(cls, content: Any, where: str = "catalog") -> Catalog:
        """A catalog from `{"intents": {name: {description, positional, parameters}}}`."""
        if not isinstance(content, Mapping) or not isinstance(content.get("intents"), Mapping):
            raise CatalogError(
                "expected a mapping 'intents'", where=where, hint="See docs/formats.md, Catalog"
            )
        _refuse_unknown(content, {"intents"}, where)
        intents = []
        for name, body in content["intents"].items():
            intents.append(_intent_from(str(name), body or {}, f"{where}: {name}"))
        return cls(tuple(intents))

    def dumps(self) -> str:
        """The catalog as commented YAML, to be edited by hand."""
        import yaml

        body: str = yaml.safe_dump(
            self.to_json(), sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
        )
        return _YAML_HEAD + body

    def save(self, path: str | Path) -> None:
        """Writes the catalog as YAML."""
        Path(path).write_text(self.dumps(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Catalog:
        """A catalog from a `.yaml`/`.yml`, `.toml` or `.json` file (ours, or OpenAI `tools`)."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise CatalogError(f"can't be read ({error})", where=str(path)) from error
        content: Any
        try:
            if path.suffix == ".json":
                content = json.loads(text)
            elif path.suffix == ".toml":
                import tomllib

                content = tomllib.loads(text)
            else:
                import yaml

                content = yaml.safe_load(text)
        except Exception as error:  # each parser has its own tree; all mean the same here
            raise CatalogError(f"is not valid ({error})", where=str(path)) from error
        if isinstance(content, list):
            return cls.from_tools(content, where=str(path))
        return cls.from_json(content, where=str(path))

    # ------------------------------------------------------------ OpenAI tools

    def to_tools(self) -> list[dict[str, Any]]:
        """The catalog as the OpenAI API's `tools` list.

        What JSON Schema has no word for (question, copied, positional) stands under `x-maksud`.
        """
        return [_tool(i) for i in self.intents]

    @classmethod
    def from_tools(cls, tools: Any, where: str = "tools") -> Catalog:
        """A catalog from the OpenAI API's `tools` list."""
        if not isinstance(tools, list):
            raise CatalogError("expected a list of tools", where=where)
        intents = []
        for k, tool in enumerate(tools):
            function = tool.get("function", tool) if isinstance(tool, Mapping) else None
            if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
                raise CatalogError("expected a function with a name", where=f"{where}[{k}]")
            intents.append(_intent_from_tool(function, f"{where}[{k}]"))
        return cls(tuple(intents))


_YAML_HEAD = """\
# Catalog of intents. Each intent: description, parameters; positional: true writes f(value).
# A parameter: type (text | enumeration | number | datetime | boolean), description, required,
# question (asked when a required one is missing), values (of an enumeration),
# copied (false: the value need not stand in the utterance).
"""

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*")
_SCHEMA_TYPES = {"text": "string", "enumeration": "string", "datetime": "string"}


def _argument_violations(intent: Intent, argument: Argument, utterance: str | None) -> list[str]:
    if argument.name is None:
        return [
            f"{intent.name} takes {len(intent.parameters)} parameters; "
            f"the value {argument.value!r} is one too many"
        ]
    parameter = intent.parameter(argument.name)
    if parameter is None:
        known = nearest(argument.name, [p.name for p in intent.parameters])
        return [f"{intent.name} has no parameter {argument.name!r}. {known}"]
    what = f"{intent.name}: {argument.name}={argument.value!r}"
    if parameter.type == "enumeration":
        if argument.value not in parameter.values:
            return [f"{what} is not among the values. {nearest(argument.value, parameter.values)}"]
    elif parameter.type == "boolean":
        if argument.value not in ("true", "false"):
            return [f"{what} is not true or false"]
    elif parameter.copied:
        if utterance is not None and argument.value not in utterance:
            return [f"{what} is not in the utterance"]
    elif parameter.type == "number" and not _NUMBER.fullmatch(argument.value):
        return [f"{what} is not a number"]
    return []


def _check_intent(intent: Intent) -> None:
    where = f"intent {intent.name!r}"
    if not is_name(intent.name):
        raise CatalogError("is not a name", where=where, hint='Leave out spaces and ( ) , ; = "')
    if intent.name == OUT_OF_SCOPE:
        raise CatalogError("'none' is always there", where=where, hint="Remove the entry")
    seen = set()
    for p in intent.parameters:
        if not is_name(p.name):
            raise CatalogError(f"parameter {p.name!r} is not a name", where=where)
        if p.name in seen:
            raise CatalogError(f"parameter {p.name!r} is declared twice", where=where)
        seen.add(p.name)
        if p.type not in _TYPES:
            raise CatalogError(
                f"parameter {p.name!r} has type {p.type!r}",
                where=where,
                hint=nearest(p.type, _TYPES),
            )
        if (p.type == "enumeration") != bool(p.values):
            raise CatalogError(
                f"parameter {p.name!r}: an enumeration, and only that, lists its values",
                where=where,
            )


def _intent_json(intent: Intent) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if intent.description:
        body["description"] = intent.description
    if intent.positional:
        body["positional"] = True
    if intent.parameters:
        body["parameters"] = {p.name: _parameter_json(p) for p in intent.parameters}
    return body


def _parameter_json(parameter: Parameter) -> dict[str, Any]:
    body: dict[str, Any] = {"type": parameter.type}
    if parameter.description:
        body["description"] = parameter.description
    if parameter.required:
        body["required"] = True
    if parameter.question:
        body["question"] = parameter.question
    if parameter.values:
        body["values"] = list(parameter.values)
    if not parameter.copied:
        body["copied"] = False
    return body


def _intent_from(name: str, body: Any, where: str) -> Intent:
    if not isinstance(body, Mapping):
        raise CatalogError("expected a mapping", where=where)
    _refuse_unknown(body, {"description", "positional", "parameters"}, where)
    made = []
    declared = body.get("parameters") or {}
    if not isinstance(declared, Mapping):
        raise CatalogError("expected a mapping 'parameters'", where=where)
    for p_name, p_body in declared.items():
        p_where = f"{where}.{p_name}"
        p_body = p_body or {}
        if not isinstance(p_body, Mapping):
            raise CatalogError("expected a mapping", where=p_where)
        _refuse_unknown(
            p_body, {"type", "description", "required", "question", "values", "copied"}, p_where
        )
        values = p_body.get("values") or ()
        if isinstance(values, str) or not all(isinstance(v, str) for v in values):
            raise CatalogError(
                "'values' must be a list of texts", where=p_where, hint='Quote them: ["on", "off"]'
            )
        made.append(
            Parameter(
                str(p_name),
                type=p_body.get("type", "enumeration" if values else "text"),
                description=str(p_body.get("description") or ""),
                required=bool(p_body.get("required", False)),
                question=str(p_body.get("question") or ""),
                values=tuple(values),
                copied=bool(p_body.get("copied", True)),
            )
        )
    return Intent(
        name,
        description=str(body.get("description") or ""),
        parameters=tuple(made),
        positional=bool(body.get("positional", False)),
    )


def _refuse_unknown(body: Mapping[Any, Any], known: set[str], where: str) -> None:
    for key in body:
        if key not in known:
            raise CatalogError(
                f"unknown key {key!r}", where=where, hint=nearest(str(key), sorted(known))
            )


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
    if intent.positional:
        function["x-maksud"] = {"positional": True}
    return {"type": "function", "function": function}


def _intent_from_tool(function: Mapping[str, Any], where: str) -> Intent:
    schema = function.get("parameters") or {}
    properties = schema.get("properties") or {} if isinstance(schema, Mapping) else {}
    if not isinstance(properties, Mapping):
        raise CatalogError("expected an object of properties", where=where)
    required = set(schema.get("required") or ()) if isinstance(schema, Mapping) else set()
    made = []
    for name, body in properties.items():
        if not isinstance(body, Mapping):
            raise CatalogError(f"property {name!r} is not an object", where=where)
        own = body.get("x-maksud") or {}
        kind = body.get("type", "string")
        parameter = Parameter(
            str(name),
            description=str(body.get("description") or ""),
            required=name in required,
            question=str(own.get("question") or ""),
            copied=bool(own.get("copied", True)),
        )
        if body.get("enum"):
            values = tuple(str(v) for v in body["enum"])
            parameter = replace(parameter, type="enumeration", values=values)
        elif kind in ("number", "integer"):
            parameter = replace(parameter, type="number")
        elif kind == "boolean":
            parameter = replace(parameter, type="boolean")
        elif body.get("format") in ("date-time", "date", "time"):
            parameter = replace(parameter, type="datetime")
        elif kind != "string":
            raise CatalogError(
                f"property {name!r} has type {kind!r}",
                where=where,
                hint="Use string, number, integer, boolean or an enum",
            )
        made.append(parameter)
    own = function.get("x-maksud") or {}
    return Intent(
        function["name"],
        description=str(function.get("description") or ""),
        parameters=tuple(made),
        positional=bool(own.get("positional", False)),
    )
