"""The application: routes over recognizers.

    GET  /health, /ready                 public
    GET  /openapi.json, /docs            the interface described, and a page to try it
    GET  /metrics                        figures, for the scope `metrics`
    GET  /v1/models, /v1/models/ID
    GET  /v1/tools, /v1/schema           a model's catalog as tools, its answers as JSON Schema
    POST /v1/chat/completions            OpenAI's shape, plain and streamed; NAME/chat talks
    POST /v1/responses                   the same decisions in the shape of OpenAI's responses
    POST /v1/embeddings                  vectors of utterances, where an encoder is served
    POST /v1/recognize                   structured; one utterance, a batch, or turns

A stream is sent when the answer is whole: only then it is known whether it is accepted, so a
stream can't fail half-way, and equals the plain reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from maksud.errors import EngineError, SettingsError
from maksud.http.api_error import ApiError, new_id, refuse_verb
from maksud.http.fields import invalid
from maksud.http.json_body import Repeated, dumps, parse_json
from maksud.http.rights import DOCS_PATH, METRICS_PATH
from maksud.http.settings import ServeSettings
from maksud.language.catalog_tools import catalog_to_tools
from maksud.recognizers.recognition import Recognizer
from maksud.serving import chat, choices, embeddings, protocol, replies
from maksud.serving.asking import Asker
from maksud.serving.batching import Lane
from maksud.serving.docs_page import draw_docs
from maksud.serving.json_reply import answer_schema
from maksud.serving.metrics import CONTENT_TYPE, Metrics
from maksud.serving.openapi import describe
from maksud.serving.response_reply import stream_response, write_response
from maksud.serving.response_request import parse_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send

    Endpoint = Callable[[Request], Awaitable[Response]]


class Front:
    """The routes over a set of recognizers."""

    def __init__(self, recognizers: Sequence[Recognizer], settings: ServeSettings) -> None:
        names = [r.name for r in recognizers]
        if not names:
            raise SettingsError("there is nothing to serve", hint="Name a run")
        served = [*names, *(n + chat.SUFFIX for n in names)]
        twins = sorted({n for n in served if served.count(n) > 1})
        if twins:
            raise SettingsError(
                f"two runs are called {twins[0]!r}, and a model is asked for by that name",
                hint="Give them names: maksud serve NAME=PATH NAME2=PATH2",
            )
        self.settings = settings
        self.created = int(time.time())
        self.planner = choices.Planner()
        self._tools = Repeated("tools")
        self.lanes = {
            r.name: Lane(
                r,
                batch_size=settings.batch_size,
                most=settings.max_waiting,
                patience=settings.answer_seconds,
            )
            for r in recognizers
        }
        counts = settings.metrics != "off"
        paths = [path for _, path in self._table()]
        self.metrics = Metrics(self.lanes, paths) if counts else None
        self.asker = Asker(settings, self.metrics)

    def warm_up(self) -> None:
        """Asks every model once. Raises `EngineError` for one that does not answer."""
        for name, lane in self.lanes.items():
            try:
                lane.warm_up()
            except Exception as error:
                raise EngineError(
                    f"the model does not answer ({error})", where=name, hint="Train it again"
                ) from error

    def app(self) -> ASGIApp:
        """The routes as an ASGI application, without any guard: see `guarded`."""
        from starlette.routing import Router

        @contextlib.asynccontextmanager
        async def lifespan(_: Any) -> AsyncIterator[None]:
            for lane in self.lanes.values():
                lane.start()
            yield
            for lane in self.lanes.values():
                lane.close()

        router = Router(self.routes(), redirect_slashes=False, default=_no_route, lifespan=lifespan)
        return _speaking_errors(router, self._table())

    def _table(self) -> dict[tuple[str, str], Endpoint]:
        """What answers a method on a path, where the path has no part that changes."""
        return {
            # What is asked most often is found first.
            ("POST", "/v1/recognize"): self.recognize,
            ("POST", "/v1/chat/completions"): self.chat,
            ("POST", "/v1/responses"): self.respond,
            ("POST", "/v1/embeddings"): self.embed,
            ("GET", "/health"): self.health,
            ("GET", "/ready"): self.ready,
            ("GET", "/v1/models"): self.models,
            ("GET", "/openapi.json"): self.describe,
            ("GET", DOCS_PATH): self.docs,
            ("GET", "/v1/tools"): self.tools,
            ("GET", "/v1/schema"): self.schema,
            **({("GET", METRICS_PATH): self.figures} if self.settings.metrics != "off" else {}),
        }

    def routes(self) -> list[Route]:
        """Every route that there is; a trailing slash makes no difference."""
        from starlette.routing import Route

        routes = [
            Route(path + slash, endpoint, methods=[method])
            for (method, path), endpoint in self._table().items()
            for slash in ("", "/")
        ]
        return [*routes, Route("/v1/models/{id:path}", self.model, methods=["GET"])]

    # ------------------------------------------------------------ routes

    async def health(self, _: Request) -> Response:
        """The process is up: says nothing of the models."""
        return _json({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """Every model answered a moment ago, or does now."""
        seconds = self.settings.ready_seconds
        lanes = self.lanes.values()
        answering = await asyncio.gather(*(lane.is_answering(seconds, seconds) for lane in lanes))
        if not all(answering):
            raise ApiError(
                503,
                "a model does not answer",
                code="engine_unavailable",
                kind="server_error",
                headers={"retry-after": "5"},
            )
        return _json({"status": "ready"})

    async def describe(self, _: Request) -> Response:
        """The interface as OpenAPI."""
        return _json(describe(self.names, self.settings, self._embedders()))

    async def docs(self, _: Request) -> Response:
        """The interface as a page to try it on."""
        page, headers = draw_docs(describe(self.names, self.settings, self._embedders()))
        return _response(page, "text/html; charset=utf-8", headers)

    async def figures(self, _: Request) -> Response:
        """What was counted, for Prometheus."""
        assert self.metrics is not None
        return _response(self.metrics.text(), CONTENT_TYPE)

    async def models(self, _: Request) -> Response:
        """The served models, in the order of the command line; behind them those that talk."""
        cards = [protocol.model_card(name, self.created) for name in self.names]
        return _json({"object": "list", "data": cards})

    async def model(self, request: Request) -> Response:
        """One served model."""
        name = request.path_params["id"].removesuffix("/")
        self._lane(name)
        return _json(protocol.model_card(name, self.created))

    async def tools(self, request: Request) -> Response:
        """The catalog of a model as the tools that a client may offer."""
        contract = self._asked(request).recognizer.contract
        return _json({"object": "list", "data": catalog_to_tools(contract.catalog)})

    async def schema(self, request: Request) -> Response:
        """The JSON Schema of the answers of a model."""
        return _json(answer_schema(self._asked(request).recognizer.contract.catalog))

    async def chat(self, request: Request) -> Response:
        """A chat completion: what is still open of the conversation has its answer in it."""
        asked = protocol.parse_chat(parse_json(await request.body(), self._tools))
        answers = await self._decide(request, asked)
        id, created = new_id("chatcmpl-"), int(time.time())
        if not asked.stream:
            return _json(replies.completion(answers, id, created))
        chunks = replies.chunks(answers, id, created, asked.include_usage)
        return _stream(replies.events(chunks))

    async def respond(self, request: Request) -> Response:
        """A response: what a chat completion says, in another shape."""
        asked = parse_response(parse_json(await request.body(), self._tools))
        answer, *_ = await self._decide(request, asked.chat)
        response = write_response(answer, asked, new_id("resp_"), int(time.time()))
        return _stream(stream_response(response)) if asked.chat.stream else _json(response)

    async def embed(self, request: Request) -> Response:
        """Vectors of utterances, in the order that they were asked."""
        content = parse_json(await request.body())
        asked = embeddings.parse_embeddings(content, self.settings.max_batch)
        lane = self._lane(asked.model)
        embeddings.check_model(lane.recognizer, asked, self._embedders())
        vectors = await self.asker.represent(request.scope, lane, asked.texts, asked.param)
        return _json(embeddings.write_embeddings(vectors, lane.recognizer.name, asked))

    async def recognize(self, request: Request) -> Response:
        """Recognitions in a shape of our own, in the order that they were asked."""
        content = parse_json(await request.body())
        asked = protocol.parse_recognize(content, self.settings.max_batch)
        lane = self._lane(asked.model or self._only_model())
        scope = request.scope
        if asked.turns:
            one = await self.asker.converse(scope, lane, asked.turns, asked.reading, asked.param)
            answers = [one]
        else:
            answers = await self.asker.recognize(scope, lane, asked.utterances, asked.param)
        self.asker.count(scope, lane, answers)
        return _json(replies.recognitions(answers, lane.recognizer.name))

    # ------------------------------------------------------------ what they share

    @property
    def names(self) -> tuple[str, ...]:
        """What can be asked for as a model: each by its name, then each as one that talks."""
        return (*self.lanes, *(name + chat.SUFFIX for name in self.lanes))

    def _embedders(self) -> list[str]:
        """The models that have vectors."""
        return [name for name, lane in self.lanes.items() if lane.recognizer.dim]

    def _lane(self, name: str) -> Lane:
        lane = self.lanes.get(name) or self.lanes.get(name.removesuffix(chat.SUFFIX))
        if lane is None:
            raise protocol.unknown_model(name, self.names)
        return lane

    def _asked(self, request: Request) -> Lane:
        """The model that `?model=` names; it may be left out where one is served."""
        named = request.query_params.getlist("model")
        if len(named) > 1:
            raise invalid("model", f"is there {len(named)} times: ask for one model at a time")
        return self._lane("".join(named) or self._only_model())

    def _only_model(self) -> str:
        if len(self.lanes) > 1:
            raise ApiError(
                400,
                f"model is missing, and several are served: {', '.join(self.lanes)}",
                code="missing_required_parameter",
                param="model",
            )
        return next(iter(self.lanes))

    async def _decide(self, request: Request, asked: protocol.ChatRequest) -> list[replies.Answer]:
        """The answers to what is still open of a conversation, in whatever shape it was asked."""
        lane = self._lane(asked.model)
        contract = lane.recognizer.contract
        plan = self.planner.plan(asked, contract, lane.recognizer.name)
        if plan.is_answered:
            recognition = choices.answer_nothing(contract, lane.recognizer.name)
        else:
            said = (asked.turns, asked.reading, asked.param, plan.allowed)
            recognition = await self.asker.converse(request.scope, lane, *said, again=True)
            self.asker.count(request.scope, lane, [recognition])
        if asked.model in self.lanes:
            return choices.answers_of(recognition, plan, contract.catalog)
        text = chat.speak(recognition, contract.catalog, chat.what_was_said(asked.turns))
        answers = choices.answers_of(recognition, plan, contract.catalog, text)
        return [answer.as_talk(asked.model) for answer in answers]


def _json(content: Any) -> Response:
    return _response(dumps(content), "application/json")


def _stream(events: bytes) -> Response:
    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return _response(events, "text/event-stream; charset=utf-8", headers)


def _response(body: bytes, kind: str, headers: dict[str, str] | None = None) -> Response:
    from starlette.responses import Response

    return Response(body, headers={"content-type": kind, **(headers or {})})


async def _no_route(scope: Scope, receive: Receive, send: Send) -> None:
    hint = "Known: /v1/models, /v1/chat/completions, /v1/responses, /v1/embeddings, "
    hint += "/v1/recognize, /v1/tools, /v1/schema, /health, /ready"
    if scope["path"].startswith("/v1/responses/"):
        hint = "Responses are not stored: the one to POST /v1/responses is all that there is of it"
    raise ApiError(404, f"there is no {scope['path'][:100]!r} here. {hint}", code="unknown_url")


def _speaking_errors(router: Any, table: Mapping[tuple[str, str], Endpoint]) -> ASGIApp:
    """The router with its own refusals (a wrong verb) as errors of ours.

    What stands in `table` to the letter goes there without it: the router tries one pattern after
    the other, and wraps what it finds in handlers of errors that are handled outside.
    """
    from starlette.exceptions import HTTPException
    from starlette.requests import Request

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (found := table.get((scope["method"], scope["path"]))):
            response = await found(Request(scope, receive))
            await response(scope, receive, send)
            return
        scope["app"] = router  # makes the router raise its refusals instead of sending text
        try:
            await router(scope, receive, send)
        except HTTPException as error:
            allowed = (error.headers or {}).get("Allow", "")
            raise refuse_verb(error.status_code, scope["method"], allowed) from None

    return app
