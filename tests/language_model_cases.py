"""Random catalogs, utterances and valid answers, for the property tests of the constraint."""

from __future__ import annotations

from hypothesis import strategies as st

from maksud.language.calls import NONE, Argument, Call, is_name
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.language_model.grammar import REPEATS
from maksud.recognizers.language_model.parts import edges

WORDS = [
    "putar",
    "lagu",
    "Hampa",
    "5pm",
    "a",
    "b=c",
    "(live)",
    'si"r',
    "日本",
    "é",
    "x;y",
    "o'clock",
]

names = st.one_of(
    st.sampled_from(["play", "play_music", "p", "none_of", "stop", "値", "a", "song", "n"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=4),
).filter(lambda text: is_name(text) and text != "none")

utterances = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join),
    st.text(max_size=12),
)

parameters = st.builds(
    lambda name, kind, values, copied, many: Parameter(
        name,
        type=kind,
        values=tuple(values) if kind == "enumeration" else (),
        copied=copied,
        many=many,
    ),
    names,
    st.sampled_from(["text", "enumeration", "number", "datetime", "boolean"]),
    st.lists(
        st.one_of(st.sampled_from(["on", "one", "x, y", "5", " "]), st.text(max_size=3)).filter(
            lambda text: not any("\ud800" <= c <= "\udfff" for c in text)
        ),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    st.booleans(),
    st.booleans(),
)

intents = st.builds(
    lambda name, made, positional: Intent(name, parameters=tuple(made), positional=positional),
    names,
    st.lists(parameters, max_size=3, unique_by=lambda p: p.name),
    st.booleans(),
)

catalogs = st.lists(intents, min_size=1, max_size=4, unique_by=lambda i: i.name).map(
    lambda made: Catalog(tuple(made))
)


def spans(utterance: str) -> list[str]:
    """What can be copied out of an utterance."""
    starts, ends = edges(utterance)
    found = {utterance[a:b] for a in starts for b in ends if a < b}
    return sorted(s for s in found if not any("\ud800" <= c <= "\udfff" for c in s))


@st.composite
def answers(draw: st.DrawFn, catalog: Catalog, utterance: str) -> tuple[Call, ...]:
    """Calls that the catalog allows with the utterance."""
    if draw(st.integers(0, 9)) == 0:
        return (NONE,)
    copies = spans(utterance)
    calls = []
    for _ in range(draw(st.integers(1, 3))):
        intent = draw(st.sampled_from(catalog.intents))
        usable = [p for p in intent.parameters if copies or not _is_copied(p)]
        order = draw(st.permutations(usable))
        chosen = order[: draw(st.integers(0, len(order)))]
        arguments = []
        for p in chosen:
            repeats = p.many and not intent.positional
            for _ in range(draw(st.integers(1, REPEATS)) if repeats else 1):
                arguments.append(Argument(p.name, draw(_values(p, copies))))
        calls.append(Call(intent.name, tuple(arguments)))
    return tuple(calls)


def _is_copied(parameter: Parameter) -> bool:
    return parameter.copied and not parameter.choices


def _values(parameter: Parameter, copies: list[str]) -> st.SearchStrategy[str]:
    if parameter.choices:
        return st.sampled_from(parameter.choices)
    if parameter.copied:
        return st.sampled_from(copies)
    if parameter.type == "number":
        return st.from_regex(r"[+-]?[0-9]+([.,][0-9]+)*", fullmatch=True)
    free = st.one_of(
        st.sampled_from(["a b", 'say "x"', "a,b", "back\\slash", "tab\there", "é(1)", "日 本"]),
        st.text(
            st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1
        ),
    )
    return free.filter(lambda text: text == text.strip())
