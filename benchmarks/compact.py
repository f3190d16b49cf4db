"""Measures the compact recognizer on data sets: `python benchmarks/compact.py DIRECTORY…`.

Each directory has train.json, dev.json and test.json. For each seed the recognizer is trained
from scratch on train, calibrated on dev and evaluated once on the chosen split, all on one
thread, through the public API. Prints Markdown tables: the mean over the seeds, then each seed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import maksud

if TYPE_CHECKING:
    from maksud import Dataset, Recognizer

LATENCY_SAMPLE = 500
"""Single requests that are timed for each row."""


@dataclass(frozen=True)
class Column:
    """A figure of a row: its key, its heading, and how a mean over seeds is written."""

    key: str
    heading: str
    write: Callable[[float], str]


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


COLUMNS = (
    Column("exact_match", "exact match", _percent),
    Column("intent_accuracy", "intent", _percent),
    Column("slot_f1", "slot F1", _percent),
    Column("in_scope_accuracy", "in-scope accuracy", _percent),
    Column("in_scope_accepted", "in scope, right and accepted", _percent),
    Column("oos_recall", "out-of-scope recall", _percent),
    Column("auroc", "out-of-scope AUROC", lambda v: f"{v:.3f}"),
    Column("ece", "ECE", lambda v: f"{v:.3f}"),
    Column("train_cpu_seconds", "training, CPU s", lambda v: f"{v:.0f}"),
    Column("parameters", "parameters", lambda v: f"{v / 1e6:.2f} M"),
    Column("p50_ms", "p50, ms", lambda v: f"{v:.2f}"),
    Column("p99_ms", "p99, ms", lambda v: f"{v:.2f}"),
)


def measure(data: Dataset, split: str, seed: int, per_intent: int) -> dict[str, Any]:
    """Trains with one seed and evaluates once: a row of figures, None where one has no meaning."""
    examples = data.of(split)
    with tempfile.TemporaryDirectory() as directory:
        run = maksud.train(data, out=Path(directory) / "run", seed=seed, per_intent=per_intent)
        recognizer = maksud.load_recognizer(run)
        report = maksud.evaluate(recognizer, examples, latency_sample=LATENCY_SAMPLE)
        metrics = run.metrics
    figures = report.figures
    outside = figures["out_of_scope"] > 0
    latency = figures["latency_ms"]
    return {
        "seed": seed,
        "train_examples": metrics["examples"],
        "examples": figures["examples"],
        "exact_match": figures["exact_match"],
        "intent_accuracy": figures["intent_accuracy"],
        "slot_f1": figures["slot_f1"] if figures["slots"] else None,
        "in_scope_accuracy": _in_scope_accuracy(recognizer, examples) if outside else None,
        "in_scope_accepted": (
            statistics.mean(
                p.exact and p.accepted for p in report.predictions if not p.out_of_scope
            )
            if outside
            else None
        ),
        "oos_recall": figures["oos_recall"],
        "auroc": figures["auroc"],
        "ece": figures["ece"],
        "train_cpu_seconds": metrics["cpu_seconds"],
        "parameters": metrics["parameters"],
        "p50_ms": latency["p50"],
        "p99_ms": latency["p99"],
        "settings": {k: metrics[k] for k in ("epochs", "members")},
    }


def _in_scope_accuracy(recognizer: Recognizer, examples: Dataset) -> float:
    """Accuracy on the in-scope utterances of the best answer in scope: nothing is refused."""
    catalog = recognizer.contract.catalog
    inside = [e for e in examples if maksud.NONE not in e.calls]
    right = 0
    for at in range(0, len(inside), 32):
        part = inside[at : at + 32]
        answers = recognizer.recognize([e.instruction for e in part])
        for example, answer in zip(part, answers, strict=True):
            options = [answer.calls, *(a.calls for a in answer.alternatives)]
            best = next((calls for calls in options if maksud.NONE not in calls), answer.calls)
            right += best == catalog.named(example.calls)
    return right / len(inside)


def machine() -> dict[str, Any]:
    """The shape of the machine and the versions that the figures depend on."""
    from importlib import metadata

    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": 1,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("maksud", "numpy", "torch")},
        "date": datetime.now(UTC).date().isoformat(),
    }


def table(rows: Sequence[tuple[str, Sequence[dict[str, Any]]]]) -> str:
    """A Markdown table, one line for each (name, rows of its seeds): means over the seeds."""
    shown = [c for c in COLUMNS if any(r[c.key] is not None for _, rows_ in rows for r in rows_)]
    lines = ["| set | seeds | " + " | ".join(c.heading for c in shown) + " |"]
    lines.append("|---" * (len(shown) + 2) + "|")
    for name, of_seeds in rows:
        cells = [name, ", ".join(str(r["seed"]) for r in of_seeds)]
        for column in shown:
            values = [r[column.key] for r in of_seeds if r[column.key] is not None]
            cells.append(column.write(statistics.mean(values)) if values else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path, metavar="DATASET_DIR")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--per-intent", type=int, default=0, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    given = parser.parse_args(arguments)
    # numpy and torch read these when they are first imported: later than this.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    about = machine()
    results: list[tuple[str, list[dict[str, Any]]]] = []
    try:
        for directory in given.directories:
            data = maksud.load(directory)
            name = directory.resolve().name
            if given.per_intent:
                name += f", {given.per_intent} per intent"
            rows: list[dict[str, Any]] = []
            results.append((name, rows))
            for seed in given.seeds:
                rows.append(measure(data, given.split, seed, given.per_intent))
                sys.stderr.write(table([(name, rows[-1:])]).splitlines()[-1] + "\n")
                if given.json is not None:
                    content = {"machine": about, "split": given.split, "sets": dict(results)}
                    given.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except maksud.MaksudError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    described = ", ".join(f"{k} {v}" for k, v in about.items())
    each = [(name, [row]) for name, rows in results for row in rows]
    sys.stdout.write(f"Split: {given.split}. Machine: {described}.\n\n{table(results)}\n")
    if len(given.seeds) > 1:
        sys.stdout.write(f"\nEach seed:\n\n{table(each)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
