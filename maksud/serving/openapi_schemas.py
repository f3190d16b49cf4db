"""The shapes of requests and answers, as schemas of the interface's description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maksud.http.settings import ServeSettings
from maksud.language.catalog import PARAMETER_TYPES
from maksud.recognizers.conversation import READINGS
from maksud.serving.embeddings import ENCODINGS
from maksud.serving.evidence import MAX_TOP
from maksud.serving.items import ITEMS
from maksud.serving.items import ROLES as ITEM_ROLES
from maksud.serving.messages import KEYS, MAX_MESSAGES, ROLE_WORDS, ROLES
from maksud.serving.protocol import MAX_CHOICES, MAX_STOP_CHARS, MAX_STOPS
from maksud.serving.response_request import INCLUDED, MAX_PAIRS, MAX_VALUE_CHARS
from maksud.serving.tools import MAX_TOOLS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_TYPES = list(PARAMETER_TYPES)


def ref(name: str) -> Schema:
    """A reference to the schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: Sequence[str] = (), **properties: Schema) -> Schema:
    made: Schema = {"type": "object", "properties": properties}
    return {**made, "required": list(required)} if required else made


def _whole(**properties: Schema) -> Schema:
    """An object that has all of these."""
    return _object(tuple(properties), **properties)


def _list(items: Schema, **bounds: int) -> Schema:
    return {"type": "array", "items": items, **bounds}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_READING: Schema = {
    **_object(turns=_or_null({"enum": list(READINGS)})),
    "additionalProperties": False,
    "description": "Which turns are read",
}


def write_schemas(models: Sequence[str], settings: ServeSettings) -> dict[str, Any]:
    """The schemas of a server of these models, by name."""
    model = {**TEXT, "examples": list(models[:20])}
    said = {**TEXT, "minLength": 1, "maxLength": settings.max_utterance_chars}
    batch = _list(said, minItems=1, maxItems=settings.max_batch)
    messages = _list(ref("Message"), minItems=1, maxItems=MAX_MESSAGES)
    return {
        **_requests(model, said, batch, messages),
        **_embeddings(model, said, batch),
        **_response_request(model),
        **_answers(),
        **_response(),
    }


def _requests(model: Schema, said: Schema, batch: Schema, messages: Schema) -> dict[str, Any]:
    stop = {**TEXT, "minLength": 1, "maxLength": MAX_STOP_CHARS}
    forms: list[Schema] = [{"required": [key]} for key in ("utterance", "utterances")]
    forms += [{"required": [key]} for key in ("messages", "turns")]
    return {
        "ChatRequest": _object(
            ("model", "messages"),
            model=model,
            messages=messages,
            stream=_or_null(_FLAG),
            stream_options=_or_null(_object(include_usage=_or_null(_FLAG))),
            max_completion_tokens=_or_null({"type": "integer", "minimum": 1}),
            max_tokens=_or_null({"type": "integer", "minimum": 1}),
            stop=_or_null({"anyOf": [stop, _list(stop, maxItems=MAX_STOPS)]}),
            temperature=_or_null({**_NUMBER, "minimum": 0, "maximum": 2}),
            top_p=_or_null({**_NUMBER, "minimum": 0, "maximum": 1}),
            seed=_or_null({"type": "integer"}),
            n=_or_null({"type": "integer", "minimum": 1, "maximum": MAX_CHOICES}),
            logprobs=_or_null(_FLAG),
            top_logprobs=_or_null({"type": "integer", "minimum": 0, "maximum": MAX_TOP}),
            tools=_or_null(_list(ref("Tool"), maxItems=MAX_TOOLS)),
            tool_choice=_or_null({"anyOf": [TEXT, {"type": "object"}]}),
            parallel_tool_calls=_or_null(_FLAG),
            response_format=_or_null(
                _object(("type",), type={"enum": ["text", "json_object", "json_schema"]})
            ),
            maksud=_or_null(_READING),
        ),
        "Message": {
            **_object(
                role={"enum": [*ROLES, *ROLE_WORDS]},
                content={"anyOf": [TEXT, _list({"type": "object"}), {"type": "null"}]},
                tool_calls=_or_null(_list({"type": "object"})),
            ),
            "description": "Keys may be the guide's, too: "
            + ", ".join(f"{theirs} ({ours})" for theirs, ours in KEYS.items()),
        },
        "RecognizeRequest": {
            **_object(
                model=model,
                utterance=said,
                utterances=batch,
                messages=messages,
                turns=batch,
                maksud=_or_null(_READING),
            ),
            "oneOf": forms,
            "description": "`model` may be left out where one is served",
        },
    }


