"""Templates: what a labeller sees of a row, and what is asked. Kept in versions; a task stays with
the one that it was made with. Written as YAML or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maksud.labelling.questions import (
    CALLS,
    OUTPUT,
    Question,
    check_names,
    read_questions,
    read_text,
    refuse,
)
from maksud.labelling.refusals import Refused

UTTERANCE = "instruction"
"""The field of a row that is what was said."""
TEXT, FORM = "text", "form"
CARDS = (CALLS, TEXT)
"""How an answer is given where nothing else is asked: with the card of intents and parameters, or
as free text. Where questions are, they are a form."""
FIELD, CONVERSATION = "text", "conversation"
VIEWS = (FIELD, CONVERSATION)
"""A field as text; a conversation, with the turns marked that are still open."""
MOST_FIELDS = 20
LONGEST_FILE = 64_000
"""Characters of a template as text, at most."""


@dataclass(frozen=True, slots=True)
class View:
    """A content card: a field of the row, as text or as a conversation."""

    field: str
    kind: str = FIELD
    title: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        made = {"field": self.field, "kind": self.kind}
        return {**made, "title": self.title} if self.title else made


@dataclass(frozen=True)
class Template:
    """What a labeller sees and answers with. `show` has the utterance first; `questions` are none
    where the `card` alone is the answer; `reasons` are offered to whoever abandons an item; `guide`
    is what to bear in mind."""

    show: tuple[View, ...] = (View(UTTERANCE),)
    card: str = CALLS
    reasons: tuple[str, ...] = ("unintelligible", "personal data", "not in this language")
    guide: str = ""
    questions: tuple[Question, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are shown as text, the utterance first."""
        return tuple(v.field for v in self.show if v.kind == FIELD)

    @property
    def conversation(self) -> str:
        """The field that is shown as a conversation; "" for none."""
        return next((v.field for v in self.show if v.kind == CONVERSATION), "")

    @property
    def has_calls(self) -> bool:
        """Whether the intent card is there."""
        return self.card == CALLS or any(q.kind == CALLS for q in self.questions)

    def to_json(self) -> dict[str, Any]:
        """As it is kept, and as scripts read it."""
        made = {"fields": list(self.fields), "card": self.card, "reasons": list(self.reasons),
                "guide": self.guide, "show": [v.to_json() for v in self.show]}  # fmt: skip
        return {**made, "ask": [q.to_json() for q in self.questions]} if self.questions else made

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Template:
        """The template that was kept, or is to be. Raises `Refused` for what is none."""
        show = _read_views(content.get("show") or content.get("fields") or (UTTERANCE,))
        questions = read_questions(content.get("ask") or ())
        card = str(content.get("card") or CALLS)
        if _is_plain(questions):
            questions, card = (), CALLS
        if questions:
            card = FORM
        elif card not in CARDS:
            raise Refused(f"there is no card {card!r}", code="invalid_template", status=400,
                          hint=f"Choose {' or '.join(CARDS)}")  # fmt: skip
        reasons = content.get("reasons") or ()
        if isinstance(reasons, str) or not isinstance(reasons, Sequence):
            raise refuse("is no list", "reasons")
        reasons = tuple(map(str, reasons))
        if len(reasons) > 20 or any(not r.strip() or len(r) > 100 for r in reasons):
            raise Refused("reasons: 20 at most, each of 1 to 100 characters",
                          code="invalid_template", status=400)  # fmt: skip
        return cls(show, card, reasons, str(content.get("guide") or "")[:4000], questions)


def _is_plain(questions: Sequence[Question]) -> bool:
    """Whether the intent card alone is asked for, as in the default template."""
    return questions == (Question(OUTPUT, CALLS),)


def _read_views(content: Any) -> tuple[View, ...]:
    if isinstance(content, str) or not isinstance(content, Sequence):
        raise refuse("is no list", "show")
    views = []
    for k, one in enumerate(content, 1):
        where = f"show[{k}]"
        body = check_names({"field": one} if isinstance(one, str) else one,
                           ("field", "kind", "title"), where)  # fmt: skip
        field, kind = read_text(body, "field", where), read_text(body, "kind", where) or FIELD
        if kind not in VIEWS or not field:
            raise refuse("is no content card", where, f"field: NAME, kind: {' or '.join(VIEWS)}")
        views.append(View(field, kind, read_text(body, "title", where)))
    fields = [v.field for v in views if v.kind == FIELD]
    if not fields or fields[0] != UTTERANCE or len(set(fields)) < len(fields) or (
        len(views) > MOST_FIELDS
    ):  # fmt: skip
        raise Refused(
            f"a template shows {UTTERANCE!r} first, and each field once ({MOST_FIELDS} at most)",
            code="invalid_template", status=400,
        )  # fmt: skip
    if sum(v.kind == CONVERSATION for v in views) > 1:
        raise refuse("has two conversations", "show")
    return tuple(views)


# ---------------------------------------------------------------- as a text

_NAMES = ("show", "ask", "reasons", "guide")


def parse_template(text: str) -> Template:
    """The template that YAML or JSON says. Raises `Refused` that says where it is none."""
    import yaml

    if len(text) > LONGEST_FILE:
        raise refuse(f"is longer than {LONGEST_FILE:,} characters", "the template")
    try:
        _refuse_aliases(text)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "the template"
        said = getattr(error, "problem", None) or str(error)
        raise refuse(f"can't be read ({said[:200]})", where, "Write YAML or JSON") from error
    return Template.from_json(check_names(content, _NAMES, "the template"))


def _refuse_aliases(text: str) -> None:
    """A few lines of YAML that name themselves grow to gigabytes: none may."""
    import yaml

    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken):
            raise ValueError("it refers to itself with *")


def format_template(template: Template) -> str:
    """The template as YAML, to be edited by hand."""
    import yaml

    asked = template.questions or (Question(OUTPUT, CALLS if template.card == CALLS else "input"),)
    content = {
        "show": [v.to_json() for v in template.show],
        "ask": [q.to_json() for q in asked],
        "reasons": list(template.reasons),
    }
    if template.guide:
        content["guide"] = template.guide  # type: ignore[assignment]
    made: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=88)
    return made


def write_answers(answers: Mapping[str, Any]) -> str:
    """Answers by title as the output that is kept."""
    return json.dumps(answers, ensure_ascii=False, separators=(",", ":"))


def read_answers(output: str) -> dict[str, Any] | None:
    """The answers by title that an output of a form is; None where it is no form's."""
    if not output.startswith("{"):
        return None
    try:
        found = json.loads(output)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
