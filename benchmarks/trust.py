"""How far answers can be acted on: decisions, scope, contrast pairs. Run by hand:

    python benchmarks/trust.py DIRECTORY… [--left-out 5 --turns 2] [--set members=2 …]
    python benchmarks/trust.py DIRECTORY --run RUN [--rows 200]

A directory holds train.json and test.json (dev.json; contrast.json). Three tables:

1. utility per hundred utterances of test (right acts less wrong_cost times the wrong ones) at the
   run's own threshold, beside the best that test itself would choose, and ECE;
2. out of scope without examples: training rows of `none()` are left out; where `--left-out` says,
   so many intents too, by turns, which then are the unknown of test;
3. contrast pairs: both members right.

Nothing is tuned here: the defaults are trained, or what `--set` says.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load
from maksud.language.calls import NONE, same_answer
from maksud.recognizers.decision import Rule, best_threshold, utility
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.measures import auroc, ece
from maksud.recognizers.recognition import Recognition, Recognizer
from maksud.settings import read_pairs

COSTS = (1.0, 3.0, 10.0)


def main() -> None:
    """Trains, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--base", default="compact")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-intent", type=int, default=0)
    parser.add_argument("--left-out", type=int, default=0, help="intents left out at a time")
    parser.add_argument("--turns", type=int, default=2, help="how often that is done")
    parser.add_argument("--no-none", action="store_true", help="leave none() rows out of training")
    parser.add_argument("--run", type=Path, help="measure this run: train nothing, only table 1")
    parser.add_argument("--rows", type=int, default=0, help="of test, at random; 0: all")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    settings: dict[str, Any] = {**read_pairs(given.set)}
    settings |= {"base": given.base, "seed": given.seed, "per_intent": given.per_intent}
    for directory in given.directories:
        data = load(directory)
        if given.run:
            asked = list(data.test)
            if given.rows:
                asked = random.Random(0).sample(asked, min(given.rows, len(asked)))
            _print_decisions(directory.name, _judge(load_recognizer(given.run), asked), "")
        elif given.left_out:
            for turn in range(given.turns):
                _measure_scope(directory.name, data, given.left_out, turn, settings)
        else:
            _measure_decisions(directory, data, settings, given.no_none)


def _measure_decisions(
    directory: Path, data: Dataset, settings: dict[str, Any], no_none: bool
) -> None:
    if no_none:
        data = Dataset(
            (e for e in data if e.split == "test" or NONE not in e.calls),
            catalog=data.declared_catalog,
            name=data.name,
        )
    with tempfile.TemporaryDirectory() as room:
        run = train(data, out=Path(room) / "run", on_progress=False, **settings)
        recognizer = load_recognizer(run)
        judged = _judge(recognizer, list(data.test))
        outside = [NONE in e.calls for e in data.test]
        _print_decisions(directory.name, judged, f", {run.metrics['total_cpu_seconds']:.0f} CPU s")
        if any(outside):
            _print_scope(judged, outside)
        pairs = directory / "contrast.json"
        if pairs.exists():
            _print_pairs(recognizer, list(load(pairs)))


def _print_decisions(name: str, judged: _Judged, more: str) -> None:
    _say(
        f"{name}: {len(judged.right)} rows, exact {_share(judged.right)}, "
        f"intents {_share(judged.intents)}, "
        f"ECE {ece(judged.confidence, judged.right):.3f}{more}"
    )
    for cost in COSTS:
        own, best = _utilities(judged, cost)
        _say(f"  wrong_cost {cost:>4g}: utility {own:6.1f}, best {best:6.1f}, gap {best - own:.1f}")


def _measure_scope(
    name: str, data: Dataset, left_out: int, turn: int, settings: dict[str, Any]
) -> None:
    """Some intents are never shown in training; their rows in test are the unknown."""
    intents = sorted({c.intent for e in data.train for c in e.calls if c != NONE})
    order = random.Random(0).sample(intents, len(intents))
    hidden = set((order * 2)[left_out * turn : left_out * (turn + 1)])

    def known(e: Example) -> bool:
        return NONE not in e.calls and not hidden & {c.intent for c in e.calls}

    shown = Dataset((e for e in data if e.split != "test" and known(e)), name=data.name)
    test = [e for e in data.test if NONE not in e.calls]
    with tempfile.TemporaryDirectory() as room:
        run = train(shown, out=Path(room) / "run", on_progress=False, **settings)
        judged = _judge(load_recognizer(run), test)
    outside = [bool(hidden & {c.intent for c in e.calls}) for e in test]
    _say(f"{name}, turn {turn}: without {', '.join(sorted(hidden))}")
    _print_scope(judged, outside)


