"""Measures `find_label_errors`: `python benchmarks/label_errors.py DIRECTORY…`.

Wrong answers are planted into a share of each directory's train split, half of them in the
intent, half in the arguments (`plant`), and looked for. Of each kind the first n suspects count,
n being the number planted of that kind. A suspect that was not planted counts as a miss, though
published sets have errors of their own: the figures are lower bounds. Writes JSON and Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import maksud
from maksud.language.calls import Argument, Call, format_calls, same_answer

if TYPE_CHECKING:
    from maksud import Catalog, Dataset, Example

Planted = tuple[str, str]
"""Kind (`intent` or `arguments`) and the way in which the answer was made wrong."""


def plant(data: Dataset, share: float, seed: int) -> tuple[Dataset, dict[int, Planted]]:
    """The data with a share of wrong answers, and which rows have them.

    Half of them: one call's intent is replaced by another of the set, each equally likely; of
    its arguments those stay whose names the other intent has. Half: one argument is made wrong
    in one of the ways of `_other_arguments`, each way that is possible equally likely.
    """
    rng = random.Random(seed)
    catalog = data.catalog
    number = round(share * len(data))
    wanted = {"intent": number // 2, "arguments": number - number // 2}
    examples = list(data)
    planted: dict[int, Planted] = {}
    for k in rng.sample(range(len(data)), len(data)):
        kinds = sorted((kind for kind in wanted if wanted[kind]), key=lambda kind: -wanted[kind])
        for kind in kinds:
            change = _other_intent if kind == "intent" else _other_arguments
            changed = change(examples[k], catalog, rng)
            if changed is not None:
                output, way = changed
                examples[k] = replace(examples[k], output=output)
                planted[k] = (kind, way)
                wanted[kind] -= 1
                break
        if not any(wanted.values()):
            break
    return maksud.Dataset(examples, catalog=catalog, name=data.name), planted


def _other_intent(e: Example, catalog: Catalog, rng: random.Random) -> tuple[str, str] | None:
    calls = list(catalog.name_arguments(e.calls))
    at = rng.randrange(len(calls))
    others = [i for i in catalog.intents if i.name != calls[at].intent]
    if not others:
        return None
    intent = rng.choice(others)
    kept = tuple(a for a in calls[at].arguments if intent.parameter(a.name or ""))
    calls[at] = Call(intent.name, kept)
    return format_calls(calls), "intent"


def _other_arguments(e: Example, catalog: Catalog, rng: random.Random) -> tuple[str, str] | None:
    """shift, shrink, extend: a value's words, by one; rename: another parameter; drop."""
    calls = catalog.name_arguments(e.calls)
    words = e.instruction.split()
    places: dict[tuple[int, int], tuple[int, int]] = {}
    used: set[int] = set()
    for c, call in enumerate(calls):
        for a, argument in enumerate(call.arguments):
            value = argument.value.split()
            for i in range(len(words) - len(value) + 1):
                j = i + len(value)
                if words[i:j] == value and not used & set(range(i, j)):
                    places[c, a] = (i, j)
                    used.update(range(i, j))
                    break
    free = set(range(len(words))) - used
    options: defaultdict[str, list[tuple[int, int, Argument | None]]] = defaultdict(list)

    def offer(way: str, c: int, a: int, i: int, j: int) -> None:
        name = calls[c].arguments[a].name
        options[way].append((c, a, Argument(name, " ".join(words[i:j]))))

    for (c, a), (i, j) in places.items():
        if j in free:
            offer("shift", c, a, i + 1, j + 1)
            offer("extend", c, a, i, j + 1)
        if i - 1 in free:
            offer("shift", c, a, i - 1, j - 1)
            offer("extend", c, a, i - 1, j)
        if j - i > 1:
            offer("shrink", c, a, i + 1, j)
            offer("shrink", c, a, i, j - 1)
    for c, call in enumerate(calls):
        intent = catalog.get(call.intent)
        for a, argument in enumerate(call.arguments):
            options["drop"].append((c, a, None))
            own = intent.parameter(argument.name or "") if intent else None
            for p in intent.parameters if intent and own else ():
                if p.name != argument.name and own and p.type == own.type == "text":
                    options["rename"].append((c, a, Argument(p.name, argument.value)))
    if not options:
        return None
    way = rng.choice(sorted(options))
    c, a, new = rng.choice(options[way])
    arguments = list(calls[c].arguments)
    arguments[a : a + 1] = [new] if new is not None else []
    changed = list(calls)
    changed[c] = Call(calls[c].intent, tuple(arguments))
    return None if same_answer(changed, calls) else (format_calls(changed), way)


