"""What the figures of a report are called and how they are written: one wording for the page,
the terminal and the comparison. A figure that was not measured is written with the reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from maksud.errors import name_some
from maksud.evaluation.grouping import OUTSIDE
from maksud.evaluation.metrics import GUIDE_REASONS

Figures = Mapping[str, Any]
"""The figures of a report: `Report.figures`."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a report. `key` has a dot where it stands in a part; `better`: which way."""

    key: str
    name: str
    meaning: str
    unit: Literal["share", "number", "per hundred", "ms", "per second"] = "share"
    better: Literal["higher", "lower", ""] = "higher"

    def of(self, figures: Figures) -> float | None:
        """Its value, or None where it was not measured."""
        value: Any = figures
        for part in self.key.split("."):
            value = value[part]
        return None if value is None else float(value)

    def interval(self, figures: Figures) -> tuple[float, float] | None:
        """Its 95 % interval, where it has one."""
        found = figures["confidence_intervals"].get(self.key)
        if self.key == FAR.key and figures["background"]:
            found = figures["background"]["interval"]
        return None if found is None else (found[0], found[1])

    def write(self, figures: Figures) -> str:
        """Its value with its unit, or "not measured: " and why."""
        value = self.of(figures)
        if value is None:
            return f"not measured: {why_not(self.key, figures)}"
        return _UNITS[self.unit](value)


def percent(value: float) -> str:
    """A share in [0, 1] as per cent, with one decimal."""
    return f"{100 * value:.1f} %"


def percent_range(low: float, high: float) -> str:
    """An interval of a share."""
    return f"{100 * low:.1f}–{100 * high:.1f} %"


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    written = f"{100 * difference:+.1f}"
    return "0.0" if float(written) == 0 else written.replace("-", "−")


def per_hundred(value: float) -> str:
    """So many of a hundred utterances, with one decimal; it may be below nought."""
    written = f"{value:.1f}"
    return "0.0" if float(written) == 0 else written.replace("-", "−")


def milliseconds(value: float) -> str:
    """A duration, with three digits that matter."""
    if value >= 10_000:
        return f"{value / 1000:,.1f} s"
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


_JOINERS = "\u200c\u200d"
"""Invisible, but part of how Persian, Indic scripts and emoji are written."""


def make_visible(text: str) -> str:
    """The text with every character written out that is not seen itself but moves, hides or
    reorders others: controls, overrides of direction, line separators, halves of surrogates.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"⟨U+{ord(c):04X}⟩" if _acts(c) else c for c in text)


def _acts(c: str) -> bool:
    return unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in _JOINERS


_UNITS: dict[str, Callable[[float], str]] = {
    "share": percent,
    "number": lambda v: f"{v:.3f}",
    "per hundred": per_hundred,
    "ms": milliseconds,
    "per second": lambda v: f"{v:,.0f} /s" if v >= 10 else f"{v:.2g} /s",
}

HEADLINE = (
    Figure("exact_match", "exact match", "the whole answer is right: all calls, all arguments"),
    Figure("intent_accuracy", "intent accuracy", "the sequence of intents is right"),
    Figure("slot_f1", "slot F1", "over arguments: parameter and value"),
    Figure(
        "guide_intent_accuracy",
        "Akurasi pengenalan maksud",
        "the guide's intent recognition accuracy",
    ),
    Figure(
        "guide_parameter_accuracy",
        "Akurasi pengenalan parameter",
        "the guide's parameter recognition accuracy",
    ),
)
"""The figures with an interval; the guide's two under the names that its script prints."""

UTILITY = Figure(
    "decision.utility",
    "utility",
    "right acts less wrong_cost × wrong acts, of 100 utterances",
    unit="per hundred",
)

GATE = (
    UTILITY,
    Figure("coverage", "coverage", "of all answers, how many are accepted"),
    Figure("accuracy_accepted", "right if accepted", "exact match among the accepted answers"),
    Figure("oos_recall", "out-of-scope recall", "of what is out of scope, how much is refused"),
    Figure(
        "false_accept_rate",
        "false accept rate",
        "of what is out of scope, how much is accepted",
        better="lower",
    ),
    Figure("coverage_in_scope", "coverage in scope", "of what is in scope, how much is accepted"),
)

FAR = Figure(
    "background_accepted",
    "ordinary sayings accepted",
    "of chat and other trades, far from your data, how many are acted on",
    better="lower",
)
"""Shown where the background was asked."""

