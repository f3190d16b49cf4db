"""JSON bodies, read strictly and written safely.

What Python's parser lets through and other parsers do not, or what breaks a reply later, is
refused with its place: NaN, numbers that overflow, twin keys, half characters, deep nesting.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from collections import Counter
from typing import Any

from maksud.http.api_error import ApiError

MAX_DEPTH = 32
"""Deepest nesting of a request's JSON."""

_NOT_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN|-?\d[-+.\deE]*)', re.DOTALL)
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(content: Any) -> bytes:
    """JSON as UTF-8. Text that is no Unicode (a lone surrogate) is escaped, never an error."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", errors="backslashreplace")


class Repeated:
    """Values of a key that come with every request, spelled alike: what is parsed once.

    An application sends the same kilobytes of `tools` each time, and reading them costs more than
    all the rest of the request. A list or an object ends where its brackets say, so a text that
    goes on at the key's place as a known one did has that value there. The value is shared by the
    requests: whoever reads it leaves it as it is.
    """

    MOST, LONGEST = 16, 65_536
    """Values that are kept, and the characters of a body whose value is, at most."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._mark = f'"{key}":'
        self._stand_in = secrets.token_hex(16)  # what nobody can send in the value's place
        self._known: dict[str, Any] = {}

    def read(self, text: str) -> dict[str, Any] | None:
        """The object in a text whose value of the key is known; None for any other text."""
        at = self._place(text)
        if not at:
            return None
        spelled = next((s for s in self._known if text.startswith(s, at)), None)
        if spelled is None:
            return None
        try:
            content = _parse(f'{text[:at]}"{self._stand_in}"{text[at + len(spelled) :]}')
        except ApiError:  # read whole, it says where it is broken
            return None
        if content.get(self._key) != self._stand_in:  # the key stands further inside
            return None
        content[self._key] = self._known[spelled]
        return content

    def keep(self, text: str) -> None:
        """Keeps the value of the key in a text that was read, and nothing in it refused."""
        at = self._place(text)
        if not at or len(text) > self.LONGEST or text[at : at + 1] not in ("[", "{"):
            return
        value, end = json.JSONDecoder().raw_decode(text, at)
        while len(self._known) >= self.MOST:
            self._known.pop(next(iter(self._known)), None)
        self._known[text[at:end]] = value

    def _place(self, text: str) -> int:
        """Where the value begins, if the key's first place is the right one; 0 without the key."""
        found = text.find(self._mark)
        at = found + len(self._mark)
        return 0 if found < 0 else at + text.startswith(" ", at)


def parse_json(body: bytes, repeated: Repeated | None = None) -> dict[str, Any]:
    """The object in a request's body. Raises `ApiError` (400) that says where it is broken.

    `repeated`: knows values that came before.
    """
    if not body.strip():
        raise _bad_json("the body is empty, expected a JSON object")
    if body.startswith(b"\xef\xbb\xbf"):
        raise _bad_json("byte order mark at byte 0: send UTF-8 without it")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad_json(f"byte 0x{body[error.start]:02X} at {error.start} is not UTF-8") from None
    if repeated is None:
        return _parse(text)
    content = repeated.read(text)
    if content is None:
        content = _parse(text)
        repeated.keep(text)
    return content


def _parse(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise _bad_json(f"{error.msg[0].lower()}{error.msg[1:]} at {place}") from None
    except _Number as error:
        raise _bad_json(f"{error} is no JSON number, {_place(text, str(error))}") from None
    except RecursionError:
        raise _bad_json(f"nested deeper than {MAX_DEPTH}") from None
    except ValueError:  # Python refuses integers of thousands of digits
        raise _bad_json("an integer has too many digits") from None
    if not isinstance(content, dict):
        raise _bad_json(f"expected a JSON object, found {kind_of(content)}")
    keys = _check_inside(content, bool(_ESCAPED_HALF.search(text)))
    if _may_have_twins(text, keys):
        json.loads(text, object_pairs_hook=_no_twins)
    return content


class _Number(Exception):
    """`NaN`, `Infinity` or a number that overflows; the text is its spelling."""


def _no_constant(spelling: str) -> Any:
    raise _Number(spelling)


def _finite(spelling: str) -> float:
    value = float(spelling)
    if math.isinf(value):
        raise _Number(spelling)
    return value


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        twin = next(k for k, n in Counter(k for k, _ in pairs).items() if n > 1)
        raise _bad_json(f"key {twin[:40]!r} appears twice in one object")
    return content


def _place(text: str, spelling: str) -> str:
    """Where a number stands that the parser gave without a position."""
    for found in _NOT_STRING.finditer(text):
        if found[1] == spelling:
            before = text[: found.start()]
            return f"line {before.count(chr(10)) + 1} column {len(before) - before.rfind(chr(10))}"
    return "position unknown"


def _may_have_twins(text: str, keys: int) -> bool:
    """Whether a text may have more keys than the `keys` that were kept of it, the last of each.

    Where no colon stands behind a blank, each key ends in a quote and a colon, so that there are
    at least as many of these as keys. A hook that looks at each object costs half a parsing.
    """
    return text.count('":') != keys or any(b in text and b + ":" in text for b in " \n\t\r")


def _check_inside(content: Any, escapes: bool) -> int:
    """Refuses what the parser lets through: deep nesting, and escapes of half a character.

    `escapes`: whether there are any that may be one, as texts are many and rarely have them. Gives
    the number of keys.
    """
    level = [content]
    keys = 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            parts = value
            if type(value) is dict:
                parts = value.values()
                keys += len(value)
            if escapes:
                texts = [*value, *parts] if type(value) is dict else parts
                if any(isinstance(text, str) and _SURROGATE.search(text) for text in texts):
                    raise _bad_json("an escape \\uD800 to \\uDFFF lacks its other half")
            for part in parts:  # a list of each made anew takes four times as long
                kind = type(part)
                if kind is dict or kind is list:
                    below.append(part)
        if not below:
            return keys
        level = below
    raise _bad_json(f"nested deeper than {MAX_DEPTH}")


def _bad_json(message: str) -> ApiError:
    return ApiError(400, f"the body can't be read as JSON: {message}", code="invalid_json")


def kind_of(value: Any) -> str:
    """What a JSON value is, in a word."""
    if isinstance(value, list | dict) and not value:
        return "an empty list" if isinstance(value, list) else "an empty object"
    names = {str: "a text", bool: "true or false", dict: "an object", list: "a list"}
    return "null" if value is None else names.get(type(value), "a number")