def _embeddings(model: Schema, said: Schema, batch: Schema) -> dict[str, Any]:
    vector = _whole(
        object={"const": "embedding"},
        index=_COUNT,
        embedding={"anyOf": [_list(_NUMBER), TEXT]},
    )
    return {
        "EmbeddingRequest": _object(
            ("model", "input"),
            model=model,
            input={"anyOf": [said, batch]},
            encoding_format=_or_null({"enum": list(ENCODINGS)}),
            dimensions=_or_null({"type": "integer", "minimum": 1}),
        ),
        "Embeddings": _whole(
            object={"const": "list"},
            model=TEXT,
            data=_list(vector, minItems=1),
            usage=_whole(prompt_tokens=_COUNT, total_tokens=_COUNT),
        ),
    }


def _response_request(model: Schema) -> dict[str, Any]:
    pair = {**TEXT, "maxLength": MAX_VALUE_CHARS}
    known = {"type": "object", "additionalProperties": pair, "maxProperties": MAX_PAIRS}
    kind = {"enum": ["text", "json_object", "json_schema"]}
    never = {"enum": [False, None]}
    return {
        "ResponseRequest": _object(
            ("model", "input"),
            model=model,
            input={
                "anyOf": [
                    {**TEXT, "minLength": 1},
                    _list(ref("Item"), minItems=1, maxItems=MAX_MESSAGES),
                ]
            },
            instructions=_or_null(TEXT),
            stream=_or_null(_FLAG),
            max_output_tokens=_or_null({"type": "integer", "minimum": 1}),
            temperature=_or_null({**_NUMBER, "minimum": 0, "maximum": 2}),
            top_p=_or_null({**_NUMBER, "minimum": 0, "maximum": 1}),
            top_logprobs=_or_null({"type": "integer", "minimum": 0, "maximum": MAX_TOP}),
            include=_or_null(_list({"enum": list(INCLUDED)})),
            tools=_or_null(_list(ref("FlatTool"), maxItems=MAX_TOOLS)),
            tool_choice=_or_null({"anyOf": [TEXT, {"type": "object"}]}),
            parallel_tool_calls=_or_null(_FLAG),
            text=_or_null(_object(format=_or_null(_object(("type",), type=kind)))),
            metadata=_or_null(known),
            reasoning=_or_null({"type": "object"}),
            truncation=_or_null({"enum": ["auto", "disabled"]}),
            store={**never, "description": "Nothing is stored"},
            background=never,
            previous_response_id={"type": "null"},
            conversation={"type": "null"},
            maksud=_or_null(_READING),
        ),
        "Item": _object(
            type={"enum": [*ITEMS, None]},
            role={"enum": list(ITEM_ROLES)},
            content={"anyOf": [TEXT, _list({"type": "object"})]},
            name=TEXT,
            arguments=TEXT,
            call_id=TEXT,
            output={"anyOf": [TEXT, _list({"type": "object"})]},
        ),
        "FlatTool": _object(
            ("type", "name"),
            type={"const": "function"},
            name=TEXT,
            description=_or_null(TEXT),
            parameters=_or_null({"type": "object"}),
            strict=_or_null(_FLAG),
        ),
    }


