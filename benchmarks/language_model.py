"""Measures a tuned language model on data sets: `python benchmarks/language_model.py DIRECTORY…`.

Each directory has train.json, dev.json and test.json. For each seed the base is tuned on train (a
balanced sample of it with --per-intent), calibrated on dev and evaluated once on the chosen split
through the public API, with the catalog's constraint and, beside it, without. Prints a Markdown
table of the means over the seeds, then of each seed. Recipes are chosen with --split dev.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reporting import Column, Row, arguments, percent, run

import maksud
from maksud.errors import CallSyntaxError
from maksud.language.calls import same_answer
from maksud.progress import Progress
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.settings import change_settings, read_pairs

LATENCY_SAMPLE = 30
"""Single requests that are timed for each row."""

COLUMNS = (
    percent("exact_match", "exact match"),
    percent("free_exact_match", "exact match, unconstrained"),
    percent("intent_accuracy", "intent"),
    percent("slot_f1", "slot F1"),
    percent("guide_intent_accuracy", "guide: intents"),
    percent("guide_parameter_accuracy", "guide: parameters"),
    percent("oos_recall", "out-of-scope recall"),
    Column("ece", "ECE", ".3f"),
    Column("auroc_correct", "AUROC, right or wrong", ".3f"),
    Column("train_examples", "examples", ".0f"),
    Column("train_cpu_seconds", "training, CPU s", ".0f"),
    Column("p50_ms", "p50, ms", ".0f"),
    Column("batch_per_second", "answers/s, batch 32"),
)


def measure(data: maksud.Dataset, seed: int, given: argparse.Namespace) -> Row:
    """Tunes with one seed and evaluates once: a row of figures."""
    examples = list(data.of(given.split))
    if 0 < given.limit < len(examples):
        examples = random.Random(0).sample(examples, given.limit)
    with tempfile.TemporaryDirectory() as directory:
        trained = maksud.train(
            data,
            out=Path(given.keep or directory) / f"{data.name}-{seed}",
            base=given.base,
            seed=seed,
            per_intent=given.per_intent,
            kind=_settings(given),
            on_progress=_told,
        )
        recognizer = maksud.load_recognizer(trained)
        report = maksud.evaluate(recognizer, examples, latency_sample=LATENCY_SAMPLE)
        metrics, manifest = trained.metrics, trained.manifest
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
        "auroc_correct": figures["auroc_correct"],
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
    return same_answer(catalog.name_arguments(calls), catalog.name_arguments(example.calls))


def _settings(given: argparse.Namespace) -> LanguageModelSettings:
    return change_settings(LanguageModelSettings(threads=given.threads), read_pairs(given.set))


def _told(progress: Progress) -> None:
    if progress.metrics.get("dev_loss") or progress.done in (0.0, 1.0):
        sys.stderr.write(f"{progress.stage} {progress.done:.0%} {progress.text}\n")


def main(given: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = arguments(__doc__, seeds=(0,))
    parser.add_argument("--base", default="smollm2-135m")
    parser.add_argument("--per-intent", type=int, default=100, metavar="N", help="0 takes all")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="evaluate on a part")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="of LanguageModelSettings"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs there")
    options = parser.parse_args(given)
    import torch

    torch.set_num_threads(options.threads)
    return run(
        options,
        COLUMNS,
        lambda data, seed: measure(data, seed, options),
        suffix=f", {options.per_intent} per intent" if options.per_intent else "",
        threads=options.threads,
    )


if __name__ == "__main__":
    sys.exit(main())
