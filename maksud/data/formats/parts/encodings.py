"""Which encoding a file that is no UTF-8 has: said only where all of it fits, and makes sense.

Nearly every byte is something in `latin-1` and `gb18030`, so that a file decodes without error into
nonsense. What is advised must decode the whole file, and what comes out must look like writing:
Chinese in the characters that Chinese is made of, letters with accents among letters without.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

CHUNK = 1 << 20
"""Bytes that are decoded at a time."""
MOST = 64 << 20
"""Bytes of a file that are looked at; of a larger one nothing is advised."""
JUDGED = 200_000
"""Characters beyond ASCII by which Chinese is told."""

_HIGH = re.compile(rb"[\x80-\xff]")
_UTF8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ACCENTED = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿœŒ")
_MARKS = frozenset("‘’“”–—…•«»¿¡°€£¥§©®™·\xa0")
"""What stands in western text beside ASCII. The other letters of cp1252 (`ð þ ý š ž`) are those
that Turkish, Polish, Baltic and Vietnamese encodings have others for."""
_FOREIGN = re.compile(
    r"[^\W\d_][‘“”–—…•«»¿¡€£¥§©®™°·][a-zà-ÿ]"  # a mark inside a word: DOS and Macintosh letters
    r"|[^\W\d_]\xa0|\xa0[^\W\d_]"  # the same: á of DOS
    r"|[a-zà-öø-ÿ][À-ÖØ-ÞŒ]|\b[À-ÖØ-Þ][A-Z][a-z]"  # Macintosh quotes: ÒHaloÓ
    r"|õ(?!e)"  # ő of Hungarian
)
"""What cp1252 makes of text in other encodings, and nobody writes."""

_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过"
    "发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本"
    "前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很"
    "最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度"
    "门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电"
    "数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马"
    "播放音乐歌曲听唱关闭设置闹钟提醒预报查询订票导航今明昨晚早午请帮我吗呢吧啊喂"
)
"""Characters that Chinese uses most, and those of commands: they decide about a few."""
_FEW = 12
"""Characters under which the share of the second half says nothing."""


@dataclass(frozen=True)
class Bytes:
    """The bytes of a file above ASCII: `runs` that are UTF-8, and `strays`, which are not."""

    runs: int
    strays: int

    @property
    def is_damaged_utf8(self) -> bool:
        """Whether it is UTF-8 but for some bytes."""
        return self.runs > 0 and self.runs >= self.strays


def count_bytes(raw: bytes) -> Bytes:
    """The bytes above ASCII, counted."""
    runs = 0

    def count(_: re.Match[bytes]) -> bytes:
        nonlocal runs
        runs += 1
        return b""

    rest = _UTF8.sub(count, raw)
    return Bytes(runs, len(_HIGH.findall(rest)))


@dataclass(frozen=True)
class Advice:
    """What a file seems to be: the `name` of its encoding ("": it can't be told), or UTF-8 but
    for `strays` bytes."""

    name: str = ""
    strays: int = 0

    @property
    def said(self) -> str:
        """What it looks like, in brackets, for a message."""
        if self.strays:
            return f" (the file is UTF-8 but for {self.strays:,} byte{'s'[: self.strays > 1]})"
        return f" (looks like {self.name})" if self.name else ""

    @property
    def fix(self) -> str:
        """What to do."""
        if self.strays:
            return "type the damaged characters again: no other encoding reads the rest"
        if self.name == "utf-8":
            return "leave --encoding out"
        return f"convert it to UTF-8, or pass --encoding {self.name or 'NAME'}"


def advise(stream: IO[bytes], used: str) -> Advice:
    """What encoding a file has that was read in the encoding `used`, and is not in it."""
    raw = stream.read(MOST + 1)
    if len(raw) > MOST:
        return Advice()
    counted = count_bytes(raw)
    if not counted.strays:
        return Advice("utf-8")
    if counted.is_damaged_utf8:
        return Advice(strays=counted.strays)
    western = "cp1252" if re.search(rb"[\x80-\x9f]", raw) else "latin-1"
    for name, fits in (("gb18030", _is_chinese), (western, _is_western)):
        if codecs.lookup(name) == codecs.lookup(used) or (fits is _is_western and counted.runs):
            continue
        try:
            text = "".join(_decoded(raw, name))
        except UnicodeDecodeError:
            continue
        if fits(text):
            return Advice(name)
    return Advice()


def _decoded(raw: bytes, name: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(name)()
    for at in range(0, len(raw), CHUNK):
        yield decoder.decode(raw[at : at + CHUNK], at + CHUNK >= len(raw))


def _is_chinese(text: str) -> bool:
    """Whether a text is written in the characters that Chinese is written in.

    Those of GB2312's first level are ordered by their sound. Korean Hangul falls on the first half
    of them, Japanese on kana, Big5 beside them: none of these has enough of the second half.
    """
    usual = late = other = common = 0
    for c in islice((c for c in text if c >= "\x80"), JUDGED):
        common += c in _COMMON
        try:
            pair = c.encode("gb2312")
        except UnicodeEncodeError:
            other += 1
            continue
        if 0xB0 <= pair[0] <= 0xD7:
            usual += 1
            late += pair[0] >= 0xC9
        elif pair[0] not in (0xA1, 0xA3):
            other += 1
    if not usual or other > 0.1 * usual:
        return False
    return late >= 0.15 * usual if usual >= _FEW else 2 * common >= usual


def _is_western(text: str) -> bool:
    """Whether the letters and marks beyond ASCII are those of a language of western Europe, among
    plain letters as these have them."""
    beyond = {c for c in text if c >= "\x80"}
    if not beyond <= _ACCENTED | _MARKS or _FOREIGN.search(text):
        return False
    plain = accented = 0
    for word in _WORD.findall(text):
        if not word.isascii():
            plain += sum(c < "\x80" for c in word)
            accented += sum(c in _ACCENTED for c in word)
    return accented <= plain
