"""The process of one job: `python -m maksud.labelling.job_process`, with what to do on its
standard input. It has the lowest priority, tells the store how far it is, and that it lives."""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maksud.labelling.store import Store
    from maksud.progress import Progress

BEAT_SECONDS = 5.0
"""Between two signs of life: far less than `jobs.SILENT_SECONDS`."""
LOWEST = 19
"""What the process is `nice` by: who labels comes first."""


class Pulse:
    """Tells the store that a job lives, and how far it is; ends the process where the store has
    counted it dead, so that it changes nothing that another job does."""

    def __init__(self, store: Store, job: int) -> None:
        self.store = store
        self.job = job
        self.done, self.told = 0.0, ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def tell(self, progress: Progress) -> None:
        """How far it is; stored with the next beat."""
        self.done, self.told = progress.done, f"{progress.stage}: {progress.text}".rstrip(": ")

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        from maksud.errors import MaksudError
        from maksud.labelling import jobs

        while True:
            with suppress(MaksudError):  # a busy store; the next beat tells it
                now = self.store.clock()
                if not self.store.write(
                    lambda c, now=now: jobs.beat(c, self.job, now, self.done, self.told)  # type: ignore[misc]
                ):
                    os._exit(3)
            if self._over.wait(BEAT_SECONDS):
                return


def do_job(store: Store, job: int, models: Path) -> bool:
    """Does a job that was begun, and notes how it ended; whether it went well."""
    from maksud.errors import MaksudError
    from maksud.labelling import jobs

    try:
        with Pulse(store, job) as pulse:
            result = _do(store, job, models, pulse)
    except Exception as error:
        known = isinstance(error, (MaksudError, ImportError, MemoryError))
        told = str(error) if known else f"{type(error).__name__}: {error}"
        store.write(lambda c: jobs.end(c, job, store.clock(), jobs.FAILED, told or "failed"))
        return False
    store.write(lambda c: jobs.end(c, job, store.clock(), jobs.DONE, "", result))
    return True


def _do(store: Store, job: int, models: Path, pulse: Pulse) -> dict[str, Any]:
    from maksud.labelling import jobs
    from maksud.labelling.learning import learn
    from maksud.labelling.people import first_admin
    from maksud.labelling.second_look import find
    from maksud.labelling.tasks import task_for

    about = store.read(lambda c: jobs.show_job(c, job))
    admin = store.write(lambda c: first_admin(c, store.clock()))
    task = store.read(lambda c: task_for(c, about["task"], admin))
    if about["kind"] == jobs.LEARN:
        return learn(store, task, job, models, pulse.tell)
    return find(store, task, pulse.tell)


def main() -> int:
    """Does what standard input says; the exit code is 0 where it went well."""
    from maksud.labelling.store import Store

    with suppress(OSError, AttributeError):
        os.nice(LOWEST)
    asked = json.load(sys.stdin)
    store = Store(asked["store"])
    try:
        return 0 if do_job(store, int(asked["job"]), Path(asked["models"])) else 1
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
