"""The page: everything is there, hostile data is harmless, nothing is asked of the network."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Scripted, catalog_of, examples

from maksud.data.dataset import Dataset, Example
from maksud.evaluation import page
from maksud.evaluation.report import Report, evaluate

VOID = {"meta", "br", "link", "img", "input", "hr", "base", "embed", "source"}
SECTIONS = [
    "right",
    "groups",
    "sure",
    "refusing",
    "intents",
    "parameters",
    "speed",
    "errors",
    "measured",
]


class Parsed(HTMLParser):
    """Elements with their attributes, text by element, and whether tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.broken: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


SCRIPT = (Path(page.__file__).parent / "page.js").read_text(encoding="utf-8")

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(2)</script>",
    "<!-- </section> {{ r }} {% raw %} ${7*7}",
    "a\u202etfihs\u202c \u2066b\u2069 \u200f\u061c\ufeff\u00ad",
    "\x00\x07\x1b[31m\x7f\x9b \u2028 \u2029 \ud800",
    "javascript:alert(1) https://example.org/x.png url(https://example.org)",
    "&lt;script&gt; &#60;b&#62;",
]


def hostile_report() -> Report:
    """The same texts as utterances, values, names of intents and parameters, place, model."""
    # What a name of the call language may not hold is left out.
    names = [re.sub(r'[\s(),;="\x00-\x1f\x7f-\x9f\ud800-\udfff]+', "", h) for h in HOSTILE]
    rows = []
    for k, (text, name) in enumerate(zip(HOSTILE, names, strict=True)):
        value = text.replace("\ud800", "").replace("\\", "")
        output = f"{name}({name}={_quoted(value)})"
        rows.append(Example(f"{text} {value}", output, source=text, line=k + 1))
    answers = {
        row.instruction: rows[(k + 1) % len(rows)].output if k % 2 else f"{names[k]}()"
        for k, row in enumerate(rows)
    }
    recognizer = Scripted(answers, catalog_of(rows), sure={}, name=HOSTILE[0] + HOSTILE[4])
    return evaluate(recognizer, rows)


def _quoted(value: str) -> str:
    import json

    return json.dumps(value)


@pytest.fixture(scope="module")
def hostile() -> str:
    return page.render(hostile_report())


@pytest.fixture(scope="module")
def good() -> Report:
    """An ordinary report: some right, some wrong, some out of scope, surer when right."""
    rows, answers, sure = [], {}, {}
    for k in range(60):
        gold = ("none()", f"play(song=lagu {k})", f"weather(place=kota {k})")[k % 3]
        utterance = f"lagu {k} di kota {k}"
        rows.append(Example(utterance, gold, source="test.json", line=k + 1))
        answers[utterance] = f"play(song=lagu {k})" if k % 7 == 0 else gold
        sure[utterance] = 0.4 + k / 200 if k % 7 == 0 else 0.6 + k / 200
    recognizer = Scripted(answers, catalog_of(rows), sure=sure, threshold=0.7)
    return evaluate(recognizer, rows, latency_sample=5)


def test_hostile_texts_stay_texts(hostile: str) -> None:
    parsed = Parsed(hostile)
    assert not parsed.broken and not parsed.open
    tags = [tag for tag, _ in parsed.elements]
    assert tags.count("script") == 1
    assert re.findall(r"<script>(.*?)</script>", hostile, re.DOTALL) == [SCRIPT]
    assert not set(tags) & {"img", "iframe", "object", "embed", "link", "base", "form", "b<"}
    for _, attributes in parsed.elements:
        assert not [k for k in attributes if k.startswith("on") or k == "style"]
    assert "<script>alert(1)</script>" in parsed.text
    assert "&lt;script&gt; &#60;b&#62;" in parsed.text
    assert "{{ r }} {% raw %}" in parsed.text


def test_invisible_characters_are_written_out(hostile: str) -> None:
    acting = "".join(map(chr, [0, 7, 0x1B, 0x7F, 0x9B, 0xAD, 0x61C, 0x200F, 0x2028, 0x2029]))
    acting += "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ud800"
    assert not set(acting) & set(hostile)
    assert "a⟨U+202E⟩tfihs" in Parsed(hostile).text
    hostile.encode("utf-8")


