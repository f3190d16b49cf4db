"""Measures the server: `python benchmarks/http.py RUN`.

In one run, on loopback: CPU of the server for a request at several concurrencies, beside a bare
Starlette echo under the same uvicorn; a chat completion beside the same with all tools of the
catalog, and as a response, in turns on one server (`--only tools` measures this alone); then 400
clients at once, and how long a refusal (429) and `/health` take. Keep-alive connections, one
utterance a request. The client shares the machine: read the ratios and the CPU times, and times of
the clock only on a quiet machine.
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
ROUNDS = 4
"""How often ways to ask take turns."""

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


def post(path: str, content: Any) -> bytes:
    """A request as bytes."""
    body = json.dumps(content).encode()
    return (
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
        % (path.encode(), TOKEN.encode(), len(body), body)
    )


RECOGNIZE = post("/v1/recognize", {"utterance": UTTERANCE})


def ask_once(port: int, asked: bytes) -> Any:
    """The JSON of the answer to one request."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        head, _, body = asked.partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def ways_to_ask(port: int) -> dict[str, bytes]:
    """The same utterance, asked in the ways that are compared; the first is the plain one."""
    get = b"GET /v1/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
    model = ask_once(port, get % b"models")["data"][0]["id"]
    tools = ask_once(port, get % b"tools")["data"]
    flat = [{"type": "function", **tool["function"]} for tool in tools]
    said = {"model": model, "messages": [{"role": "user", "content": UTTERANCE}]}
    ways = {
        "plain": post("/v1/chat/completions", said),
        "tool call": post("/v1/chat/completions", {**said, "tools": tools}),
        "response": post("/v1/responses", {"model": model, "input": UTTERANCE}),
        "response, tool call": post(
            "/v1/responses", {"model": model, "input": UTTERANCE, "tools": flat}
        ),
    }
    called = ask_once(port, ways["tool call"])["choices"][0]["finish_reason"] == "tool_calls"
    if not called:
        raise SystemExit(f"{model} calls no tool for {UTTERANCE!r}: take another run")
    return ways


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


async def load(
    port: int, clients: int, requests: int, asked: bytes = RECOGNIZE
) -> list[tuple[int, float]]:
    """Requests of clients that ask all the time."""
    each = max(1, requests // clients)
    done = await asyncio.gather(*(ask(port, asked, each) for _ in range(clients)))
    return [one for some in done for one in some]


async def crowd(port: int, each: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """What a crowd of clients gets, and what `/health` says meanwhile."""
    sent = asyncio.gather(*(ask(port, RECOGNIZE, each) for _ in range(CROWD)))
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
            found[clients] = spend(pid, port, clients, requests, RECOGNIZE)
    return found


def spend(pid: int, port: int, clients: int, requests: int, asked: bytes) -> float:
    """Milliseconds of the server's CPU for a request."""
    before = cpu_seconds(pid)
    answers = asyncio.run(load(port, clients, requests, asked))
    spent = cpu_seconds(pid) - before
    if any(status != 200 for status, _ in answers):
        raise SystemExit(f"not all answered at {clients}: {sorted({s for s, _ in answers})}")
    return 1000 * spent / len(answers)


def compare(command: Sequence[str], port: int, requests: int) -> dict[int, dict[str, list[float]]]:
    """Milliseconds of CPU for a request of each way to ask, at each concurrency, in each round.

    The ways take turns in a round, and the order is turned around from one to the next: what the
    machine does meanwhile falls on all of them.
    """
    found: dict[int, dict[str, list[float]]] = {}
    with serving(command, port) as pid:
        ways = ways_to_ask(port)
        for asked in ways.values():
            asyncio.run(load(port, 4, 200, asked))
        for clients in CONCURRENCY:
            found[clients] = {name: [] for name in ways}
            for turn in range(ROUNDS):
                for name in [*ways][:: -1 if turn % 2 else 1]:
                    took = spend(pid, port, clients, requests // ROUNDS, ways[name])
                    found[clients][name].append(took)
    return found


def tell_ways(found: dict[int, dict[str, list[float]]]) -> None:
    """The means, and the ratio to the plain way with the least and the most of a round."""
    write = sys.stdout.write
    write("| concurrency | asked | ms of CPU | requests/CPU s | ratio to plain (by round) |\n")
    write("|---|---|---|---|---|\n")
    for clients, ways in found.items():
        for name, took in ways.items():
            mean, plain = sum(took) / len(took), ways["plain"]
            ratios = sorted(a / b for a, b in zip(took, plain, strict=True))
            write(f"| {clients} | {name} | {mean:.2f} | {1000 / mean:,.0f} | ")
            write(f"{sum(took) / sum(plain):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) |\n")
    sys.stdout.flush()


def share(times: list[float], part: float) -> float:
    """A quantile in milliseconds."""
    return 1000 * sorted(times)[min(len(times) - 1, int(part * len(times)))] if times else 0.0


def write_figures(file: Path | None, figures: dict[str, Any]) -> None:
    """Every figure, where a file is named for them."""
    if file is not None:
        file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--each", type=int, default=10, help="requests of each of the crowd")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    parser.add_argument("--only", choices=["tools"], help="measure the ways to ask alone")
    given = parser.parse_args()
    ports = free_port(), free_port(), free_port(), free_port()
    ours = [sys.executable, "-m", "maksud", "serve", str(given.run), "--port"]
    ways = compare([*ours, str(ports[3])], ports[3], given.requests)
    tell_ways(ways)
    if given.only:
        write_figures(given.json, {"ways_ms": ways, "machine": machine()})
        return
    sys.stdout.write("\n")
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
        "ways_ms": ways,
        "machine": machine(),
    }
    write(f"\n{CROWD} clients: {len(refused):,} of {len(answers):,} refused (429), ")
    write(f"p50 {figures['refused_p50_ms']:.0f} ms, p99 {figures['refused_p99_ms']:.0f} ms; ")
    write(f"/health {len(health)} times, p50 {figures['health_p50_ms']:.0f} ms, ")
    write(f"p99 {figures['health_p99_ms']:.0f} ms\n")
    write_figures(given.json, figures)


if __name__ == "__main__":
    main()