SURENESS = (
    Figure(
        "ece",
        "calibration error (ECE)",
        "mean gap between confidence and share right",
        better="lower",
    ),
    Figure(
        "auroc_correct",
        "AUROC, right or wrong",
        "how well confidence ranks right answers above wrong ones; 0.5 is chance",
        unit="number",
    ),
    Figure(
        "auroc",
        "AUROC, out of scope",
        "how well out-of-scope utterances are told from the others; 0.5 is chance",
        unit="number",
    ),
)

LESS_USED = (
    Figure(
        "oos_precision", "out-of-scope precision", "of what is refused, how much is out of scope"
    ),
    Figure(
        "wrong_intent_accept_rate",
        "wrong intents accepted",
        "of in-scope answers with wrong intents, how many are accepted",
        better="lower",
    ),
    Figure("in_scope_intent_accuracy", "intent accuracy in scope", "whether or not it is accepted"),
    Figure("aurc", "area under risk-coverage", "mean error over all coverages", "number", "lower"),
    Figure("brier", "Brier score", "mean squared error of the confidence", "number", "lower"),
)
"""What few people ask for: folded away on the page, left to the JSON elsewhere."""

SPEED = (
    Figure("latency_ms.p50", "latency p50", "half of single requests take less", "ms", "lower"),
    Figure("latency_ms.p99", "latency p99", "99 of 100 single requests take less", "ms", "lower"),
    Figure(
        "batch_examples_per_second", "throughput", "utterances a second, in batches", "per second"
    ),
)


def why_not(key: str, figures: Figures) -> str:
    """Why a figure is None."""
    if key.startswith("slot"):
        return "there are no arguments, in gold or answers"
    if key.startswith("latency"):
        return "no single requests were timed"
    if key == "accuracy_accepted":
        return "no answer was accepted"
    if key in ("coverage_in_scope", "in_scope_intent_accuracy"):
        return "there are no in-scope examples"
    if key == FAR.key:
        return "there are no sayings in the languages of the data"
    if key == "wrong_intent_accept_rate":
        return "no in-scope answer has wrong intents"
    if key in ("oos_recall", "false_accept_rate", "oos_precision", "auroc"):
        if not figures["out_of_scope"]:
            return "there are no out-of-scope examples"
        if key == "oos_precision":
            return "nothing was refused"
        if figures["out_of_scope"] == figures["examples"]:
            return "there are no in-scope examples"
        return "the recognizer has no notion of scope"
    if not figures["calibrated"]:
        return "the contract has no calibration"
    return "all answers are right, or all are wrong"


def utility_line(figures: Figures) -> str:
    """What the threshold is worth on this data, and what the best one would be, in a line."""
    decision = figures["decision"]
    cost = decision["wrong_cost"]
    line = (
        "Utility counts each right act as 1 and each wrong act as "
        f"{per_hundred(-cost) if cost % 1 else f'−{cost:,.0f}'}: of 100 utterances it is "
        f"{per_hundred(decision['utility'])} here"
    )
    if decision["best_utility"] is None:
        return line + "."
    best, threshold = decision["best_utility"], decision["best_threshold"]
    if threshold is None:
        return f"{line}. Acting on nothing would give 0.0, and no threshold gives more."
    return (
        f"{line}. With the best threshold for these very answers, {threshold:.3g}, it would be "
        f"{per_hundred(best)}; nobody can know that one beforehand."
    )


def gate_of(figures: Figures) -> tuple[Figure, ...]:
    """The figures of the gate, with that of the background where it was asked."""
    return GATE if figures.get("background") is None else (*GATE, FAR)


def background_line(figures: Figures) -> str:
    """What became of the ordinary sayings that were asked, in a line; empty where none was."""
    far = figures.get("background")
    if not far or not far["sayings"]:
        return ""
    line = f"Of {far['sayings']:,} ordinary sayings, {far['acted']:,} would be acted on"
    if far["acted_first"]:
        first = far["acted_first"][0]
        line += f", such as “{make_visible(first['text'])}”: {make_visible(first['answer'])}"
    if far["left_out"]:
        line += f". {far['left_out']:,} more are near a row that is in scope, and were left out"
    return line + "."


def best_in_reach(figure: Figure, figures: Figures) -> str:
    """What stands beside a figure that a threshold for this very data would better."""
    best = figures["decision"]["best_utility"] if figure == UTILITY else None
    return "" if best is None else f"at best {per_hundred(best)}"


