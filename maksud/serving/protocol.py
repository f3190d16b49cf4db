"""What goes over the wire: requests read, replies and errors built. Pure: no web framework.

The shapes are those of OpenAI's chat completions, so that its official clients work unchanged;
`/v1/recognize` has a shape of our own. A field that a model can't honour is refused by name;
what has no effect on a deterministic answer is checked and ignored; unknown fields are ignored.
Every error, from whichever layer, has the body {"error": {message, type, param, code}}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maksud.errors import nearest
from maksud.http.api_error import ApiError
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
from maksud.language.calls import NONE, format_calls
from maksud.language.conversation import Turn
from maksud.recognizers.conversation import READINGS, Reading
from maksud.recognizers.recognition import Recognition
from maksud.serving.messages import read_messages

MAX_STOPS = 4
MAX_STOP_CHARS = 128
REFUSED = format_calls((NONE,))
"""Content of an answer that was not accepted: an application that runs calls does nothing."""

_PIECE = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")

_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
_UNSUPPORTED = {
    "chat_template": "the prompt is part of the model's contract",
    "chat_template_kwargs": "the prompt is part of the model's contract",
    "tools": "the calls that a model can make are its own catalog; they stand in message.maksud",
    "functions": "the calls that a model can make are its own catalog",
    "logit_bias": "answers are held to the catalog already",
    "logprobs": "message.maksud.confidence is the calibrated probability of the whole answer",
    "top_logprobs": "message.maksud.alternatives lists other answers with their probability",
}


# ---------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for a chat completion: what of it matters to a deterministic answer.

    `turns`: all messages, in their places; `reading`: which are read, where the client says so.
    """

    model: str
    turns: tuple[Turn, ...]
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    reading: Reading | None = None


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
    _refuse_unsupported(content)
    for key, (low, high) in _RANGES.items():
        check_number(content, key, low, high)
    read_integer(content, "seed", None)
    if read_integer(content, "n", 1) not in (None, 1):
        raise invalid("n", "must be 1: a model gives one answer to an utterance")
    stream = read_boolean(content, "stream")
    return ChatRequest(
        model=model,
        turns=read_messages(content.get("messages")),
        reading=_reading(content.get("maksud")),
        max_tokens=_max_tokens(content),
        stop=_stops(content.get("stop")),
        stream=stream,
        include_usage=_include_usage(content.get("stream_options"), stream),
    )


def parse_recognize(content: Mapping[str, Any], max_batch: int) -> RecognizeRequest:
    """Reads the body of `POST /v1/recognize`. Raises `ApiError` that names the field."""
    _refuse_unsupported({k: v for k, v in content.items() if k.startswith("chat_template")})
    model = read_text(content, "model") if content.get("model") is not None else ""
    reading = _reading(content.get("maksud"))
    known = ("utterance", "utterances", "turns", "messages")
    given = [k for k in known if content.get(k) is not None]
    if len(given) != 1:
        raise missing(
            "utterance",
            "Give exactly one of utterance (a text), utterances (a list of texts), messages (a "
            "conversation, with roles) and turns (what the user said in it, a list of texts)",
        )
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


def check_length(utterances: Iterable[str], limit: int, param: str) -> None:
    """Raises `ApiError` (400, `context_length_exceeded`) for an utterance over the limit."""
    for k, utterance in enumerate(utterances):
        if len(utterance) > limit:
            where = f"{param}[{k}]" if param == "utterances" else param
            raise ApiError(
                400,
                f"the utterance has {len(utterance):,} characters, at most {limit:,} can be read",
                code="context_length_exceeded",
                param=where,
            )


def _reading(options: Any) -> Reading | None:
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


def _refuse_unsupported(content: Mapping[str, Any]) -> None:
    for key, why in _UNSUPPORTED.items():
        value = content.get(key)
        if value is None or value is False or value == [] or value == {}:
            continue
        if key == "tools" and content.get("tool_choice") == "none":
            continue
        raise invalid(key, f"is not supported: {why}", "unsupported_parameter")
    if content.get("tool_choice") not in (None, "none"):
        raise invalid(
            "tool_choice", "needs tools, which are not supported", "unsupported_parameter"
        )
    wanted = content.get("response_format")
    if wanted is not None and (not isinstance(wanted, dict) or wanted.get("type") != "text"):
        raise invalid(
            "response_format",
            'only {"type": "text"} is supported: for JSON read message.maksud, or use '
            "/v1/recognize",
            "unsupported_parameter",
        )


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


