"""Data that comes in: uploaded files, rows of a script, and URLs that an admin names.

A URL is read with this machine's rights, so it may lead nowhere that the person could not go
themselves: only to https, s3 and oss; to no address of this machine or its network, unless the
operator allows it; the address that was checked is the one that is asked; nobody is followed
elsewhere; and no more than a bound is read.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import ipaddress
import re
import socket
import ssl
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from maksud.data.dataset import Dataset, Example
from maksud.data.findings import excerpt
from maksud.data.formats import store as places
from maksud.data.formats.base import Options
from maksud.data.formats.files import read
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.rows import add_row
from maksud.errors import CallSyntaxError, MaksudError
from maksud.labelling.forms import split_output
from maksud.labelling.refusals import Refused
from maksud.language.calls import parse_calls

SCHEMES = ("https", "s3", "oss")
MEND = "Mend the row: none was added"
REJECTED = 20
"""Rejected rows that an answer lists."""
CONNECT_SECONDS = 15.0
FETCH_SECONDS = 120.0
"""How long a server may take to send a file."""
NAME_COLUMN = "Name its column, or say that no row has an answer yet"
_LACKS_COLUMN = re.compile(r" (no column is the (utterance|answer)|there is no column) ")
_PART = 1 << 20


def columns_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """What a person says of the columns: which is the utterance, which the answer, or that no row
    has one yet."""
    named = {"instruction": fields["utterance_column"], "output": fields["answer_column"]}
    columns = {ours: theirs.strip() for ours, theirs in named.items() if theirs.strip()}
    return columns | ({"output": ""} if fields["unlabelled"] else {})


def read_upload(
    file: str, content: str, format: str, columns: Mapping[str, str] | None = None
) -> Dataset:
    """The dataset in an uploaded file. Raises `Refused` with the rows that can't be read."""
    try:
        raw = base64.b64decode(content, validate=True)
    except binascii.Error:
        raise Refused("content: is not base64", code="invalid_value", status=400) from None
    return _read_bytes(raw, file, format, Options(columns=columns or {}))


def read_rows(rows: Sequence[Mapping[str, Any]]) -> list[Example]:
    """Rows as they are read from a JSON file; `output` may be left out, or empty. Each has its
    place `rows[3]` as its source. Raises `Refused` for the first that can't be a row."""
    reading = Reading()
    for k, row in enumerate(rows):
        place = f"rows[{k}]"
        output = row.get("output")
        read_as = {**row, "output": None if output == "" else output}
        add_row(reading, read_as, place, 0, "", "")
        if reading.rejects:
            found = reading.rejects[0].finding
            raise Refused(f"{place} can't be added ({found.code} {found.message})",
                          code="rejected_rows", status=400, hint=MEND)  # fmt: skip
    return reading.examples


def check_calls(examples: Sequence[Example]) -> None:
    """Raises `Refused` for the first row whose answer is no calls."""
    for e in examples:
        answer = split_output(e.output)[0]
        try:
            if answer:
                parse_calls(answer)
        except CallSyntaxError as error:
            raise Refused(
                f"{e.source} can't be added (E-CALL output {excerpt(answer)}: {error.message})",
                code="rejected_rows", status=400, hint=MEND,
            ) from error  # fmt: skip


def read_url(
    url: str,
    format: str,
    most: int,
    *,
    private: bool = False,
    columns: Mapping[str, str] | None = None,
) -> Dataset:
    """The dataset at a URL, of `most` bytes; `private`: of this machine's network, too.

    Raises `Refused` for an address that may not be asked, a file that is too large, and as
    `read_upload`; `SystemFault` where a store can't be asked.
    """
    parts = _check_url(url)
    options = Options(columns=columns or {})
    if parts.scheme == "https":
        name = parts.path.rpartition("/")[2] or "data"
        return _read_bytes(_download(parts, most, private), name, format, options, shown=url)
    if places.is_directory(url):
        raise _refused("is a folder", url, "Name one file")
    size = places.size(url)
    if size > most:
        raise _too_large(size, most, url)
    return _read_path(url, url, url, format, options)


def _read_bytes(raw: bytes, file: str, format: str, options: Options, shown: str = "") -> Dataset:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", file.replace("\\", "/").rpartition("/")[2])[-100:]
    with tempfile.TemporaryDirectory(prefix="maksud-") as place:
        path = Path(place) / (name.lstrip(".") or "upload")
        path.write_bytes(raw)
        return _read_path(str(path), shown or file, shown or file, format, options)


