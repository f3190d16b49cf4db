"""Ending at a signal of a supervisor or a terminal that closes, as at Ctrl-C: in order."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from typing import Any

INTERRUPTED = 130
"""Exit code after Ctrl-C."""
AGAIN = 0.05
"""Seconds after which a signal is sent anew that Python has lost."""
SIGNALS = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
"""What ends a command as Ctrl-C does; by itself the system would end it with all left standing."""


class Ending:
    """How a command was ended: the exit code, and the words for it."""

    def __init__(self) -> None:
        self._number = 0
        self._process = os.getpid()

    def hear(self) -> Ending:
        """From here on the signals raise `KeyboardInterrupt`, in the main thread; others hear none.

        One that is ignored stays so (`nohup`). Servers hear them in their own way meanwhile.
        Python prints and drops what is raised within a destructor or a callback of its own, and
        goes on (`sys.unraisablehook`): an interrupt that was lost so is raised once more.
        """
        if threading.current_thread() is threading.main_thread():
            told = sys.unraisablehook

            def lost(what: sys.UnraisableHookArgs) -> None:
                if what.exc_type is KeyboardInterrupt and os.getpid() == self._process:
                    self._raise_again()
                else:
                    told(what)

            sys.unraisablehook = lost
            for number in SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, self._end)
        return self

    @property
    def code(self) -> int:
        """The exit code, as shells tell it: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self._number if self._number else INTERRUPTED

    @property
    def words(self) -> str:
        """What is said of it."""
        return f"ended by {signal.Signals(self._number).name}" if self._number else "interrupted"

    def _raise_again(self) -> None:
        number, self._number = self._number or signal.SIGINT, 0
        # Not from here: this still runs where what is raised is lost.
        again = threading.Timer(AGAIN, _thread.interrupt_main, [number])
        again.daemon = True
        again.start()

    def _end(self, number: int, _: Any) -> None:
        if os.getpid() != self._process:  # a forked child has nothing to tidy up
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if self._number:
            return  # a second one must not end the tidying up
        self._number = number
        raise KeyboardInterrupt
