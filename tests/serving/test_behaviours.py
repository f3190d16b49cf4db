"""What clients of OpenAI's API rely on, one test for each behaviour, by its number.

The numbers are those of the project's list of 48 (O1 to O48). Each is driven by the official
client where that can send it, else by HTTP. What other tests look into more closely is looked at
here once.
"""

import gzip
import json
import math
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jsonschema
import openai
import pytest
from openai import OpenAI
from serving_server import TOKEN, Live, Scripted, chat, request, running
from weighing import TOOLS, Weighing

from maksud.errors import EngineError
from maksud.http.tokens import Token, Tokens
from maksud.recognizers.recognition import Recognizer
from maksud.serving.json_reply import answer_schema

CHAT = "/v1/chat/completions"
SURE = "play(song=Hampa) 0.9"


@pytest.fixture(scope="module")
def model() -> Weighing:
    return Weighing()


@pytest.fixture(scope="module")
def live(model: Weighing) -> Iterator[Live]:
    spoken = Scripted("team/router")
    with running(model, spoken, max_utterance_chars=500, max_body_bytes=60_000) as server:
        yield server


@pytest.fixture
def client(live: Live) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN, max_retries=0) as made:
        yield made


def ask(client: OpenAI, text: str = SURE, **more: Any) -> Any:
    return client.chat.completions.create(**{**chat(text, model="weighing"), **more})


def say(client: OpenAI, text: str, **more: Any) -> Any:
    """A text that the scripted model says: the utterance, as the song of a call."""
    return ask(client, text, model="team/router", **more)


def post(live: Live, **more: Any) -> httpx.Response:
    return live.client().post(CHAT, json={**chat(SURE, model="weighing"), **more})


def refused(client: OpenAI, param: str | None = None, **more: Any) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **more)
    error = caught.value
    assert error.type == "invalid_request_error" and error.code
    assert param is None or error.param == param
    return error


def frames(live: Live, **more: Any) -> list[dict[str, Any]]:
    """The chunks of a stream, as they were sent."""
    body = post(live, stream=True, **more).text
    parts = body.split("\n\n")
    assert parts.pop() == "" and parts.pop() == "data: [DONE]"
    assert all(p.startswith("data: ") and "\n" not in p for p in parts)
    return [json.loads(p.removeprefix("data: ")) for p in parts]


def texts_of(chunks: Any) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


# ---------------------------------------------------------------- transport, auth, errors


def test_o01_every_error_has_one_shape(live: Live) -> None:
    http, body = live.client(), chat(SURE, model="weighing")
    wrong = live.client("wrong-token")
    replies = {
        400: http.post(CHAT, content=b"{", headers={"content-type": "application/json"}),
        401: wrong.post(CHAT, json=body),
        404: http.get("/v1/nothing"),
        405: http.delete(CHAT),
        413: http.post(CHAT, json=chat("x" * 70_000)),
        415: http.post(CHAT, content=b"x", headers={"content-type": "text/plain"}),
    }
    for status, reply in replies.items():
        assert reply.status_code == status
        assert reply.headers["content-type"] == "application/json"
        is_whole(reply)


def is_whole(reply: httpx.Response) -> None:
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str) and error["type"] and error["code"]


