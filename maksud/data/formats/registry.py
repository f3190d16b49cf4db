"""All formats: one line each, in the order in which a file is told."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from maksud.data.formats.base import Format
from maksud.errors import SettingsError, nearest

MODULES = (
    "xlsx",
    "parquet",
    "openai",
    "sharegpt",
    "itag",
    "label_studio",
    "dialogflow",
    "clu",
    "luis",
    "wit",
    "rasa_json",
    "rasa_markdown",
    "snips",
    "doccano",
    "alpaca",
    "json_lines",
    "json_array",
    "guide",
    "rasa",
    "bio",
    "tab_separated",
    "comma_separated",
    "text",
)
"""Modules of formats, each with its `FORMAT`: what is surely its own comes first."""

DEFAULT = "json"
"""Format of the files of a directory, where nobody names one."""


def load_formats(modules: Sequence[str] = MODULES) -> tuple[Format, ...]:
    """The formats of the modules, in their order."""
    return tuple(import_module(f"maksud.data.formats.{name}").FORMAT for name in modules)


FORMATS = load_formats()
"""All formats, in the order in which they are tried."""


def format_named(name: str) -> Format:
    """The format of that name. Raises `SettingsError`, naming what there is."""
    found = next((f for f in FORMATS if f.name == name), None)
    if found is None:
        raise SettingsError(
            f"unknown format {name!r}", hint=nearest(name, [f.name for f in FORMATS])
        )
    return found


def suffixes() -> tuple[str, ...]:
    """Endings of files of data."""
    return tuple(dict.fromkeys(s for f in FORMATS for s in (*f.suffixes, f.ending) if s))


def written_suffixes() -> tuple[str, ...]:
    """Endings that can be written, those of the formats that hold everything first."""
    written = sorted((f for f in FORMATS if f.write), key=lambda f: f.name)
    first = sorted((f for f in written if f.holds_all), key=lambda f: f.name != DEFAULT)
    rest = sorted(s for f in written for s in f.suffixes)
    return tuple(dict.fromkeys([*(s for f in first for s in f.suffixes), *rest]))


def whole_names() -> str:
    """The names of the formats that hold everything, for a message: `json or jsonl`."""
    names = [f.name for f in FORMATS if f.holds_all]
    return " or ".join(sorted(names, key=lambda name: name != DEFAULT))
