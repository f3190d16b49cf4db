"""Templates filled with hostile values: HTML pages that need nothing beside them.

What a page shows is hostile until shown otherwise: utterances and answers come from anywhere.
Jinja escapes all of it, invisible characters are written out, and the page's content policy allows
our own style sheet and our own script (each by its hash) and nothing else: no request, no font.
The script only shows and hides what is there; without it the page is whole.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from maksud.evaluation.wording import make_visible, percent, points

LONGEST_TEXT = 500
"""Characters of an utterance or an answer that are shown."""

_HERE = Path(__file__).parent


def fill(name: str, **values: Any) -> str:
    """The page that the template `name` makes of the values. Deterministic."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    style, script = _read("page.css"), _read("page.js")

    def disarm(value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, Markup):
            return make_visible(value)
        return value

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=disarm,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(percent=percent, points=points, shorten=shorten)
    return environment.get_template(name).render(
        style=Markup(style),  # ours, from this package
        script=Markup(script),
        policy=f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'",
        **values,
    )


def shorten(text: str) -> str:
    """The text, or its beginning and how much more there is."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… ({len(text) - LONGEST_TEXT:,} more characters)"


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