def test_o01_what_fails_and_what_is_too_much_has_it_too() -> None:
    def fail(utterances: Any) -> None:
        raise RuntimeError("a fault") if "bug" in utterances else EngineError("down")

    reader = Token.of("mk-a-token-that-reads", "reader", frozenset({"label"}))
    tokens = Tokens([Token.of(TOKEN, "test"), reader])
    with running(Scripted(on=fail), tokens=tokens, requests_per_minute=3) as server:
        http, denied = server.client(), server.client("mk-a-token-that-reads")
        replies = {
            500: http.post(CHAT, json=chat("bug")),
            503: http.post(CHAT, json=chat("x")),
            431: http.get("/v1/models", headers={"x-long": "x" * 40_000}),
            403: denied.post(CHAT, json=chat("x")),
        }
        replies[429] = next(r for r in map(http.get, ["/v1/models"] * 4) if r.is_error)
        for status, reply in replies.items():
            assert reply.status_code == status
            is_whole(reply)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", 3), ("messages", 3), ("messages", {}), ("messages[0]", 3), ("temperature", "hot"),
        ("top_p", []), ("presence_penalty", True), ("frequency_penalty", "1"), ("stream", "yes"),
        ("n", "2"), ("n", 1.5), ("seed", "1"), ("max_tokens", "9"), ("max_completion_tokens", 2.5),
        ("stop", 3), ("stop", [3]), ("tools", {}), ("tools", "x"), ("tool_choice", 3),
        ("response_format", "json"), ("logprobs", 1), ("top_logprobs", "5"), ("functions", {}),
        ("parallel_tool_calls", "no"), ("stream_options", True), ("maksud", 3),
    ],
)  # fmt: skip
def test_o02_invalid_input_is_400(client: OpenAI, field: str, value: Any) -> None:
    more = {"tools": TOOLS} if field == "tool_choice" else {}
    given = {"messages": [value]} if field == "messages[0]" else {field: value}
    assert refused(client, field, extra_body={**more, **given}).status_code == 400


@pytest.mark.parametrize("field", ["model", "messages"])
def test_o02_what_is_missing_is_400(client: OpenAI, field: str) -> None:
    error = refused(client, field, extra_body={field: None})
    assert error.code == "missing_required_parameter"


@pytest.mark.parametrize(
    "line",
    ["Bearer", "bearer x", "Basic eDp5", "Bearer caf\xe9-token", "Bearer a b", "", "Token x"],
)
def test_o03_a_wrong_token_is_401_and_is_not_shown(live: Live, line: str) -> None:
    reply = live.send(request("GET", "/v1/models", f"Authorization: {line}", token=None))
    assert reply.status == 401 and reply.headers["www-authenticate"].startswith("Bearer")
    assert reply.error["code"] == "invalid_api_key"
    secret = line.partition(" ")[2]
    assert len(secret) < 5 or secret not in reply.error["message"]
    two = live.send(request("GET", "/v1/models", "Authorization: Bearer x"))
    assert two.status == 401


def test_o04_rights_models_routes_and_verbs(client: OpenAI, live: Live) -> None:
    with pytest.raises(openai.NotFoundError, match="'nope'") as unknown:
        ask(client, model="nope")
    assert unknown.value.code == "model_not_found"
    assert live.client().get("/v1/nothing").json()["error"]["code"] == "unknown_url"
    wrong = live.client().get(CHAT)
    assert wrong.status_code == 405 and "POST" in wrong.headers["allow"]
    tokens = Tokens([Token.of(TOKEN, "reader", frozenset({"label"}))])
    with running(Scripted(), tokens=tokens) as other:
        known = client.with_options(base_url=f"{other.url}/v1")
        with pytest.raises(openai.PermissionDeniedError) as denied:
            ask(known, "x", model="scripted")
    assert denied.value.code == "insufficient_permissions"


def test_o05_a_full_queue_is_429_with_a_time() -> None:
    slow = Scripted()
    with running(slow, max_waiting=1, max_batch=1) as server:
        slow.gate.clear()
        http = server.client()

        def fill() -> None:
            with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as own:
                own.headers["authorization"] = f"Bearer {TOKEN}"
                own.post(CHAT, json=chat("x"))

        waiting = [threading.Thread(target=fill) for _ in range(2)]
        for thread in waiting:
            thread.start()
        while not slow.batches or server.front.lanes["scripted"].waiting < 1:
            time.sleep(0.01)
        reply = http.post(CHAT, json=chat("x"))
        slow.gate.set()
        for thread in waiting:
            thread.join(30)
    assert reply.status_code == 429 and reply.json()["error"]["code"] == "queue_full"
    assert 1 <= int(reply.headers["retry-after"]) <= 30


def test_o05_what_no_wait_allows_is_not_tried_again() -> None:
    with running(Scripted(), utterances_per_minute=2) as server:
        reply = server.client().post("/v1/recognize", json={"utterances": ["x"] * 3})
        assert reply.status_code == 429 and reply.headers["x-should-retry"] == "false"
        assert reply.json()["error"]["code"] == "rate_limit_exceeded"
        for _ in range(2):
            assert server.client().post(CHAT, json=chat("x")).status_code == 200
        with (
            OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0) as made,
            pytest.raises(openai.RateLimitError) as caught,
        ):
            ask(made, "x", model="scripted")
        assert caught.value.code == "rate_limit_exceeded"
        assert int(caught.value.response.headers["retry-after"]) >= 1


