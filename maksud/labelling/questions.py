"""Answer cards of a template: what is asked of a labeller, beside or instead of the intent card.

An answer to a template with several cards is one JSON object, by the titles of its questions, in
their order: what is the same is written the same, so that labels are compared as texts. Questions
that another's answer does not bring up have no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maksud.labelling.patterns import check_pattern
from maksud.labelling.refusals import Refused

CALLS, INPUT, CHOICE, CHOICES, SPAN = "calls", "input", "choice", "choices", "span"
KINDS = (CALLS, INPUT, CHOICE, CHOICES, SPAN)
"""Calls on the intent card, free input, one of the options, any of them, words of the utterance."""
OUTPUT = "output"
"""The title of the question whose answer is the example's: calls, or what stands for them."""
MOST_QUESTIONS = 20
MOST_OPTIONS = 100
LONGEST_TITLE = 100
LONGEST_DEFAULT = 4000
TAKEN_KEYS = frozenset("saur/")
"""Keys that the labelling page has for itself."""
DIGITS = frozenset("0123456789")
"""Keys of the intent card."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers of a choice, or a label of a span. `key`: the key that chooses it."""

    value: str
    label: str = ""
    key: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return _given(value=self.value, label=self.label, key=self.key)


@dataclass(frozen=True, slots=True)
class When:
    """A question is asked where another's answer is, or has among it, one of `values`."""

    question: str
    values: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {"question": self.question, "is": list(self.values)}


