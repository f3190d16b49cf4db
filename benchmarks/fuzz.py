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
import random
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
from typing import IO, Any
from urllib.parse import urlsplit

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
MOST_SHOWN = 20
"""Findings that are told with their bytes."""

SAID = "tolong putar lagu Hampa"
SCHEMA = {
    "type": "object",
    "properties": {"intent": {"enum": ["unknown"]}, "confidence": {"type": "number"}},
    "required": ["intent"],
}


# ---------------------------------------------------------------- what is sent


def bodies(model: str, tools: list[Any]) -> list[tuple[str, Any]]:
    """Paths with bodies that are answered."""
    user = {"role": "user", "content": SAID}
    name = tools[0]["function"]["name"] if tools else "none"
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": "{}"}}
    talk = [
        user,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    ]
    base: dict[str, Any] = {"model": model, "messages": [user]}
    given = {"name": "a", "schema": SCHEMA, "strict": True}
    chat, ask = "/v1/chat/completions", "/v1/recognize"
    return [
        (chat, base),
        (chat, {**base, "stream": True, "stream_options": {"include_usage": True}}),
        (chat, {**base, "tools": tools[:3], "tool_choice": "auto"}),
        (chat, {**base, "tools": tools, "stream": True, "parallel_tool_calls": False}),
        (chat, {"model": model, "messages": talk, "tools": tools}),
        (chat, {**base, "n": 3, "logprobs": True, "top_logprobs": 5, "stop": ["x"]}),
        (chat, {**base, "response_format": {"type": "json_object"}, "max_tokens": 9}),
        (chat, {**base, "response_format": {"type": "json_schema", "json_schema": given}}),
        (chat, {**base, "model": f"{model}/chat", "temperature": 0.5, "seed": 3}),
        (chat, {**base, "functions": [t["function"] for t in tools], "function_call": "auto"}),
        (ask, {"utterance": SAID}),
        (ask, {"model": model, "utterances": [SAID, "cuaca di Solo"]}),
        (ask, {"turns": ["pasang alarm", "jam 6"], "maksud": {"turns": "all"}}),
        (ask, {"messages": talk}),
    ]


PATHS = (
    "/v1/models", "/v1/models/x", "/v1/tools", "/v1/schema", "/openapi.json", "/docs", "/metrics",
    "/health", "/ready", "/v1/nothing", "/",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, 10**40, 1e308, -0.0, "", " ", "x" * 9000, "\ud800", "\0",
    "\u2028", "none()", "a(b=c);d()", [], {}, [[]], [None], {"": None}, {"$ref": "#"}, "auto",
    {"type": "object"}, {"type": "function"}, {"anyOf": []}, ["a"] * 200, "required", "text",
)  # fmt: skip


@dataclass
class Request:
    """A request in its parts, which mutations change."""

    method: str
    path: str
    lines: list[tuple[str, str]]
    body: bytes = b""
    version: str = "HTTP/1.1"
    end: str = "\r\n"

    def write(self) -> bytes:
        head = [f"{self.method} {self.path} {self.version}"]
        head += [f"{name}: {value}" for name, value in self.lines]
        return (self.end.join(head) + self.end * 2).encode("utf-8", "surrogatepass") + self.body


class Maker:
    """Makes the cases of a seed; each by its number alone, so that one can be made again."""

    def __init__(self, seed: int, token: str, wanted: list[tuple[str, Any]]) -> None:
        self.seed = seed
        self.token = token
        self.wanted = wanted

    def good(self, rng: random.Random) -> Request:
        """A request that is answered."""
        lines = [("Host", "localhost"), ("Authorization", f"Bearer {self.token}")]
        if rng.random() < 0.25:
            method = rng.choice(["GET", "GET", "GET", "HEAD", "OPTIONS", "DELETE", "POST"])
            return Request(method, rng.choice(PATHS), lines)
        path, content = rng.choice(self.wanted)
        return self.post(path, json.dumps(content).encode(), lines)

    @staticmethod
    def post(path: str, body: bytes, lines: list[tuple[str, str]]) -> Request:
        framed = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        return Request("POST", path, [*lines, *framed], body)

    def case(self, number: int) -> tuple[bytes, random.Random]:
        """The bytes of a case, and the dice for how they are sent."""
        rng = random.Random(f"{self.seed}/{number}")
        parts = []
        for _ in range(1 if rng.random() < 0.7 else rng.randint(2, 12)):
            request = self.good(rng)
            for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
                rng.choice(MUTATIONS)(request, rng)
            parts.append(request.write())
        data = b"".join(parts)
        if rng.random() < 0.25:
            data = scramble(data, rng)
        if rng.random() < 0.15:
            data += rng.choice([b"\r\n\r\n", b"\0" * 50, rng.randbytes(300), b"x" * 20_000, b"GET"])
        return data, rng


