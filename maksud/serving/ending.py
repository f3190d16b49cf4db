"""Ending at a signal: at once while a server is being made ready, in order while it serves."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvicorn

SIGNALS = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
"""What ends a server: a supervisor's signal, and that of a terminal which closes."""


class _Told(BaseException):
    """The signal to end, where the block is to be left at once."""


class Ending:
    """What a signal to end does, in the main thread; others hear none.

    `told` says that one came. Until `hold` it ends the block of `heard` at once; afterwards it
    asks `server` to end, which ends the requests in work first.
    """

    def __init__(self) -> None:
        self.told = False
        self.server: uvicorn.Server | None = None
        self._at_once = True

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Signals are heard inside the block, and do what they did before after it.

        One that is ignored stays so: `nohup` keeps a server alive when its terminal closes.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        heard = [s for s in SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]
        before = {s: signal.signal(s, self._end) for s in heard}
        try:
            yield
        except _Told:
            return
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def hold(self) -> None:
        """From here on a signal ends nothing half-way."""
        self._at_once = False

    def _end(self, *_: Any) -> None:
        self.told = True
        if self._at_once:
            self._at_once = False  # a second one must not end the tidying up
            raise _Told
        if self.server is not None:
            self.server.should_exit = True
