"""The application as clients see it: the official OpenAI client, the guide's own client, HTTP."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from serving_server import TOKEN, Live, Scripted, chat, request, running

from maksud.errors import EngineError, InputError, SettingsError, SystemFault
from maksud.recognizers.door import load_recognizer
from maksud.recognizers.recognition import Proposal
from maksud.recognizers.runs import Run
from maksud.recognizers.steps import step
from maksud.serving.app import Announcement, Front, ServeSettings, bind, serve

HAMPA = "tolong putar lagu Hampa nomor 3"
OUTSIDE = "siapa presiden ke 12 dari Bogor"


@pytest.fixture(scope="module")
def live(compact_run: Run) -> Iterator[Live]:
    """A server of two models: a compact one, and a scripted one."""
    with running(load_recognizer(compact_run), Scripted(), max_utterance_chars=500) as server:
        yield server


@pytest.fixture
def client(live: Live) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN, max_retries=0) as made:
        yield made


def ask(client: OpenAI, text: str, **more: Any) -> Any:
    return client.chat.completions.create(**{**chat(text, model="compact"), **more})


# ---------------------------------------------------------------- models


def test_models(client: OpenAI) -> None:
    listed = client.models.list()
    assert [m.id for m in listed.data][:2] == ["compact", "scripted"]
    assert client.models.retrieve("compact").owned_by == "maksud"
    with pytest.raises(openai.NotFoundError, match="Known: compact, scripted") as caught:
        client.models.retrieve("nope")
    assert caught.value.code == "model_not_found"


def test_a_name_with_a_slash_is_found() -> None:
    with running(Scripted("team/router")) as live:
        assert live.client().get("/v1/models/team%2Frouter").json()["id"] == "team/router"
        assert live.client().get("/v1/models/team/router").json()["id"] == "team/router"


def test_two_models_of_one_name_and_none_at_all_are_refused() -> None:
    with pytest.raises(SettingsError, match="called 'a'"):
        Front([Scripted("a"), Scripted("a")], ServeSettings())
    with pytest.raises(SettingsError, match="nothing to serve"):
        Front([], ServeSettings())


# ---------------------------------------------------------------- chat


def test_a_completion(client: OpenAI, compact_run: Run) -> None:
    direct = load_recognizer(compact_run)(HAMPA)
    reply = ask(client, HAMPA)
    assert reply.object == "chat.completion" and reply.id.startswith("chatcmpl-")
    assert reply.model == "compact" and isinstance(reply.created, int)
    assert reply.system_fingerprint.startswith("fp_") and reply._request_id.startswith("req_")
    (choice,) = reply.choices
    assert (choice.index, choice.finish_reason, choice.logprobs) == (0, "stop", None)
    assert choice.message.role == "assistant" and choice.message.refusal is None
    assert choice.message.content == "play_music(Hampa)" == direct.text
    assert choice.message.model_extra["maksud"] == direct.to_json()
    assert reply.usage.prompt_tokens == direct.usage.prompt_tokens
    assert reply.usage.completion_tokens == 4
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + 4
    assert ask(client, HAMPA).id != reply.id


def test_out_of_scope_says_none(client: OpenAI) -> None:
    message = ask(client, OUTSIDE).choices[0].message
    assert message.content == "none()" and message.model_extra["maksud"]["accepted"] is False
    assert message.refusal == "out of scope"


def test_why_it_is_refused_stands_in_a_field_that_typed_clients_keep(client: OpenAI) -> None:
    """They drop `maksud`, and `none()` is said of what is unsure as well."""
    messages: list[Any] = [{"role": "user", "content": OUTSIDE}]
    with client.chat.completions.stream(model="compact", messages=messages) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.content == "none()" and message.refusal == "out of scope"
    messages = [{"role": "user", "content": HAMPA}]
    with client.chat.completions.stream(model="compact", messages=messages) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.content == "play_music(Hampa)" and not message.refusal


def test_content_as_parts_system_prompts_and_the_plain_text_mean_the_same(client: OpenAI) -> None:
    plain = ask(client, HAMPA).choices[0].message
    parts = [{"type": "text", "text": t} for t in ("tolong putar lagu", "Hampa nomor 3")]
    other = ask(
        client,
        "",
        messages=[
            {"role": "system", "content": "Answer like a pirate."},
            {"role": "user", "content": parts},
        ],
    )
    assert other.choices[0].message == plain


def test_turns_are_folded_as_in_training(client: OpenAI, live: Live) -> None:
    turns = ["Saya mau kembalikan barang", "INV-90417"]
    messages = [
        {"role": "user", "content": turns[0]},
        {"role": "assistant", "content": "Nomor pesanannya berapa?"},
        {"role": "user", "content": turns[1]},
    ]
    reply = ask(client, "", model="scripted", messages=messages)
    folded = live.front.lanes["scripted"].recognizer.contract.fold_turns(turns)
    assert reply.choices[0].message.model_extra["maksud"]["utterance"] == folded
    same = live.client().post("/v1/recognize", json={"model": "scripted", "turns": turns}).json()
    assert same["data"][0]["utterance"] == folded


def test_a_history_does_not_run_again(client: OpenAI, live: Live) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "play_music", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "…"},
        {"role": "user", "content": "putar Hampa"},
        {"role": "assistant", "content": "play_music(Hampa)"},
        {"role": "user", "content": "lalu Kangen"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
        {"role": "user", "content": "Rindu"},
    ]
    message = ask(client, "", model="scripted", messages=messages).choices[0].message
    assert message.content == "play_music(Rindu)"
    assert message.model_extra["maksud"]["turns"] == [6]
    both = {"model": "scripted", "messages": messages, "maksud": {"turns": "all"}}
    reply = live.client().post("/v1/recognize", json=both).json()["data"][0]
    assert reply["turns"] == [1, 3, 6] and "Hampa" in reply["utterance"]
    done = {"model": "scripted", "messages": messages[:-1]}  # ends with a tool's result
    reply = live.client().post("/v1/recognize", json=done).json()["data"][0]
    assert reply["text"] == "none()" and not reply["accepted"]


def test_what_is_missing_is_asked_for(client: OpenAI) -> None:
    message = ask(client, "return_goods()", model="scripted").choices[0].message
    assert message.content == "return_goods()"
    assert message.model_extra["maksud"]["missing"] == [
        {"intent": "return_goods", "parameter": "order", "question": "Nomor pesanannya berapa?"}
    ]


SAID = [
    HAMPA, OUTSIDE, "play_music(Hampa); return_goods(order=7)", "play_music(\U0001f3b5 晴天)",
    "putar 晴天 ya", "a\u2028b\x85c", "none()", "👩\u200d👧", "x", 'kutip " dan \\ miring',
]  # fmt: skip


@pytest.mark.parametrize("text", SAID)
@pytest.mark.parametrize("most", [None, 1, 3, 9])
def test_a_stream_says_what_the_plain_reply_says(
    client: OpenAI, text: str, most: int | None
) -> None:
    for model in ("compact", "scripted"):
        plain = ask(client, text, model=model, max_completion_tokens=most).choices[0]
        stream = ask(
            client,
            text,
            model=model,
            max_completion_tokens=most,
            stream=True,
            stream_options={"include_usage": True},
        )
        *chunks, last = list(stream)
        said = "".join(c.choices[0].delta.content for c in chunks)
        assert said == plain.message.content
        assert chunks[-1].choices[0].finish_reason == plain.finish_reason
        assert chunks[-1].model_extra["maksud"] == plain.message.model_extra["maksud"]
        assert last.choices == [] and last.usage.completion_tokens >= len(chunks) - 2
        assert "\ufffd" not in said


def test_stream_headers_and_helper(live: Live, client: OpenAI) -> None:
    reply = live.client().post("/v1/chat/completions", json=chat("x", stream=True))
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-accel-buffering"] == "no"
    assert reply.text.endswith("data: [DONE]\n\n") and reply.text.count("[DONE]") == 1
    assert "\nid:" not in reply.text and "\nevent:" not in reply.text
    messages: Any = chat(HAMPA)["messages"]
    with client.chat.completions.stream(model="compact", messages=messages) as stream:
        stream.until_done()
    final = stream.get_final_completion()
    assert final.choices[0].message.content == "play_music(Hampa)"


def test_an_error_of_a_stream_comes_before_its_first_byte(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        ask(client, "x", model="nope", stream=True)


def test_stop_and_length(client: OpenAI) -> None:
    cut = ask(client, HAMPA, max_tokens=2)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == (
        "play_music(",
        "length",
    )
    assert cut.usage.completion_tokens == 2
    stopped = ask(client, HAMPA, stop=["(H", ";"])
    assert stopped.choices[0].message.content == "play_music"
    assert stopped.choices[0].finish_reason == "stop"


def test_errors_reach_the_openai_client_whole(client: OpenAI, live: Live) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        ask(client, "x", temperature=9)
    assert (bad.value.param, bad.value.code) == ("temperature", "invalid_value")
    assert bad.value.type == "invalid_request_error"
    with pytest.raises(openai.NotFoundError, match="nope") as unknown:
        ask(client, "x", model="nope")
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as long:
        ask(client, "a" * 501)
    assert (long.value.code, long.value.param) == ("context_length_exceeded", "messages")
    assert ask(client, "a" * 500)
    stranger = client.with_options(api_key="wrong")
    with pytest.raises(openai.AuthenticationError) as denied:
        stranger.models.list()
    assert denied.value.code == "invalid_api_key"


@pytest.mark.parametrize("long", ["x" * 501, "endless"])
@pytest.mark.parametrize("reply", ["Maaf, itu terlalu panjang.", "Bisa diulang?", "return_goods()"])
def test_what_was_too_long_does_not_refuse_what_follows(live: Live, long: str, reply: str) -> None:
    """A page that keeps what was refused in its history would be refused for ever."""

    def said(*turns: str) -> Any:
        roles = ["user", "assistant"] * 3
        messages = [{"role": r, "content": t} for r, t in zip(roles, turns, strict=False)]
        body = {"model": "scripted", "messages": messages}
        return live.client().post("/v1/recognize", json=body)

    answer = said(long, reply, "play_music(A)").json()["data"][0]
    assert (answer["text"], answer["turns"], answer["accepted"]) == ("play_music(A)", [2], True)
    behind = said("return_goods()", reply, long, reply, "play_music(A)").json()["data"][0]
    assert behind["text"] == "play_music(A)" and behind["turns"][-1] == 4
    # What is said now is refused, and read alone where it is too long with what is open only.
    assert said("play_music(A)", reply, long).json()["error"]["code"] == "context_length_exceeded"
    alone = said("x" * 480 + "_goods()", "Apa?", "play_music(A)").json()["data"][0]
    assert (alone["text"], alone["turns"]) == ("play_music(A)", [2])


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("chat/completions", {"messages": [{"role": "user", "content": "\u200b"}]}, "messages"),
        ("responses", {"input": "\u200b\u200b"}, "input"),
        ("responses", {"input": [{"role": "user", "content": "\u200b"}]}, "input"),
        ("recognize", {"messages": [{"role": "user", "content": "\u200b"}]}, "messages"),
        ("recognize", {"turns": ["\u200b", "\u200b"]}, "turns"),
    ],
)
def test_what_has_only_signs_that_are_not_read_is_named(
    live: Live, path: str, body: dict[str, Any], param: str
) -> None:
    reply = live.client().post(f"/v1/{path}", json={"model": "scripted", **body})
    assert reply.status_code == 400 and reply.json()["error"]["param"] == param


def test_only_what_is_beyond_the_models_context_gets_its_error() -> None:
    with running(Scripted()) as live:
        one = live.client().post("/v1/chat/completions", json=chat("endless", model="scripted"))
        error = one.json()["error"]
        assert (one.status_code, error["code"], error["param"]) == (
            400,
            "context_length_exceeded",
            "messages",
        )
        assert "context is 512" in error["message"]
        many = live.client().post("/v1/recognize", json={"utterances": ["a", "endless"]})
        assert (many.status_code, many.json()["error"]["param"]) == (400, "utterances[1]")
        assert live.client().post("/v1/recognize", json={"utterance": "a"}).status_code == 200


def test_the_guides_client_gets_its_answer(
    live: Live, guide: Path, tmp_path: Path, compact_run: Run
) -> None:
    """Verbatim but for endpoint and token; it takes the first model of the list."""
    text = (guide / "client.py").read_text(encoding="utf-8")
    assert "peran" in text and "konten" in text
    for stream in ("True", "False"):
        script = tmp_path / "client.py"
        script.write_text(
            text.replace("<EAS_SERVICE_TOKEN>", TOKEN)
            .replace("<EAS_SERVICE_URL>", live.url)
            .replace("stream = True", f"stream = {stream}"),
            encoding="utf-8",
        )
        done = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, timeout=60, check=True
        )
        answer = load_recognizer(compact_run)("Saya ingin mendengarkan musik")
        expected = answer.text if answer.accepted else "none()"
        assert done.stdout.strip() == f"compact\n{expected}"


# ---------------------------------------------------------------- recognize


def test_recognize_one_and_many_in_order(live: Live, compact_run: Run) -> None:
    client, model = live.client(), load_recognizer(compact_run)
    one = client.post("/v1/recognize", json={"model": "compact", "utterance": HAMPA}).json()
    assert one["data"] == [model(HAMPA).to_json()]
    asked = [HAMPA, OUTSIDE, "bagaimana cuaca di Solo besok", HAMPA]
    many = client.post("/v1/recognize", json={"model": "compact", "utterances": asked}).json()
    assert [a["utterance"] for a in many["data"]] == asked
    assert [a["text"] for a in many["data"]] == [r.text for r in model.recognize(asked)]
    assert many["object"] == "list" and many["model"] == "compact"
    assert many["usage"]["total_tokens"] > 0


def test_recognize_needs_the_model_only_where_there_are_several(live: Live) -> None:
    reply = live.client().post("/v1/recognize", json={"utterance": "x"})
    assert reply.status_code == 400 and reply.json()["error"]["param"] == "model"
    assert "compact, scripted" in reply.json()["error"]["message"]
    with running() as alone:
        assert alone.client().post("/v1/recognize", json={"utterance": "x"}).is_success


def test_recognize_limits(live: Live) -> None:
    client = live.client()
    for content, param in (
        ({"utterances": ["x"] * 129}, "utterances"),
        ({"utterances": ["x", "y" * 501]}, "utterances[1]"),
        ({"turns": ["x" * 300, "y" * 300]}, "turns"),
    ):
        reply = client.post("/v1/recognize", json={"model": "scripted", **content})
        assert reply.status_code == 400 and reply.json()["error"]["param"] == param
    full = {"model": "scripted", "utterances": ["x"] * 128}
    assert len(client.post("/v1/recognize", json=full).json()["data"]) == 128


def test_a_trailing_slash_loses_nothing(live: Live) -> None:
    for path in ("/v1/chat/completions", "/v1/chat/completions/"):
        assert live.client().post(path, json=chat("x")).status_code == 200
    assert live.client().get("/v1/models/").json()["object"] == "list"
    assert live.client().get("/v1/models/scripted/").json()["id"] == "scripted"


# ---------------------------------------------------------------- under load and faults


def test_a_poisoned_utterance_errors_alone() -> None:
    def on(utterances: Sequence[str]) -> None:
        if "poison" in utterances:
            raise ValueError("poison")
        if "too long" in utterances:
            raise InputError("the prompt has 9,000 tokens, at most 2,048 can be read")

    model = Scripted(on=on)
    with running(model) as live, ThreadPoolExecutor(9) as pool:
        model.gate.clear()
        texts = ["first", "a", "poison", "b", "too long", "c", "poison", "d", "e"]
        sent = [
            pool.submit(live.client().post, "/v1/recognize", json={"utterance": text})
            for text in texts
        ]
        while not model.batches:
            time.sleep(0.002)
        time.sleep(0.2)
        model.gate.set()
        replies = [s.result() for s in sent]
        assert [r.status_code for r in replies] == [200, 200, 500, 200, 400, 200, 500, 200, 200]
        for text, reply in zip(texts, replies, strict=True):
            if reply.is_success:
                assert reply.json()["data"][0]["utterance"] == text
        assert max(len(b) for b in model.batches) > 1
        batch = live.client().post("/v1/recognize", json={"utterances": ["a", "too long"]})
        assert batch.json()["error"]["param"] == "utterances[1]"
        assert live.client().post("/v1/recognize", json={"utterance": "a"}).is_success


def test_a_full_queue_is_429_and_the_client_may_come_again() -> None:
    model = Scripted()
    with running(model, max_waiting=2, max_batch=2) as live, ThreadPoolExecutor(3) as pool:
        model.gate.clear()
        client = live.client()
        first = pool.submit(live.client().post, "/v1/recognize", json={"utterance": "first"})
        while not model.batches:
            time.sleep(0.002)
        waiting = pool.submit(live.client().post, "/v1/recognize", json={"utterances": ["a", "b"]})
        deadline = time.monotonic() + 20
        while live.front.lanes["scripted"].waiting < 2 and time.monotonic() < deadline:
            time.sleep(0.002)
        refused = client.post("/v1/recognize", json={"utterance": "c"})
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "queue_full"
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        model.gate.set()
        assert first.result().is_success and waiting.result().is_success
        assert client.post("/v1/recognize", json={"utterance": "c"}).is_success


def test_a_client_that_leaves_is_not_answered() -> None:
    model = Scripted()
    with running(model) as live:
        model.gate.clear()
        lane = live.front.lanes["scripted"]
        body = json.dumps({"utterance": "first"}).encode()
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(live.send, request("POST", "/v1/recognize", body=body))
            while not model.batches:
                time.sleep(0.002)
            with socket.create_connection(("127.0.0.1", live.port)) as leaving:
                gone = json.dumps({"utterance": "gone"}).encode()
                leaving.sendall(request("POST", "/v1/recognize", body=gone))
                while not lane.waiting:
                    time.sleep(0.002)
            while lane.waiting:  # it has left: its place is free at once
                time.sleep(0.002)
            model.gate.set()
            assert first.result().status == 200
        assert live.client().post("/v1/recognize", json={"utterance": "next"}).is_success
        assert ["gone"] not in model.batches


def test_no_answer_in_time_is_503() -> None:
    model = Scripted()
    with running(model, answer_seconds=0.2) as live:
        model.gate.clear()
        reply = live.client().post("/v1/chat/completions", json=chat("x"))
        assert reply.status_code == 503 and reply.json()["error"]["code"] == "answer_timeout"
        assert reply.headers["retry-after"]


def test_an_engine_error_is_503_with_what_a_client_needs() -> None:
    def on(utterances: Sequence[str]) -> None:
        raise EngineError("out of memory", retryable="again" in utterances)

    with running(Scripted(on=on)) as live:
        again = live.client().post("/v1/chat/completions", json=chat("again"))
        never = live.client().post("/v1/chat/completions", json=chat("x"))
        assert again.status_code == never.status_code == 503
        assert again.json()["error"]["code"] == "engine_unavailable"
        assert again.headers["retry-after"] == "1"
        assert never.headers["x-should-retry"] == "false"


def test_health_is_up_and_ready_is_honest() -> None:
    broken = threading.Event()

    def on(utterances: Sequence[str]) -> None:
        if broken.is_set():
            raise RuntimeError("weights are gone")

    good, bad = Scripted("good"), Scripted("bad", on=on)
    with running(good, bad, ready_seconds=1) as live:
        client = live.client(None)
        assert client.get("/ready").status_code == 200
        assert good.batches and bad.batches  # it asked
        broken.set()
        time.sleep(1.1)
        reply = client.get("/ready")
        assert reply.status_code == 503 and reply.headers["retry-after"]
        assert reply.json()["error"]["code"] == "engine_unavailable"
        assert client.get("/health").status_code == 200
        broken.clear()
        assert client.get("/ready").status_code == 200
        good.gate.clear()
        time.sleep(1.1)
        assert client.get("/ready").status_code == 503
        assert client.get("/health").status_code == 200


def test_many_clients_at_once_get_their_own_answers(live: Live) -> None:
    def work(k: int) -> bool:
        client = live.client()
        replies = [client.post("/v1/chat/completions", json=chat(f"{k} {n}")) for n in range(10)]
        return all(
            r.json()["choices"][0]["message"]["maksud"]["utterance"] == f"{k} {n}"
            for n, r in enumerate(replies)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


# ---------------------------------------------------------------- running


def start(run: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "maksud", "serve", str(run), "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        preexec_fn=_hear_interrupts,
    )


def _hear_interrupts() -> None:
    """A test run in the background has SIGINT ignored, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, 130)]
)
def test_the_command_serves_and_ends_quietly(
    compact_run: Run, sent: signal.Signals, code: int
) -> None:
    server = start(compact_run.path, "--json")
    assert server.stdout is not None
    try:
        said = json.loads(server.stdout.readline())
        assert said["url"].endswith("/v1") and said["models"] == ["compact"]
        with OpenAI(base_url=said["url"], api_key=said["token"], max_retries=0) as client:
            assert ask(client, HAMPA).choices[0].message.content == "play_music(Hampa)"
    finally:
        server.send_signal(sent)
        out, err = server.communicate(timeout=60)
    assert server.returncode == code
    assert out == "" and "Traceback" not in err
    assert said["token"] not in err and "Hampa" not in err
    lines = [line for line in err.splitlines() if "POST" in line]
    assert len(lines) == 1
    assert re.search(r" 127\.0\.0\.1 POST /v1/chat/completions 200 [\d.]+ms req_\w+$", lines[0])


