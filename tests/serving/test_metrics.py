"""Figures for the operator: what they count, and that nobody can make them grow or tell words."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving_server import TOKEN, Live, Scripted, chat, running

from maksud.http.tokens import METRICS, Token, Tokens
from maksud.language.calls import NONE, Call
from maksud.language.catalog import Catalog, Intent
from maksud.recognizers.contract import Contract
from maksud.recognizers.recognition import Proposal, Recognition, Recognizer
from maksud.serving.batching import Lane
from maksud.serving.metrics import (
    CONTENT_TYPE,
    MOST_CODES,
    MOST_INTENTS,
    MOST_TOKENS,
    OTHER,
    Metrics,
)

READER = "mk-a-token-that-reads-figures"
TOKENS = Tokens(
    [Token.of(TOKEN, "shop"), Token.of("mk-another", "app"), Token.of(READER, "reads", [METRICS])]
)


@pytest.fixture
def live() -> Iterator[Live]:
    with running(Scripted(), tokens=TOKENS) as server:
        yield server


class Figures(dict[tuple[str, ...], float]):
    """Samples by their name and the values of their labels, in whatever order."""

    def __missing__(self, key: tuple[str, ...]) -> float:
        return self.get((key[0], *sorted(key[1:])), 0.0)

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        return {k: v for k, v in self.items() if k[0] == name}


def figures(live: Live) -> Figures:
    reply = live.client(READER).get("/metrics")
    assert reply.status_code == 200 and reply.headers["content-type"] == CONTENT_TYPE
    return samples(reply.text)


def samples(text: str) -> Figures:
    return Figures(
        {
            (s.name.removeprefix("maksud_"), *sorted(s.labels.values())): s.value
            for family in text_string_to_metric_families(text)
            for s in family.samples
        }
    )


def test_requests_are_counted_by_path_status_and_token(live: Live) -> None:
    client = live.client()
    for text in ("play_music(Hampa)", "return_goods()", "none()"):
        assert client.post("/v1/chat/completions", json=chat(text)).is_success
    assert client.post("/v1/chat/completions/", json=chat("x", model="nope")).status_code == 404
    assert client.get("/v1/models/scripted").is_success
    assert live.client("mk-another").get("/v1/models").is_success
    assert live.client(None).get("/v1/models").status_code == 401
    found = figures(live)
    path = "/v1/chat/completions"
    assert found["requests_total", path, "200"] == 3
    assert found["requests_total", path, "404"] == 1
    assert found["requests_total", "/v1/models/ID", "200"] == 1
    assert found["requests_total", "/v1/models", "401"] == 1
    assert found["request_seconds_count", path] == 4
    assert found["errors_total", "model_not_found"] == found["errors_total", "invalid_api_key"] == 1
    assert found["token_requests_total", "shop"] == 5
    assert found["token_requests_total", "app"] == 1
    assert found["token_utterances_total", "shop"] == 3
    assert found["token_utterances_total", "app"] == 0


def test_answers_are_counted_by_what_became_of_them(live: Live) -> None:
    said = ["play_music(Hampa)", "play_music(A);return_goods(order=7)", "return_goods()", "none()"]
    body = {"utterances": said}
    assert live.client().post("/v1/recognize", json=body).is_success
    found = figures(live)
    assert found["answers_total", "scripted", "acted"] == 2
    assert found["answers_total", "scripted", "asked"] == 1
    assert found["answers_total", "scripted", "refused"] == 1
    assert found["refusals_total", "scripted", "out_of_scope"] == 1
    assert found["intents_total", "scripted", "play_music", "yes"] == 2
    assert found["intents_total", "scripted", "return_goods", "yes"] == 2
    assert found["intents_total", "scripted", "none", "no"] == 1
    assert found["confidence_count", "scripted", "yes"] == 3
    assert found["answer_seconds_count", "scripted"] == 1
    assert found["model_tokens_total", "scripted", "prompt"] == 4
    assert found["model_tokens_total", "scripted", "completion"] == 4
    id = live.front.lanes["scripted"].recognizer.contract.id
    assert found["model_info", "scripted", "scripted", id] == 1


def test_the_same_decision_counts_once_however_it_is_said(live: Live) -> None:
    for model in ("scripted", "scripted/chat"):
        assert live.client().post("/v1/chat/completions", json=chat("x", model)).is_success
    assert figures(live)["answers_total", "scripted", "acted"] == 2


def test_what_waits_is_shown() -> None:
    model = Scripted()
    with running(model, tokens=TOKENS) as live, ThreadPoolExecutor(2) as pool:
        model.gate.clear()
        first = pool.submit(live.client().post, "/v1/recognize", json={"utterance": "a"})
        while not model.batches:
            pass
        second = pool.submit(live.client().post, "/v1/recognize", json={"utterances": ["b", "c"]})
        while live.front.lanes["scripted"].waiting < 2:
            pass
        assert figures(live)["queue_utterances", "scripted"] == 2
        model.gate.set()
        assert first.result().is_success and second.result().is_success
        assert figures(live)["queue_utterances", "scripted"] == 0


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"truncated": True}, "too_long"),
        ({"calls": (NONE,), "reason": "nothing said"}, "nothing_said"),
        ({"calls": (NONE,), "reason": "script"}, "script"),
        ({"calls": (NONE,), "reason": "language"}, "language"),
        ({"calls": (NONE,)}, "out_of_scope"),
        ({"calls": ()}, "out_of_scope"),
        ({}, "unsure"),
    ],
)
def test_why_it_is_refused(about: dict[str, Any], reason: str) -> None:
    answer = Recognition("x", (Call("play_music"),), "play_music()", 0.4, False)
    metrics = Metrics({"m": Lane(Scripted())}, [])
    metrics.count_answers({}, "m", [replace(answer, **about)])
    found = samples(metrics.text().decode())
    assert found["refusals_total", "m", reason] == 1
    assert sum(found.of("refusals_total").values()) == 1
    assert found["confidence_bucket", "m", "no", "0.4"] == 1
    assert found["confidence_bucket", "m", "no", "0.3"] == 0


# ---------------------------------------------------------------- bounds


def test_no_request_can_make_them_grow(live: Live) -> None:
    """Paths, names of models and methods that nobody knows have one series."""
    client, stranger = live.client(), live.client(None)

    def ask(k: int) -> None:
        client.get(f"/v1/nothing/{k}")
        client.get(f"/v1/models/{k}")
        stranger.get(f"/{k}")
        client.post("/v1/chat/completions", json=chat("x", model=f"a{k}"))
        client.request(f"BREW{k}", "/v1/models")

    ask(0)
    figures(live)
    before = figures(live)
    for k in range(1, 40):
        ask(k)
    after = figures(live)
    assert set(after) == set(before)
    assert after["requests_total", OTHER, "404"] == after["requests_total", OTHER, "401"] == 40


def test_they_hold_no_word_that_anybody_said(live: Live) -> None:
    client = live.client()
    secret = "Rahasia"
    client.post("/v1/chat/completions", json=chat(f"play_music({secret})"))
    client.post("/v1/chat/completions", json=chat("x", model=secret))
    client.get(f"/v1/{secret}?q={secret}", headers={"x-request-id": secret, "user-agent": secret})
    text = live.client(READER).get("/metrics").text
    assert secret not in text and TOKEN not in text and READER not in text


class Inventive(Recognizer):
    """Says intents that no catalog has, as a model that nothing constrains may."""

    kind = "inventive"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__("m", Contract(Catalog(tuple(map(Intent, names)))))

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        return [Proposal((Call(u),), (0.0,)) for u in utterances]


def test_intents_that_no_catalog_has_are_one() -> None:
    model = Inventive(["known"])
    metrics = Metrics({"m": Lane(model)}, [])
    metrics.count_answers({}, "m", model.recognize([f"made_up_{k}" for k in range(500)]))
    metrics.count_answers({}, "m", model.recognize(["known"]))
    found = samples(metrics.text().decode())
    counted = found.of("intents_total")
    assert len(counted) == 2 and found["intents_total", "m", "known", "yes"] == 1
    assert found["intents_total", "m", OTHER, "yes"] == 500


def test_of_a_huge_catalog_some_intents_are_counted_together() -> None:
    names = [f"intent_{k}" for k in range(MOST_INTENTS + 500)]
    model = Inventive(names)
    metrics = Metrics({"m": Lane(model)}, [])
    metrics.count_answers({}, "m", model.recognize(names))
    found = samples(metrics.text().decode())
    counted = found.of("intents_total")
    assert len(counted) == MOST_INTENTS + 1
    assert found["intents_total", "m", OTHER, "yes"] == 500


def test_so_many_tokens_and_codes_are_told_apart() -> None:
    metrics = Metrics({"m": Lane(Scripted())}, ["/x"])
    for k in range(MOST_TOKENS + MOST_CODES + 50):
        scope: Any = {"path": "/x", "maksud.known": Token.of(f"secret-{k}", f"t{k}")}
        metrics.count_exchange(scope, 400, 0.1, f"code{k}")
    found = samples(metrics.text().decode())
    for name, most in (("token_requests_total", MOST_TOKENS), ("errors_total", MOST_CODES)):
        assert len(found.of(name)) == most + 1 and found[name, OTHER] > 1


def test_each_server_has_its_own() -> None:
    with running(Scripted(), tokens=TOKENS) as one, running(Scripted(), tokens=TOKENS) as other:
        one.client().get("/v1/models")
        assert ("requests_total", "/v1/models", "200") in figures(one)
        assert ("requests_total", "/v1/models", "200") not in figures(other)


def test_names_are_as_the_docs_say() -> None:
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    text = Metrics({"m": Lane(Scripted())}, []).text().decode()
    names = set(re.findall(r"^# TYPE (maksud_\w+) ", text, re.MULTILINE))
    assert len(names) >= 12
    for name in names:
        assert f"`{name}`" in page, name
