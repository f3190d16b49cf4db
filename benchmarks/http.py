"""Measures the server: `python benchmarks/http.py RUN`.

In one run, on loopback: CPU of the server for a request at several concurrencies, beside a bare
Starlette echo under the same uvicorn; then 400 clients at once, and how long a refusal (429) and
`/health` take. Keep-alive connections, one utterance a request. The client shares the machine:
read the ratios and the CPU times, and times of the clock only on a quiet machine.
"""

from __future__ import annotations

if __name__ != "__main__":
    # A neighbour, or a library that it imports, wants the package of this name in the standard
    # library, which this file hides from scripts of this folder.
    import sys
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    _place = Path(sys.modules["os"].__file__ or "").with_name("http") / "__init__.py"
    _spec = spec_from_file_location("http", _place, submodule_search_locations=[str(_place.parent)])
    assert _spec is not None and _spec.loader is not None
    sys.modules["http"] = _module = module_from_spec(_spec)
    _spec.loader.exec_module(_module)

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reporting import machine

TOKEN = "mk-of-the-benchmark"
UTTERANCE = "tolong putar lagu Hampa"
CONCURRENCY = (1, 16, 64)
CROWD = 400

BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def echo(request):
    return JSONResponse(await request.json())
app = Starlette(routes=[Route("/v1/recognize", echo, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False, http="h11",
            ws="none", loop="asyncio")
"""


@contextmanager
def serving(command: Sequence[str], port: int) -> Iterator[int]:
    """The process of a server, once it listens."""
    environment = {**os.environ, "MAKSUD_TOKEN": TOKEN}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(1200):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    tried.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    if tried.recv(1):
                        break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def recognize_request() -> bytes:
    """A request for one utterance."""
    body = json.dumps({"utterance": UTTERANCE}).encode()
    return (
        b"POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
        % (TOKEN.encode(), len(body), body)
    )


HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes
) -> tuple[int, float]:
    """Status and seconds of one exchange."""
    started = time.perf_counter()
    writer.write(asked)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head[9:12]), time.perf_counter() - started


async def ask(port: int, asked: bytes, times: int) -> list[tuple[int, float]]:
    """So many exchanges, one after the other, on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return [await exchange(reader, writer, asked) for _ in range(times)]
    finally:
        writer.close()


async def load(port: int, clients: int, requests: int) -> list[tuple[int, float]]:
    """Requests of clients that ask all the time."""
    each = max(1, requests // clients)
    done = await asyncio.gather(*(ask(port, recognize_request(), each) for _ in range(clients)))
    return [one for some in done for one in some]


async def crowd(port: int, each: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """What a crowd of clients gets, and what `/health` says meanwhile."""
    sent = asyncio.gather(*(ask(port, recognize_request(), each) for _ in range(CROWD)))
    health: list[tuple[int, float]] = []
    while not sent.done():
        health += await ask(port, HEALTH, 1)
        await asyncio.sleep(0.01)
    return [one for some in await sent for one in some], health


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def measure(command: Sequence[str], port: int, requests: int) -> dict[int, float]:
    """Milliseconds of the server's CPU for a request, at each concurrency."""
    found = {}
    with serving(command, port) as pid:
        asyncio.run(load(port, 4, 200))  # what is made once is made
        for clients in CONCURRENCY:
            before = cpu_seconds(pid)
            answers = asyncio.run(load(port, clients, requests))
            spent = cpu_seconds(pid) - before
            if any(status != 200 for status, _ in answers):
                raise SystemExit(
                    f"not all answered at {clients}: {sorted({s for s, _ in answers})}"
                )
            found[clients] = 1000 * spent / len(answers)
    return found


def share(times: list[float], part: float) -> float:
    """A quantile in milliseconds."""
    return 1000 * sorted(times)[min(len(times) - 1, int(part * len(times)))] if times else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--each", type=int, default=10, help="requests of each of the crowd")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    given = parser.parse_args()
    ports = free_port(), free_port(), free_port()
    ours = [sys.executable, "-m", "maksud", "serve", str(given.run), "--port"]
    bare = measure([sys.executable, "-c", BARE, str(ports[0])], ports[0], given.requests)
    mine = measure([*ours, str(ports[1])], ports[1], given.requests)
    write = sys.stdout.write
    write("| concurrency | Maksud, ms of CPU | bare echo, ms of CPU | ratio | requests/CPU s |\n")
    write("|---|---|---|---|---|\n")
    for clients in CONCURRENCY:
        a, b = mine[clients], bare[clients]
        write(f"| {clients} | {a:.2f} | {b:.2f} | {a / b:.1f} | {1000 / a:,.0f} |\n")
    sys.stdout.flush()
    with serving([*ours, str(ports[2])], ports[2]):
        answers, health = asyncio.run(crowd(ports[2], given.each))
    refused = [t for status, t in answers if status == 429]
    figures: dict[str, Any] = {
        "ours_ms": mine,
        "bare_ms": bare,
        "answers": len(answers),
        "refused": len(refused),
        "refused_p50_ms": share(refused, 0.5),
        "refused_p99_ms": share(refused, 0.99),
        "health_p50_ms": share([t for _, t in health], 0.5),
        "health_p99_ms": share([t for _, t in health], 0.99),
        "machine": machine(),
    }
    write(f"\n{CROWD} clients: {len(refused):,} of {len(answers):,} refused (429), ")
    write(f"p50 {figures['refused_p50_ms']:.0f} ms, p99 {figures['refused_p99_ms']:.0f} ms; ")
    write(f"/health {len(health)} times, p50 {figures['health_p50_ms']:.0f} ms, ")
    write(f"p99 {figures['health_p99_ms']:.0f} ms\n")
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
