"""Running a server: listening, uvicorn with our connection, lines of what it does."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from maksud.errors import SystemFault
from maksud.http.guard import log
from maksud.http.settings import HttpSettings

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

BACKLOG = 2048


def listen(settings: HttpSettings, needed: Sequence[str], extra: str) -> socket.socket:
    """A listening socket, before anything heavy is loaded. `needed`: packages of the extra.

    Raises `SystemFault` for a port in use, an address that is not ours, a missing permission, or
    server packages that are not installed.
    """
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise SystemFault(
            f"{', '.join(missing)} is not installed", hint=f"pip install 'maksud[{extra}]'"
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


def address_of(listener: socket.socket) -> str:
    """The URL at which a listening socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    return host in ("localhost", "::1") or host.startswith("127.")


def http_server(app: ASGIApp, settings: HttpSettings) -> uvicorn.Server:
    """The HTTP server of an application that is guarded; `run(sockets=[…])` runs it."""
    import uvicorn

    from maksud.http.connection import connection_class

    config = uvicorn.Config(
        app,
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


class _Line(logging.Formatter):
    """A formatter that writes the date of a second once."""

    _second = (-1, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second = int(record.created)
        if second != self._second[0]:
            self._second = second, time.strftime(self.default_time_format, time.localtime(second))
        return f"{self._second[1]},{int(record.msecs):03d}"


@contextmanager
def log_lines() -> Iterator[None]:
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
