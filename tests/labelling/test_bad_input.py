"""What goes wrong at a running server, as the pages tell it: in both languages, with what to do,
and nothing lost."""

from __future__ import annotations

import base64
import json
import os
import resource
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from labelling_running import ROOT, Page, Running, running

from maksud.labelling.store import Store

ROWS = "".join(json.dumps({"data": {"instruction": f"putar lagu {k}"}}) + "\n" for k in range(40))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("bad") / "labels.db") as made:
        yield made


@pytest.fixture(scope="module")
def leader(server: Running) -> Page:
    return server.page("lea", "leader")


@pytest.fixture(scope="module")
def dataset(leader: Page) -> int:
    return leader.register("raw", ROWS)


def test_what_can_be_no_task(leader: Page, dataset: int) -> None:
    me = leader.client.get("/api/me").json()["id"]
    shape = leader.ok("/api/templates", name="wide", text="show: [instruction, kanal]\n"
                      "ask: [{title: output, kind: calls}]")  # fmt: skip
    before = leader.client.get("/api/tasks").json()
    usual = {"name": "t", "dataset": dataset, "people": [me]}
    for more, code, english, indonesian in (
        ({"template": shape["template"]}, "missing_field", "row 1 has no field 'kanal'",
         "Baris 1 tidak punya bidang 'kanal'"),
        ({"people": []}, "no_people", "Name at least one", "Pilih sedikitnya satu"),
        ({"pack_by": "size", "pack_value": "0"}, "invalid_terms", "1 or more", "1 atau lebih"),
        ({"pack_by": "count", "pack_value": "99"}, "invalid_terms", "Ask for fewer packages",
         "Minta lebih sedikit paket"),
        ({"stages": ["check"]}, "invalid_value", "no way through", "bukan jalan sebuah tugas"),
        ({"votes": 3}, "no_people", "Add people", "Tambahkan orang"),
    ):  # fmt: skip
        seen = leader.told("/api/tasks", **{**usual, **more})
        for language, words in (("en", english), ("id", indonesian)):
            status, said, message = seen[language]
            assert (status, said) == (400, code) and words in message, message
    assert leader.client.get("/api/tasks").json() == before


def test_what_can_be_no_template(leader: Page) -> None:
    seen = leader.told("/api/templates/read", text="ask: [{title: nada, kind: choice}]")
    assert "ask[1] (nada) has no options" in seen["en"][2]
    assert "ask[1] (nada): tidak punya pilihan" in seen["id"][2]
    seen = leader.told("/api/templates/read", text="ask: [")
    assert "line" in seen["en"][2] and "aris" in seen["id"][2] and "YAML" in seen["id"][2]


@pytest.mark.parametrize(
    ("file", "content", "english", "indonesian"),
    [
        ("photo.png", b"\x89PNG\r\n\x1a\n\0\0\0", "photo.png", "photo.png: "),
        ("raw.json", b"", "file has 0 bytes", "berkas ini kosong"),
        ("raw.json", b'{"a": [1, ', "raw.json", "raw.json: "),
        ("raw.manifest", b'{"data":{"instruction":7}}\n', "rows can't be read",
         "baris tidak dapat dibaca, dan tidak ada yang didaftarkan"),
    ],
)  # fmt: skip
def test_uploads_of_the_wrong_kind(
    leader: Page, file: str, content: bytes, english: str, indonesian: str
) -> None:
    said = base64.b64encode(content).decode()
    seen = leader.told("/api/datasets", name="bad", file=file, content=said)
    assert english in seen["en"][2] and indonesian in seen["id"][2], seen
    assert seen["en"][2] != seen["id"][2]
    names = [d["name"] for d in leader.client.get("/api/datasets").json()["datasets"]]
    assert "bad" not in names


def test_an_upload_of_2_gb_is_told_before_it_comes(leader: Page) -> None:
    headers = {"x-csrf-token": leader.csrf, "content-type": "application/json",
               "content-length": str(2 << 30)}  # fmt: skip
    leader.ok("/api/me", language="id")
    url = httpx.URL(str(leader.client.base_url))
    cookies = "; ".join(f"{k}={v}" for k, v in leader.client.cookies.items())
    head = ["POST /api/datasets HTTP/1.1", f"Host: {url.host}:{url.port}", f"Cookie: {cookies}"]
    head += [f"{k}: {v}" for k, v in headers.items()]
    with socket.create_connection((url.host, url.port), 30) as connection:
        connection.sendall(("\r\n".join(head) + "\r\n\r\n{").encode())
        said = connection.recv(65536).decode()
    assert said.startswith("HTTP/1.1 413") and "maksud label add" in said
    assert "terlalu besar" in said and "2,147,483,648" in said


