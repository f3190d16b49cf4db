"""Which examples of a dataset an evaluation takes."""

from __future__ import annotations

import random

from maksud.data.dataset import Dataset
from maksud.errors import InputError


def take_examples(data: Dataset, where: str, limit: int = 0) -> Dataset:
    """The test split, or everything where there are no splits; of it, `limit` random examples
    (always the same ones; 0: all).

    Raises `InputError` about `where` for data with splits, none of them test.
    """
    taken = data
    if any(e.split for e in data):
        taken = data.test
        if not len(taken):
            raise InputError(
                "the directory has no test split", where=where, hint="Name the file to take"
            )
    examples = list(taken)
    if limit and limit < len(examples):
        kept = sorted(random.Random(0).sample(range(len(examples)), limit))
        examples = [examples[k] for k in kept]
    return Dataset(examples, catalog=data.declared_catalog, name=data.name, version=data.version)
