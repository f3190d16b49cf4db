"""Bearer tokens: made at the first start, shown once, kept as a hash that only the owner reads.

A token has 256 random bits, so a plain SHA-256 of it can't be guessed back and no slow hash is
needed. Digests are compared as bytes, in constant time, against every token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from maksud.errors import SettingsError, SystemFault
from maksud.storage import Taken, write_file, writing

INFER = "infer"
"""Scope: ask the models."""
METRICS = "metrics"
"""Scope: read the server's figures, and nothing else."""
FORMAT = "maksud-tokens/1"
VARIABLE = "MAKSUD_TOKEN"
METRICS_VARIABLE = "MAKSUD_METRICS_TOKEN"
"""A token that reads figures, beside those that ask models."""
SHORTEST = 8
"""Fewest characters of a token that a person chooses."""
MOST_BYTES = 1 << 20
"""Size of the largest file of tokens."""

_FAMOUS = {"changeme", "password", "passwort", "letmein", "secret", "your-token", "rahasia"}
"""Well known, also with digits or marks behind them."""
_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm")
_KINDS = 5
"""Fewest different characters of a token that a person chooses."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: its SHA-256, what it is called and what it may do."""

    name: str
    digest: bytes
    scopes: frozenset[str]

    @classmethod
    def of(cls, secret: str, name: str, scopes: Iterable[str] = (INFER,)) -> Token:
        """The record of a secret."""
        return cls(name, digest_of(secret.encode()), frozenset(scopes))


class Tokens:
    """The tokens that open the door."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple(tokens)

    def find(self, authorization: Sequence[bytes]) -> Token | None:
        """The token in the values of a request's Authorization headers, else None.

        Exactly one header of the form `Bearer TOKEN` counts; any bytes are safe to give.
        """
        secret = bearer(authorization)
        return None if secret is None else self._find(secret)

    def find_password(self, authorization: Sequence[bytes]) -> Token | None:
        """The token that is the password in a request's Authorization header, else None.

        Exactly one header of the form `Basic base64(name:TOKEN)` counts; any name will do.
        """
        if len(authorization) != 1:
            return None
        scheme, _, given = authorization[0].partition(b" ")
        if scheme.lower() != b"basic":
            return None
        try:
            _, _, secret = base64.b64decode(given.strip(), validate=True).partition(b":")
        except ValueError:
            return None
        return self._find(secret)

    def _find(self, secret: bytes) -> Token | None:
        if not secret:
            return None
        digest = digest_of(secret)
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found


def bearer(authorization: Sequence[bytes]) -> bytes | None:
    """The secret in the values of a request's Authorization headers; None without exactly one of
    the form `Bearer TOKEN`."""
    if len(authorization) != 1:
        return None
    scheme, _, secret = authorization[0].partition(b" ")
    return (secret.strip() or None) if scheme.lower() == b"bearer" else None


@dataclass(frozen=True, slots=True)
class Opened:
    """Tokens with where they come from; `secret` is there only when it was made just now."""

    tokens: Tokens
    source: str
    secret: str | None = None


def open_tokens() -> Opened:
    """The token in MAKSUD_TOKEN, else those in the file, else a new one; beside them that in
    MAKSUD_METRICS_TOKEN, which reads figures.

    Raises `SettingsError` for a token that is too weak or given twice, `SystemFault` for a file
    that can't be trusted, read or written.
    """
    readers = _readers()
    given = os.environ.get(VARIABLE)
    if given is not None:
        _check(given, VARIABLE)
        return _opened([Token.of(given, VARIABLE)], readers, VARIABLE)
    path = tokens_file()
    if not path.exists():
        secret = f"mk-{secrets.token_urlsafe(32)}"
        if _write(path, [Token.of(secret, "first")]):
            return _opened([Token.of(secret, "first")], readers, str(path), secret)
    return _opened(_read(path), readers, str(path))


def _readers() -> list[Token]:
    """The token that reads figures, where the environment has one."""
    given = os.environ.get(METRICS_VARIABLE)
    if given is None:
        return []
    _check(given, METRICS_VARIABLE)
    return [Token.of(given, METRICS_VARIABLE, (METRICS,))]


def _opened(
    tokens: list[Token], readers: list[Token], source: str, secret: str | None = None
) -> Opened:
    if {t.digest for t in tokens} & {t.digest for t in readers}:
        raise SettingsError(
            "is a token that asks models, too",
            where=METRICS_VARIABLE,
            hint="Give what reads figures a token of its own",
        )
    return Opened(Tokens([*tokens, *readers]), source, secret)


def tokens_file() -> Path:
    """`$MAKSUD_HOME/tokens.json`, else in the platform's configuration folder."""
    home = os.environ.get("MAKSUD_HOME")
    if home:
        return Path(home).expanduser() / "tokens.json"
    return user_config_path("maksud", appauthor=False) / "tokens.json"


