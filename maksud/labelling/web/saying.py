"""Sentences of the labelling wing in the language of who reads them (`sayings` has them all)."""

from __future__ import annotations

import re
from functools import cache

from maksud.labelling.web.sayings import PARTS, SAYINGS

_PLACE = re.compile(r"\bline (\d+)")


def say(message: str, language: str, *, shaped: bool = True) -> str | None:
    """A sentence of the wing in a language; None where it has none for it. `shaped`: also those in
    which something changes."""
    if language != "id" or not message:
        return message
    exact, shapes = _table()
    if message in exact:
        return exact[message]
    for shape, text in shapes if shaped else ():
        found = shape.fullmatch(message)
        if found is not None:
            place = found["place"] or ""
            rest = [v for v in found.groups()[1:] if v is not None]
            return _placed(place) + text.format(*map(Part, rest))
    return None


class Part(str):
    """What stands in a sentence. Written as a `stage`, it is one by its name on the pages."""

    __slots__ = ()

    def __format__(self, wish: str) -> str:
        return _STAGES.get(self, self) if wish else self


_STAGES = {
    "label": "pelabelan",
    "judge": "putusan",
    "check": "pemeriksaan",
    "accept": "penerimaan",
    "done": "selesai",
    "abandoned": "ditinggalkan",
}


def say_place(where: str, language: str) -> str:
    """Where something is, in a language: `file.json: line 3` …"""
    return _PLACE.sub(r"baris \1", where) if language == "id" else where


def _placed(place: str) -> str:
    """A place in a template: `ask[2] (nada)`, `line 3`, `the template`."""
    names = {"the template": "templat", "the pattern": "polanya"}
    place = place.strip().rstrip(":")
    for name, text in names.items():
        place = place.replace(name, text)
    place = _PLACE.sub(r"baris \1", place).replace(", an option", ", sebuah pilihan")
    return f"{place}: " if place else ""


@cache
def _table() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Sentences that never change, and the shapes of the others, the most definite first."""
    exact: dict[str, str] = {}
    shaped = []
    for several, placed in ((SAYINGS, False), (PARTS, True)):
        for english, text in several:
            if "{}" not in english:
                exact[english] = text.replace("{{", "{").replace("}}", "}")
            if "{}" in english or placed:
                parts = "(.+?)".join(map(re.escape, english.split("{}")))
                before = r"(?P<place>(?:.*: |.* )?)" if placed else r"(?P<place>)"
                shape = re.compile(before + parts, re.DOTALL)
                shaped.append((len(english) - 20 * placed, shape, text))
    shaped.sort(key=lambda s: -s[0])
    return exact, [(shape, text) for _, shape, text in shaped]
