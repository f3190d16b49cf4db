"""The model that helps while people label: the application's side. It begins jobs when there are
enough new labels, looks after their processes, and takes up the recognizer that the newest one
left, while the one before goes on answering."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maksud.errors import MaksudError
from maksud.labelling import jobs
from maksud.labelling.help import help_of
from maksud.labelling.learning import FEWEST, count_agreed, runs_of
from maksud.labelling.people import first_admin
from maksud.labelling.refusals import Refused
from maksud.labelling.suggestions import Suggester
from maksud.labelling.tasks import Task, task_for

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from maksud.labelling.store import Store

LOOK_SECONDS = 2.0
"""Between two looks at what there is to do."""
LOADED = 8
"""Tasks whose recognizers are in memory, at most: those that were asked last."""
STOP_SECONDS = 5.0
"""How long a process is waited for that was told to stop."""

Process = subprocess.Popen[bytes]


class Assistant:
    """The jobs and recognizers of one store.

    `models`: where runs are kept. `other`: what suggests for tasks that have no recognizer of
    their own yet. `start`: begins the process of a job. Without `run`, nothing happens by itself:
    `look` does one round.
    """

    def __init__(
        self,
        store: Store,
        models: Path | None = None,
        other: Suggester | None = None,
        start: Callable[[Store, int, Path], Process] | None = None,
    ) -> None:
        self.store = store
        self.models = models or place_of(store)
        self.other = other
        self._start = start or start_process
        self._loaded: OrderedDict[int, tuple[int, Suggester | None]] = OrderedDict()
        self._touched: set[int] = set()
        self._asked: set[int] = set()
        self._processes: dict[int, Process] = {}
        self._alone = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------ asked by requests

    def suggester(self, task: int) -> Suggester | None:
        """What suggests for a task now; a newer one is looked for in the background."""
        with self._alone:
            self._asked.add(task)
            found = self._loaded.get(task)
            if found is None or found[1] is None:
                return self.other
            self._loaded.move_to_end(task)
            return found[1]

    def touch(self, task: int) -> None:
        """Something of a task was saved."""
        with self._alone:
            self._touched.add(task)

    def begin(self, task: Task, kind: str) -> dict[str, Any]:
        """Begins a job that somebody asks for. Raises `Refused` where one runs already, or there is
        too little to learn from."""
        if not task.template.has_calls:
            raise Refused("a task of free text has no recognizer", code="invalid_value", status=400,
                          hint="Use the card of intents and parameters")  # fmt: skip

        def note(c: Connection) -> int | None:
            labels = count_agreed(c, task.id)
            if labels < FEWEST and not (kind == jobs.LEARN and help_of(c, task.id).base):
                raise Refused(f"{labels} agreed labels are too few to learn from",
                              code="too_few_labels",
                              hint=f"Label {FEWEST} first")  # fmt: skip
            return jobs.begin(c, task.id, kind, labels, self.store.clock())

        job = self.store.write(note)
        if job is None:
            raise Refused("it is being done already", code="job_running",
                          hint="Wait until it is done")  # fmt: skip
        self._launch(job)
        return self.store.read(lambda c: jobs.show_job(c, job))

    # ------------------------------------------------------------ in the background

    def run(self) -> None:
        """Looks every few seconds, in a thread, until `close`."""
        self._thread = threading.Thread(target=self._look_on, name="assistant", daemon=True)
        self._thread.start()

    def _look_on(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:  # a busy store, most likely: the next look finds the same
                logging.getLogger("maksud").warning("the assistant looks again", exc_info=True)

    def look(self) -> None:
        """One round: ended processes, jobs that are due, newer recognizers."""
        self._reap()
        with self._alone:
            touched, self._touched = self._touched, set()
            asked, self._asked = self._asked, set()
        try:
            for task in sorted(touched):
                self._consider(task)
        except MaksudError:
            with self._alone:
                self._touched |= touched
            raise
        for task in sorted(asked | touched):
            self._take_up(task)

    def close(self) -> None:
        """Ends the thread, and the processes of jobs, which are noted as stopped."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        for process in self._processes.values():
            process.terminate()
        for job, process in self._processes.items():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._note(job, jobs.STOPPED, "it was stopped with the application")
        self._processes.clear()

    def _consider(self, id: int) -> None:
        """Begins to learn where a task has so many new labels as it asks for."""

        def note(c: Connection) -> int | None:
            help = help_of(c, id)
            if not help.every:
                return None
            task = task_for(c, id, first_admin(c, self.store.clock()))
            last = jobs.latest(c, id, jobs.LEARN, jobs.RUNNING, jobs.DONE, jobs.FAILED)
            labels = count_agreed(c, id)
            due = max(FEWEST, help.every + (last["labels"] if last is not None else 0))
            if not task.template.has_calls or task.archived or labels < due:
                return None
            return jobs.begin(c, id, jobs.LEARN, labels, self.store.clock())

        job = self.store.write(note)
        if job is not None:
            self._launch(job)

    def _launch(self, job: int) -> None:
        try:
            process = self._start(self.store, job, self.models)
        except OSError as error:
            self._note(job, jobs.FAILED, f"its process could not be started ({error})")
            return
        with self._alone:
            self._processes[job] = process

    def _reap(self) -> None:
        """Notes jobs whose process has ended without saying how."""
        if self.store.read(lambda c: jobs.is_silent(c, self.store.clock())):
            self.store.write(lambda c: jobs.bury(c, self.store.clock()))
        with self._alone:
            ended = {j: p for j, p in self._processes.items() if p.poll() is not None}
            for job in ended:
                del self._processes[job]
        for job, process in ended.items():
            words = f"its process ended with code {process.returncode}"
            self._note(job, jobs.FAILED, words + _last_words(self.models, job))
            with self._alone:
                self._asked.add(self.store.read(lambda c, j=job: jobs.show_job(c, j))["task"])  # type: ignore[misc]

    def _note(self, job: int, state: str, told: str) -> None:
        """Nothing where the job itself said how it ended."""
        with suppress(MaksudError):
            now = self.store.clock()
            self.store.write(lambda c: jobs.end(c, job, now, state, told))

    def _take_up(self, task: int) -> None:
        """Loads the newest recognizer of a task, and only then lets the one before go."""
        last = self.store.read(lambda c: jobs.latest(c, task, jobs.LEARN, jobs.DONE))
        known = self._loaded.get(task)
        if last is None or (known is not None and known[0] == last["id"]):
            return
        loaded = self._load(task, str(last["result"]["run"]))
        with self._alone:
            # What can't be opened is not tried again; the one before stays.
            kept = loaded or (known[1] if known is not None else None)
            self._loaded[task] = (last["id"], kept)
            self._loaded.move_to_end(task)
            while len(self._loaded) > LOADED:
                self._loaded.popitem(last=False)

    def _load(self, task: int, run: str) -> Suggester | None:
        from maksud.recognizers.door import load_recognizer

        with suppress(MaksudError, ImportError, OSError):
            return Suggester(load_recognizer(runs_of(self.models, task) / run))
        return None


def place_of(store: Store) -> Path:
    """Where the runs of a store's tasks are: beside it, or in the workspace."""
    from maksud.data.versions import workspace

    if store.file is not None:
        return store.file.with_name(f"{store.file.name}.models")
    return workspace() / ".maksud" / "labels.models"


def start_process(store: Store, job: int, models: Path) -> Process:
    """Begins the process of a job, which Ctrl-C does not reach. Raises `OSError`."""
    models.mkdir(parents=True, exist_ok=True)
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with _log(models, job).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "maksud.labelling.job_process"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log,
            env=os.environ | one, start_new_session=True,
        )  # fmt: skip
    asked = {"store": store.place, "job": job, "models": str(models)}  # a URL may have a password
    assert process.stdin is not None
    with suppress(OSError), process.stdin:
        process.stdin.write(json.dumps(asked).encode())
    return process


def _log(models: Path, job: int) -> Path:
    return models / f"job-{job % 20}.log"


def _last_words(models: Path, job: int) -> str:
    with suppress(OSError):
        lines = _log(models, job).read_text("utf-8", errors="replace").strip().splitlines()
        if lines:
            return f": {lines[-1][:200]}"
    return ""