class _Judged:
    def __init__(
        self, answers: Sequence[Recognition], right: list[bool], intents: list[bool]
    ) -> None:
        self.answers = answers
        self.intents = intents
        self.right = right
        self.confidence = [a.confidence for a in answers]
        self.gate = [0.0 if NONE in a.calls else a.confidence for a in answers]
        self.accepted = [a.accepted for a in answers]


def _judge(recognizer: Recognizer, examples: Sequence[Example]) -> _Judged:
    catalog = recognizer.contract.catalog
    answers = recognizer.recognize([e.instruction for e in examples])
    right = [
        same_answer(a.calls, catalog.name_arguments(e.calls))
        for a, e in zip(answers, examples, strict=True)
    ]
    intents = [
        [c.intent for c in a.calls] == [c.intent for c in e.calls]
        for a, e in zip(answers, examples, strict=True)
    ]
    return _Judged(answers, right, intents)


def _utilities(judged: _Judged, cost: float) -> tuple[float, float]:
    """(at Chow's threshold, at the best one), per hundred utterances."""
    rule = Rule(cost)
    acted = [
        r for g, r in zip(judged.gate, judged.right, strict=True) if g >= rule.least_confidence
    ]
    own = utility(sum(acted), len(acted) - sum(acted), rule)
    return 100 * own / len(judged.right), best_threshold(judged.gate, judged.right, rule)[1]


def _print_scope(judged: _Judged, outside: list[bool]) -> None:
    inside = [not o for o in outside]
    score = [1 - a.out_of_scope for a in judged.answers]
    right_in = [k for k, i in enumerate(inside) if i and judged.intents[k]]
    # The threshold of the scope score that refuses two in a hundred of what is in scope and right.
    kept = sorted(score[k] for k in right_in)
    limit = kept[int(0.02 * sum(inside))] if kept else 0.0
    refused = [score[k] < limit for k in range(len(score)) if outside[k]]
    acts = [a for a, o in zip(judged.accepted, outside, strict=True) if o]
    lost = [not judged.accepted[k] for k in right_in]
    _say(
        f"  out of scope: AUROC {auroc(score, inside) or 0:.3f} (by confidence "
        f"{auroc(judged.gate, inside) or 0:.3f}); recall {_share(refused)} where 2 points in scope "
        f"are lost; at the run's threshold recall {1 - sum(acts) / len(acts):.1%}, "
        f"{100 * sum(lost) / sum(inside):.1f} points of right intents in scope refused, "
        f"intents right in scope {100 * len(right_in) / sum(inside):.1f}"
    )


def _print_pairs(recognizer: Recognizer, examples: Sequence[Example]) -> None:
    judged = _judge(recognizer, examples)
    pairs: defaultdict[str, list[bool]] = defaultdict(list)
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for e, right in zip(examples, judged.right, strict=True):
        name = str(e.metadata["pair"])
        pairs[name].append(right)
        for field in ("wording", "kind"):
            if e.metadata.get(field):
                groups[str(e.metadata[field])].add(name)
    _say(f"  contrast pairs: both right {_share(list(map(all, pairs.values())))} of {len(pairs)}")
    shares = (
        f"{name} {_share([all(pairs[p]) for p in members])} of {len(members)}"
        for name, members in sorted(groups.items())
    )
    _say("    " + ", ".join(shares))
    wrong = [a and not r for a, r in zip(judged.accepted, judged.right, strict=True)]
    _say(f"    acted on wrongly: {_share(wrong)} of {len(wrong)} members")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _share(flags: Sequence[bool]) -> str:
    return f"{100 * sum(flags) / len(flags):.1f} %" if flags else "–"


if __name__ == "__main__":
    main()
