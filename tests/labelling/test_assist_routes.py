"""Help from the model and quality over HTTP, as scripts use them: every action of the pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from labelling_server import Served, serving

from maksud.labelling.assistant import Assistant
from maksud.labelling.store import Store

SAID = [
    "tolong putar lagu Hampa sekarang juga ya",
    "tolong putar lagu Hampa sekarang juga dong",
    "kecilkan suaranya",
    "besarkan suaranya",
]


class Child:
    """A process that never ends."""

    returncode = None

    def poll(self) -> None:
        return None


def start(store: Store, job: int, models: Path) -> Any:
    return Child()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "labels.db") as running:
        running.house.assistant = Assistant(running.store, start=start)
        yield running


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def leader(served: Served) -> httpx.Client:
    return served.script(served.admin())


def make(leader: httpx.Client, **more: Any) -> str:
    lines = "\n".join(json.dumps({"data": {"instruction": u}}) for u in SAID).encode()
    content = base64.b64encode(lines).decode()
    upload = {"name": "raw", "file": "raw.manifest", "content": content}
    dataset = ok(leader.post("/api/datasets", json=upload))["dataset"]
    me = ok(leader.get("/api/me"))["id"]
    body = {"name": "t", "dataset": dataset, "people": [me], **more}
    return f"/api/tasks/{ok(leader.post('/api/tasks', json=body))['task']}"


def save(leader: httpx.Client, path: str, output: str) -> int:
    item: int = ok(leader.post(f"{path}/claim", json={"stage": "label"}))["item"]["id"]
    body = {"item": item, "stage": "label", "kind": "answer", "output": output, "key": f"k{item}"}
    ok(leader.post(f"{path}/save", json=body))
    return item


def test_help_is_chosen_and_changed(leader: httpx.Client) -> None:
    path = make(leader, order="random", seed=4, blind=20, every=5)
    about = ok(leader.get(f"{path}/help"))
    assert about["help"] == {
        "order": "random", "seed": 4, "blind": 20, "every": 5, "gold_every": 20, "base": 0,
    }  # fmt: skip
    assert about["agreed"] == 0 and about["jobs"] == {"learn": None, "doubt": None}
    changed = ok(leader.post(f"{path}/help", json={"order": "file", "every": 0}))["help"]
    assert (changed["order"], changed["every"], changed["blind"]) == ("file", 0, 20)
    assert ok(leader.post(f"{path}/claim", json={"stage": "label"}))["item"]["number"] == 1
    for wrong in ({"order": "x"}, {"blind": 99}, {"base": 77}, {"unknown": 1}):
        assert leader.post(f"{path}/help", json=wrong).status_code in (400, 404)
    page = leader.get(path.removeprefix("/api") + "/help")
    assert page.status_code == 200 and "Bantuan model" in page.text
    assert "Urutan:" in leader.get(path.removeprefix("/api") + "/label").text


def test_a_job_is_begun_once(leader: httpx.Client) -> None:
    path = make(leader)
    refused = leader.post(f"{path}/jobs", json={"kind": "learn"})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "too_few_labels"
    rows = [{"instruction": f"u {k}", "output": "a()"} for k in range(12)]
    upload = base64.b64encode(json.dumps(rows).encode()).decode()
    base = ok(leader.post("/api/datasets", json={"name": "b", "file": "b.json", "content": upload}))
    ok(leader.post(f"{path}/help", json={"base": base["dataset"]}))
    job = ok(leader.post(f"{path}/jobs", json={"kind": "learn"}))["job"]
    assert (job["state"], job["kind"]) == ("running", "learn")
    again = leader.post(f"{path}/jobs", json={"kind": "learn"})
    assert again.json()["error"]["code"] == "job_running"
    assert ok(leader.get(f"{path}/help"))["jobs"]["learn"]["state"] == "running"
    assert "progress" in leader.get(path.removeprefix("/api") + "/help").text


def test_answers_for_what_is_alike(leader: httpx.Client) -> None:
    path = make(leader)
    item = save(leader, path, "play_music(song=Hampa)")
    found = ok(leader.get(f"{path}/items/{item}/alike"))
    assert [o["utterance"] for o in found["items"]] == [SAID[1]]
    body = {"items": [found["items"][0]["item"]], "key": "x"}
    done = ok(leader.post(f"{path}/items/{item}/likewise", json=body))
    assert done["saved"][0]["state"] == "done" and done["output"] == "play_music(song=Hampa)"
    [person] = ok(leader.get(f"{path}/quality"))["people"]
    assert (person["labels"], person["likewise"]) == (2, 1)


def test_gold_from_rows_and_from_a_file(leader: httpx.Client) -> None:
    path = make(leader)
    rows = [{"instruction": SAID[2], "output": "volume_down()"}]
    assert ok(leader.post(f"{path}/gold", json={"rows": rows})) == {"gold": 1}
    content = base64.b64encode(b'[{"instruction":"naikkan","output":"volume_up()"}]').decode()
    assert ok(leader.post(f"{path}/gold", json={"file": "g.json", "content": content}))["gold"] == 1
    found = ok(leader.get(f"{path}/gold"))["items"]
    assert [g["output"] for g in found] == ["volume_down()", "volume_up()"]
    wrong = leader.post(f"{path}/gold", json={"rows": [{"instruction": "x"}]})
    assert wrong.status_code == 400 and "rows[0] has no text" in wrong.text
    wrong = leader.post(f"{path}/gold", json={"rows": [{"instruction": "\0", "output": "a()"}]})
    assert wrong.json()["error"]["code"] == "rejected_rows"
    ok(leader.post(f"{path}/gold/{found[0]['item']}/drop", json={}))
    assert len(ok(leader.get(f"{path}/gold"))["items"]) == 1
    assert "volume_up()" in leader.get(path.removeprefix("/api") + "/quality").text


def test_confusion_doubts_and_what_is_typed_is_text(leader: httpx.Client) -> None:
    path = make(leader)
    save(leader, path, "<b>(x)")
    assert ok(leader.get(f"{path}/confusion"))["between"]["pairs"] == 0
    assert ok(leader.get(f"{path}/doubts")) == {"doubts": []}
    refused = leader.post(f"{path}/second-look", json={"count": 3, "key": "k"})
    assert refused.json()["error"]["code"] == "no_rows"
    rows = [{"instruction": "<script>x</script>", "output": "a()"}]
    ok(leader.post(f"{path}/gold", json={"rows": rows}))
    page = leader.get(path.removeprefix("/api") + "/quality").text
    assert "<script>x" not in page and "&lt;script&gt;x" in page


def test_a_large_gold_file_has_room(served: Served, leader: httpx.Client) -> None:
    path = make(leader)
    filler = " " * (served.house.settings.max_body_bytes + 1)
    content = base64.b64encode(f'[{{"instruction":"n","output":"a()"}}{filler}]'.encode()).decode()
    assert ok(leader.post(f"{path}/gold", json={"file": "g.json", "content": content}))["gold"] == 1


def test_the_next_item_comes_with_what_the_task_s_own_recognizer_says(
    served: Served, leader: httpx.Client
) -> None:
    """Taken by itself or together with a save: by the recognizer of that moment."""

    class By:
        name = "learnt-1-1"

        def suggest(self, said: list[str]) -> list[list[dict[str, Any]]]:
            return [[{"text": "fresh()", "confidence": 0.9, "by": self.name}] for _ in said]

    path = make(leader, blind=0)
    served.house.assistant._loaded[int(path.rpartition("/")[2])] = 1, By()  # type: ignore[assignment]
    item = ok(leader.post(f"{path}/claim", json={"stage": "label"}))["item"]
    assert [s["by"] for s in item["suggestions"]] == ["learnt-1-1"]
    body = {"item": item["id"], "stage": "label", "kind": "answer", "output": "none()",
            "key": "k", "next": True}  # fmt: skip
    answer = ok(leader.post(f"{path}/save", json=body))
    assert [s["text"] for s in answer["item"]["suggestions"]] == ["fresh()"]
    assert answer["waiting"] == {"label": 3}
