"""All kinds of recognizer behind one door: `train` makes a run, `load_recognizer` opens one.

What is common to the kinds stands here once: the data's splits, the contract, calibration and
threshold on held-out data, the run directory. What differs is behind `propose` and a trainer.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load
from maksud.errors import DataError, RunError, SettingsError
from maksud.language.calls import NONE, same_answer
from maksud.language.catalog import Catalog
from maksud.language.catalog_inference import infer_catalog
from maksud.progress import OnProgress, Progress
from maksud.recognizers.contract import SYSTEM_PROMPT, Contract, Decoding
from maksud.recognizers.recognition import Recognizer
from maksud.recognizers.runs import Draft, Run, check_target, drafting

if TYPE_CHECKING:
    from maksud.recognizers.compact.settings import CompactSettings
    from maksud.recognizers.language_model.settings import LanguageModelSettings

COMPACT = "compact"
FALSE_ACCEPT_RATE = 0.05
"""Default share of what should be refused that may be accepted."""


@dataclass(frozen=True)
class TrainSettings:
    """What a training needs to know, beside its data."""

    base: str = COMPACT
    """`compact`, a name of the gallery (`smollm2-135m`), a hub id, or a directory."""
    method: str = "lora"
    """How a language model is tuned: `lora`, `full` or `qlora`."""
    seed: int = 0
    """Seed of everything random; same seed, data and thread count give the same run."""
    per_intent: int = 0
    """Train on a balanced sample of this many single-intent examples of each intent (and the
    same share of the others: several intents, several turns, out of scope); 0 takes all."""
    false_accept_rate: float = FALSE_ACCEPT_RATE
    """Share of what should be refused that may be accepted: the threshold is chosen for it."""
    calibration_examples: int = 0
    """Held-out examples to calibrate on, at most; 0 takes all (a language model: 300)."""
    system_prompt: str = SYSTEM_PROMPT
    """System prompt of a language model: the same in training, evaluation and serving."""
    decoding: Decoding = field(default_factory=Decoding)
    """How a language model writes its answers."""
    compact: CompactSettings | None = None
    """Settings of the compact network; None takes the defaults."""
    language_model: LanguageModelSettings | None = None
    """Settings of the tuning; None takes the defaults."""


def train(
    data: Dataset | str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    settings: TrainSettings | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    **changes: Any,
) -> Run:
    """Trains a recognizer and writes it as a run.

    `data`: a dataset or a path. Without a dev split, a tenth of train is held out. `out`: the
    run's directory, by default `runs/<data>-<base>`. `changes` override fields of `settings`
    (`base="smollm2-135m"`, `seed=1`, …).

    Raises `DataError` or `CallSyntaxError` for data that can't be used, `RunError` where `out`
    exists, `SettingsError` for an unknown setting.
    """
    from maksud.recognizers.language_model.checkpoints import kept_for_another_try

    settings = _changed(settings or TrainSettings(), changes)
    dataset = data if isinstance(data, Dataset) else load(data)
    kind = "compact" if settings.base == COMPACT else "language_model"
    if kind == "language_model":
        settings = _with_tuning(settings)
    label = settings.base.rstrip("/").rsplit("/", 1)[-1]
    target = Path(out) if out is not None else Path("runs") / f"{dataset.name or 'data'}-{label}"
    check_target(target, overwrite=overwrite)
    train_set, dev_set, notes = _splits(dataset, settings)
    train_set.require_valid()
    dev_set.require_valid()
    catalog = _catalog(dataset, train_set)
    started, cpu = time.perf_counter(), time.process_time()
    with drafting(target, overwrite=overwrite) as draft:
        tell = _telling(draft, on_progress)
        if kind == "compact":
            metrics, contract = _train_compact(train_set, dev_set, catalog, draft, settings, tell)
        else:
            metrics, contract = _train_lm(train_set, dev_set, catalog, draft, settings, tell)
        with kept_for_another_try(checkpoints_of(target)):
            contract, calibration = _calibrate(kind, draft, contract, dev_set, settings, tell)
            metrics = {
                **metrics,
                "calibration": calibration,
                "total_seconds": round(time.perf_counter() - started, 1),
                "total_cpu_seconds": round(time.process_time() - cpu, 1),
            }
            draft.finish(
                kind=kind,
                contract=contract,
                metrics=metrics,
                about={
                    "base": settings.base,
                    "seed": settings.seed,
                    "settings": _settings_json(settings),
                    "data": {
                        "name": dataset.name,
                        "version": dataset.version,
                        "fingerprint": dataset.fingerprint,
                        "train": len(train_set),
                        "dev": len(dev_set),
                        "notes": notes,
                    },
                    "versions": _versions(kind),
                },
            )
    if kind == "language_model":  # the run stands: those of other settings go too
        shutil.rmtree(checkpoints_of(target), ignore_errors=True)
    return Run.open(target)


def load_recognizer(run: Run | str | os.PathLike[str], *, name: str = "") -> Recognizer:
    """The recognizer of a run, ready to answer. Raises `RunError` where it can't be trusted."""
    if not isinstance(run, Run):
        run = Run.open(run)
    return _open(run.kind, run.path, run.contract, name or run.name)


