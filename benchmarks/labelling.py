"""What labelling costs: saves with many labellers, lists of a million items, keys, kills.

    python benchmarks/labelling.py saves [--postgres] [--labellers 32] [--seconds 10] [--turns 3]
                                         [--beside TREE]
    python benchmarks/labelling.py list [--few 10000] [--many 1000000]
    python benchmarks/labelling.py keys [--labellers 32] [--items 60]
    python benchmarks/labelling.py kills [--rounds 300] [--postgres] [--minutes 4]
    python benchmarks/labelling.py sync

Each starts `maksud label` itself as people do, and speaks HTTP with it. `--postgres` starts a
PostgreSQL of its own (Debian's packages); kills then kill it too. `--beside` measures the sources
in another directory too, in turn with these. `--json FILE` keeps the figures. Exit code 1: a target
was missed (`kills`, `sync`: an acknowledged label was lost).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maksud.data.dataset import Dataset, Example
from maksud.labelling.library import register
from maksud.labelling.people import add_person, first_admin, make_token
from maksud.labelling.store import Store
from maksud.labelling.tasks import Wanted, create_task

SAVES_A_SECOND, P99_TIMES, LIST_TIMES, KEY_MS = 300, 6.0, 3.0, 100.0
"""Targets."""
STARTED_IN = 120.0
"""Seconds that a server may take to start on a busy machine."""


# ---------------------------------------------------------------- a store, and its server


@dataclass
class House:
    """A store with a task, and tokens of those who label."""

    place: str
    task: int
    tokens: list[str]
    leader: str


def furnish(place: str, items: int, labellers: int) -> House:
    """A new store with a task of so many items, for so many people."""
    store = Store(place)
    now = store.clock()

    def make(c: Any) -> House:
        admin = first_admin(c, now)
        people = [add_person(c, f"labeller {k}", "annotator", now) for k in range(labellers)]
        rows = [Example(f"tolong putar lagu nomor {k} di ruang tamu", "") for k in range(items)]
        data = register(c, "raw", Dataset(rows, name="raw"), "raw.json", now)
        members = [admin.id, *(p.id for p in people)]
        task = create_task(c, Wanted("bench", data, members, lease_minutes=60), now)
        tokens = [make_token(c, p, "bench", now) for p in people]
        return House(place, task, tokens, make_token(c, admin, "bench", now))

    try:
        return store.write(make)
    finally:
        store.close()


@contextmanager
def served(
    place: str, *before: str, tree: Path | None = None, more: Sequence[str] = ()
) -> Iterator[tuple[subprocess.Popen[str], str, int, str]]:
    """A running server: its process, host, port, and an admin's link. `before`: words before
    the command; `tree`: where its sources are, else these; `more`: words after the command."""
    command = [*before, sys.executable, "-m", "maksud", "label", "--store", place, "--port", "0",
               "--json", "--set", "access_log=false", *more]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True, cwd=tree,
        env=os.environ | ({"PYTHONPATH": str(tree)} if tree is not None else {}),
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        if not said:
            raise SystemExit("the server did not start")
        about = json.loads(said)
        url = about["url"]
        host, _, port = url.removeprefix("http://").partition(":")
        yield process, host, int(port), about["link"]
    finally:
        end_group(process)
        process.stdout.close()


def end_group(process: subprocess.Popen[str]) -> None:
    """Ends a process that leads a group, and the group with it."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Line:
    """One kept connection, which sends JSON: as little of a client as can be."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self.host, self.port = host, port
        self.head = f"Host: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"

    async def open(self) -> None:
        """Connects."""
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    async def ask(self, path: str, body: Any = None) -> tuple[int, bytes]:
        """Sends a request, and reads its answer whole."""
        raw = b"" if body is None else json.dumps(body).encode()
        verb = "GET" if body is None else "POST"
        kind = "" if body is None else "Content-Type: application/json\r\n"
        head = f"{verb} {path} HTTP/1.1\r\n{self.head}{kind}Content-Length: {len(raw)}\r\n\r\n"
        self.writer.write(head.encode() + raw)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        status = int(answer[9:12])
        length = 0
        for line in answer.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, await self.reader.readexactly(length)

    def close(self) -> None:
        """Hangs up."""
        self.writer.close()


@dataclass
class Work:
    """What labellers did: seconds of each save, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def label(house: House, host: str, port: int, until: float, work: Work, pause: float) -> None:
    """All labellers at once, until a time; each waits for its answer before the next save."""

    async def one(number: int, token: str) -> None:
        line = Line(host, port, token)
        await line.open()
        path = f"/api/tasks/{house.task}"
        _, said = await line.ask(path + "/claim", {"stage": "label"})
        item = json.loads(said)["item"]
        count = 0
        while item is not None and time.perf_counter() < until:
            if pause:
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            count += 1
            body = {"item": item["id"], "stage": "label", "kind": "answer", "output": "none()",
                    "key": f"{number}-{count}-{until}", "next": True, "seconds": 1}  # fmt: skip
            began = time.perf_counter()
            status, said = await line.ask(path + "/save", body)
            work.seconds.append(time.perf_counter() - began)
            if status != 200:
                work.faults.append(f"{status} {said[:200]!r}")
                break
            item = json.loads(said)["item"]
        line.close()

    await asyncio.gather(*(one(k, t) for k, t in enumerate(house.tokens)))