def _read_path(path: str, shown: str, source: str, format: str, options: Options) -> Dataset:
    try:
        data, _, rejects = read(path, format=format, options=options)
    except Exception as error:
        if isinstance(error, MaksudError):
            error.where = error.where.replace(path, shown)
            if _LACKS_COLUMN.search(error.message):  # its own hint is an option of commands
                error.hint = NAME_COLUMN
        raise
    if rejects:
        first = [f"{r.finding.code} {r.finding.message} (line {r.finding.place.rpartition(':')[2]})"
                 for r in rejects[:REJECTED]]  # fmt: skip
        raise Refused(
            f"{len(rejects):,} rows can't be read, and nothing was registered: " + "; ".join(first),
            code="rejected_rows", status=400, where=shown,
            hint="Mend them: `maksud check` shows all",
        )  # fmt: skip
    named = [replace(e, source=source) for e in data]
    return Dataset(named, catalog=data.declared_catalog, name=data.name, version=data.version)


# ---------------------------------------------------------------- addresses


def _check_url(url: str) -> SplitResult:
    if len(url) > 2000 or not url.isprintable() or " " in url:
        raise _refused("is no address", url[:80], "https://, s3:// or oss://")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused(f"is no address ({error})", url, "https://, s3:// or oss://") from error
    if parts.scheme not in SCHEMES or "::" in url.partition("://")[0]:
        raise _refused(f"is not read from here: only {', '.join(SCHEMES)} are", url,
                       "Register it with `maksud label add`, or upload it")  # fmt: skip
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise _refused("names no host, or has a name and password in it", parts.scheme,
                       "Leave them out of the address")  # fmt: skip
    if port == 0:
        raise _refused("has the port 0", url, "Leave the port out")
    return parts


def find_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, in order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(f[4][0]) for f in found))


def is_public(address: str) -> bool:
    """Whether an address is one of the internet at large, not of this machine or its network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if found in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _allowed(host: str, port: int, private: bool, url: str) -> Sequence[str]:
    """The addresses of a host, all of which may be asked. Raises `Refused`."""
    try:
        addresses = find_addresses(host, port)
    except (OSError, UnicodeError) as error:
        raise _refused("has a host that is not known", url, "Check the address") from error
    if not addresses or (not private and not all(map(is_public, addresses))):
        raise _refused(
            "leads to this machine or its network, which is not asked for anybody", url,
            "Upload the file; who runs the server may allow it: --set private_urls=true",
        )  # fmt: skip
    return addresses


class _Pinned(http.client.HTTPSConnection):
    """A connection to the address that was checked; the host's name is what TLS proves."""

    def __init__(self, host: str, port: int, address: str) -> None:
        self.tls = ssl.create_default_context()
        super().__init__(host, port, timeout=CONNECT_SECONDS, context=self.tls)
        self.address = address

    def connect(self) -> None:
        """Asks nobody again where the host is: the answer could be another one now."""
        plain = socket.create_connection((self.address, self.port), self.timeout)
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)


def _download(parts: SplitResult, most: int, private: bool) -> bytes:
    url, host, port = parts.geturl(), str(parts.hostname), parts.port or 443
    address = _allowed(host, port, private, url)[0]
    connection = _Pinned(host, port, address)
    until = time.monotonic() + FETCH_SECONDS
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"accept-encoding": "identity", "user-agent": "maksud"}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        if 300 <= answer.status < 400:
            raise _refused("sends elsewhere, and is not followed", url, "Give the last address")
        if answer.status != 200:
            raise _refused(f"answers {answer.status}", url, "Check the address and its rights")
        length = answer.getheader("content-length") or "0"
        if length.isascii() and length.isdigit() and int(length) > most:
            raise _too_large(int(length), most, url)
        body = bytearray()
        while part := answer.read1(_PART):
            body += part
            if len(body) > most:
                raise _too_large(len(body), most, url)
            if time.monotonic() > until:
                raise _refused(f"takes longer than {FETCH_SECONDS:g} s", url, "Upload the file")
        return bytes(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        said = f"can't be read ({type(error).__name__})"
        raise _refused(said, url, "Check the address, or upload the file") from error
    finally:
        connection.close()


def _too_large(size: int, most: int, url: str) -> Refused:
    return Refused(f"the file has {size:,} bytes or more, at most {most:,} are read",
                   code="body_too_large", status=413, where=url,
                   hint="Register it with `maksud label add`, or in parts")  # fmt: skip


def _refused(what: str, url: str, hint: str) -> Refused:
    return Refused(f"the address {what}", code="invalid_url", status=400, where=url, hint=hint)