def checkpoints_of(out: str | os.PathLike[str]) -> Path:
    """Where the tuning of a language model for the run at `out` keeps what it learnt so far.

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


def _splits(data: Dataset, settings: TrainSettings) -> tuple[Dataset, Dataset, list[str]]:
    notes: list[str] = []
    has_splits = any(e.split for e in data)
    train_set, dev_set = (data.train, data.dev) if has_splits else (data, data.of("dev"))
    if not len(train_set):
        raise DataError("there is nothing to train on", where=data.name, hint="Give a train split")
    if not len(dev_set) and len(train_set) >= 10:
        again = train_set.split(dev=0.1, test=0.0, seed=settings.seed)
        train_set, dev_set = again.train, again.dev
        notes.append(f"no dev split: {len(dev_set)} examples of train were held out")
    if settings.per_intent:
        whole = len(train_set)
        train_set = balanced_sample(train_set, settings.per_intent, settings.seed)
        notes.append(
            f"balanced sample of {settings.per_intent} per intent: "
            f"{len(train_set):,} of {whole:,} training examples"
        )
    return train_set, dev_set, notes


def _catalog(data: Dataset, train_set: Dataset) -> Catalog:
    """The declared catalog, else what the training examples show: never what only test shows."""
    if data.declared_catalog is not None:
        return data.declared_catalog
    return infer_catalog((e.calls for e in train_set), (e.instruction for e in train_set))


def _train_compact(
    train_set: Dataset,
    dev_set: Dataset,
    catalog: Catalog,
    draft: Draft,
    settings: TrainSettings,
    tell: OnProgress,
) -> tuple[dict[str, Any], Contract]:
    from maksud.recognizers.compact.settings import CompactSettings
    from maksud.recognizers.compact.training import train_compact

    own = replace(settings.compact or CompactSettings(), seed=settings.seed)
    metrics = train_compact(train_set, dev_set, catalog, draft.directory, own, tell)
    return metrics, Contract(catalog, system_prompt="", template="")


def _train_lm(
    train_set: Dataset,
    dev_set: Dataset,
    catalog: Catalog,
    draft: Draft,
    settings: TrainSettings,
    tell: OnProgress,
) -> tuple[dict[str, Any], Contract]:
    from maksud.recognizers.language_model import gallery, prompt
    from maksud.recognizers.language_model.inspection import require_method
    from maksud.recognizers.language_model.loading import open_base
    from maksud.recognizers.language_model.training import train_language_model

    own = settings.language_model
    require_method(settings.method)
    base = open_base(gallery.get(settings.base, tell), checked=True)
    contract = Contract(
        catalog,
        system_prompt=settings.system_prompt,
        template=base.template,
        decoding=settings.decoding,
        tokenizer=prompt.tokenizer_fingerprint(base.tokenizer),
    )
    metrics = train_language_model(
        train_set,
        dev_set,
        base,
        contract,
        draft.directory,
        own,
        tell,
        checkpoints=checkpoints_of(draft.target),
        keep_checkpoints=True,
    )
    return metrics, contract


def _calibrate(
    kind: str,
    draft: Draft,
    contract: Contract,
    dev_set: Dataset,
    settings: TrainSettings,
    tell: OnProgress,
) -> tuple[Contract, dict[str, Any]]:
    """Calibration on held-out answers, and the threshold for the stated false-accept rate."""
    from maksud.recognizers.calibration import fit_calibration
    from maksud.recognizers.decision import choose_threshold

    limit = settings.calibration_examples or (300 if kind == "language_model" else len(dev_set))
    held_out = _thinned(dev_set, limit, settings.seed)
    if not held_out:
        return contract, {"examples": 0, "note": "nothing was held out: confidence is not known"}
    recognizer = _open(kind, draft.directory, contract, draft.target.name)
    proposals = []
    for at in range(0, len(held_out), 32):
        part = held_out[at : at + 32]
        proposals += recognizer.propose([e.instruction for e in part])
        done = min(1.0, (at + 32) / len(held_out))
        tell(Progress("calibrate", done, f"{min(at + 32, len(held_out))} of {len(held_out)}"))
    catalog = contract.catalog
    gold = [catalog.name_arguments(e.calls) for e in held_out]
    correct = [
        same_answer(catalog.name_arguments(p.calls), g)
        for p, g in zip(proposals, gold, strict=True)
    ]
    calibration = fit_calibration([p.features for p in proposals], correct)
    confidence = [
        calibration.probability(p.features) if NONE not in p.calls else 0.0 for p in proposals
    ]
    wrong_intent = [
        [c.intent for c in p.calls] != [c.intent for c in g]
        for p, g in zip(proposals, gold, strict=True)
    ]
    choice = choose_threshold(
        confidence,
        out_of_scope=[NONE in g for g in gold],
        wrong_intent=wrong_intent,
        false_accept_rate=settings.false_accept_rate,
    )
    about = {"examples": len(held_out), "exact_match": sum(correct) / len(correct)}
    about |= choice.to_json()
    return contract.calibrated(calibration, choice.threshold, settings.false_accept_rate), about


def _thinned(data: Dataset, limit: int, seed: int) -> list[Example]:
    import random

    if len(data) <= limit:
        return list(data)
    kept = sorted(random.Random(seed).sample(range(len(data)), limit))
    return [data[k] for k in kept]


def _open(kind: str, path: Path, contract: Contract, name: str) -> Recognizer:
    if kind == "compact":
        from maksud.recognizers.compact.recognizer import CompactRecognizer

        return CompactRecognizer.load(path, contract, name)
    if kind == "language_model":
        from maksud.recognizers.language_model.recognizer import LanguageModelRecognizer

        return LanguageModelRecognizer.load(path, contract, name)
    raise RunError(f"unknown kind of recognizer {kind!r}", where=str(path))


def _telling(draft: Draft, on_progress: OnProgress | None) -> OnProgress:
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
        if on_progress is not None:
            on_progress(progress)

    return tell


def _changed(settings: TrainSettings, changes: dict[str, Any]) -> TrainSettings:
    known = TrainSettings.__dataclass_fields__
    for key in changes:
        if key not in known:
            from maksud.errors import nearest

            raise SettingsError(f"unknown setting {key!r}", hint=nearest(key, known))
    settings = replace(settings, **changes)
    if settings.method not in ("lora", "full", "qlora"):
        raise SettingsError(f"method {settings.method!r}", hint="Use lora, full or qlora")
    if not 0 < settings.false_accept_rate < 1:
        raise SettingsError(
            f"false_accept_rate {settings.false_accept_rate}", hint="Use a share between 0 and 1"
        )
    if settings.per_intent < 0 or settings.calibration_examples < 0:
        raise SettingsError("per_intent and calibration_examples can't be negative")
    return settings


def _with_tuning(settings: TrainSettings) -> TrainSettings:
    """The settings with those of the tuning filled in, as they are carried out and recorded."""
    from maksud.recognizers.language_model.settings import LanguageModelSettings

    own = settings.language_model or LanguageModelSettings()
    own = replace(own, seed=settings.seed, method=settings.method)  # type: ignore[arg-type]
    return replace(settings, language_model=own)


def _settings_json(settings: TrainSettings) -> dict[str, Any]:
    return {k: v for k, v in asdict(settings).items() if v is not None}


def _versions(kind: str) -> dict[str, str]:
    from importlib import metadata

    names = ["maksud", "numpy", "torch", "safetensors"]
    names += ["transformers", "peft", "tokenizers"] if kind == "language_model" else []
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
