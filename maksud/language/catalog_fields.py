"""Fields of a catalog that somebody wrote: each is of its type, or a `CatalogError` names it.

Nothing is coerced: `required: "no"` would read as true. What is null counts as not given. Knows
no catalogs: mappings in, plain values out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from maksud.errors import CatalogError, nearest


def read_text(body: Mapping[Any, Any], key: str, where: str, default: str = "") -> str:
    """The text under `key`. Raises `CatalogError` for another type, or half a surrogate pair."""
    value = body.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise wrong_field(key, "a text", value, where, "Put it in double quotes")
    _refuse_surrogates(value, key, where)
    return value


def read_flag(body: Mapping[Any, Any], key: str, where: str, default: bool = False) -> bool:
    """The truth value under `key`. Raises `CatalogError` for another type, a word among them."""
    value = body.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise wrong_field(key, "true or false", value, where, "Write it without quotes")
    return value


def read_texts(body: Mapping[Any, Any], key: str, where: str) -> tuple[str, ...]:
    """The list of texts under `key`. Raises `CatalogError` for another type."""
    value = body.get(key)
    if value is None:
        return ()
    hint = 'Quote them: ["on", "off"]'
    if not isinstance(value, list | tuple):
        raise wrong_field(key, "a list of texts", value, where, hint)
    for item in value:
        if not isinstance(item, str):
            raise CatalogError(
                f"{key!r} must be a list of texts, {describe_value(item)} is among them",
                where=where,
                hint=hint,
            )
        _refuse_surrogates(item, key, where)
    return tuple(value)


def read_mapping(body: Mapping[Any, Any], key: str, where: str) -> Mapping[str, Any]:
    """The mapping under `key`, its keys texts. Raises `CatalogError` for another type."""
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise wrong_field(key, "a mapping", value, where)
    for name in value:
        if not isinstance(name, str):
            raise CatalogError(
                f"a name in {key!r} must be a text, found {describe_value(name)}",
                where=where,
                hint="Put it in double quotes",
            )
    return value


def refuse_unknown(body: Mapping[Any, Any], known: Iterable[str], where: str) -> None:
    """Raises `CatalogError` for a key that is not known, and names the nearest that is."""
    known = sorted(known)
    for key in body:
        if key not in known:
            hint = nearest(key, known) if isinstance(key, str) else nearest("", known)
            raise CatalogError(f"unknown key {describe_value(key)}", where=where, hint=hint)


def wrong_field(key: str, expected: str, value: Any, where: str, hint: str = "") -> CatalogError:
    """The error for a field of another type than expected."""
    what = f"{key!r} must be {expected}, found {describe_value(value)}"
    return CatalogError(what, where=where, hint=hint)


def describe_value(value: Any) -> str:
    """A value in a few words; never its whole, which aliases of YAML can make huge."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:39] + "…")
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def _refuse_surrogates(value: str, key: str, where: str) -> None:
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise CatalogError(f"{key!r} holds half a surrogate pair", where=where, hint="Retype it")
