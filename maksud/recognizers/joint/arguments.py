"""From the places of values to the arguments of a call, as the catalog and the data write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from maksud.language.calls import Argument, Call
from maksud.language.catalog import Catalog
from maksud.recognizers.joint.choices import place_choices
from maksud.recognizers.joint.edges import complete_number, trim_edges
from maksud.recognizers.joint.tokens import Token


class CallWriter:
    """Writes calls of an intent with values copied from an utterance and values chosen.

    `trims`: (parameter, side, affix) that training saw outside values. `before`: as in
    `place_choices`. `parameters`: those that values are copied for. `known`: whether training saw a
    sign.
    """

    def __init__(
        self,
        catalog: Catalog,
        intents: Iterable[str],
        parameters: Sequence[str],
        trims: Iterable[tuple[str, str, str]],
        before: Mapping[str, int],
        known: Callable[[str], bool] = lambda sign: True,
    ) -> None:
        self.catalog = catalog
        self.known = known
        self.before = before
        self.trims: dict[tuple[str, str], list[str]] = {}
        for parameter, side, affix in trims:
            self.trims.setdefault((parameter, side), []).append(affix)
        for affixes in self.trims.values():
            affixes.sort(key=len, reverse=True)
        # Where the catalog takes every copied value as it is, none has to be looked at.
        self.plain = all(
            not declared.choices and declared.copied
            for intent in map(catalog.get, intents)
            if intent is not None
            for declared in map(intent.parameter, parameters)
            if declared is not None
        )

    def write(
        self,
        intent: str,
        text: str,
        values: Iterable[tuple[str, Token, Token]],
        chosen: Sequence[Argument],
    ) -> Call:
        """The call; `values`: (parameter, first token, last token) of each value in `text`, in
        order."""
        places = [
            (p, *trim_edges(text, first.start, last.end, self.known)) for p, first, last in values
        ]
        declared = self.catalog.get(intent)
        arguments = []
        end = 0
        for k, (p, start, last_end) in enumerate(places):
            parameter = declared.parameter(p) if declared else None
            low = end  # of the value before, with all of its number
            high = places[k + 1][1] if k + 1 < len(places) else len(text)
            is_number = parameter is not None and parameter.type == "number"
            start, end = complete_number(text, start, last_end, low, high, in_words=is_number)
            arguments.append(Argument(p, self._value(text, p, start, end)))
        if chosen:
            given = {a.name for a in arguments}
            chosen = [a for a in chosen if a.name not in given]
            arguments = list(place_choices(intent, arguments, chosen, self.before))
        if not self.plain:
            arguments = self._valid(intent, arguments, text)
        return Call(intent, tuple(arguments))

    def _value(self, text: str, parameter: str, start: int, end: int) -> str:
        """The text from `start` to `end`, without affixes that training saw cut off."""
        for affix in self.trims.get((parameter, "<"), ()):
            if text[start:end].lower().startswith(affix) and len(affix) < end - start:
                start += len(affix)
                break
        for affix in self.trims.get((parameter, ">"), ()):
            if text[start:end].lower().endswith(affix) and len(affix) < end - start:
                end -= len(affix)
                break
        return text[start:end].strip()

    def _valid(self, intent: str, arguments: list[Argument], text: str) -> list[Argument]:
        """Arguments that the catalog allows; a listed value is written as the catalog does."""
        declared = self.catalog.get(intent)
        kept = []
        for a in arguments:
            parameter = declared.parameter(a.name or "") if declared else None
            if parameter is not None and parameter.choices:
                same = [v for v in parameter.choices if v.casefold() == a.value.casefold()]
                if same and a.value not in same:
                    a = Argument(a.name, same[0])
            if parameter is not None and parameter.accepts(a.value, text):
                kept.append(a)
        return kept