def test_o06_a_model_that_fails_is_503_as_json() -> None:
    def fail(_: Any) -> None:
        raise EngineError("down", retryable=True)

    with running(Scripted(on=fail)) as server:
        reply = server.client().post(CHAT, json=chat("x"))
    assert reply.status_code == 503 and reply.headers["retry-after"]
    assert reply.json()["error"]["code"] == "engine_unavailable"


def test_o07_what_is_too_long_is_told_with_both_numbers(client: OpenAI) -> None:
    error = refused(client, "messages", **chat("x" * 501, model="weighing"))
    assert error.code == "context_length_exceeded"
    assert "501" in str(error) and "500" in str(error)


def test_o08_every_response_has_an_id(client: OpenAI, live: Live) -> None:
    assert ask(client)._request_id.startswith("req_")
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, model="nope")
    assert caught.value.request_id
    assert post(live, stream=True).headers["x-request-id"]
    assert live.client(None).get("/v1/models").headers["x-request-id"]


def test_o09_rate_limit_headers_are_whole_or_not_there(live: Live) -> None:
    headers = post(live).headers
    for kind in ("requests", "tokens"):
        names = [f"x-ratelimit-{what}-{kind}" for what in ("limit", "remaining", "reset")]
        assert sum(n in headers for n in names) in (0, 3)
    with running(Scripted(), requests_per_minute=5) as server:
        for left in (4, 3):
            headers = server.client().post(CHAT, json=chat("x")).headers
            assert headers["x-ratelimit-limit-requests"] == "5"
            assert headers["x-ratelimit-remaining-requests"] == str(left)
            assert re.fullmatch(r"(\d+m)?\d+s", headers["x-ratelimit-reset-requests"])


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b'{"a": NaN}', "application/json", 400),
        (b'{"a": 1e999}', "application/json", 400),
        (b'{"a": "\xff"}', "application/json", 400),
        (b"\xef\xbb\xbf{}", "application/json", 400),
        (b"{" + b" " * 70_000 + b"}", "application/json", 413),
    ],
)
def test_o10_bodies_are_read_strictly(live: Live, body: bytes, kind: str, status: int) -> None:
    reply = live.client().post(CHAT, content=body, headers={"content-type": kind})
    assert reply.status_code == status
    error = reply.json()["error"]
    if status == 400:  # with the place
        assert error["code"] == "invalid_json" and re.search(r"\d", error["message"]), error


def test_o11_nothing_is_html(live: Live) -> None:
    for path in ("/", "/v1", "/v1/", "/v1/chat", "/docs", "/v1/engines", "/v1/models/x"):
        for reply in (live.client().get(path), live.client(None).get(path)):
            if reply.status_code != 200:
                is_whole(reply)
            else:
                assert path == "/docs"


def test_o12_browsers_are_let_in_only_where_that_is_configured(live: Live) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for reply in (
        live.client(None).options(CHAT, headers=asked),
        live.client().post(CHAT, json=chat(SURE, model="weighing"), headers=asked),
    ):
        assert "access-control-allow-origin" not in reply.headers
    assert live.client(None).options(CHAT, headers=asked).status_code == 401
    with running(Scripted(), origins="https://shop.example") as server:
        shop = {**asked, "origin": "https://shop.example"}
        for headers, there in ((shop, True), (asked, False)):
            reply = server.client(None).options(CHAT, headers=headers)
            assert ("access-control-allow-origin" in reply.headers) == there


def test_o13_a_trailing_slash_is_no_redirect(live: Live) -> None:
    for path in (CHAT, CHAT + "/"):
        reply = live.client().post(path, json=chat(SURE, model="weighing"))
        assert reply.status_code == 200 and reply.history == []


def test_o14_compressed_bodies_are_415(live: Live) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert live.client().post(CHAT, content=bomb, headers=headers).status_code == 415


