"""One lane per recognizer: a bounded queue, and one thread that answers what waits in batches.

The event loop never runs a model, and a model is never asked by two threads at once. What
arrives while a batch is being answered forms the next one, so batches grow with the load and
nobody waits for one to fill. A batch that fails is asked again one by one: an utterance that
breaks the model gets its error alone.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from maksud.http.api_error import ApiError
from maksud.recognizers.recognition import Recognition, Recognizer

PROBE = "halo"
"""What a model is asked to see whether it answers."""


class Failure(Exception):
    """An utterance of a job could not be answered: its place and the cause."""

    def __init__(self, place: int, cause: BaseException) -> None:
        super().__init__(f"utterance {place}: {cause!r}")
        self.place = place
        self.cause = cause


class _Job:
    """Utterances that are answered together for one request."""

    def __init__(self, utterances: Sequence[str]) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[list[Recognition]] = self.loop.create_future()
        self.utterances = utterances
        self.answers: dict[int, Recognition] = {}


_Item = tuple[_Job, int]
_Outcome = Recognition | BaseException


class Lane:
    """The way to one recognizer. `submit` and `is_answering` belong to the event loop."""

    def __init__(self, recognizer: Recognizer, *, batch_size: int = 32, most: int = 256) -> None:
        self.recognizer = recognizer
        self.last_answer = float("-inf")
        self._batch_size = batch_size
        self._most = most
        self._seconds_each = 0.05  # running mean of what an utterance takes
        self._waiting: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._probe: asyncio.Future[list[Recognition]] | None = None
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

    @property
    def waiting(self) -> int:
        """Utterances in the queue whose clients are still there."""
        with self._changed:
            return sum(not job.future.done() for job, _ in self._waiting)

    def submit(self, utterances: Sequence[str]) -> asyncio.Future[list[Recognition]]:
        """Queues utterances; the future gives their recognitions in order, or a `Failure`.

        Cancelling it takes what still waits out of the queue. Raises `ApiError` (429, with
        Retry-After) where the queue has no room for all of them.
        """
        return self._enqueue(utterances, urgent=False)

    async def is_answering(self, within: float, patience: float) -> bool:
        """Whether the model answered in the last `within` seconds, or does when asked now.

        One probe is under way at a time, however many ask; a full queue does not hold it up.
        """
        if time.monotonic() - self.last_answer < within:
            return True
        if self._probe is None or self._probe.done():
            self._probe = self._enqueue([PROBE], urgent=True)
        done, _ = await asyncio.wait({self._probe}, timeout=patience)
        return any(p.exception() is None for p in done)

    # ------------------------------------------------------------ the queue

    def _enqueue(
        self, utterances: Sequence[str], *, urgent: bool
    ) -> asyncio.Future[list[Recognition]]:
        job = _Job(utterances)
        items = [(job, k) for k in range(len(utterances))]
        with self._changed:
            if urgent:
                self._waiting.extendleft(items)
            else:
                if len(self._waiting) + len(items) > self._most:
                    self._forget_given_up()
                if len(self._waiting) + len(items) > self._most:
                    raise self._full()
                self._waiting.extend(items)
            self._changed.notify()
        return job.future

    def _forget_given_up(self) -> None:
        self._waiting = deque(i for i in self._waiting if not i[0].future.done())

    def _full(self) -> ApiError:
        """Says when there will be room: about then, spread so that clients do not come at once."""
        seconds = len(self._waiting) * self._seconds_each * random.uniform(0.8, 1.2)
        return ApiError(
            429,
            f"{len(self._waiting)} utterances wait for this model already, at most {self._most} "
            "can: ask again later",
            code="queue_full",
            kind="rate_limit_error",
            headers={"retry-after": str(min(30, max(1, round(seconds))))},
        )

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                batch: list[_Item] = []
                while self._waiting and len(batch) < self._batch_size:
                    item = self._waiting.popleft()
                    if not item[0].future.done():  # its client is still there
                        batch.append(item)
            if batch:
                self._answer(batch)

    def _answer(self, batch: list[_Item]) -> None:
        started = time.monotonic()
        outcomes = self._ask([job.utterances[k] for job, k in batch])
        now = time.monotonic()
        self._seconds_each += 0.1 * ((now - started) / len(batch) - self._seconds_each)
        if any(isinstance(o, Recognition) for o in outcomes):
            self.last_answer = now
        settled: dict[_Job, BaseException | None] = {}
        for (job, k), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Recognition):
                job.answers[k] = outcome
                if len(job.answers) == len(job.utterances):
                    settled.setdefault(job, None)
            else:
                settled.setdefault(job, Failure(k, outcome))
        for job, failure in settled.items():
            _call(job.loop, _settle, job, failure)

    def _ask(self, utterances: list[str]) -> list[_Outcome]:
        """The outcome of each. Nothing that a model raises may end the thread."""
        try:
            self.recognizer.check(utterances)
            answers = self.recognizer.recognize(utterances)
            if len(answers) != len(utterances):
                raise ValueError(f"{len(answers)} answers to {len(utterances)} utterances")
            return list(answers)
        except BaseException as error:
            if len(utterances) == 1:
                return [error]
        return [outcome for u in utterances for outcome in self._ask([u])]


def _settle(job: _Job, failure: BaseException | None) -> None:
    if job.future.done():
        return
    if failure is not None:
        job.future.set_exception(failure)
        job.future.exception()  # counts as seen: the client may have left
    else:
        job.future.set_result([job.answers[k] for k in range(len(job.utterances))])


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object) -> None:
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:  # the server ended in between: nobody waits any more
        return
