"""The catalog: which intents there are, which parameters they take, what to ask for.

It is inferred from labelled data (`catalog_inference`), written by hand as YAML (`catalog_files`),
or made from OpenAI `tools` JSON (`catalog_tools`). It gives positional arguments their names,
writes answers in each intent's own style, and says where an answer breaks it. `none()` needs no
entry: it is always allowed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from maksud.errors import CatalogError, nearest
from maksud.language.calls import NONE, OUT_OF_SCOPE, Argument, Call, format_calls, is_name
from maksud.language.confirmation import check_confirmation

ParameterType = Literal["text", "enumeration", "number", "datetime", "boolean"]
PARAMETER_TYPES: tuple[str, ...] = get_args(ParameterType)

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an intent.

    `copied`: the value is a span of the utterance, as said (never where there are `choices`): a
    copied number may be "lima" or "5pm", and only one that is not copied must be in digits. A
    `datetime` is what was said, never read as a date. An enumeration lists its `values`.
    `required` with a `question`: what to ask the person when an answer lacks it. `many`: it may
    stand several times in a call ("putar Hampa dan Separuh Aku"); any other stands once at most.
    """

    name: str
    type: ParameterType = "text"
    description: str = ""
    required: bool = False
    question: str = ""
    values: tuple[str, ...] = ()
    copied: bool = True
    many: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """All values that there are: of an enumeration and a boolean; none where they are open."""
        return ("true", "false") if self.type == "boolean" else self.values

    def accepts(self, value: str, utterance: str | None = None) -> bool:
        """Whether a value fits: of a list one of it, a copied one a part of the utterance (where
        one is given), a number that is not copied in digits."""
        if self.choices:
            return value in self.choices
        if self.copied:
            return utterance is None or value in utterance
        return self.type != "number" or _NUMBER.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that people want. `positional`: answers are written `f(x)`, not `f(p=x)`.

    `confirm`: what a person reads when it is acted on, with values in it (`confirmation`).
    """

    name: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    positional: bool = False
    confirm: str = ""

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, if there is one."""
        return next((p for p in self.parameters if p.name == name), None)


@dataclass(frozen=True, slots=True)
class MissingParameter:
    """A required parameter that an answer lacks, with the question that asks for it."""

    intent: str
    parameter: str
    question: str


