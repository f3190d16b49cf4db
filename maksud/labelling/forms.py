"""Answers to the questions of a template: checked while they are given and before they count.

The same answers are the same text, whoever gives them: `{"title": value, …}` in the order of the
questions. A choice is a text, several are a list in the order of the options, marked words are a
list of `{start, end, text, label}` that counts code points of the utterance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maksud.data.formats.parts.voting import answer_key
from maksud.labelling.answers import Checked, check_answer
from maksud.labelling.patterns import fits
from maksud.labelling.questions import CALLS, CHOICE, CHOICES, INPUT, OUTPUT, Question
from maksud.labelling.templates import Template, read_answers, write_answers
from maksud.language.catalog import Catalog

LONGEST = 4000
"""Characters of a free answer, at most."""
MOST_SPANS = 200
"""Marked words of an answer, at most."""


@dataclass
class FormChecked:
    """Answers that were looked at: `text` as they are kept; `errors` keep them from being saved;
    `fields` says them by question. `calls` is what the intent card or checked input holds."""

    text: str
    calls: Checked | None = None
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping: what the page shows."""
        shown = self.calls.to_json() if self.calls is not None else {"calls": [], "position": None}
        return {**shown, "text": self.text, "errors": self.errors, "notes": self.notes,
                "fields": self.fields}  # fmt: skip

    def refuse(self, question: Question, what: str) -> None:
        """Notes what is wrong with the answer to a question."""
        self.errors.append(f"{question.title}: {what}")
        self.fields.setdefault(question.title, what)


def check_form(
    template: Template, text: str, catalog: Catalog, utterance: str, *, open: bool
) -> FormChecked:
    """What is wrong with the answers to a template's questions, and how they are written."""
    said = read_answers(text)
    if said is None:
        return FormChecked(text, errors=["The answers are no JSON object by titles"])
    checked = FormChecked("")
    kept: dict[str, Any] = {}
    known = {q.title for q in template.questions}
    for title in said:
        if title not in known:
            checked.errors.append(f"there is no question {str(title)[:60]!r}")
    for q in template.questions:
        if not is_asked(q, kept):
            continue
        value = _read(q, said.get(q.title), utterance, checked)
        if q.kind == CALLS or q.calls:
            value = _check_calls(q, value, catalog, utterance, open, checked)
        if value:
            kept[q.title] = value
        elif q.required and q.title not in checked.fields:
            checked.refuse(q, "an answer is needed")
    checked.text = write_answers(kept)
    return checked


def is_asked(question: Question, answers: Mapping[str, Any]) -> bool:
    """Whether the answers so far bring up a question."""
    if question.when is None:
        return True
    said = answers.get(question.when.question)
    if isinstance(said, str):
        return said in question.when.values
    given = [v.get("label") if isinstance(v, Mapping) else v for v in said or ()]
    return any(v in question.when.values for v in given)


def split_output(output: str) -> tuple[str, dict[str, Any]]:
    """The example's own answer, and the other answers by title, of what an item has as output."""
    answers = read_answers(output)
    if answers is None:
        return output, {}
    return str(answers.pop(OUTPUT, "") or ""), answers


def answers_key(output: str) -> object:
    """What two outputs that say the same share: calls are compared as calls."""
    answers = read_answers(output)
    if answers is None:
        return answer_key(output)
    return tuple(
        (title, answer_key(value) if isinstance(value, str) else repr(value))
        for title, value in answers.items()
    )


def say_answers(output: str) -> str:
    """An output as a line that people read."""
    answers = read_answers(output)
    if answers is None:
        return output
    return " · ".join(f"{title}: {_say(value)}" for title, value in answers.items())


def _say(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_say(v) for v in value)
    if isinstance(value, Mapping):
        return f"{value.get('text', '')} ({value.get('label', '')})"
    return str(value)


def _read(q: Question, value: Any, utterance: str, checked: FormChecked) -> Any:
    """The answer to a question as it is kept; "" or an empty list for none."""
    if value is None:
        return ""
    if q.kind in (CALLS, INPUT, CHOICE):
        if not isinstance(value, str):
            checked.refuse(q, "is no text")
            return ""
        said = value.strip()
        if len(said) > LONGEST or "\0" in said:
            checked.refuse(q, f"has more than {LONGEST:,} characters")
        elif q.kind == CHOICE and said and said not in q.values:
            checked.refuse(q, f"{said[:60]!r} is none of the options")
        elif said and q.pattern and not fits(q.pattern, said):
            checked.refuse(q, f"does not fit the pattern {q.pattern}")
        return said
    if not isinstance(value, list):
        checked.refuse(q, "is no list")
        return []
    if q.kind == CHOICES:
        strange = [v for v in value if v not in q.values]
        if strange:
            checked.refuse(q, f"{str(strange[0])[:60]!r} is none of the options")
        return [v for v in q.values if v in value]
    return _read_spans(q, value, utterance, checked)


def _read_spans(
    q: Question, value: Sequence[Any], utterance: str, checked: FormChecked
) -> list[dict[str, Any]]:
    found: set[tuple[int, int, str]] = set()
    for one in value[:MOST_SPANS]:
        about = one if isinstance(one, Mapping) else {}
        start, end, label = (about.get(n) for n in ("start", "end", "label"))
        whole = type(start) is int and type(end) is int and isinstance(label, str)
        if not whole or not 0 <= start < end <= len(utterance):  # type: ignore[operator]
            checked.refuse(q, "words are marked that the utterance does not have")
        elif label not in q.values:
            checked.refuse(q, f"{str(label)[:60]!r} is none of the options")
        else:
            found.add((start, end, str(label)))  # type: ignore[arg-type]
    if len(value) > MOST_SPANS:
        checked.refuse(q, f"marks more than {MOST_SPANS} times")
    return [
        {"start": s, "end": e, "text": utterance[s:e], "label": label}
        for s, e, label in sorted(found)
    ]


def _check_calls(
    q: Question, value: str, catalog: Catalog, utterance: str, open: bool, checked: FormChecked
) -> str:
    """The calls as they are written, with what is wrong with them told."""
    if not value or (q.title in checked.fields):
        return value
    looked = check_answer(value, catalog, utterance, open=open)
    if q.kind == CALLS or checked.calls is None:
        checked.calls = looked
    checked.notes += looked.notes
    for error in looked.errors:
        checked.refuse(q, error)
    return looked.text