BEGINS = """
import os, signal, sys
from serving_server import Scripted
from maksud.serving.app import ServeSettings, serve

moment, number = sys.argv[1], int(sys.argv[2])
if moment == "ignored":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

def tell(about):
    print(about.token)
    if moment == "announced":
        os.kill(os.getpid(), number)
    if moment == "ignored":
        os.kill(os.getpid(), signal.SIGHUP)
        print("stays", flush=True)
        os.kill(os.getpid(), signal.SIGTERM)

def on(utterances):
    if moment == "tried":
        os.kill(os.getpid(), number)

serve([Scripted(on=on)], ServeSettings(port=0), announce=tell)
print("returned")
"""


@pytest.mark.parametrize("moment", ["tried", "announced", "ignored"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_start_ends_it(moment: str, number: signal.Signals, home: Path) -> None:
    """At once, or when the token that is stored has been shown; `nohup` is respected."""
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", BEGINS, moment, str(int(number))],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}"},
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    said = done.stdout.split("\n")
    assert said[-2] == "returned"
    assert (home / "tokens.json").exists() == (moment != "tried")
    assert said[0].startswith("mk-") == (moment != "tried")
    assert ("stays" in said) == (moment == "ignored")


def test_the_token_is_shown_once_and_taken_from_the_environment(compact_run: Run) -> None:
    def first_lines(**environment: str) -> str:
        server = start(compact_run.path, **environment)
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(3)]
        server.terminate()
        server.communicate(timeout=60)
        return "".join(lines)

    first = first_lines()
    assert "Serving compact at http://127.0.0.1:" in first and "Token, shown only now: mk-" in first
    assert "mk-" not in first_lines()
    assert "Token: the one in MAKSUD_TOKEN" in first_lines(MAKSUD_TOKEN="a-token-of-my-own")