# ---------------------------------------------------------------- replies


def split(text: str) -> list[str]:
    """The pieces of an answer, which `max_tokens` and usage count: together they are the text.

    A piece is a word, or one other character, with the space before it.

    `play_music(song=Hampa)` has six: `play_music`, `(`, `song`, `=`, `Hampa`, `)`.
    """
    return _PIECE.findall(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a chat request, cut as it asked."""

    pieces: tuple[str, ...]
    finish_reason: str
    recognition: Recognition

    @classmethod
    def of(cls, recognition: Recognition, request: ChatRequest, text: str | None = None) -> Answer:
        """The recognition's text, or `none()` where it was not accepted, up to stop or length.

        `text`: what is said instead. `max_tokens` counts pieces; a stop text is looked for in what
        is left, and ends it.
        """
        if text is None:
            text = recognition.text if recognition.accepted else REFUSED
        whole = split(text)
        kept = whole[: request.max_tokens]
        said = "".join(kept)
        ends = [at for stop in request.stop if (at := said.find(stop)) >= 0]
        if ends:
            return cls(tuple(split(said[: min(ends)])), "stop", recognition)
        finish = "length" if len(kept) < len(whole) else "stop"
        return cls(tuple(kept), finish, recognition)

    @property
    def usage(self) -> dict[str, int]:
        """Tokens that the recognizer read, pieces that were sent, and their sum."""
        return _usage(self.recognition.usage.prompt_tokens, len(self.pieces))

    @property
    def fingerprint(self) -> str:
        """Changes with the contract that the answer was made under."""
        return "fp_" + self.recognition.contract.removeprefix("sha256:")[:12]


def completion(answer: Answer, id: str, created: int) -> dict[str, Any]:
    """The reply to a chat request that does not stream; `message.maksud` is the recognition.

    Clients with types of their own drop what they do not know, such as `maksud`: why an answer
    is not acted on also stands in `refusal`, which they keep.
    """
    message = {
        "role": "assistant",
        "content": "".join(answer.pieces),
        "refusal": answer.recognition.refusal or None,
        "maksud": answer.recognition.to_json(),
    }
    return {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": answer.recognition.model,
        "system_fingerprint": answer.fingerprint,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": answer.finish_reason,
            }
        ],
        "usage": answer.usage,
    }


def chunks(answer: Answer, id: str, created: int, include_usage: bool) -> Iterator[dict[str, Any]]:
    """The chunks of a streamed reply: role, pieces, end, and the usage where it is asked for.

    The recognition stands in the chunk that ends the answer, as `maksud`. That chunk's delta has
    an empty content, as vLLM's has: the guide's client prints what is there, and would print
    "None" otherwise.
    """
    head = {
        "id": id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": answer.recognition.model,
        "system_fingerprint": answer.fingerprint,
    }
    usage = {"usage": None} if include_usage else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**head, "choices": [choice], **usage}

    yield chunk({"role": "assistant", "content": ""})
    for piece in answer.pieces:
        yield chunk({"content": piece})
    refusal = answer.recognition.refusal
    last = {"content": "", "refusal": refusal} if refusal else {"content": ""}
    end = chunk(last, answer.finish_reason)
    yield {**end, "maksud": answer.recognition.to_json()}
    if include_usage:
        yield {**head, "choices": [], "usage": answer.usage}


def events(content: Iterable[Mapping[str, Any]]) -> bytes:
    """Chunks as server-sent events, closed by [DONE].

    Non-ASCII is escaped: clients that split lines at U+2028 or U+0085 would cut a chunk in two.
    """
    frames = [json.dumps(c, allow_nan=False, separators=(",", ":")) for c in content]
    return "".join(f"data: {frame}\n\n" for frame in [*frames, "[DONE]"]).encode("ascii")


def recognitions(answers: Sequence[Recognition], model: str) -> dict[str, Any]:
    """The reply to a recognize request: one entry for each utterance, in order."""
    read = sum(a.usage.prompt_tokens for a in answers)
    return {
        "object": "list",
        "model": model,
        "data": [a.to_json() for a in answers],
        "usage": _usage(read, sum(len(split(a.text)) for a in answers)),
    }


def _usage(read: int, written: int) -> dict[str, int]:
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }


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
