"""The HTTP interface described as OpenAPI 3.1, for generators of clients and for the page to try.

Every route is in it; a test holds that, and that the server's answers are of the shapes here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maksud.http.settings import ServeSettings
from maksud.language.catalog import PARAMETER_TYPES
from maksud.recognizers.conversation import READINGS
from maksud.serving.evidence import MAX_TOP
from maksud.serving.messages import KEYS, MAX_MESSAGES, ROLE_WORDS, ROLES
from maksud.serving.protocol import MAX_CHOICES, MAX_STOP_CHARS, MAX_STOPS
from maksud.serving.tools import MAX_TOOLS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}


def describe(models: Sequence[str], settings: ServeSettings) -> dict[str, Any]:
    """The description of a server of these models."""
    figures = settings.metrics != "off"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Maksud",
            "version": "1",
            "summary": "Intent recognition: what people say as calls that software can run",
            "description": "Chat completions are in the shape of OpenAI's API, so its clients "
            "work unchanged. Every path but /health and /ready needs a bearer token.",
        },
        "security": [{"token": []}],
        "paths": _paths(models) | (_FIGURES if figures else {}),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Any name, and the token as its password: for a browser",
                },
            },
            "schemas": _schemas(models, settings),
            "responses": {
                "Error": _replies("Refused, or failed: see code", _ref("Error")),
            },
        },
    }


# ---------------------------------------------------------------- paths


def _paths(models: Sequence[str]) -> dict[str, Any]:
    model = models[0]
    said = {"model": model, "messages": [{"role": "user", "content": "pasang alarm jam 6"}]}
    id = {"name": "id", "in": "path", "required": True, "schema": _TEXT, "example": model}
    return {
        "/v1/chat/completions": {
            "post": {
                "operationId": "createChatCompletion",
                "summary": "Answer the last turn of a conversation",
                "description": "`content` is calls, or, of a model NAME/chat, what a person "
                "should read. `message.maksud` is the whole recognition.",
                "requestBody": _body("ChatRequest", said),
                "responses": {
                    "200": {
                        "description": "The answer; with `stream: true` in events",
                        "content": {
                            "application/json": {"schema": _ref("ChatCompletion")},
                            "text/event-stream": {"schema": _TEXT},
                        },
                    },
                    "default": _ERROR,
                },
            }
        },
        "/v1/recognize": {
            "post": {
                "operationId": "recognize",
                "summary": "Recognize one utterance, a batch of them, or a conversation",
                "requestBody": _body(
                    "RecognizeRequest", {"model": model, "utterances": ["pasang alarm jam 6"]}
                ),
                "responses": {
                    "200": _replies("A recognition for each", _ref("Recognitions")),
                    "default": _ERROR,
                },
            }
        },
        "/v1/models": {"get": _get("listModels", "The served models", _ref("Models"))},
        "/v1/models/{id}": {
            "get": _get("retrieveModel", "One served model", _ref("Model")) | {"parameters": [id]}
        },
        "/v1/tools": {
            "get": _get("listTools", "The catalog of a model as tools to offer", _ref("Tools"))
            | {"parameters": [_WHICH]}
        },
        "/v1/schema": {
            "get": _get("showSchema", "The JSON Schema of a model's answers", {"type": "object"})
            | {"parameters": [_WHICH]}
        },
        "/health": {"get": _get("health", "The process is up", _ref("Status")) | _PUBLIC},
        "/ready": {"get": _get("ready", "Every model answers", _ref("Status")) | _PUBLIC},
        "/openapi.json": {
            "get": _get("describe", "This description", {"type": "object"}),
        },
        "/docs": {
            "get": {
                "operationId": "showDocs",
                "summary": "A page to read this description, and to try it",
                "security": [{"password": []}, {"token": []}],
                "responses": {
                    "200": {
                        "description": "The page",
                        "content": {"text/html": {"schema": _TEXT}},
                    },
                    "default": _ERROR,
                },
            }
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _replies(about: str, schema: Schema) -> Schema:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _body(name: str, example: Any) -> Schema:
    content = {"application/json": {"schema": _ref(name), "example": example}}
    return {"required": True, "content": content}


def _get(id: str, summary: str, schema: Schema) -> dict[str, Any]:
    responses = {"200": _replies(summary, schema), "default": _ERROR}
    return {"operationId": id, "summary": summary, "responses": responses}


_WHICH: Schema = {
    "name": "model",
    "in": "query",
    "description": "May be left out where one is served",
    "schema": {"type": "string"},
}
_ERROR: Schema = {"$ref": "#/components/responses/Error"}
_PUBLIC: dict[str, Any] = {"security": []}
_FIGURES = {
    "/metrics": {
        "get": {
            "operationId": "readFigures",
            "summary": "Figures for Prometheus; the token needs the scope metrics",
            "responses": {
                "200": {"description": "Figures", "content": {"text/plain": {"schema": _TEXT}}},
                "default": _ERROR,
            },
        }
    }
}


# ---------------------------------------------------------------- schemas


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


def _schemas(models: Sequence[str], settings: ServeSettings) -> dict[str, Any]:
    model = {**_TEXT, "examples": list(models[:20])}
    said = {**_TEXT, "minLength": 1, "maxLength": settings.max_utterance_chars}
    batch = _list(said, minItems=1, maxItems=settings.max_batch)
    messages = _list(_ref("Message"), minItems=1, maxItems=MAX_MESSAGES)
    return {**_requests(model, said, batch, messages), **_answers()}


def _requests(model: Schema, said: Schema, batch: Schema, messages: Schema) -> dict[str, Any]:
    number = {"type": "number"}
    stop = {**_TEXT, "minLength": 1, "maxLength": MAX_STOP_CHARS}
    reading = _object(turns=_or_null({"enum": list(READINGS)}))
    reading |= {"additionalProperties": False, "description": "Which turns are read"}
    forms: list[Schema] = [{"required": [key]} for key in ("utterance", "utterances")]
    forms += [{"required": [key]} for key in ("messages", "turns")]
    return {
        "ChatRequest": _object(
            ("model", "messages"),
            model=model,
            messages=messages,
            stream=_or_null({"type": "boolean"}),
            stream_options=_or_null(_object(include_usage=_or_null({"type": "boolean"}))),
            max_completion_tokens=_or_null({"type": "integer", "minimum": 1}),
            max_tokens=_or_null({"type": "integer", "minimum": 1}),
            stop=_or_null({"anyOf": [stop, _list(stop, maxItems=MAX_STOPS)]}),
            temperature=_or_null({**number, "minimum": 0, "maximum": 2}),
            top_p=_or_null({**number, "minimum": 0, "maximum": 1}),
            seed=_or_null({"type": "integer"}),
            n=_or_null({"type": "integer", "minimum": 1, "maximum": MAX_CHOICES}),
            logprobs=_or_null({"type": "boolean"}),
            top_logprobs=_or_null({"type": "integer", "minimum": 0, "maximum": MAX_TOP}),
            tools=_or_null(_list(_ref("Tool"), maxItems=MAX_TOOLS)),
            tool_choice=_or_null({"anyOf": [_TEXT, {"type": "object"}]}),
            parallel_tool_calls=_or_null({"type": "boolean"}),
            response_format=_or_null(
                _object(("type",), type={"enum": ["text", "json_object", "json_schema"]})
            ),
            maksud=_or_null(reading),
        ),
        "Message": {
            **_object(
                role={"enum": [*ROLES, *ROLE_WORDS]},
                content={"anyOf": [_TEXT, _list({"type": "object"}), {"type": "null"}]},
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
                maksud=_or_null(reading),
            ),
            "oneOf": forms,
            "description": "`model` may be left out where one is served",
        },
    }


def _answers() -> dict[str, Any]:
    choice = _whole(
        index=_COUNT,
        message=_ref("Answer"),
        logprobs=_or_null({"type": "object"}),
        finish_reason={"enum": ["stop", "length", "tool_calls", "function_call"]},
    )
    call = _whole(intent=_TEXT, arguments=_list(_whole(name=_or_null(_TEXT), value=_TEXT)))
    doubt = _whole(intent=_TEXT, parameter=_TEXT, value=_TEXT, expected={"enum": _TYPES})
    missing = _whole(intent=_TEXT, parameter=_TEXT, question=_TEXT)
    recognition = _whole(
        utterance=_TEXT,
        text={**_TEXT, "description": "The best answer, accepted or not"},
        calls=_list(call),
        confidence={**_SHARE, "description": "Calibrated: that the whole answer is right"},
        accepted={"type": "boolean", "description": "Whether to act on it"},
        alternatives=_list(_whole(text=_TEXT, confidence=_SHARE)),
        missing=_list(missing),
        model=_TEXT,
        contract=_TEXT,
    )
    recognition["properties"] |= {
        "turns": _list(_COUNT),
        "truncated": {"type": "boolean"},
        "reason": _TEXT,
        "doubts": _list(doubt),
    }
    return {
        "ChatCompletion": _whole(
            id=_TEXT,
            object={"const": "chat.completion"},
            created=_COUNT,
            model=_TEXT,
            system_fingerprint=_TEXT,
            choices=_list(choice, minItems=1),
            usage=_ref("Usage"),
        ),
        "Answer": _object(
            ("role", "content", "refusal", "maksud"),
            role={"const": "assistant"},
            content=_or_null(_TEXT),
            refusal=_or_null(_TEXT),
            tool_calls=_list({"type": "object"}),
            maksud=_ref("Recognition"),
        ),
        "Tools": _whole(object={"const": "list"}, data=_list(_ref("Tool"))),
        "Tool": _object(
            ("type", "function"),
            type={"const": "function"},
            function=_object(("name",), name=_TEXT),
        ),
        "Recognition": recognition,
        "Recognitions": _whole(
            object={"const": "list"},
            model=_TEXT,
            data=_list(_ref("Recognition")),
            usage=_ref("Usage"),
        ),
        "Usage": _whole(prompt_tokens=_COUNT, completion_tokens=_COUNT, total_tokens=_COUNT),
        "Models": _whole(object={"const": "list"}, data=_list(_ref("Model"))),
        "Model": _whole(id=_TEXT, object={"const": "model"}, created=_COUNT, owned_by=_TEXT),
        "Status": _whole(status=_TEXT),
        "Error": _whole(
            error=_whole(message=_TEXT, type=_TEXT, param=_or_null(_TEXT), code=_or_null(_TEXT))
        ),
    }


_TYPES = list(PARAMETER_TYPES)
