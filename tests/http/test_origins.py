"""Which pages may ask: none, unless their origin is named; a browser is never told to send what it
keeps, and no preflight opens anything."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from serving_server import TOKEN, Live, Scripted, chat, request, running

from maksud.errors import SettingsError
from maksud.http.origins import MOST, open_to_origins, read_origins
from maksud.http.settings import ServeSettings

SHOP, EVIL = "https://shop.example", "https://evil.example"
ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with running(origins=f"{SHOP} http://localhost:3000") as server:
        yield server


def cors(headers: Any) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k.startswith("access-control-")}


def test_by_default_no_page_may_ask() -> None:
    with running() as live:
        ask = live.client(None).request
        reply = ask("OPTIONS", "/v1/models", headers={"origin": SHOP, **ASKS})
        assert reply.status_code == 401 and not cors(reply.headers)
        reply = live.client().get("/v1/models", headers={"origin": SHOP})
        assert reply.status_code == 200 and not cors(reply.headers)
        assert "vary" not in reply.headers


def test_a_preflight_of_a_named_origin_needs_no_token(live: Live) -> None:
    asked = "Authorization, content-type,X-Stainless-Lang"
    headers = {"origin": SHOP, **ASKS, "access-control-request-headers": asked}
    for path in ("/v1/chat/completions", "/v1/nothing"):
        reply = live.client(None).request("OPTIONS", path, headers=headers)
        assert reply.status_code == 204 and reply.content == b""
        assert cors(reply.headers) == {
            "access-control-allow-origin": SHOP,
            "access-control-allow-methods": "GET, HEAD, POST",
            "access-control-allow-headers": "authorization, content-type, x-stainless-lang",
            "access-control-max-age": "600",
        }
        assert reply.headers["vary"] == "Origin" and reply.headers["x-request-id"]


@pytest.mark.parametrize(
    "origin",
    [EVIL, "null", "", "*", f"{SHOP}.evil.example", f"{SHOP}:8443", SHOP.upper(), f"{SHOP}/",
     "http://shop.example", "https://a.shop.example", f"{SHOP} {EVIL}"],
)  # fmt: skip
def test_other_origins_are_told_nothing(live: Live, origin: str) -> None:
    reply = live.client(None).request("OPTIONS", "/v1/models", headers={"origin": origin, **ASKS})
    assert reply.status_code == 204 and not cors(reply.headers)
    reply = live.client().get("/v1/models", headers={"origin": origin})
    assert reply.status_code == 200 and not cors(reply.headers)
    assert reply.headers["vary"] == "Origin"


def test_two_origins_are_none(live: Live) -> None:
    lines = (f"Origin: {SHOP}", f"Origin: {SHOP}")
    assert not cors(live.send(request("GET", "/v1/models", *lines)).headers)


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/v1/models", TOKEN, 200),
        ("/v1/models", None, 401),
        ("/v1/nothing", TOKEN, 404),
        ("/metrics", TOKEN, 403),
        ("/health", None, 200),
    ],
)
def test_every_answer_can_be_seen_by_a_named_page(
    live: Live, path: str, token: str | None, status: int
) -> None:
    """Errors as well: without the headers a page is told "network error" and no more."""
    reply = live.client(token).get(path, headers={"origin": SHOP})
    assert reply.status_code == status
    shown = cors(reply.headers)
    assert shown.pop("access-control-expose-headers").startswith("x-request-id, retry-after, ")
    assert shown == {"access-control-allow-origin": SHOP}


def test_errors_before_the_routes_are_seen_too(live: Live) -> None:
    ask = live.client().post
    headers = {"origin": SHOP, "content-type": "application/json"}
    large = ask("/v1/recognize", content=b"x" * 2_000_000, headers=headers)
    assert large.status_code == 413 and large.headers["access-control-allow-origin"] == SHOP
    broken = ask("/v1/recognize", content=b"{", headers=headers)
    assert broken.status_code == 400 and broken.headers["access-control-allow-origin"] == SHOP


def test_no_browser_is_told_to_send_what_it_keeps(live: Live) -> None:
    with running(origins="*") as open_to_all:
        for server, origin, told in ((live, SHOP, SHOP), (open_to_all, EVIL, "*")):
            for method, more in (("OPTIONS", ASKS), ("GET", {})):
                headers = {"origin": origin, "cookie": "a=b", **more}
                reply = server.client().request(method, "/v1/models", headers=headers)
                assert reply.headers["access-control-allow-origin"] == told
                assert "access-control-allow-credentials" not in reply.headers


def test_options_that_is_no_preflight_needs_the_token(live: Live) -> None:
    for headers in ({}, {"origin": SHOP}, ASKS):
        reply = live.client(None).request("OPTIONS", "/v1/models", headers=headers)
        assert reply.status_code == 401, headers


def test_only_names_of_headers_are_given_back(live: Live) -> None:
    asked = "x y, a:b, <b>, " + "n" * 65 + ", ok, " + ", ".join(f"h{k}" for k in range(100))
    headers = {"origin": SHOP, **ASKS, "access-control-request-headers": asked}
    reply = live.client(None).request("OPTIONS", "/v1/models", headers=headers)
    names = reply.headers["access-control-allow-headers"].split(", ")
    assert names[:2] == ["ok", "h0"] and len(names) == 50


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("https://a.example, http://localhost:3000  https://a.example",
         ("https://a.example", "http://localhost:3000")),
        ("http://[::1]:8080 http://127.0.0.1:81", ("http://[::1]:8080", "http://127.0.0.1:81")),
        ("chrome-extension://abcdef tauri://localhost", ("chrome-extension://abcdef", "tauri://localhost")),
        ("*", ("*",)),
    ],
)  # fmt: skip
def test_origins_are_read(text: str, read: tuple[str, ...]) -> None:
    assert read_origins(text) == read
    assert ServeSettings(origins=text).origins == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("https://a.example/", "is no origin. Write it as browsers send it"),
        ("https://a.example/x", "is no origin"),
        ("a.example", "is no origin"),
        ("null", "is no origin"),
        ("https://A.example", "is no origin"),
        ("https://*.example", "is no origin"),
        ("https://a:b@c", "is no origin"),
        ("https://a.example:443", "Write https://a.example"),
        ("http://a.example:80", "Write http://a.example"),
        ("* https://a.example", "is every origin already"),
        (" ".join(f"https://a{k}.example" for k in range(MOST + 1)), "at most 100"),
    ],
)
def test_what_no_browser_would_send_is_refused(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)):
        ServeSettings(origins=text)


def test_without_origins_there_is_no_layer() -> None:
    async def app(*_: Any) -> None: ...

    assert open_to_origins(app, "") is app


# ---------------------------------------------------------------- a page in Chromium

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
PAGE = """<!DOCTYPE html><pre id="result"></pre><script>
const asked = [];
async function ask(path, options) {
  try {
    const reply = await fetch("%(url)s" + path, options);
    asked.push([reply.status, reply.headers.get("x-request-id") !== null, await reply.text()]);
  } catch (error) { asked.push(["refused", false, String(error)]); }
}
const auth = {"Authorization": "Bearer %(token)s"};
const body = JSON.stringify(%(body)s);
(async function () {
  await ask("/v1/models", {headers: auth});
  await ask("/v1/chat/completions",
            {method: "POST", headers: {...auth, "Content-Type": "application/json"}, body: body});
  await ask("/v1/models", {});
  await ask("/v1/models", {headers: auth, credentials: "include"});
  await fetch("/done", {method: "POST", body: JSON.stringify(asked)});
})();
</script>"""


class _Pages(HTTPServer):
    """Serves a page, and takes what it found."""

    page = b""
    found: Any = None


class _Handler(BaseHTTPRequestHandler):
    server: _Pages

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.page)

    def do_POST(self) -> None:
        self.server.found = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def fetched(tmp_path: Path, origins: str) -> list[Any]:
    """What a page of another origin gets of a server that is open to these."""
    assert CHROMIUM is not None
    pages = _Pages(("127.0.0.1", 0), _Handler)
    thread = Thread(target=pages.serve_forever)
    thread.start()
    own = f"http://127.0.0.1:{pages.server_port}"
    try:
        with running(Scripted(), origins=origins.replace("OWN", own)) as live:
            about = {"url": live.url, "token": TOKEN, "body": json.dumps(chat("x"))}
            pages.page = (PAGE % about).encode()
            browser = subprocess.Popen(
                [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
                + ["--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}"]
                + ["--remote-debugging-port=0", own],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                for _ in range(1200):
                    if pages.found is not None:
                        break
                    thread.join(0.1)
            finally:
                browser.terminate()
                browser.wait(30)
    finally:
        pages.shutdown()
        thread.join()
        pages.server_close()
    assert pages.found is not None, "the page never came to its end"
    found: list[Any] = pages.found
    return found


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_page_of_a_named_origin_asks_in_a_browser(tmp_path: Path) -> None:
    models, answer, stranger, keeps = fetched(tmp_path, "OWN")
    assert models[:2] == [200, True] and json.loads(models[2])["data"][0]["id"] == "scripted"
    assert answer[0] == 200
    assert json.loads(answer[2])["choices"][0]["message"]["content"] == "play_music(x)"
    assert stranger[:2] == [401, True] and "bearer token" in stranger[2]
    assert keeps[0] == "refused"


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_page_of_another_origin_gets_nothing_in_a_browser(tmp_path: Path) -> None:
    found = fetched(tmp_path, "https://shop.example")
    assert [f[0] for f in found] == ["refused"] * 4
    assert unescape(found[0][2]).startswith("TypeError")
