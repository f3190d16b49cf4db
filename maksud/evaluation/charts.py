"""Small charts as SVG text: bars with an interval, reliability, risk-coverage, a heat map.

Numbers and texts in, SVG out; every text is escaped here. Colours are classes of the page's
style sheet (`f-` fills, `s-` strokes), so that a chart follows light and dark. Each chart has a
title and a description for those who can't see it. It knows nothing of reports.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape as html_escape
from types import MappingProxyType

from maksud.evaluation.wording import make_visible, percent, percent_range
from maksud.recognizers.measures import Bin


@dataclass
class Drawing:
    """An SVG under way. `name` makes the ids of its title and description."""

    width: float
    height: float
    name: str
    title: str
    description: str
    css: str = "chart"
    parts: list[str] = field(default_factory=list)

    def add(
        self,
        tag: str,
        css: str,
        at: Mapping[str, object],
        content: str = "",
        hover: str = "",
        link: str = "",
    ) -> None:
        """One element: its classes, its attributes, its text, the text of its tooltip, and where
        it leads to."""
        tip = f"<title>{escape(hover)}</title>" if hover else ""
        head = _attributes({"class": css, **at})
        part = f"<{tag}{head}>{tip}{escape(content)}</{tag}>"
        if link:
            part = f'<a href="{escape(link)}" aria-label="{escape(hover)}">{part}</a>'
        self.parts.append(part)

    def text(self, x: float, y: float, content: str, css: str, turned: float = 0) -> None:
        """A text; `css` says its colour, size and anchor."""
        at: dict[str, object] = {"x": x, "y": y}
        if turned:
            at["transform"] = f"rotate({_number(turned)} {_number(x)} {_number(y)})"
        self.add("text", f"t {css}", at, content)

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """A straight line."""
        self.add("line", css, {"x1": x1, "y1": y1, "x2": x2, "y2": y2})

    def svg(self) -> str:
        """The whole element."""
        head = _attributes(
            {
                "class": self.css,
                "viewBox": f"0 0 {_number(self.width)} {_number(self.height)}",
                "width": self.width,
                "height": self.height,
                "role": "img",
                "aria-labelledby": f"{self.name}-title {self.name}-text",
            }
        )
        title = f'<title id="{self.name}-title">{escape(self.title)}</title>'
        text = f'<desc id="{self.name}-text">{escape(self.description)}</desc>'
        return f"<svg{head}>{title}{text}{''.join(self.parts)}</svg>"


def escape(text: str) -> str:
    """Text that is harmless in SVG, in elements and attributes."""
    return html_escape(make_visible(text))


def _attributes(given: Mapping[str, object]) -> str:
    out = []
    for key, value in given.items():
        if isinstance(value, float | int):
            value = _number(value)
        out.append(f' {key}="{escape(str(value))}"')
    return "".join(out)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


# ---------------------------------------------------------------- bars


def bar(share: float, interval: tuple[float, float] | None = None, tone: str = "accent") -> str:
    """A share in [0, 1] as a bar over the whole width, with its interval as a whisker.

    It stretches with its place; the figures stand in words beside it.
    """
    words = percent(share)
    if interval is not None:
        words += f", 95 % interval {percent_range(*interval)}"
    out = [
        f'<svg class="bar" viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(words)}">',
        '<rect class="f-track" width="1000" height="20"/>',
        f'<rect class="f-{tone}" width="{_number(1000 * share)}" height="20"/>',
    ]
    if interval is not None:
        low, high = (1000 * x for x in interval)
        for x1, y1, x2, y2 in ((low, 10, high, 10), (low, 4, low, 16), (high, 4, high, 16)):
            for css in ("s-halo", "s-whisker"):
                out.append(
                    f'<line class="{css}" x1="{_number(x1)}" y1="{y1}" x2="{_number(x2)}" '
                    f'y2="{y2}" vector-effect="non-scaling-stroke"/>'
                )
    return "".join(out) + "</svg>"


# ---------------------------------------------------------------- two axes


@dataclass(frozen=True)
class Plot:
    """A square with two axes: data coordinates to places on the drawing."""

    drawing: Drawing
    left: float
    top: float
    size: tuple[float, float]
    y_top: float = 1.0
    """The greatest y that is shown; what lies above is drawn at the edge."""

    def x(self, value: float) -> float:
        """Place of an x in [0, 1]."""
        return self.left + self.size[0] * value

    def y(self, value: float) -> float:
        """Place of a y in [0, `y_top`]."""
        return self.top + self.size[1] * (1 - min(value, self.y_top) / self.y_top)

    def axes(self, x_name: str, y_name: str) -> None:
        """Grid, tick labels and the names of the axes."""
        d = self.drawing
        bottom = self.y(0)
        for k in range(5):
            x = self.x(k / 4)
            d.line(x, self.top, x, bottom, "s-grid")
            d.text(x, bottom + 16, f"{25 * k}", "f-muted middle")
        for tick in _ticks(self.y_top):
            y = self.y(tick)
            d.line(self.left, y, self.x(1), y, "s-grid")
            d.text(self.left - 7, y + 4, f"{100 * tick:.3g}", "f-muted end")
        d.line(self.left, bottom, self.x(1), bottom, "s-axis")
        d.text(self.x(1), bottom + 33, x_name, "f-muted end")
        d.text(self.left - 30, self.top - 12, y_name, "f-muted")


def _ticks(top: float) -> list[float]:
    """Round values from 0 up to `top`, four to six of them."""
    raw = top / 4
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(s * magnitude for s in (1, 2, 2.5, 5, 10) if s * magnitude >= raw - 1e-12)
    return [k * step for k in range(int(top / step + 1e-9) + 1)]


def reliability(bins: Sequence[Bin], name: str = "reliability") -> str:
    """The reliability diagram: share right over confidence, with the counts of the bins below.

    The gap to the diagonal is drawn: it is what the calibration error sums up.
    """
    total = sum(b.count for b in bins)
    text = "; ".join(
        f"confidence {percent(b.confidence)}: {percent(b.accuracy)} of {b.count:,} right"
        for b in bins
    )
    d = Drawing(400, 448, name, "Calibration: share right over confidence", text)
    plot = Plot(d, 42, 28, (344, 316))
    plot.axes("confidence, %", "share right, %")
    d.line(plot.x(0), plot.y(0), plot.x(1), plot.y(1), "s-muted dashed")
    for b in bins:
        x = plot.x(b.confidence)
        d.line(x, plot.y(b.accuracy), x, plot.y(b.confidence), "s-warm gap")
    for b in bins:
        hover = f"{b.count:,} answers: confidence {percent(b.confidence)}, "
        radius = 3.5 + 9 * math.sqrt(b.count / total)
        place = {"cx": plot.x(b.confidence), "cy": plot.y(b.accuracy), "r": radius}
        d.add("circle", "f-accent s-surface", place, hover=f"{hover}right {percent(b.accuracy)}")
    d.text(plot.x(0.03), plot.y(0.93), "under-confident", "f-muted small halo")
    d.text(plot.x(0.97), plot.y(0.045), "over-confident", "f-muted small end halo")
    base, room = 434.0, 30.0
    most = max((b.count for b in bins), default=1)
    d.line(plot.left, base, plot.x(1), base, "s-axis")
    for b in bins:
        height = max(1.0, room * b.count / most)
        left, right = plot.x(b.low) + 1, plot.x(b.high) - 1
        box = {"x": left, "width": right - left, "y": base - height, "height": height}
        d.add("rect", "f-soft", box)
        d.text((left + right) / 2, base - height - 3, _short_count(b.count), "f-muted tiny middle")
    return d.svg()


def _short_count(count: int) -> str:
    return f"{count}" if count < 10_000 else f"{count / 1000:.0f}k"


def risk_coverage(
    curve: Sequence[tuple[float, float]],
    at: tuple[float, float] | None,
    threshold: float,
    name: str = "risk",
) -> str:
    """The risk-coverage curve: share wrong among the accepted, over the share accepted.

    `curve`: (coverage, risk) from the surest answers to all that can be accepted. `at`: the
    point of the threshold in force; None where nothing is accepted there.
    """
    # The first few answers jump between 0 and 1; they must not set the scale.
    risks = [r for c, r in curve if c >= 0.05] or [r for _, r in curve]
    if at is not None:
        risks.append(at[1])
    top = min(1.0, max(0.02, 1.15 * max(risks, default=0.0)))
    last = curve[-1] if curve else (0.0, 0.0)
    text = f"Of all answers, {percent(last[0])} can be accepted; {percent(last[1])} of them wrong."
    if at is not None:
        text += (
            f" At the threshold {threshold:.3g}, {percent(at[0])} are accepted, "
            f"{percent(at[1])} of them wrong."
        )
    d = Drawing(400, 400, name, "Risk-coverage: share wrong over share accepted", text)
    plot = Plot(d, 42, 28, (344, 316), top)
    plot.axes("accepted, % of all answers", "wrong among the accepted, %")
    if curve:
        route = " L".join(f"{_number(plot.x(c))} {_number(plot.y(r))}" for c, r in curve)
        first, end = _number(plot.x(curve[0][0])), _number(plot.x(last[0]))
        bottom = _number(plot.y(0))
        d.add("path", "f-soft", {"d": f"M{first} {bottom} L{route} L{end} {bottom}Z"})
        d.add("path", "s-accent curve", {"d": f"M{route}"})
    if last[0] < 0.985:
        d.line(plot.x(last[0]), plot.y(0), plot.x(last[0]), plot.top, "s-muted dashed")
        d.text(plot.x(1), plot.top - 5, "the rest: none()", "f-muted small end")
    if at is not None:
        _mark_threshold(plot, at, threshold)
    return d.svg()


def _mark_threshold(plot: Plot, at: tuple[float, float], threshold: float) -> None:
    d = plot.drawing
    x, y = plot.x(at[0]), plot.y(at[1])
    d.line(x, plot.y(0), x, plot.top, "s-warm dashed")
    d.add("circle", "f-warm s-surface", {"cx": x, "cy": y, "r": 5.5})
    left = at[0] > 0.36  # room for the words, where the curve is lower
    place, css = (x - 8, "end") if left else (x + 8, "")
    d.text(place, plot.top + 14, f"threshold {threshold:.3g}", f"f-warm bold halo {css}")
    d.text(place, plot.top + 30, f"{percent(at[0])} accepted,", f"f-ink halo {css}")
    d.text(place, plot.top + 45, f"{percent(at[1])} of them wrong", f"f-ink halo {css}")


# ---------------------------------------------------------------- heat map


def heat_map(
    labels: Sequence[str],
    cells: Mapping[tuple[int, int], int],
    others: Sequence[int],
    totals: Sequence[int],
    aside: Sequence[str],
    links: Mapping[tuple[int, int], str] = MappingProxyType({}),
    *,
    name: str = "confusion",
    small: bool = False,
) -> str:
    """The confusion matrix as a picture: rows are gold, columns are answers.

    `cells`: (row, column) to count. `others`: of each row, what was answered outside the
    columns; `totals`: of each row, all; `aside`: a text at its right. A cell is as strong as its
    share of the row, and leads to where `links` says. `small`: as wide as a phone, with numbers
    in place of the columns' labels.
    """
    n = len(labels)
    columns = n + any(others)
    if small:
        shown = [f"{k + 1} {_shorten(make_visible(label), 14)}" for k, label in enumerate(labels)]
        cell, left, top = 20, 112.0, 40.0
        width = left + columns * cell + 48
    else:
        shown = [_shorten(make_visible(label), 24) for label in labels]
        longest = max((len(s) for s in shown), default=4)
        cell = 40 if n <= 8 else 30 if n <= 12 else 24
        left, top = max(124.0, 14 + 6.7 * longest), 30 + 4.9 * longest
        # Turned labels lean out to the right of their columns.
        ends = [(k + 0.5) * cell + 4.9 * len(label) for k, label in enumerate(shown)]
        width = left + max([columns * cell + 52, *ends])
    d = Drawing(
        width,
        top + n * cell + 10,
        name,
        "Confusion matrix: gold intents against answered intents",
        "; ".join(
            f"{labels[r]} answered as {labels[c]}: {count}"
            for (r, c), count in sorted(cells.items(), key=lambda kv: -kv[1])
            if r != c
        )
        or "no intent was answered for another",
        css="chart natural",
    )
    if small:
        d.text(0, top - 24, "gold ↓   answered →", "f-muted small")
    else:
        d.text(left - 8, top - 8, "gold ↓   answered →", "f-muted small end")
    for k in range(columns):
        x = left + (k + 0.5) * cell
        css = "f-ink small" if k < n else "f-muted small"
        if small:
            d.text(x, top - 6, f"{k + 1}" if k < n else "…", f"{css} middle")
        else:
            d.text(x + 3, top - 7, shown[k] if k < n else "others", css, turned=-45)
    for r in range(n):
        y = top + r * cell
        d.text(left - 8, y + cell / 2 + 4, shown[r], "f-ink small end")
        for c in range(columns):
            count = cells.get((r, c), 0) if c < n else others[r]
            answered = labels[c] if c < n else "others"
            hover = f"{labels[r]} answered as {answered}: {count:,}"
            place = (left + c * cell, y, cell)
            _cell(d, place, count, totals[r], hover, links.get((r, c), ""), right=r == c)
        d.text(left + columns * cell + 8, y + cell / 2 + 4, aside[r], "f-muted small")
    return d.svg()


def _cell(
    d: Drawing,
    place: tuple[float, float, float],
    count: int,
    total: int,
    hover: str,
    link: str,
    *,
    right: bool,
) -> None:
    x, y, size = place
    box = {"x": x + 0.5, "y": y + 0.5, "width": size - 1, "height": size - 1, "rx": 3}
    if not count:
        d.add("rect", "f-diagonal" if right else "f-track", box)
        return
    share = count / total if total else 0.0
    strength = 0.18 + 0.82 * math.sqrt(min(1.0, share))
    d.add("rect", "f-track", box)
    fill = {**box, "fill-opacity": strength}
    d.add("rect", "f-good" if right else "f-warm", fill, hover=hover, link=link)
    css = "f-onfill" if strength > 0.62 else "f-ink"
    d.text(x + size / 2, y + size / 2 + 3.5, _short_count(count), f"{css} tiny middle")


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
