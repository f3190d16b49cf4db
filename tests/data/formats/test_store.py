"""Stores: the same files behind a URL, against real servers on this machine."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.conversion import convert
from maksud.data.formats.files import load, read, save
from maksud.data.formats.store import Staging
from maksud.errors import DataError, SystemFault
from maksud.language.catalog import Catalog, Intent

ROWS = [
    Example(f"say {k} now", f"say(n={k})", split=("train", "dev", "test")[k % 3]) for k in range(12)
]
DATA = Dataset(ROWS, catalog=Catalog((Intent("say", description="says"),)))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A real S3 server; its address."""
    moto = pytest.importorskip("moto.moto_server.threaded_moto_server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket, with credentials and address in the usual environment."""
    import boto3

    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
    }.items():
        monkeypatch.setenv(name, value)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="bucket")
    yield "bucket"
    for item in s3.list_objects(Bucket="bucket").get("Contents", []):
        s3.delete_object(Bucket="bucket", Key=item["Key"])


def keys() -> list[str]:
    import boto3

    listed = boto3.client("s3").list_objects(Bucket="bucket").get("Contents", [])
    return [item["Key"] for item in listed]


def test_a_directory_on_s3_is_written_and_read(bucket: str) -> None:
    save(DATA, f"s3://{bucket}/sets/music/")
    assert keys() == [
        f"sets/music/{n}" for n in ("catalog.yaml", "dev.json", "test.json", "train.json")
    ]
    back = load(f"s3://{bucket}/sets/music")
    assert back.name == "music"
    assert sorted(e.instruction for e in back) == sorted(e.instruction for e in DATA)
    assert back.declared_catalog == DATA.declared_catalog
    assert back[0].place == f"s3://{bucket}/sets/music/train.json:2"


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv", "x.xlsx", "x.parquet", "x.manifest"])
def test_every_kind_of_file_is_read_from_s3(bucket: str, name: str) -> None:
    save(DATA, f"s3://{bucket}/{name}")
    assert [e.output for e in load(f"s3://{bucket}/{name}")] == [e.output for e in DATA]


def test_rejects_go_to_the_store_as_well(bucket: str, tmp_path: Path) -> None:
    local = tmp_path / "x.jsonl"
    local.write_text('{"instruction": "a", "output": "b()"}\n{"instruction": "c"}\n')
    done = convert(local, f"s3://{bucket}/out.json")
    assert done.rejects_path == f"s3://{bucket}/out.json.rejects.jsonl"
    assert keys() == ["out.json", "out.json.rejects.jsonl"]


def test_what_fails_half_way_leaves_nothing_in_the_store(bucket: str) -> None:
    with pytest.raises(KeyboardInterrupt), Staging() as staging:
        with staging.file(f"s3://{bucket}/a.json") as file:
            file.write(b"[")
        raise KeyboardInterrupt
    assert keys() == []


def test_a_missing_object_or_bucket_is_told(bucket: str) -> None:
    with pytest.raises(DataError, match="no such file"):
        load(f"s3://{bucket}/nothing.json")
    with pytest.raises(DataError, match="no such file"):
        load("s3://no-such-bucket/x.json")


def test_the_store_is_asked_anew_each_time(bucket: str) -> None:
    import boto3

    save(DATA, f"s3://{bucket}/d")
    assert len(load(f"s3://{bucket}/d")) == 12
    for name in ("dev.json", "test.json"):
        boto3.client("s3").delete_object(Bucket=bucket, Key=f"d/{name}")
    assert len(load(f"s3://{bucket}/d")) == 4


def test_a_broken_row_in_a_store_has_its_url_and_line(bucket: str) -> None:
    import boto3

    boto3.client("s3").put_object(Bucket=bucket, Key="x.jsonl", Body=b'{"instruction": "a"}\n')
    _, found, _ = read(f"s3://{bucket}/x.jsonl")
    assert found[0].place == f"s3://{bucket}/x.jsonl:1"


# ---------------------------------------------------------------- OSS


