"""Sends broken requests to a server: `python benchmarks/fuzz.py RUN`, or `--url URL --token TOKEN`.

Whole requests of every kind are mutated (bytes, lines of the header, fields of the JSON, lengths,
chunks), put one behind the other, followed by junk, split, half sent, and left. After every
`--every` of them a good request must be answered. What is told at the end: how many were sent, what
came back by status, and each finding, with the seed that makes its case again (`--seed`, `--only`).

A finding is an answer of 500 or more (but 505, another version of HTTP), an answer that is not
HTTP with a length, an error in another shape, and a good request that is not answered. What the
server itself counted by status is asked for too, where its figures may be read (as those of a RUN);
and of a RUN its log is looked through for faults.
Exit status 1 where something was found.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from broken_requests import SAID, Maker, bodies, split

del sys.path[0]  # this folder's http.py hides the package of that name
import urllib.error  # noqa: E402
import urllib.request  # noqa: E402

TOKEN = "mk-of-the-fuzzer"
LIMIT = 30.0
"""Seconds in which a good request must be answered."""
QUIET = 0.15
"""Seconds without a byte after which nothing more is waited for."""
AT_ONCE = 16
"""Connections at the same time."""
MOST_EXAMPLES = 300
"""Examples of Schemathesis for each operation."""
MOST_SHOWN = 20
"""Findings that are told with their bytes."""

# ---------------------------------------------------------------- what comes back


class NotHttp(Exception):
    """What the server sent can't be read."""


_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\Z")


def read_replies(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Status and body of each answer; the last may have been cut by who reads.

    Raises `NotHttp` for what is none.
    """
    while data:
        head, there, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        found = _STATUS.match(first)
        if found is None:
            if not there and (b"HTTP/1.1 ".startswith(first[:9]) or first.startswith(b"HTTP/1.1 ")):
                return
            raise NotHttp(f"an answer begins with {data[:80]!r}")
        status = int(found[1])
        if not there:
            yield status, b""
            return
        named = [line.partition(b": ") for line in lines]
        if any(not sep or not name for name, sep, _ in named):
            raise NotHttp(f"a line of the header is broken: {head[:300]!r}")
        lengths = [int(value) for name, _, value in named if name.lower() == b"content-length"]
        if status == 100 or status == 204:
            lengths = lengths or [0]
        if len(lengths) != 1:
            raise NotHttp(f"an answer has {len(lengths)} lengths: {head[:300]!r}")
        # Nobody can say here whether HEAD was asked: then there is a length and no body.
        if rest.startswith(b"HTTP/1.1 "):
            lengths = [0]
        yield status, rest[: lengths[0]] if len(rest) >= lengths[0] else b""
        data = rest[lengths[0] :]


def fault_of(status: int, body: bytes) -> str | None:
    """What is wrong with an answer; None where nothing is."""
    if status >= 500 and status != 505:
        return f"status {status}: {body[:200]!r}"
    if status < 400 or not body:
        return None
    try:
        error = json.loads(body)["error"]
        whole = set(error) == {"message", "type", "param", "code"} and error["message"]
    except (ValueError, KeyError, TypeError):
        whole = False
    return None if whole else f"an error of another shape: {body[:200]!r}"


# ---------------------------------------------------------------- how it is sent


@dataclass
class Tally:
    """What was sent and came back."""

    sent: int = 0
    good: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def find(self, number: int, what: str, data: bytes = b"") -> None:
        shown = f", sent: {data[:1500]!r}" if data and len(self.findings) < MOST_SHOWN else ""
        self.findings.append(f"case {number}: {what}{shown}")


async def send_case(host: str, port: int, number: int, maker: Maker, tally: Tally) -> None:
    """Sends a case, reads what comes, and looks at it."""
    data, rng = maker.case(number)
    tally.sent += 1
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        tally.find(number, f"no connection: {error}")
        return
    got = b""
    try:
        for part in split(data, rng):
            writer.write(part)
            await asyncio.wait_for(writer.drain(), LIMIT)
            if rng.random() < 0.3:
                await asyncio.sleep(rng.choice([0, 0, 0.002, 0.02]))
        leaves = rng.random()
        if leaves < 0.05:  # resets the connection, with the answer on its way
            line = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, line)
        elif leaves < 0.1 and writer.can_write_eof():
            writer.write_eof()
        if leaves >= 0.05:
            with suppress(TimeoutError):
                wait = 4 * QUIET
                while more := await asyncio.wait_for(reader.read(65536), wait):
                    got, wait = got + more, QUIET
    except OSError:
        pass  # the server refused it before it was whole, and closed the connection
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    try:
        for status, body in read_replies(got):
            tally.answers[status] += 1
            if fault := fault_of(status, body):
                tally.find(number, fault, data)
    except NotHttp as error:
        tally.find(number, str(error), data)


def ask_well(url: str, token: str, model: str) -> str | None:
    """Asks as a client does: None where it is answered, else what went wrong."""
    body = {"model": model, "messages": [{"role": "user", "content": SAID}]}
    try:
        reply = get(url, token, "/v1/chat/completions", body)
        return None if reply["choices"] else f"a good request got {reply}"
    except urllib.error.HTTPError as error:
        return f"a good request got {error.code}: {error.read()[:500]!r}"
    except Exception as error:
        return f"a good request was not answered in {LIMIT:g} s: {error!r}"


def get(url: str, token: str, path: str, body: Any = None) -> Any:
    """What a path says, as JSON or text."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url + path, data, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(asked, timeout=LIMIT) as reply:
        text = reply.read().decode()
    return json.loads(text) if "json" in reply.headers["content-type"] else text


def count_served(url: str, token: str) -> Counter[int] | None:
    """What the server counted by status; None where its figures may not be read."""
    try:
        text = get(url, token, "/metrics")
    except OSError:
        return None
    counts: Counter[int] = Counter()
    for status, count in re.findall(r'maksud_requests_total\{.*status="(\d+)".*\} (\S+)', text):
        counts[int(status)] += round(float(count))
    return counts


async def fuzz(url: str, token: str, options: argparse.Namespace) -> Tally:
    """Sends the cases, several at once, and a good request after every so many."""
    tally = Tally()
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    model = get(url, token, "/v1/models")["data"][0]["id"]
    tools = get(url, token, f"/v1/tools?model={model}")["data"]
    maker = Maker(options.seed, token, bodies(model, tools))
    if options.only is not None:
        await send_case(host, port, options.only, maker, tally)
        sys.stdout.write(f"{maker.case(options.only)[0][:4000]!r}\n")
        return tally
    before = count_served(url, token)
    until = time.monotonic() + options.seconds
    number = 0
    while number < options.requests and time.monotonic() < until:
        numbers = range(number, min(number + options.every, options.requests))
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, slots: asyncio.Semaphore = slots) -> None:
            async with slots:
                await send_case(host, port, number, maker, tally)

        await asyncio.gather(*(one(k) for k in numbers))
        number = numbers.stop
        if fault := await asyncio.to_thread(ask_well, url, token, model):
            tally.find(number, fault)
            break
        tally.good += 1
    after = count_served(url, token)
    if before is not None and after is not None:
        for status, count in (after - before).items():
            if status >= 500 and status != 505 and not tally.answers[status]:
                tally.find(-1, f"the server counted {count} answers of {status}")
    return tally


CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "unsupported_method",
    "ignored_auth",
)  # fmt: skip


def check_description(url: str, token: str, options: argparse.Namespace) -> int:
    """Runs Schemathesis on what the server describes; its exit status."""
    command = [options.schemathesis, "run", f"{url}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS)]
    command += ["--max-examples", str(min(options.requests, MOST_EXAMPLES))]
    command += ["--seed", str(options.seed), "--continue-on-failure"]
    return subprocess.run(command).returncode


_FAULT = re.compile(r"^(?:fault .*|Fatal error.*|[\w.]*(?:Error|Exception)\b.*|ASGI .*)", re.M)
"""Lines of a server's log that tell a fault of its own."""


@contextmanager
def serving(run: Path, port: int) -> Iterator[Callable[[], list[str]]]:
    """The server of a run, whose figures may be read from here; gives what tells its faults."""
    environment = {**os.environ, "MAKSUD_TOKEN": TOKEN}
    command = [sys.executable, "-m", "maksud", "serve", str(run), "--port", str(port)]
    command += ["--set", "metrics=loopback", "--no-access-log"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log)

        def faults() -> list[str]:
            log.seek(0)
            said = log.read().decode(errors="replace")
            found = _FAULT.findall(said)
            if process.poll() is not None:
                found.append(f"ended, with {process.returncode}")
            return [f"the server's log: {line[:300]}" for line in found]

        try:
            for _ in range(1200):
                with socket.socket() as tried:
                    if tried.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield faults
        finally:
            process.terminate()
            process.wait(30)


def tell(tally: Tally, options: argparse.Namespace, seconds: float) -> None:
    told = {
        "seed": options.seed,
        "seconds": round(seconds),
        "sent": tally.sent,
        "good_requests": tally.good,
        "answers": dict(sorted(tally.answers.items())),
        "findings": tally.findings,
    }
    if options.json:
        sys.stdout.write(json.dumps(told) + "\n")
        return
    lines = [
        f"seed {options.seed}: {tally.sent:,} cases in {seconds:.0f} s, {tally.good:,} good "
        "requests answered between them",
        "answers: " + ", ".join(f"{n:,} of {s}" for s, n in sorted(tally.answers.items())),
        *tally.findings,
        f"{len(tally.findings)} findings",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> int:
    about, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(description=about, epilog=more)
    parser.add_argument("run", nargs="?", type=Path, help="a run, which is served for it")
    parser.add_argument("--url", help="a server that runs already, without /v1")
    parser.add_argument("--token", default=TOKEN, help="its token")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=600.0, help="at most so long (600)")
    parser.add_argument("--requests", type=int, default=10**9, help="at most so many cases")
    parser.add_argument("--every", type=int, default=200, help="cases before each good request")
    parser.add_argument("--only", type=int, metavar="CASE", help="this case alone, with its bytes")
    parser.add_argument("--json", action="store_true", help="a line of JSON")
    parser.add_argument(
        "--schemathesis", metavar="PROGRAM", help="run it instead, on what the server describes"
    )
    options = parser.parse_args()
    if (options.run is None) == (options.url is None):
        parser.error("name a run, or a server with --url URL --token TOKEN")
    if options.url:
        return work(options.url.rstrip("/"), options.token, options, list)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(options.run, port) as faults:
        return work(f"http://127.0.0.1:{port}", TOKEN, options, faults)


def work(url: str, token: str, options: argparse.Namespace, faults: Callable[[], list[str]]) -> int:
    """Does what the options say to a server, and tells it. `faults`: what its log has."""
    if options.schemathesis:
        return check_description(url, token, options)
    started = time.monotonic()
    tally = asyncio.run(fuzz(url, token, options))
    for fault in faults():
        tally.find(-1, fault)
    tell(tally, options, time.monotonic() - started)
    return bool(tally.findings)


if __name__ == "__main__":
    raise SystemExit(main())
