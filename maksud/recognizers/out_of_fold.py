"""Answers to training rows by recognizers that were trained without them.

Where little is held out, calibration needs more answers to unseen rows than there are: a few
recognizers are trained on parts of the data, and each answers the part that it has not seen
(cross-fitting; for calibration: van der Laan et al. 2007 and others). They stand in for the one
that is kept, and are a little worse, having seen less: on the safe side.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from maksud.data.dataset import Dataset
from maksud.data.folds import assign_folds, group_near
from maksud.errors import DataError, RunError
from maksud.progress import Progress
from maksud.recognizers.held_out import HeldOut, answer_both
from maksud.recognizers.kinds import Kind, Task
from maksud.recognizers.recognition import Recognizer

FEW_HELD_OUT = 200
"""Held-out rows from which they are enough by themselves."""
FEWEST = 20
"""Training rows under which folds would learn nothing."""


@dataclass
class OutOfFold:
    """Answers to the training rows of a task, those where intents are not known, and `notes` about
    parts that could not stand in for the recognizer that is kept."""

    held: HeldOut = field(default_factory=HeldOut)
    unknown: HeldOut = field(default_factory=HeldOut)
    notes: list[str] = field(default_factory=list)


def answer_out_of_fold(kind: Kind, task: Task, folds: int, like: Recognizer) -> OutOfFold:
    """Answers to the rows of `task` by `folds` recognizers, each trained without those that it
    answers, with the same settings.

    `like`: the one that is kept, trained on all. A part on which nothing can be trained, or nothing
    that gives the same evidence (an intent's only rows may stand in the other), is passed over.
    """
    out = OutOfFold()
    (nothing,) = like.propose([""])
    examples = list(task.train_set)
    fold_of = assign_folds(examples, group_near(examples), folds, task.seed)
    for fold in range(folds):

        def tell(event: Progress, fold: int = fold) -> None:
            done = (fold + event.done) / folds
            text = f"recognizer {fold + 1} of {folds} on a part of the data"
            task.tell(Progress("cross-fit", min(1.0, done), text, event.metrics))

        inside = [e for e, f in zip(examples, fold_of, strict=True) if f != fold]
        outside = [e for e, f in zip(examples, fold_of, strict=True) if f == fold]
        if not inside or not outside:
            continue
        with tempfile.TemporaryDirectory(prefix="maksud-") as room:
            place = Path(room)
            part = replace(
                task,
                train_set=Dataset(inside, catalog=task.train_set.declared_catalog),
                directory=place / "run",
                checkpoints=place / "checkpoints",
                tell=tell,
            )
            part.directory.mkdir()
            number = f"recognizer {fold + 1} of {folds} for calibration was left out"
            try:
                made = kind.train(part)
                contract = made.contract.refusing_like(like.contract)
                recognizer = kind.open(part.directory, contract, "fold")
            except (DataError, RunError) as error:
                out.notes.append(f"{number}: {error.message}")
                continue
            own, own_unknown = answer_both(recognizer, outside, tell)
            if any(len(f) != len(nothing.features) for f in own.features):
                out.notes.append(f"{number}: its rows lack intents, so it judges otherwise")
                continue
            out.held.extend(own)
            out.unknown.extend(own_unknown)
    return out
