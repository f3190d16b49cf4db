"""Who may read figures: a token of that scope, or a program on this machine that is not a proxy."""

import asyncio
from typing import Any

import pytest
from serving_server import TOKEN, Scripted, request, running

from maksud.errors import SettingsError
from maksud.http.guard import guard_app
from maksud.http.rights import is_local, may_read_figures, needed_scope
from maksud.http.settings import ServeSettings
from maksud.http.tokens import INFER, METRICS, Token, Tokens, open_tokens

READER = "mk-a-token-that-reads-figures"
TOKENS = Tokens([Token.of(TOKEN, "app"), Token.of(READER, "prometheus", [METRICS])])


def scope(client: Any = ("127.0.0.1", 4), host: bytes = b"localhost:80", **more: Any) -> Any:
    lines = [(b"host", host), *more.pop("headers", [])]
    return {"type": "http", "method": "GET", "path": "/metrics", "headers": lines, "client": client,
            **more}  # fmt: skip


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_figures_have_a_scope_of_their_own(path: str) -> None:
    with running(tokens=TOKENS) as live:
        assert live.client(READER).get(path).status_code == 200
        denied = live.client().get(path)
        assert denied.status_code == 403
        assert denied.json()["error"]["message"] == (
            "the token 'app' may not do this, it lacks the scope metrics"
        )
        assert live.client(None).get(path).status_code == 401
        for other in ("/v1/models", "/metrics/x", "//metrics", "/v1/metrics", "/"):
            assert live.client(READER).get(other).status_code == 403
        reply = live.client(READER).post("/v1/recognize", json={"utterance": "x"})
        assert reply.status_code == 403


def test_every_path_but_one_needs_the_scope_to_ask() -> None:
    assert needed_scope("/metrics") == needed_scope("/metrics/") == METRICS
    for path in ("", "/", "/METRICS", "/metrics/x", "/v1/models", "metrics", "/metrics%2f"):
        assert needed_scope(path) == INFER


def test_on_this_machine_figures_may_be_open() -> None:
    with running(metrics="loopback") as live:
        for path in ("/metrics", "/metrics/"):
            assert live.client(None).get(path).status_code == 200
        for path in ("/v1/models", "/metrics//", "//metrics", "/metrics/x", "/openapi.json"):
            assert live.client(None).get(path).status_code == 401
        assert live.client(None).post("/metrics", json={}).status_code == 401
        for line in ("X-Forwarded-For: 203.0.113.7", "Via: 1.1 proxy", "Forwarded: for=1.2.3.4"):
            sent = request("GET", "/metrics", line, token=None)
            assert live.send(sent).status == 401, line
        rebound = request("GET", "/metrics", token=None, host="evil.example")
        assert live.send(rebound).status == 401


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_who_is_here(address: str) -> None:
    client = (address, 1)
    for host in (b"localhost", b"LOCALHOST:8000", b"127.0.0.1:8000", b"[::1]:8000", b"127.1.2.3"):
        assert is_local(scope(client, host))


@pytest.mark.parametrize(
    "given",
    [
        {"client": ("203.0.113.7", 1)},
        {"client": ("::ffff:203.0.113.7", 1)},
        {"client": ("0.0.0.0", 1)},
        {"client": ("", 0)},
        {"client": ("localhost", 0)},
        {"client": None},
        {"host": b"evil.example"},
        {"host": b"localhost.evil.example"},
        {"host": b"localhost:80@evil.example"},
        {"host": b"127.0.0.1.evil.example"},
        {"host": b""},
        {"headers": [(b"host", b"localhost")]},
        {"headers": [(b"x-forwarded-for", b"127.0.0.1")]},
        {"headers": [(b"x-forwarded-proto", b"https")]},
        {"headers": [(b"x-real-ip", b"127.0.0.1")]},
        {"headers": [(b"forwarded", b"")]},
        {"headers": [(b"via", b"1.1 x")]},
    ],
)
def test_who_is_not(given: dict[str, Any]) -> None:
    assert not is_local(scope(**given))


@pytest.mark.parametrize(
    ("policy", "more", "may"),
    [
        ("loopback", {}, True),
        ("loopback", {"method": "HEAD"}, True),
        ("loopback", {"method": "POST"}, False),
        ("loopback", {"path": "/metrics/"}, True),
        ("loopback", {"path": "/metrics//"}, False),
        ("loopback", {"path": "/metrics/x"}, False),
        ("loopback", {"path": "/v1/models"}, False),
        ("loopback", {"client": ("203.0.113.7", 1)}, False),
        ("token", {}, False),
        ("off", {}, False),
    ],
)
def test_what_is_open_here(policy: str, more: dict[str, Any], may: bool) -> None:
    assert may_read_figures(scope(**more), policy) == may


def test_where_it_is_switched_off_nothing_is_counted() -> None:
    with running(metrics="off", tokens=TOKENS) as live:
        assert live.front.metrics is None
        assert live.client(READER).get("/metrics").status_code == 404
        assert live.client().post("/v1/recognize", json={"utterance": "x"}).is_success


def test_the_token_of_a_request_is_what_was_found() -> None:
    """Figures and limits go by it: no header of the client may stand in its place."""
    from maksud.http.scope import KNOWN

    seen: list[Any] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope[KNOWN])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        pass

    lines = [(b"authorization", b"Bearer " + TOKEN.encode()), (b"maksud.known", b"x")]
    asked = scope(headers=lines, path="/v1/models", query_string=b"", raw_path=b"/v1/models")
    asyncio.run(guard_app(inside, TOKENS, ServeSettings())(asked, None, send))  # type: ignore[arg-type]
    assert [t.name for t in seen] == ["app"]


def test_a_token_for_figures_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKSUD_METRICS_TOKEN", READER)
    for token in (None, TOKEN):
        if token:
            monkeypatch.setenv("MAKSUD_TOKEN", token)
        opened = open_tokens()
        found = opened.tokens.find([b"Bearer " + READER.encode()])
        assert found is not None and found.scopes == {METRICS}
        asks = opened.tokens.find([b"Bearer " + (token or opened.secret or "").encode()])
        assert asks is not None and asks.scopes == {INFER}
    again = open_tokens()
    assert again.secret is None


def test_a_token_for_figures_is_no_weak_one_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKSUD_METRICS_TOKEN", "password1")
    with pytest.raises(SettingsError, match="^MAKSUD_METRICS_TOKEN: is too weak"):
        open_tokens()
    monkeypatch.setenv("MAKSUD_TOKEN", TOKEN)
    monkeypatch.setenv("MAKSUD_METRICS_TOKEN", TOKEN)
    with pytest.raises(SettingsError, match="is a token that asks models, too"):
        open_tokens()


def test_the_model_is_not_asked_for_figures() -> None:
    model = Scripted()
    with running(model, tokens=TOKENS) as live:
        live.client(READER).get("/metrics")
        assert model.batches == []
