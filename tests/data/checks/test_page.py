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


def test_each_finding_stands_with_its_utterance_and_answer(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(
        '{"instruction": "putar <b>Hampa", "output": "play(song=hampa)"}\n'
        '{"instruction": "tanpa keluaran"}\n'
    )
    page = render(examine(file), str(file))
    assert "putar &lt;b&gt;Hampa" in page and "play(song=hampa)" in page
    assert "tanpa keluaran" in page  # the row as it stood, where it could not be read


def test_what_a_finding_does_not_show_the_page_does_not_either(tmp_path: Path) -> None:
    rows = [Example("hubungi budi@perusahaan.co.id ya", "call(who=Budi)", source="x", line=1)]
    page = render(examine(Dataset(rows)), "x")
    assert "W-PERSONAL" in page and "W-VALUE" in page
    assert "perusahaan.co.id" not in page and "not shown" in page


def test_places_link_to_their_file_and_line(tmp_path: Path) -> None:
    folder = tmp_path / "d a#t"
    folder.mkdir()
    (folder / "x.jsonl").write_text('{"instruction": "a", "output": "f(x=b)"}\n')
    (tmp_path / "pages").mkdir()
    write(examine(folder / "x.jsonl"), "x", tmp_path / "pages" / "page.html")
    page = Reader((tmp_path / "pages" / "page.html").read_text())
    links = {v for a, v in page.attributes if a == "href" and not v.startswith("#")}
    assert links == {"../d%20a%23t/x.jsonl#L1"}


@pytest.mark.parametrize(
    "source", ["javascript:alert(1)", "s3://bucket/x.json", "gone.json", "a\0b"]
)
def test_what_is_no_file_of_this_machine_has_no_link(source: str) -> None:
    rows = [Example("putar Hampa", "play(song=x)", source=source, line=1)]
    page = Reader(render(examine(Dataset(rows)), "x"))
    assert all(v.startswith("#") for a, v in page.attributes if a == "href")


def test_a_file_with_the_name_of_a_script_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "javascript:alert(1)").write_text("x")
    rows = [Example("putar Hampa", "play(song=x)", source="javascript:alert(1)", line=1)]
    page = Reader(render(examine(Dataset(rows)), "x"))
    links = {v for a, v in page.attributes if a == "href" and not v.startswith("#")}
    assert links == {"./javascript%3Aalert%281%29#L1"}


def test_every_level_and_code_has_its_filter(checked: Checked) -> None:
    page = render(checked, "x")
    style = page.partition("<style>")[2].partition("</style>")[0]
    groups = checked.findings.groups
    assert len(groups) > 5
    for k, group in enumerate(groups, 1):
        assert f"#findings:has(#only-{k}:checked) .finding:not(.g{k}){{display:none}}" in style
        assert f'class="finding g{k} l-{group.level}"' in page and f'id="only-{k}"' in page
        assert f"#findings:has(#with-{group.level}:not(:checked)) .l-{group.level}" in style
        assert f'id="with-{group.level}" checked' in page
    assert "<fieldset" not in render(examine(Dataset([])), "x")


def test_on_a_phone_every_figure_of_a_table_has_its_name(checked: Checked) -> None:
    page = render(checked, "x")
    cells = re.findall(r'<td class="count"( data-label="[^"]+")?>', page)
    assert cells and all(cells)
    bins, _ = histogram(checked.profile, 360)
    assert all(b.x >= 0 and b.x + b.width <= 360 for b in bins)
