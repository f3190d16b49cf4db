"""What was found, and the figures of the dataset, as one HTML page that needs nothing beside it.

What it shows is hostile until shown otherwise: utterances, names and places come from anywhere.
Jinja escapes all of it, characters that do not show are written out, and the page's content policy
allows its own style sheet (by hash) and nothing else: no script, no request, no font.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maksud.data.checks.lengths import LONGEST_WORDS
from maksud.data.checks.parameters import DISTINCT
from maksud.data.checks.profile import Profile
from maksud.data.findings import escaped
from maksud.data.formats import store
from maksud.language.calls import OUT_OF_SCOPE

if TYPE_CHECKING:
    from maksud.data.checks.run import Checked

FEW = 5
"""Findings of a code before the rest is folded away."""
SHOWN = 40
"""Rows of a table before the rest is folded away."""
MOST_ROWS = 1_000
"""Rows of a table."""

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Bin:
    """A bar of the histogram, in the units of the drawing."""

    label: str
    count: int
    x: float
    y: float
    width: float
    height: float
    name: str


def render(checked: Checked, name: str) -> str:
    """The page about the data called `name`. Deterministic."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style = (_HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    def harmless(value: Any) -> Any:
        return escaped(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["below"] = below
    template = environment.from_string((_HERE / "page.html").read_text(encoding="utf-8"))
    profile = checked.profile
    bins, lines = histogram(profile)
    return template.render(
        name=name,
        style=Markup(style),  # ours, from this package
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'",
        p=profile,
        counts=checked.findings.counts,
        groups=checked.findings.groups,
        most=max((i.total for i in profile.intents), default=1),
        bins=bins,
        lines=lines,
        few=FEW,
        shown=SHOWN,
        most_rows=MOST_ROWS,
        distinct=DISTINCT,
        none_name=OUT_OF_SCOPE,
    )


def write(checked: Checked, name: str, path: str | PathLike[str]) -> None:
    """Writes the page; it appears whole or not at all."""
    page = render(checked, name)
    with store.Staging() as staging, staging.file(str(path)) as file:
        file.write(page.encode("utf-8", "backslashreplace"))


def below(place: str, name: str) -> str:
    """A place as seen from the data: `train.json:12` of `data/train.json:12`."""
    return place.removeprefix(name).lstrip("/:") or place


def histogram(profile: Profile) -> tuple[list[Bin], list[tuple[float, str]]]:
    """Bars of the number of words, and the lines behind them with their labels."""
    if not profile.words:
        return [], []
    longest = max(profile.words)
    top = max(profile.words.values())
    left, right, floor, height = 56.0, 888.0, 192.0, 176.0
    step = (right - left) / longest if longest else right - left
    every = max(1, longest // 16)
    bins = []
    for n in range(1, longest + 1):
        count = profile.words.get(n, 0)
        tall = height * count / top
        label = f"{n}+" if n == LONGEST_WORDS else str(n)
        bins.append(
            Bin(
                f"{label} word{'s' if n > 1 else ''}",
                count,
                left + (n - 1) * step + 0.1 * step,
                floor - tall,
                0.8 * step,
                tall,
                label if n % every == 0 or n == 1 else "",
            )
        )
    lines = [(floor - height * part / 2, f"{round(top * part / 2):,}") for part in (0, 1, 2)]
    return bins, lines
