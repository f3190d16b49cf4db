"""The page to read the interface on, and to try it: whole in itself, and held to that.

It asks for nothing but this server: no script, style, font or picture of others, by a policy that
names its own script and style by their hashes. What is shown is text, never markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).with_name("docs.html")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def draw_docs(description: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    """The page of a description, and the headers that it is sent with."""
    page = _PAGE.read_text(encoding="utf-8")
    script, style = _hash(_SCRIPT, page), _hash(_STYLE, page)
    policy = (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    # In a block of data only "<" could end it.
    content = json.dumps(description).replace("<", "\\u003c")
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
    return page.replace("$DESCRIPTION", content).encode(), headers


def _hash(part: re.Pattern[str], page: str) -> str:
    """The source of a policy that lets in this part of the page, and no other."""
    found = part.search(page)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    return f"'sha256-{digest}'"
