"""What a route reads from a body: each field declared once, for reading it and for its schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maksud.http.fields import invalid, missing
from maksud.http.json_body import kind_of
from maksud.labelling.workflow import MOST_VOTES

LONGEST = 1000
"""Characters of a text, unless its field says otherwise."""
LARGEST = 2**31 - 1
"""Numbers of rows and people: what every database keeps as an integer."""


@dataclass(frozen=True)
class Field:
    """One field: `kind` is text, integer, number, boolean, object, or a list: texts, integers,
    objects. `most` bounds the length of a text or list, `low` and `high` a number; `None` as
    `default` with `required` false means that it may be left out."""

    kind: str
    about: str = ""
    required: bool = True
    default: Any = None
    most: int = LONGEST
    low: float = 0
    high: float = LARGEST
    choices: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        inner = {"texts": "string", "integers": "integer", "objects": "object"}
        names = {"text": "string", **dict.fromkeys(inner, "array")}
        out: dict[str, Any] = {"type": names.get(self.kind, self.kind)}
        if self.about:
            out["description"] = self.about
        if self.kind in inner:
            out |= {"items": {"type": inner[self.kind]}, "maxItems": self.most}
        elif self.kind == "text":
            out["maxLength"] = self.most
        elif self.kind in ("integer", "number"):
            out |= {"minimum": self.low, "maximum": self.high}
        if self.choices:
            out["enum"] = list(self.choices)
        if self.default is not None:
            out["default"] = self.default
        return out

    def read(self, name: str, value: Any) -> Any:
        """The value, if it fits. Raises `ApiError` (400) that names the field."""
        if self.kind in _INNER:
            if not isinstance(value, list):
                raise invalid(name, f"must be a list, found {kind_of(value)}", "invalid_type")
            if len(value) > self.most:
                raise invalid(name, f"has {len(value):,} entries, at most {self.most:,}")
            each = Field(_INNER[self.kind], choices=self.choices)
            return [each.read(f"{name}[{k}]", v) for k, v in enumerate(value)]
        kinds: dict[str, tuple[type, ...]] = {
            "text": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
            "object": (dict,),
        }  # fmt: skip
        fits = isinstance(value, kinds[self.kind])
        if not fits or (isinstance(value, bool) and self.kind != "boolean"):
            raise invalid(name, f"must be {_NAMES[self.kind]}, found {kind_of(value)}",
                          "invalid_type")  # fmt: skip
        if self.kind == "text":
            self._check_text(name, value)
        if self.kind in ("integer", "number") and not self.low <= value <= self.high:
            raise invalid(name, f"must be {self.low:g} to {self.high:g}")
        return value

    def _check_text(self, name: str, value: str) -> None:
        if len(value) > self.most:
            raise invalid(name, f"has {len(value):,} characters, at most {self.most:,}")
        if self.required and not value.strip():
            raise invalid(name, "has no text")
        if "\0" in value:
            raise invalid(name, "has a character U+0000")
        if self.choices and value not in self.choices:
            raise invalid(name, f"must be one of {', '.join(c or '(empty)' for c in self.choices)}")


_INNER = {"texts": "text", "integers": "integer", "objects": "object"}
_NAMES = {"text": "a text", "integer": "a whole number", "number": "a number",
          "boolean": "true or false", "object": "an object"}  # fmt: skip


def read_fields(content: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """The declared fields of a body. Raises `ApiError` (400) for the first that does not fit."""
    for name in content:
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise invalid(name[:60], f"is no field here. Known: {known}", "unknown_parameter")
    out = {}
    for name, field in fields.items():
        value = content.get(name)
        if value is None:
            if field.required:
                raise missing(name, field.about or f"Send {_NAMES.get(field.kind, 'a list')}")
            out[name] = field.default
        else:
            out[name] = field.read(name, value)
    return out


def text(about: str, most: int = LONGEST, choices: tuple[str, ...] = ()) -> Field:
    """A text that is needed."""
    return Field("text", about, most=most, choices=choices)


def optional(about: str, default: Any = "", most: int = LONGEST) -> Field:
    """A text that may be left out or empty."""
    return Field("text", about, required=False, default=default, most=most)


def number(about: str, default: int | None = None, low: int = 0, high: int = LARGEST) -> Field:
    """A whole number; needed where it has no default."""
    return Field("integer", about, default is None, default, low=low, high=high)


KEY = text("Made anew for each save; sending it again is harmless", 100)
VOTES = number("How many people label each item", 1, 1, MOST_VOTES)
READING = {
    "format": optional("Its format, where it is not told by itself", most=40),
    "utterance_column": optional("The column or field that is the utterance", most=200),
    "answer_column": optional("The one that is the answer", most=200),
    "unlabelled": Field("boolean", "No row has an answer yet", required=False, default=False),
}
"""How a file is read, where its content leaves it open."""
