"""A table whose header does not say what is what, registered in Chromium."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import labelling_desk
import pytest
from labelling_desk import IN_A_BROWSER, Desk, expect
from labelling_server import Served

pytestmark = IN_A_BROWSER
browser, served = labelling_desk.browser, labelling_desk.served

TABLE = "text,kanal\nputar Hampa,wa\nhmm,web\n"


def test_a_page_asks_for_what_a_header_does_not_say(
    browser: Any, served: Served, tmp_path: Path
) -> None:
    """Without advice that only helps at a terminal."""
    (tmp_path / "raw.csv").write_text(TABLE)
    desk = Desk(browser, served, served.admin())
    page = desk.page
    desk.go("/new")
    page.get_by_label("Berkas").set_input_files(tmp_path / "raw.csv")
    page.get_by_role("button", name="Daftarkan").first.click()
    told = page.locator(".told").first
    expect(told).to_contain_text('tidak ada kolom jawaban (yang ada: "text", "kanal"). Sebutkan')
    page.get_by_text("Kolom", exact=True).first.click()
    page.get_by_label("Kolom jawaban").first.fill("kanl")
    page.get_by_role("button", name="Daftarkan").first.click()
    expect(told).to_contain_text('tidak ada kolom "kanl" untuk output. Sebutkan')
    page.get_by_label("Kolom jawaban").first.fill("")
    page.get_by_label("Belum ada jawaban").first.check()
    page.get_by_role("button", name="Daftarkan").first.click()
    expect(page.locator("select[name=dataset]")).to_contain_text("raw · 2 baris")
    assert [c for c in desk.complaints if "status of 400" not in c] == []
    desk.context.close()


@pytest.mark.parametrize(
    ("file", "content", "how", "answers"),
    [
        ("a.csv", TABLE, {"answer_column": "kanal"}, ["wa()", "web()"]),
        ("a.csv", TABLE, {"unlabelled": True}, []),
        ("a.json", '[{"text": "halo", "kanal": "wa"}]', {"unlabelled": True}, []),
        ("a.json", '[{"kata": "halo", "kanal": "wa"}]',
         {"utterance_column": " kata ", "answer_column": "kanal"}, ["wa()"]),
    ],
)  # fmt: skip
def test_a_script_says_it_too(
    served: Served, file: str, content: str, how: dict[str, Any], answers: list[str]
) -> None:
    admin = served.admin()
    script = served.script(admin)
    raw = base64.b64encode(content.encode()).decode()
    made = script.post("/api/datasets", json={"name": "d", "file": file, "content": raw, **how})
    assert made.status_code == 200, made.text
    task = {"name": "t", "dataset": made.json()["dataset"], "people": [admin.id]}
    number = script.post("/api/tasks", json=task).json()["task"]
    item = script.post(f"/api/tasks/{number}/claim", json={"stage": "label"}).json()["item"]
    assert [s["text"] for s in item["suggestions"]] == answers[:1]
