"""The page: everything is there, hostile data is harmless, nothing is asked of the network."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Scripted, catalog_of, examples

from maksud.data.dataset import Example
from maksud.evaluation import page
from maksud.evaluation.report import Report, evaluate

VOID = {"meta", "br", "link", "img", "input", "hr", "base", "embed", "source"}
SECTIONS = ["right", "sure", "refusing", "intents", "parameters", "speed", "errors", "measured"]


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
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


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
    tags = {tag for tag, _ in parsed.elements}
    assert not tags & {"script", "img", "iframe", "object", "embed", "link", "base", "form", "b<"}
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


def test_the_content_policy_allows_the_style_sheet_and_nothing_else(hostile: str) -> None:
    policies = [
        a["content"]
        for tag, a in Parsed(hostile).elements
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    [style] = re.findall(r"<style>(.*?)</style>", hostile, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
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
    assert links == [f"#{i}" for i in SECTIONS]
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
    assert titles == ["Calibration", "Risk-coverage", "Confusion matrix"]


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
    [svg] = re.findall(r'<svg class="chart natural".*?</svg>', text, re.DOTALL)
    # The most confused pair first, side by side; what is out of scope last.
    labels = [e.text for e in ElementTree.fromstring(svg) if "end" in e.get("class", "").split()]
    assert labels[1:3] == ["intent_110", "intent_111"] and labels[-1] == "none()"
    assert len(labels) - 1 <= page.SHOWN_LABELS
    parsed = Parsed(text)
    assert "The 15 most confused of 121" in parsed.text
    for k in range(120):
        assert re.search(rf"\bintent_{k} 12 \d+ ", parsed.text), k
    assert "all 13 confusions" in parsed.text


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.data())
def test_the_picture_holds_no_label_twice(n: int, data: Any) -> None:
    labels = [f"i{k}" for k in range(n)] + ["none()"]
    places = st.integers(0, n)
    wrong = data.draw(st.lists(st.tuples(st.integers(1, 9), places, places), max_size=60))
    wrong = [(k, g, a) for k, g, a in wrong if g != a]
    order = page._most_confused(labels, wrong)
    assert len(order) == len(set(order)) <= page.SHOWN_LABELS
    if len(labels) <= page.SHOWN_LABELS:
        assert sorted(order) == list(range(len(labels)))
    assert labels[order[-1]] == "none()"
