"""Measures a kind of recognizer on data sets:

    python benchmarks/recognizers.py DIRECTORY… [--base e5-small] [--set depth=frozen]

Each directory has train.json, dev.json and test.json. For each seed the recognizer is trained
on train, calibrated on dev and evaluated once on the chosen split, all on one thread, through the
public API. Prints Markdown tables: the mean over the seeds, then each seed. `--ask DIRECTORY` asks
the test rows of another set, in another language, of the same recognizer.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reporting import Column, Row, arguments, percent, run

import maksud
from maksud.settings import read_pairs

LATENCY_SAMPLE = 500
"""Single requests that are timed for each row."""


COLUMNS = (
    percent("exact_match", "exact match"),
    percent("intent_accuracy", "intent"),
    percent("slot_f1", "slot F1"),
    percent("in_scope_accuracy", "in-scope accuracy"),
    percent("in_scope_accepted", "in scope, right and accepted"),
    percent("oos_recall", "out-of-scope recall"),
    Column("auroc", "out-of-scope AUROC", ".3f"),
    Column("ece", "ECE", ".3f"),
    Column("train_cpu_seconds", "training, CPU s", ".0f"),
    Column("parameters", "parameters, million", ".2f", 1e-6),
    Column("p50_ms", "p50, ms", ".2f"),
    Column("p99_ms", "p99, ms", ".2f"),
)


def measure(data: maksud.Dataset, given: argparse.Namespace, seed: int) -> Row:
    """Trains with one seed and evaluates once: a row of figures, None where one has no meaning."""
    examples = data.of(given.split)
    with tempfile.TemporaryDirectory() as directory:
        out = Path(given.keep or directory) / f"{data.name}-{seed}"
        trained = maksud.train(
            data, base=given.base, out=out, seed=seed, per_intent=given.per_intent,
            on_progress=False, **read_pairs(given.set),
        )  # fmt: skip
        recognizer = maksud.load_recognizer(trained)
        report = maksud.evaluate(recognizer, examples, latency_sample=LATENCY_SAMPLE)
        metrics = trained.metrics
        _ask_others(recognizer, given.ask)
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
        "settings": {k: metrics[k] for k in ("epochs", "members") if k in metrics},
    }


def _ask_others(recognizer: maksud.Recognizer, directories: Sequence[Path]) -> None:
    """Figures of test rows that the recognizer was not made for, to standard error."""
    for directory in directories:
        figures = maksud.evaluate(recognizer, maksud.load(directory).test).figures
        sys.stderr.write(
            f"asked {directory.name}: exact {figures['exact_match']:.1%}, "
            f"intent {figures['intent_accuracy']:.1%}\n"
        )


def _in_scope_accuracy(recognizer: maksud.Recognizer, examples: maksud.Dataset) -> float:
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
            right += best == catalog.name_arguments(example.calls)
    return right / len(inside)


def main(given: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = arguments(__doc__, seeds=(0, 1, 2))
    parser.add_argument("--base", default="compact")
    parser.add_argument("--per-intent", type=int, default=0, metavar="N")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--ask", nargs="+", type=Path, default=[], metavar="DATASET_DIR")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs here")
    options = parser.parse_args(given)
    # numpy and torch read these when they are first imported: later than this.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    return run(
        options,
        COLUMNS,
        lambda data, seed: measure(data, options, seed),
        suffix=f", {options.per_intent} per intent" if options.per_intent else "",
    )


if __name__ == "__main__":
    sys.exit(main())
