"""What goes over the wire: requests read, replies and errors built. Pure: no web framework.

The shapes are those of OpenAI's chat completions, so that its official clients work unchanged;
`/v1/recognize` has a shape of our own. A field that a model can't honour is refused by name;
what has no effect on a deterministic answer is checked and ignored; unknown fields are ignored.
Every error, from whichever layer, has the body {"error": {message, type, param, code}}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from maksud.errors import nearest
from maksud.http.api_error import TOO_LONG, ApiError
from maksud.http.fields import (
    check_number,
    invalid,
    missing,
    read_boolean,
    read_integer,
    read_said,
    read_text,
)
from maksud.http.json_body import kind_of
from maksud.language.conversation import Turn
from maksud.recognizers.conversation import READINGS, Reading
from maksud.serving.evidence import MAX_TOP
from maksud.serving.json_reply import FormatAsked, read_format
from maksud.serving.messages import read_messages
from maksud.serving.tools import ToolsAsked, read_tools

MAX_CHOICES = 4
"""`n` at most."""
MAX_STOPS = 4
MAX_STOP_CHARS = 128
_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
_SAID = (
    "exactly one of utterance (a text), utterances (a list of texts), messages (a conversation, "
    "with roles) and turns (what the user said in it, a list of texts)"
)
_UNSUPPORTED = {
    "chat_template": "the prompt is part of the model's contract",
    "chat_template_kwargs": "the prompt is part of the model's contract",
    "logit_bias": "answers are held to the catalog already",
    "audio": "answers are text",
    **dict.fromkeys(
        ("guided_json", "guided_choice", "guided_regex", "guided_grammar", "structured_outputs"),
        "JSON by a schema is asked for with response_format",
    ),
}


# ---------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for a chat completion: what of it matters to a deterministic answer.

    `turns`: all messages, in their places; `reading`: which are read, where the client says so.
    `n`: so many of the best answers. `top_logprobs`: None where no log-probabilities are wanted.
    `param`: the field that holds the turns.
    """

    model: str
    turns: tuple[Turn, ...]
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    reading: Reading | None = None
    tools: ToolsAsked | None = None
    format: FormatAsked | None = None
    n: int = 1
    top_logprobs: int | None = None
    param: str = "messages"


@dataclass(frozen=True, slots=True)
class RecognizeRequest:
    """A request for recognitions; `model` is empty where the client left it out.

    `turns`: a conversation, whose last turn is asked for; `utterances` is then empty. `param`: the
    field that holds what is asked.
    """

    model: str
    utterances: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    reading: Reading | None = None
    param: str = "utterance"


def parse_chat(content: Mapping[str, Any]) -> ChatRequest:
    """Reads the body of `POST /v1/chat/completions`. Raises `ApiError` that names the field."""
    if content.get("model") is None:
        raise missing("model", "Name a model; GET /v1/models lists them")
    model = read_text(content, "model")
    refuse_unsupported(content)
    for key, (low, high) in _RANGES.items():
        check_number(content, key, low, high)
    read_integer(content, "seed", None)
    if content.get("modalities") not in (None, [], ["text"]):
        raise invalid("modalities", 'answers are text: send ["text"]', "unsupported_parameter")
    tools, wanted = read_tools(content), read_format(content)
    if wanted is not None and tools is not None and tools.mode != "none":
        raise invalid("response_format", "can't go with tools: an answer is calls or JSON")
    stream = read_boolean(content, "stream")
    return ChatRequest(
        model=model,
        turns=read_messages(content.get("messages")),
        reading=read_reading(content.get("maksud")),
        max_tokens=_max_tokens(content),
        stop=_stops(content.get("stop")),
        stream=stream,
        include_usage=_include_usage(content.get("stream_options"), stream),
        tools=tools,
        format=wanted,
        n=_count(content),
        top_logprobs=_top_logprobs(content),
    )


def parse_recognize(content: Mapping[str, Any], max_batch: int) -> RecognizeRequest:
    """Reads the body of `POST /v1/recognize`. Raises `ApiError` that names the field."""
    refuse_unsupported({k: v for k, v in content.items() if k.startswith("chat_template")})
    model = read_text(content, "model") if content.get("model") is not None else ""
    reading = read_reading(content.get("maksud"))
    known = ("utterance", "utterances", "turns", "messages")
    given = [k for k in known if content.get(k) is not None]
    if not given:
        raise missing("utterance", f"Give {_SAID}")
    if len(given) > 1:
        raise invalid(given[0], f"can't go with {given[1]}: give {_SAID}")
    if given == ["utterance"]:
        return RecognizeRequest(model, (read_said(content["utterance"], "utterance"),))
    key = given[0]
    if key == "messages":
        turns = read_messages(content[key])
        return RecognizeRequest(model, turns=turns, reading=reading, param=key)
    texts = content[key]
    if not isinstance(texts, list) or not texts:
        raise invalid(key, f"must be a list of texts, found {kind_of(texts)}", "invalid_type")
    if len(texts) > max_batch:
        raise invalid(key, f"has {len(texts)} texts, at most {max_batch} in one request")
    said = tuple(read_said(t, f"{key}[{k}]") for k, t in enumerate(texts))
    if key == "turns":
        turns = tuple(Turn("user", text) for text in said)
        return RecognizeRequest(model, turns=turns, reading=reading, param=key)
    return RecognizeRequest(model, said, param=key)


