"""The command `maksud label`: what scripts do with the store, and that the application starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
RAW = "\n".join(json.dumps({"data": {"instruction": t}}) for t in ("putar Hampa", "pelankan"))


def type_in(place: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "maksud", "label", *words],
        cwd=place, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


def read(place: Path, *words: str) -> Any:
    return json.loads(type_in(place, *words, "--json").stdout)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "raw.manifest").write_text(RAW, encoding="utf-8")
    return tmp_path


def test_the_whole_way_by_script(place: Path) -> None:
    assert "/in#" in type_in(place, "invite", "ana").stdout
    made = read(place, "add", "raw.manifest", "--task", "first", "--stages", "label,check")
    assert (made["rows"], made["name"]) == (2, "first")
    token = read(place, "invite", "admin", "--role", "admin", "--token")["token"]
    server = subprocess.Popen(
        [sys.executable, "-m", "maksud", "label", "--port", "0", "--json"],
        cwd=place, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        about = json.loads(server.stdout.readline())
        assert about["link"].startswith(f"{about['url']}/in#")
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(base_url=about["url"], headers=headers, trust_env=False,
                          timeout=60) as client:  # fmt: skip
            base = f"/api/tasks/{made['task']}"
            for stage in ("label", "check"):
                for k in (1, 2):
                    item = client.post(f"{base}/claim", json={"stage": stage}).json()["item"]
                    said = {"item": item["id"], "stage": stage, "kind": "answer",
                            "output": "play_music()", "key": f"{stage}{k}"}  # fmt: skip
                    assert client.post(f"{base}/save", json=said).status_code == 200
        backup = place / "labels.backup"
        type_in(place, "backup", str(backup))  # while it runs
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()
    [task] = read(place, "tasks")
    assert task["states"]["done"] == 2
    told = read(place, "export", "first", "train.json", "--save", "music")
    assert (told["rows"], told["version"]) == (2, "music@1")
    rows = json.loads((place / "train.json").read_text(encoding="utf-8"))
    assert rows[0]["output"] == "play_music()"
    again = type_in(place, "export", "first", "train.json", code=2)
    assert "--force" in again.stderr
    (place / ".maksud" / "labels.db").unlink()
    type_in(place, "restore", str(backup))
    assert read(place, "tasks")[0]["states"]["done"] == 2


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("export", "nothing", "x.json"), 2, "no store of labels"),
        (("tasks",), 2, "no store of labels"),
        (("assist", "nothing", "--order", "random"), 2, "no store of labels"),
        (("backup", "copy.db"), 2, "no store of labels"),
        (("tasks", "--store", "raw.manifest"), 2, "nor any SQLite database"),
        (("export", "nothing"), 2, "nowhere to export to"),
        (("export", "nothing", "x.json", "--to", "elvish"), 2, "elvish"),
        (("add", "missing.json"), 2, "no such file"),
        (("add", "raw.manifest", "--people", "nobody"), 2, "maksud label invite"),
        (("add", "raw.manifest", "--votes", "3"), 2, "Add people"),
        (("add", "raw.manifest", "--order", "loud"), 2, "Choose file, random, uncertain"),
        (("add", "raw.manifest", "--shuffled", "--order", "uncertain"), 2, "Give one of them"),
        (("add", "raw.manifest", "--shuffled", "--order", "file"), 2, "Give one of them"),
        (("invite", "x", "--role", "king"), 2, "no role 'king'"),
        (("restore", "missing.db"), 2, "no such backup"),
        (("--port", "99999"), 2, "port"),
        (("--set", "colour=red"), 2, "colour"),
        (("tasks", "--store", "mysql://x/y"), 2, "no place for labels"),
    ],
)
def test_what_can_not_be_done_is_told(
    place: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    done = type_in(place, *words, code=code)
    assert told in done.stderr and "Traceback" not in done.stderr
    if "no store of labels" in told:
        assert not list(place.rglob("*.db")), "reading makes none"


def test_the_order_of_the_queue_is_said_and_changed(place: Path) -> None:
    read(place, "add", "raw.manifest", "--task", "t", "--order", "random", "--seed", "7",
         "--shuffled")  # fmt: skip
    for command in (("export", "nothing", "x.json"), ("assist", "nothing", "--order", "random")):
        assert "no task 'nothing'" in type_in(place, *command, code=2).stderr
    about = read(place, "assist", "t")
    assert (about["order"], about["seed"], about["every"]) == ("random", 7, 50)
    changed = read(place, "assist", "t", "--order", "file", "--blind", "0")
    assert (changed["order"], changed["seed"], changed["blind"]) == ("file", 7, 0)
    assert "order: file" in type_in(place, "assist", "t").stdout
    refused = type_in(place, "assist", "t", "--blind", "99", code=2)
    assert "Choose 0 to 50" in refused.stderr
    assert read(place, "assist", "t") == changed


def test_the_store_is_never_written_over_by_what_comes_out_of_it(place: Path) -> None:
    told = type_in(place, "add", "raw.manifest", "--task", "t", "--store", "my labels.db").stderr
    assert "Next: maksud label --store 'my labels.db'" in told
    store = ("--store", "my labels.db", "--force")
    out = ("./my labels.db", "--to", "json", "--all")
    assert "over the store of labels" in type_in(place, "export", "t", *out, *store, code=2).stderr
    assert "is the store itself" in type_in(place, "backup", "my labels.db", *store, code=2).stderr
    type_in(place, "backup", "copy.db", "--store", "my labels.db")
    for kept in ("my labels.db.replaced", "my labels.db.replaced-2"):
        assert f"What stood there: {kept}" in type_in(place, "restore", "copy.db", *store).stderr
    assert [t["name"] for t in read(place, "tasks", *store[:2])] == ["t"]
