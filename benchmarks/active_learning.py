"""Simulated active learning: `python benchmarks/active_learning.py DIRECTORY…`.

The train split of each directory is a heap of utterances whose labels are revealed on request. In
rounds, the recognizer of `maksud label` learns from what was revealed, is measured on the test
split, and a strategy says which utterances come next: `uncertain` (margins, spread over what is
said: what the application does), `margin` (margins alone), `random`. Counted is how many labels it
takes to reach 95 % of the exact match that all labels give. Prints Markdown; `--svg` draws it.

A small run: `--strategies uncertain random --seeds 0 --pool 1000 --test 300 --most 500`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from reporting import machine

import maksud
from maksud.labelling.learning import POOL, quick
from maksud.labelling.selection import choose, doubt_of
from maksud.language.calls import same_answer

STRATEGIES = ("uncertain", "margin", "random")
Curve = list[tuple[int, float]]
"""Labels, and the exact match that they give."""


def select(
    strategy: str,
    recognizer: maksud.Recognizer,
    said: Sequence[str],
    left: Sequence[int],
    many: int,
    rng: random.Random,
) -> list[int]:
    """The next utterances to be labelled, of those that are left."""
    pool = rng.sample(list(left), min(POOL, len(left)))
    if strategy == "random":
        return pool[:many]
    texts = [said[k] for k in pool]
    doubt = doubt_of(recognizer, texts)
    if strategy == "margin":
        return [pool[int(k)] for k in np.argsort(-doubt, kind="stable")[:many]]
    return [pool[k] for k in choose(texts, doubt, many, rng.randrange(2**31))]


def learn(
    examples: Sequence[maksud.Example], catalog: maksud.Catalog, seed: int, full: bool
) -> Any:
    """The recognizer that the application would make of labels; `full`: as `maksud train` does."""
    data = maksud.Dataset([_plain(e) for e in examples], catalog=catalog, name="revealed")
    settings = {} if full else quick(len(data))
    with tempfile.TemporaryDirectory() as place:
        run = maksud.train(data, out=Path(place) / "run", seed=seed, on_progress=False, **settings)
        return maksud.load_recognizer(run)


def _plain(example: maksud.Example) -> maksud.Example:
    return maksud.Example(example.instruction, example.output)


def exact_match(recognizer: maksud.Recognizer, examples: Sequence[maksud.Example]) -> float:
    """The share of answers that are wholly right."""
    answers = recognizer.recognize([e.instruction for e in examples])
    return statistics.mean(
        same_answer(a.calls, recognizer.contract.catalog.name_arguments(e.calls))
        for a, e in zip(answers, examples, strict=True)
    )


def simulate(
    strategy: str,
    pool: Sequence[maksud.Example],
    test: Sequence[maksud.Example],
    catalog: maksud.Catalog,
    seed: int,
    given: argparse.Namespace,
    tell: Callable[[int, float], None],
) -> Curve:
    """Labels are revealed in rounds, each `grow` times as many as before."""
    rng = random.Random(seed)
    said = [e.instruction for e in pool]
    left = list(range(len(pool)))
    rng.shuffle(left)
    known, left = left[: given.start], left[given.start :]  # the same start for all strategies
    curve: Curve = []
    while True:
        recognizer = learn([pool[k] for k in known], catalog, seed, given.full)
        curve.append((len(known), exact_match(recognizer, test)))
        tell(*curve[-1])
        wanted = min(given.most or len(pool), len(pool), round(len(known) * given.grow))
        if wanted <= len(known):
            return curve
        new = select(strategy, recognizer, said, left, wanted - len(known), rng)
        known += new
        gone = set(new)
        left = [k for k in left if k not in gone]


def labels_needed(curve: Curve, goal: float) -> float | None:
    """Where the curve first reaches the goal, between its points on a straight line; None where it
    does not."""
    for (n, before), (m, after) in zip(curve, curve[1:], strict=False):
        if before >= goal:
            return float(n)
        if after >= goal:
            return n + (goal - before) / (after - before) * (m - n)
    return float(curve[-1][0]) if curve and curve[-1][1] >= goal else None


def measure(directory: Path, given: argparse.Namespace) -> dict[str, Any]:
    """All strategies and seeds on one data set."""
    train = list(maksud.load(directory / "train.json"))
    test = list(maksud.load(directory / "test.json"))
    found: dict[str, Any] = {"set": directory.name, "curves": {}, "full": {}, "needed": {}}
    for seed in given.seeds:
        rng = random.Random(1000 + seed)
        pool = rng.sample(train, min(given.pool or len(train), len(train)))
        asked = rng.sample(test, min(given.test or len(test), len(test)))
        data = maksud.Dataset([_plain(e) for e in pool])
        # What the inferred catalog does not allow is left out by `maksud train` as well.
        kept, repeating = data.part_repeating()
        catalog, pool = kept.catalog, list(kept)
        if repeating:
            sys.stderr.write(f"{directory.name}: {len(repeating)} rows with a value too many\n")
        begun = time.perf_counter()

        def tell(
            labels: int, share: float, what: str, at: tuple[int, float] = (seed, begun)
        ) -> None:
            seconds = time.perf_counter() - at[1]
            sys.stderr.write(
                f"{directory.name} seed {at[0]} {what}: {labels} labels, {share:.1%}, "
                f"{seconds:.0f} s\n"
            )

        whole = exact_match(learn(pool, catalog, seed, given.full), asked)
        tell(len(pool), whole, "all")
        found["full"][str(seed)] = {"labels": len(pool), "exact_match": whole}
        for strategy in given.strategies:
            curve = simulate(
                strategy, pool, asked, catalog, seed, given,
                lambda n, share, s=strategy: tell(n, share, s),  # type: ignore[misc]
            )  # fmt: skip
            found["curves"].setdefault(strategy, {})[str(seed)] = curve
            needed = labels_needed(curve, given.goal * whole)
            found["needed"].setdefault(strategy, {})[str(seed)] = needed
    return found


def show(found: Sequence[dict[str, Any]], goal: float) -> str:
    """The labels needed, as a Markdown table: the mean over seeds, and each."""
    out = [
        f"| set | strategy | labels to {goal:.0%} of full-data exact match | each seed "
        "| share of random's |",
        "|---|---|---:|---|---:|",
    ]
    for f in found:
        base = _mean(f["needed"].get("random", {}))
        for strategy, needed in f["needed"].items():
            mean = _mean(needed)
            each = ", ".join("not reached" if n is None else f"{n:,.0f}" for n in needed.values())
            share = f"{mean / base:.0%}" if mean is not None and base else "–"
            out.append(f"| {f['set']} | {strategy} | {_figure(mean)} | {each} | {share} |")
        full = [v["exact_match"] for v in f["full"].values()]
        labels = next(iter(f["full"].values()))["labels"]
        out.append(f"| {f['set']} | all labels | {labels:,} | exact match "
                   f"{statistics.mean(full):.1%} | |")  # fmt: skip
    return "\n".join(out)


def _figure(mean: float | None) -> str:
    return "not reached" if mean is None else f"{mean:,.0f}"


def _mean(needed: dict[str, float | None]) -> float | None:
    known = [n for n in needed.values() if n is not None]
    return statistics.mean(known) if known and len(known) == len(needed) else None


# ---------------------------------------------------------------- the picture

_INK = {"uncertain": "#2360a8", "margin": "#1f6e4d", "random": "#b33d14"}
_DASH = {"uncertain": "", "margin": "6 4", "random": "2 4"}
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b2430}.axis{stroke:#7d8897}.grid{stroke:#d5dae2}"
    "@media(prefers-color-scheme:dark){text{fill:#e4e9f0}.grid{stroke:#2f3945}}"
)
_WIDE, _HIGH, _LEFT, _TOP = 460, 300, 56, 40


def draw(found: Sequence[dict[str, Any]], goal: float) -> str:
    """The curves as SVG: exact match over labels (on a logarithmic axis), a panel for each set.

    Strategies differ in colour and in how their line is dashed; the mean over seeds is drawn, and
    each seed thinly.
    """
    width = len(found) * (_WIDE + _LEFT + 30)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HIGH + 100}" role="img" '
        'aria-label="Exact match over labels, for each strategy">',
        f"<style>{_STYLE}</style>",
    ]
    for k, f in enumerate(found):
        parts.append(f'<g transform="translate({k * (_WIDE + _LEFT + 30) + _LEFT},{_TOP})">')
        parts += _panel(f, goal)
        parts.append("</g>")
    return "".join(parts) + "</svg>\n"


def _panel(found: dict[str, Any], goal: float) -> list[str]:
    curves = [c for of in found["curves"].values() for c in of.values()]
    full = statistics.mean(v["exact_match"] for v in found["full"].values())
    points = [p for c in curves for p in c]
    low, high = np.log(min(n for n, _ in points)), np.log(max(n for n, _ in points))
    top = max([full, *(share for _, share in points)]) * 1.05

    def at(n: float, share: float) -> str:
        x = (np.log(n) - low) / max(1e-9, high - low) * _WIDE
        return f"{x:.1f} {_HIGH * (1 - share / top):.1f}"

    name = escape(found["set"])
    out = [f'<text x="0" y="-18" font-weight="600">{name}</text>']
    for k in range(0, int(top * 10) + 1):
        y = _HIGH * (1 - k / 10 / top)
        out.append(f'<path class="grid" d="M0 {y:.1f}H{_WIDE}"/>')
        out.append(f'<text x="-8" y="{y + 4:.1f}" text-anchor="end">{k * 10} %</text>')
    for n in sorted({n for n, _ in points}):
        x = at(n, 0).split()[0]
        out.append(f'<path class="axis" d="M{x} {_HIGH}v5"/>')
    for n in (min(n for n, _ in points), max(n for n, _ in points)):
        x = at(n, 0).split()[0]
        out.append(f'<text x="{x}" y="{_HIGH + 22}" text-anchor="middle">{n:,}</text>')
    out.append(f'<text x="{_WIDE / 2}" y="{_HIGH + 22}" text-anchor="middle">labels</text>')
    y = _HIGH * (1 - goal * full / top)
    out.append(f'<path class="axis" stroke-dasharray="3 3" d="M0 {y:.1f}H{_WIDE}"/>')
    all_labels = next(iter(found["full"].values()))["labels"]
    words = f"{goal:.0%} of all {all_labels:,} labels"
    out.append(f'<text x="4" y="{y - 5:.1f}">{words}</text>')
    for row, (strategy, of) in enumerate(found["curves"].items()):
        line = f'fill="none" stroke="{_INK[strategy]}" stroke-dasharray="{_DASH[strategy]}"'
        for curve in of.values():
            out.append(f'<path {line} opacity="0.35" d="M{"L".join(at(*p) for p in curve)}"/>')
        lengths = [n for n, _ in next(iter(of.values()))]
        mean = [(n, statistics.mean(c[k][1] for c in of.values())) for k, n in enumerate(lengths)]
        out.append(f'<path {line} stroke-width="2.5" d="M{"L".join(at(*p) for p in mean)}"/>')
        x = row * 130
        out.append(f'<path {line} stroke-width="2.5" d="M{x} {_HIGH + 44}h28"/>')
        out.append(f'<text x="{x + 34}" y="{_HIGH + 48}">{strategy}</text>')
    return out


def main(argv: Sequence[str] | None = None) -> None:
    """Runs all, prints tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("directories", nargs="+", type=Path, metavar="DATASET_DIR")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--start", type=int, default=100, help="labels of the first round, random")
    parser.add_argument("--grow", type=float, default=1.4, help="labels of a round, times the last")
    parser.add_argument("--most", type=int, default=0, help="labels of the last round; 0: all")
    parser.add_argument("--pool", type=int, default=0, help="rows of train; 0: all")
    parser.add_argument("--test", type=int, default=0, help="rows of test; 0: all")
    parser.add_argument("--goal", type=float, default=0.95, help="share of full-data exact match")
    parser.add_argument("--full", action="store_true", help="train as `maksud train` does")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--svg", type=Path, help="draw the curves here")
    given = parser.parse_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    found = []
    for directory in given.directories:
        found.append(measure(directory, given))
        if given.json:  # what is there already, should it be ended
            about = {"machine": machine(), "goal": given.goal, "full": given.full, "sets": found}
            given.json.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        if given.svg:
            given.svg.write_text(draw(found, given.goal), encoding="utf-8")
    sys.stdout.write(show(found, given.goal) + "\n")


if __name__ == "__main__":
    main()