def _response() -> dict[str, Any]:
    entries = _list({"type": "object"})
    said = _whole(type={"const": "output_text"}, text=TEXT, annotations=entries, logprobs=entries)
    refusal = _whole(type={"const": "refusal"}, refusal=TEXT)
    status = {"enum": ["completed", "incomplete"]}
    message = _whole(
        id=TEXT,
        type={"const": "message"},
        role={"const": "assistant"},
        status=status,
        content=_list({"anyOf": [said, refusal]}, minItems=1),
    )
    call = _whole(
        id=TEXT,
        type={"const": "function_call"},
        status=status,
        call_id=TEXT,
        name=TEXT,
        arguments=TEXT,
    )
    nothing: Schema = {"type": "null"}
    return {
        "Response": _whole(
            id=TEXT,
            object={"const": "response"},
            created_at=_COUNT,
            status=status,
            background={"const": False},
            error=nothing,
            incomplete_details=_or_null(_whole(reason={"const": "max_output_tokens"})),
            instructions=_or_null(TEXT),
            max_output_tokens=_or_null(_COUNT),
            metadata={"type": "object"},
            model=TEXT,
            output=_list({"anyOf": [message, call]}, minItems=1),
            parallel_tool_calls=_FLAG,
            previous_response_id=nothing,
            reasoning={"type": "object"},
            store={"const": False},
            temperature=_or_null(_NUMBER),
            text={"type": "object"},
            tool_choice={"anyOf": [TEXT, {"type": "object"}]},
            tools=_list(ref("FlatTool")),
            top_logprobs=_COUNT,
            top_p=_or_null(_NUMBER),
            truncation={"enum": ["auto", "disabled"]},
            usage=_whole(
                input_tokens=_COUNT,
                input_tokens_details=_whole(cached_tokens=_COUNT, cache_write_tokens=_COUNT),
                output_tokens=_COUNT,
                output_tokens_details=_whole(reasoning_tokens=_COUNT),
                total_tokens=_COUNT,
            ),
            maksud=ref("Recognition"),
        ),
    }


def _answers() -> dict[str, Any]:
    choice = _whole(
        index=_COUNT,
        message=ref("Answer"),
        logprobs=_or_null({"type": "object"}),
        finish_reason={"enum": ["stop", "length", "tool_calls", "function_call"]},
    )
    call = _whole(intent=TEXT, arguments=_list(_whole(name=_or_null(TEXT), value=TEXT)))
    doubt = _whole(intent=TEXT, parameter=TEXT, value=TEXT, expected={"enum": _TYPES})
    missing = _whole(intent=TEXT, parameter=TEXT, question=TEXT)
    recognition = _whole(
        utterance=TEXT,
        text={**TEXT, "description": "The best answer, accepted or not"},
        calls=_list(call),
        confidence={**_SHARE, "description": "Calibrated: that the whole answer is right"},
        accepted={"type": "boolean", "description": "Whether to act on it"},
        alternatives=_list(_whole(text=TEXT, confidence=_SHARE)),
        missing=_list(missing),
        model=TEXT,
        contract=TEXT,
    )
    recognition["properties"] |= {
        "turns": _list(_COUNT),
        "truncated": _FLAG,
        "reason": TEXT,
        "doubts": _list(doubt),
    }
    return {
        "ChatCompletion": _whole(
            id=TEXT,
            object={"const": "chat.completion"},
            created=_COUNT,
            model=TEXT,
            system_fingerprint=TEXT,
            choices=_list(choice, minItems=1),
            usage=ref("Usage"),
        ),
        "Answer": _object(
            ("role", "content", "refusal", "maksud"),
            role={"const": "assistant"},
            content=_or_null(TEXT),
            refusal=_or_null(TEXT),
            tool_calls=_list({"type": "object"}),
            maksud=ref("Recognition"),
        ),
        "Tools": _whole(object={"const": "list"}, data=_list(ref("Tool"))),
        "Tool": _object(
            ("type", "function"),
            type={"const": "function"},
            function=_object(("name",), name=TEXT),
        ),
        "Recognition": recognition,
        "Recognitions": _whole(
            object={"const": "list"},
            model=TEXT,
            data=_list(ref("Recognition")),
            usage=ref("Usage"),
        ),
        "Usage": _whole(prompt_tokens=_COUNT, completion_tokens=_COUNT, total_tokens=_COUNT),
        "Models": _whole(object={"const": "list"}, data=_list(ref("Model"))),
        "Model": _whole(id=TEXT, object={"const": "model"}, created=_COUNT, owned_by=TEXT),
        "Status": _whole(status=TEXT),
        "Error": _whole(
            error=_whole(message=TEXT, type=TEXT, param=_or_null(TEXT), code=_or_null(TEXT))
        ),
    }