def test_two_leaders_who_judge_at_once(server: Running, leader: Page, dataset: int) -> None:
    second, one, two = (
        server.page(n, r) for n, r in (("leo", "leader"), ("a1", "annotator"), ("a2", "annotator"))
    )
    base = leader.task(dataset, "judged", second, one, two, votes=2)
    item = 0
    for page, output in ((one, "play_music()"), (two, "none()")):
        item = page.ok(f"{base}/claim", stage="label")["item"]["id"]
        page.ok(f"{base}/save", item=item, stage="label", kind="answer", output=output, key="k")
    mine = leader.ok(f"{base}/claim", stage="judge")["item"]
    assert mine["id"] == item and len(mine["labels"]) == 2
    seen = second.told(f"{base}/claim", stage="judge", item=item)
    assert seen["en"][:2] == seen["id"][:2] == (409, "taken")
    assert "in hand" in seen["en"][2] and "di tangan orang lain" in seen["id"][2]
    decided = {"item": item, "stage": "judge", "kind": "answer", "output": "none()", "key": "j"}
    assert leader.ok(f"{base}/save", **decided)["saved"]["state"] == "done"
    seen = second.told(f"{base}/save", **{**decided, "output": "play_music()"})
    assert seen["id"][:2] == (409, "decided_already")
    assert "sudah memutuskan" in seen["id"][2] and "already" not in seen["id"][2]
    kept = leader.client.get(f"{base}/items/{item}").json()
    assert kept["proposal"]["output"] == "none()" and len(kept["history"]) == 3


def test_an_answer_whose_time_is_over_is_kept_by_sending_it_again(
    server: Running, leader: Page, dataset: int
) -> None:
    one = server.page("late", "annotator")
    base = leader.task(dataset, "leased", one, lease_minutes=1)
    item = one.ok(f"{base}/claim", stage="label")["item"]["id"]
    with sqlite3.connect(server.store) as c:  # a minute passes
        c.execute("UPDATE leases SET expires = expires - 61 WHERE item_id = ?", (item,))
    c.close()
    said = {"item": item, "stage": "label", "kind": "answer", "output": "none()", "key": "late"}
    seen = one.told(f"{base}/save", **said)
    assert seen["en"][:2] == seen["id"][:2] == (409, "lease_lost")
    assert "was not saved" in seen["en"][2] and "belum tersimpan" in seen["id"][2]
    one.ok(f"{base}/claim", stage="label", item=item)
    assert one.ok(f"{base}/save", **said)["saved"]["repeated"] is False


def test_a_disk_that_is_full_and_then_is_not(tmp_path: Path) -> None:
    """The server may write no file beyond a size; nothing that it acknowledged is lost, and it
    goes on by itself once there is room."""
    if not hasattr(resource, "prlimit"):
        pytest.skip("only Linux can bound another process's files")
    with running(tmp_path / "labels.db") as server:
        leader = server.page("lea", "leader")
        base = leader.task(leader.register("raw", ROWS), "full")
        files = [server.store, Path(f"{server.store}-wal")]
        most = max(f.stat().st_size for f in files if f.exists())
        usual = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, usual[1]))
        item = 0
        saved: list[str] = []
        refused: httpx.Response | None = None
        for k in range(40):
            answer = leader.post(f"{base}/claim", stage="label")
            if answer.status_code == 200:
                item = answer.json()["item"]["id"]
                body = {"item": item, "stage": "label", "kind": "answer", "output": "none()",
                        "key": f"k{k}", "comment": "x" * 1000}  # fmt: skip
                answer = leader.post(f"{base}/save", **body)
                if answer.status_code == 200:
                    saved.append(f"k{k}")
            if answer.status_code != 200:
                refused = answer
                break
        assert refused is not None and refused.status_code == 507, refused
        error = refused.json()["error"]
        assert error["code"] == "disk_full" and "tidak ada yang tersimpan" in error["message"]
        assert leader.client.get("/").status_code == 200, "it still reads"
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, usual)
        item = leader.ok(f"{base}/claim", stage="label")["item"]["id"]
        leader.ok(f"{base}/save", item=item, stage="label", kind="answer", output="none()",
                  key="later")  # fmt: skip
        saved.append("later")
    with sqlite3.connect(tmp_path / "labels.db") as c:
        assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = [k for (k,) in c.execute("SELECT key FROM acts ORDER BY id")]
    c.close()
    assert kept == saved


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "labels.db"
    Store(place).close()
    with sqlite3.connect(place) as c:
        c.execute("UPDATE alembic_version SET version_num = '9999'")
    c.close()
    done = subprocess.run(
        [sys.executable, "-m", "maksud", "label", "--store", str(place), "--port", "0"],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 3 and "Update Maksud" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.glob("*.before-*"))
    with sqlite3.connect(place) as c:
        assert c.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    c.close()
