"""Figures for the operator, in the text format of Prometheus.

Nothing that a client sends becomes a label: paths, intents, codes and names of tokens are those
that are known, up to a number, and `OTHER` beyond. So what is counted takes no more memory however
long the server runs, and holds no word that anybody said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from maksud.http.scope import KNOWN
from maksud.language.calls import NONE, OUT_OF_SCOPE
from maksud.recognizers.recognition import Recognition, Vector
from maksud.serving.batching import Lane

if TYPE_CHECKING:
    from starlette.types import Scope

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "(other)"
"""The label of what is beyond a bound; no intent can have this name."""
MOST_INTENTS = 1000
"""Intents of a model that are counted each for itself."""
MOST_TOKENS = 100
"""Tokens that are counted each for itself."""
MOST_CODES = 100
"""Codes of errors that are counted each for itself."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)


class Metrics:
    """What is counted of a server. All but `text` belongs to the event loop.

    `paths`: the routes that are told apart. Raises nothing that a request could bring about.
    """

    def __init__(self, lanes: Mapping[str, Lane], paths: Collection[str]) -> None:
        from prometheus_client import (
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            ProcessCollector,
            disable_created_metrics,
        )

        # It makes a second series of each, when it began to count, of which nobody makes use.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, about: str, *labels: str) -> _Family:
            return _Family(Counter(f"maksud_{name}", about, labels, registry=registry))

        def histogram(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> _Family:
            made = Histogram(f"maksud_{name}", about, labels, registry=registry, buckets=buckets)
            return _Family(made)

        self._paths = frozenset(paths)
        self._codes = _Few(MOST_CODES)
        self._tokens = _Few(MOST_TOKENS)
        self._intents = {
            name: frozenset(lane.recognizer.contract.catalog.names[:MOST_INTENTS])
            for name, lane in lanes.items()
        }
        self._requests = counter("requests", "Requests", "path", "status")
        self._errors = counter("errors", "Requests that ended in an error", "code")
        self._seconds = histogram(
            "request_seconds", "From the request's header to its answer", _SECONDS, "path"
        )
        self._by_token = counter("token_requests", "Requests of a bearer token", "token")
        self._said_by_token = counter(
            "token_utterances", "Utterances that a bearer token had answered", "token"
        )
        self._answers = counter(
            "answers",
            "Utterances and conversations that were answered; outcome: acted, asked (something is "
            "missing), refused",
            "model",
            "outcome",
        )
        self._refusals = counter(
            "refusals",
            "Answers that are not acted on; reason: out_of_scope, nothing_said, script, "
            "language, small_words, values_alone, one_word, unsure, too_long",
            "model",
            "reason",
        )
        self._confidence = histogram(
            "confidence", "Calibrated confidence of answers", _CONFIDENCES, "model", "accepted"
        )
        self._calls = counter(
            "intents", "Calls of an intent in answers", "model", "intent", "accepted"
        )
        self._usage = counter("model_tokens", "Tokens of a model", "model", "kind")
        self._vectors = counter("vectors", "Utterances whose vectors were given", "model")
        self._answer_seconds = histogram(
            "answer_seconds", "From the queue's end to the answer, with waiting", _SECONDS, "model"
        )
        waiting = Gauge(
            "maksud_queue_utterances", "Utterances that wait", ["model"], registry=registry
        )
        info = Gauge(
            "maksud_model_info", "A served model", ["model", "kind", "contract"], registry=registry
        )
        for name, lane in lanes.items():
            waiting.labels(name).set_function(partial(_waiting_in, lane))
            about = lane.recognizer
            info.labels(name, about.kind, about.contract.id).set(1)

    def count_exchange(self, scope: Scope, status: int, seconds: float, code: str) -> None:
        """Counts a request that was answered: see `guard.Told`."""
        path = self._path(scope["path"])
        self._requests(path, str(status)).inc()
        self._seconds(path).observe(seconds)
        if code:
            self._errors(self._codes.name(code)).inc()
        token = scope.get(KNOWN)
        if token is not None:
            self._by_token(self._tokens.name(token.name)).inc()

    def count_answers(self, scope: Scope, model: str, answers: Sequence[Recognition]) -> None:
        """Counts what a request was answered with."""
        token = scope.get(KNOWN)
        if token is not None:
            self._said_by_token(self._tokens.name(token.name)).inc(len(answers))
        for answer in answers:
            self._count_answer(model, answer)

    def count_vectors(self, scope: Scope, model: str, vectors: Sequence[Vector]) -> None:
        """Counts utterances that a request was given vectors of."""
        token = scope.get(KNOWN)
        if token is not None:
            self._said_by_token(self._tokens.name(token.name)).inc(len(vectors))
        self._vectors(model).inc(len(vectors))
        self._usage(model, "prompt").inc(sum(v.usage.prompt_tokens for v in vectors))

    def count_waiting(self, model: str, seconds: float) -> None:
        """Counts how long a model took for what it was asked, with waiting."""
        self._answer_seconds(model).observe(seconds)

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)

    def _count_answer(self, model: str, answer: Recognition) -> None:
        outcome = "refused" if not answer.accepted else "asked" if answer.missing else "acted"
        self._answers(model, outcome).inc()
        if not answer.accepted:
            self._refusals(model, _reason(answer)).inc()
        accepted = "yes" if answer.accepted else "no"
        self._confidence(model, accepted).observe(answer.confidence)
        known = self._intents[model]
        for call in answer.calls:
            named = call.intent in known or call.intent == OUT_OF_SCOPE
            self._calls(model, call.intent if named else OTHER, accepted).inc()
        self._usage(model, "prompt").inc(answer.usage.prompt_tokens)
        self._usage(model, "completion").inc(answer.usage.completion_tokens)

    def _path(self, path: str) -> str:
        path = path.rstrip("/") or "/"
        if path in self._paths:
            return path
        return "/v1/models/ID" if path.startswith("/v1/models/") else OTHER


def _waiting_in(lane: Lane) -> float:
    return lane.waiting


class _Family:
    """The series of one figure by their labels, which are looked up once."""

    def __init__(self, figure: Any) -> None:
        self._figure = figure
        self._series: dict[tuple[str, ...], Any] = {}

    def __call__(self, *labels: str) -> Any:
        found = self._series.get(labels)
        if found is None:
            found = self._series[labels] = self._figure.labels(*labels)
        return found


class _Few:
    """Names of which the first `most` are told apart."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: set[str] = set()

    def name(self, name: str) -> str:
        if name not in self._seen:
            if len(self._seen) >= self._most:
                return OTHER
            self._seen.add(name)
        return name


def _reason(answer: Recognition) -> str:
    if answer.truncated:
        return "too_long"
    if not answer.calls or NONE in answer.calls:
        return answer.reason.replace(" ", "_") or "out_of_scope"
    return "unsure"
