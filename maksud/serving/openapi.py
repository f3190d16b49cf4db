"""The HTTP interface described as OpenAPI 3.1, for generators of clients and for the page to try.

Every route is in it; a test holds that, and that the server's answers are of the shapes here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maksud.http.settings import ServeSettings
from maksud.serving.openapi_schemas import TEXT, Schema, ref, write_schemas


def describe(
    models: Sequence[str], settings: ServeSettings, embedders: Sequence[str] = ()
) -> dict[str, Any]:
    """The description of a server of these models. `embedders`: those that have vectors."""
    figures: dict[str, Any] = {} if settings.metrics == "off" else _FIGURES
    if settings.metrics == "loopback":  # the token, or a place on this machine
        figures = {p: {"get": v["get"] | _FROM_HERE} for p, v in figures.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Maksud",
            "version": "1",
            "summary": "Intent recognition: what people say as calls that software can run",
            "description": "Chat completions and responses are in the shape of OpenAI's API, so "
            "its clients work unchanged. Every path but /health and /ready needs a bearer token.",
        },
        "security": [{"token": []}],
        "paths": _paths(models, embedders) | figures,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Any name, and the token as its password: for a browser",
                },
            },
            "schemas": write_schemas(models, settings),
            "responses": {
                "Error": _replies("Refused, or failed: see code", ref("Error")),
            },
        },
    }


# ---------------------------------------------------------------- paths


def _paths(models: Sequence[str], embedders: Sequence[str]) -> dict[str, Any]:
    model = models[0]
    example = "pasang alarm jam 6"
    said = {"model": model, "messages": [{"role": "user", "content": example}]}
    id = {"name": "id", "in": "path", "required": True, "schema": TEXT, "example": model}
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
                            "application/json": {"schema": ref("ChatCompletion")},
                            "text/event-stream": {},
                        },
                    },
                    "default": _ERROR,
                },
            }
        },
        "/v1/responses": {
            "post": {
                "operationId": "createResponse",
                "summary": "The same, in the shape of OpenAI's responses",
                "description": "Nothing is stored: `input` has the whole conversation.",
                "requestBody": _body("ResponseRequest", {"model": model, "input": example}),
                "responses": {
                    "200": {
                        "description": "The response; with `stream: true` its events",
                        "content": {
                            "application/json": {"schema": ref("Response")},
                            "text/event-stream": {},
                        },
                    },
                    "default": _ERROR,
                },
            }
        },
        "/v1/embeddings": {
            "post": {
                "operationId": "createEmbedding",
                "summary": "Vectors of utterances; those that mean the same are near",
                "description": "Models with an encoder have them. Served here: "
                + (", ".join(embedders[:20]) or "none"),
                "requestBody": _body(
                    "EmbeddingRequest",
                    {"model": (*embedders, model)[0], "input": [example]},
                ),
                "responses": {
                    "200": _replies("A vector for each", ref("Embeddings")),
                    "default": _ERROR,
                },
            }
        },
        "/v1/recognize": {
            "post": {
                "operationId": "recognize",
                "summary": "Recognize one utterance, a batch of them, or a conversation",
                "requestBody": _body("RecognizeRequest", {"model": model, "utterances": [example]}),
                "responses": {
                    "200": _replies("A recognition for each", ref("Recognitions")),
                    "default": _ERROR,
                },
            }
        },
        "/v1/models": {"get": _get("listModels", "The served models", ref("Models"))},
        "/v1/models/{id}": {
            "get": _get("retrieveModel", "One served model", ref("Model")) | {"parameters": [id]}
        },
        "/v1/tools": {
            "get": _get("listTools", "The catalog of a model as tools to offer", ref("Tools"))
            | {"parameters": [_WHICH]}
        },
        "/v1/schema": {
            "get": _get("showSchema", "The JSON Schema of a model's answers", {"type": "object"})
            | {"parameters": [_WHICH]}
        },
        "/health": {"get": _get("health", "The process is up", ref("Status")) | _PUBLIC},
        "/ready": {"get": _get("ready", "Every model answers", ref("Status")) | _PUBLIC},
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
                        "content": {"text/html": {"schema": TEXT}},
                    },
                    "default": _ERROR,
                },
            }
        },
    }


def _replies(about: str, schema: Schema) -> Schema:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _body(name: str, example: Any) -> Schema:
    content = {"application/json": {"schema": ref(name), "example": example}}
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
_FROM_HERE: dict[str, Any] = {"security": [{"token": []}, {}]}
_FIGURES: dict[str, Any] = {
    "/metrics": {
        "get": {
            "operationId": "readFigures",
            "summary": "Figures for Prometheus; the token needs the scope metrics",
            "responses": {
                "200": {"description": "Figures", "content": {"text/plain": {"schema": TEXT}}},
                "default": _ERROR,
            },
        }
    }
}