def test_o15_keep_alive_expect_and_chunks(live: Live) -> None:
    body = json.dumps(chat(SURE, model="weighing")).encode()
    http = live.client()

    def parts() -> Iterator[bytes]:
        yield body[:10]
        yield body[10:]

    headers = {"content-type": "application/json"}
    assert http.post(CHAT, content=parts(), headers=headers).status_code == 200
    assert http.post(CHAT, content=body, headers=headers).status_code == 200  # kept
    sent = request("POST", CHAT, body=body).replace(b"Connection: close\r\n", b"")
    head, _, content = sent.partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", live.port), timeout=30) as connection:
        for _ in range(2):  # the same connection
            connection.sendall(sent)
            assert read_answer(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(content)
        assert read_answer(connection).startswith(b"HTTP/1.1 200 ")


def read_answer(connection: socket.socket) -> bytes:
    """One answer on a connection that stays open."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head)
    assert found is not None
    while len(body) < int(found[1]):
        body += connection.recv(65536)
    return head


# ---------------------------------------------------------------- models, replies


def test_o16_models(client: OpenAI, live: Live) -> None:
    listed = client.models.list()
    assert listed.object == "list"
    assert {"weighing", "team/router"} <= {m.id for m in listed.data}
    for card in listed.data:
        assert (card.object, card.owned_by) == ("model", "maksud") and card.created > 0
    assert client.models.retrieve("team/router").id == "team/router"
    for path in ("team/router", "team%2Frouter"):
        assert live.client().get(f"/v1/models/{path}").json()["id"] == "team/router"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")


def test_o17_a_completion(client: OpenAI) -> None:
    replies = [ask(client), ask(client, tools=TOOLS), ask(client, max_tokens=1)]
    assert len({r.id for r in replies}) == 3
    for reply, finish in zip(replies, ("stop", "tool_calls", "length"), strict=True):
        assert reply.id.startswith("chatcmpl-") and reply.object == "chat.completion"
        assert isinstance(reply.created, int) and reply.model == "weighing"
        (choice,) = reply.choices
        assert (choice.index, choice.logprobs, choice.finish_reason) == (0, None, finish)
        assert choice.message.role == "assistant" and choice.message.refusal is None
        assert "refusal" in choice.message.model_fields_set


def test_o18_usage_adds_up(client: OpenAI) -> None:
    said = "play(song=A) 0.6 | stop() 0.3"
    one, two = ask(client, said).usage, ask(client, said, n=2).usage
    for usage in (one, two):
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert two.prompt_tokens == one.prompt_tokens == 5
    assert (one.completion_tokens, two.completion_tokens) == (6, 9)


def test_o19_unknown_fields_are_ignored(client: OpenAI) -> None:
    more: dict[str, Any] = {
        "user": "u", "metadata": {"a": "b"}, "store": False, "service_tier": "auto",
        "prompt_cache_key": "k", "safety_identifier": "s", "verbosity": "low",
        "reasoning_effort": "low", "parallel_tool_calls": True, "seed": 1,
    }  # fmt: skip
    assert ask(client, **more, extra_body={"whatever": [1]}).choices[0].message.content
    for field in ("chat_template", "chat_template_kwargs"):
        assert refused(client, field, extra_body={field: {"a": "b"}})


def test_o20_null_is_the_default(client: OpenAI) -> None:
    optional = (
        "temperature top_p n stream stop max_tokens max_completion_tokens seed tools tool_choice "
        "response_format logprobs top_logprobs stream_options functions function_call logit_bias "
        "parallel_tool_calls presence_penalty frequency_penalty user"
    )
    plain = ask(client).choices[0].message
    nulls = dict.fromkeys(optional.split())
    assert ask(client, extra_body=nulls).choices[0].message == plain


def test_o21_ranges(client: OpenAI) -> None:
    ranges = {
        "temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2),
        "frequency_penalty": (-2, 2),
    }  # fmt: skip
    for field, (low, high) in ranges.items():
        for value in (low, high, float(high)):
            assert ask(client, **{field: value}).choices
        for value in (low - 0.1, high + 1):
            refused(client, field, **{field: value})


def test_o22_lengths(client: OpenAI) -> None:
    cut = ask(client, max_tokens=5, max_completion_tokens=2)
    assert (cut.choices[0].finish_reason, cut.usage.completion_tokens) == ("length", 2)
    for field in ("max_tokens", "max_completion_tokens"):
        assert ask(client, **{field: 3}).usage.completion_tokens == 3
        for value in (0, -1):
            refused(client, field, **{field: value})


def test_o23_stop(client: OpenAI, live: Live) -> None:
    for stop, said in (("song", "play("), ("g=H", "play(son"), (["zz", "="], "play(song")):
        plain = ask(client, stop=stop).choices[0]
        assert (plain.message.content, plain.finish_reason) == (said, "stop")
        assert texts_of(ask(client, stop=stop, stream=True)) == said
    refused(client, "stop", stop="")
    refused(client, "stop", stop=["a"] * 5)


def test_o24_several_answers(client: OpenAI) -> None:
    said = "play(song=A) 0.5 | stop() 0.2 | play(song=B) 0.1 | play() 0.05 | none() 0.01"
    assert [c.index for c in ask(client, said, n=4).choices] == [0, 1, 2, 3]
    for n in (0, 5, 1000, -1):
        refused(client, "n", n=n)


def test_o25_answers_repeat_and_the_fingerprint_is_the_contract(
    client: OpenAI, model: Weighing
) -> None:
    one, two = ask(client, seed=7), ask(client, seed=7)
    assert one.choices == two.choices
    assert one.system_fingerprint == two.system_fingerprint
    assert one.system_fingerprint.removeprefix("fp_") in model.contract.id
    assert say(client, "x").system_fingerprint != one.system_fingerprint


def test_o26_logprobs(client: OpenAI) -> None:
    said = "play(song=晴天) 0.6 | stop() 0.3 | play() 0.0000001"
    reply = ask(client, said, logprobs=True, top_logprobs=20)
    content = reply.choices[0].logprobs.content
    assert len(content) == reply.usage.completion_tokens
    assert b"".join(bytes(e.bytes) for e in content).decode() == "play(song=晴天)"
    for entry in content:
        assert all(math.isfinite(e.logprob) for e in (entry, *entry.top_logprobs))
    refused(client, "top_logprobs", top_logprobs=2)
    for top in (21, 50, -1):
        refused(client, "top_logprobs", logprobs=True, top_logprobs=top)
    assert ask(client, top_logprobs=0).choices[0].logprobs is None


def test_o27_legacy_completions_are_a_clear_404(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="/v1/chat/completions"):
        client.completions.create(model="weighing", prompt="x")


@pytest.mark.parametrize("most", range(1, 21))
def test_o28_text_is_whole_characters(client: OpenAI, most: int) -> None:
    for text in ("晴天 🎵👩‍👩‍👧 é", "a\u2028b 天"):
        whole = say(client, text).choices[0].message.content
        for stream in (False, True):
            reply = say(client, text, max_tokens=most, stream=stream)
            said = texts_of(reply) if stream else reply.choices[0].message.content
            said.encode()
            assert "\ufffd" not in said and whole.startswith(said)


# ---------------------------------------------------------------- messages, tools, formats


def test_o29_roles(client: OpenAI) -> None:
    user = {"role": "user", "content": SURE}
    for role in ("system", "developer"):
        assert ask(client, messages=[{"role": role, "content": "be kind"}, user]).choices
    for role in ("robot", 3, None):
        refused(client, "messages[1].role", messages=[user, {"role": role, "content": "x"}])


def test_o30_content_as_parts(client: OpenAI) -> None:
    parts = [{"type": "text", "text": "play(song=A"}, {"type": "text", "text": "B) 0.9"}]
    plain = ask(client, "play(song=A B) 0.9").choices[0].message
    assert ask(client, messages=[{"role": "user", "content": parts}]).choices[0].message == plain
    for kind in ("image_url", "input_audio", "file"):
        error = refused(client, messages=[{"role": "user", "content": [{"type": kind}]}])
        assert error.code == "unsupported_content_type"
    refused(client, "messages[0].content", messages=[{"role": "user", "content": []}])


CALLED: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "stop", "arguments": "{}"}}
    ],
}


def test_o31_results_belong_to_calls(client: OpenAI) -> None:
    user = {"role": "user", "content": SURE}
    result = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
    assert ask(client, messages=[user, CALLED, result, user]).choices[0].message.content
    for messages, at in (
        ([user, result], "messages[1].tool_call_id"),
        ([user, result, CALLED], "messages[1].tool_call_id"),
        ([user, CALLED, {**result, "tool_call_id": "c2"}], "messages[2].tool_call_id"),
        ([user, CALLED, {"role": "tool", "content": "ok"}], "messages[2].tool_call_id"),
        ([user, {"role": "function", "name": "stop", "content": "ok"}], "messages[1].name"),
    ):
        refused(client, at, messages=messages)


def test_o32_messages(client: OpenAI) -> None:
    refused(client, "messages", messages=[])
    named = [{"role": "user", "name": "ani", "content": SURE}]
    assert ask(client, messages=named).choices[0].message.content


def test_o33_tool_choices(client: OpenAI) -> None:
    one = {"type": "function", "function": {"name": "stop"}}
    for choice, called in (("none", 0), ("auto", 1), ("required", 1), (one, 1)):
        said = "play() 0.8 | stop() 0.1"
        message = ask(client, said, tools=TOOLS, tool_choice=choice).choices[0].message
        assert len(message.tool_calls or ()) == called
    fly = {"type": "function", "function": {"name": "fly"}}
    refused(client, "tool_choice.function.name", tools=TOOLS, tool_choice=fly)
    refused(client, "tools[0].function.name", tools=[fly])
    for choice in ("auto", "required", one):
        refused(client, "tool_choice", tool_choice=choice)
    assert ask(client, tools=[], tool_choice="none").choices


def test_o34_a_tool_call(live: Live) -> None:
    choice = post(live, **chat("play(song=A);stop() 0.9", model="weighing"), tools=TOOLS).json()[
        "choices"
    ][0]
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] is None
    calls = choice["message"]["tool_calls"]
    assert len({c["id"] for c in calls}) == 2
    for call in calls:
        assert set(call) == {"id", "type", "function"} and call["type"] == "function"
        assert isinstance(call["function"]["arguments"], str)
        assert isinstance(json.loads(call["function"]["arguments"]), dict)


def test_o35_streamed_tool_calls(live: Live) -> None:
    sent = frames(live, **chat("play(song=A);stop() 0.9", model="weighing"), tools=TOOLS)
    parts = [c["choices"][0]["delta"]["tool_calls"][0] for c in sent[1:-1]]
    seen = set()
    for part in parts:
        if part["index"] in seen:
            assert set(part) == {"index", "function"} and set(part["function"]) == {"arguments"}
        else:
            assert set(part) == {"index", "id", "type", "function"} and part["function"]["name"]
        seen.add(part["index"])
    assert seen == {0, 1}


def test_o36_json_always_fits_its_schema(client: OpenAI, model: Weighing) -> None:
    schema = answer_schema(model.contract.catalog)
    check = jsonschema.Draft202012Validator(schema)
    rng = random.Random(3)
    answers = ["none()", "stop()", "play(song=晴天)", "play()", "alarm()", "alarm(time=5, times=x)"]
    given = {"name": "answer", "schema": schema, "strict": True}
    formats = [{"type": "json_object"}, {"type": "json_schema", "json_schema": given}]
    for k in range(500):
        said = ";".join(rng.choice(answers[1:]) for _ in range(rng.randint(1, 3)))
        said = f"{rng.choice([said, answers[0]])} {rng.choice([0.2, 0.9])}"
        message = ask(client, said, response_format=formats[k % 2]).choices[0].message
        check.validate(json.loads(message.content))
    assert ask(client, response_format={"type": "text"}).choices[0].message.content
    bad = {"name": "a b", "schema": schema}
    where = "response_format.json_schema"
    wanted = {"type": "json_schema", "json_schema": bad}
    refused(client, f"{where}.name", response_format=wanted)
    other = {"name": "a", "schema": {"type": "object", "if": {}}}
    error = refused(client, response_format={"type": "json_schema", "json_schema": other})
    assert error.param == f"{where}.schema.if" and "can't be promised" in str(error)
    cut = ask(client, response_format=formats[0], max_tokens=3).choices[0]
    assert cut.finish_reason == "length"


def test_o37_an_enum_of_intents_gives_only_those(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "intent": {"type": "string", "enum": ["play", "stop", "unknown"]},
            "song": {"type": "string"},
        },
        "required": ["intent"],
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "intent", "schema": schema}}
    for said, label in (
        ("play() 0.9", "play"),
        ("alarm(time=5) 0.8 | stop() 0.15", "stop"),
        ("none() 0.9 | stop() 0.05", "unknown"),
        ("stop() 0.3 | none() 0.4", "unknown"),
    ):
        message = ask(client, said, response_format=wanted).choices[0].message
        assert json.loads(message.content)["intent"] == label


# ---------------------------------------------------------------- streams


def test_o38_headers_of_a_stream(live: Live) -> None:
    reply = post(live, stream=True)
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in reply.headers


def test_o39_frames(live: Live) -> None:
    for more in ({}, {"tools": TOOLS}, {"response_format": {"type": "json_object"}}):
        text = post(live, stream=True, **more).text
        assert text.count("data: [DONE]\n\n") == 1 and text.endswith("data: [DONE]\n\n")
        assert frames(live, **more)


def test_o40_chunks(live: Live) -> None:
    for more in ({}, {"tools": TOOLS}):
        sent = frames(live, **more)
        for key in ("id", "created", "model"):
            assert len({c[key] for c in sent}) == 1
        assert {c["object"] for c in sent} == {"chat.completion.chunk"}
        first, last = sent[0]["choices"][0], sent[-1]["choices"][0]
        assert first["delta"] == {"role": "assistant", "content": None if more else ""}
        # The guide's client prints what a delta holds: text ends with an empty one.
        assert last["delta"] == ({} if more else {"content": ""}) and last["finish_reason"]
        assert all(c["choices"][0]["finish_reason"] is None for c in sent[:-1])


def test_o41_usage_of_a_stream(client: OpenAI, live: Live) -> None:
    *chunks, last = frames(live, stream_options={"include_usage": True})
    assert last["choices"] == [] and last["usage"]["total_tokens"] > 0
    assert all(c["usage"] is None for c in chunks)
    assert not any("usage" in c for c in frames(live))
    refused(client, "stream_options", stream_options={"include_usage": True})


def test_o42_an_error_comes_before_the_first_byte(client: OpenAI) -> None:
    refused(client, "temperature", temperature=9, stream=True)
    refused(client, "tools[0].function.name", stream=True, tools=[
        {"type": "function", "function": {"name": "fly"}}
    ])  # fmt: skip


def test_o42_a_model_that_fails_never_ends_a_stream_silently() -> None:
    def fail(_: Any) -> None:
        raise EngineError("down")

    with running(Scripted(on=fail)) as server:
        reply = server.client().post(CHAT, json=chat("x", stream=True))
    assert reply.status_code == 503 and reply.json()["error"]["code"] == "engine_unavailable"


def test_o43_no_ids_and_no_names_of_events(live: Live) -> None:
    lines = post(live, stream=True).text.splitlines()
    assert all(line == "" or line.startswith("data: ") for line in lines)


TEXTS = [
    "😀 天",
    "a\u2028b\x85c",
    "晴天 🎵",
    'kutip " dan \\ miring',
    "play(x); y",
    "é\u0301",
    "putar",
]


def test_o44_deltas_are_the_plain_reply(client: OpenAI) -> None:
    rng = random.Random(4)
    for _ in range(200):
        text = " ".join(rng.sample(TEXTS, 3))
        most = rng.choice([None, 1, 4, 30])
        plain = say(client, text, max_tokens=most).choices[0].message.content
        assert texts_of(say(client, text, max_tokens=most, stream=True)) == plain


def test_o45_several_answers_are_told_apart(client: OpenAI) -> None:
    said = "play(song=A) 0.6 | stop() 0.3"
    texts, ends = ["", ""], []
    for chunk in ask(client, said, n=2, stream=True):
        (choice,) = chunk.choices
        texts[choice.index] += choice.delta.content or ""
        if choice.finish_reason:
            ends.append((choice.index, choice.finish_reason))
    assert ends == [(0, "stop"), (1, "stop")]
    assert texts == [c.message.content for c in ask(client, said, n=2).choices]


def test_o46_a_client_that_leaves_is_not_answered() -> None:
    slow = Scripted()

    def send(body: Any) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        connection.sendall(request("POST", CHAT, body=json.dumps(body).encode()))
        return connection

    def until(held: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not held():
            assert time.monotonic() < end
            time.sleep(0.01)

    with running(slow) as server:
        lane = server.front.lanes["scripted"]
        slow.gate.clear()
        with send(chat("held")):
            until(lambda: bool(slow.batches))  # at work
            with send(chat("left", stream=True)):
                until(lambda: lane.waiting == 1)
            until(lambda: lane.waiting == 0)
            slow.gate.set()
        assert server.client().post(CHAT, json=chat("later")).status_code == 200
    assert ["left"] not in slow.batches and ["later"] in slow.batches


def test_o47_no_part_of_a_stop_text_leaks(client: OpenAI) -> None:
    for stop in ("Hampa", "=Hampa)", "g=Ham"):
        pieces = [c.choices[0].delta.content for c in ask(client, stop=stop, stream=True)]
        assert "".join(pieces) == "play(song=Hampa)".partition(stop)[0]


def test_o48_logprobs_of_a_stream(client: OpenAI) -> None:
    plain = ask(client, logprobs=True, top_logprobs=2).choices[0].logprobs.content
    streamed = [
        entry
        for chunk in ask(client, logprobs=True, top_logprobs=2, stream=True)
        if chunk.choices[0].logprobs
        for entry in chunk.choices[0].logprobs.content
    ]
    assert streamed == plain


# ---------------------------------------------------------------- bad input


def test_bad_input_is_400_with_the_field_named(client: OpenAI) -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(40):
        deep = {"type": "array", "items": deep}
    loop = {"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}
    stop = {"type": "function", "function": {"name": "stop"}}

    def tool(parameters: Any) -> Any:
        function = {"name": "alarm", "parameters": parameters}
        return [{"type": "function", "function": function}]

    where = "tools[0].function.parameters"
    for more, param in (
        ({"tools": tool(loop)}, f"{where}.$ref"),
        ({"tools": tool({"type": "object", "properties": {"time": loop}})}, None),
        ({"tools": tool({"type": "object", "properties": {}})}, f"{where}.properties"),
        ({"tools": [stop] * 500}, "tools[1].function.name"),
        ({"tools": [stop], "functions": [{"name": "stop"}]}, "functions"),
        ({"functions": [{"name": "stop"}], "tool_choice": "auto"}, "functions"),
        ({"n": 1000}, "n"),
        ({"logprobs": True, "top_logprobs": 50}, "top_logprobs"),
    ):
        refused(client, param, **more)
    error = refused(client, **{"tools": tool(deep)})
    assert error.code == "invalid_json" and "nested deeper" in str(error)


def test_what_is_huge_is_refused_in_the_same_shape() -> None:
    stop = {"type": "function", "function": {"name": "stop"}}
    wide = {f"p{k}": {"type": "string", "description": "x" * 100} for k in range(45_000)}
    schema = {"type": "object", "properties": wide}
    huge = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    body = {**chat(SURE, model="weighing"), "response_format": huge}
    assert len(json.dumps(body)) > 5_000_000
    models: list[Recognizer] = [Weighing()]
    with running(*models) as server:  # one that takes no more than 1 MiB
        reply = server.client().post(CHAT, json=body)
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, "body_too_large")
        many = {**chat(SURE, model="weighing"), "tools": [stop] * 10_000}
        reply = server.client().post(CHAT, json=many)
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "tools")
    with running(*models, max_body_bytes=16 << 20) as server:
        error = server.client().post(CHAT, json=body).json()["error"]
        assert error["code"] == "unsupported_schema" and "5,000 parts" in error["message"]
        assert error["param"].startswith("response_format.json_schema.schema")
