"""What an item costs a labeller: keys, clicks and waiting in our page, and in Label Studio's.

    python benchmarks/label_studio.py prepare WORK [--items 100]
    python benchmarks/label_studio.py maksud WORK [--suggestions]
    python benchmarks/label_studio.py label-studio WORK --program LABEL_STUDIO
    python benchmarks/label_studio.py table WORK

`prepare` sets items of the shipped voice assistant aside, trains a compact recognizer with quick
settings on other rows, and keeps its answers. The others play a labeller who knows the right answer
and the tool's shortcuts, through the real pages in Chromium: every keydown and pointerdown is
counted by the browser itself, and so is the waiting, from the last key of an item until the next
one can be labelled. Thinking is not counted. Each exports what was saved and compares it with what
was meant. Label Studio is started as people do, on loopback with SQLite; install its community
edition into an environment of its own. `table` reads what was kept in WORK.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labelling import end_group, quantile, served
from reporting import machine

from maksud.data.dataset import Dataset, Example
from maksud.demo.shipped import load_shipped
from maksud.labelling.help import Help
from maksud.labelling.learning import quick
from maksud.labelling.library import register
from maksud.labelling.people import first_admin, make_token
from maksud.labelling.store import Store
from maksud.labelling.tasks import Wanted, create_task
from maksud.language.calls import Call, parse_calls, same_answer

SEED = 11
TAUGHT = 600
"""Rows that the recognizer learns: what a task has some days in."""

COUNT = """
window.played = { trail: "", last: 0 };
const hand = (kind) => { played.trail += kind; played.last = performance.now(); };
addEventListener("keydown", (e) => { if (!e.repeat) { hand("k"); } }, true);
addEventListener("pointerdown", () => hand("p"), true);
addEventListener("pointerup", () => { played.last = performance.now(); }, true);
"""
"""Counts in the page what a hand does; a chord is a key for each of its keys, a drag one press."""

KEY, POINT, PRESS, HOME = 0.2, 1.1, 0.1, 0.4
"""Seconds of the keystroke-level model (Card, Moran, Newell 1980): a key of somebody who types
well; bringing the pointer to a target; pressing or letting go; a hand
that goes over to the mouse or back. A drag has a second target."""


@dataclass
class Played:
    """What one item took. `trail`: k for a key, p for a press of the pointer, in order."""

    trail: str
    wait: float
    drags: int = 0
    offered: str = ""

    def seconds(self) -> float:
        """By the keystroke-level model, with the waiting."""
        pointed = self.trail.count("p")
        turns = sum(a != b for a, b in zip("k" + self.trail, self.trail, strict=False))
        hand = KEY * self.trail.count("k") + pointed * (POINT + 2 * PRESS) + self.drags * POINT
        return hand + HOME * turns + self.wait


@dataclass
class Session:
    """What a whole run took, and whether what it saved is what was meant."""

    tool: str
    suggestions: bool
    items: list[Played] = field(default_factory=list)
    wrong: list[Any] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The figures, and each item's."""
        keys = [p.trail.count("k") for p in self.items]
        clicks = [p.trail.count("p") for p in self.items]
        waits = [1000 * p.wait for p in self.items]
        mean = statistics.mean
        return {
            "tool": self.tool, "suggestions": self.suggestions, **self.about,
            "items": len(self.items), "saved_wrong": self.wrong,
            "keys": round(mean(keys), 2), "clicks": round(mean(clicks), 2),
            "one_key": sum(k + c == 1 for k, c in zip(keys, clicks, strict=True)),
            "wait_p50_ms": round(statistics.median(waits)),
            "wait_p95_ms": round(quantile(waits, 0.95)),
            "seconds": round(mean(p.seconds() for p in self.items), 2),
            "of_each": [[p.trail, round(1000 * p.wait), p.drags, p.offered] for p in self.items],
            "machine": machine(),
        }  # fmt: skip


# ---------------------------------------------------------------- what is labelled


