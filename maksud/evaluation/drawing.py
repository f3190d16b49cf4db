"""What charts are drawn with: an SVG under way, and a plot with two axes on it.

Every text is escaped here. Colours are classes of the page's style sheet (`f-` fills, `s-`
strokes), so that a chart follows light and dark. It knows nothing of what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape as html_escape

from maksud.evaluation.wording import make_visible


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
            at["transform"] = f"rotate({number(turned)} {number(x)} {number(y)})"
        self.add("text", f"t {css}", at, content)

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """A straight line."""
        self.add("line", css, {"x1": x1, "y1": y1, "x2": x2, "y2": y2})

    def svg(self) -> str:
        """The whole element."""
        head = _attributes(
            {
                "class": self.css,
                "viewBox": f"0 0 {number(self.width)} {number(self.height)}",
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
            value = number(value)
        out.append(f' {key}="{escape(str(value))}"')
    return "".join(out)


def number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Plot:
    """A square with two axes: data coordinates to places on the drawing."""

    drawing: Drawing
    left: float
    top: float
    size: tuple[float, float]
    y_top: float = 1.0
    """The greatest y that is shown; what lies above is drawn at the edge."""
    y_low: float = 0.0
    """The least y that is shown, at most 0; what lies below is drawn at the edge."""

    def x(self, value: float) -> float:
        """Place of an x in [0, 1]."""
        return self.left + self.size[0] * value

    def y(self, value: float) -> float:
        """Place of a y in [`y_low`, `y_top`]."""
        share = (value - self.y_low) / (self.y_top - self.y_low)
        return self.top + self.size[1] * (1 - min(1.0, max(0.0, share)))

    def axes(self, x_name: str, y_name: str) -> None:
        """Grid, tick labels and the names of the axes."""
        d = self.drawing
        bottom = self.y(self.y_low)
        for k in range(5):
            x = self.x(k / 4)
            d.line(x, self.top, x, bottom, "s-grid")
            d.text(x, bottom + 16, f"{25 * k}", "f-muted middle")
        for tick in ticks(self.y_low, self.y_top):
            y = self.y(tick)
            d.line(self.left, y, self.x(1), y, "s-grid")
            d.text(self.left - 7, y + 4, f"{100 * tick:.3g}".replace("-", "−"), "f-muted end")
        d.line(self.left, self.y(0), self.x(1), self.y(0), "s-axis")
        d.text(self.x(1), bottom + 33, x_name, "f-muted end")
        d.text(self.left - 30, self.top - 12, y_name, "f-muted")


def ticks(low: float, top: float) -> list[float]:
    """Round values around 0 from `low`, at most 0, up to `top`, three to seven of them."""
    raw = (top - low) / (6 if low else 4)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(s * magnitude for s in (1, 2, 2.5, 5, 10) if s * magnitude >= raw - 1e-12)
    return [k * step for k in range(-int(-low / step + 1e-9), int(top / step + 1e-9) + 1)]
