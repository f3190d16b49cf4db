"""One lane per recognizer: a bounded queue, and one thread that answers what waits in batches.

The event loop never runs a model, and a model is never asked by two threads at once. What
arrives while a batch is being answered forms the next one, so batches grow with the load and
nobody waits for one to fill. A batch that fails is asked again one by one: an utterance that
breaks the model gets its error alone.

A batch is a small unit of work: as many utterances as take about `UNIT_SECONDS`, by what they took
before, and from each request in turn. So a short request does not wait for a long one to end, and
what is not wanted any more ends soon: between two batches, or, where the model works in steps,
between two of them.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any, Literal

from maksud.http.api_error import ApiError
from maksud.recognizers.recognition import Recognition, Recognizer, Vector
from maksud.recognizers.steps import Abandoned, step, watch

PROBE = "1"
"""What a model is asked to see whether it answers: a digit is of no script, so that none is told
to be out of scope without asking the model."""
UNIT_SECONDS = 1.0
"""What a batch may take, as far as it can be told before."""
_BASE = 50
"""What an utterance costs beside its characters, in characters."""
_LATE = 3.0
"""So many times as long as expected may a batch take before the model counts as stuck."""

Work = Literal["recognize", "represent"]
"""What is asked of a model: the method of a `Recognizer`."""
Allowed = Collection[str] | None
"""The intents that an answer may have; None for all: see `Recognizer.propose_within`."""


class Failure(Exception):
    """An utterance of a job could not be answered: its place and the cause."""

    def __init__(self, place: int, cause: BaseException) -> None:
        super().__init__(f"utterance {place}: {cause!r}")
        self.place = place
        self.cause = cause


class Job(asyncio.Future[list[Any]]):
    """Utterances that are answered together for one request.

    A future of what `work` gives for each, in order, or of a `Failure`; cancelling it ends the
    work. `answers` holds those that are there already. `allowed`: the intents that they may have.
    """

    def __init__(
        self,
        utterances: Sequence[str],
        forget: Callable[[Job], None],
        allowed: Allowed = None,
        work: Work = "recognize",
    ) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._forget = forget
        self.allowed = allowed
        self.work = work
        self.utterances = utterances
        self.answers: dict[int, Recognition | Vector] = {}
        self.taken = 0
        self.cost = sum(map(_cost, utterances))

    @property
    def left(self) -> int:
        """Utterances that wait in the queue."""
        return len(self.utterances) - self.taken

    def cancel(self, msg: Any = None) -> bool:
        """See `asyncio.Future`; what waits makes room at once."""
        self._forget(self)
        return super().cancel(msg)

    def settle(self, failure: BaseException | None) -> None:
        """Gives the answers, which are all there, or the failure of one."""
        if self.done():
            return
        if failure is None:
            self.set_result([self.answers[k] for k in range(len(self.utterances))])
        else:
            self.set_exception(failure)
            self.exception()  # counts as seen: the client may have left


_Item = tuple[Job, int]
_Outcome = Recognition | Vector | BaseException


def _cost(utterance: str) -> int:
    return len(utterance) + _BASE


class Lane:
    """The way to one recognizer. `submit` and `is_answering` belong to the event loop.

    `patience`: seconds that a request may wait for its first answer; what would wait longer is
    refused at once.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        batch_size: int = 32,
        most: int = 256,
        patience: float = 60.0,
    ) -> None:
        self.recognizer = recognizer
        self.last_answer = float("-inf")
        self._batch_size = batch_size
        self._most = most
        self._patience = patience
        self._pace = 0.0  # running mean of the seconds for a unit of cost
        self._jobs: deque[Job] = deque()
        self._waiting = 0
        self._cost = 0  # of what waits
        self._changed = threading.Condition()
        self._closed = False
        self._failing = False
        self._last_step = float("-inf")  # of the batch at work
        self._due = float("-inf")  # when the batch at work ought to be done
        self._probe: Job | None = None
        self._waking: asyncio.AbstractEventLoop | None = None  # the loop that will wake the thread
        self._thread = threading.Thread(
            target=self._run, name=f"maksud-{recognizer.name}", daemon=True
        )

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread once what waits is answered."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def warm_up(self) -> None:
        """Asks the model before the thread runs. Raises what it raises."""
        for _ in range(2):  # the first answer computes what later ones share
            started = time.monotonic()
            self.recognizer.recognize([PROBE])
            self.last_answer = time.monotonic()
            self._pace = (self.last_answer - started) / _cost(PROBE)

    @property
    def waiting(self) -> int:
        """Utterances in the queue whose clients are still there."""
        return self._waiting

    def submit(
        self, utterances: Sequence[str], allowed: Allowed = None, work: Work = "recognize"
    ) -> Job:
        """Queues utterances. `allowed`: the intents that their answers may have.

        Raises `ApiError` (429, with Retry-After) where the queue has no room for all of them, or
        the first would wait for too long.
        """
        return self._enqueue(utterances, urgent=False, allowed=allowed, work=work)

    async def is_answering(self, within: float, patience: float) -> bool:
        """Whether the model answered in the last `within` seconds, is at work, or answers now.

        It is at work while its batch makes steps, or takes not much longer than batches of this
        size took. One probe is under way at a time, however many ask; a full queue does not hold
        it up.
        """
        now = time.monotonic()
        if now - self.last_answer < within:
            return True
        if not self._failing and (now - self._last_step < within or now < self._due):
            return True
        if self._probe is None or self._probe.done():
            self._probe = self._enqueue([PROBE], urgent=True)
        done, _ = await asyncio.wait({self._probe}, timeout=patience)
        return any(p.exception() is None for p in done)

    # ------------------------------------------------------------ the queue

    def _enqueue(
        self,
        utterances: Sequence[str],
        *,
        urgent: bool,
        allowed: Allowed = None,
        work: Work = "recognize",
    ) -> Job:
        job = Job(utterances, self._forget, allowed, work)
        with self._changed:
            if urgent:
                self._jobs.appendleft(job)
            else:
                full = self._waiting + len(utterances) > self._most
                if full or self._seconds() > self._patience:
                    raise self._full()
                self._jobs.append(job)
            self._waiting += len(utterances)
            self._cost += job.cost
        # Woken at once, the thread would take the first of those that came together for a batch,
        # and fight the loop, which brings the others, for the interpreter.
        loop = job.get_loop()
        if self._waking is not loop:
            self._waking = loop
            loop.call_soon(self._wake)
        return job

    def _wake(self) -> None:
        """Wakes the thread, once for all that one turn of the loop brought."""
        self._waking = None
        with self._changed:
            self._changed.notify()

    def _forget(self, job: Job) -> None:
        """Takes what nobody waits for any more out of the queue."""
        if job.left:
            with self._changed, suppress(ValueError):
                self._jobs.remove(job)
                self._waiting -= job.left
                self._cost -= sum(map(_cost, job.utterances[job.taken :]))
                job.taken = len(job.utterances)

    def _seconds(self) -> float:
        """What a new request would wait for its first answer: each job before it has a turn."""
        most = min(self._cost * self._pace, len(self._jobs) * UNIT_SECONDS)
        if most <= self._patience:  # the queue is not walked through for each request
            return most
        return sum(min(job.cost * self._pace, UNIT_SECONDS) for job in self._jobs)

    def _full(self) -> ApiError:
        """Says when there will be room: about then, spread so that clients do not come at once."""
        seconds = self._seconds() * random.uniform(0.4, 0.8)
        return ApiError(
            429,
            f"{self._waiting} utterances wait for this model already, at most {self._most} "
            f"can, and none longer than {self._patience:g} s: ask again later",
            code="queue_full",
            kind="rate_limit_error",
            headers={"retry-after": str(min(30, max(1, round(seconds))))},
        )

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._closed:
                    self._changed.wait()
                if not self._jobs:
                    return
                batch = self._take()
            if batch:
                self._answer(batch)

    def _take(self) -> list[_Item]:
        """The next batch: one utterance of each job in turn, while there is time for more.

        All of it is work of one kind; what waits for another kind comes first in the next.
        """
        batch: list[_Item] = []
        others: list[Job] = []
        cost = 0
        while self._jobs and len(batch) < self._batch_size:
            job = self._jobs.popleft()
            if batch and job.work != batch[0][0].work:
                others.append(job)
                continue
            more = _cost(job.utterances[job.taken])
            if batch and (cost + more) * self._pace > UNIT_SECONDS:
                self._jobs.appendleft(job)
                break
            cost += more
            batch.append((job, job.taken))
            job.taken += 1
            self._waiting -= 1
            self._cost -= more
            if job.left:
                self._jobs.append(job)
        self._jobs.extendleft(reversed(others))
        return batch

    def _answer(self, batch: list[_Item]) -> None:
        while batch:
            try:
                outcomes = self._ask(batch)
            except Abandoned:
                batch = [item for item in batch if not item[0].done()]
                continue
            self._settle(batch, outcomes)
            return

    def _ask(self, batch: list[_Item]) -> list[_Outcome]:
        """The outcomes of a batch. Raises `Abandoned` where most of its clients have left."""
        utterances = [job.utterances[k] for job, k in batch]
        cost = sum(map(_cost, utterances))

        def on_step() -> None:
            self._last_step = time.monotonic()
            # Whoever stays is asked for again, so few of them must lose what was done.
            if 2 * sum(job.done() for job, _ in batch) > len(batch):
                raise Abandoned

        started = time.monotonic()
        self._due = started + _LATE * cost * self._pace
        try:
            with watch(on_step):
                allowed = [job.allowed for job, _ in batch]
                outcomes = self._outcomes(utterances, allowed, batch[0][0].work)
        finally:
            self._due = self._last_step = float("-inf")
        now = time.monotonic()
        pace = (now - started) / cost
        self._pace += (0.3 if self._pace else 1.0) * (pace - self._pace)
        self._failing = all(isinstance(o, BaseException) for o in outcomes)
        if not self._failing:
            self.last_answer = now
        return outcomes

    def _outcomes(
        self, utterances: list[str], allowed: list[Allowed], work: Work
    ) -> list[_Outcome]:
        """The outcome of each. Nothing that a model raises may end the thread."""
        answers: Sequence[Recognition | Vector]
        try:
            self.recognizer.check(utterances)
            if work == "represent":
                answers = self.recognizer.represent(utterances)
            elif any(names is not None for names in allowed):
                answers = self.recognizer.recognize(utterances, allowed)
            else:
                answers = self.recognizer.recognize(utterances)
            if len(answers) != len(utterances):
                raise ValueError(f"{len(answers)} answers to {len(utterances)} utterances")
            return list(answers)
        except Abandoned:
            raise
        except BaseException as error:
            if len(utterances) == 1:
                return [error]
        out: list[_Outcome] = []
        for utterance, names in zip(utterances, allowed, strict=True):
            step()
            out += self._outcomes([utterance], [names], work)
        return out

    def _settle(self, batch: list[_Item], outcomes: list[_Outcome]) -> None:
        settled: dict[Job, BaseException | None] = {}
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Job, BaseException | None]]] = {}
        for (job, k), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                settled.setdefault(job, Failure(k, outcome))
            else:
                job.answers[k] = outcome
                if len(job.answers) == len(job.utterances):
                    settled.setdefault(job, None)
        for job, failure in settled.items():
            if failure is not None:
                self._forget(job)  # here: its loop may hear of it only after the rest was asked
            by_loop.setdefault(job.get_loop(), []).append((job, failure))
        for loop, jobs in by_loop.items():  # each wakes its loop, which costs a call of the system
            with suppress(RuntimeError):  # the server ended in between: nobody waits any more
                loop.call_soon_threadsafe(_settle_all, jobs)


def _settle_all(jobs: Sequence[tuple[Job, BaseException | None]]) -> None:
    for job, failure in jobs:
        job.settle(failure)
