"""The call language: what an utterance asks software to do, as text.

    answer    = call { ";" call }                        play_music(song=Hampa);volume_up()
    call      = name "(" [ argument { "," argument } ] ")"
    argument  = [ name "=" ] value                       weather_search(Hangzhou)
    value     = raw text | JSON string

A name is text of any script without `( ) , ; = "`, white space or control characters. A raw
value is the same with inner spaces; every other value is written as a JSON string. White space
between tokens means nothing. `none()` is the answer to an utterance that is out of scope, and
never stands beside another call.

Parsing is total (calls or a `CallSyntaxError` with a position, nothing else), linear, and the
inverse of formatting. The module knows nothing of catalogs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from maksud.errors import CallSyntaxError

_NAME = re.compile(r'[^\s(),;="\x00-\x1f\x7f-\x9f\ud800-\udfff]+')
_SPACE = re.compile(r"[ \t\r\n]*")
_RAW = re.compile(r'[^(),;="\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+')
_JSON_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"')
_MUST_QUOTE = re.compile(r'[(),;="\x00-\x1f\x7f-\x9f\u2028\u2029]')

_ARGUMENT = rf'(?:{_NAME.pattern}=)?[^\s(),;="\x00-\x1f\x7f-\x9f\ud800-\udfff]{_RAW.pattern[:-1]}*'
_CALL = rf"{_NAME.pattern}\((?:{_ARGUMENT}(?:, {_ARGUMENT})*)?\)"
_PLAIN = re.compile(rf"{_CALL}(?:;{_CALL})*")
"""Answers as `format_calls` writes them where nothing is quoted: nearly all, read by splitting."""

OUT_OF_SCOPE = "none"
"""The intent name of `none()`."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call: positional where `name` is None; `value` is the text itself."""

    name: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Call:
    """`intent(arguments)`: one thing that software must do."""

    intent: str
    arguments: tuple[Argument, ...] = ()

    def __str__(self) -> str:
        return format_calls((self,))

    @property
    def named(self) -> dict[str, str]:
        """The named arguments as a mapping; of a repeated name, the last."""
        return {a.name: a.value for a in self.arguments if a.name is not None}


NONE = Call(OUT_OF_SCOPE)
"""The answer to an utterance that is out of scope: nothing that the catalog can do."""


def is_name(text: str) -> bool:
    """Whether `text` can stand as the name of an intent or a parameter."""
    return _NAME.fullmatch(text) is not None


def format_value(value: str) -> str:
    """A value as the call language writes it: raw where it can be, else a JSON string."""
    if not value or value != value.strip() or _MUST_QUOTE.search(value):
        return json.dumps(value, ensure_ascii=False)
    return value


def format_calls(calls: Iterable[Call]) -> str:
    """The answer as text: `", "` between arguments, `";"` between calls.

    Raises `ValueError` where a name could not be read back.
    """
    written = []
    for call in calls:
        arguments = []
        for argument in call.arguments:
            value = format_value(argument.value)
            if argument.name is None:
                arguments.append(value)
            else:
                arguments.append(f"{_checked(argument.name)}={value}")
        written.append(f"{_checked(call.intent)}({', '.join(arguments)})")
    return ";".join(written)


def _checked(name: str) -> str:
    if not is_name(name):
        raise ValueError(f"{name!r} is not a name of the call language")
    return name


def same_answer(answer: Iterable[Call], gold: Iterable[Call]) -> bool:
    """Exact match: the same calls in the same order, each with the same arguments in any order.

    Name positional arguments first (`Catalog.name_arguments`), else their order counts for nothing.
    """
    return [_order_free(c) for c in answer] == [_order_free(c) for c in gold]


def _order_free(call: Call) -> tuple[str, list[tuple[str, str]]]:
    return call.intent, sorted((a.name or "", a.value) for a in call.arguments)