def prepare(given: argparse.Namespace) -> dict[str, Any]:
    """Sets the items aside, trains on others, and keeps what the recognizer says of the items."""
    from maksud.recognizers.door import load_recognizer, train

    aside, taught, known = chosen_rows(given.items)
    data = Dataset(taught, catalog=known, name="taught")
    given.work.mkdir(parents=True, exist_ok=True)
    place = given.work / "recognizer"
    shutil.rmtree(place, ignore_errors=True)
    began = time.perf_counter()
    run = train(data, out=place, seed=SEED, on_progress=False, **quick(TAUGHT))
    return ask_it(given.work, load_recognizer(run), aside) | {
        "taught": len(taught), "seconds_so_far": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def chosen_rows(count: int) -> tuple[list[Example], list[Example], Any]:
    """Rows to be labelled, rows that are learnt, and the catalog of both."""
    known = load_shipped("voice_assistant", "id")
    rows = [e for e in known.train if "turns" not in e.metadata]
    random.Random(SEED).shuffle(rows)
    return rows[:count], rows[count : count + TAUGHT], known.declared_catalog


def ask_it(work: Path, recognizer: Any, aside: Sequence[Example]) -> dict[str, Any]:
    """Keeps what the recognizer says of the items; returns how often it is right."""
    kept = []
    first = among = 0
    for e in aside:
        [answer] = recognizer.recognize([e.instruction])
        said = [(answer.text, answer.confidence)]
        said += [(a.text, a.confidence) for a in answer.alternatives]
        texts = [t for t, _ in said[:5] if t]
        first += bool(texts) and is_right(texts[0], e.output)
        among += any(is_right(t, e.output) for t in texts)
        kept.append({"text": e.instruction, "output": e.output, "said": texts[0] if texts else "",
                     "confidence": round(answer.confidence, 4)})  # fmt: skip
    (work / "items.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
    return {"items": len(kept), "first_right": first, "right_among_5": among}


def items_of(work: Path) -> list[dict[str, Any]]:
    """What `prepare` kept."""
    return list(json.loads((work / "items.json").read_text()))


def is_right(said: str, meant: str) -> bool:
    """Whether an answer says what was meant."""
    return bool(said) and same_answer(parse_calls(said), parse_calls(meant))


@contextmanager
def browsing() -> Iterator[Any]:
    """A page of the machine's Chromium, which counts."""
    from playwright.sync_api import sync_playwright

    at = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=at, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="id-ID")
        context.add_init_script(COUNT)
        page = context.new_page()
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def told(page: Any) -> str:
    """The trail since the last time, which is forgotten."""
    return str(page.evaluate("() => { const t = played.trail; played.trail = ''; return t; }"))


# ---------------------------------------------------------------- our page

OUR_NEXT = """(before) => { window.ready = new Promise((resolve) => {
  const number = document.getElementById("number"), empty = document.getElementById("empty");
  const look = () => {
    const there = number.textContent !== before && !document.getElementById("save").disabled;
    if (!empty.hidden || there) { resolve(performance.now() - played.last); }
    else { requestAnimationFrame(look); }
  };
  requestAnimationFrame(look);
}); }"""

OUR_WORDS = """() => { let at = 0; const out = [];
  for (const node of document.getElementById("said").childNodes) {
    if (node.nodeType === 1) out.push([at, at + node.textContent.length]);
    at += node.textContent.length;
  } return out; }"""


def play_ours(given: argparse.Namespace) -> Session:
    """Labels the items in our page, by suggestions where they help, else by search and words."""
    items = items_of(given.work)
    store_at = given.work / f"ours-{given.suggestions}.db"
    for old in given.work.glob(store_at.name + "*"):
        old.unlink() if old.is_file() else shutil.rmtree(old)
    store = Store(str(store_at))
    now = store.clock()

    def make(c: Any) -> tuple[int, str]:
        admin = first_admin(c, now)
        catalog = load_shipped("voice_assistant", "id").declared_catalog
        data = Dataset([Example(i["text"], "") for i in items], name="raw")
        raw = register(c, "raw", data, "raw.json", now)
        wanted = Wanted("bench", raw, [admin.id], catalog=catalog, open=False,
                        help=Help(blind=0, every=0))  # fmt: skip
        return create_task(c, wanted, now), make_token(c, admin, "bench", now)

    task, token = store.write(make)
    store.close()
    more = ["--recognizer", str(given.work / "recognizer")] if given.suggestions else []
    session = Session("Maksud", given.suggestions)
    with served(str(store_at), more=more) as (_, host, port, link), browsing() as page:
        page.goto(link)
        page.locator("form button").click()
        page.wait_for_url(f"http://{host}:{port}/")
        page.goto(f"http://{host}:{port}/tasks/{task}/label")
        page.locator("#number:not(:empty)").wait_for()
        queries = _shortest_queries(
            page, {c.intent for i in items for c in parse_calls(i["output"])}
        )
        told(page)
        for item in items:
            session.items.append(_label_ours(page, item, queries))
        about = {"accept": "application/json", "authorization": f"Bearer {token}"}
        asked = urllib.request.Request(
            f"http://{host}:{port}/api/tasks/{task}/export?format=json", headers=about
        )
        with urllib.request.urlopen(asked) as answer:
            saved = {r["instruction"]: r["output"] for r in json.load(answer)}
    session.wrong = [i["text"] for i in items
                     if not is_right(saved.get(i["text"], ""), i["output"])]  # fmt: skip
    return session


def _shortest_queries(page: Any, intents: set[str]) -> dict[str, str]:
    """The shortest beginning of a word of its name that finds an intent first: what who has worked
    for a while knows. Not counted."""
    found: dict[str, str] = {}
    for intent in sorted(intents - {"none"}):
        words = [intent, *intent.split("_")]
        tries = sorted({w[:k] for w in words for k in range(1, len(w) + 1)}, key=len)
        for query in tries:
            page.fill("#search", query)
            if _first_found(page) == intent:
                found[intent] = query
                break
        else:
            found[intent] = intent
    page.fill("#search", "")
    page.press("#search", "Escape")
    return found


def _first_found(page: Any) -> str:
    found = "const o = document.querySelector('#found [aria-selected=true]');"
    return str(page.evaluate(f"() => {{ {found} return o ? o.firstChild.textContent : ''; }}"))


def _label_ours(page: Any, item: dict[str, Any], queries: dict[str, str]) -> Played:
    right = list(parse_calls(item["output"]))
    number = page.text_content("#number")
    offered = page.locator("#suggestions code").all_text_contents()
    start = _best_start(offered, right)
    if right == [Call("none")] and (start is None or not is_right(offered[start], item["output"])):
        page.keyboard.press("0")
    else:
        if start is None:
            if page.input_value("#text"):
                page.keyboard.press("0")  # in place of what stands there
            there: list[Call] = []
        else:
            if start:
                page.keyboard.press(str(start + 1))
            there = list(parse_calls(offered[start]))
        for k, call in enumerate(right):
            if k >= len(there):
                _search(page, call.intent, queries)
            _mend(page, k, there[k] if k < len(there) else Call(call.intent), call, item["text"])
    page.evaluate(OUR_NEXT, number)
    page.keyboard.press("Enter")
    wait = page.evaluate("() => window.ready") / 1000
    return Played(told(page), wait, 0, offered[0] if offered else "")


def _best_start(offered: Sequence[str], right: list[Call]) -> int | None:
    """The suggestion that takes the fewest steps to the right answer; None: better from nothing."""
    best: tuple[int, int | None] = (1 + sum(2 + 2 * len(c.arguments) for c in right), None)
    for k, text in enumerate(offered[:9]):
        calls = list(parse_calls(text))
        if [c.intent for c in calls] != [c.intent for c in right[: len(calls)]]:
            continue
        steps = int(k > 0) + sum(2 + 2 * len(c.arguments) for c in right[len(calls) :])
        for a, b in zip(calls, right, strict=False):
            differs = set(a.arguments) ^ set(b.arguments)
            steps += 2 * len({x.name for x in differs})
        best = min(best, (steps, k), key=lambda b: b[0])
    return best[1]


def _search(page: Any, intent: str, queries: dict[str, str]) -> None:
    page.keyboard.press("/")
    if _first_found(page) != intent:  # it was used just before
        page.keyboard.type(queries[intent])
    for _ in range(8):
        if _first_found(page) == intent:
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def _mend(page: Any, k: int, there: Call, right: Call, utterance: str) -> None:
    """Makes the values of the k-th call right."""
    wanted = {a.name: a.value for a in right.arguments}
    has = {a.name: a.value for a in there.arguments}
    for name in [n for n in has if n not in wanted]:
        _row(page, k, str(name)).locator("button.quiet").click()
    for name, value in wanted.items():
        if has.get(name) != value:
            _fill(page, k, str(name), value, utterance)


def _row(page: Any, k: int, name: str) -> Any:
    box = page.locator("#calls .call").nth(k)
    field = page.get_by_label(f"Nilai {name}", exact=True)
    return box.locator(".parameter", has=field).first


def _fill(page: Any, k: int, name: str, value: str, utterance: str) -> None:
    """Selects the words of a value, without what hangs on the last one, and presses its number."""
    words = page.evaluate(OUR_WORDS)
    row = _row(page, k, name)
    for first, (start, _) in enumerate(words):
        if not utterance.startswith(value, start):
            continue
        last = next(n for n, (_, end) in enumerate(words) if end >= start + len(value))
        page.locator(".word").nth(first).click()
        if last != first:
            page.locator(".word").nth(last).click()
        for _ in range(words[last][1] - start - len(value)):
            if str(page.text_content("#selection-text")).removeprefix("Terpilih: ") == value:
                break
            page.keyboard.press("-")
        badge = row.locator("kbd")
        if badge.is_visible():
            page.keyboard.press(str(badge.text_content()))
        else:
            row.get_by_role("button", name=f"Isi {name} dengan kata terpilih").click()
        return
    row.locator("input").click()  # it begins within a word: typed
    page.keyboard.press("Control+A")
    page.keyboard.type(value)
    page.keyboard.press("Escape")


# ---------------------------------------------------------------- Label Studio

SIGN_IN = ("labeller@example.org", "a-labeller-of-100")
HOTKEYS_OF_VALUES, HOTKEYS_OF_INTENTS = "1234567890zx", "qwetyiopasdfg"
"""Letters that Label Studio does not use itself."""
LINE = ".lsf-richtext__line"

THEIR_NEXT = """([before, last]) => { window.ready = new Promise((resolve) => {
  const began = performance.now();
  const look = () => {
    const line = document.querySelector(".lsf-richtext__line");
    const buttons = [...document.querySelectorAll("button")];
    const button = buttons.find((b) => b.textContent.trim() === "Submit");
    const there = line && line.textContent !== before && button && !button.disabled
      && document.querySelector(".lsf-choice");
    if (there || (last && !line)) { resolve(performance.now() - played.last); }
    else if (performance.now() - began > 55000) { resolve(-1); }
    else { requestAnimationFrame(look); }
  };
  requestAnimationFrame(look);
}); }"""

THEIR_PLACE = """([from, to]) => {
  const line = document.querySelector(".lsf-richtext__line");
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let at = 0, begun = false;
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    if (!begun && from < at + n.length) { range.setStart(n, from - at); begun = true; }
    if (to <= at + n.length) { range.setEnd(n, to - at); break; }
    at += n.length;
  }
  const boxes = range.getClientRects(), first = boxes[0], last = boxes[boxes.length - 1];
  return [first.left + 1, first.top + first.height / 2, last.right - 1, last.top + last.height / 2];
}"""

MARKED = "() => document.querySelectorAll('.htx-highlight').length"
CHOSEN = """(name) => [...document.querySelectorAll(".lsf-choice")].some((c) =>
  c.textContent.startsWith(name + "[") && c.querySelector(".ant-checkbox-checked"))"""


def config_of(work: Path) -> tuple[str, dict[str, str], dict[str, str]]:
    """Their card: words to mark with a parameter, intents to choose; and the hotkeys of both."""
    catalog = load_shipped("voice_assistant", "id").declared_catalog
    assert catalog is not None
    intents = [i.name for i in catalog.intents if i.name != "none"] + ["none"]
    names = list(dict.fromkeys(p.name for i in catalog.intents for p in i.parameters))
    values = dict(zip(names, HOTKEYS_OF_VALUES, strict=True))
    chosen = dict(zip(intents, HOTKEYS_OF_INTENTS, strict=True))
    labels = "".join(f'<Label value="{n}" hotkey="{k}"/>' for n, k in values.items())
    choices = "".join(f'<Choice value="{n}" hotkey="{k}"/>' for n, k in chosen.items())
    config = (f'<View><Labels name="value" toName="text">{labels}</Labels>'
              f'<Text name="text" value="$text"/><Choices name="intent" toName="text" '
              f'choice="multiple" showInline="true">{choices}</Choices></View>')  # fmt: skip
    return config, values, chosen


@contextmanager
def their_server(given: argparse.Namespace) -> Iterator[str]:
    """Label Studio on loopback, with SQLite."""
    quiet = {"COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false", "SENTRY_DSN": "",
             "FRONTEND_SENTRY_DSN": ""}  # fmt: skip
    name, password = SIGN_IN
    kept = str(given.work / "label-studio")
    command = [str(given.program), "start", "--no-browser", "--internal-host", "127.0.0.1",
               "--port", str(given.port), "--data-dir", kept, "--username", name,
               "--password", password]  # fmt: skip
    with (given.work / "label-studio.log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | quiet,
            start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{given.port}"
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(url + "/health", timeout=10):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        else:
            raise SystemExit("Label Studio did not start: see label-studio.log")
        yield url
    finally:
        end_group(process)


def play_theirs(given: argparse.Namespace) -> Session:
    """Labels the items in Label Studio by its hotkeys; goes on where it stopped (`--seconds`)."""
    items = items_of(given.work)
    kept = given.work / "theirs-False.played.json"
    state = json.loads(kept.read_text()) if kept.is_file() else {"project": 0, "played": []}
    config, values, chosen = config_of(given.work)
    with their_server(given) as url, browsing() as page:
        page.goto(url + "/user/login/")
        page.fill("input[name=email]", SIGN_IN[0])
        page.fill("input[name=password]", SIGN_IN[1])
        page.press("input[name=password]", "Enter")
        page.wait_for_url(lambda u: "login" not in u)
        [csrf] = [c["value"] for c in page.context.cookies() if c["name"] == "csrftoken"]
        head = {"X-CSRFToken": csrf, "Referer": url + "/"}

        def ask(path: str, body: Any = None) -> Any:
            if body is None:
                return page.request.get(url + path).json()
            answer = page.request.post(url + path, data=body, headers=head)
            if not answer.ok:
                raise SystemExit(f"{path}: {answer.status} {answer.text()[:500]}")
            return answer.json()

        if not state["project"]:
            project = {"title": "bench", "label_config": config, "sampling": "Sequential sampling"}
            state["project"] = ask("/api/projects", project)["id"]
            rows = [{"data": {"text": i["text"]}} for i in items]
            ask(f"/api/projects/{state['project']}/import", rows)
        page.goto(f"{url}/projects/{state['project']}/data?labeling=1")
        until = time.monotonic() + given.seconds
        for k in range(len(state["played"]), len(items)):
            if time.monotonic() > until:
                break
            page.wait_for_function(f"document.querySelector('{LINE}')?.textContent === "
                                   + json.dumps(items[k]["text"]))  # fmt: skip
            state["played"].append(
                _label_theirs(page, items[k], values, chosen, k + 1 == len(items))
            )
            kept.write_text(json.dumps(state))
        exported = ask(f"/api/projects/{state['project']}/export?exportType=JSON")
        version = str(ask("/api/version").get("release"))
    session = Session("Label Studio", False)
    session.items = [Played(*p[:4]) for p in state["played"]]
    done = items[: len(session.items)]
    saved = {t["data"]["text"]: t["annotations"][0]["result"] for t in exported if t["annotations"]}
    session.wrong = [[i["text"], _said_theirs(saved.get(i["text"], []))] for i in done
                     if _said_theirs(saved.get(i["text"], [])) != _meant(i["output"])]  # fmt: skip
    session.about = {"version": version, "lost_keys": sum(p[4] for p in state["played"]),
                     "unlinked": sum(_is_unlinked(i["output"]) for i in done)}  # fmt: skip
    return session


def _place(text: str, value: str, taken: Sequence[tuple[int, int]] = ()) -> tuple[int, int]:
    """Where a value stands, at the beginning of a word where it can."""
    starts = [k for k in range(len(text)) if text.startswith(value, k)]
    starts.sort(key=lambda k: (any(a < k + len(value) and k < b for a, b in taken),
                               k > 0 and text[k - 1].isalnum()))  # fmt: skip
    return starts[0], starts[0] + len(value)


def _spans(output: str, text: str) -> list[tuple[str, int, int]]:
    taken: list[tuple[int, int]] = []
    found = []
    for call in parse_calls(output):
        for a in call.arguments:
            taken.append(_place(text, a.value, taken))
            found.append((str(a.name), *taken[-1]))
    return found


def _intents(output: str) -> set[str]:
    return {c.intent for c in parse_calls(output)}


def _said_theirs(result: list[dict[str, Any]]) -> list[Any]:
    chosen = sorted(c for r in result if r["type"] == "choices" for c in r["value"]["choices"])
    spans = sorted([r["value"]["labels"][0], r["value"]["text"]] for r in result
                   if r["type"] == "labels")  # fmt: skip
    return [chosen, spans]


def _meant(output: str) -> list[Any]:
    spans = sorted([str(a.name), a.value] for c in parse_calls(output) for a in c.arguments)
    return [sorted(_intents(output)), spans]


def _is_unlinked(output: str) -> bool:
    """Whether marked words and chosen intents do not say which value belongs to which call."""
    calls = parse_calls(output)
    names = Counter(a.name for c in calls for a in {x.name: x for x in c.arguments}.values())
    return len(_intents(output)) < len(calls) or any(n > 1 for n in names.values())


def _label_theirs(
    page: Any, item: dict[str, Any], values: dict[str, str], chosen: dict[str, str], last: bool
) -> list[Any]:
    """One item: what it took, with keys that the page did not take, which are not counted."""
    text, lost, drags = item["text"], 0, 0
    told(page)
    for name, a, b in _spans(item["output"], text):
        marks = page.evaluate(MARKED)
        page.keyboard.press(values[name])
        x, y, x2, y2 = page.evaluate(THEIR_PLACE, [a, b])
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x2, y2, steps=4)
        page.mouse.up()
        drags += 1
        page.wait_for_function(f"({MARKED})() > {marks}")
    for intent, key in chosen.items():
        is_wanted = intent in _intents(item["output"])
        if is_wanted != page.evaluate(CHOSEN, intent):
            lost += _toggle(page, intent, key, is_wanted)
    page.evaluate(THEIR_NEXT, [text, last])
    page.keyboard.press("Control+Enter")
    wait = page.evaluate("() => window.ready") / 1000
    if wait < 0:
        raise SystemExit(f"no next item came within 55 s after {text!r}")
    trail = told(page)
    return [trail.replace("k", "", lost), wait, drags, "", lost]


def _toggle(page: Any, intent: str, key: str, wanted: bool) -> int:
    """Presses an intent's key until it is chosen, or not; returns how often that had no effect."""
    seen = f"(name) => ({CHOSEN})(name) === {str(wanted).lower()}"
    for lost in range(5):
        page.keyboard.press(key)
        with suppress(Exception):
            page.wait_for_function(seen, arg=intent, timeout=2000)
            return lost
    raise SystemExit(f"{intent!r} could not be chosen by its key")


# ---------------------------------------------------------------- together


def show(work: Path) -> str:
    """What was kept, as a table."""
    lines = ["| | keys | clicks | waiting p50 | p95 | seconds an item | saved wrong |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for file in sorted(work.glob("figures-*.json")):
        f = json.loads(file.read_text())
        name = f"{f['tool']}, {'with' if f['suggestions'] else 'without'} suggestions"
        lines.append(f"| {name} | {f['keys']} | {f['clicks']} | {f['wait_p50_ms']} ms | "
                     f"{f['wait_p95_ms']} ms | {f['seconds']} | "
                     f"{len(f['saved_wrong'])} of {f['items']} |")  # fmt: skip
    return "\n".join(lines)


def main() -> int:
    """Does one part; prints its figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("prepare", "maksud", "label-studio", "table"))
    parser.add_argument("work", type=Path, metavar="WORK", help="a folder, where all is kept")
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--suggestions", action="store_true", help="in our page (maksud)")
    parser.add_argument("--program", type=Path, help="Label Studio's command")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--seconds", type=float, default=1e9, help="label for so many; go on later")
    given = parser.parse_args()
    given.suggestions &= given.what == "maksud"
    if given.what == "table":
        sys.stdout.write(show(given.work) + "\n")
        return 0
    if given.what == "prepare":
        sys.stdout.write(json.dumps(prepare(given), indent=1) + "\n")
        return 0
    session = (play_ours if given.what == "maksud" else play_theirs)(given)
    figures = session.to_json()
    kept = given.work / f"figures-{given.what}-{given.suggestions}.json"
    kept.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
    shown = {k: v for k, v in figures.items() if k not in ("of_each", "machine")}
    sys.stdout.write(json.dumps(shown, ensure_ascii=False, indent=1) + "\n")
    return int(bool(session.wrong))


if __name__ == "__main__":
    sys.exit(main())
