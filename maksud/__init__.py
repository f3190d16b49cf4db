"""Maksud turns what people say into what software must do.

data = maksud.load("data/")
for finding in maksud.check(data): print(finding)
run = maksud.train(data, base="compact")
recognizer = maksud.load_recognizer(run)
recognizer("Saya ingin mendengarkan musik").text      # 'play_music()'
print(maksud.evaluate(recognizer, data.test))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maksud.errors import MaksudError

if TYPE_CHECKING:
    from maksud.data.checks import check
    from maksud.data.dataset import Dataset, Example
    from maksud.data.findings import Finding
    from maksud.data.formats.files import load, save
    from maksud.evaluation.label_errors import find_label_errors
    from maksud.evaluation.report import Report, evaluate
    from maksud.language.calls import NONE, Argument, Call, format_calls, parse_calls
    from maksud.language.catalog import Catalog, Intent, MissingParameter, Parameter
    from maksud.language.catalog_files import load_catalog, save_catalog
    from maksud.language.conversation import Turn
    from maksud.recognizers.contract import Contract
    from maksud.recognizers.conversation import converse
    from maksud.recognizers.decision import Rule
    from maksud.recognizers.door import load_recognizer, train
    from maksud.recognizers.new_intents import add_intent
    from maksud.recognizers.recalibration import calibrate
    from maksud.recognizers.recognition import Recognition, Recognizer
    from maksud.recognizers.runs import Run
    from maksud.recognizers.settings import TrainSettings

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
    "Rule",
    "Run",
    "TrainSettings",
    "Turn",
    "add_intent",
    "calibrate",
    "check",
    "converse",
    "evaluate",
    "find_label_errors",
    "format_calls",
    "load",
    "load_catalog",
    "load_recognizer",
    "parse_calls",
    "save",
    "save_catalog",
    "train",
]

# Imported when it is first asked for, so that `import maksud` and `maksud --help` stay light: the
# checks and the formats alone are sixty modules.
_LATER = {
    "Argument": "maksud.language.calls",
    "Call": "maksud.language.calls",
    "Catalog": "maksud.language.catalog",
    "Contract": "maksud.recognizers.contract",
    "Dataset": "maksud.data.dataset",
    "Example": "maksud.data.dataset",
    "Finding": "maksud.data.findings",
    "Intent": "maksud.language.catalog",
    "MissingParameter": "maksud.language.catalog",
    "NONE": "maksud.language.calls",
    "Parameter": "maksud.language.catalog",
    "Recognition": "maksud.recognizers.recognition",
    "Recognizer": "maksud.recognizers.recognition",
    "Report": "maksud.evaluation.report",
    "Rule": "maksud.recognizers.decision",
    "Run": "maksud.recognizers.runs",
    "TrainSettings": "maksud.recognizers.settings",
    "Turn": "maksud.language.conversation",
    "add_intent": "maksud.recognizers.new_intents",
    "converse": "maksud.recognizers.conversation",
    "calibrate": "maksud.recognizers.recalibration",
    "check": "maksud.data.checks",
    "evaluate": "maksud.evaluation.report",
    "find_label_errors": "maksud.evaluation.label_errors",
    "format_calls": "maksud.language.calls",
    "load": "maksud.data.formats.files",
    "load_catalog": "maksud.language.catalog_files",
    "load_recognizer": "maksud.recognizers.door",
    "parse_calls": "maksud.language.calls",
    "save": "maksud.data.formats.files",
    "save_catalog": "maksud.language.catalog_files",
    "train": "maksud.recognizers.door",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_LATER[name]), name)
        return value
    raise AttributeError(f"module 'maksud' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