def quantile(values: list[float], share: float) -> float:
    """A quantile of measured values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# ---------------------------------------------------------------- what is measured


def measure_saves(given: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Saves a second, and how long one takes, with everybody saving at once.

    With `--beside` the two are measured in turns, so that both meet the same other work.
    """
    trees = {"these": None} | ({"beside": given.beside.resolve()} if given.beside else {})
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in trees}
    with databases(given, place) as new:
        for _ in range(given.turns):
            for name, tree in trees.items():
                seen[name].append(_saves(given, new(), tree))
    out: dict[str, Any] = {
        "store": "postgresql" if given.postgres else "sqlite", "labellers": given.labellers,
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    for name, turns in seen.items():
        rate, p50, p99 = (statistics.median(t[k] for t in turns) for k in ("rate", "p50", "p99"))
        faults = [f for t in turns for f in t["faults"]]
        out[name] = {
            "saves_a_second": round(rate, 1), "of_each_turn": [round(t["rate"], 1) for t in turns],
            "p50_ms": round(1000 * p50, 1), "p99_ms": round(1000 * p99, 1),
            "p99_over_p50": round(p99 / p50, 2),
            "cpu_ms_a_save": {
                who: round(1000 * statistics.median(t[who] for t in turns), 2)
                for who in ("server", "client", "database")
            },
            "faults": faults[:5],
            "reached": rate >= SAVES_A_SECOND and p99 <= P99_TIMES * p50 and not faults,
        }  # fmt: skip
    if given.beside:
        ratios = [a["rate"] / b["rate"] for a, b in zip(*seen.values(), strict=True)]
        out["times_as_fast"] = round(statistics.median(ratios), 2)
    return {**out, "reached": out["these"]["reached"]}


def _saves(given: argparse.Namespace, place: str, tree: Path | None) -> dict[str, Any]:
    """One measurement, on a new store; `server`, `client` and `database` are CPU seconds a save."""
    house = furnish(place, given.items, given.labellers)
    work = Work()
    with served(house.place, tree=tree) as (process, host, port, _):
        asyncio.run(label(house, host, port, time.perf_counter() + 1, Work(), 0))  # warm
        before = cpu_seconds(process.pid), time.process_time(), postgres_seconds()
        began = time.perf_counter()
        asyncio.run(label(house, host, port, began + given.seconds, work, 0))
        took = time.perf_counter() - began
        after = cpu_seconds(process.pid), time.process_time(), postgres_seconds()
    many = len(work.seconds)
    spent = [(b - a) / many for a, b in zip(before, after, strict=True)]
    return {"rate": many / took, "p50": quantile(work.seconds, 0.5),
            "p99": quantile(work.seconds, 0.99), "faults": work.faults,
            **dict(zip(("server", "client", "database"), spent, strict=True))}  # fmt: skip


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far, as the kernel counts it."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def postgres_seconds() -> float:
    """CPU time of all processes of the PostgreSQL that was started here; 0 without one."""
    return sum(map(cpu_seconds, _Postgres.processes()))


class _Postgres:
    """The PostgreSQL that was started here, if any."""

    running: Path | None = None
    start: Callable[[], None] = staticmethod(lambda: None)

    @classmethod
    def processes(cls) -> list[int]:
        """Its processes, the first of which began the others."""
        if cls.running is None:
            return []
        main = int((cls.running / "data" / "postmaster.pid").read_text().split()[0])
        try:
            children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        except OSError:
            children = []
        return [main, *map(int, children)]

    @classmethod
    def kill(cls) -> None:
        """kill -9 for all of them."""
        for process in cls.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    @classmethod
    def begin_again(cls) -> None:
        """Starts it after a kill; it recovers by its log."""
        for trial in range(20 if cls.running is not None else 0):
            try:
                cls.start()
                return
            except subprocess.CalledProcessError:  # one of its processes is not gone yet
                if trial == 19:
                    raise
                time.sleep(0.5)


@contextmanager
def databases(given: argparse.Namespace, place: Path) -> Iterator[Callable[[], str]]:
    """What gives the place of a new store each time: a file, or, with `--postgres`, a database of
    a server that is started here and stopped afterwards."""
    counted = iter(range(1_000_000))
    if not given.postgres:
        yield lambda: str(place / f"labels{next(counted)}.db")
        return
    with postgres() as (url, create):

        def new() -> str:
            name = f"labels{next(counted)}"
            create(name)
            return url.format(name)

        yield new


@contextmanager
def postgres() -> Iterator[tuple[str, Callable[[str], None]]]:
    """A PostgreSQL as Debian installs it, with its usual settings: the URL of its databases, and
    what makes one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    root = os.geteuid() == 0
    if not found or (root and not shutil.which("runuser")):
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    # A socket's path has to be short, and the server may not run as root.
    place = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    before = ["runuser", "-u", "postgres", "--"] if root else []

    def call(tool: str, *words: str) -> None:
        command = [*before, str(found[-1].with_name(tool)), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=place)

    if root:
        shutil.chown(place, "postgres")
    data = str(place / "data")
    options = f"-k {place} -p 5498 -c listen_addresses=''"

    def start() -> None:
        call("pg_ctl", "-D", data, "-o", options, "-l", str(place / "log"), "-w", "start")

    call("initdb", "-D", data, "-A", "trust", "-U", "maksud")
    start()
    _Postgres.running, _Postgres.start = place, staticmethod(start)
    try:
        yield (
            f"postgresql://maksud@/{{}}?host={place}&port=5498",
            lambda name: call("createdb", "-h", str(place), "-p", "5498", "-U", "maksud", name),
        )
    finally:
        _Postgres.running = None
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")  # it is thrown away
        shutil.rmtree(place, ignore_errors=True)


def measure_list(given: argparse.Namespace, place: Path) -> dict[str, Any]:
    """How long the page of a task, and of a part of its list, takes with few items and many."""
    times: dict[int, dict[str, float]] = {}
    for count in (given.few, given.many):
        house = furnish(str(place / f"{count}.db"), 10, 1)
        _fill(house, count)
        with served(house.place) as (_, host, port, _):
            times[count] = asyncio.run(_list_times(house, host, port, count, given.requests))
    few, many = times[given.few], times[given.many]
    ratios = {name: round(many[name] / few[name], 2) for name in few}
    return {"ms": {str(n): {k: round(1000 * v, 1) for k, v in t.items()} for n, t in times.items()},
            "ratios": ratios, "reached": max(ratios.values()) <= LIST_TIMES}  # fmt: skip


def _fill(house: House, count: int) -> None:
    """Adds items until there are so many: by the database itself, as Python would take long."""
    with sqlite3.connect(house.place) as c:
        for sql in (
            "WITH RECURSIVE n(k) AS (SELECT 10 UNION ALL SELECT k + 1 FROM n WHERE k + 1 < ?) "
            "INSERT INTO rows (dataset_id, position, data) SELECT 1, k, json_object("
            "'instruction', 'tolong putar lagu nomor ' || k, 'output', NULL) FROM n",
        ):
            c.execute(sql, (count,))
        names = [r[1] for r in c.execute("PRAGMA table_info(items)")]
        kept = {"id", "row_id", "position", "rank"}
        same = [n for n in names if n not in kept]
        values = ", ".join(f"(SELECT {n} FROM items LIMIT 1)" for n in same)
        rank = ", rank" if "rank" in names else ""
        c.execute(
            f"INSERT INTO items (row_id, position{rank}, {', '.join(same)}) SELECT id, position"
            f"{', position' if rank else ''}, {values} FROM rows WHERE position >= 10"
        )
    c.close()


async def _list_times(
    house: House, host: str, port: int, count: int, requests: int
) -> dict[str, float]:
    line = Line(host, port, house.leader)
    await line.open()
    chosen = random.Random(7)
    times: dict[str, list[float]] = {"page": [], "list": [], "home": []}
    for k in range(requests + 3):
        after = chosen.randrange(count - 60)
        paths = {"page": f"/tasks/{house.task}?after={after}", "home": "/",
                 "list": f"/api/tasks/{house.task}/items?after={after}&state=label"}  # fmt: skip
        for name, path in paths.items():
            began = time.perf_counter()
            status, _ = await line.ask(path)
            if k >= 3:
                times[name].append(time.perf_counter() - began)
            assert status == 200, (path, status)
    line.close()
    return {name: statistics.median(seen) for name, seen in times.items()}


WATCH = """() => new Promise((resolve) => {
  const number = document.getElementById("number"), began = performance.now();
  new MutationObserver((_, watcher) => {
    watcher.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - began));
  }).observe(number, { childList: true, characterData: true, subtree: true });
  const key = new KeyboardEvent("keydown", { key: "Enter", bubbles: true });
  document.getElementById("content").dispatchEvent(key);
})"""


def measure_keys(given: argparse.Namespace, place: Path) -> dict[str, Any]:
    """From the key to the next item in the page, while others label, a save a second each."""
    from playwright.sync_api import expect, sync_playwright

    browser_at = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    house = furnish(str(place / "labels.db"), given.items, given.labellers)
    with sqlite3.connect(house.place) as c:  # each has a suggestion, which the key confirms
        c.execute("UPDATE items SET suggestions = ?", (json.dumps(
            [{"text": "none()", "confidence": None, "by": "data"}]),))  # fmt: skip
    c.close()
    times: list[float] = []
    work = Work()
    with served(house.place) as (_, host, port, link):
        until = time.perf_counter() + 3600
        stop = threading.Event()

        async def others() -> None:
            task = asyncio.ensure_future(label(house, host, port, until, work, 1.0))
            while not stop.is_set() and not task.done():
                await asyncio.sleep(0.05)
            task.cancel()

        thread = threading.Thread(target=asyncio.run, args=(others(),))
        thread.start()
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(
                    executable_path=browser_at, args=["--no-sandbox"]
                )  # fmt: skip
                page = browser.new_page()
                page.goto(link)
                page.locator("form button").click()
                page.wait_for_url(f"http://{host}:{port}/")
                page.goto(f"http://{host}:{port}/tasks/{house.task}/label")
                for k in range(given.keys + 5):
                    expect(page.locator("#number")).not_to_be_empty()
                    if not page.input_value("#text"):
                        page.fill("#text", "none()")  # one in ten is shown without suggestions
                        page.evaluate("document.getElementById('content').focus()")
                    page.wait_for_timeout(50)
                    took = page.evaluate(WATCH)
                    if k >= 5:
                        times.append(took)
                browser.close()
        finally:
            stop.set()
            thread.join()
    p95 = quantile(times, 0.95)
    return {"labellers": given.labellers, "keys": len(times), "saves_of_others": len(work.seconds),
            "p50_ms": round(statistics.median(times), 1), "p95_ms": round(p95, 1),
            "reached": p95 <= KEY_MS}  # fmt: skip


# ---------------------------------------------------------------- kills, and the sync


def measure_kills(given: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Kills the server while people save, again and again, and asks after what it acknowledged."""
    with databases(given, place) as new:
        until = time.monotonic() + 60 * given.minutes if given.minutes else None
        return kill_rounds(new(), given.rounds, given.labellers, until=until)