@dataclass(frozen=True)
class Catalog:
    """The intents that a recognizer knows, in a fixed order."""

    intents: tuple[Intent, ...]
    _by_name: dict[str, Intent] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, Intent] = {}
        for intent in self.intents:
            _check_intent(intent)
            if intent.name in by_name:
                raise CatalogError(f"intent {intent.name!r} is declared twice", hint="Merge them")
            by_name[intent.name] = intent
        object.__setattr__(self, "_by_name", by_name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the intents, in order; `none` is not among them."""
        return tuple(i.name for i in self.intents)

    def get(self, name: str) -> Intent | None:
        """The intent of that name, if there is one."""
        return self._by_name.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self.intents)

    # ------------------------------------------------------------ answers

    def name_arguments(self, calls: Iterable[Call]) -> tuple[Call, ...]:
        """The calls with every positional argument named, in the order of the parameters.

        A positional argument takes the first declared name that the call does not use yet; with
        none left, or an unknown intent, it stays positional (`violations` reports it).
        """
        return tuple(self._name(call) for call in calls)

    def style_arguments(self, calls: Iterable[Call]) -> tuple[Call, ...]:
        """The calls as each intent writes them: positional where it does and order allows."""
        return tuple(self._style(call) for call in calls)

    def render(self, calls: Iterable[Call]) -> str:
        """The answer's text, in each intent's style."""
        return format_calls(self.style_arguments(calls))

    def violations(self, calls: Iterable[Call], utterance: str | None = None) -> list[str]:
        """What in the answer the catalog forbids; empty for a valid answer.

        With an utterance, a copied value must be a part of it; what it means is not checked. A
        number that is not copied must be in digits.
        """
        out = []
        for call in map(self._name, calls):
            if call == NONE:
                continue
            intent = self._by_name.get(call.intent)
            if intent is None:
                out.append(
                    f"intent {call.intent!r} is not in the catalog. "
                    + nearest(call.intent, self._by_name)
                )
                continue
            for argument in call.arguments:
                out.extend(_argument_violations(intent, argument, utterance))
            out.extend(_repetitions(intent, call))
        return out

    def repetitions(self, calls: Iterable[Call]) -> list[str]:
        """Which once-only parameters the answer gives several times."""
        out = []
        for call in map(self._name, calls):
            intent = self._by_name.get(call.intent)
            out += _repetitions(intent, call) if intent is not None else []
        return out

    def missing(self, calls: Iterable[Call]) -> tuple[MissingParameter, ...]:
        """Required parameters that the calls lack, in the order of calls and parameters."""
        out = []
        for call in calls:
            intent = self._by_name.get(call.intent)
            if intent is None or not any(p.required for p in intent.parameters):
                continue
            given = {a.name for a in self._name(call).arguments}
            for p in intent.parameters:
                if p.required and p.name not in given:
                    question = p.question or f"{p.description or p.name}?"
                    out.append(MissingParameter(intent.name, p.name, question))
        return tuple(out)

    def merged(self, other: Catalog) -> Catalog:
        """Both catalogs in one. Raises `CatalogError` where they declare an intent differently."""
        for intent in other.intents:
            mine = self.get(intent.name)
            if mine is not None and mine != intent:
                raise CatalogError(
                    f"intent {intent.name!r} is declared in two ways",
                    hint="Make the two catalogs agree, or rename one",
                )
        return Catalog(self.intents + tuple(i for i in other.intents if i.name not in self))

    def _name(self, call: Call) -> Call:
        """`name_arguments` of one call: the call itself where there is nothing to name."""
        for argument in call.arguments:
            if argument.name is None:
                break
        else:
            return call
        intent = self._by_name.get(call.intent)
        if intent is None:
            return call
        used = {a.name for a in call.arguments}
        free = iter([p.name for p in intent.parameters if p.name not in used])
        named = (
            a if a.name is not None else Argument(next(free, None), a.value) for a in call.arguments
        )
        return Call(call.intent, tuple(named))

    def _style(self, call: Call) -> Call:
        """`style_arguments` of one call: the call itself where it stands as it is written."""
        intent = self._by_name.get(call.intent)
        if intent is None or not call.arguments:
            return call
        fits = intent.positional and len(call.arguments) <= len(intent.parameters)
        if fits and all(a.name is None for a in call.arguments):
            return call
        call = self._name(call)
        if not intent.positional:
            return call
        given = {a.name: a.value for a in call.arguments}
        first = [p.name for p in intent.parameters[: len(given)]]
        # A name that is given twice, unknown, or comes after a gap can only be written.
        if len(given) < len(call.arguments) or any(name not in given for name in first):
            return call
        if len(first) < len(given):
            return call
        return Call(call.intent, tuple(Argument(None, given[name]) for name in first))


def _argument_violations(intent: Intent, argument: Argument, utterance: str | None) -> list[str]:
    if argument.name is None:
        return [
            f"{intent.name} takes {len(intent.parameters)} parameters; "
            f"the value {argument.value!r} is one too many"
        ]
    parameter = intent.parameter(argument.name)
    if parameter is None:
        known = nearest(argument.name, [p.name for p in intent.parameters])
        return [f"{intent.name} has no parameter {argument.name!r}. {known}"]
    if parameter.accepts(argument.value, utterance):
        return []
    what = f"{intent.name}: {argument.name}={argument.value!r}"
    if parameter.type == "enumeration":
        return [f"{what} is not among the values. {nearest(argument.value, parameter.values)}"]
    if parameter.type == "boolean":
        return [f"{what} is not true or false"]
    return [f"{what} is not in the utterance" if parameter.copied else f"{what} is not a number"]


def _repetitions(intent: Intent, call: Call) -> list[str]:
    """What stands several times in a call and may not."""
    given = Counter(a.name for a in call.arguments)
    return [
        f"{intent.name}: {p.name} is given {given[p.name]} times, and may stand once"
        for p in intent.parameters
        if given[p.name] > 1 and not p.many
    ]


def _check_intent(intent: Intent) -> None:
    where = f"intent {intent.name!r}"
    if not is_name(intent.name):
        raise CatalogError("is not a name", where=where, hint='Leave out spaces and ( ) , ; = "')
    if intent.name == OUT_OF_SCOPE:
        raise CatalogError("'none' is always there", where=where, hint="Remove the entry")
    seen = set()
    for p in intent.parameters:
        if not is_name(p.name):
            raise CatalogError(f"parameter {p.name!r} is not a name", where=where)
        if p.name in seen:
            raise CatalogError(f"parameter {p.name!r} is declared twice", where=where)
        seen.add(p.name)
        if p.type not in PARAMETER_TYPES:
            raise CatalogError(
                f"parameter {p.name!r} has type {p.type!r}",
                where=where,
                hint=nearest(p.type, PARAMETER_TYPES),
            )
        if (p.type == "enumeration") != bool(p.values):
            raise CatalogError(
                f"parameter {p.name!r}: an enumeration, and only that, lists its values",
                where=where,
            )
    check_confirmation(
        intent.confirm,
        [p.name for p in intent.parameters],
        [p.name for p in intent.parameters if p.required],
        where,
    )
