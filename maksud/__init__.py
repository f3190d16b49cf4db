"""Maksud turns what people say into what software must do.

data = maksud.load("data/")
for finding in maksud.check(data): print(finding)
run = maksud.train(data, base="compact")
recognizer = maksud.load_recognizer(run)
recognizer("Saya ingin mendengarkan musik").calls     # (Call('play_music'),)
print(maksud.evaluate(recognizer, data.test))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maksud.calls import NONE, Argument, Call, format_calls, parse_calls
from maksud.catalog import Catalog, Intent, MissingParameter, Parameter
from maksud.checks import check
from maksud.dataset import Dataset, Example
from maksud.errors import MaksudError
from maksud.findings import Finding
from maksud.formats.files import load, save

if TYPE_CHECKING:
    from maksud.contract import Contract
    from maksud.evaluation.report import Report, evaluate
    from maksud.label_errors import find_label_errors
    from maksud.recognition import Recognition, Recognizer
    from maksud.recognizers import TrainSettings, load_recognizer, train
    from maksud.runs import Run

__version__ = "0.1.0"

__all__ = [
    "Argument",
    "Call",
    "Catalog",
    "Contract",
    "Dataset",
    "Example",
    "Finding",
    "Intent",
    "MaksudError",
    "MissingParameter",
    "NONE",
    "Parameter",
    "Recognition",
    "Recognizer",
    "Report",
    "Run",
    "TrainSettings",
    "check",
    "evaluate",
    "find_label_errors",
    "format_calls",
    "load",
    "load_recognizer",
    "parse_calls",
    "save",
    "train",
]

# What needs numpy is imported when it is first asked for, so that `import maksud` stays light.
_LATER = {
    "Contract": "maksud.contract",
    "Recognition": "maksud.recognition",
    "Recognizer": "maksud.recognition",
    "Report": "maksud.evaluation.report",
    "Run": "maksud.runs",
    "TrainSettings": "maksud.recognizers",
    "evaluate": "maksud.evaluation.report",
    "find_label_errors": "maksud.label_errors",
    "load_recognizer": "maksud.recognizers",
    "train": "maksud.recognizers",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'maksud' has no attribute {name!r}")