def scramble(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed, left out, put in, doubled, cut."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        if not out:
            break
        at = rng.randrange(len(out))
        match rng.randrange(5):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                del out[at : at + rng.choice([1, 2, 10, 100])]
            case 2:
                out[at:at] = rng.randbytes(rng.choice([1, 2, 30]))
            case 3:
                out[at:at] = out[at : at + rng.choice([1, 20, 400])]
            case _:
                out[at : at + 1] = rng.choice([b"\r", b"\n", b"\0", b" ", b"\xff", b":", b'"'])
    if rng.random() < 0.2:
        del out[rng.randrange(len(out) + 1) :]
    return bytes(out)


# ---------------------------------------------------------------- mutations of a request


def set_line(request: Request, name: str, value: str) -> None:
    """Gives a line another value, where it is there; else adds it."""
    kept = [(k, v) for k, v in request.lines if k.lower() != name.lower()]
    request.lines = [*kept, (name, value)]


def set_body(request: Request, body: bytes) -> None:
    request.body = body
    set_line(request, "Content-Length", str(len(body)))


def change_json(request: Request, rng: random.Random) -> None:
    """Fields of the body with values that are none, doubled, or left out."""
    if not request.body:
        return
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        return
    for _ in range(rng.choice([1, 1, 2, 4])):
        places = list(places_of(content))
        if not places:
            break
        holder, key = rng.choice(places)
        match rng.randrange(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[rng.choice(["x", "", "type", "stream", "peran", "n", "$ref"])] = holder[key]
            case _:
                holder[key] = rng.choice(ODD)
    set_body(request, json.dumps(content, ensure_ascii=rng.random() < 0.5).encode(
        "utf-8", "surrogatepass"
    ))  # fmt: skip


def places_of(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in JSON that has a value: what holds it, and the key or index there."""
    if isinstance(content, dict):
        pairs: list[Any] = list(content.items())
    elif isinstance(content, list):
        pairs = list(enumerate(content))
    else:
        return
    for key, value in pairs:
        yield content, key
        yield from places_of(value)


def break_json(request: Request, rng: random.Random) -> None:
    """Text that is hardly JSON, or none."""
    deep = rng.choice([50, 2000, 30_000])
    set_body(request, rng.choice([
        b"", b"{", b"null", b"[]", b"NaN", b'{"model":NaN}', b'{"a":1,"a":2}', b"\xef\xbb\xbf{}",
        b"[" * deep, b'{"a":' * deep, b"1" * 5000, b'"' + b"\\ud800" * 9 + b'"', b"\xff" * 40,
        request.body[: len(request.body) // 2], request.body + request.body, b'{"n":1e999}',
        request.body.replace(b'"', b"'"), b" " * 2_000_000, b'{"\\u0000":{}}',
    ]))  # fmt: skip


def change_length(request: Request, rng: random.Random) -> None:
    """A length that is not the body's."""
    n = len(request.body)
    value = rng.choice([
        n - 1, n + 1, n // 2, n + 5000, -1, 0, 10**30, f"+{n}", f"{n} ", f"0x{n:x}", f"{n},{n}",
        f"{n}, {n + 1}", f"{n}.0", "", "x", f"0{n}", "1_0", "\u0663", f"{n};x",
    ])  # fmt: skip
    set_line(request, "Content-Length", str(value))
    if rng.random() < 0.2:
        request.lines.append(("Content-Length", str(n)))


def send_chunks(request: Request, rng: random.Random) -> None:
    """The body in chunks, with sizes that are right or wrong, extensions and trailers."""
    body, out = request.body, b""
    while body:
        take = rng.choice([1, 7, 100, len(body)])
        part, body = body[:take], body[take:]
        size = b"%x" % (len(part) + rng.choice([0] * 30 + [1, -1, 10**9, -len(part)]))
        extension = rng.choice([b""] * 8 + [b";a=b", b";" + b"x" * 6000, b" ", b";\0"])
        out += size + extension + rng.choice([b"\r\n"] * 20 + [b"\n", b"\r"]) + part + b"\r\n"
    trailer = rng.choice([b""] * 5 + [b"A: b\r\n", b"Content-Length: 9\r\n", b"T: t\r\n" * 900])
    request.body = out + rng.choice([b"0\r\n", b"0\r\n", b"00000\r\n", b"", b"g\r\n"])
    request.body += trailer + b"\r\n"
    if rng.random() < 0.9:
        request.lines = [(k, v) for k, v in request.lines if k != "Content-Length"]
    coding = ["chunked"] * 8
    coding += ["Chunked", "chunked, chunked", "gzip, chunked", "identity", "x", "\vchunked"]
    request.lines.append(("Transfer-Encoding", rng.choice(coding)))


def change_lines(request: Request, rng: random.Random) -> None:
    """Lines of the header: many, huge, doubled, odd."""
    add = request.lines.append
    match rng.randrange(9):
        case 0:
            request.lines += [(f"X-{k}", "v") for k in range(rng.choice([20, 99, 101, 1000]))]
        case 1:
            add(("X-Long", "v" * rng.choice([1000, 8000, 31_000, 40_000, 200_000])))
        case 2:
            add(rng.choice(request.lines))
        case 3:
            del request.lines[rng.randrange(len(request.lines))]
        case 4:
            odd = ["", " ", "a b", "a\tb", "(", "\u00e9", "X\0", "Host", "x" * 5000, "a:b", "\x7f"]
            values = ["", "v", "a\r\n b", "\0", "\u00e9", "a\rb", "a\nc: d"]
            add((rng.choice(odd), rng.choice(values)))
        case 5:
            add(("Expect", rng.choice(["100-continue", "200-ok", "100-Continue", ""])))
        case 6:
            kinds = ["close", "keep-alive", "upgrade", "close, upgrade", "x" * 300, "host"]
            add(("Connection", rng.choice(kinds)))
            add(("Upgrade", rng.choice(["websocket", "h2c", "HTTP/2.0"])))
        case 7:
            names = ["Content-Type", "Content-Encoding", "Accept", "Origin", "X-Request-Id"]
            values = ["text/plain", "application/json; charset=utf-16", "gzip", "br, gzip", "*/*"]
            values += ["null", "https://a.example", "a" * 129, "\u00e9", "", "application/JSON ;"]
            set_line(request, rng.choice(names), rng.choice(values))
        case _:
            keys = ["Bearer", "Bearer  ", "bearer x", "Basic eDp5", "Basic =", "\u00e9", ""]
            set_line(request, "Authorization", rng.choice(keys))


def change_start(request: Request, rng: random.Random) -> None:
    """The first line: verb, path, version."""
    match rng.randrange(3):
        case 0:
            verbs = ["", "get", "PRI", "CONNECT", "TRACE", "PATCH", "G\0T", "X" * 9000, "POST POST"]
            request.method = rng.choice([*verbs, "OPTIONS", "HEAD", "PUT", "\u00e9"])
        case 1:
            path = request.path
            request.path = rng.choice([
                f"http://localhost{path}", f"//localhost{path}", f"{path}/", f"{path}//",
                f"/..{path}", path.replace("/", "%2f"), f"{path}?{'a=b&' * 300}",
                f"{path}?model=%ff",
                f"{path}?model=%00&model=", f"{path}#x", "*", "", "x" * 40_000, f"{path}%",
                f"{path}\0",
                f"{path}\u00e9", f"{path}%c3%28", f"{path} x", "/v1/models/" + "%2e%2e/" * 40,
            ])  # fmt: skip
        case _:
            request.version = rng.choice([
                "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/9.9", "HTTP/11", "",
                "http/1.1", "HTTP/1.1 x", "PROXY",
            ])  # fmt: skip


def change_ends(request: Request, rng: random.Random) -> None:
    request.end = rng.choice(["\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "\r\n "])


Mutation = Callable[[Request, random.Random], None]
MUTATIONS: list[Mutation] = [
    change_json, change_json, change_json, break_json, change_length, send_chunks, change_lines,
    change_lines, change_start, change_ends,
]  # fmt: skip


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
    except (ConnectionError, TimeoutError):
        pass  # the server refused it before it was whole
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


def split(data: bytes, rng: random.Random) -> Iterator[bytes]:
    """The bytes in one piece, in a few, or one by one."""
    ways = rng.random()
    if ways < 0.5 or not data:
        yield data
    elif ways < 0.95:
        cuts = sorted(rng.randrange(len(data)) for _ in range(rng.choice([1, 2, 5, 30])))
        for low, high in zip([0, *cuts], [*cuts, len(data)], strict=True):
            yield data[low:high]
    else:
        for k in range(min(len(data), 400)):
            yield data[k : k + 1]
        yield data[400:]


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


@contextmanager
def serving(run: Path, port: int, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The server of a run, whose figures may be read from here. `log`: its standard error."""
    environment = {**os.environ, "MAKSUD_TOKEN": TOKEN}
    command = [sys.executable, "-m", "maksud", "serve", str(run), "--port", str(port)]
    command += ["--set", "metrics=loopback", "--no-access-log"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=log
    ) as process:
        try:
            for _ in range(1200):
                with socket.socket() as tried:
                    if tried.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield process
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
    options = parser.parse_args()
    if (options.run is None) == (options.url is None):
        parser.error("name a run, or a server with --url URL --token TOKEN")
    started = time.monotonic()
    if options.url:
        tally = asyncio.run(fuzz(options.url.rstrip("/"), options.token, options))
    else:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with tempfile.TemporaryFile() as log:
            with serving(options.run, port, log) as process:
                tally = asyncio.run(fuzz(f"http://127.0.0.1:{port}", TOKEN, options))
                if process.poll() is not None:
                    tally.find(-1, f"the server ended, with {process.returncode}")
            log.seek(0)
            said = log.read().decode(errors="replace")
        for fault in re.findall(r"^(?:fault .*|.*Fatal error.*|\w*Error: .*|ASGI .*)", said, re.M):
            tally.find(-1, f"the server's log: {fault[:300]}")
    tell(tally, options, time.monotonic() - started)
    return bool(tally.findings)


if __name__ == "__main__":
    raise SystemExit(main())
