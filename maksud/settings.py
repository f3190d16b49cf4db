"""Settings, each written once: a dataclass whose fields carry their help and their range.

    @dataclass(frozen=True)
    class TrainSettings:
        seed: int = setting(0, low=0)
        \"""Seed of everything random.\"""

The docstring under a field is the command line's help, the docs' table and the end of the message
when a value is out of range. Values come from Python, from `KEY=VALUE` texts and from TOML files
alike; unknown keys are refused with the nearest ones.
"""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from maksud.errors import SettingsError, nearest

T = TypeVar("T")

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def setting(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    also: tuple[str, ...] = (),
) -> Any:
    """A dataclass field with its range: `low` and `high` belong to it, `above` and `below` not.

    `also`: other names of the setting, such as the guide's.
    """
    bounds = {"low": low, "high": high, "above": above, "below": below}
    return field(default=default, metadata={"bounds": bounds, "also": also})


@dataclass(frozen=True)
class Setting:
    """What is known of one field: `type` is bool, int, float or str."""

    name: str
    type: type
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    also: tuple[str, ...] = ()

    @property
    def range(self) -> str:
        """The range in words, such as `1 to 256` or `above 0`; empty where there is none."""
        if self.choices:
            return ", ".join(self.choices)
        if self.low is not None and self.high is not None:
            return f"{_bound(self.low)} to {_bound(self.high)}"
        parts = (
            ("at least", self.low), ("above", self.above),
            ("at most", self.high), ("below", self.below),
        )  # fmt: skip
        return ", ".join(f"{word} {_bound(bound)}" for word, bound in parts if bound is not None)

    def check(self, value: Any, where: str = "") -> None:
        """Raises `SettingsError` for a value of another type or out of range."""
        fits = isinstance(value, bool) == (self.type is bool)
        if self.type is float:
            fits = fits and isinstance(value, int | float) and math.isfinite(value)
        else:
            fits = fits and isinstance(value, self.type)
        if fits and self.choices:
            fits = value in self.choices
        if fits and self.type in (int, float):
            fits = (
                (self.low is None or value >= self.low)
                and (self.high is None or value <= self.high)
                and (self.above is None or value > self.above)
                and (self.below is None or value < self.below)
            )
        if not fits:
            kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
            expected = self.range or kinds[self.type]
            raise SettingsError(
                f"{self.name} is {value!r}, expected {expected}", where=where, hint=self.help
            )

    def read(self, text: str) -> Any:
        """The value that a text gives. Raises `SettingsError` where it gives none."""
        try:
            if self.type is bool:
                if text.casefold() not in _TRUE + _FALSE:
                    raise ValueError(text)
                return text.casefold() in _TRUE
            return self.type(text)
        except ValueError as error:
            self.check(text)
            raise SettingsError(f"{self.name} is {text!r}", hint=self.help) from error


_known: dict[type, dict[str, Setting]] = {}


def _bound(value: float) -> str:
    """A bound as a person writes it: a large whole one in all its digits."""
    return str(value) if isinstance(value, int) else f"{value:g}"


def settings_of(kind: type) -> dict[str, Setting]:
    """The settings of a dataclass by name, in order; fields of other types are left out."""
    if kind in _known:
        return _known[kind]
    hints = get_type_hints(kind)
    helps: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if is_dataclass(base):
            helps |= _docstrings(base)
    found = {}
    for f in fields(kind):
        hint, choices = hints[f.name], ()
        if get_origin(hint) is Literal:
            hint, choices = str, get_args(hint)
        if hint not in (bool, int, float, str) or f.default is MISSING:
            continue
        about = f.metadata
        found[f.name] = Setting(
            f.name, hint, f.default, helps.get(f.name, ""), choices,
            also=about.get("also", ()), **about.get("bounds", {}),
        )  # fmt: skip
    _known[kind] = found
    return found


def _docstrings(kind: type) -> dict[str, str]:
    """The text under each field, its lines joined."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    found: dict[str, str] = {}
    name = ""
    for node in body.body if isinstance(body, ast.ClassDef) else ():
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found[name] = " ".join(str(node.value.value).split())
            name = ""
        else:
            name = ""
    return found


def help_of(kind: type, name: str) -> str:
    """The help of one setting."""
    return settings_of(kind)[name].help


def check_settings(value: Any) -> None:
    """Raises `SettingsError` for the first setting of a dataclass value that is out of range."""
    for name, about in settings_of(type(value)).items():
        about.check(getattr(value, name), type(value).__name__)


def find_setting(kind: type, key: str) -> Setting | None:
    """The setting that a key names, by its own name or another one."""
    known = settings_of(kind)
    if key in known:
        return known[key]
    return next((s for s in known.values() if key in s.also), None)


def change_settings(value: T, changes: Mapping[str, Any]) -> T:
    """The dataclass value with `changes`, given under any of their names; texts are read.

    Raises `SettingsError` for a key that it does not have, or a value out of range.
    """
    kind = type(value)
    given = {}
    for key, new in changes.items():
        about = find_setting(kind, key)
        if about is None:
            raise unknown_setting(key, settings_of(kind))
        if isinstance(new, str) and about.type is not str:
            new = about.read(new)
        elif about.type is int and isinstance(new, float) and new.is_integer():
            new = int(new)
        given[about.name] = new
    changed = replace(value, **given)  # type: ignore[type-var]
    check_settings(changed)
    return changed


def unknown_setting(key: str, known: Iterable[str]) -> SettingsError:
    """The error for a key that nothing has."""
    return SettingsError(f"unknown setting {key!r}", hint=nearest(key, known))


def read_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """`KEY=VALUE` texts as a mapping. Raises `SettingsError` for one without `=`, or said twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not sign or not key:
            raise SettingsError(f"--set {pair!r}", hint="Write KEY=VALUE, such as seed=1")
        if key in found:
            raise SettingsError(f"--set gives {key} twice", hint="Keep one of the two")
        found[key] = value.strip()
    return found


def read_file(path: Path) -> dict[str, Any]:
    """The settings in a TOML file: one `key = value` a line, no tables. Raises `SettingsError`."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad writes a mark
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"can't be read as settings ({error})", where=str(path),
            hint="Write TOML, one key = value a line",
        ) from error  # fmt: skip
    for key, value in content.items():
        if isinstance(value, dict | list):
            raise SettingsError(f"{key} is no single value", where=str(path))
    return content


def draw_table(kind: type) -> str:
    """The settings of a dataclass as a Markdown table: what docs/settings.md shows."""
    lines = ["| setting | default | range | meaning |", "|---|---|---|---|"]
    for s in settings_of(kind).values():
        default = "the guide's" if len(str(s.default)) > 60 else f"`{s.default}`"
        names = f"`{s.name}`" + "".join(f", `{name}`" for name in s.also)
        lines.append(f"| {names} | {default} | {s.range} | {s.help} |")
    return "\n".join(lines)
