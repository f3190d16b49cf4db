"""Data that comes in by a URL: which addresses are asked, and how much of them is read."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from maksud.labelling import arrivals
from maksud.labelling.arrivals import check_calls, is_public, read_rows, read_url
from maksud.labelling.refusals import Refused

ROWS = b'{"data":{"instruction":"putar musik"}}\n{"data":{"instruction":"cuaca Solo"}}\n'


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "::1",
     "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
     "64:ff9b::7f00:1", "2002:7f00:1::", "100.64.0.1", "224.0.0.1", "255.255.255.255", "x"],
)  # fmt: skip
def test_addresses_of_this_machine_and_its_network(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://example.org/x.json", "only https, s3, oss"),
        ("file:///etc/passwd", "only https"),
        ("/etc/passwd", "only https"),
        ("memory://x", "only https"),
        ("filecache::https://example.org/x", "only https"),
        ("ftp://example.org/x", "only https"),
        ("https:///x", "names no host"),
        ("https://ana:secret@example.org/x", "name and password"),
        ("https://example.org:0/x", "port 0"),
        ("https://example.org:99999/x", "is no address"),
        ("https://[::1/x", "is no address"),
        ("https://127.0.0.1/x", "this machine or its network"),
        ("https://127.1/x", "this machine or its network"),
        ("https://0x7f000001/x", "this machine or its network"),
        ("https://2130706433/x", "this machine or its network"),
        ("https://localhost/x", "this machine or its network"),
        ("https://[::ffff:127.0.0.1]/x", "this machine or its network"),
        ("https://169.254.169.254/latest/meta-data/", "this machine or its network"),
        ("https://example.org/a b", "is no address"),
    ],
)
def test_addresses_that_are_not_asked(url: str, told: str) -> None:
    with pytest.raises(Refused) as caught:
        read_url(url, "", 1000)
    assert told in str(caught.value) and "secret" not in str(caught.value)


def test_rows_of_a_script_are_those_of_a_file() -> None:
    given = [
        {"instruction": "a", "output": "b()", "id": "1", "split": "validation", "channel": "x"},
        {"instruction": "c", "output": ""},
        {"instruction": "d", "annotator": "ana"},
    ]
    one, two, three = read_rows(given)
    assert (one.output, one.id, one.split, one.metadata) == ("b()", "1", "dev", {"channel": "x"})
    assert (two.is_labelled, three.is_labelled, three.annotator) == (False, False, "ana")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"text": "x"}, '"instruction" is missing'),
        ({"instruction": 3}, '"instruction" is a number'),
        ({"instruction": "a\0"}, 'E-CONTROL control character U+0000 in "instruction"'),
        ({"instruction": "\u200b"}, '"instruction" is empty'),
        (
            {"instruction": "a", "output": "b()\x01"},
            'E-CONTROL control character U+0001 in "output"',
        ),
        ({"instruction": "a", "output": "\ud800"}, "E-SURROGATE"),
        ({"instruction": "a", "output": " "}, '"output" is empty'),
        ({"instruction": "a", "output": []}, '"output" is a list'),
        ({"instruction": "a", "id": 7}, '"id" is a number'),
        ({"instruction": "a", "id": "one"}, 'E-ID id "one" also at an earlier row'),
        ({"instruction": "a", "split": "final"}, "E-SPLIT"),
        ({"instruction": "a", "weight": -1}, "E-WEIGHT"),
    ],
)
def test_a_row_that_a_file_could_not_have_is_named(row: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused) as caught:
        read_rows([{"instruction": "x", "id": "one"}, row])
    assert str(caught.value).startswith("rows[1] can't be added (") and told in str(caught.value)
    assert (caught.value.status, caught.value.code) == (400, "rejected_rows")


@pytest.mark.parametrize("output", ["bad((", '{"output":"bad((","nada":"x"}'])
def test_answers_are_calls(output: str) -> None:
    fine = [{"instruction": "a"}, {"instruction": "a", "output": "b()"},
            {"instruction": "a", "output": '{"output":"b()"}'},
            {"instruction": "a", "output": '{"nada":"x"}'}]  # fmt: skip
    check_calls(read_rows(fine))
    with pytest.raises(Refused, match=r"rows\[4\] can't be added \(E-CALL output"):
        check_calls(read_rows([*fine, {"instruction": "a", "output": output}]))


def test_one_private_address_among_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "find_addresses", lambda *_: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(Refused, match="its network"):
        read_url("https://two-faced.example/x.json", "", 1000)


class _Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "https://127.0.0.1/secret")
            self.end_headers()
            return
        if self.path == "/gone":
            self.send_error(404)
            return
        body = b"x" * 5000 if self.path.startswith("/big") else ROWS
        self.send_response(200)
        if self.path != "/bigger":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An HTTPS server on loopback, whose certificate is trusted here, for one name alone."""
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("there is no openssl")
    place = tmp_path_factory.mktemp("tls")
    key, certificate = place / "key.pem", place / "cert.pem"
    subprocess.run(
        [tool, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=files.example",
         "-addext", "subjectAltName=DNS:files.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    server = HTTPServer(("127.0.0.1", 0), _Files)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificate))
        patch.setattr(arrivals, "find_addresses", lambda *_: ["127.0.0.1"])
        yield f"files.example:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_is_read_from_the_address_that_was_checked(host: str) -> None:
    url = f"https://{host}/raw.manifest"
    with pytest.raises(Refused, match="private_urls=true"):
        read_url(url, "", 1000)
    data = read_url(url, "", 1000, private=True)
    assert [e.instruction for e in data] == ["putar musik", "cuaca Solo"]
    assert data.examples[0].source == url


@pytest.mark.parametrize(
    ("path", "told"),
    [("big", "5,000 bytes or more, at most 1,000"), ("bigger", "at most 1,000"),
     ("away", "sends elsewhere, and is not followed"), ("gone", "answers 404")],
)  # fmt: skip
def test_what_is_not_read(host: str, path: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        read_url(f"https://{host}/{path}", "", 1000, private=True)


def test_the_name_is_proved(host: str) -> None:
    port = host.partition(":")[2]
    with pytest.raises(Refused, match="SSLCertVerificationError"):
        read_url(f"https://other.example:{port}/raw.manifest", "", 1000, private=True)


def test_a_store_s_file_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals.places, "is_directory", lambda _: False)
    monkeypatch.setattr(arrivals.places, "size", lambda _: 3 << 30)
    with pytest.raises(Refused, match="maksud label add"):
        read_url("s3://bucket/huge.jsonl", "", 256 << 20)
    monkeypatch.setattr(arrivals.places, "is_directory", lambda _: True)
    with pytest.raises(Refused, match="is a folder"):
        read_url("oss://bucket/folder", "", 256 << 20)