class _OssFront(BaseHTTPRequestHandler):
    """Makes the S3 server answer as OSS does: the same verbs, other XML."""

    s3 = ""
    signed: list[str] = []

    def _pass_on(self) -> None:
        self.signed.append(self.headers.get("authorization", ""))
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        upstream = http.client.HTTPConnection(self.s3.removeprefix("http://"))
        headers = {k: v for k, v in self.headers.items() if k.lower() == "range"}
        upstream.request(self.command, self.path, body, {"authorization": "AWS k:s", **headers})
        answer = upstream.getresponse()
        content = re.sub(rb' xmlns="[^"]*"', b"", answer.read())
        content = content.replace(b"</Contents>", b"<Type>Normal</Type></Contents>")
        upstream.close()
        self.send_response(answer.status)
        for name in ("content-type", "etag", "last-modified", "content-range"):
            if value := answer.getheader(name):
                self.send_header(name, value)
        self.send_header("x-oss-request-id", "1")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_directory_on_oss_is_written_and_read(
    bucket: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real OSS client, with credentials from the environment."""
    pytest.importorskip("ossfs")
    _OssFront.s3 = server
    _OssFront.signed.clear()
    front = ThreadingHTTPServer(("127.0.0.1", 0), _OssFront)
    thread = threading.Thread(target=front.serve_forever, daemon=True)
    thread.start()
    try:
        monkeypatch.setenv("OSS_ENDPOINT", f"http://127.0.0.1:{front.server_port}")
        monkeypatch.setenv("OSS_ACCESS_KEY_ID", "my-key")
        monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "secret")
        save(DATA, f"oss://{bucket}/sets/music")
        back = load(f"oss://{bucket}/sets/music")
    finally:
        front.shutdown()
        front.server_close()
        thread.join()
    assert sorted(e.output for e in back) == sorted(e.output for e in DATA)
    assert all(s.startswith("OSS my-key:") for s in _OssFront.signed)


# ---------------------------------------------------------------- without a server


def test_memory() -> None:
    save(DATA, "memory://test-store/x.jsonl")
    assert load("memory://test-store/x.jsonl")[0].source == "memory://test-store/x.jsonl"
    with pytest.raises(DataError, match="no such file"):
        load("memory://test-store/y.jsonl")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nothing://x.json", "unknown kind of address nothing://"),
        ("zip://x.json::memory://a.zip", "a chained address is not read"),
    ],
)
def test_an_address_that_is_not_read(url: str, says: str) -> None:
    with pytest.raises(DataError, match=re.escape(says)):
        load(url)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def absent(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(SystemFault, match=r"Install maksud\[s3\]"):
        load("s3://bucket/x.json")


def test_a_store_that_can_not_be_reached_is_the_machine_saying_no(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import fsspec

    def refused(*_: object, **__: object) -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refused)
    with pytest.raises(SystemFault, match="Check address and credentials"):
        save(DATA, "s3://bucket/x.json")


KILLED_READ = """
import os, sys, tempfile
from maksud.data.formats.parts.source import Source
source = Source("file://" + sys.argv[1])
(copy,) = os.listdir(tempfile.gettempdir())
print(copy, flush=True)
sys.stdin.read()
"""


def test_the_copy_of_a_killed_read_is_swept_and_that_of_a_living_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies, data = tmp_path / "copies", tmp_path / "x.jsonl"
    copies.mkdir()
    data.write_text('{"instruction": "a", "output": "f()"}\n')
    monkeypatch.setenv("TMPDIR", str(copies))
    monkeypatch.setattr(tempfile, "tempdir", None)  # it is asked again
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_READ, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert len(load(f"file://{data}")) == 1
    assert os.listdir(copies) == [name], "it lives, and reads it"
    process.kill()
    process.wait()
    assert len(load(f"file://{data}")) == 1
    assert os.listdir(copies) == []


def test_staging_puts_all_files_in_place_or_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(ZeroDivisionError), Staging() as staging:
        for name in ("a.json", "new/b.json"):
            with staging.file(str(tmp_path / name)) as file:
                file.write(b"new")
        _ = 1 / 0
    assert (tmp_path / "a.json").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    with Staging() as staging:
        for name in ("a.json", "new/b.json"):
            with staging.file(str(tmp_path / name)) as file:
                file.write(b"new")
        assert (tmp_path / "a.json").read_text() == "old"
    assert (tmp_path / "new" / "b.json").read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "new"]


def test_all_files_are_on_disk_before_the_first_is_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[str] = []
    for act in ("fsync", "replace"):
        real = getattr(os, act)
        monkeypatch.setattr(os, act, lambda *a, f=real, n=act: (acts.append(n), f(*a))[1])
    old = os.umask(0o022)
    try:
        with Staging() as staging:
            for name in ("a.json", "b.json"):
                with staging.file(str(tmp_path / name)) as file:
                    file.write(b"new")
    finally:
        os.umask(old)
    assert acts == ["fsync", "fsync", "replace", "fsync", "replace", "fsync"]
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o644}


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFault, match="can't be written"):
        save(DATA, tmp_path / "file" / "x.json")
