"""The interface described: whole, valid, and true of what is answered; and the page to try it."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from serving_server import TOKEN, Live, Scripted, chat, request, running

from maksud.http.settings import ServeSettings
from maksud.http.tokens import METRICS, Token, Tokens
from maksud.serving.docs_page import draw_docs
from maksud.serving.openapi import describe

READER = "mk-a-token-that-reads-figures"
TOKENS = Tokens([Token.of(TOKEN, "app"), Token.of(READER, "reads", [METRICS])])
BASIC = "Basic " + base64.b64encode(f"you:{TOKEN}".encode()).decode()


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with running(Scripted(), tokens=TOKENS) as server:
        yield server


@pytest.fixture(scope="module")
def description(live: Live) -> dict[str, Any]:
    content: dict[str, Any] = live.client().get("/openapi.json").json()
    return content


def check(description: dict[str, Any], name: str, content: Any) -> None:
    """Fails where a value is not of the shape of that name."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
    Draft202012Validator(schema).validate(content)


# ---------------------------------------------------------------- the description


def test_it_is_valid_openapi(description: dict[str, Any]) -> None:
    validate(description)
    assert describe(["a", "b"], ServeSettings(metrics="off")) != description
    validate(describe(["a", "b"], ServeSettings(metrics="off")))


def test_it_has_every_route_and_no_other(live: Live, description: dict[str, Any]) -> None:
    there = {
        (path, method.lower())
        for route in live.front.routes()
        for path in [re.sub(r":path\}", "}", route.path)]
        for method in (route.methods or ()) - {"HEAD"}
        if path == "/" or not path.endswith("/")
    }
    told = {(path, method) for path, found in description["paths"].items() for method in found}
    assert told == there
    assert "/metrics" not in describe(["a"], ServeSettings(metrics="off"))["paths"]


def test_figures_that_are_open_to_this_machine_are_told_so() -> None:
    told = describe(["a"], ServeSettings(metrics="loopback"))
    validate(told)
    assert told["paths"]["/metrics"]["get"]["security"] == [{"token": []}, {}]
    assert "security" not in describe(["a"], ServeSettings())["paths"]["/metrics"]["get"]


def test_what_needs_no_token_is_said(live: Live, description: dict[str, Any]) -> None:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            public = operation.get("security") == []
            status = live.client(None).request(method, path.replace("{id}", "x")).status_code
            assert (status != 401) == public, path


@pytest.mark.parametrize("text", ["play_music(Hampa)", "return_goods()", "none()", "…"])
@pytest.mark.parametrize("model", ["scripted", "scripted/chat"])
def test_answers_are_of_the_shapes_that_it_tells(
    live: Live, description: dict[str, Any], text: str, model: str
) -> None:
    client = live.client()
    body = chat(text, model)
    check(description, "ChatRequest", body)
    reply = client.post("/v1/chat/completions", json=body).json()
    check(description, "ChatCompletion", reply)
    for asked in ({"utterance": text}, {"utterances": [text] * 3}, {"turns": [text]}):
        check(description, "RecognizeRequest", asked)
        check(description, "Recognitions", client.post("/v1/recognize", json=asked).json())
    check(description, "Models", client.get("/v1/models").json())
    check(description, "Model", client.get(f"/v1/models/{model}").json())
    check(description, "Status", client.get("/health").json())
    for wrong in ("/v1/nothing", "/v1/models/nothing", "/metrics"):
        check(description, "Error", client.get(wrong).json())


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("ChatRequest", {"messages": [{"role": "user", "content": "x"}]}),
        ("ChatRequest", {**chat("x"), "temperature": 3}),
        ("ChatRequest", {**chat("x"), "max_tokens": 0}),
        ("ChatRequest", {**chat("x"), "maksud": {"turns": "some"}}),
        ("ChatRequest", {**chat("x"), "stop": [""]}),
        ("RecognizeRequest", {}),
        ("RecognizeRequest", {"utterance": "x", "turns": ["y"]}),
        ("RecognizeRequest", {"utterances": []}),
        ("RecognizeRequest", {"utterances": ["x"] * 129}),
    ],
)
def test_what_it_forbids_the_server_refuses(
    live: Live, description: dict[str, Any], name: str, wrong: dict[str, Any]
) -> None:
    from jsonschema import ValidationError

    with pytest.raises(ValidationError):
        check(description, name, wrong)
    path = "/v1/chat/completions" if name == "ChatRequest" else "/v1/recognize"
    assert live.client().post(path, json=wrong).status_code == 400


