"""The report of one recognizer on one set of examples: plain values, measured once.

`evaluate` asks the recognizer and does the arithmetic. What shows a report takes it as it is and
is not known here: `terminal` draws it, `page` makes one HTML page of it, `files` writes it.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from maksud.data.dataset import Dataset, Example
from maksud.errors import (
    CallSyntaxError,
    DataError,
    EngineError,
    InputError,
    SettingsError,
)
from maksud.evaluation import figures, metrics
from maksud.evaluation.background import ask_background
from maksud.evaluation.figures import Prediction
from maksud.evaluation.grouping import ALWAYS, check_fields
from maksud.evaluation.wording import HEADLINE
from maksud.language.calls import Call
from maksud.progress import OnProgress, Progress, listen
from maksud.recognizers.contract import CHATML
from maksud.recognizers.recognition import Recognition, Recognizer


@dataclass(frozen=True)
class Report:
    """What an evaluation found: `figures` (the keys of the JSON) and every prediction.

    A figure is None where it was not or can't be measured: there was nothing to count.
    """

    figures: dict[str, Any]
    predictions: tuple[Prediction, ...] = field(repr=False)

    def __getitem__(self, key: str) -> Any:
        return self.figures[key]

    def __repr__(self) -> str:
        text = ", ".join(f"{f.name} {f.write(self.figures)}" for f in HEADLINE)
        return f"Report({self['model']}: {self['examples']:,} examples, {text})"

    @property
    def exact_match(self) -> float:
        """Share of the utterances whose whole answer is right, in [0, 1]."""
        return float(self["exact_match"])

    @property
    def intent_accuracy(self) -> float:
        """Share of the utterances whose sequence of intents is right, in [0, 1]."""
        return float(self["intent_accuracy"])

    @property
    def slot_f1(self) -> float | None:
        """Micro F1 over arguments, in [0, 1]; see `metrics.slot_counts`. None without any."""
        return None if self["slot_f1"] is None else float(self["slot_f1"])

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping of all figures, without the predictions."""
        return dict(self.figures)