def digest_of(secret: bytes) -> bytes:
    """What is kept of a secret with 256 random bits: its SHA-256."""
    return hashlib.sha256(secret).digest()


def _check(secret: str, variable: str) -> None:
    if not re.fullmatch(r"[\x21-\x7e]+", secret):
        raise SettingsError(
            "has characters that a header can't carry, or none",
            where=variable,
            hint="Use visible ASCII without spaces, or unset it to have a token made",
        )
    if len(secret) < SHORTEST or _is_trivial(secret.lower()):
        raise SettingsError(
            f"is too weak: shorter than {SHORTEST} characters, well known, or a repetition or a "
            "row of characters that is easily guessed",
            where=variable,
            hint="Unset it to have a token made",
        )


def _is_trivial(secret: str) -> bool:
    """Whether it is among the first that anybody tries: `aaaaaaaa`, `abcabcabc`, `87654321`."""
    if secret.rstrip("0123456789!?.-_#*") in _FAMOUS or len(set(secret)) < _KINDS:
        return True
    if secret in (secret + secret)[1:-1]:  # a piece of it, again and again
        return True
    pairs = list(pairwise(secret))
    beside = sum(abs(ord(a) - ord(b)) <= 1 or _are_neighbours(a, b) for a, b in pairs)
    return beside > 0.7 * len(pairs)


def _are_neighbours(a: str, b: str) -> bool:
    return any(a + b in row or b + a in row for row in _ROWS)


def _read(path: Path) -> list[Token]:
    again = "Delete it: the next start makes a new token"
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
            raise SystemFault("is not a file of tokens", where=str(path), hint=again)
        if os.name == "posix" and about.st_mode & 0o077:
            raise SystemFault(
                "other users can read or change it", where=str(path), hint=f"chmod 600 {path}"
            )
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}")
        tokens = [
            Token(str(t["name"]), bytes.fromhex(t["sha256"]), frozenset(map(str, t["scopes"])))
            for t in content["tokens"]
        ]
    except OSError as error:
        raise SystemFault(f"can't be read ({error.strerror})", where=str(path)) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SystemFault(f"is not a file of tokens ({error})", where=str(path), hint=again) from (
            error
        )
    if not tokens or any(len(t.digest) != 32 for t in tokens):
        raise SystemFault("holds no usable token", where=str(path), hint=again)
    return tokens


def _write(path: Path, tokens: Sequence[Token]) -> bool:
    """Writes the file whole, never over another; False where another process was first."""
    content = {
        "format": FORMAT,
        "tokens": [
            {
                "name": t.name,
                "sha256": t.digest.hex(),
                "scopes": sorted(t.scopes),
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            for t in tokens
        ],
    }
    hint = f"Set MAKSUD_HOME to a folder that you can write, or set {VARIABLE}"
    try:
        with writing(path, hint=hint):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps(content, indent=1) + "\n"
        write_file(path, text, mode=0o600, replace=False, hint=hint)
    except Taken:
        return False
    return True
