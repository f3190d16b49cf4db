"""Runs all the checks: one pass over the rows, then each tells what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from os import PathLike
from typing import TYPE_CHECKING, Any, ParamSpec

from maksud.data.checks.base import Checking
from maksud.data.checks.profile import Profile, profile_of
from maksud.data.checks.registry import CHECKS
from maksud.data.checks.rows import Answers, Row, Tick, fill
from maksud.data.dataset import Dataset, Example
from maksud.data.findings import SHOWN_PER_CODE, Findings
from maksud.data.formats.base import Format, Options
from maksud.data.formats.files import find
from maksud.language.catalog import Catalog

if TYPE_CHECKING:
    from maksud.data.formats.parts.reading import Reject

P = ParamSpec("P")

TICK_ROWS = 5_000
"""Rows between two words about the progress."""


@dataclass(frozen=True)
class Checked:
    """What checking gave: the dataset, the findings, the figures; of a path that was read, the
    rejected rows and the formats."""

    dataset: Dataset
    findings: Findings
    profile: Profile
    catalog: Catalog | None = None
    """The catalog that it was checked against."""
    rejects: list[Reject] = field(default_factory=list, repr=False)
    formats: tuple[Format, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping: the findings and the figures."""
        return {**self.findings.to_json(), "profile": self.profile.to_json()}


def examine(
    data: Dataset | str | PathLike[str],
    *,
    catalog: Catalog | None = None,
    against: Dataset | None = None,
    seq_length: int = 0,
    tokenizer: str | PathLike[str] | None = None,
    format: str = "",
    options: Options | None = None,
    limit: int | None = SHOWN_PER_CODE,
    tick: Tick | None = None,
) -> Checked:
    """Findings about a dataset, and the figures that the page shows.

    `data`: a dataset, or a path as `formats.files.find` takes it, with its `format` and `options`
    (the findings of reading it are then included). `catalog`: to check against, instead of the
    dataset's declared one. `against`: an older version, whose labels should still be there.
    `seq_length`: the setting of training that every row should fit in; tokens are counted by the
    `tokenizer.json` in the directory `tokenizer`, else estimated. At most `limit` findings of a
    code are kept (None: all), all are counted. `tick` is told what is being done and which share
    of it is done.
    Raises `DataError` only where nothing can be read at all.
    """
    found = Findings(limit=limit)
    rejects: list[Reject] = []
    formats: tuple[Format, ...] = ()
    with _without_collector():
        if not isinstance(data, Dataset):
            was_read = find(data, format=format, options=options, tick=tick)
            data, rejects, formats = was_read.dataset, was_read.rejects, was_read.formats
            found.extend(was_read.findings)
        profile = _checked(data, found, catalog, against, seq_length, tokenizer, tick)
    return Checked(data, found, profile, catalog or data.declared_catalog, rejects, formats)


def _findings_of(examine: Callable[P, Checked]) -> Callable[P, Findings]:
    def check(*args: P.args, **kwargs: P.kwargs) -> Findings:
        """The findings of `examine`, errors first; it takes what `examine` takes."""
        return examine(*args, **kwargs).findings

    asked = signature(examine).replace(return_annotation="Findings")
    check.__dict__["__signature__"] = asked
    return check


check = _findings_of(examine)


def _checked(
    data: Dataset,
    found: Findings,
    catalog: Catalog | None,
    against: Dataset | None,
    seq_length: int,
    tokenizer: str | PathLike[str] | None,
    tick: Tick | None,
) -> Profile:
    """Runs the checks over a dataset, adds what they find, and gives the figures."""
    checking = Checking(
        data.examples,
        catalog or data.declared_catalog,
        against,
        seq_length,
        tokenizer,
        found.limit,
        tick,
    )
    telling = [checking.use(check.part) for check in CHECKS]
    looking = [part.see for part in checking.parts.values() if part.sees]
    _look(data.examples, Answers(checking.catalog), looking, tick)
    for k, part in enumerate(telling, 1):
        part.tell(found)
        if tick is not None:
            tick("Comparing", k / len(telling))
    return profile_of(data, checking)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nothing here makes cycles; looking for them in a million rows took a third of the time."""
    import gc

    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _look(
    examples: Sequence[Example],
    answers: Answers,
    lookers: Sequence[Callable[[Row], None]],
    tick: Tick | None,
) -> None:
    row = Row()
    for number, example in enumerate(examples):
        fill(row, number, example, answers(example.output))
        for look in lookers:
            look(row)
        if tick is not None and number % TICK_ROWS == 0:
            tick("Checking", number / len(examples))
