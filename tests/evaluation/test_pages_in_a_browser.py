"""The pages in Chromium: what the script does, and that no figure is cut on a phone or a desk.

Skipped where there is no Chromium; what needs no browser is tested in `test_page`.
"""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted, catalog_of

from maksud.data.dataset import Dataset, Example
from maksud.evaluation.comparison import compare
from maksud.evaluation.files import write_comparison, write_report
from maksud.evaluation.report import Report, evaluate

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

# The page is looked at from a page around it: its own policy lets no other script in.
FRAME = """<!DOCTYPE html><iframe id="f" src="%s" width="%d" height="900"></iframe>
<pre id="result"></pre><script>
document.getElementById("f").onload = function () {
  setTimeout(function () {
    const frame = document.getElementById("f"), d = frame.contentDocument;
    const w = frame.contentWindow;
    let found;
    try { found = (function () { %s })(); } catch (error) { found = {error: String(error)}; }
    document.getElementById("result").textContent = JSON.stringify(found);
  }, 200);
};</script>"""

CUT = """
const room = d.documentElement.clientWidth, cut = [];
for (const details of d.querySelectorAll("details")) { details.open = true; }
for (const e of d.querySelectorAll("body *")) {
  const box = e.getBoundingClientRect();
  if (box.width && (box.right > room + 1 || box.left < -1)) { cut.push(e.outerHTML.slice(0, 90)); }
  const style = w.getComputedStyle(e);
  const clips = style.overflowX !== "visible" && !["SELECT", "INPUT", "svg"].includes(e.tagName);
  if (clips && e.scrollWidth > e.clientWidth + 1) { cut.push("clips " + e.outerHTML.slice(0, 90)); }
}
for (const svg of d.querySelectorAll("svg.chart")) {
  const box = svg.getBoundingClientRect();
  if (!box.width) { continue; }
  for (const text of svg.querySelectorAll("text")) {
    const t = text.getBoundingClientRect();
    if (t.left < box.left - 1 || t.right > box.right + 1) { cut.push("label " + text.textContent); }
  }
}
return {cut: cut, room: room, scroll: d.documentElement.scrollWidth};
"""


def look(page: Path, script: str, width: int) -> Any:
    """What the script finds in the page, in a window of so many pixels."""
    frame = page.with_name("frame.html")
    frame.write_text(FRAME % (page.name, width, script), encoding="utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        + [f"--user-data-dir={page.parent / 'profile'}", "--allow-file-access-from-files"]
        + ["--window-size=1600,1200", "--virtual-time-budget=5000", "--dump-dom"]
        + [frame.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    result = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert result is not None and result[1], done.stderr[-2000:]
    return json.loads(unescape(result[1]))


def report_of(name: str, wrong: int) -> Report:
    """Many intents with long names, long values, fields with long values, much confusion."""
    rows = []
    for k in range(160):
        intent = f"intent_with_quite_a_long_name_{k % 20}"
        gold = "none()" if k % 20 == 7 else f"{intent}(a_parameter_of_some_length=value {k})"
        about = {"channel": ("wa", "a rather long name of a channel in a car", "x" * 80)[k % 3]}
        rows.append(
            Example(f"utterance {k} value {k}", gold, split="test", source="a/b/test.json",
                    line=k + 1, metadata=about)
        )  # fmt: skip
    answers = {
        e.instruction: rows[(k * 7 + 1) % 160].output if k % wrong == 0 else e.output
        for k, e in enumerate(rows)
    }
    sure = {e.instruction: 0.3 + (k % 60) / 100 for k, e in enumerate(rows)}
    recognizer = Scripted(answers, catalog_of(rows), sure=sure, threshold=0.6, name=name)
    return evaluate(recognizer, Dataset(rows, name="shop"), by=["channel"], latency_sample=3)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pages")
    reports = [report_of("compact", 2), report_of("a-language-model-of-135m", 3)]
    write_report(reports[0], place)
    write_comparison(compare(reports), place)
    return place


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_no_figure_is_cut(pages: Path, name: str, width: int) -> None:
    found = look(pages / name, CUT, width)
    assert found["cut"] == [] and found["scroll"] <= found["room"] <= width


def test_a_cell_opens_its_utterances_and_errors_are_found(pages: Path) -> None:
    script = """
    const cell = d.querySelector(".wide svg a");
    const link = cell.getAttribute("href");
    w.location.hash = link;
    w.dispatchEvent(new w.HashChangeEvent("hashchange"));
    const list = d.getElementById(link.slice(1));
    const items = () => [...d.querySelectorAll("#found > li")].filter(e => !e.hidden);
    const all = items().length;
    const search = d.querySelector(".filters input");
    const type = text => { search.value = text; search.dispatchEvent(new w.Event("input")); };
    type("UTTERANCE test.json:57");
    const searched = items().map(e => e.querySelector(".said").textContent);
    type("");
    const select = d.querySelector("select[name=g2]");
    select.value = "wa";
    select.dispatchEvent(new w.Event("change"));
    const filtered = items().map(e => e.getAttribute("data-g2"));
    const told = d.getElementById("shown").textContent;
    d.getElementById("more").click();
    return {open: list.closest("details").open, all, searched, told, filtered,
            hidden: d.getElementById("filters").hidden};
    """
    found = look(pages / "report.html", script, 1440)
    assert "error" not in found, found
    assert found["open"] is True and found["hidden"] is False
    assert found["all"] == 50  # of 80, before the rest is asked for
    assert found["searched"] == ["utterance 56 value 56"]
    assert set(found["filtered"]) == {"wa"} and len(found["filtered"]) == 27
    assert found["told"] == "27 of 80"
