"""Settings of the server."""

from __future__ import annotations

from dataclasses import dataclass, fields

from maksud.errors import SettingsError


@dataclass(frozen=True)
class ServeSettings:
    """Where to listen, and the limits of the server."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8000
    """Port to listen on; 0 takes a free one."""
    max_body_bytes: int = 1 << 20
    """Largest body of a request; over it 413."""
    max_header_bytes: int = 32 << 10
    """Largest header of a request, all lines together; over it 431."""
    max_headers: int = 100
    """Most lines of a header; over it 431."""
    header_seconds: float = 10.0
    """Time for a whole header to arrive; over it 408 and the connection closes."""
    body_seconds: float = 10.0
    """Time for a whole body to arrive; over it 408 and the connection closes."""
    send_seconds: float = 30.0
    """Time that a client may take to accept what is sent, before the connection closes."""
    keep_alive_seconds: int = 10
    """How long an idle connection is kept: longer than common clients keep theirs."""
    max_requests: int = 128
    """Requests with a body in work at once; over it 429."""
    max_waiting: int = 256
    """Utterances that may wait for one model; over it 429."""
    batch_size: int = 32
    """Utterances that a model is asked at once, at most."""
    max_batch: int = 128
    """Utterances in one request to /v1/recognize; over it 400."""
    max_utterance_chars: int = 8000
    """Longest utterance, after folding; over it 400."""
    answer_seconds: float = 60.0
    """Time for an answer, with waiting; over it 503."""
    ready_seconds: float = 5.0
    """/ready: how old a model's last answer may be, and how long a new one may take."""
    drain_seconds: int = 20
    """Time for requests in work to end at shutdown."""
    access_log: bool = True
    """A line per request on standard error."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("host", "port", "access_log"):
                continue
            if not 0 < value < float("inf"):
                raise SettingsError(f"{f.name} {value}", hint="Use a number above 0")
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"port {self.port}", hint="Use 0 to 65535; 0 takes a free one")
        if self.max_batch > self.max_waiting:
            raise SettingsError(
                f"max_batch {self.max_batch} is above max_waiting {self.max_waiting}",
                hint="A batch that can never wait would always be refused",
            )