def threshold_line(figures: Figures) -> str:
    """The threshold in force, and what it was chosen by."""
    decision, stated = figures["decision"], figures["stated_false_accept_rate"]
    line = f"{figures['threshold']:.4g}"
    if decision["rule"]:
        return f"{line}; {decision['rule']}"
    return line + (f", chosen for a false accept rate of {percent(stated)}" if stated else "")


def guide_line(figures: Figures) -> str:
    """Where the guide's arithmetic misleads on this very data, in one line."""
    guide = figures["guide"]
    n = figures["examples"]
    if not guide["disagree"]:
        line = (
            f"The guide's parameter figure and exact match agree on all {n:,} answers here. They "
            "part where an answer has several calls, several arguments or nested brackets"
        )
    else:
        reasons = "; ".join(f"{GUIDE_REASONS[k]} ({v:,})" for k, v in guide["reasons"].items())
        line = (
            f"The guide's parameter figure misjudges {guide['disagree']:,} of {n:,} answers here: "
            f"{guide['right_but_not_exact']:,} that are wrong score right, "
            f"{guide['wrong_but_exact']:,} that are right score wrong, because {reasons}"
        )
    if guide["intents_right_but_not_all"]:
        line += (
            "; its intent figure reads the first name only, and scores "
            f"{guide['intents_right_but_not_all']:,} answers right that have other calls wrong"
        )
    if guide["crashes"]:
        line += f"; its script would have stopped with an error {guide['crashes']:,} times"
    if guide.get("own_template"):
        line += (
            ". The model was tuned with its base's own chat template: the guide's script writes "
            "ChatML instead, and gives other figures on it than those above"
        )
    return line + "."


def data_name(figures: Figures) -> str:
    """What the data set is called: its name and split, or else its files."""
    data = figures["data"]
    files = [source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] for source in data["sources"]]
    name = data["version"] or data["name"]
    if not name and files:
        name = name_some(files, 2)
    if not name:
        return "examples without a name"
    return f"{name} ({data['split']} split)" if data["split"] else name


def data_line(figures: Figures) -> str:
    """The data set with its size and its files."""
    sources = ", ".join(figures["data"]["sources"])
    line = f"{data_name(figures)}: {figures['examples']:,} examples"
    return f"{line} of {sources}" if sources else line


def state(accepted: bool) -> str:
    """What became of an answer."""
    return "accepted" if accepted else "refused"


def field_name(name: str) -> str:
    """What a field that figures are broken down by is called."""
    return "number of calls" if name == "calls" else name


def field_note(name: str) -> str:
    """How the groups of a field were found, where that is not plain."""
    if name == "language":
        return "What a row says of its language, or else what its words say."
    return ""


def group_name(field: str, value: str) -> str:
    """What a group of a field is called."""
    if field != "calls":
        return value
    if value == OUTSIDE:
        return "out of scope: none()"
    return "1 call" if value == "1" else f"{value} calls"


def name_guide_text(figures: Figures) -> str:
    """Which text the guide's figures judge."""
    if figures["guide"]["judged"] == "answer":
        return "The guide's figures judge the answer, as exact match does."
    return (
        "The guide's figures judge what the model writes when nothing constrains it, as the "
        "guide's script does; the other figures judge the answer that is served."
    )


def notes(figures: Figures) -> list[str]:
    """What a reader must know before trusting the figures."""
    found = []
    if figures["examples"] < 100:
        found.append(
            f"Only {figures['examples']:,} examples: the intervals are wide, and rare errors "
            "can't be seen."
        )
    if figures["skipped"]:
        found.append(
            f"{figures['skipped']:,} examples were left out: their gold output can't be parsed."
        )
    if figures["gold_outside_catalog"]:
        found.append(
            f"{figures['gold_outside_catalog']:,} gold answers use what the catalog does not "
            "have; an answer of a recognizer that keeps to it can't be right there."
        )
    if figures["invalid_answers"]:
        found.append(
            f"{figures['invalid_answers']:,} answers use what the catalog forbids, or values that "
            "are not in the utterance."
        )
    if figures.get("truncated"):
        found.append(
            f"{figures['truncated']:,} utterances are longer than the model reads: their answers "
            "are never accepted."
        )
    if not figures["calibrated"]:
        found.append(
            "The contract has no calibration: every answer counts as sure, and only none() is "
            "refused."
        )
    return found
