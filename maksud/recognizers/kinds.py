"""The kinds of recognizer: each is one folder beside this file, and one line in `KINDS`.

A kind says what it is called, which bases it starts from, its settings, how it is trained and how
a run of it is opened. Nothing outside this registry asks which kind a recognizer is of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from maksud.data.dataset import Dataset
from maksud.errors import RunError, nearest
from maksud.language.catalog import Catalog, Intent
from maksud.progress import OnProgress
from maksud.recognizers.contract import Contract
from maksud.recognizers.recognition import Recognizer
from maksud.recognizers.threads import share_cores

KINDS = {
    "compact": "maksud.recognizers.compact.kind",
    "encoder": "maksud.recognizers.encoder.kind",
    "language_model": "maksud.recognizers.language_model.kind",
}
"""Name of each kind, and the module whose `KIND` it is; imported when it is asked for."""


@dataclass(frozen=True)
class Task:
    """What a kind is given to train on.

    `directory` is to be filled with the weights; `checkpoints` may keep what an interrupted
    training learnt, for the next one; `settings` is of the kind's own class.
    """

    base: str
    train_set: Dataset
    held_out: Dataset
    catalog: Catalog
    directory: Path
    checkpoints: Path
    settings: Any
    seed: int
    tell: OnProgress


@dataclass(frozen=True)
class Trained:
    """What came of a training. `settings`: each as it was carried out, the derived ones too.

    `about`: what else the run's manifest tells of it.
    """

    contract: Contract
    metrics: dict[str, Any]
    settings: Any
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NewIntent:
    """An intent that was added to a run: see `Growing`."""

    name: str
    examples: tuple[str, ...]
    found: float
    """Share of an intent's clauses that was found, where one was left out and known by as much."""
    taken: float
    """Share of all other clauses that was taken for it."""


@dataclass(frozen=True)
class Growing:
    """How a kind's recognizers take intents that they were not trained for.

    `add` writes what a recognizer needs to know of an intent, and of those that it took before,
    into a directory: from the catalog's entry and examples of what people say. `remove` writes the
    same without one. `list` has those of a recognizer. `files` are the names of what is written.
    """

    add: Callable[[Recognizer, Intent, Sequence[str], Path], None]
    remove: Callable[[Recognizer, str, Path], None]
    list: Callable[[Recognizer], list[NewIntent]]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """One kind of recognizer. `bases` are the names that start it; one kind takes all others."""

    name: str
    settings: type
    train: Callable[[Task], Trained]
    open: Callable[[Path, Contract, str], Recognizer]
    bases: tuple[str, ...] = ()
    takes: Callable[[str], bool] = field(default=lambda base: False)
    """Whether it starts from a base of a name that is not among `bases`."""
    takes_other_bases: bool = False
    calibration_examples: int = 0
    """Held-out examples that are answered for calibration where no setting says; 0: all."""
    cross_fits: bool = False
    """Whether a few more trainings, on parts of the data, cost little enough."""
    background: int = 400
    """Ordinary sayings that are answered to see how many would be acted on."""
    translate: Callable[[Mapping[str, Any]], dict[str, Any]] = field(default=dict)
    """Settings under names of others (the guide's) as the kind's own."""
    prepare: Callable[[Any], None] = field(default=lambda settings: None)
    """Raises what makes a training with these settings impossible on this machine."""
    growing: Growing | None = None
    """How intents are added to a run; None where only a training can do that."""
    libraries: tuple[str, ...] = ()
    """Packages whose versions a run records, beside those of every kind."""


_registered: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Adds a kind that does not live in this package; the name must be new."""
    if kind.name in KINDS or kind.name in _registered:
        raise ValueError(f"there is a kind {kind.name!r} already")
    _registered[kind.name] = kind


def find_kind(name: str) -> Kind:
    """The kind of that name. Raises `RunError` where there is none."""
    if name in _registered:
        return _registered[name]
    if name not in KINDS:
        known = [*KINDS, *_registered]
        raise RunError(f"unknown kind of recognizer {name!r}", hint=nearest(name, known))
    share_cores()  # here, as what a kind imports may load torch
    kind: Kind = import_module(KINDS[name]).KIND
    return kind


def list_kinds() -> list[Kind]:
    """All kinds, in the order in which they are asked for a base."""
    return [find_kind(name) for name in [*KINDS, *_registered]]


def kind_of_base(base: str) -> Kind:
    """The kind that starts from `base`: that names it, else knows it, else takes any."""
    kinds = list_kinds()
    for kind in kinds:
        if base in kind.bases:
            return kind
    for kind in kinds:
        if kind.takes(base):
            return kind
    return next(kind for kind in kinds if kind.takes_other_bases)
