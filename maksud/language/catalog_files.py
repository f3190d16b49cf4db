"""Catalogs as mappings and as files: YAML to be edited by hand, TOML, JSON (ours or OpenAI's).

Whatever a file holds, reading gives a catalog or a `CatalogError` that names the place: nothing is
guessed, and nothing that stands twice is dropped in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from maksud.errors import CatalogError, nearest
from maksud.language.catalog import PARAMETER_TYPES, Catalog, Intent, Parameter, ParameterType
from maksud.language.catalog_fields import (
    describe_value,
    read_flag,
    read_mapping,
    read_text,
    read_texts,
    refuse_unknown,
)
from maksud.language.catalog_tools import catalog_from_tools, catalog_to_tools
from maksud.storage import write_file

_YAML_HEAD = """\
# Catalog of intents. Each intent: description, parameters; positional: true writes f(value);
# confirm: what a person reads when it is acted on ("Alarm dipasang {time}[ untuk {date}]").
# A parameter: type (text | enumeration | number | datetime | boolean), description, required,
# question (asked when a required one is missing), values (of an enumeration),
# copied (false: the value need not stand in the utterance; a number is then in digits).
"""

_INTENT_KEYS = ("description", "positional", "confirm", "parameters")
_PARAMETER_KEYS = ("type", "description", "required", "question", "values", "copied", "many")


def catalog_to_json(catalog: Catalog) -> dict[str, Any]:
    """A JSON-able mapping; `catalog_from_json` reads it back to an equal catalog."""
    return {"intents": {i.name: _intent_json(i) for i in catalog.intents}}


def catalog_from_json(content: Any, where: str = "catalog") -> Catalog:
    """A catalog from `{"intents": {name: {description, positional, confirm, parameters}}}`.

    Raises `CatalogError` for anything else, with the place of it.
    """
    if not isinstance(content, Mapping) or not isinstance(content.get("intents"), Mapping):
        raise CatalogError(
            "expected a mapping 'intents'", where=where, hint="See docs/formats.md, Catalog"
        )
    refuse_unknown(content, ("intents",), where)
    intents = read_mapping(content, "intents", where)
    return Catalog(tuple(_read_intent(n, b, f"{where}: {n[:60]}") for n, b in intents.items()))


def format_catalog(catalog: Catalog) -> str:
    """The catalog as commented YAML, to be edited by hand."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def represent_str(self, data: str) -> Any:
            # Line ends of Unicode, unescaped, would come back as a space.
            style = '"' if any(c in data for c in "\x85\u2028\u2029") else None
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, Dumper.represent_str)
    body: str = yaml.dump(
        catalog_to_json(catalog),
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=None,
    )
    return _YAML_HEAD + body


def save_catalog(catalog: Catalog, path: str | Path) -> None:
    """Writes the catalog as YAML; to a `.json` name, as OpenAI `tools`."""
    write_file(path, format_for(catalog, path))


def format_for(catalog: Catalog, path: str | Path) -> str:
    """The content of a catalog's file with that name, as `save_catalog` writes it."""
    if Path(path).suffix == ".json":
        return json.dumps(catalog_to_tools(catalog), ensure_ascii=False, indent=1)
    return format_catalog(catalog)


def load_catalog(path: str | Path) -> Catalog:
    """A catalog from a `.yaml`/`.yml`, `.toml` or `.json` file (ours, or OpenAI `tools`).

    Raises `CatalogError` for a file that is none.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"can't be read ({error})", where=str(path)) from error
    content: Any
    try:
        if path.suffix == ".json":
            content = json.loads(text, object_pairs_hook=_unrepeated)
        elif path.suffix == ".toml":
            import tomllib

            content = tomllib.loads(text)
        else:
            content = _parse_yaml(text)
    except Exception as error:  # each parser has its own tree; all mean the same here
        raise CatalogError(f"is not valid ({error})", where=str(path)) from error
    if isinstance(content, list):
        return catalog_from_tools(content, where=str(path))
    return catalog_from_json(content, where=str(path))


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [k for k, _ in pairs]
        twice = next(k for k in keys if keys.count(k) > 1)
        raise ValueError(f"the key {describe_value(twice)} stands twice")
    return made


def _parse_yaml(text: str) -> Any:
    """`yaml.safe_load`, but a key that stands twice is an error: the first would be lost."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [k.value for k, _ in node.value if isinstance(k, yaml.ScalarNode)]
            if len(set(keys)) < len(keys):
                twice = next(k for k in keys if keys.count(k) > 1)
                line = node.start_mark.line + 1
                what = f"the key {describe_value(twice)} stands twice in the mapping of line {line}"
                raise ValueError(what)
            made: dict[Any, Any] = super().construct_mapping(node, deep)
            return made

    return yaml.load(text, Loader)


def _intent_json(intent: Intent) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if intent.description:
        body["description"] = intent.description
    if intent.positional:
        body["positional"] = True
    if intent.confirm:
        body["confirm"] = intent.confirm
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
    if parameter.many:
        body["many"] = True
    return body


def _read_intent(name: str, body: Any, where: str) -> Intent:
    body = _read_body(body, _INTENT_KEYS, where)
    parameters = read_mapping(body, "parameters", where)
    return Intent(
        name,
        description=read_text(body, "description", where),
        parameters=tuple(_read_parameter(n, b, f"{where}.{n[:60]}") for n, b in parameters.items()),
        positional=read_flag(body, "positional", where),
        confirm=read_text(body, "confirm", where),
    )


def _read_parameter(name: str, body: Any, where: str) -> Parameter:
    body = _read_body(body, _PARAMETER_KEYS, where)
    values = read_texts(body, "values", where)
    kind = read_text(body, "type", where, "enumeration" if values else "text")
    if kind not in PARAMETER_TYPES:
        raise CatalogError(
            f"'type' is {describe_value(kind)}", where=where, hint=nearest(kind, PARAMETER_TYPES)
        )
    return Parameter(
        name,
        type=cast(ParameterType, kind),
        description=read_text(body, "description", where),
        required=read_flag(body, "required", where),
        question=read_text(body, "question", where),
        values=values,
        copied=read_flag(body, "copied", where, default=True),
        many=read_flag(body, "many", where),
    )


def _read_body(body: Any, known: tuple[str, ...], where: str) -> Mapping[Any, Any]:
    if body is None:
        return {}
    if not isinstance(body, Mapping):
        raise CatalogError(f"expected a mapping, found {describe_value(body)}", where=where)
    refuse_unknown(body, known, where)
    return body
