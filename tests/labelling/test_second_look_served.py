"""Label errors through the running application: a real job process trains real compact networks,
and what it doubts comes back to be checked."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from labelling_running import running

SHAPES = {
    "play_music()": ("putar lagu {}", "mainkan musik dari {}", "saya mau dengar lagu {}"),
    "volume_down()": ("kecilkan suara {}", "pelankan volume di {}", "suaranya terlalu keras di {}"),
    "weather_search()": ("bagaimana cuaca {}", "apakah besok hujan di {}", "prakiraan cuaca {}"),
}
NAMES = ("Hampa", "Bandung", "Tulus", "Medan", "Ambon", "Raisa", "Solo", "Padang")
SAID = {f"{shape.format(name)}": answer for answer, shapes in SHAPES.items()
        for shape in shapes for name in NAMES}  # fmt: skip
WRONG = {"putar lagu Solo": "weather_search()", "bagaimana cuaca Raisa": "volume_down()",
         "kecilkan suara Ambon": "play_music()"}  # fmt: skip
"""Labels that nobody would give: each is read otherwise by everything around it."""


@pytest.mark.slow  # eight small networks
@pytest.mark.timeout(300)
def test_suspected_errors_come_back_over_http(tmp_path: Path) -> None:
    rows = "".join(json.dumps({"data": {"instruction": u}}) + "\n" for u in SAID)
    with running(tmp_path / "labels.db") as server:
        leader = server.page("lea", "leader")
        base = leader.task(leader.register("raw", rows), "music", stages=["label", "check"],
                           every=0)  # fmt: skip
        numbers = {}
        for stage in ("label", "check"):
            item = leader.ok(f"{base}/claim", stage=stage)["item"]
            while item is not None:
                said = item["utterance"]
                numbers[said] = item["id"]
                item = leader.ok(
                    f"{base}/save", item=item["id"], stage=stage, kind="answer", next=True,
                    output=WRONG.get(said, SAID[said]), key=f"{stage}-{item['id']}",
                )["item"]  # fmt: skip
        assert leader.client.get(base).json()["states"]["done"] == len(SAID)
        assert leader.ok(f"{base}/jobs", kind="doubt")["job"]["state"] == "running"
        job = leader.client.get(f"{base}/help").json()["jobs"]["doubt"]
        while job["state"] == "running":
            time.sleep(1)
            job = leader.client.get(f"{base}/help").json()["jobs"]["doubt"]
        assert job["state"] == "done" and job["result"]["judged"] == len(SAID), job
        doubts = leader.client.get(f"{base}/doubts").json()["doubts"]
        found = {d["utterance"]: d["suggested"] for d in doubts[: len(WRONG)]}
        assert found == {u: SAID[u] for u in WRONG}
        sent = leader.ok(f"{base}/second-look", count=len(WRONG), key="look")["items"]
        assert sorted(sent) == sorted(numbers[u] for u in WRONG)
        states = leader.client.get(base).json()["states"]
        assert states["check"] == len(WRONG) and states["done"] == len(SAID) - len(WRONG)
        item = leader.ok(f"{base}/claim", stage="check")["item"]
        right = SAID[item["utterance"]]
        assert item["utterance"] in WRONG and right in item["feedback"]
        leader.ok(f"{base}/save", item=item["id"], stage="check", kind="answer", output=right,
                  key="mended")  # fmt: skip
        kept = leader.client.get(f"{base}/items/{item['id']}").json()
        assert (kept["state"], kept["proposal"]["output"]) == ("done", right)
        assert [h["kind"] for h in kept["history"]] == ["answer", "answer", "doubt", "answer"]