def measure(data: Dataset, share: float, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Figures for one set and seed."""
    from maksud.evaluation.doubts import Kind
    from maksud.evaluation.label_errors import find_label_errors

    dirty, planted = plant(data, share, seed)
    found = find_label_errors(dirty, folds=given.folds, rounds=given.rounds, seed=given.seed)
    row: dict[str, Any] = {
        "seed": seed,
        "rows": len(data),
        "cpu_seconds": found.cpu_seconds,
        "left_out": dict(found.left_out),
    }
    for kind in get_args(Kind):
        wanted = {k for k, (of, _) in planted.items() if of == kind}
        suspects = found.of(kind)
        listed = [e.row for e in suspects]
        top = suspects[: len(wanted)]
        hits = [e for e in top if e.row in wanted]
        right = [same_answer(maksud.parse_calls(e.suggested), data[e.row].calls) for e in hits]
        ways = Counter(planted[k][1] for k in wanted)
        found_ways = Counter(planted[e.row][1] for e in hits)
        row[kind] = {
            "planted": len(wanted),
            "listed": len(listed),
            "confident": sum(e.confident for e in suspects),
            "precision": len(hits) / max(1, len(top)),
            "recall": len(hits) / len(wanted),
            "recall_listed": len(wanted & set(listed)) / len(wanted),
            "precision_at_100": sum(k in wanted for k in listed[:100]) / max(1, len(listed[:100])),
            "suggestion_right": statistics.mean(right) if right else 0.0,
            "recall_by_way": {way: found_ways[way] / n for way, n in sorted(ways.items())},
        }
    return row


def table(sets: Iterable[tuple[str, Sequence[dict[str, Any]]]]) -> str:
    """A Markdown table: the mean over the seeds of each set and kind."""
    lines = [
        "| set | kind | planted | precision | recall | precision of the first 100 | "
        "planted and listed | suggestion right | CPU min |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, rows in sets:
        minutes = statistics.mean(r["cpu_seconds"] for r in rows) / 60
        for kind in ("intent", "arguments"):
            mean = {
                key: statistics.mean(r[kind][key] for r in rows)
                for key in ("planted", "precision", "recall", "precision_at_100")
                + ("recall_listed", "suggestion_right")
            }
            cells = [name, kind, f"{mean.pop('planted'):.0f}"]
            cells += [f"{100 * v:.1f} %" for v in mean.values()] + [f"{minutes:.1f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    from reporting import machine  # beside this file

    from maksud.evaluation.label_errors import FOLDS, ROUNDS, find_label_errors

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path, metavar="DATASET_DIR")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of planting")
    parser.add_argument("--share", type=float, default=0.05, help="of wrong answers; 0 plants none")
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=0, help="of folds and networks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    given = parser.parse_args(arguments)
    # torch reads these when it is first imported: later than this.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    results: dict[str, Any] = {}
    try:
        for directory in given.directories:
            data = maksud.load(directory).train
            name = directory.resolve().name
            if not given.share:  # the data as it is: everything that is found, to be read
                found = find_label_errors(
                    data, folds=given.folds, rounds=given.rounds, seed=given.seed
                )
                results[name] = found.to_json()
            for seed in given.seeds if given.share else ():
                rows = results.setdefault(name, [])
                rows.append(measure(data, given.share, seed, given))
                sys.stderr.write(table([(name, rows[-1:])]).split("\n", 2)[2] + "\n")
            if given.json is not None:
                content = {"machine": machine(), "share": given.share, "sets": results}
                text = json.dumps(content, ensure_ascii=False, indent=1)
                given.json.write_text(text + "\n", encoding="utf-8")
    except maksud.MaksudError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if given.share:
        sys.stdout.write(f"{table(results.items())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