def test_requests_in_work_are_ended_at_shutdown() -> None:
    model = Scripted()
    with ThreadPoolExecutor(1) as pool:
        with running(model) as live:
            model.gate.clear()
            body = json.dumps(chat("slow")).encode()
            sent = pool.submit(live.send, request("POST", "/v1/chat/completions", body=body))
            while not model.batches:
                time.sleep(0.002)
        reply = sent.result()  # `running` asked to end, then opened the gate
        assert reply.status == 200 and json.loads(reply.body)["choices"]


def test_who_does_not_end_at_shutdown_gets_an_error() -> None:
    class Stuck(Scripted):
        def propose(self, utterances):  # type: ignore[no-untyped-def]
            self.batches.append(list(utterances))
            time.sleep(3)
            return super().propose(utterances)

    model = Stuck()
    with ThreadPoolExecutor(1) as pool:
        with running(model, drain_seconds=1) as live:
            body = json.dumps(chat("slow")).encode()
            sent = pool.submit(live.send, request("POST", "/v1/chat/completions", body=body))
            while not model.batches:
                time.sleep(0.002)
        reply = sent.result()
        assert reply.status == 503 and reply.error["code"] == "shutting_down"


def test_a_port_in_use_is_told_with_its_number() -> None:
    with bind(ServeSettings(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemFault, match=f"port {port} is in use") as caught:
            bind(ServeSettings(port=port))
        assert caught.value.exit_code == 3


def test_localhost_is_where_clients_look_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def ipv6_first(*given: Any, **more: Any) -> list[Any]:
        return [
            (socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)),
            *real("127.0.0.1", *given[1:], **more),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", ipv6_first)
    with bind(ServeSettings(host="localhost", port=0)) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid", "not a host"])
def test_an_address_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(SystemFault, match="can't listen there"):
        bind(ServeSettings(host=host, port=0))


def test_a_model_that_does_not_answer_is_not_announced() -> None:
    def on(utterances: Sequence[str]) -> None:
        raise RuntimeError("weights are gone")

    said: list[Announcement] = []
    with pytest.raises(EngineError, match="sick: the model does not answer"):
        serve([Scripted("sick", on=on)], ServeSettings(port=0), announce=said.append)
    assert said == []


def test_what_is_announced() -> None:
    made = Announcement("http://127.0.0.1:1/v1", ("a", "b"), "mk-x", "tokens.json", "127.0.0.1")
    assert made.to_json() == {
        "url": "http://127.0.0.1:1/v1",
        "models": ["a", "b"],
        "token": "mk-x",
    }
    old = Announcement("http://127.0.0.1:1/v1", ("a",), None, "tokens.json", "0.0.0.0")
    assert "token" not in old.to_json()
    assert any("not encrypted" in line for line in old.lines())
    assert not any("not encrypted" in line for line in made.lines())
    assert "What a person reads instead of calls: a/chat" in made.lines()


# ---------------------------------------------------------------- long work


class Steps(Scripted):
    """Says before each utterance that it goes on; `wait` is called there as well."""

    def __init__(self, wait: Callable[[], None]) -> None:
        super().__init__()
        self.wait = wait
        self.done: list[str] = []

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        for utterance in utterances:
            step()
            self.wait()
            self.done.append(utterance)
        return super().propose(utterances)


def test_a_batch_that_goes_on_is_answered_whole() -> None:
    """However long it takes: what is done of it is not thrown away after `answer_seconds`."""
    model = Steps(lambda: time.sleep(0.15))
    with running(model, answer_seconds=1.5, ready_seconds=1.0, batch_size=2) as live:
        said = [f"halo {k}" for k in range(14)]
        with ThreadPoolExecutor(1) as pool:
            client = live.client()
            sent = pool.submit(client.post, "/v1/recognize", json={"utterances": said})
            while not model.done:
                time.sleep(0.01)
            while not sent.done():
                assert live.client(None).get("/ready").status_code == 200
        answers = sent.result().json()["data"]
        assert [a["utterance"] for a in answers] == said


def test_a_model_that_stops_answering_is_503() -> None:
    model = Scripted()
    with running(model, answer_seconds=0.3) as live:
        model.gate.clear()
        reply = live.client().post("/v1/recognize", json={"utterances": ["a", "b"]})
        assert reply.status_code == 503 and reply.json()["error"]["code"] == "answer_timeout"


def test_work_of_a_client_that_left_ends_and_the_next_is_answered() -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        goes_on.wait(30)

    model = Steps(work)
    with running(model) as live:
        body = json.dumps({"utterances": [f"gone {k}" for k in range(128)]}).encode()
        with socket.create_connection(("127.0.0.1", live.port)) as leaving:
            leaving.sendall(request("POST", "/v1/recognize", body=body))
            assert begun.wait(30)
        while live.front.lanes["scripted"].waiting:  # the server has seen that it left
            time.sleep(0.002)
        goes_on.set()
        answer = live.client().post("/v1/recognize", json={"utterance": "stays"})
        assert answer.json()["data"][0]["utterance"] == "stays"
        assert model.done == ["gone 0", "stays"]
