"""Settings of `maksud label`."""

from __future__ import annotations

from dataclasses import dataclass

from maksud.http.settings import HttpSettings
from maksud.settings import setting


@dataclass(frozen=True)
class LabelSettings(HttpSettings):
    """The limits of labelling, besides those of every server (`HttpSettings`)."""

    port: int = setting(8020, low=0, high=65535)
    """Port to listen on; 0 takes a free one."""
    max_body_bytes: int = setting(256 << 10, above=0)
    """Largest body of a request, but an upload's; over it 413."""
    max_upload_bytes: int = setting(32 << 20, above=0)
    """Largest body of a request that registers a dataset; over it 413. Larger files come by
    `maksud label add`."""
    max_fetch_bytes: int = setting(256 << 20, above=0)
    """Largest file that is registered from a URL in the page; a larger one is refused."""
    private_urls: bool = False
    """URLs of this machine and its network may be registered in the page: for networks whose
    admins may read all that this machine may."""
    secure: bool = False
    """HTTPS before this server ends at a proxy: cookies are sent over it only."""