def test_its_examples_are_answered(live: Live, description: dict[str, Any]) -> None:
    for path, methods in description["paths"].items():
        for operation in methods.values():
            if "requestBody" in operation:
                example = operation["requestBody"]["content"]["application/json"]["example"]
                assert live.client().post(path, json=example).status_code == 200


def test_limits_are_those_of_the_server() -> None:
    told = describe(["a"], ServeSettings(max_batch=7, max_utterance_chars=9))
    batch = told["components"]["schemas"]["RecognizeRequest"]["properties"]["utterances"]
    assert batch["maxItems"] == 7 and batch["items"]["maxLength"] == 9


# ---------------------------------------------------------------- the page


def test_the_page_needs_the_token_which_a_browser_asks_for(live: Live) -> None:
    for path in ("/docs", "/docs/"):
        denied = live.client(None).get(path)
        assert denied.status_code == 401 and "<html" not in denied.text
        assert denied.headers["www-authenticate"] == 'Basic realm="Maksud", charset="UTF-8"'
        for headers in ({"authorization": BASIC}, {"authorization": f"Bearer {TOKEN}"}):
            page = live.client(None).get(path, headers=headers)
            assert page.status_code == 200
            assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_nothing_else_takes_the_token_as_a_password(live: Live) -> None:
    """A browser sends a password again by itself, whichever page makes it ask."""
    for path in ("/v1/models", "/openapi.json", "/metrics", "/docs/x", "//docs", "/v1/docs"):
        denied = live.client(None).get(path, headers={"authorization": BASIC})
        assert denied.status_code == 401, path
        assert denied.headers["www-authenticate"] == "Bearer"
    client = live.client(None)
    for path in ("/docs", "/v1/recognize"):
        body = {"utterance": "x"}
        assert client.post(path, json=body, headers={"authorization": BASIC}).status_code == 401


@pytest.mark.parametrize(
    "given",
    [
        b"Basic", b"Basic ", b"Basic !!!", b"Basic \xff\xfe", b"Basic " + TOKEN.encode(),
        b"Basic " + base64.b64encode(b"you:wrong"), b"Basic " + base64.b64encode(b"you:"),
        b"Basic " + base64.b64encode(TOKEN.encode()), b"Basic " + base64.b64encode(b":"),
        b"Basic " + base64.b64encode(f"{TOKEN}:you".encode()),
        b"Basic " + base64.b64encode(f"you:{READER}x".encode()), b"Digest x",
    ],
)  # fmt: skip
def test_other_passwords_open_nothing(live: Live, given: bytes) -> None:
    line = "Authorization: " + given.decode("latin-1")
    assert live.send(request("GET", "/docs", line, token=None)).status in (400, 401)
    twice = request(
        "GET", "/docs", f"Authorization: {BASIC}", f"Authorization: {BASIC}", token=None
    )
    assert live.send(twice).status == 401


def test_a_token_that_reads_figures_opens_no_page(live: Live) -> None:
    assert live.client(READER).get("/docs").status_code == 403


