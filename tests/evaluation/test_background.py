"""Ordinary sayings that are asked with an evaluation: how many are acted on, as its own figure."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from reports import ROWS
from rich.console import Console
from scripted import PLAIN, catalog_of, examples

from maksud.data.background import load_background
from maksud.data.dataset import Example
from maksud.evaluation import page, wording
from maksud.evaluation.background import SHOWN, ask_background
from maksud.evaluation.report import Report, evaluate
from maksud.evaluation.terminal import draw_report
from maksud.language.calls import NONE, Call
from maksud.progress import Progress
from maksud.recognizers.contract import Contract
from maksud.recognizers.decision import share_interval
from maksud.recognizers.recognition import Proposal, Recognizer

ROWS_ID = examples(
    ("tolong putar lagu yang ada di sana", "play_music()"),
    ("bisa kecilkan suara yang dari dapur", "volume_down()"),
    ("siapa presiden yang itu", "none()"),
)


class Eager(Recognizer):
    """Acts on what has an even number of letters, surely where it has a multiple of four."""

    kind = "eager"

    def __init__(self, rows: Sequence[Example] = ROWS_ID) -> None:
        contract = Contract(catalog_of([*rows, *ROWS])).calibrated(PLAIN, 0.5)
        super().__init__("eager", contract)
        self.asked: list[str] = []

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        self.asked += utterances
        out = []
        for u in utterances:
            call = NONE if len(u) % 2 else Call("volume_down")
            out.append(Proposal((call,), (2.0 if len(u) % 4 == 0 else -2.0,)))
        return out


def test_sayings_in_the_languages_of_the_data_are_counted() -> None:
    recognizer, told = Eager(), list[Progress]()
    found = ask_background(recognizer, ROWS_ID, 50, 0, told.append, batch_size=20)
    assert found["sayings"] == len(recognizer.asked) == 50 and found["languages"] == ["id"]
    assert set(recognizer.asked) <= {
        recognizer.contract.read(s.text).text for s in load_background("id")
    }
    acted = [u for u in recognizer.asked if len(u) % 4 == 0]  # the others are not sure enough
    assert 0 < found["acted"] == len(acted) < 50
    assert found["interval"] == list(share_interval(len(acted), 50))
    assert len(found["acted_first"]) == min(SHOWN, len(acted))
    assert {a["answer"] for a in found["acted_first"]} == {"volume_down()"}
    assert [p.text for p in told] == ["20 of 50 sayings", "40 of 50 sayings", "50 of 50 sayings"]
    assert told[-1].done == 1 and {p.stage for p in told} == {"background"}
    again = ask_background(Eager(), ROWS_ID, 50, 0, told.append)
    assert again == found != ask_background(Eager(), ROWS_ID, 50, 1, told.append)


def test_what_a_row_in_scope_is_near_to_is_left_out() -> None:
    saying = load_background("id")[0].text
    near = examples((saying, "play_music()"), *((r.instruction, r.output) for r in ROWS_ID))
    everything = 10 * len(load_background("id"))
    recognizer = Eager()
    found = ask_background(recognizer, near, everything, 0, lambda p: None)
    assert saying not in recognizer.asked and found["left_out"] >= 1
    assert found["sayings"] + found["left_out"] == len(load_background("id"))
    outside = examples((saying, "none()"), *((r.instruction, r.output) for r in ROWS_ID))
    assert (
        ask_background(Eager(), outside, everything, 0, lambda p: None)["left_out"]
        < found["left_out"]
    )


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(Eager(), ROWS_ID, latency_sample=0, background=50, progress=False)


def test_it_is_a_figure_of_its_own(report: Report) -> None:
    found = json.loads(json.dumps(report.to_json()))
    far = found["background"]
    assert found["background_accepted"] == pytest.approx(far["acted"] / 50)
    assert found["examples"] == 3 and found["out_of_scope"] == 1  # the rows alone
    plain = evaluate(Eager(), ROWS_ID, latency_sample=0, progress=False)
    assert plain["background"] is plain["background_accepted"] is None
    same = ("false_accept_rate", "coverage", "exact_match", "oos_recall", "decision")
    assert {k: plain[k] for k in same} == {k: report[k] for k in same}


def shown(report: Report) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(draw_report(report))
    return capture.get()


def test_terminal_and_page_show_it_where_it_was_asked(report: Report) -> None:
    share = wording.percent(report["background_accepted"])
    [line] = [x for x in shown(report).splitlines() if x.startswith("ordinary sayings accepted")]
    assert share in line and wording.percent_range(*report["background"]["interval"]) in line
    text = wording.background_line(report.figures)
    assert text.startswith(f"Of 50 ordinary sayings, {report['background']['acted']} would be")
    assert text in shown(report).replace("\n", " ") and "volume_down()" in text
    html = page.render(report)
    assert "ordinary sayings accepted" in html and "ordinary sayings, " in html
    plain = evaluate(Eager(), ROWS_ID, latency_sample=0, progress=False)
    assert "ordinary sayings" not in shown(plain) + page.render(plain)


def test_data_in_other_languages_has_no_sayings() -> None:
    rows = examples(("включи музыку", "play_music()"), ("เปิดเพลง", "play_music()"))
    found = evaluate(Eager(rows), rows, latency_sample=0, background=50, progress=False)
    assert found["background"]["sayings"] == 0 and found["background"]["interval"] is None
    assert found["background_accepted"] is None
    assert "not measured: there are no sayings in the languages of the data" in shown(found)
    assert wording.background_line(found.figures) == ""
    page.render(found)


def test_every_key_is_documented(report: Report) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text(encoding="utf-8")
    assert "`background_accepted`" in docs and "--background" in docs
