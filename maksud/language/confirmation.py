"""Confirmations: what a person reads when a call is acted on, as the catalog words it.

    Alarm dipasang {time}[ untuk {date}].

`{name}` is the value of a parameter; what stands in `[…]` is left out where the call lacks one
that it names, so that a parameter which may be missing stands nowhere else. `{{`, `}}`, `[[` and
`]]` are those signs themselves. Nothing else means anything: no markup, no conditions. Knows no
catalogs: templates, names and values in, texts out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from maksud.errors import CatalogError, nearest
from maksud.language.text import is_question

_SIGN = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{([^{}\[\]]*)\}|[\[\]{}]")
_WELL = "Write {name} for a value, […] around what may be left out, {{ and [[ for the signs"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a template: a text, or the value of a parameter; `group` counts the `[…]` from 1,
    and is 0 outside of them."""

    text: str = ""
    name: str = ""
    group: int = 0


def check_confirmation(
    template: str, parameters: Collection[str], required: Collection[str], where: str
) -> None:
    """Raises `CatalogError` for a template that could not be filled in from each whole call."""
    pieces = read_confirmation(template, where)
    for piece in pieces:
        if piece.name and piece.name not in parameters:
            raise CatalogError(
                f"'confirm' names {piece.name[:40]!r}, which is no parameter",
                where=where,
                hint=nearest(piece.name[:40], parameters),
            )
        if piece.name and not piece.group and piece.name not in required:
            raise CatalogError(
                f"'confirm' names {piece.name!r}, which a call may lack",
                where=where,
                hint=f"Write [{{{piece.name}}}], with the words that belong to it inside, or make "
                "it required",
            )
    named = {p.group for p in pieces if p.name}
    if any(p.group not in named for p in pieces if p.group):
        raise CatalogError("'confirm' has […] without a value in it", where=where, hint=_WELL)
    if is_question("".join(p.text or "x" for p in pieces)):
        raise CatalogError(
            "'confirm' asks, and what was answered by a question is asked again with what is said "
            "next",
            where=where,
            hint="Make it a statement; what to ask stands in 'question' of a required parameter",
        )


def read_confirmation(template: str, where: str = "") -> tuple[Piece, ...]:
    """The parts of a template. Raises `CatalogError` where it is not well formed."""
    pieces: list[Piece] = []
    at = group = groups = 0
    for found in _SIGN.finditer(template):
        if at < found.start():
            pieces.append(Piece(template[at : found.start()], group=group))
        at = found.end()
        sign = found[0]
        if sign in ("{{", "}}", "[[", "]]"):
            pieces.append(Piece(sign[0], group=group))
        elif found[1]:
            pieces.append(Piece(name=found[1].strip(), group=group))
        elif sign == "[" and not group:
            groups += 1
            group = groups
        elif sign == "]" and group:
            group = 0
        else:
            raise CatalogError(
                f"'confirm' has a {sign!r} at character {found.start() + 1} that is not closed, "
                "not opened, or inside of another",
                where=where,
                hint=_WELL,
            )
    if group:
        raise CatalogError("'confirm' has a '[' that is not closed", where=where, hint=_WELL)
    if at < len(template):
        pieces.append(Piece(template[at:]))
    return tuple(pieces)


_read_once = lru_cache(maxsize=4096)(read_confirmation)


def fill_confirmation(template: str, values: Mapping[str, Sequence[str]]) -> str:
    """The template with values in it; several values of one parameter are listed.

    Values are held to one line. Ends as a statement, whatever a value ends in: of "Ingat: beli
    apa?" the conversation would be read on as if something had been asked.
    """
    pieces = _read_once(template)
    lacking = {p.group for p in pieces if p.name and p.name not in values}
    said = "".join(
        ", ".join(values.get(p.name, ())) if p.name else p.text
        for p in pieces
        if not p.group or p.group not in lacking
    )
    return as_statement(" ".join(said.split()))


def as_statement(text: str) -> str:
    """The text, so that it does not read as a question."""
    return f"{text} OK." if is_question(text) else text
