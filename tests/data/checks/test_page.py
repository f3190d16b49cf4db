"""The page: all of it in one file, harmless whatever the data says."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from checked import good
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.data.checks import Checked, examine
from maksud.data.checks.page import below, histogram, render, write
from maksud.data.dataset import Dataset, Example

HOSTILE = [
    '<script>alert("x")</script>',
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% for x in y %}",
    "</style><script>1</script>",
    "a\u202eb\x00\u2028",
    "javascript:alert(1)",
]


class Reader(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def checked() -> Checked:
    rows = [
        Example(f"{text} {k}", f"play(song={k})", source=text, line=k)
        for k, text in enumerate(HOSTILE * 8)
    ]
    rows += [Example("x", f"{text[:9].replace(' ', '')}()") for text in ("<b>", "a&b", "q'x")]
    rows += [Example("putar", "play(song=<i>)", split="test"), Example("belum", "")]
    return examine(Dataset(good() + rows))


def test_nothing_of_the_data_becomes_markup(checked: Checked) -> None:
    page = Reader(render(checked, HOSTILE[0]))
    assert not {"script", "img", "i", "link", "iframe", "object"} & set(page.tags)
    assert not [a for a, _ in page.attributes if a.startswith("on") or a in ("src", "style")]
    assert all(v.startswith("#") for a, v in page.attributes if a == "href")
    assert "{{ 7 * 7 }}" in Reader(render(checked, HOSTILE[2])).text
    assert "\u202e" not in page.text and "\x00" not in page.text


def test_the_policy_allows_the_style_sheet_and_nothing_else(checked: Checked) -> None:
    page = render(checked, "x")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert style and policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].replace("&#39;", "'") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "http" not in page.replace("http-equiv", "")


def test_it_has_every_code_with_its_count_and_the_figures(checked: Checked) -> None:
    page = Reader(render(checked, "data")).text
    for group in checked.findings.groups:
        assert group.code in page
        assert f"{group.total:,} time" in page
    for part in ("Examples per intent", "Parameter coverage", "Length of the utterances"):
        assert part in page
    assert f"{checked.profile.examples:,} examples" in page
    assert f"seq_length {checked.profile.seq_length:,}" in page


def test_it_is_deterministic_and_written_whole(checked: Checked, tmp_path: Path) -> None:
    write(checked, "data", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == render(checked, "data")
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_bars_add_up(checked: Checked) -> None:
    bins, lines = histogram(checked.profile)
    assert sum(b.count for b in bins) == sum(n for w, n in checked.profile.words.items() if w)
    assert all(b.y >= 16 and b.x + b.width <= 900 for b in bins)
    assert lines[0][1] == "0"


def test_empty_and_tiny_data_have_a_page() -> None:
    assert "There are no rows" in render(examine(Dataset([])), "x")
    assert "<svg" in render(examine(Dataset([Example("?", "")])), "x")


def test_more_rows_than_a_table_holds() -> None:
    rows = [Example(f"a {k}", f"intent_{k}(p{k}=a)") for k in range(1_100)]
    page = render(examine(Dataset(rows)), "x")
    assert "The first 1,000 are shown" in page


def test_places_are_seen_from_the_data() -> None:
    assert below("data/train.json:12", "data") == "train.json:12"
    assert below("x.json:12", "x.json") == "12"
    assert below("x.json", "x.json") == "x.json"


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=30, deadline=None)
def test_any_text_has_a_page(text: str, name: str) -> None:
    page = Reader(render(examine(Dataset([Example(text, text, source=name, line=1)])), name))
    assert page.tags[0] == "html" and not {"script", "img"} & set(page.tags)
