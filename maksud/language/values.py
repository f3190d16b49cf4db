"""Values of calls between an utterance and its normal form, and what a typed value must hold.

A recognizer reads the normal form (`text`) and copies values from it; what it answers is given as
it was said. The normal form's place of a value is the first one that fits: between the edges of
words before inside of one, and behind the value before it, as training looks for values too. Only
values that the catalog calls copied are looked for: one that is chosen ("on") is no part of the
utterance, even where its letters stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from maksud.language.calls import Argument, Call
from maksud.language.catalog import Catalog
from maksud.language.text import NormalText, normalise_text


@dataclass(frozen=True, slots=True)
class DoubtfulValue:
    """A value in which nothing of its parameter's type was found; `expected`: the type.

    A later version will say what was found (a number, a date) of the others.
    """

    intent: str
    parameter: str
    value: str
    expected: str


# ---------------------------------------------------------------- normal and said


def normalise_values(
    calls: Iterable[Call], catalog: Catalog | None, utterance: str | None = None
) -> tuple[Call, ...]:
    """The calls with their values in the normal form, but for those of a list.

    With an utterance, in the normal form, only those that then stand in it: the others were not
    copied from it, and stay as the data writes them.
    """

    def change(call: Call, argument: Argument) -> str:
        intent = catalog.get(call.intent) if catalog is not None else None
        parameter = intent.parameter(argument.name or "") if intent else None
        if parameter is not None and parameter.choices:
            return argument.value
        value = normalise_text(argument.value).text
        if not value or (utterance is not None and value not in utterance):
            return argument.value
        return value

    return tuple(_changed(call, [change(call, a) for a in call.arguments]) for call in calls)


def restore_values(calls: Iterable[Call], read: NormalText, catalog: Catalog) -> tuple[Call, ...]:
    """The calls, with named arguments, with copied values as they were said."""
    calls = tuple(calls)
    if not read.is_changed:
        return calls
    out = []
    after = 0
    for call in calls:
        intent = catalog.get(call.intent)
        values = []
        for argument in call.arguments:
            parameter = intent.parameter(argument.name or "") if intent else None
            value = argument.value
            place = -1
            if parameter is not None and parameter.copied and not parameter.choices and value:
                place = _place_of(value, read.text, after)
            if place >= 0:
                after = place + len(value)
                value = read.said(place, after)
            values.append(value)
        out.append(_changed(call, values))
    return tuple(out)


def _changed(call: Call, values: list[str]) -> Call:
    """The call with other values: itself where they are the same."""
    if all(a.value == v for a, v in zip(call.arguments, values, strict=True)):
        return call
    pairs = zip(call.arguments, values, strict=True)
    return Call(call.intent, tuple(Argument(a.name, v) for a, v in pairs))


def _place_of(value: str, text: str, after: int) -> int:
    """The first place of a value that fits, -1 where it does not stand in the text."""
    for origin in (after, 0):
        at = text.find(value, origin)
        while at >= 0:
            if _is_edge(text, at) and _is_edge(text, at + len(value)):
                return at
            at = text.find(value, at + 1)
    at = text.find(value, after)
    return at if at >= 0 else text.find(value)


def _is_edge(text: str, at: int) -> bool:
    return at in (0, len(text)) or not (text[at - 1].isalnum() and text[at].isalnum())


# ---------------------------------------------------------------- types


def find_doubts(calls: Iterable[Call], catalog: Catalog) -> Iterator[DoubtfulValue]:
    """The values of numbers that hold no number, and of date/times that no reading is found in.

    The calls have named arguments. A `number` needs a digit or a numeral, a `datetime` those or a
    word of time, in Indonesian or English: other languages need digits.
    """
    for call in calls:
        intent = catalog.get(call.intent)
        for argument in call.arguments:
            parameter = intent.parameter(argument.name or "") if intent else None
            if parameter is None or parameter.type not in ("number", "datetime"):
                continue
            words = _WORDS.findall(normalise_text(argument.value).text.casefold())
            known = _NUMERALS if parameter.type == "number" else _TIMES
            if not any(w in known or any(map(str.isnumeric, w)) for w in words):
                yield DoubtfulValue(call.intent, parameter.name, argument.value, parameter.type)


_WORDS = re.compile(r"\w+")

_NUMERAL_WORDS = """
    nol kosong satu dua tiga empat lima enam tujuh delapan lapan sembilan sepuluh sebelas belas
    seratus ratus seribu ribu sejuta juta miliar milyar triliun puluh puluhan ratusan ribuan
    setengah separuh separo seperempat sepertiga sebuah seorang sekali pertama kedua ketiga keempat
    kelima keenam ketujuh kedelapan kesembilan kesepuluh berdua bertiga berempat berlima lusin
    selusin kodi rb jt
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    hundred thousand million billion half quarter third dozen single double triple once twice
    thrice couple pair both first second fourth fifth sixth seventh eighth ninth tenth
"""
_NUMERALS = frozenset(_NUMERAL_WORDS.split())

_TIME_WORDS = """
    senin selasa rabu kamis jumat jum sabtu minggu ahad januari februari pebruari maret april mei
    juni juli agustus september oktober november nopember desember jan feb mar apr jun jul agu agt
    sep sept okt nov nop des hari tanggal tgl bulan tahun pekan minggu weekend jam pukul pkl menit
    detik mnt dtk jm sejam semenit sedetik sehari seminggu sebulan setahun harian mingguan bulanan
    tahunan pagi siang sore petang malam mlm subuh magrib maghrib isya zuhur dzuhur dhuhur asar
    ashar dini fajar senja besok bsk esok lusa kemarin kemaren kmrn tadi nanti ntar sekarang skrg
    skr segera sebentar bentar barusan depan lalu kelak kapan setiap tiap semalam semalem malem
    paginya sorenya malamnya siangnya besoknya lebaran natal imlek idulfitri ramadan ramadhan
    monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri
    sat sun january february march may june july august october december aug oct dec today tomorrow
    tmrw tmr tonight yesterday now noon midday midnight morning mornings afternoon evening evenings
    night nights dawn dusk sunrise sunset day days daily week weeks weekly weekday weekdays weekends
    month months monthly year years yearly hour hours hourly minute minutes min mins sec secs
    seconds moment soon later next last am pm oclock clock date christmas easter eve lunchtime
    dinnertime bedtime lunch breakfast dinner spring summer autumn fall winter every
"""
_TIMES = _NUMERALS | frozenset(_TIME_WORDS.split())
