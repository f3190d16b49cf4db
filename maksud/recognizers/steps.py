"""Long work in small steps: whoever watches sees that it goes on, and can end it between two.

A recognizer whose answers take long calls `step` between the passes of its model. A server that
asks it sees so that work goes on (`/ready`), and ends work that nobody waits for any more. Where
nobody watches, a step is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_watcher: ContextVar[Callable[[], None] | None] = ContextVar("watcher", default=None)


class Abandoned(Exception):
    """Raised by a step when nobody wants the answer any more; the recognizer stays usable."""


def step() -> None:
    """Between two passes of a model. Raises `Abandoned` where the work is to end here."""
    on_step = _watcher.get()
    if on_step is not None:
        on_step()


@contextmanager
def watch(on_step: Callable[[], None]) -> Iterator[None]:
    """`on_step` is called at each step of the block, in its thread; it may raise `Abandoned`."""
    token = _watcher.set(on_step)
    try:
        yield
    finally:
        _watcher.reset(token)