def test_the_page_asks_for_nothing_of_others(live: Live) -> None:
    page = live.client().get("/docs")
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'" and policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    for key in ("script-src", "style-src"):
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy[key])
    assert set(policy) == {
        "default-src", "connect-src", "frame-ancestors", "base-uri", "form-action", "script-src",
        "style-src",
    }  # fmt: skip
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store" and page.headers["x-frame-options"] == "DENY"
    assert not re.search(r"(src|href)\s*=|@import|url\(|https?://", page.text)
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|eval\(", page.text)
    assert "localStorage" not in page.text and "cookie" not in page.text
    assert TOKEN not in page.text


def test_no_name_can_end_the_description() -> None:
    name = "</script><script>alert(1)</script><!--"
    page, _ = draw_docs(describe([name], ServeSettings()))
    text = page.decode()
    assert text.count("<script") == 2 and name not in text
    found = re.search(r'id="description">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == describe([name], ServeSettings())


# ---------------------------------------------------------------- the page in Chromium

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
CALL = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
DRIVER = """<script>
window.addEventListener("load", async function () {
  const found = {};
  document.getElementById("token").value = "TOKEN";
  for (const name of ["createChatCompletion", "recognize", "retrieveModel", "readFigures"]) {
    const box = document.querySelector('[data-operation="' + name + '"]');
    box.querySelector("button").click();
    while (box.querySelector("button").disabled) { await new Promise((go) => setTimeout(go, 50)); }
    found[name] = box.querySelector("pre").textContent;
  }
  await fetch("/found", {method: "POST", body: JSON.stringify(found)});
});
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_its_own_policy_lets_the_page_work(live: Live, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    where = f"http://you:{TOKEN}@127.0.0.1:{live.port}/docs"
    done = subprocess.run(
        [CHROMIUM, *CALL, f"--user-data-dir={tmp_path}", "--virtual-time-budget=5000"]
        + ["--dump-dom", where],
        capture_output=True,
        text=True,
        timeout=200,
    )
    shown = unescape(done.stdout)
    operations = re.findall(r'<details data-operation="(\w+)"', shown)
    assert len(operations) == 13 and "createChatCompletion" in operations, done.stderr[-2000:]
    assert "<code>/v1/chat/completions</code>" in shown


class _Through(BaseHTTPRequestHandler):
    """The page with a hand that presses its buttons, and the server behind it under one origin."""

    page: bytes
    url: str
    found: dict[str, str]
    done: Event

    def do_GET(self) -> None:
        if self.path == "/":
            self._send(200, "text/html; charset=utf-8", self.page)
        else:
            self._forward("GET", b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/found":
            type(self).found = json.loads(body)
            self._send(204, "text/plain", b"")
            self.done.set()
        else:
            self._forward("POST", body)

    def _forward(self, method: str, body: bytes) -> None:
        names = ("authorization", "content-type")
        headers = {name: self.headers[name] for name in names if self.headers[name]}
        reply = httpx.request(method, self.url + self.path, headers=headers, content=body)
        self._send(reply.status_code, reply.headers["content-type"], reply.content)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_the_page_asks_what_it_is_told_to(live: Live, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    drawn, _ = draw_docs(live.client().get("/openapi.json").json())
    page = drawn + DRIVER.replace("TOKEN", TOKEN).encode()
    done = Event()
    handler = type("Through", (_Through,), {"page": page, "url": live.url, "done": done})
    between = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=between.serve_forever)
    thread.start()
    browser = subprocess.Popen(
        [CHROMIUM, *CALL, f"--user-data-dir={tmp_path}", "--remote-debugging-port=0"]
        + [f"http://127.0.0.1:{between.server_port}/"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert done.wait(200), "the page never came to its end"
    finally:
        browser.terminate()
        browser.wait(30)
        between.shutdown()
        thread.join()
        between.server_close()
    found = {name: text.split("\n", 1) for name, text in handler.found.items()}  # type: ignore[attr-defined]
    status, answer = found["createChatCompletion"]
    assert status == "200"
    said = json.loads(answer)["choices"][0]["message"]["content"]
    assert said == "play_music(pasang alarm jam 6)"
    assert found["recognize"][0] == found["retrieveModel"][0] == "200"
    assert json.loads(found["retrieveModel"][1])["id"] == "scripted"
    assert found["readFigures"][0] == "403"
