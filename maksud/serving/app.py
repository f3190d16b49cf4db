"""Running the application: listening, saying where, serving until a signal, ending in order."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from maksud.errors import SystemFault
from maksud.http.guard import guard_app, log
from maksud.http.settings import ServeSettings
from maksud.http.tokens import VARIABLE, Opened, Tokens, open_tokens
from maksud.recognizers.recognition import Recognizer
from maksud.serving.ending import Ending
from maksud.serving.front import Front

if TYPE_CHECKING:
    import uvicorn

__all__ = ["Announcement", "Front", "ServeSettings", "bind", "serve", "server_of"]

BACKLOG = 2048
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
        if self.host not in ("localhost", "::1") and not self.host.startswith("127."):
            out.append("Others can reach this address, and HTTP is not encrypted: put TLS before.")
        out.append(f"What a person reads instead of calls: {self.models[0]}/chat")
        out.append("Ctrl-C ends it.")
        return out


def bind(settings: ServeSettings) -> socket.socket:
    """A listening socket, before anything heavy is loaded.

    Raises `SystemFault` for a port in use, an address that is not ours, a missing permission, or
    server packages that are not installed.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise SystemFault(
            f"{', '.join(missing)} is not installed", hint="pip install 'maksud[serve]'"
        )
    where = f"{settings.host}:{settings.port}"
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # "localhost" may name ::1 first, where clients of 127.0.0.1 find nobody
        family, kind, number, _, address = min(found, key=lambda f: f[0] != socket.AF_INET)
        listener = socket.socket(family, kind, number)
    except (OSError, UnicodeError) as error:
        raise SystemFault(
            f"can't listen there ({error})", where=where, hint="Check --host"
        ) from error
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SystemFault(
                f"port {settings.port} is in use",
                where=where,
                hint="Choose another --port, or --port 0 for a free one",
            ) from error
        raise SystemFault(
            f"can't listen there ({error.strerror})", where=where, hint="Check --host and --port"
        ) from error
    listener.setblocking(False)
    return listener


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
            with _logging():
                server.run(sockets=[listening])


def server_of(front: Front, tokens: Tokens, settings: ServeSettings) -> uvicorn.Server:
    """The HTTP server of a front; `run(sockets=[…])` runs it."""
    import uvicorn

    from maksud.http.connection import connection_class

    tell = front.metrics.count_exchange if front.metrics is not None else None
    config = uvicorn.Config(
        guard_app(front.app(), tokens, settings, tell),
        http=connection_class(settings.header_seconds, settings.send_seconds),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=settings.drain_seconds,
        h11_max_incomplete_event_size=settings.max_header_bytes,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # a line per broken request
    return uvicorn.Server(config)


def _announcement(
    front: Front, opened: Opened, settings: ServeSettings, listening: socket.socket
) -> Announcement:
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    shown = f"[{shown}]" if ":" in shown else shown
    return Announcement(
        url=f"http://{shown}:{port}/v1",
        models=tuple(front.lanes),
        token=opened.secret,
        token_source=opened.source,
        host=host,
    )


class _Line(logging.Formatter):
    """A formatter that writes the date of a second once."""

    _second = (-1, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second = int(record.created)
        if second != self._second[0]:
            self._second = second, time.strftime(self.default_time_format, time.localtime(second))
        return f"{self._second[1]},{int(record.msecs):03d}"


@contextlib.contextmanager
def _logging() -> Iterator[None]:
    """Lines of the server on standard error, while it runs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line("%(asctime)s %(message)s"))
    before = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before[0])
        log.propagate = before[1]
