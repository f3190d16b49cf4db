"""What should not be kept: keys and card numbers, e-mail addresses and phone numbers.

A finding never shows the value. What stands in a parameter that is made for it (a contact, a
phone number, an order number) is what the intent is about, and is not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.rows import Answer, Row, count_digits
from maksud.data.findings import Finding, Findings
from maksud.language.folding import normalise

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})"
)
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|org|net)|example|test|invalid|localhost)$")
"""Domains that belong to nobody (RFC 2606)."""
_NUMBER = re.compile(r"(?<![\w.,:/-])\+?\(?\d(?:[ ().\-]{0,2}\d){7,18}(?![\w:/])")
_FEWEST_DIGITS = 8
"""Digits of the shortest match of `_NUMBER`."""
_PHONE = re.compile(
    r"\+[1-9]\d{7,14}"  # international (E.164)
    r"|0[1-9]\d{7,11}"  # national, with the trunk prefix
    r"|628\d{7,10}"  # Indonesian mobile, without the plus
    r"|1[3-9]\d{9}"  # Chinese mobile
)
_NORTH_AMERICAN = re.compile(r"\(?[2-9]\d\d\)?[ .-]\d{3}[ .-]\d{4}")
_CARD = re.compile(r"[3-6]\d{12,18}|2[2-7]\d{14}")
_KEY = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{20,}|(?:AKIA|ASIA)[0-9A-Z]{16}\b|LTAI[0-9A-Za-z]{12,20}\b"
    r"|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{35}|hf_[A-Za-z]{30,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,})"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
)

MADE_FOR_IT = (
    "account address akun alamat code contact email hp id imei invoice kartu card kode kontak mail "
    "mobile no nomor num number order payee penerima pesanan phone recipient rekening resi "
    "serial surel tel telepon telephone telp ticket tiket tracking va wa whatsapp"
)
"""Words in the name of a parameter whose values are such data by nature."""

_MADE_FOR_IT = frozenset(normalise(MADE_FOR_IT).split())

_WHY = {
    "W-SECRET": (
        "a model can repeat what it was trained on, and data is passed on",
        "replace it by a made-up one; revoke a key",
    ),
    "W-PERSONAL": (
        "personal data of users is seldom needed to learn what they want",
        "replace it by a made-up one",
    ),
}
_NAME_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Personal(Part):
    """Looks for personal data and secrets in utterances."""

    @classmethod
    def of(cls, checking: Checking) -> Personal:
        return cls(checking.limit)

    def __init__(self, limit: int | None) -> None:
        self._found = Findings(limit=limit)
        self._made_for_it: dict[str, bool] = {}

    def see(self, row: Row) -> None:
        text = row.text
        # Keys have digits too, but for the head of a key file.
        if not row.digits and "@" not in text and "-----" not in text:
            return
        told = dict(personal(self._without_declared(text, row.answer)))
        for code, what in told.items():
            self._found.note(code, partial(_about, code, what, row.example.place))

    def tell(self, found: Findings) -> None:
        found.extend(self._found)

    def _without_declared(self, text: str, answer: Answer) -> str:
        for _, parameter, value in answer.arguments:
            made = self._made_for_it.get(parameter)
            if made is None:
                made = self._made_for_it[parameter] = is_made_for_it(parameter)
            if made and value:
                text = text.replace(value, " … ")
        return text


def _about(code: str, what: str, place: str) -> Finding:
    why, fix = _WHY[code]
    return Finding("warning", code, f"{what} in the utterance (not shown)", place, why, fix)


def is_made_for_it(parameter: str) -> bool:
    """Whether a parameter's name says that its values are contacts or numbers of things."""
    parts = {part.casefold() for part in _NAME_PART.findall(parameter)}
    return not parts.isdisjoint(_MADE_FOR_IT)


def personal(text: str) -> Iterator[tuple[str, str]]:
    """What a text seems to hold: a code and the kind, never the value. Linear in its length."""
    if _KEY.search(text):
        yield "W-SECRET", "what looks like an access key"
    for match in _NUMBER.finditer(text) if count_digits(text) >= _FEWEST_DIGITS else ():
        digits = re.sub(r"[^\d+]", "", match.group())
        if _CARD.fullmatch(digits) and luhn(digits) and len(set(digits)) > 2:
            yield "W-SECRET", "what looks like a card number"
        elif _PHONE.fullmatch(digits) or _NORTH_AMERICAN.fullmatch(match.group()):
            yield "W-PERSONAL", "what looks like a phone number"
    for match in _EMAIL.finditer(text) if "@" in text else ():
        if not _RESERVED.search(match[1].casefold()):
            yield "W-PERSONAL", "what looks like an e-mail address"


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


CHECK = Check("personal", Personal)
