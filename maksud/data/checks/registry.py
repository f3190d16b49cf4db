"""The checks, one line each. The order is that in which they tell what they found; those that
read what others counted find it whole, for all rows are seen before the first one tells."""

from __future__ import annotations

from maksud.data.checks import (
    arguments,
    borders,
    conversations,
    counter,
    declared,
    held_out,
    labels,
    languages,
    lengths,
    metadata,
    names,
    near,
    parameters,
    personal,
    repeats,
    schema,
    strategy,
    text,
    variety,
)
from maksud.data.checks.base import Check

CHECKS: list[Check] = [
    strategy.CHECK,
    held_out.CHECK,
    variety.CHECK,
    counter.CHECK,
    labels.CHECK,
    parameters.CHECK,
    borders.CHECK,
    arguments.CHECK,
    names.CHECK,
    text.CHECK,
    personal.CHECK,
    languages.CHECK,
    lengths.CHECK,
    metadata.CHECK,
    conversations.CHECK,
    near.CHECK,
    repeats.CHECK,
    declared.CHECK,
    schema.CHECK,
]