@dataclass(frozen=True, slots=True)
class Question:
    """An answer card. `default` is what stands in it at first; a free input fits its `pattern`
    and, where `calls` is set, is checked as calls."""

    title: str
    kind: str
    hint: str = ""
    required: bool = True
    pattern: str = ""
    default: str | tuple[str, ...] = ""
    options: tuple[Option, ...] = ()
    when: When | None = None
    calls: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it is kept, and as the page draws it."""
        made: dict[str, Any] = {"title": self.title, "kind": self.kind}
        default = list(self.default) if isinstance(self.default, tuple) else self.default
        made |= _given(hint=self.hint, pattern=self.pattern, default=default, calls=self.calls)
        if not self.required:
            made["required"] = False
        if self.options:
            made["options"] = [o.to_json() for o in self.options]
        if self.when is not None:
            made["when"] = self.when.to_json()
        return made

    @property
    def values(self) -> tuple[str, ...]:
        """What may be chosen."""
        return tuple(o.value for o in self.options)


def read_questions(content: Any) -> tuple[Question, ...]:
    """The questions of a template. Raises `Refused` that names the one that is none, and why."""
    if not isinstance(content, Sequence) or isinstance(content, str):
        raise refuse("is no list", "ask")
    if len(content) > MOST_QUESTIONS:
        raise refuse(f"has {len(content)} questions, at most {MOST_QUESTIONS}", "ask")
    questions = tuple(_read(one, f"ask[{k + 1}]") for k, one in enumerate(content))
    _check_together(questions)
    return questions


def refuse(what: str, where: str, hint: str = "") -> Refused:
    """A refusal of a template, with the place in it."""
    return Refused(f"{where} {what}", code="invalid_template", status=400, hint=hint)


def read_text(body: Mapping[str, Any], name: str, where: str, most: int = LONGEST_TITLE) -> str:
    """A text of a template; "" where it is left out. Raises `Refused`."""
    value = body.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refuse(f"has no text under {name!r}", where, "Put it in quotes")
    said = str(value).strip()
    if len(said) > most or "\0" in said:
        raise refuse(f"has more than {most} characters under {name!r}", where)
    return said


def check_names(body: Any, known: Sequence[str], where: str) -> Mapping[str, Any]:
    """The mapping, if it has no other names than the known. Raises `Refused`."""
    if not isinstance(body, Mapping):
        raise refuse("is no mapping", where, f"It has {', '.join(known)}")
    for name in body:
        if name not in known:
            raise refuse(f"has {str(name)[:40]!r}, which is no name here", where,
                         f"Known: {', '.join(known)}")  # fmt: skip
    return body


_NAMES = ("title", "kind", "hint", "required", "pattern", "default", "options", "when", "calls")


def _read(content: Any, where: str) -> Question:
    body = check_names(content, _NAMES, where)
    title, kind = read_text(body, "title", where), read_text(body, "kind", where)
    if not title or not title.isprintable():
        raise refuse("has no title", where, "Each question has one: answers are kept by it")
    where = f"{where} ({title[:30]})"
    if kind not in KINDS:
        raise refuse(f"has the kind {kind!r}", where, f"Choose {', '.join(KINDS)}")
    flags = {name: body.get(name) for name in ("required", "calls")}
    for name, flag in flags.items():
        if flag is not None and not isinstance(flag, bool):
            raise refuse(f"has no true or false under {name!r}", where)
    options = _read_options(body.get("options"), kind, where)
    made = Question(
        title, kind, read_text(body, "hint", where, 1000), flags["required"] is not False,
        read_text(body, "pattern", where, 1000), _read_default(body.get("default"), kind, where),
        options, _read_when(body.get("when"), where), flags["calls"] is True,
    )  # fmt: skip
    if made.calls and kind != INPUT:
        raise refuse("is no free input: only those are checked as calls", where)
    if made.pattern:
        if kind != INPUT:
            raise refuse("has a pattern, and is no free input", where)
        check_pattern(made.pattern, where)
    chosen = (made.default,) if isinstance(made.default, str) else made.default
    if kind in (CHOICE, CHOICES) and any(c and c not in made.values for c in chosen):
        raise refuse("has a default that is none of its options", where)
    return made


def _read_default(value: Any, kind: str, where: str) -> str | tuple[str, ...]:
    if kind == SPAN and value not in (None, "", []):
        raise refuse("marks words: it has no default", where)
    if kind == CHOICES:
        several = [value] if isinstance(value, str) and value else value or []
        if not isinstance(several, Sequence) or isinstance(several, str):
            raise refuse("has a default that is no list", where)
        return tuple(str(v) for v in several)
    return read_text({"default": value}, "default", where, LONGEST_DEFAULT)


def _read_options(content: Any, kind: str, where: str) -> tuple[Option, ...]:
    if kind in (CALLS, INPUT):
        if content:
            raise refuse("has options, which nobody would see", where)
        return ()
    if not isinstance(content, Sequence) or isinstance(content, str) or not content:
        raise refuse("has no options", where, "options: [yes, no]")
    if len(content) > MOST_OPTIONS:
        raise refuse(f"has more than {MOST_OPTIONS} options", where)
    options = []
    for one in content:
        whole = one if isinstance(one, Mapping) else {"value": one}
        body = check_names(whole, ("value", "label", "key"), f"{where}, an option")
        option = Option(*(read_text(body, n, where) for n in ("value", "label", "key")))
        if not option.value:
            raise refuse("has an option without a value", where, "Put yes and no in quotes")
        if len(option.key) > 1 or (option.key and not option.key.isprintable()):
            raise refuse(f"has the key {option.key!r}, which is no single key", where)
        options.append(Option(option.value, option.label, option.key.lower()))
    if len({o.value for o in options}) < len(options):
        raise refuse("has an option twice", where)
    return tuple(options)


def _read_when(content: Any, where: str) -> When | None:
    if content is None:
        return None
    body = check_names(content, ("question", "is"), f"{where}, when")
    values = body.get("is")
    values = [values] if isinstance(values, str | int | float) else values
    question = read_text(body, "question", where)
    if not question or not isinstance(values, Sequence) or not values:
        raise refuse("has a condition without a question and values", where,
                     "when: {question: TITLE, is: [VALUE]}")  # fmt: skip
    return When(question, tuple(str(v) for v in values))


def _check_together(questions: Sequence[Question]) -> None:
    """What questions ask of each other: titles once, one intent card, keys once, conditions on
    an earlier question, which therefore can't go in a circle."""
    before: dict[str, Question] = {}
    with_calls = any(q.kind == CALLS for q in questions)
    keys: dict[str, str] = {}
    for k, q in enumerate(questions, 1):
        where = f"ask[{k}] ({q.title[:30]})"
        if q.title in before:
            raise refuse("has the title of another", where)
        if q.kind == CALLS and any(b.kind == CALLS for b in before.values()):
            raise refuse("is a second intent card", where, "Several calls go into one answer")
        if q.kind == CALLS and q.when is not None:
            raise refuse("is the intent card, which is always shown", where)
        if q.title == OUTPUT and q.kind not in (CALLS, INPUT):
            raise refuse(f"is titled {OUTPUT!r}, and is neither calls nor free input", where)
        if q.when is not None:
            _check_when(q.when, before, where)
        for option in q.options:
            if not option.key:
                continue
            if option.key in TAKEN_KEYS or (with_calls and option.key in DIGITS):
                raise refuse(f"has the key {option.key!r}, which the page has for itself", where)
            if option.key in keys:
                raise refuse(f"has the key {option.key!r}, as has {keys[option.key]!r}", where)
            keys[option.key] = q.title
        before[q.title] = q


def _check_when(when: When, before: Mapping[str, Question], where: str) -> None:
    other = before.get(when.question)
    if other is None or not other.options:
        raise refuse(f"depends on {when.question!r}, which is no choice above it", where)
    strange = [v for v in when.values if v not in other.values]
    if strange:
        raise refuse(f"waits for {strange[0]!r}, which {when.question!r} does not offer", where)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}
