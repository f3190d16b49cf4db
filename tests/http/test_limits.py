"""What a token may ask in a minute. Time is ours here: a window moves when a test says so."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI
from serving_server import TOKEN, Scripted, chat, running

from maksud.http.api_error import ApiError
from maksud.http.guard import guard_app
from maksud.http.limits import SECONDS, Limits, _duration, limited
from maksud.http.scope import KNOWN
from maksud.http.settings import ServeSettings
from maksud.http.tokens import METRICS, Token, Tokens

OTHER, READER = "mk-another-token", "mk-a-token-that-reads-figures"
TOKENS = Tokens(
    [Token.of(TOKEN, "shop"), Token.of(OTHER, "app"), Token.of(READER, "reads", [METRICS])]
)
MINUTE = 1_800_000_000.0 // 60 * 60


class Clock:
    """Stands in for the module `time` where the library asks it."""

    def __init__(self) -> None:
        self.now = MINUTE

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr("limits.storage.memory.time", made)
    yield made


def limits(requests: int = 0, utterances: int = 0) -> Limits:
    settings = ServeSettings(requests_per_minute=requests, utterances_per_minute=utterances)
    made = limited(lambda *_: None, settings)  # type: ignore[arg-type,return-value]
    assert isinstance(made, Limits)
    return made


def of(secret: str) -> Any:
    return {KNOWN: Token.of(secret, secret)}


def take(made: Limits, secret: str = "a", number: int = 1, what: str = "requests") -> None:
    made.check(of(secret), what, number)
    made.count(of(secret), what, number)


def test_without_a_limit_there_is_no_layer() -> None:
    def app(*_: Any) -> Any: ...

    assert limited(app, ServeSettings()) is app
    with running() as live:
        reply = live.client().get("/v1/models")
        assert not any(name.startswith("x-ratelimit") for name in reply.headers)


# ---------------------------------------------------------------- over HTTP


def test_requests_of_a_token_are_limited(clock: Clock) -> None:
    with running(tokens=TOKENS, requests_per_minute=3) as live:
        client = live.client()
        for left in ("2", "1", "0"):
            reply = client.get("/v1/models")
            assert reply.status_code == 200
            assert reply.headers["x-ratelimit-limit-requests"] == "3"
            assert reply.headers["x-ratelimit-remaining-requests"] == left
            assert reply.headers["x-ratelimit-reset-requests"] == "2m0s"
            assert "x-ratelimit-limit-utterances" not in reply.headers
        refused = client.post("/v1/chat/completions", json=chat("x"))
        assert refused.status_code == 429
        assert refused.json()["error"] == {
            "message": "the token 'shop' may ask 3 requests a minute, and did: ask again in 61 s",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limit_exceeded",
        }
        assert refused.headers["retry-after"] == "61"
        assert refused.headers["x-ratelimit-remaining-requests"] == "0"
        assert refused.headers["x-request-id"]
        assert live.client(OTHER).get("/v1/models").status_code == 200
        clock.now += 60
        assert client.get("/v1/models").status_code == 429
        clock.now += 20
        assert client.get("/v1/models").status_code == 200
        assert client.get("/v1/models").status_code == 429
        clock.now += 120
        assert client.get("/v1/models").headers["x-ratelimit-remaining-requests"] == "2"


def test_what_needs_no_token_and_figures_are_not_limited(clock: Clock) -> None:
    with running(tokens=TOKENS, requests_per_minute=1) as live:
        for _ in range(3):
            assert live.client(None).get("/health").status_code == 200
            assert live.client(READER).get("/metrics").status_code == 200
            assert live.client(READER).get("/metrics/").status_code == 200
            assert live.client(None).get("/v1/models").status_code == 401
        assert live.client().get("/v1/models").status_code == 200


def test_a_refused_body_is_not_read(clock: Clock) -> None:
    model = Scripted()
    with running(model, tokens=TOKENS, requests_per_minute=1) as live:
        client = live.client()
        assert client.get("/v1/models").status_code == 200
        body = b'{"utterance": "' + b"x" * 500_000 + b'"}'
        for _ in range(2):
            refused = client.post(
                "/v1/recognize", content=body, headers={"content-type": "application/json"}
            )
            assert refused.status_code == 429 and refused.headers["connection"] == "close"
        assert model.batches == []


def test_utterances_of_a_token_are_limited(clock: Clock) -> None:
    model = Scripted()
    with running(model, tokens=TOKENS, utterances_per_minute=4) as live:
        client = live.client()
        reply = client.post("/v1/recognize", json={"utterances": ["a", "b", "c"]})
        assert reply.status_code == 200
        assert reply.headers["x-ratelimit-limit-utterances"] == "4"
        assert reply.headers["x-ratelimit-remaining-utterances"] == "1"
        assert client.get("/v1/models").headers["x-ratelimit-remaining-utterances"] == "1"
        two = client.post("/v1/recognize", json={"utterances": ["d", "e"]})
        assert (two.status_code, two.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert two.headers["x-ratelimit-remaining-utterances"] == "1"
        assert client.post("/v1/chat/completions", json=chat("f")).status_code == 200
        assert client.post("/v1/chat/completions", json=chat("g")).status_code == 429
        assert live.client(OTHER).post("/v1/recognize", json={"utterance": "h"}).is_success
        said = [u for batch in model.batches for u in batch]
        assert sorted(said) == ["a", "b", "c", "f", "h"]


def test_more_than_will_ever_be_allowed_is_not_to_be_tried_again(clock: Clock) -> None:
    with running(tokens=TOKENS, utterances_per_minute=2) as live:
        reply = live.client().post("/v1/recognize", json={"utterances": ["a", "b", "c"]})
        assert reply.status_code == 429 and reply.headers["x-should-retry"] == "false"
        assert "retry-after" not in reply.headers
        assert "the request has 3 utterances" in reply.json()["error"]["message"]
        assert reply.headers["x-ratelimit-remaining-utterances"] == "2"
        with OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN, max_retries=1) as client:
            assert client.models.list()


def test_what_a_full_queue_refuses_is_not_counted(clock: Clock) -> None:
    model = Scripted()
    with (
        running(model, tokens=TOKENS, max_waiting=1, max_batch=1, utterances_per_minute=9) as live,
        ThreadPoolExecutor(2) as pool,
    ):
        model.gate.clear()
        ask = live.client().post
        first = pool.submit(ask, "/v1/recognize", json={"utterance": "a"})
        while not model.batches:
            pass
        second = pool.submit(live.client().post, "/v1/recognize", json={"utterance": "b"})
        while not live.front.lanes["scripted"].waiting:
            pass
        full = live.client().post("/v1/recognize", json={"utterance": "c"})
        assert full.json()["error"]["code"] == "queue_full"
        assert full.headers["x-ratelimit-remaining-utterances"] == "7"
        model.gate.set()
        assert first.result().is_success and second.result().is_success


def test_a_conversation_that_is_begun_is_ended(clock: Clock) -> None:
    """It may ask the model several times; each counts, but only the first can be refused."""
    talk = [
        {"role": "user", "content": "return_goods()"},
        {"role": "assistant", "content": "Nomor pesanannya berapa?"},
        {"role": "user", "content": "INV-7"},
    ]
    body = {"model": "scripted", "messages": talk}
    model = Scripted()
    with running(model, tokens=TOKENS, utterances_per_minute=4) as live:
        client = live.client()
        first = client.post("/v1/chat/completions", json=body)
        asked = sum(map(len, model.batches))
        assert first.is_success and asked > 1
        assert first.headers["x-ratelimit-remaining-utterances"] == str(4 - asked)
        for _ in range(4 - asked - 1):
            assert client.post("/v1/chat/completions", json=chat("x")).is_success
        assert client.post("/v1/chat/completions", json=body).is_success
        assert client.post("/v1/chat/completions", json=body).status_code == 429


def test_the_official_client_knows_what_it_is(clock: Clock) -> None:
    with (
        running(tokens=TOKENS, requests_per_minute=1) as live,
        OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN, max_retries=0) as client,
    ):
        client.models.list()
        with pytest.raises(openai.RateLimitError) as told:
            client.models.list()
        assert told.value.code == "rate_limit_exceeded"
        assert told.value.type == "rate_limit_error"
        assert told.value.response.headers["retry-after"] == "61"


# ---------------------------------------------------------------- arithmetic and bounds


@settings(max_examples=40)
@given(
    st.integers(1, 30),
    st.lists(st.tuples(st.floats(0, 50), st.integers(1, 5)), max_size=12),
    st.integers(1, 5),
)
def test_who_waits_as_long_as_told_is_let_in(
    most: int, before: list[tuple[float, int]], number: int
) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("limits.storage.memory.time", clock)
        made = limits(most)
        for later, n in before:
            clock.now += later
            try:
                take(made, number=n)
            except ApiError as refused:
                assert refused.status == 429
        try:
            take(made, number=number)
        except ApiError as refused:
            if "x-should-retry" in refused.headers:
                assert number > most
                return
            seconds = int(refused.headers["retry-after"])
            assert 1 <= seconds <= 2 * SECONDS + 1
            if seconds > 1:  # and who comes a second earlier is not
                clock.now += seconds - 1.01
                with pytest.raises(ApiError):
                    take(made, number=number)
                clock.now -= seconds - 1.01
            clock.now += seconds
            take(made, number=number)


@settings(max_examples=40)
@given(st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_no_minute_has_much_more_than_the_limit(pauses: list[float]) -> None:
    """The counter takes what came in the minute before as spread evenly, so it can be off by
    what came at its end: twice the limit in any sixty seconds at most, the limit in a minute."""
    clock, taken = Clock(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("limits.storage.memory.time", clock)
        made = limits(5)
        for pause in pauses:
            clock.now += pause
            try:
                take(made)
                taken.append(clock.now)
            except ApiError:
                pass
    for start in taken:
        assert sum(start <= at < start + 60 for at in taken) <= 10
        assert sum(at // 60 == start // 60 for at in taken) <= 5


def test_memory_is_two_numbers_for_each_token_and_limit(clock: Clock) -> None:
    made = limits(1_000_000, 1_000_000)
    for minute in range(50):
        clock.now = MINUTE + 60 * minute
        for k in range(20):
            for what in ("requests", "utterances"):
                for token in ("a", "b"):
                    take(made, token, 1 + k, what)
    storage = made.storage
    assert len(storage.storage) <= 2 * 2 * 50 and not storage.events
    getattr(storage, "_MemoryStorage__expire_events")()  # noqa: B009
    assert len(storage.storage) <= 2 * 2 * 2 and len(storage.expirations) <= 2 * 2 * 2
    assert len(storage.locks) <= 2 * 2 * 2


def test_strangers_take_no_memory(clock: Clock) -> None:
    async def app(*_: Any) -> None: ...

    async def send(_: Any) -> None: ...

    envelope: Any = guard_app(app, TOKENS, ServeSettings(requests_per_minute=5))
    made = envelope.app.app
    assert isinstance(made, Limits)

    def ask(token: str) -> None:
        lines = [(b"host", b"x"), (b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/v1/models", "headers": lines}
        asyncio.run(envelope(scope, None, send))

    for k in range(50):
        ask(f"mk-guess-{k}")
    assert not made.storage.storage and not made.storage.events
    ask(TOKEN)
    assert len(made.storage.storage) == 1


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0s"), (0.2, "1s"), (59, "59s"), (60, "1m0s"), (119.5, "2m0s")]
)
def test_times_are_written_as_openai_writes_them(seconds: float, written: str) -> None:
    assert _duration(seconds) == written.encode()
