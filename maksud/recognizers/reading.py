"""Labelled examples as models read them: in the normal form of text, answers and all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from maksud.data.dataset import Dataset, Example
from maksud.language.calls import NONE, format_calls
from maksud.language.catalog import Catalog
from maksud.language.languages import Familiar
from maksud.language.small_words import SmallWords
from maksud.language.text import SIGNS, normalise_text, says_something, scripts_of
from maksud.language.values import normalise_values


def normalise_examples(data: Dataset) -> Dataset:
    """The dataset with instructions, and the values that stand in them, in the normal form.

    All else stays, values of a list among it. Raises `CallSyntaxError` for an output that can't be
    parsed.
    """
    catalog = data.declared_catalog
    return Dataset(
        (normalise_example(e, catalog) for e in data),
        catalog=catalog,
        name=data.name,
        version=data.version,
    )


def normalise_example(example: Example, catalog: Catalog | None) -> Example:
    """The example in the normal form: itself where it is in it already.

    `catalog`: says which values are of a list. Raises as `normalise_examples` does.
    """
    text = normalise_text(example.instruction).text
    calls = example.calls
    made = normalise_values(calls, catalog, text)
    if text == example.instruction and made == calls:
        return example
    output = example.output if made == calls else format_calls(made)
    return replace(example, instruction=text, output=output)


def scripts_read(examples: Iterable[Example]) -> tuple[str, ...]:
    """The scripts of the letters in the examples, in alphabetical order.

    `SIGNS` is among them where an example without a letter or digit asks for something.
    """
    found: set[str] = set()
    for example in examples:
        if says_something(example.instruction):
            found |= scripts_of(example.instruction)
        elif NONE not in example.calls:
            found.add(SIGNS)
    return tuple(sorted(found))


def languages_read(examples: Iterable[Example]) -> Familiar:
    """The languages of the examples and their usual words: what is in others is not answered."""
    return Familiar.of(e.instruction for e in examples)


def small_words_read(examples: Iterable[Example], languages: Iterable[str]) -> SmallWords:
    """The small words of these languages, and what the examples ask for by nothing else;
    words that tell no intent."""
    return SmallWords.of(((e.instruction, e.calls) for e in examples), languages)