def evaluate(
    recognizer: Recognizer,
    examples: Sequence[Example],
    *,
    batch_size: int = 32,
    latency_sample: int = 100,
    unconstrained: bool = True,
    skip_invalid: bool = False,
    by: Sequence[str] | str = (),
    background: int = 0,
    seed: int = 0,
    progress: OnProgress | bool | None = True,
) -> Report:
    """Asks the recognizer every utterance and measures its answers.

    Exact match, intents and slots judge the best answer, whether or not it is accepted;
    coverage, out-of-scope figures and `accuracy_accepted` judge the gate. The guide's figures
    judge `recognizer.unconstrained` (a second pass; not with `unconstrained=False`) where there
    is such a thing, else the answer's text. Latency is wall time of single requests, on
    `latency_sample` utterances spread over the data. `by`: fields of the rows that the figures
    are broken down by, besides language and number of calls; a text is one. `background`: so many
    ordinary sayings are asked as well, see `background.ask_background`. `seed` draws them and the
    bootstrap intervals. `progress`: shown on standard error; a function is told it; False: silent.

    Raises `DataError` for no examples, or for a gold output that can't be parsed; with
    `skip_invalid` those are left out and counted (`skipped`). Raises `InputError` for a field
    that no row has or what is no example, `SettingsError` for a number that is out of range.
    """
    started = time.perf_counter()
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("latency_sample", latency_sample, 0),
        ("background", background, 0),
    ):
        if value < least:
            raise SettingsError(f"{name} is {value}, expected at least {least}")
    kept, gold, skipped = _gold(recognizer, examples, skip_invalid)
    fields = tuple(dict.fromkeys((*ALWAYS, *((by,) if isinstance(by, str) else by))))
    check_fields(kept, fields)
    utterances = [e.instruction for e in kept]
    with listen(progress) as tell:
        answers = _ask(recognizer, utterances, batch_size, tell)
        answered = time.perf_counter() - started
        texts = None
        if unconstrained:
            read = [recognizer.contract.read(u).text for u in utterances]
            texts = _guide_texts(recognizer, read, batch_size, tell)
        latency = _latency(recognizer, utterances, latency_sample, tell)
        far = None
        if background > 0:
            far = ask_background(recognizer, kept, background, seed, tell, batch_size)
    judged = [a.text for a in answers] if texts is None else texts
    guide = metrics.guide_scores([e.output for e in kept], judged)
    contract = recognizer.contract
    catalog = contract.catalog
    cases = figures.judge(kept, gold, answers, judged, guide, contract, fields)
    found: dict[str, Any] = {
        "examples": len(kept),
        "skipped": skipped,
        **figures.headline(cases, seed),
        "guide": {
            **figures.guide_against_exact(cases, guide.crashes, contract, texts is not None),
            # The guide's script writes ChatML by hand, whatever the model's template is.
            "own_template": contract.template not in ("", CHATML),
        },
        **figures.confidence(cases, contract.calibration is not None),
        **figures.acceptance(cases, contract),
        "decision": figures.decision(cases, contract),
        "background_accepted": far["acted"] / far["sayings"] if far and far["sayings"] else None,
        "background": far,
        "latency_ms": latency,
        "batch_examples_per_second": len(kept) / max(answered, 1e-9),
        **figures.validity(cases, catalog),
        **figures.details(cases),
        "by": figures.break_down(cases, fields, seed),
        **figures.errors(cases),
        "model": recognizer.name,
        "kind": recognizer.kind,
        "contract": contract.id,
        "data": _about(examples, kept),
        "seconds": time.perf_counter() - started,
        "versions": _versions(),
        "machine": _machine(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Report(_round(found), tuple(c.prediction for c in cases))


# ---------------------------------------------------------------- asking


def _gold(
    recognizer: Recognizer, examples: Sequence[Example], skip_invalid: bool
) -> tuple[list[Example], list[tuple[Call, ...]], int]:
    kept, gold, bad = [], [], []
    # A path is neither, and what else a program may give.
    for example in examples if isinstance(examples, Iterable) else [examples]:
        if not isinstance(example, Example):
            raise InputError(
                f"there is a {type(example).__name__} where examples are expected",
                hint='Read data with maksud.load("data.json")',
            )
        try:
            calls = example.calls
        except CallSyntaxError as error:
            bad.append(error)
            continue
        kept.append(example)
        gold.append(recognizer.contract.catalog.name_arguments(calls))
    if bad and not skip_invalid:
        more = f" ({len(bad) - 1:,} more like it)" if len(bad) > 1 else ""
        raise DataError(
            f"gold {bad[0].message}{more}",
            where=bad[0].where,
            hint="Mend the data (`maksud check` lists all); in Python, skip_invalid=True leaves "
            "such rows out",
        ) from bad[0]
    if not kept:
        raise DataError("there are no examples to evaluate on", hint="Give a file with examples")
    return kept, gold, len(bad)


def _ask(
    recognizer: Recognizer, utterances: list[str], batch_size: int, tell: OnProgress
) -> list[Recognition]:
    answers: list[Recognition] = []
    for at in range(0, len(utterances), batch_size):
        part = utterances[at : at + batch_size]
        got = recognizer.recognize(part)
        if len(got) != len(part):
            raise EngineError(f"{recognizer.name}: {len(got)} answers to {len(part)} utterances")
        answers += got
        done = len(answers)
        tell(Progress("evaluate", done / len(utterances), f"{done:,} of {len(utterances):,}"))
    return answers


def _guide_texts(
    recognizer: Recognizer, utterances: list[str], batch_size: int, tell: OnProgress
) -> list[str] | None:
    """What the model writes without constraints, or None where there is no such thing."""
    texts: list[str] = []
    for at in range(0, len(utterances), batch_size):
        part = recognizer.unconstrained(utterances[at : at + batch_size])
        if part is None:
            return None
        texts += part
        done = len(texts)
        tell(Progress("guide", done / len(utterances), f"{done:,} of {len(utterances):,}"))
    if len(texts) != len(utterances):
        raise EngineError(f"{recognizer.name}: {len(texts)} texts to {len(utterances)} utterances")
    return texts


def _latency(
    recognizer: Recognizer, utterances: list[str], sample: int, tell: OnProgress
) -> dict[str, float | int | None]:
    """Milliseconds of wall time per single request, after a warm-up."""
    many = min(sample, len(utterances))
    if many <= 0:
        return {"p50": None, "p99": None, "mean": None, "examples": 0}
    chosen = [utterances[k * len(utterances) // many] for k in range(many)]
    for utterance in chosen[:3]:
        recognizer(utterance)
    times = []
    for k, utterance in enumerate(chosen):
        begun = time.perf_counter()
        recognizer(utterance)
        times.append((time.perf_counter() - begun) * 1000)
        tell(Progress("latency", (k + 1) / many, f"{k + 1} of {many}"))
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50": float(p50), "p99": float(p99), "mean": float(np.mean(times)), "examples": many}


# ---------------------------------------------------------------- small things


def _about(examples: Sequence[Example], kept: Sequence[Example]) -> dict[str, Any]:
    """What data was measured on: its name, version and split, where they are known."""
    sources = sorted({e.source for e in kept if e.source})
    splits = {e.split for e in kept}
    whole = examples if isinstance(examples, Dataset) else Dataset(())
    return {
        "name": whole.name,
        "version": whole.version,
        "split": splits.pop() if len(splits) == 1 else "",
        "fingerprint": Dataset(kept).fingerprint,
        "sources": sources[:20],
    }


def _round(value: Any) -> Any:
    """Floats of a nested value to six places: more would be noise in a file that people read."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {k: _round(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_round(v) for v in value]
    return value


def _versions() -> dict[str, str]:
    from importlib import metadata as installed

    found = {"python": platform.python_version()}
    for name in ("maksud", "numpy", "torch", "transformers"):
        # What was not loaded took no part in the answers.
        if name not in sys.modules:
            continue
        try:
            found[name] = installed.version(name)
        except installed.PackageNotFoundError:
            found[name] = "unknown"
    return found


def _machine() -> dict[str, Any]:
    """What latencies depend on. The name of the host says nothing about them and is left out."""
    torch = sys.modules.get("torch")
    threads = int(torch.get_num_threads()) if torch is not None else None
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": threads,
    }
