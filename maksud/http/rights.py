"""What a token may do: which scope a path needs, and who may read figures without a token."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from maksud.http.tokens import INFER, METRICS

if TYPE_CHECKING:
    from starlette.types import Scope

METRICS_PATH = "/metrics"
DOCS_PATH = "/docs"
"""The one page for a browser, which knows no bearer tokens when it opens one."""

_FIGURES = frozenset({METRICS_PATH, METRICS_PATH + "/"})
_NEEDED = {METRICS_PATH: METRICS}
"""What needs another scope than asking models."""
_LOCAL_HOST = re.compile(rb"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_PASSED_ON = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-original-url", b"x-rewrite-url"})


def needed_scope(path: str) -> str:
    """The scope that a path needs; a slash at its end makes no difference."""
    return _NEEDED.get(path.rstrip("/"), INFER)


def is_local(scope: Scope) -> bool:
    """Whether somebody on this machine asks, for this machine.

    The address of the other side does not say it alone: a proxy on this machine passes on what
    others ask, and a page in a browser here can ask under a name that leads here. So a request
    that was passed on, or is for another name than this machine's, is not local.
    """
    client = scope.get("client")
    try:
        address = ip_address(client[0]) if client else None
    except ValueError:
        return False
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_loopback:
        return False
    names = [name for name, _ in scope["headers"]]
    if any(name in _PASSED_ON or name.startswith(b"x-forwarded") for name in names):
        return False
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    return len(hosts) == 1 and _LOCAL_HOST.fullmatch(hosts[0]) is not None


def is_figures(scope: Scope) -> bool:
    """Whether a request is for the server's figures; a slash at the end makes no difference."""
    return scope["path"] in _FIGURES


def may_read_figures(scope: Scope, policy: str) -> bool:
    """Whether a request may read the server's figures without a token: see `ServeSettings`."""
    return (
        policy == "loopback"
        and is_figures(scope)
        and scope["method"] in ("GET", "HEAD")
        and is_local(scope)
    )


def is_page(scope: Scope) -> bool:
    """Whether a browser may show the token as a password: for the page, to read it, alone.

    A browser sends a password again by itself, whoever makes it ask; so nothing else takes one.
    """
    return scope["path"].rstrip("/") == DOCS_PATH and scope["method"] in ("GET", "HEAD")