def place_of(param: str, k: int) -> str:
    """The field of an utterance. `param` is what holds it, a list where it ends in "[]"."""
    if param == "utterances":
        return f"{param}[{k}]"
    return f"{param[:-2]}[{k}]" if param.endswith("[]") else param


def check_length(utterances: Iterable[str], limit: int, param: str) -> None:
    """Raises `ApiError` (400, `context_length_exceeded`) for an utterance over the limit."""
    for k, utterance in enumerate(utterances):
        if len(utterance) > limit:
            raise ApiError(
                400,
                f"the utterance has {len(utterance):,} characters, at most {limit:,} can be read. "
                "Send it shorter",
                code=TOO_LONG,
                param=place_of(param, k),
            )


def read_reading(options: Any) -> Reading | None:
    """`maksud.turns`: which turns of the conversation are to be read."""
    if options is None:
        return None
    if not isinstance(options, dict):
        raise invalid("maksud", f"must be an object, found {kind_of(options)}", "invalid_type")
    if unknown := next((k for k in options if k != "turns"), None):
        raise invalid("maksud", f"has no field {unknown[:40]!r}. Known: turns")
    reading = options.get("turns")
    if reading is not None and reading not in READINGS:
        known = ", ".join(READINGS)
        shown = repr(reading[:40]) if isinstance(reading, str) else kind_of(reading)
        raise invalid("maksud.turns", f"is {shown}. Known: {known}")
    chosen: Reading | None = reading
    return chosen


def refuse_unsupported(
    content: Mapping[str, Any], unsupported: Mapping[str, str] = _UNSUPPORTED
) -> None:
    """Raises `ApiError` (400) for a field that asks for what can't be, with the reason."""
    for key, why in unsupported.items():
        value = content.get(key)
        if value is None or value is False or value == [] or value == {}:
            continue
        raise invalid(key, f"is not supported: {why}", "unsupported_parameter")


def _count(content: Mapping[str, Any]) -> int:
    """`n`: how many answers are wanted."""
    n = read_integer(content, "n", 1)
    if n is not None and n > MAX_CHOICES:
        raise invalid("n", f"must be {MAX_CHOICES} or less: the best answer and those next to it")
    return n or 1


def _top_logprobs(content: Mapping[str, Any]) -> int | None:
    """How many ways `logprobs` lists; None where it is not asked for."""
    top = read_top(content)
    if read_boolean(content, "logprobs"):
        return top or 0
    if top:
        raise invalid("top_logprobs", "needs logprobs: true")
    return None


def read_top(content: Mapping[str, Any]) -> int | None:
    """`top_logprobs`; None where it is left out."""
    top = read_integer(content, "top_logprobs", 0)
    if top is not None and top > MAX_TOP:
        raise invalid("top_logprobs", f"must be {MAX_TOP} or less")
    return top


def _max_tokens(content: Mapping[str, Any]) -> int | None:
    """`max_completion_tokens`, else the older `max_tokens`; both are checked."""
    older = read_integer(content, "max_tokens", 1)
    newer = read_integer(content, "max_completion_tokens", 1)
    return older if newer is None else newer


def _stops(stop: Any) -> tuple[str, ...]:
    if stop is None:
        return ()
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or len(stops) > MAX_STOPS:
        raise invalid("stop", f"must be a text or a list of at most {MAX_STOPS}")
    for text in stops:
        if not isinstance(text, str) or not 1 <= len(text) <= MAX_STOP_CHARS:
            raise invalid("stop", f"each must be a text of 1 to {MAX_STOP_CHARS} characters")
    return tuple(stops)


def _include_usage(options: Any, stream: bool) -> bool:
    if options is None:
        return False
    if not isinstance(options, dict):
        raise invalid("stream_options", f"must be an object, found {kind_of(options)}")
    if not stream:
        raise invalid("stream_options", "needs stream: true")
    return read_boolean(options, "include_usage", "stream_options.include_usage")


# ---------------------------------------------------------------- models


def model_card(name: str, created: int) -> dict[str, Any]:
    """An entry of `GET /v1/models`."""
    return {"id": name, "object": "model", "created": created, "owned_by": "maksud"}


def unknown_model(name: str, served: Iterable[str]) -> ApiError:
    """The 404 for a model that is not served; it names those that are."""
    return ApiError(
        404,
        f"the model {name[:100]!r} does not exist. {nearest(name[:100], served)}",
        code="model_not_found",
        param="model",
    )
