"""Running the application: listening, saying where, serving until a signal, ending in order."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maksud.http.guard import guard_app
from maksud.http.running import address_of, http_server, is_loopback, listen, log_lines
from maksud.http.settings import ServeSettings
from maksud.http.tokens import VARIABLE, Opened, Tokens, open_tokens
from maksud.recognizers.recognition import Recognizer
from maksud.serving.ending import Ending
from maksud.serving.front import Front

if TYPE_CHECKING:
    import uvicorn

__all__ = ["Announcement", "Front", "ServeSettings", "bind", "serve", "server_of"]

NEEDED = ("starlette", "uvicorn", "h11", "prometheus_client", "limits")
"""Packages of the extra `serve`."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What to tell when the server is ready. `token` is there only when it was made just now."""

    url: str
    models: tuple[str, ...]
    token: str | None
    token_source: str
    host: str

    def to_json(self) -> dict[str, Any]:
        """For scripts: `url` (ends in /v1), `models`, and `token` when it is new."""
        content: dict[str, Any] = {"url": self.url, "models": list(self.models)}
        if self.token is not None:
            content["token"] = self.token
        return content

    def lines(self) -> list[str]:
        """For people."""
        out = [f"Serving {', '.join(self.models)} at {self.url}"]
        if self.token is not None:
            out.append(f"Token, shown only now: {self.token}")
            out.append(f"Only its hash is kept, in {self.token_source}; delete that for a new one.")
        elif self.token_source == VARIABLE:
            out.append(f"Token: the one in {VARIABLE}")
        else:
            out.append(f"Token: made at the first start; its hash is in {self.token_source}")
            out.append("Lost it? Delete that file and start again.")
        if not is_loopback(self.host):
            out.append("Others can reach this address, and HTTP is not encrypted: put TLS before.")
        out.append(f"What a person reads instead of calls: {self.models[0]}/chat")
        out.append("Ctrl-C ends it.")
        return out


def bind(settings: ServeSettings) -> socket.socket:
    """A listening socket, before anything heavy is loaded. Raises `SystemFault`, see `listen`."""
    return listen(settings, NEEDED, "serve")


def serve(
    recognizers: Sequence[Recognizer],
    settings: ServeSettings | None = None,
    *,
    listener: socket.socket | None = None,
    announce: Callable[[Announcement], None] | None = None,
) -> None:
    """Serves until SIGTERM or SIGHUP (returns) or SIGINT (raises `KeyboardInterrupt`).

    Requests in work are ended first. A signal while the models are tried ends it at once.
    `listener` comes from `bind`; `announce` is called once, when every model has answered and
    clients can come. Raises `SettingsError` for two models of
    one name, `EngineError` for a model that does not answer, and what `open_tokens` raises.
    """
    settings = settings or ServeSettings()
    front = Front(recognizers, settings)
    ending = Ending()
    with contextlib.closing(listener or bind(settings)) as listening, ending.heard():
        front.warm_up()
        ending.hold()  # a token that is stored is shown
        opened = open_tokens()
        ending.server = server = server_of(front, opened.tokens, settings)
        if announce is not None:
            announce(_announcement(front, opened, settings, listening))
        if not ending.told:
            with log_lines():
                server.run(sockets=[listening])


def server_of(front: Front, tokens: Tokens, settings: ServeSettings) -> uvicorn.Server:
    """The HTTP server of a front; `run(sockets=[…])` runs it."""
    tell = front.metrics.count_exchange if front.metrics is not None else None
    return http_server(guard_app(front.app(), tokens, settings, tell), settings)


def _announcement(
    front: Front, opened: Opened, settings: ServeSettings, listening: socket.socket
) -> Announcement:
    return Announcement(
        url=f"{address_of(listening)}/v1",
        models=tuple(front.lanes),
        token=opened.secret,
        token_source=opened.source,
        host=listening.getsockname()[0],
    )