def parse_calls(text: str) -> tuple[Call, ...]:
    """Calls of an answer.

    Raises `CallSyntaxError` with the position of the first character that does not fit.
    """
    plain = '"' not in text and _PLAIN.fullmatch(text)
    calls = [_split(part) for part in text.split(";")] if plain else _read(text)
    if len(calls) > 1 and NONE.intent in {c.intent for c in calls}:
        raise _error(text, 0, "none() stands beside another call", "none() must stand alone")
    if calls[0].intent == OUT_OF_SCOPE and calls[0].arguments:
        raise _error(text, 0, "none() takes no arguments")
    return tuple(calls)


def _split(text: str) -> Call:
    """A call that `_PLAIN` has matched."""
    name, _, inside = text[:-1].partition("(")
    if not inside:
        return Call(name)
    arguments = []
    for part in inside.split(","):
        key, equals, value = part.partition("=")
        arguments.append(
            Argument(key.lstrip(" "), value.strip()) if equals else Argument(None, key.strip())
        )
    return Call(name, tuple(arguments))


def _read(text: str) -> list[Call]:
    """The calls of any answer, token by token."""
    calls: list[Call] = []
    at = _skip(text, 0)
    if at == len(text):
        raise _error(text, at, "the answer is empty", 'Write none() for "out of scope"')
    while True:
        call, at = _call(text, at)
        calls.append(call)
        at = _skip(text, at)
        if at == len(text):
            return calls
        if text[at] != ";":
            raise _error(text, at, "expected ';' or the end after ')'")
        at = _skip(text, at + 1)
        if at == len(text):
            raise _error(text, at, "expected a call after ';'", "Remove the last ';'")


def _call(text: str, at: int) -> tuple[Call, int]:
    name, at = _name(text, at, "an intent name")
    at = _skip(text, at)
    if at == len(text) or text[at] != "(":
        raise _error(text, at, f"expected '(' after {name[:40]!r}", f"Write {name[:40]}()")
    at = _skip(text, at + 1)
    arguments: list[Argument] = []
    if at < len(text) and text[at] == ")":
        return Call(name), at + 1
    while True:
        argument, at = _argument(text, at)
        arguments.append(argument)
        at = _skip(text, at)
        if at == len(text):
            raise _error(text, at, "expected ',' or ')'", "Close the call with ')'")
        if text[at] == ")":
            return Call(name, tuple(arguments)), at + 1
        if text[at] != ",":
            hint = 'Put a value that holds one of ( ) , ; = " in double quotes'
            raise _error(text, at, "expected ',' or ')'", hint)
        at = _skip(text, at + 1)


def _argument(text: str, at: int) -> tuple[Argument, int]:
    match = _NAME.match(text, at)
    if match:
        equals = _skip(text, match.end())
        if equals < len(text) and text[equals] == "=":
            value, after = _value(text, _skip(text, equals + 1))
            return Argument(match.group(), value), after
    value, after = _value(text, at)
    return Argument(None, value), after


def _value(text: str, at: int) -> tuple[str, int]:
    if at < len(text) and text[at] == '"':
        match = _JSON_STRING.match(text, at)
        if match is None:
            raise _error(text, at, "a quoted value is not a JSON string", "Close it with '\"'")
        value = json.loads(match.group())
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise _error(text, at, "a quoted value holds half a surrogate pair")
        return value, match.end()
    match = _RAW.match(text, at)
    raw = match.group().strip() if match else ""
    if match is None or not raw:
        raise _error(text, at, "expected a value", 'Write "" for an empty one')
    return raw, match.end()


def _name(text: str, at: int, what: str) -> tuple[str, int]:
    match = _NAME.match(text, at)
    if match is None:
        raise _error(text, at, f"expected {what}")
    return match.group(), match.end()


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _error(text: str, at: int, what: str, hint: str = "") -> CallSyntaxError:
    if at < len(text):
        found = text[at : at + 12] + ("…" if len(text) > at + 12 else "")
        what = f"{what}, found {found!r} at character {at}"
    elif text.strip():
        what = f"{what}, but the text ends at character {at}"
    return CallSyntaxError(what, position=at, hint=hint)
