"""Replies as they go over the wire: answers cut as they were asked for, whole and streamed.

A stream says what the whole reply says: OpenAI's shapes for text, tool calls and log-probabilities,
with the recognition as `maksud` beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from maksud.language.calls import NONE, format_calls
from maksud.recognizers.recognition import Recognition
from maksud.serving.evidence import deal_entries
from maksud.serving.protocol import ChatRequest
from maksud.serving.tools import ToolCall

REFUSED = format_calls((NONE,))
"""Content of an answer that was not accepted: an application that runs calls does nothing."""

_PIECE = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")


def split(text: str) -> list[str]:
    """The pieces of an answer, which `max_tokens` and usage count: together they are the text.

    A piece is a word, or one other character, with the space before it.

    `play_music(song=Hampa)` has six: `play_music`, `(`, `song`, `=`, `Hampa`, `)`.
    """
    return _PIECE.findall(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice of the reply to a chat request, cut as it asked.

    `calls` are sent in place of text, in the older spelling where `is_old`. `is_silent`: there is
    no text at all, only a refusal. `refusal`: why it is not acted on, None for what the
    recognition says of it. `evidence`: the entries of `logprobs`, None where they are not wanted.
    `name`: the model that it is the answer of, where that is not the recognition's.
    """

    pieces: tuple[str, ...]
    finish_reason: str
    recognition: Recognition
    calls: tuple[ToolCall, ...] = ()
    is_old: bool = False
    is_silent: bool = False
    refusal: str | None = None
    evidence: Sequence[Mapping[str, Any]] | None = None
    name: str = ""

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

    def as_talk(self, name: str) -> Answer:
        """The answer of NAME as one of NAME/chat, with no refusal beside a content that says it."""
        return replace(self, name=name, refusal=self.refusal if self.content is None else "")

    @property
    def model(self) -> str:
        """The name of the model that answered."""
        return self.name or self.recognition.model

    @property
    def why_not(self) -> str | None:
        """Why it is not acted on; None where it is."""
        said = self.recognition.refusal if self.refusal is None else self.refusal
        return said or None

    @property
    def content(self) -> str | None:
        """The text of the message; None where it has none."""
        return None if self.calls or self.is_silent else "".join(self.pieces)

    @property
    def written(self) -> int:
        """Pieces that were sent: of the text, or of the names and arguments of calls."""
        return len(self.pieces) + sum(1 + len(split(c.arguments)) for c in self.calls)

    @property
    def usage(self) -> dict[str, int]:
        """Tokens that the recognizer read, pieces that were sent, and their sum."""
        return usage_of([self])

    @property
    def fingerprint(self) -> str:
        """Changes with the contract that the answer was made under."""
        return "fp_" + self.recognition.contract.removeprefix("sha256:")[:12]


def usage_of(answers: Sequence[Answer]) -> dict[str, int]:
    """What a reply of these answers, to one request, took."""
    return _usage(answers[0].recognition.usage.prompt_tokens, sum(a.written for a in answers))


def completion(answers: Answer | Sequence[Answer], id: str, created: int) -> dict[str, Any]:
    """The reply to a chat request that does not stream; `message.maksud` is the recognition.

    Clients with types of their own drop what they do not know, such as `maksud`: why an answer
    is not acted on also stands in `refusal`, which they keep.
    """
    answers = [answers] if isinstance(answers, Answer) else answers
    return {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": answers[0].model,
        "system_fingerprint": answers[0].fingerprint,
        "choices": [_choice(k, answer) for k, answer in enumerate(answers)],
        "usage": usage_of(answers),
    }


def _choice(index: int, answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.content,
        "refusal": answer.why_not,
        "maksud": answer.recognition.to_json(),
    }
    if answer.calls and answer.is_old:
        message["function_call"] = _function(answer.calls[0])
    elif answer.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": _function(c)} for c in answer.calls
        ]
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs(answer.evidence),
        "finish_reason": answer.finish_reason,
    }


def _function(call: ToolCall) -> dict[str, str]:
    return {"name": call.name, "arguments": call.arguments}


def _logprobs(entries: Sequence[Mapping[str, Any]] | None) -> dict[str, Any] | None:
    return None if entries is None else {"content": list(entries), "refusal": None}


def chunks(
    answers: Answer | Sequence[Answer], id: str, created: int, include_usage: bool
) -> Iterator[dict[str, Any]]:
    """The chunks of a streamed reply: role, pieces, end, and the usage where it is asked for.

    The recognition stands in the chunk that ends an answer, as `maksud`. That chunk's delta has
    an empty content, as vLLM's has: the guide's client prints what is there, and would print
    "None" otherwise. Where it ends calls its delta is empty.
    """
    answers = [answers] if isinstance(answers, Answer) else answers
    head = {
        "id": id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": answers[0].model,
        "system_fingerprint": answers[0].fingerprint,
    }
    usage = {"usage": None} if include_usage else {}
    for index, answer in enumerate(answers):
        *before, last = _deltas(answer)
        for delta, entries in before:
            choice = {"index": index, "delta": delta, "logprobs": _logprobs(entries)}
            yield {**head, "choices": [{**choice, "finish_reason": None}], **usage}
        choice = {"index": index, "delta": last[0], "logprobs": None}
        end = {**head, "choices": [{**choice, "finish_reason": answer.finish_reason}], **usage}
        yield {**end, "maksud": answer.recognition.to_json()}
    if include_usage:
        yield {**head, "choices": [], "usage": usage_of(answers)}


_Delta = tuple[dict[str, Any], Sequence[Mapping[str, Any]] | None]


def _deltas(answer: Answer) -> Iterator[_Delta]:
    """What each chunk of an answer adds, with the log-probabilities of it."""
    yield {"role": "assistant", "content": None if answer.content is None else ""}, None
    dealt = deal_entries(answer.evidence, answer.pieces) if answer.evidence else None
    for k, piece in enumerate(answer.pieces):
        yield {"content": piece}, dealt[k] if dealt else None
    entries = answer.evidence if answer.calls else None  # the whole answer's, with its first call
    for k, call in enumerate(answer.calls):
        named: dict[str, Any] = {"function": {"name": call.name, "arguments": ""}}
        yield _call_delta(k, {"id": call.id, "type": "function", **named}, answer.is_old), entries
        entries = None
        for piece in split(call.arguments):
            yield _call_delta(k, {"function": {"arguments": piece}}, answer.is_old), None
    last: dict[str, Any] = {} if answer.content is None else {"content": ""}
    yield last | ({"refusal": answer.why_not} if answer.why_not else {}), None


def _call_delta(index: int, part: dict[str, Any], is_old: bool) -> dict[str, Any]:
    if is_old:
        return {"function_call": part["function"]}
    return {"tool_calls": [{"index": index, **part}]}


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
