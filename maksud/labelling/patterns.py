"""Patterns that a free answer has to fit: regular expressions that can't keep a server busy.

A leader writes them and every save runs them, so only those are taken whose time is bounded: no
group is repeated, nothing is looked ahead for or said again, and few parts are of any length.
"""

from __future__ import annotations

import re

from maksud.labelling.refusals import Refused

LONGEST = 200
"""Characters of a pattern, at most."""
LONGEST_TEXT = 400
"""Characters of a text that is held against one, at most."""
MOST_REPEATS = 3
"""Parts of any length in a pattern, at most."""
SHORT = 20
"""A part that repeats up to this often is of a bounded length."""

_COUNT = re.compile(r"\{(\d*)(,?)(\d*)\}")
_TOKEN = re.compile(
    r"\\(?P<escaped>.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<special>\(\?)|(?P<end>\))"
    r"|(?P<many>[*+])|(?P<count>\{\d*,?\d*\})|.",
    re.DOTALL,
)


def check_pattern(pattern: str, where: str) -> None:
    """Raises `Refused` for what is no pattern, or one whose time is not bounded."""
    if len(pattern) > LONGEST:
        raise _refused(f"is longer than {LONGEST} characters", where)
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise _refused(f"is no regular expression ({error})", where) from error
    repeats, closed = 0, False
    for token in _TOKEN.finditer(pattern):
        if token["escaped"] and token["escaped"].isdigit():
            raise _refused("says a group again (\\1)", where)
        if token["special"] and not pattern.startswith("(?:", token.start()):
            raise _refused("looks ahead or names a group: only (…) and (?:…) are read", where)
        if token["many"] or token["count"]:
            if closed:
                raise _refused("repeats a group", where)
            repeats += bool(token["many"]) or _is_long(token["count"])
        closed = token["end"] is not None
    if repeats > MOST_REPEATS:
        raise _refused(f"has more than {MOST_REPEATS} parts of any length", where)


def fits(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern says, from its beginning to its end."""
    return len(text) <= LONGEST_TEXT and re.fullmatch(pattern, text) is not None


def _is_long(count: str) -> bool:
    found = _COUNT.fullmatch(count)
    if found is None:
        return False
    low, comma, high = found.groups()
    most = high if comma else low
    return not most or int(most) > SHORT


def _refused(what: str, where: str) -> Refused:
    return Refused(f"the pattern {what}", code="invalid_template", status=400, where=where,
                   hint="Write a simple one, such as [A-Z]{2}[0-9]+")  # fmt: skip
