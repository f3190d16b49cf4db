"""Small charts as SVG text: bars with an interval, reliability, risk-coverage, utility, a heat map.

Numbers and texts in, SVG out (see `drawing`). Each chart has a title and a description for those
who can't see it. It knows nothing of reports.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from maksud.evaluation.drawing import Drawing, Plot, escape, number
from maksud.evaluation.wording import make_visible, per_hundred, percent, percent_range
from maksud.recognizers.measures import Bin

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
        f'<rect class="f-{tone}" width="{number(1000 * share)}" height="20"/>',
    ]
    if interval is not None:
        low, high = (1000 * x for x in interval)
        for x1, y1, x2, y2 in ((low, 10, high, 10), (low, 4, low, 16), (high, 4, high, 16)):
            for css in ("s-halo", "s-whisker"):
                out.append(
                    f'<line class="{css}" x1="{number(x1)}" y1="{y1}" x2="{number(x2)}" '
                    f'y2="{y2}" vector-effect="non-scaling-stroke"/>'
                )
    return "".join(out) + "</svg>"


# ---------------------------------------------------------------- two axes


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
        route = " L".join(f"{number(plot.x(c))} {number(plot.y(r))}" for c, r in curve)
        first, end = number(plot.x(curve[0][0])), number(plot.x(last[0]))
        bottom = number(plot.y(0))
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


def utility(
    curve: Sequence[tuple[float, float]],
    at: tuple[float, float],
    best: tuple[float, float] | None,
    name: str = "utility",
) -> str:
    """Utility over the threshold: what acting from there on is worth.

    `curve`: (confidence, utility of a hundred utterances when acting from it on), from the surest
    answers to all. `at`: the threshold in force and its utility; `best`: the best threshold on
    these answers; None where acting on nothing is best.
    """
    values = [v / 100 for _, v in (*curve, at)]
    most = max(0.02, *values)
    # A wrong act may cost many right ones: what is far below nought must not set the scale.
    low = min(0.0, max(-max(most, 0.1), 1.05 * min(values)))
    top = most + 0.2 * (most - low)  # room for the words above the curve
    place = (min(1.0, at[0]), at[1] / 100)
    threshold = f"threshold {at[0]:.3g}"
    text = f"At the {threshold}, 100 utterances are worth {per_hundred(at[1])} right acts."
    if best is None:
        text += " Acting on nothing would be best on these answers."
    else:
        text += f" The best on these answers, {best[0]:.3g}, gives {per_hundred(best[1])}."
    d = Drawing(400, 400, name, "Utility over the threshold", text)
    plot = Plot(d, 42, 28, (344, 316), top, low)
    plot.axes("threshold, %", "utility of 100 utterances, in right acts")
    if curve:
        route = [f"M{number(plot.x(1))} {number(plot.y(0))}"]
        for confidence, value in curve:
            route.append(f"H{number(plot.x(confidence))}V{number(plot.y(value / 100))}")
        d.add("path", "s-accent curve", {"d": "".join(route) + f"H{number(plot.x(0))}"})
    if best is not None:
        x, y = plot.x(best[0]), plot.y(best[1] / 100)
        d.line(x, y, x, plot.y(low), "s-good dashed")
        d.add("circle", "s-good ring", {"cx": x, "cy": y, "r": 8})
        left = best[0] > 0.5
        side, css = (x - 8, "end") if left else (x + 8, "")
        foot = plot.y(low)
        d.text(side, foot - 26, f"best here: {best[0]:.3g}", f"f-good bold halo {css}")
        d.text(side, foot - 10, f"utility {per_hundred(best[1])}", f"f-ink halo {css}")
    x, y = plot.x(place[0]), plot.y(place[1])
    d.line(x, y, x, plot.top, "s-warm dashed")
    d.add("circle", "f-warm s-surface", {"cx": x, "cy": y, "r": 5.5})
    side, css = (x - 8, "end") if place[0] > 0.5 else (x + 8, "")
    d.text(side, plot.top + 14, threshold, f"f-warm bold halo {css}")
    d.text(side, plot.top + 30, f"utility {per_hundred(at[1])}", f"f-ink halo {css}")
    return d.svg()


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
