"""Measures a tuned language model on data sets: `python benchmarks/language_model.py DIRECTORY…`.

Each directory has train.json, dev.json and test.json. For each seed the base is tuned on train (a
balanced sample of it with --per-intent), calibrated on dev and evaluated once on the chosen split
through the public API, with the catalog's constraint and, beside it, without. Prints a Markdown
table of the means over the seeds, then of each seed. Recipes are chosen with --split dev.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from compact import machine

import maksud
from maksud.calls import same_answer
from maksud.errors import CallSyntaxError
from maksud.language_model.training import LanguageModelSettings

LATENCY_SAMPLE = 30
"""Single requests that are timed for each row."""

COLUMNS = (
    ("exact_match", "exact match", 100, ".1f"),
    ("free_exact_match", "exact match, unconstrained", 100, ".1f"),
    ("intent_accuracy", "intent", 100, ".1f"),
    ("slot_f1", "slot F1", 100, ".1f"),
    ("oos_recall", "out-of-scope recall", 100, ".1f"),
    ("ece", "ECE", 1, ".3f"),
    ("auroc_errors", "AUROC of the confidence", 1, ".3f"),
    ("train_examples", "examples", 1, ".0f"),
    ("train_cpu_seconds", "training, CPU s", 1, ".0f"),
    ("p50_ms", "p50, ms", 1, ".0f"),
    ("batch_per_second", "answers/s, batch 32", 1, ".1f"),
)
"""A figure's key, heading, factor and format."""


def measure(
    data: maksud.Dataset, examples: list[maksud.Example], seed: int, given: argparse.Namespace
) -> dict[str, Any]:
    """Tunes with one seed and evaluates once: a row of figures."""
    with tempfile.TemporaryDirectory() as directory:
        run = maksud.train(
            data,
            out=Path(given.keep or directory) / f"{data.name}-{seed}",
            base=given.base,
            seed=seed,
            per_intent=given.per_intent,
            language_model=_settings(given),
            on_progress=_told,
        )
        recognizer = maksud.load_recognizer(run)
        report = maksud.evaluate(recognizer, examples, latency_sample=LATENCY_SAMPLE)
        metrics, manifest = run.metrics, run.manifest
    figures = report.figures
    free = [
        _matches(p.guide_text, e, recognizer.contract.catalog)
        for p, e in zip(report.predictions, examples, strict=True)
    ]
    return {
        "seed": seed,
        "examples": figures["examples"],
        "exact_match": figures["exact_match"],
        "free_exact_match": statistics.mean(free),
        "intent_accuracy": figures["intent_accuracy"],
        "slot_f1": figures["slot_f1"],
        "oos_recall": figures["oos_recall"],
        "ece": figures["ece"],
        "auroc_errors": figures["auroc"],
        "guide_intent_accuracy": figures["guide_intent_accuracy"],
        "guide_parameter_accuracy": figures["guide_parameter_accuracy"],
        "train_examples": manifest["data"]["train"],
        "train_cpu_seconds": metrics["train_cpu_seconds"],
        "p50_ms": figures["latency_ms"]["p50"],
        "batch_per_second": figures["batch_examples_per_second"],
        "settings": manifest["settings"]["language_model"],
    }


def _matches(text: str, example: maksud.Example, catalog: maksud.Catalog) -> bool:
    """Whether what was written without constraints is the whole right answer."""
    try:
        calls = maksud.parse_calls(text)
    except CallSyntaxError:
        return False
    return same_answer(catalog.named(calls), catalog.named(example.calls))


def _settings(given: argparse.Namespace) -> LanguageModelSettings:
    kinds = {f.name: f.type for f in fields(LanguageModelSettings)}
    values: dict[str, Any] = {"threads": given.threads}
    for pair in given.set:
        name, _, value = pair.partition("=")
        kind = {"int": int, "float": float}.get(str(kinds.get(name)), str)
        values[name] = kind(value)
    return LanguageModelSettings(**values)


def _told(progress: maksud.Progress) -> None:
    if progress.metrics.get("dev_loss") or progress.done in (0.0, 1.0):
        sys.stderr.write(f"{progress.stage} {progress.done:.0%} {progress.text}\n")


def table(rows: Sequence[tuple[str, Sequence[dict[str, Any]]]]) -> str:
    """A Markdown table, one line for each (name, rows of its seeds): means over the seeds."""
    shown = [c for c in COLUMNS if any(r[c[0]] is not None for _, some in rows for r in some)]
    lines = ["| set | seeds | " + " | ".join(heading for _, heading, _, _ in shown) + " |"]
    lines.append("|---" * (len(shown) + 2) + "|")
    for name, of_seeds in rows:
        cells = [name, ", ".join(str(r["seed"]) for r in of_seeds)]
        for key, _, factor, form in shown:
            values = [factor * r[key] for r in of_seeds if r[key] is not None]
            cells.append(format(statistics.mean(values), form) if values else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path, metavar="DATASET_DIR")
    parser.add_argument("--base", default="smollm2-135m")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--per-intent", type=int, default=100, metavar="N", help="0 takes all")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="evaluate on a part")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="of LanguageModelSettings"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    given = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(given.threads)
    about = machine() | {"threads": given.threads}
    results: list[tuple[str, list[dict[str, Any]]]] = []
    try:
        for directory in given.directories:
            data = maksud.load(directory)
            examples = list(data.of(given.split))
            if 0 < given.limit < len(examples):
                examples = random.Random(0).sample(examples, given.limit)
            name = directory.resolve().name
            if given.per_intent:
                name += f", {given.per_intent} per intent"
            rows: list[dict[str, Any]] = []
            results.append((name, rows))
            for seed in given.seeds:
                rows.append(measure(data, examples, seed, given))
                sys.stderr.write(table([(name, rows[-1:])]).splitlines()[-1] + "\n")
                if given.json is not None:
                    content = {"machine": about, "split": given.split, "sets": dict(results)}
                    given.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except maksud.MaksudError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    described = ", ".join(f"{k} {v}" for k, v in about.items())
    each = [(name, [row]) for name, rows in results for row in rows]
    sys.stdout.write(
        f"Base: {given.base}. Split: {given.split}. Machine: {described}.\n\n{table(results)}\n"
    )
    if len(given.seeds) > 1:
        sys.stdout.write(f"\nEach seed:\n\n{table(each)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
