"""How the threads of matrix products behave on a machine that has other work too.

PyTorch's threads (OpenMP) wait for each other behind every product, and by default they wait by
spinning, for milliseconds each time. Where another program has the core of one of them, the
others spin until it is given back, and use up the share of the cores that the work itself needs.
Threads that sleep at once lose as much on a quiet machine, where the next product comes within
microseconds: tuning a small language model took 1.8 times as long. So they spin for some of these
and then sleep.
"""

from __future__ import annotations

import math
import os
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

WAITING = {"GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "1"}
"""How long threads spin before they sleep: some 20 µs under GNU's OpenMP, which torch's wheels for
Linux have; the shortest time, a millisecond, under LLVM's."""
_ASKED = ("OMP_WAIT_POLICY", *WAITING)
"""What a user may have said of it."""
_COUNTING = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_CONTROL_GROUPS = Path("/sys/fs/cgroup")


def share_cores(environment: MutableMapping[str, str] = os.environ) -> None:
    """Lets threads that wait soon sleep, and no more of them run than this process may use.

    Sets what OpenMP reads once, when torch is loaded: call it before. What is set already stays.
    """
    if not any(name in environment for name in _ASKED):
        environment.update(WAITING)
    quota = core_quota()
    # OpenMP sees which cores a process may use, but not how much of them a container is given.
    if quota is not None and not any(name in environment for name in _COUNTING):
        cores = max(1, math.ceil(quota))
        if cores < _cores():
            environment["OMP_NUM_THREADS"] = str(cores)


def core_quota(groups: Path = _CONTROL_GROUPS) -> float | None:
    """How many cores' time a container is given (2.5: two and a half); None without a limit."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (groups / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (
            (groups / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
        )
        return None if int(quota) < 0 else int(quota) / int(period)
    return None


def core_count() -> int:
    """Cores that this process may use, at least one."""
    quota = core_quota()
    return _cores() if quota is None else max(1, min(_cores(), math.ceil(quota)))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
