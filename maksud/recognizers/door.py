"""All kinds of recognizer behind one door: `train` makes a run, `load_recognizer` opens one.

What is common to the kinds stands here once: the data's splits, the contract, calibration and
threshold on held-out data, the run directory. What differs is a `Kind` (see `kinds`).
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from maksud.data.dataset import Dataset, Example, list_places
from maksud.data.findings import format_count
from maksud.data.formats.files import load
from maksud.errors import CallSyntaxError, DataError, name_some
from maksud.language.calls import NONE
from maksud.language.catalog import Catalog
from maksud.language.catalog_inference import infer_catalog
from maksud.language.languages import Familiar
from maksud.progress import OnProgress, Progress, listen
from maksud.recognizers.choosing import AUTO
from maksud.recognizers.contract import Contract
from maksud.recognizers.held_out import answer_both, conclude
from maksud.recognizers.kinds import Kind, Task, find_kind, kind_of_base
from maksud.recognizers.out_of_fold import FEW_HELD_OUT, FEWEST, OutOfFold, answer_out_of_fold
from maksud.recognizers.reading import (
    languages_read,
    normalise_examples,
    scripts_read,
    small_words_read,
)
from maksud.recognizers.recognition import Recognizer
from maksud.recognizers.resuming import kept_for_another_try
from maksud.recognizers.runs import Draft, Run, check_target, draft_run
from maksud.recognizers.settings import TrainSettings
from maksud.recognizers.settling import make_settings, settle
from maksud.storage import sweep

__all__ = [
    "balanced_sample",
    "checkpoints_of",
    "load_recognizer",
    "make_settings",
    "settle",
    "train",
]


def train(
    data: Dataset | str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    settings: TrainSettings | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | bool | None = True,
    **changes: Any,
) -> Run:
    """Trains a recognizer and writes it as a run.

    Without a `base`, `auto` chooses: `run.manifest["choice"]` says what and why.

    `data`: a dataset or a path. Without a dev split, a tenth of train is held out. `out`: the
    run's directory, by default `runs/<data>-<base>`. `changes` override `settings`, those of the
    base's kind too (`base="smollm2-135m"`, `seed=1`, `method="full"`, …). `on_progress`: shown
    on standard error; a function is told it; False: silent.

    Raises `DataError` or `CallSyntaxError` for data that can't be used, `RunError` where `out`
    exists, `SettingsError` for an unknown setting.
    """
    settings = make_settings(changes, settings)
    if settings.base != AUTO:  # what can't be is told before much data is read
        kind_of_base(settings.base).prepare(settings.kind)
    whole = data if isinstance(data, Dataset) else load(data)
    dataset, unlabelled = _labelled(whole)
    settings = settle(settings, dataset)
    kind = kind_of_base(settings.base)
    kind.prepare(settings.kind)
    label = settings.base.rstrip("/").rsplit("/", 1)[-1]
    target = Path(out) if out is not None else Path("runs") / f"{dataset.name or 'data'}-{label}"
    check_target(target, overwrite=overwrite)
    train_set, dev_set, notes = _splits(dataset, settings, kind)
    catalog = _catalog(dataset, train_set)
    train_set, repeating = train_set.part_repeating()
    if repeating:
        notes.append(
            f"{format_count(len(repeating), 'example')} with a parameter given several times that "
            f"others give once: left out ({list_places(repeating)}); `many: true` in a "
            "catalog.yaml keeps such rows"
        )
    notes = [*unlabelled, *notes]
    for part in (train_set, dev_set):  # an inferred catalog allows the rest by its making
        if dataset.declared_catalog is not None:
            part.require_valid()
        else:
            part.require_parsed()
    notes += _tell_untaught(train_set, dev_set, catalog)
    # What models read is in the contract's normal form, in training as in every answer.
    train_set, dev_set = (normalise_examples(s) for s in (train_set, dev_set))
    scripts = scripts_read(train_set)
    told = languages_read(train_set)
    familiar = Familiar() if settings.any_language else told
    small = small_words_read(train_set, told.languages)
    started, cpu = time.perf_counter(), time.process_time()
    kept = checkpoints_of(target)
    sweep(kept)  # what a killed training was about to keep
    with suppress(OSError):
        kept.rmdir()  # where it kept nothing else
    with draft_run(target, overwrite=overwrite) as draft, listen(on_progress) as tell_person:
        tell = _telling(draft, tell_person)
        if settings.choice is not None:
            tell(Progress("choose", 1.0, settings.choice.why[0]))
        task = Task(
            settings.base, train_set, dev_set, catalog, draft.directory, kept,
            settings.kind, settings.seed, tell,
        )  # fmt: skip
        done = kind.train(task)
        with kept_for_another_try(kept):
            contract = replace(done.contract, scripts=scripts, familiar=familiar, small=small)
            contract, calibration = _calibrate(kind, task, contract, draft.target.name, settings)
            metrics = {
                **done.metrics,
                "calibration": calibration,
                "total_seconds": round(time.perf_counter() - started, 1),
                "total_cpu_seconds": round(time.process_time() - cpu, 1),
            }
            asked = settings.calibration_examples or calibration["examples"]
            carried_out = replace(settings, kind=done.settings, calibration_examples=asked)
            draft.finish(
                kind=kind.name,
                contract=contract,
                metrics=metrics,
                about={
                    "base": settings.base,
                    **({"choice": settings.choice.to_json()} if settings.choice else {}),
                    "seed": settings.seed,
                    "settings": _settings_json(carried_out),
                    "data": {
                        "name": dataset.name,
                        "version": dataset.version,
                        "fingerprint": dataset.fingerprint,
                        "train": len(train_set),
                        "dev": len(dev_set),
                        "notes": notes,
                    },
                    "versions": _versions(kind),
                    **done.about,
                },
            )
    shutil.rmtree(kept, ignore_errors=True)  # only now, that the run stands
    return Run.open(target)


def load_recognizer(run: Run | str | os.PathLike[str], *, name: str = "") -> Recognizer:
    """The recognizer of a run, ready to answer. Raises `RunError` where it can't be trusted."""
    if not isinstance(run, Run):
        run = Run.open(run)
    return find_kind(run.kind).open(run.path, run.contract, name or run.name)


