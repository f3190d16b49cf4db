"""How the model helps with a task: which items come first, how many come without a suggestion,
and after how many new labels it learns again. Chosen when the task is made; a leader changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from maksud.labelling import statements
from maksud.labelling.refusals import Refused
from maksud.labelling.tables import datasets, helps

if TYPE_CHECKING:
    from sqlalchemy import Connection

FILE, RANDOM, UNCERTAIN = "file", "random", "uncertain"
ORDERS = (FILE, RANDOM, UNCERTAIN)
"""In which order items are labelled: the file's; a random sample; first those that the task's
recognizer is least sure of, spread over what is said. The last is random until there is one."""
MOST_BLIND = 50
"""Per cent of items that may be shown without a suggestion, at most."""
LEAST_GOLD_EVERY = 2


@dataclass(frozen=True)
class Help:
    """Settings of a task. `blind`: per cent of items that are shown without a suggestion.

    `every`: new agreed labels after which the recognizer learns again; 0: never by itself.
    `gold_every`: one item in so many is a gold one, as long as there are some. `base`: a dataset
    that is learnt from besides, 0 for none. `seed`: of the random order and of where gold stands.
    """

    order: str = FILE
    seed: int = 0
    blind: int = 10
    every: int = 50
    gold_every: int = 20
    base: int = 0

    def __post_init__(self) -> None:
        """Raises `Refused` for values out of range."""
        if self.order not in ORDERS:
            raise Refused(f"there is no order {self.order!r}", code="invalid_value", status=400,
                          hint=f"Choose {', '.join(ORDERS)}")  # fmt: skip
        bounds = {"blind": (self.blind, 0, MOST_BLIND), "every": (self.every, 0, 1_000_000),
                  "gold_every": (self.gold_every, LEAST_GOLD_EVERY, 1000),
                  "seed": (self.seed, 0, 2**31 - 1)}  # fmt: skip
        for name, (value, low, high) in bounds.items():
            if not low <= value <= high:
                raise Refused(f"{name} is {value}, out of range", code="invalid_value", status=400,
                              hint=f"Choose {low:,} to {high:,}")  # fmt: skip

    def is_blind(self, row: int) -> bool:
        """Whether suggestions are kept from a row: spread evenly, the same for everybody."""
        return (row * 2654435761 >> 7) % 100 < self.blind

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        return asdict(self)


def help_of(connection: Connection, task: int) -> Help:
    """The settings of a task; the usual ones where none were chosen."""
    found = statements.HELP.first(connection, {"task": task})
    if found is None:
        return Help()
    return Help(found.ordering, found.seed, found.blind, found.every, found.gold_every,
                found.base_id or 0)  # fmt: skip


def set_help(connection: Connection, task: int, help: Help) -> None:
    """Keeps the settings of a task. Raises `Refused` for a base that is not there."""
    if help.base and not connection.scalar(select(datasets.c.id).where(datasets.c.id == help.base)):
        raise Refused(f"there is no dataset {help.base}", code="not_found", status=404,
                      hint="Register it first")  # fmt: skip
    connection.execute(delete(helps).where(helps.c.task_id == task))
    values = {
        "task_id": task, "ordering": help.order, "seed": help.seed, "blind": help.blind,
        "every": help.every, "gold_every": help.gold_every, "base_id": help.base or None,
    }  # fmt: skip
    connection.execute(insert(helps).values(**values))


def changed(help: Help, changes: Mapping[str, Any]) -> Help:
    """The settings with those changes that are not None. Raises `Refused`."""
    return replace(help, **{name: v for name, v in changes.items() if v is not None})