def kill_rounds(
    place: str,
    rounds: int,
    labellers: int,
    tell: Callable[[str], None] = lambda _: None,
    until: float | None = None,
) -> dict[str, Any]:
    """Rounds of: start, save from all sides, kill -9, look. What was not acknowledged is sent
    again, with its key, by the next round: then it has to be there once. No round begins after
    `until`."""
    many = rounds * (labellers + 250)
    if "://" in place:
        house = furnish(place, many, labellers)
    else:
        house = furnish(place, 10, labellers)
        _fill(house, many)
    acknowledged: dict[str, int] = {}
    unsure: dict[int, dict[str, Any]] = {}
    lost = doubled = damaged = resent = 0
    slowest = 0.0
    chosen = random.Random(11)
    for k in range(rounds):
        if until is not None and time.monotonic() > until:
            rounds = k
            break
        began = time.perf_counter()
        with served(house.place) as (process, host, port, _):
            slowest = max(slowest, time.perf_counter() - began)
            resent += len(unsure)
            after = chosen.uniform(0.0, 0.4)
            asyncio.run(_until_killed(house, host, port, process, k, acknowledged, unsure, after))
        _Postgres.begin_again()
        whole, there = _look_at(house.place)
        damaged += not whole
        lost = sum(there.get(key, (0, 0))[0] != item for key, item in acknowledged.items())
        doubled = sum(count != 1 for _, count in there.values())
        tell(f"round {k + 1}: {len(acknowledged)} acknowledged, {lost} lost")
    return {"rounds": rounds, "acknowledged": len(acknowledged), "sent_again": resent,
            "lost": lost, "stored_twice": doubled, "damaged": damaged,
            "slowest_start_s": round(slowest, 2),
            "reached": not (lost or doubled or damaged) and bool(acknowledged)}  # fmt: skip


