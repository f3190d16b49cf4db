"""Settings of servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maksud.errors import SettingsError
from maksud.http.origins import read_origins
from maksud.settings import check_settings, setting


@dataclass(frozen=True)
class HttpSettings:
    """Where to listen, and the limits that hold for every server."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = setting(8000, low=0, high=65535)
    """Port to listen on; 0 takes a free one."""
    max_body_bytes: int = setting(1 << 20, above=0)
    """Largest body of a request; over it 413."""
    max_header_bytes: int = setting(32 << 10, above=0)
    """Largest header of a request, all lines together; over it 431."""
    max_headers: int = setting(100, above=0)
    """Most lines of a header; over it 431."""
    header_seconds: float = setting(10.0, above=0)
    """Time for a whole header to arrive; over it 408 and the connection closes."""
    body_seconds: float = setting(10.0, above=0)
    """Time for a whole body to arrive; over it 408 and the connection closes."""
    send_seconds: float = setting(30.0, above=0)
    """Time that a client may take to accept what is sent, before the connection closes."""
    keep_alive_seconds: int = setting(620, above=0)
    """How long an idle connection is kept whose client showed a token: longer than common clients
    and proxies keep theirs. Others are kept for `header_seconds`."""
    max_requests: int = setting(128, above=0)
    """Requests with a body in work at once; over it 429."""
    drain_seconds: int = setting(20, above=0)
    """Time for requests in work to end at shutdown."""
    access_log: bool = True
    """A line per request on standard error. It holds no utterance."""

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class ServeSettings(HttpSettings):
    """What a server of models needs besides."""

    max_waiting: int = setting(256, above=0)
    """Utterances that may wait for one model; over it 429."""
    batch_size: int = setting(32, above=0)
    """Utterances that a model is asked at once, at most."""
    max_batch: int = setting(128, above=0)
    """Utterances in a request to /v1/recognize, texts in one to /v1/embeddings; over it 400."""
    max_utterance_chars: int = setting(8000, above=0)
    """Longest utterance, after folding; over it 400."""
    answer_seconds: float = setting(60.0, above=0)
    """Time for the first answer to a request, with waiting, and for each further; over it 503."""
    ready_seconds: float = setting(5.0, above=0)
    """/ready: how old a model's last answer or step may be, and how long a new one may take."""
    requests_per_minute: int = setting(0, low=0)
    """Requests that a token may make in a minute; over it 429. 0: as many as it likes."""
    utterances_per_minute: int = setting(0, low=0)
    """Utterances that a token may have a model asked in a minute; over it 429. 0: any number."""
    origins: str = ""
    """Origins of pages in a browser that may ask (`https://shop.example`), separated by blanks; `*`
    for any. Empty: none."""
    metrics: Literal["token", "loopback", "off"] = "token"
    """Who reads the figures at /metrics: whoever has a token of the scope `metrics`, programs on
    this machine as well (`loopback`), or nobody: then nothing is counted."""
    log_utterances: bool = False
    """Whether lines of the log hold what was said and answered, too: mind whose words they are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        read_origins(self.origins)
        if self.max_batch > self.max_waiting:
            raise SettingsError(
                f"max_batch {self.max_batch} is above max_waiting {self.max_waiting}",
                hint="A batch that can never wait would always be refused",
            )
