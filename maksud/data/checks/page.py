"""What was found, and the figures of the dataset, as one HTML page that needs nothing beside it.

What it shows is hostile until shown otherwise: utterances, names and places come from anywhere.
Jinja escapes all of it, characters that do not show are written out, and the page's content policy
allows its own style sheet (by hash) and nothing else: no script, no request, no font. Filtering is
done by the style sheet too, from the state of check boxes.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from maksud.data.checks.lengths import LONGEST_WORDS
from maksud.data.checks.parameters import DISTINCT
from maksud.data.checks.personal import personal
from maksud.data.checks.profile import Profile
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Level, escape_unprintable
from maksud.data.formats import store
from maksud.data.formats.targets import refuse_standing
from maksud.language.calls import OUT_OF_SCOPE

if TYPE_CHECKING:
    from maksud.data.checks.run import Checked

FEW = 5
"""Findings of a code before the rest is folded away."""
SHOWN = 40
"""Rows of a table before the rest is folded away."""
MOST_ROWS = 1_000
"""Rows of a table."""
LONGEST_TEXT = 400
"""Characters of an utterance or an answer beside a finding."""
WIDE, NARROW = 900.0, 360.0
"""Width of the drawing, in its own units: for a screen, and for a phone."""

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


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with the row that it is about."""

    message: str
    place: str
    link: str
    """Where the browser finds the file, from where the page is; "" where it can't."""
    utterance: str
    answer: str
    row: str
    """A row that could not be read, as it stands."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The findings of one code as the page shows them."""

    level: Level
    code: str
    why: str
    fix: str
    total: int
    kept: tuple[Told, ...]


def render(checked: Checked, name: str, directory: str | PathLike[str] = ".") -> str:
    """The page about the data called `name`, as it stands in a directory: its links to the data's
    files, where these are there, begin at it. Deterministic."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    groups = _shown(checked, name, os.fspath(directory))
    style = (_HERE / "page.css").read_text(encoding="utf-8") + _filters(len(groups))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    def harmless(value: Any) -> Any:
        return (
            escape_unprintable(value)
            if isinstance(value, str) and not isinstance(value, Markup)
            else value
        )

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["below"] = below
    template = environment.from_string((_HERE / "page.html").read_text(encoding="utf-8"))
    profile = checked.profile
    charts = [
        (kind, width, *histogram(profile, width))
        for kind, width in (("wide", WIDE), ("narrow", NARROW))
    ]
    return template.render(
        name=name,
        style=Markup(style),  # ours, from this package
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'",
        p=profile,
        counts=checked.findings.counts,
        groups=groups,
        most=max((i.total for i in profile.intents), default=1),
        charts=charts,
        few=FEW,
        shown=SHOWN,
        most_rows=MOST_ROWS,
        distinct=DISTINCT,
        none_name=OUT_OF_SCOPE,
    )


def check_target(path: str | PathLike[str], *, overwrite: bool) -> None:
    """Raises `InputError` where something stands in the page's place: before any work is done."""
    place = os.fspath(path)
    if not overwrite and store.exists(place):
        refuse_standing([place], "Name another --html, or replace it with --force")


def write(
    checked: Checked, name: str, path: str | PathLike[str], *, overwrite: bool = False
) -> None:
    """Writes the page; it appears whole or not at all. Raises as `check_target` does."""
    place = os.fspath(path)
    check_target(place, overwrite=overwrite)
    page = render(checked, name, "." if store.is_remote(place) else os.path.dirname(place) or ".")
    with store.Staging() as staging, staging.file(place) as file:
        file.write(page.encode("utf-8", "backslashreplace"))


def below(place: str, name: str) -> str:
    """A place as seen from the data: `train.json:12` of `data/train.json:12`."""
    return place.removeprefix(name).lstrip("/:") or place


def _filters(codes: int) -> str:
    """The rules that leave only one code, or not one level, of the findings."""
    rules = [
        f"#findings:has(#only-{k}:checked) .finding:not(.g{k}){{display:none}}"
        for k in range(1, codes + 1)
    ]
    rules += [
        f"#findings:has(#with-{level}:not(:checked)) .l-{level}{{display:none}}"
        for level in ("error", "warning", "info")
    ]
    return "\n".join(rules) + "\n"


def _shown(checked: Checked, name: str, directory: str) -> list[Shown]:
    groups = checked.findings.groups
    wanted = {f.place for group in groups for f in group.kept if f.place}
    examples = {e.place: e for e in checked.dataset if e.line and e.place in wanted}
    rejects = {r.finding.place: r.original for r in checked.rejects if r.finding.place in wanted}
    rows = {
        place: row.decode("utf-8", "backslashreplace") if isinstance(row, bytes) else row
        for place, row in rejects.items()
    }
    links = _Links(directory)
    return [
        Shown(
            group.level,
            group.code,
            group.kept[0].why,
            group.kept[0].fix,
            group.total,
            tuple(_told(f, name, examples, rows, links) for f in group.kept),
        )
        for group in groups
    ]


def _told(
    finding: Finding,
    name: str,
    examples: Mapping[str, Example],
    rows: Mapping[str, str],
    links: _Links,
) -> Told:
    example = examples.get(finding.place)
    utterance = example.instruction if example else ""
    answer = example.output if example else ""
    row = "" if example else rows.get(finding.place, "")
    if any(any(personal(text)) for text in (utterance, answer, row)):
        utterance, answer, row = ("(holds personal data or a secret: not shown)", "", "")
    place = below(finding.place, name)
    if place.isdecimal():
        place = f"line {place}"
    return Told(
        finding.message, place, links.to(finding.place), _cut(utterance), _cut(answer), _cut(row)
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


class _Links:
    """Links from a directory to the files of the data that are there."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._known: dict[str, str] = {}

    def to(self, place: str) -> str:
        """The link to a place `file:line`; "" where there is no such local file."""
        source, colon, line = place.rpartition(":")
        if not colon or not line.isdecimal():
            source, line = place, ""
        if source not in self._known:
            self._known[source] = self._file(source)
        link = self._known[source]
        return f"{link}#L{line}" if link and line else link

    def _file(self, source: str) -> str:
        if not source or "\0" in source or store.is_remote(source) or not os.path.isfile(source):
            return ""
        try:
            relative = os.path.relpath(source, self._directory)
        except ValueError:  # another drive
            return ""
        link = quote(relative.replace(os.sep, "/").encode("utf-8", "surrogateescape"))
        return link if link.startswith("../") else f"./{link}"  # never a scheme


def histogram(profile: Profile, width: float = WIDE) -> tuple[list[Bin], list[tuple[float, str]]]:
    """Bars of the number of words, and the lines behind them with their labels."""
    if not profile.words:
        return [], []
    longest = max(profile.words)
    top = max(profile.words.values())
    left, right, floor, height = 56.0, width - 12, 192.0, 176.0
    step = (right - left) / longest if longest else right - left
    every = max(1, longest // (16 if width >= WIDE else 6))
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