def checkpoints_of(out: str | os.PathLike[str]) -> Path:
    """Where the training for the run at `out` keeps what it learnt so far, if its kind does.

    The same training goes on from there; the directory goes away when it is over.
    """
    target = Path(out)
    return target.with_name(f".{target.name}.checkpoints")


def balanced_sample(data: Dataset, per_intent: int, seed: int = 0) -> Dataset:
    """At most `per_intent` single-intent examples of each intent; the order is kept.

    Multi-intent, multi-turn and out-of-scope examples are thinned by the same share: what is out
    of scope is not one more intent but the rest of the world, and needs as many as it had.
    """
    import random
    from collections import defaultdict

    strata: dict[str, list[int]] = defaultdict(list)
    for k, e in enumerate(data):
        calls = e.calls
        alone = len(calls) == 1 and not e.is_multi_turn and NONE not in calls
        strata[calls[0].intent if alone else ""].append(k)
    others = strata.pop("", [])
    rng = random.Random(seed)
    kept: list[int] = []
    for name in sorted(strata):
        kept += rng.sample(strata[name], min(per_intent, len(strata[name])))
    share = len(kept) / max(1, sum(map(len, strata.values())))
    kept += rng.sample(others, round(share * len(others)))
    return Dataset((data[k] for k in sorted(kept)), catalog=data.declared_catalog, name=data.name)


# ---------------------------------------------------------------- steps


def _labelled(data: Dataset) -> tuple[Dataset, list[str]]:
    """The examples that have an answer, and a note about those that have none yet."""
    kept, without = data.part_unlabelled()
    if without and not len(kept):
        raise DataError(
            f"E-UNLABELLED none of {len(data):,} examples has an answer yet",
            where=without[0].place,
            hint="Label some first",
        )
    left_out = f"{len(without):,} examples without an answer were left out"
    return kept, [f"{left_out} ({list_places(without)})"] if without else []


def _splits(
    data: Dataset, settings: TrainSettings, kind: Kind
) -> tuple[Dataset, Dataset, list[str]]:
    from maksud.data.checks.held_out import FEW, doubt

    notes: list[str] = []
    without = data.of("")
    train_set, dev_set = data.train, data.dev
    if len(without):  # nobody said that they are for anything else
        train_set = Dataset(
            (e for e in data if e.split in ("train", "")),
            catalog=data.declared_catalog,
            name=data.name,
        )
        if len(without) < len(data):
            notes.append(f"{format_count(len(without), 'example')} of no split: taken for train")
    if not len(train_set):
        raise DataError("there is nothing to train on", where=data.name, hint="Give a train split")
    _require_choice(train_set)
    if not len(dev_set) and len(train_set) >= 10:
        again = train_set.split(dev=0.1, test=0.0, seed=settings.seed)
        train_set, dev_set = again.train, again.dev
        held_out = format_count(len(dev_set), "example")
        notes.append(f"no dev split: {held_out} of train held out")
    if settings.per_intent:
        whole = len(train_set)
        train_set = balanced_sample(train_set, settings.per_intent, settings.seed)
        notes.append(
            f"balanced sample of {settings.per_intent} per intent: "
            f"{len(train_set):,} of {whole:,} training examples"
        )
        if not len(train_set):
            raise DataError(
                f"a sample of {settings.per_intent} per intent is empty: no training example has a "
                "single intent",
                where=data.name,
                hint="Leave --per-intent away, or add such examples",
            )
    if len(dev_set) < FEW:
        rests = "confidence rests on them"
        if _is_cross_fitted(kind, settings, train_set, dev_set):
            rests += " and on training rows, answered by recognizers that did not see them"
        notes.append(doubt(len(dev_set), rests))
    return train_set, dev_set, notes


