"""Fields of a JSON object that a client sent: read by name and kind, refused by name.

`param`: what the error calls the field where that is more than its key (`messages[2].content`).
All raise `ApiError` (400).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maksud.http.api_error import ApiError
from maksud.http.json_body import kind_of


def read_said(text: Any, param: str) -> str:
    """A text with words in it."""
    if not isinstance(text, str):
        raise invalid(param, f"must be a text, found {kind_of(text)}", "invalid_type")
    if not text.strip():
        raise invalid(param, "has no text")
    return text


def read_text(content: Mapping[str, Any], key: str, param: str = "") -> str:
    """The text under a key."""
    value = content.get(key)
    if not isinstance(value, str):
        raise invalid(param or key, f"must be a text, found {kind_of(value)}", "invalid_type")
    return value


def read_boolean(content: Mapping[str, Any], key: str, param: str = "") -> bool:
    """True or false under a key; false where it is left out."""
    value = content.get(key)
    if value is not None and not isinstance(value, bool):
        raise invalid(
            param or key, f"must be true or false, found {kind_of(value)}", "invalid_type"
        )
    return bool(value)


def read_integer(content: Mapping[str, Any], key: str, low: int | None) -> int | None:
    """The whole number under a key, `low` or more; None where it is left out."""
    value = content.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(key, f"must be a whole number, found {kind_of(value)}", "invalid_type")
    if low is not None and value < low:
        raise invalid(key, f"must be {low} or more")
    return value


def check_number(content: Mapping[str, Any], key: str, low: float, high: float) -> None:
    """Refuses what is no number from `low` to `high` under a key; it may be left out."""
    value = content.get(key)
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise invalid(key, f"must be a number, found {kind_of(value)}", "invalid_type")
    if not low <= value <= high:
        raise invalid(key, f"must be between {low} and {high}")


def invalid(param: str, message: str, code: str = "invalid_value") -> ApiError:
    """The 400 for a field that can't be used."""
    return ApiError(400, f"{param}: {message}", code=code, param=param)


def missing(param: str, message: str) -> ApiError:
    """The 400 for a field that is needed; the message says what to send."""
    return ApiError(
        400, f"{param} is missing. {message}", code="missing_required_parameter", param=param
    )
