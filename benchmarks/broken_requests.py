"""Broken requests, made from whole ones of every kind: see fuzz.py, which sends them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

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
    flat = [{"type": "function", **t["function"]} for t in tools]
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
        ("/v1/responses", {"model": model, "input": SAID}),
        ("/v1/responses", {"model": model, "input": [user], "tools": flat, "stream": True}),
        ("/v1/embeddings", {"model": model, "input": [SAID]}),
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
                other = rng.choice(["x", "", "type", "stream", "peran", "n", "$ref"])
                holder[other] = deepcopy(holder[key])
            case _:
                holder[key] = deepcopy(rng.choice(ODD))
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