def _look_at(place: str) -> tuple[bool, dict[str, tuple[int, int]]]:
    """Whether a store is whole, and of each key its item, and how often it is there."""
    query = "SELECT key, item_id, count(*) FROM acts GROUP BY user_id, key, item_id"
    if "://" not in place:
        with sqlite3.connect(place) as c:
            whole = c.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            kept = c.execute(query).fetchall()
        c.close()
    else:
        from sqlalchemy import text

        store, whole = Store(place), True
        with store.reading() as connection:
            kept = [tuple(r) for r in connection.execute(text(query))]
        store.close()
    counts: dict[str, tuple[int, int]] = {}
    for key, item, count in kept:
        counts[key] = (item, count + counts.get(key, (0, 0))[1])
    return whole, counts


async def _until_killed(
    house: House, host: str, port: int, process: subprocess.Popen[str], round: int,
    acknowledged: dict[str, int], unsure: dict[int, dict[str, Any]], after: float,
) -> None:  # fmt: skip
    """Everybody saves; when all have begun, and a moment more, the server is killed."""
    path = f"/api/tasks/{house.task}"
    saved = 0
    enough = asyncio.Event()

    async def one(number: int, token: str) -> None:
        nonlocal saved
        line = Line(host, port, token)
        try:
            await line.open()
            waiting = unsure.get(number)
            count = 0
            while True:
                if waiting is None:
                    status, said = await line.ask(path + "/claim", {"stage": "label"})
                    if status >= 500 and "://" in house.place:
                        return  # its database was killed first
                    item = json.loads(said)["item"]["id"]
                    count += 1
                    waiting = {"item": item, "stage": "label", "kind": "answer",
                               "output": "none()", "key": f"{number}-{round}-{count}"}  # fmt: skip
                unsure[number] = waiting
                status, said = await line.ask(path + "/save", waiting)
                if status == 200:
                    acknowledged[waiting["key"]] = waiting["item"]
                    saved += 1
                elif json.loads(said)["error"]["code"] == "lease_lost":
                    await line.ask(path + "/claim", {"stage": "label", "item": waiting["item"]})
                    continue
                elif status >= 500 and "://" in house.place:
                    return
                else:
                    raise AssertionError(said)
                del unsure[number]
                waiting = None
                if saved >= len(house.tokens):
                    enough.set()
        except (OSError, asyncio.IncompleteReadError):
            return

    people = [asyncio.ensure_future(one(k, t)) for k, t in enumerate(house.tokens)]
    await enough.wait()
    await asyncio.sleep(after)
    _Postgres.kill()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    await asyncio.gather(*people)


