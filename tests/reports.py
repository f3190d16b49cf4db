"""A report on scripted answers, for the tests of what measures and what shows it."""

from collections.abc import Sequence
from typing import Any

from scripted import Scripted, catalog_of, examples

from maksud.data.dataset import Example
from maksud.evaluation.report import Report, evaluate

ROWS = examples(
    ("putar Hampa", "play_music(song=Hampa)"),
    ("putar Rindu lalu kecilkan", "play_music(song=Rindu);volume_down()"),
    ("cuaca Solo besok", "weather(place=Solo, day=besok)"),
    ("kecilkan", "volume_down()"),
    ("siapa presiden", "none()"),
    ("berapa akar dua", "none()"),
)
ANSWERS = {
    "putar Hampa": "play_music(song=Hampa)",
    "putar Rindu lalu kecilkan": "volume_down();play_music(song=Rindu)",
    "cuaca Solo besok": "weather(day=besok, place=Solo)",
    "kecilkan": "play_music()",
    "siapa presiden": "none()",
    "berapa akar dua": "volume_down()",
}
SURE = {
    "putar Hampa": 0.9,
    "putar Rindu lalu kecilkan": 0.8,
    "cuaca Solo besok": 0.3,
    "kecilkan": 0.4,
    "siapa presiden": 0.95,
    "berapa akar dua": 0.6,
}


def report_of(answers: dict[str, str], rows: Sequence[Example] = ROWS, **about: Any) -> Report:
    recognizer = Scripted(answers, about.pop("catalog", None) or catalog_of(rows), **about)
    return evaluate(recognizer, rows, latency_sample=2)