def _is_cross_fitted(kind: Kind, settings: TrainSettings, train_set: Dataset, dev: Dataset) -> bool:
    """Whether training rows are answered, too, to calibrate on: see `out_of_fold`."""
    few = len(dev) < FEW_HELD_OUT and len(train_set) >= FEWEST
    return kind.cross_fits and settings.folds > 1 and few


def _require_choice(train_set: Dataset) -> None:
    """Raises `DataError` where all examples ask for the same: `maksud check` has the same rule."""
    seen: set[str] = set()
    for example in train_set:
        try:
            seen.update(c.intent for c in example.calls)
        except CallSyntaxError:  # told with its place when all rows are read
            return
        if len(seen) > 1:
            return
    if seen == {NONE.intent}:
        what, hint = "no training example has an intent: all are none()", "Add examples of intents"
    else:
        what = f"all training examples have the intent {next(iter(seen))!r}: that would always be "
        what, hint = what + "the answer", "Add other intents, and none() examples"
    raise DataError(f"E-ONECLASS {what}", where=train_set.name, hint=hint)


def _catalog(data: Dataset, train_set: Dataset) -> Catalog:
    """The declared catalog, else what the training examples show: never what only test shows."""
    if data.declared_catalog is not None:
        return data.declared_catalog
    return infer_catalog((e.calls for e in train_set), (e.instruction for e in train_set))


def _tell_untaught(train_set: Dataset, dev_set: Dataset, catalog: Catalog) -> list[str]:
    """Notes about intents that no training example has: those of the catalog, and those that
    held-out examples ask for. The examples can be parsed."""
    taught = {c.intent for e in train_set for c in e.calls} | {NONE.intent}
    notes = []
    if bare := [name for name in catalog.names if name not in taught]:
        notes.append(
            f"no training example has {name_some(bare)} of the catalog: what is not learnt is "
            "not answered"
        )
    asked = Counter(name for e in dev_set for name in {c.intent for c in e.calls} - taught)
    if asked:
        rows = sum(any(c.intent in asked for c in e.calls) for e in dev_set)
        notes.append(
            f"{format_count(rows, 'held-out example')} of {len(dev_set):,} with what no training "
            f"example has ({name_some([n for n, _ in asked.most_common()])}): whatever is answered "
            "counts as wrong"
        )
    return notes


def _calibrate(
    kind: Kind, task: Task, contract: Contract, name: str, settings: TrainSettings
) -> tuple[Contract, dict[str, Any]]:
    """Calibration and decision on answers to rows that were not learnt from."""
    limit = settings.calibration_examples or kind.calibration_examples or len(task.held_out)
    examples = _thinned(task.held_out, limit, settings.seed)
    recognizer = kind.open(task.directory, contract, name)
    tell = task.tell
    folded = OutOfFold()
    if _is_cross_fitted(kind, settings, task.train_set, task.held_out):
        folded = answer_out_of_fold(kind, task, settings.folds, recognizer)
    held, unknown = folded.held, folded.unknown
    own, own_unknown = answer_both(recognizer, examples, tell)
    held.extend(own)
    unknown.extend(own_unknown)
    if not len(held):
        nothing = "nothing was held out: confidence is not known"
        return contract, {"examples": 0, "summary": nothing, "notes": folded.notes}
    share = held.exact_match
    text = f"{share:.1%} of {len(held):,} held-out answers wholly right"
    tell(Progress("calibrate", 1.0, text, {"dev_exact_match": share}))
    rows = [*task.train_set, *task.held_out]
    contract, about = conclude(
        recognizer, held, unknown, settings.rule, rows, kind.background, settings.seed, tell
    )
    if folded.notes:
        about["notes"] = [*about.get("notes", ()), *folded.notes]
    return contract, about


def _thinned(data: Dataset, limit: int, seed: int) -> list[Example]:
    import random

    if len(data) <= limit:
        return list(data)
    kept = sorted(random.Random(seed).sample(range(len(data)), limit))
    return [data[k] for k in kept]


def _telling(draft: Draft, on_progress: OnProgress) -> OnProgress:
    started = time.perf_counter()

    def tell(progress: Progress) -> None:
        draft.log(
            {
                "seconds": round(time.perf_counter() - started, 2),
                "stage": progress.stage,
                "done": round(progress.done, 4),
                "text": progress.text,
                **{k: v for k, v in progress.metrics.items() if v == v},
            }
        )
        on_progress(progress)

    return tell


def _settings_json(settings: TrainSettings) -> dict[str, Any]:
    whole = asdict(replace(settings, kind=None, choice=None))
    del whole["choice"]  # it stands beside them
    return {**whole, "kind": asdict(settings.kind)}


def _versions(kind: Kind) -> dict[str, str]:
    from importlib import metadata

    names = ["maksud", "numpy", "torch", "safetensors", *kind.libraries]
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