@pytest.mark.parametrize("which", ["hostile", "good"])
def test_nothing_is_asked_of_the_network(which: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(which)
    text = found if isinstance(found, str) else page.render(found)
    parsed = Parsed(text)
    for tag, attributes in parsed.elements:
        for name, value in attributes.items():
            if name in ("href", "xlink:href"):
                assert tag == "a" and value.startswith("#")
            assert name not in ("src", "srcset", "data", "action", "poster", "background")
            if name != "aria-label":
                assert "http:" not in value and "https:" not in value
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style and "@import" not in style


def test_the_content_policy_allows_our_style_sheet_and_script_and_nothing_else(
    hostile: str,
) -> None:
    policies = [
        a["content"]
        for tag, a in Parsed(hostile).elements
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    [style] = re.findall(r"<style>(.*?)</style>", hostile, re.DOTALL)
    ours = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (style, SCRIPT)
    ]
    assert policies == [
        f"default-src 'none'; style-src {ours[0]}; script-src {ours[1]}; base-uri 'none'; "
        "form-action 'none'"
    ]
    assert hostile.index("Content-Security-Policy") < hostile.index("<style>")


def test_every_section_is_there(good: Report) -> None:
    text = page.render(good)
    parsed = Parsed(text)
    assert not parsed.broken and not parsed.open
    ids = [a["id"] for _, a in parsed.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert [i for i in ids if i in SECTIONS] == SECTIONS
    links = [a["href"] for tag, a in parsed.elements if tag == "a"]
    assert links[: len(SECTIONS)] == [f"#{i}" for i in SECTIONS]
    assert {link[1:] for link in links} <= set(ids)
    for words in (
        "Akurasi pengenalan maksud",
        "Akurasi pengenalan parameter",
        "exact match",
        "Before you trust the figures",
        "Confusion matrix",
        "Precision, recall and F1",
        "calibration error (ECE)",
        "out-of-scope recall",
        "false accept rate",
        "latency p99",
        "throughput",
        good["contract"],
        good["data"]["fingerprint"],
        good["created"].replace("T", " "),
        "maksud",
    ):
        assert words in parsed.text, words
    assert page.render(good) == text


def test_the_charts_are_pictures_with_names(good: Report) -> None:
    found = re.findall(r'<svg class="chart[^>]*>.*?</svg>', page.render(good), re.DOTALL)
    titles = []
    for svg in found:
        root = ElementTree.fromstring(svg)
        assert root.get("role") == "img"
        title, text = root[0], root[1]
        assert root.get("aria-labelledby") == f"{title.get('id')} {text.get('id')}"
        titles.append((title.text or "").partition(":")[0])
    # The confusion matrix is drawn twice: for a phone, with fewer labels, too.
    assert titles == [
        *("Calibration", "Risk-coverage", "Utility over the threshold"),
        *("Confusion matrix", "Confusion matrix"),
    ]


def test_the_guides_line_has_the_counts() -> None:
    rows = examples(("a b", "f(p=a);g(p=b)"), ("c d", "f(p=c);g(p=d)"))
    answers = {"a b": "f(p=a)", "c d": "f(p=c);g(p=d)"}
    text = Parsed(page.render(evaluate(Scripted(answers, catalog_of(rows)), rows))).text
    assert "misjudges 2 of 2 answers here: 1 that are wrong score right, 1 that are right" in text
    assert "gold is cut at its first “;” and the answer is not (2)" in text


def test_what_is_not_measured_is_never_zero() -> None:
    rows = examples(("a", "f()"), ("b", "f()"))
    report = evaluate(Scripted({"a": "f()", "b": "g()"}, catalog_of(rows)), rows, latency_sample=0)
    text = Parsed(page.render(report)).text
    for what in (
        "slot F1 over arguments: parameter and value not measured: there are no arguments",
        "latency p50 not measured: no single requests were timed",
        "calibration error (ECE) not measured: the contract has no calibration",
        "out-of-scope recall not measured: there are no out-of-scope examples",
        "Calibration and risk-coverage are not measured",
        "Not measured: there are no arguments",
    ):
        assert what in text, what
    # g was never wanted: no recall; the confidence of a contract without calibration is none.
    assert re.search(r"g 0 1 0\.0 % – 0\.0 %", text)
    assert "· confidence" not in text


def test_errors_stand_beside_gold_with_their_differences(hostile: str) -> None:
    rows = examples(("putar Hampa keras", "play(song=Hampa)"))
    answers = {"putar Hampa keras": "play(song=Hampa keras)"}
    text = page.render(evaluate(Scripted(answers, catalog_of(rows)), rows))
    assert "play(song=Hampa<del> keras</del>)" in text
    assert "<ins>" not in text
    assert "putar Hampa keras" in Parsed(text).text and "test.json:1" in text
    assert "wrong arguments" in text


TEXTS = st.lists(st.sampled_from(["ab", "c", " ", "(", ",", "=", "\n", "é"]), max_size=12)


@given(TEXTS.map("".join), TEXTS.map("".join))
def test_differences_keep_both_texts(gold: str, answer: str) -> None:
    left, right = page.differences(gold, answer)
    assert "".join(t for t, _ in left) == gold
    assert "".join(t for t, _ in right) == answer
    assert [t for t, d in left if not d] == [t for t, d in right if not d]
    assert (not any(d for _, d in left + right)) == (gold == answer)


def test_a_long_text_is_cut_and_says_so() -> None:
    rows = [Example("x" * 100_000, "f()")]
    text = page.render(evaluate(Scripted({rows[0].instruction: "g()"}, catalog_of(rows)), rows))
    assert len(text) < 60_000
    assert "(99,500 more characters)" in text


def many_intents(n: int) -> Report:
    """Intent k is taken for its neighbour k + 1 of the same ten as often as its rank."""
    rows, answers = [], {}
    for k in range(n):
        for j in range(12):
            rows.append(Example(f"{k} {j}", f"intent_{k}()"))
            wrong = k % 10 == 0 and j < min(12, k // 10 + 1)
            answers[f"{k} {j}"] = f"intent_{k + 1 if wrong else k}()"
    rows.append(Example("outside", "none()"))
    answers["outside"] = "intent_0()"
    return evaluate(Scripted(answers, catalog_of(rows), sure={}), rows, latency_sample=0)


def test_of_many_intents_the_most_confused_are_drawn_and_all_are_listed() -> None:
    report = many_intents(120)
    text = page.render(report)
    svg, small = re.findall(r'<svg class="chart natural".*?</svg>', text, re.DOTALL)
    # The most confused pair first, side by side; what is out of scope last.
    labels = [e.text for e in ElementTree.fromstring(svg) if "end" in e.get("class", "").split()]
    assert labels[1:3] == ["intent_110", "intent_111"] and labels[-1] == "none()"
    assert len(labels) - 1 <= page.SHOWN_LABELS
    labels = [e.text for e in ElementTree.fromstring(small) if "end" in e.get("class", "").split()]
    assert labels[:2] == ["1 intent_110", "2 intent_111"] and labels[-1] == "7 none()"
    assert float(ElementTree.fromstring(small).get("width", "")) <= 344  # a phone has 390
    parsed = Parsed(text)
    assert "The 15 most confused of 121" in parsed.text
    assert "The 7 most confused of 121; a wider screen shows 15" in parsed.text
    for k in range(120):
        assert re.search(rf"\bintent_{k} 12 \d+ ", parsed.text), k
    assert "all 13 confusions" in parsed.text


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.sampled_from([page.SHOWN_LABELS, page.SMALL_LABELS]), st.data())
def test_the_picture_holds_no_label_twice(n: int, most: int, data: Any) -> None:
    labels = [f"i{k}" for k in range(n)] + ["none()"]
    places = st.integers(0, n)
    wrong = data.draw(st.lists(st.tuples(st.integers(1, 9), places, places), max_size=60))
    wrong = [(k, g, a) for k, g, a in wrong if g != a]
    order = page._choose_labels(labels, wrong, most)
    assert len(order) == len(set(order)) <= most
    if len(labels) <= most:
        assert sorted(order) == list(range(len(labels)))
    assert labels[order[-1]] == "none()"


def test_without_confusions_the_most_wanted_intents_are_drawn() -> None:
    labels = [f"i{k}" for k in range(30)] + ["none()"]
    assert page._choose_labels(labels, [], 8) == [*range(7), 30]


def test_a_confusion_leads_to_its_utterances() -> None:
    """From a cell of the picture, and from its row in the list, also where that is folded away."""
    report = many_intents(120)
    text = page.render(report)
    parsed = Parsed(text)
    svg, _ = re.findall(r'<svg class="chart natural".*?</svg>', text, re.DOTALL)
    cells = {a.get("aria-label"): a.get("href") for a in ElementTree.fromstring(svg).iter("a")}
    link = cells["intent_110 answered as intent_111: 12"]
    assert link is not None
    listed = re.search(f'<ul id="{link[1:]}">(.*?)</ul>', text, re.DOTALL)
    assert listed is not None
    told = Parsed(listed[1])
    assert "110 0 gold intent_110() answer intent_111()" in told.text
    assert told.text.count("answer intent_111()") == page.SHOWN_OF_A_PAIR
    assert "2 more in predictions.jsonl" in told.text
    # Each of the confusions has its list, and only the wrong cells lead to one.
    lists = [a["id"] for tag, a in parsed.elements if tag == "ul" and "id" in a]
    assert len(lists) == 13 and len(set(lists)) == 13
    assert not [
        label
        for label in cells
        if label and len(set(label.split(":")[0].split(" answered as "))) < 2
    ]


def test_the_utterances_of_all_confusions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "SHOWN_OF_PAIRS", 15)
    text = page.render(many_intents(120))
    kept = sum(
        listed.count("answer <bdi>")
        for listed in re.findall(r'<ul id="pair-.*?</ul>', text, re.DOTALL)
    )
    assert kept == 15
    assert re.search(r"\b10 more in predictions\.jsonl", text)


def test_the_page_names_its_data_set() -> None:
    rows = [Example("a", "f()", split="test", source="shop/test.json")]
    answers = {"a": "f()"}
    named = evaluate(Scripted(answers, catalog_of(rows)), Dataset(rows, name="shop"))
    text = page.render(named)
    assert "<title>Evaluation of scripted on shop (test split)</title>" in text
    assert "scripted on shop (test split)" in Parsed(text).text
    unnamed = page.render(evaluate(Scripted(answers, catalog_of(rows)), rows))
    assert "scripted on test.json (test split)" in Parsed(unnamed).text


def test_errors_can_be_filtered_by_what_they_are() -> None:
    rows = [
        Example("putar lagu itu dengan keras", "f()", metadata={"channel": 'a"b'}),
        Example("what is the weather", "f();g()", metadata={"channel": "wa"}),
        Example("siapa", "none()", metadata={"channel": "wa"}),
    ]
    answers = {e.instruction: "g()" for e in rows}
    report = evaluate(Scripted(answers, catalog_of(rows), sure={}), rows, by=["channel"])
    parsed = Parsed(page.render(report))
    selects: dict[str, list[str]] = {}
    for tag, a in parsed.elements:
        if tag == "select":
            name = a["name"]
            selects[name] = []
        elif tag == "option" and a["value"]:
            selects[name].append(a["value"])
    assert sorted(selects) == ["g0", "g1", "g2", "kind"]
    found = [a for tag, a in parsed.elements if tag == "li" and "data-kind" in a]
    assert len(found) == 3
    for name, values in selects.items():  # what is chosen is what the answers say
        assert {a[f"data-{name}"] for a in found} == set(values)
    assert set(selects["g2"]) == {'a"b', "wa"} and "channel: wa" in parsed.text
    assert set(selects["g1"]) == {"none()", "1", "2"}
    filters = next(a for tag, a in parsed.elements if a.get("id") == "filters")
    assert "hidden" in filters  # without the script there is nothing to filter with


def test_groups_are_shown_as_a_table_with_named_cells(good: Report) -> None:
    parsed = Parsed(page.render(good))
    assert "By number of calls" in parsed.text and "out of scope: none() 20 " in parsed.text
    names = [a["data-name"] for tag, a in parsed.elements if tag == "td" and "data-name" in a]
    assert {"examples", "exact match", "95 % interval", "F1"} <= set(names)


def test_figures_that_are_seldom_needed_step_back(good: Report) -> None:
    text = page.render(good)
    [folded] = re.findall(
        r"<details><summary>5 figures that are seldom.*?</details>", text, re.DOTALL
    )
    whole, inside = Parsed(text).text, Parsed(folded).text
    for name in ("Brier score", "area under risk-coverage", "out-of-scope precision"):
        assert name in inside and whole.count(name) == 1


def test_the_page_draws_what_the_threshold_is_worth(good: Report) -> None:
    text = page.render(good)
    assert text.count('id="utility-title"') == 1
    assert "threshold 0.7<" in text and "best here: " in text
    parsed = Parsed(text).text
    assert "Utility counts each right act as 1 and each wrong act as −1" in parsed
    assert "Threshold: 0.7; a wrong act costs as much as 1 needless refusal" in parsed
