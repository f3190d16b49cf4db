"""Names of other formats as names of the call language: intents, parameters, whole answers.

`Book Flight` becomes `Book_Flight`, and that is told, once a name; what can't be a name is a
reject. A label column may hold names or whole answers; a name alone means a call without arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

from maksud.data.findings import excerpt
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.language.calls import NONE, Argument, Call, format_calls, is_name

MAX_NAME = 128
"""Longest name of an intent or parameter, in characters."""


class Labels:
    """Maps the names of one file. `close` tells what was renamed."""

    def __init__(self, reading: Reading, source: str) -> None:
        self._reading = reading
        self._source = source
        self._names: dict[str, str] = {}

    def name(self, label: str, what: str = "label") -> str:
        """The label as a name. Raises `RowError` (`E-LABEL`) where it can't be one."""
        known = self._names.get(label)
        if known is not None:
            return known
        name = "_".join(label.strip(" ").split(" "))
        if len(name) > MAX_NAME:
            raise RowError("E-LABEL", f"{what} has {len(name):,} characters (max {MAX_NAME})")
        if not is_name(name):
            bad = next((c for c in name if not is_name(c)), "")
            if not bad:
                raise RowError("E-LABEL", f"{what} is empty", "give it a name")
            said = f" {bad!r}" if bad.isprintable() else ""
            raise RowError(
                "E-LABEL",
                f"illegal character U+{ord(bad):04X}{said} in {what} {excerpt(label, 40)}",
                'names have no white space and none of ( ) , ; = "',
            )
        self._names[label] = name
        return name

    def answer(self, text: str, arguments: Sequence[Argument] = ()) -> str:
        """The answer that a label says: itself where it is calls already, else `name()`.

        "" for an empty label. Raises `RowError`.
        """
        if "(" in text or not text.strip():
            return text
        return self.call(text.strip(), arguments)

    def call(self, intent: str, arguments: Sequence[Argument] = ()) -> str:
        """The answer of one intent with named arguments. `None` and `none` are out of scope."""
        if intent.strip().casefold() == NONE.intent and not arguments:
            return str(NONE)
        named = tuple(Argument(self.name(a.name or "", "parameter"), a.value) for a in arguments)
        return format_calls((Call(self.name(intent, "intent"), named),))

    def close(self) -> None:
        """Tells which names were changed, and which became one."""
        made: dict[str, str] = {}
        for label, name in self._names.items():
            other = made.setdefault(name, label)
            if other != label:
                what = f"{excerpt(label, 40)} and {excerpt(other, 40)} are both read as {name}"
                self._reading.tell("warning", "W-NAME", what, self._source, "rename one of them")
            elif label != name:
                what = f"{excerpt(label, 40)} is read as {name}: names have no spaces"
                self._reading.tell("info", "I-NAME", what, self._source)
