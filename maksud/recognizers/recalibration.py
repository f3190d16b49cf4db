"""Decides anew when a run's answers are acted on, without training again."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load
from maksud.errors import DataError, RunError, name_some, nearest
from maksud.language.calls import NONE
from maksud.language.catalog import Catalog
from maksud.progress import OnProgress, listen
from maksud.recognizers.decision import Rule
from maksud.recognizers.deriving import about_of, copy_files
from maksud.recognizers.door import load_recognizer
from maksud.recognizers.held_out import answer_both, conclude
from maksud.recognizers.kinds import find_kind
from maksud.recognizers.reading import normalise_examples
from maksud.recognizers.runs import Run, draft_run


def calibrate(
    run: Run | str | os.PathLike[str],
    data: Dataset | Sequence[Example] | str | os.PathLike[str],
    *,
    rule: Rule | None = None,
    out: str | os.PathLike[str] | None = None,
    on_progress: OnProgress | bool | None = True,
) -> Run:
    """The run with calibration and threshold made anew from its answers to `data`.

    `data`: labelled examples that the run has not learnt from, and whose mix is that of the
    traffic to come; of several splits, dev is taken. `rule`: by default the run's own, or the
    default one where it has none. `out`: a new run; by default the run itself is replaced, whole
    or not at all. The weights stay what they are.

    What is not labelled is left out, and counted in the metrics (`calibration.data.left_out`).
    Rows that ask for what the run does not know are told in its notes: no answer to them is right.

    Raises `DataError` for data without labelled examples, of the train split alone, that the run
    was trained on, or of other intents than the run's, `RunError` where `out` exists.
    """
    run = Run.open(run.path if isinstance(run, Run) else run)  # as it stands now
    rule = rule or run.contract.rule or Rule()
    if isinstance(data, str | os.PathLike):
        data = load(data)
    dataset = data if isinstance(data, Dataset) else Dataset(data)
    examples, left_out = part_held_out(dataset)
    _refuse_learnt(examples, run, dataset.name)
    unknown_rows = _tell_unknown(examples, run.contract.catalog, dataset.name)
    if run.contract.text:  # a run of before there was a normal form reads them as they are
        examples = list(normalise_examples(Dataset(examples, catalog=run.contract.catalog)))
    target = run.path if out is None else Path(out)
    if out is not None and (target / "run.json").exists():
        raise RunError(
            "exists already",
            where=str(target),
            hint="Choose another --out, or leave it away: the run itself is then replaced",
        )
    with (
        listen(on_progress) as tell,
        draft_run(target, overwrite=out is None) as draft,
    ):
        recognizer = load_recognizer(run)
        held, unknown = answer_both(recognizer, examples, tell)
        most = find_kind(run.kind).background
        contract, about = conclude(recognizer, held, unknown, rule, examples, most, 0, tell)
        copy_files(run, draft)
        about["notes"] = [*about["notes"], *unknown_rows]
        about["data"] = {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "left_out": len(left_out),
        }
        draft.finish(
            kind=run.kind,
            contract=contract,
            metrics={**run.metrics, "calibration": about},
            about=about_of(run),
        )
    return Run.open(target)


def part_held_out(data: Dataset) -> tuple[list[Example], list[Example]]:
    """The examples that `calibrate` takes, and those that it leaves out for want of an answer.

    Of several splits those of dev, as test is looked at once. Raises what `calibrate` does.
    """
    splits = {e.split for e in data}
    if splits == {"train"}:
        raise DataError(
            "all rows are of the train split: what a run has learnt from says nothing of what it "
            "will do with others",
            where=data.name,
            hint="Give rows that were held out, such as the dev split",
        )
    part = data if len(splits) == 1 else data.dev
    examples = [e for e in part if e.is_labelled]
    if not examples:
        raise DataError(
            "no labelled examples to calibrate on",
            where=data.name,
            hint="Give a file of rows with answers that the run has not learnt from, or a "
            "directory with a dev split",
        )
    return examples, [e for e in part if not e.is_labelled]


def _refuse_learnt(examples: Sequence[Example], run: Run, name: str) -> None:
    """Raises `DataError` where the rows are all those that the run was trained on: of a file
    without splits, nothing else says so."""
    learnt = run.manifest.get("data", {}).get("fingerprint")
    as_train = Dataset(dataclasses.replace(e, split="train") for e in examples)
    if learnt in (Dataset(examples).fingerprint, as_train.fingerprint):
        raise DataError(
            "these are the rows that the run was trained on: what it has learnt from says nothing "
            "of what it will do with others",
            where=name,
            hint="Give rows that were held out; training has calibrated on those that it held out",
        )


def _tell_unknown(examples: Sequence[Example], catalog: Catalog, name: str) -> list[str]:
    """A note of the rows that ask for what a run's catalog does not have, if there are any.

    Raises `DataError` where no row asks for anything else: a run would never act again.
    """
    asking = [e for e in examples if NONE not in e.calls]
    unknown = Counter(
        intent for e in asking for intent in {c.intent for c in e.calls} if intent not in catalog
    )
    rows = sum(any(c.intent not in catalog for c in e.calls) for e in asking)
    if not rows:
        return []
    first, *_ = most = [intent for intent, _ in unknown.most_common()]
    named = name_some(most)
    if rows == len(asking):
        raise DataError(
            f"no row asks for what the run knows, but for {named}",
            where=name,
            hint=f"Give data of the run's own catalog. {nearest(first, catalog.names)}",
        )
    return [
        f"{rows:,} of the {len(asking):,} rows that ask for something ask for what the run does "
        f"not know ({named}), and whatever it answers to them is counted as wrong"
    ]
