"""Which examples of a dataset an evaluation takes."""

from __future__ import annotations

import random

from maksud.data.dataset import Dataset, Example
from maksud.errors import InputError, SettingsError


def take_examples(data: Dataset, where: str, limit: int = 0) -> tuple[Dataset, list[Example]]:
    """The test split, or everything where there are no splits; of it, `limit` random examples
    (always the same ones; 0: all). Then those that have no answer yet and are left out, unless
    none has one.

    Raises `InputError` about `where` for data with splits, none of them test, `SettingsError` for
    a limit below 0.
    """
    if limit < 0:
        raise SettingsError(f"limit is {limit}, expected at least 0", hint="0 takes all examples")
    taken = data
    if any(e.split for e in data):
        taken = data.test
        if not len(taken):
            raise InputError(
                "the directory has no test split", where=where, hint="Name the file to take"
            )
    chosen, left_out = taken.part_unlabelled()
    if not len(chosen):  # what is measured says what is wrong with it
        chosen, left_out = taken, []
    examples = list(chosen)
    if limit and limit < len(examples):
        kept = sorted(random.Random(0).sample(range(len(examples)), limit))
        examples = [examples[k] for k in kept]
    # A split does not know the version of the whole.
    chosen = Dataset(examples, catalog=data.declared_catalog, name=data.name, version=data.version)
    return chosen, left_out