def measure_sync(given: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Whether a sync stands between a save's last write to disk and its answer (strace)."""
    return trace_sync(str(place / "labels.db"), place / "trace")


def trace_sync(place: str, log: Path) -> dict[str, Any]:
    """Saves three items through a traced server, and reads what it called."""
    tracer = shutil.which("strace")
    if tracer is None:
        return {"reached": None, "why": "there is no strace"}
    house = furnish(place, 20, 1)
    words = (tracer, "-f", "-s", "64", "-o", str(log), "-e",
             "trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg")  # fmt: skip
    try:
        with served(house.place, *words) as (_, host, port, _):
            asyncio.run(_three(house, host, port))
    except SystemExit:
        return {"reached": None, "why": "processes may not be traced here"}
    calls = [line.split(" ", 1)[1].strip() for line in log.read_text().splitlines() if " " in line]
    answers = [k for k, c in enumerate(calls) if "HTTP/1.1 200" in c]
    written = synced = 0
    for before, told in zip(answers, answers[1:], strict=False):
        between = calls[before + 1 : told]
        writes = [k for k, c in enumerate(between) if "pwrite64" in c]
        if writes:  # claims and saves; what only reads writes nothing
            written += 1
            synced += any(_is_synced(c) for c in between[writes[-1] :])
    return {"answers_after_writes": written, "synced_before": synced,
            "reached": written >= 3 and synced == written}  # fmt: skip


def _is_synced(call: str) -> bool:
    """Whether a line of the trace is a sync that has ended."""
    return ("sync(" in call and "unfinished" not in call) or "sync resumed" in call


async def _three(house: House, host: str, port: int) -> None:
    line = Line(host, port, house.tokens[0])
    await line.open()
    path = f"/api/tasks/{house.task}"
    for k in range(3):
        _, said = await line.ask(path + "/claim", {"stage": "label"})
        item = json.loads(said)["item"]["id"]
        body = {"item": item, "stage": "label", "kind": "answer", "output": "none()",
                "key": f"k{k}"}  # fmt: skip
        status, said = await line.ask(path + "/save", body)
        assert status == 200, said
    line.close()


MEASURES = {"saves": measure_saves, "list": measure_list, "keys": measure_keys,
            "kills": measure_kills, "sync": measure_sync}  # fmt: skip


def main() -> int:
    """Measures one thing; prints its figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=tuple(MEASURES))
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL (saves, kills)")
    parser.add_argument("--beside", type=Path, metavar="TREE", help="other sources (saves)")
    parser.add_argument("--turns", type=int, default=1, help="how often it is measured (saves)")
    parser.add_argument("--labellers", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=0, help="end after so long (kills)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="labelling-") as place:
        found = {given.what: MEASURES[given.what](given, Path(place))}
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return int(found[given.what]["reached"] is False)


if __name__ == "__main__":
    sys.exit(main())
