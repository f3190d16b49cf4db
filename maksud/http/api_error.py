"""Errors as a client sees them: one shape, OpenAI's, from every layer; and ids to name them."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping

from maksud.errors import EngineError, InputError, MaksudError, SystemFault, TooLongError

_ids = random.Random()  # seeded by the system; ids are no secrets, and os.urandom is slow


def new_id(prefix: str) -> str:
    """An id for a request or a reply that no other has."""
    return f"{prefix}{_ids.getrandbits(128):032x}"


TOO_LONG = "context_length_exceeded"
"""The code of what is too long to be read."""


class ApiError(MaksudError):
    """An error as a client sees it: status, OpenAI's `type`, `param` and `code`, extra headers."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        kind: str = "invalid_request_error",
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.kind = kind
        self.param = param
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """The JSON body."""
        error = {
            "message": str(self),
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }
        return json.dumps({"error": error}).encode("ascii")


def refuse_verb(status: int, verb: str, allowed: str) -> ApiError:
    """What a router refuses: a verb that a path does not take; `allowed` names those it does."""
    return ApiError(
        status,
        f"{verb[:16]} is not possible here, use {allowed}",
        code="method_not_allowed",
        headers={"allow": allowed},
    )


def as_api_error(error: BaseException) -> ApiError:
    """Any error as a client sees it. What is a fault of ours tells nothing of the inside."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, InputError):
        code = "not_found" if error.status == 404 else "invalid_value"
        if isinstance(error, TooLongError):
            code = TOO_LONG
        code = getattr(error, "code", code)
        return ApiError(error.status, str(error), code=code)
    if isinstance(error, EngineError | SystemFault):
        again = not isinstance(error, EngineError) or error.retryable
        headers = {"retry-after": "1"} if again else {"x-should-retry": "false"}
        return ApiError(
            503,
            f"the model failed to answer: {error.message}",
            code="engine_unavailable",
            kind="server_error",
            headers=headers,
        )
    return ApiError(
        500,
        "the server failed on this request; its log has the request's id",
        code="internal_error",
        kind="server_error",
    )
