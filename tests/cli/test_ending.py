"""A signal ends a command as Ctrl-C does: in order, and once."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from maksud.cli.ending import SIGNALS, Ending


@pytest.fixture(autouse=True)
def unheard() -> Iterator[None]:
    told = sys.unraisablehook
    before = {s: signal.signal(s, signal.SIG_DFL) for s in SIGNALS}
    yield
    sys.unraisablehook = told
    for number, handler in before.items():
        signal.signal(number, handler)


def test_without_a_signal_it_was_ctrl_c() -> None:
    ending = Ending().hear()
    assert (ending.code, ending.words) == (130, "interrupted")


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [(signal.SIGTERM, 143, "ended by SIGTERM"), (signal.SIGHUP, 129, "ended by SIGHUP")],
)
def test_a_signal_is_heard_once(sent: signal.Signals, code: int, words: str) -> None:
    ending = Ending().hear()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(sent)
    signal.raise_signal(sent)  # while one tidies up
    assert (ending.code, ending.words) == (code, words)


class Deaf:
    """Hears a signal where Python drops what is raised: in a destructor."""

    def __init__(self, sent: signal.Signals) -> None:
        self.sent = sent

    def __del__(self) -> None:
        signal.raise_signal(self.sent)


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_that_python_loses_is_raised_again(
    sent: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = Ending().hear()
    deaf = [Deaf(sent)]
    deaf.pop()  # nothing is raised here
    with pytest.raises(KeyboardInterrupt):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            time.sleep(0.01)
    assert ending.code == code
    assert capsys.readouterr().err == ""


def test_other_faults_of_destructors_are_told_as_ever() -> None:
    class Faulty:
        def __del__(self) -> None:
            raise ValueError("of a destructor")

    heard: list[str] = []
    sys.unraisablehook = lambda what: heard.append(str(what.exc_value))
    Ending().hear()
    faulty = [Faulty()]
    faulty.pop()
    assert heard == ["of a destructor"]


def test_what_is_ignored_or_heard_by_others_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    Ending().hear()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    mine = signal.getsignal(signal.SIGTERM)
    Ending().hear()
    assert signal.getsignal(signal.SIGTERM) is mine


def test_other_threads_hear_nothing() -> None:
    thread = threading.Thread(target=lambda: Ending().hear())
    thread.start()
    thread.join()
    assert all(signal.getsignal(s) is signal.SIG_DFL for s in SIGNALS)


def test_a_forked_child_ends_at_once() -> None:
    Ending().hear()
    child = os.fork()
    if not child:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            os._exit(7)  # what is left to do is the parent's
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
