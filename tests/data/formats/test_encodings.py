"""Which encoding is advised: one that reads all of the file as writing, or none."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from maksud.data.formats.base import Options
from maksud.data.formats.files import load, read
from maksud.data.formats.parts.encodings import CHUNK, advise
from maksud.errors import DataError

CHINESE = ["今天的天气怎么样", "请帮我播放周杰伦的音乐", "明天早上七点叫我起床", "现在几点了"]
WESTERN = [
    "Où est la gare, s'il vous plaît ?",
    "¿Dónde está el niño?",
    "für über drei Größen",
    "café",
]
QUOTED = ["putar lagu “Hampa” dong", "‘halo’ – apa kabar…", "it’s 5 € • ok™"]
OTHERS = {
    "euc-kr": ["오늘 날씨 어때", "내일 아침 일곱시에 깨워 줘", "음악을 틀어 줘"],
    "shift_jis": ["今日の天気はどうですか", "音楽をかけてください"],
    "euc-jp": ["今日の天気はどうですか", "音楽をかけてください"],
    "big5": ["今天的天氣怎麼樣", "請幫我播放音樂", "明天早上七點叫我起床"],
    "cp1251": ["какая сегодня погода", "включи музыку"],
    "koi8-r": ["какая сегодня погода", "включи музыку"],
    "cp1253": ["τι καιρό κάνει σήμερα"],
    "cp1255": ["מה מזג האוויר היום"],
    "cp1256": ["كيف الطقس اليوم"],
    "cp874": ["วันนี้อากาศเป็นอย่างไร"],
    "cp1254": ["bugün hava nasıl", "ışığı aç", "şarkı çal"],
    "cp1250": ["jaká je dnes pogoda", "włącz światło", "zażółć gęślą jaźń", "az idő jó"],
    "cp850": ["où est le café", "está lloviendo", "mañana", "für hören"],
    "mac-roman": ["“Halo” dong", "don’t stop", "el café está", "mañana…"],
}


def advised(raw: bytes, used: str = "utf-8") -> str:
    return advise(io.BytesIO(raw), used).name


def table(lines: list[str]) -> str:
    return "text;label\n" + "".join(f"{line};greet\n" for line in lines)


@pytest.mark.parametrize(
    ("lines", "encoding", "name"),
    [
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE[:1], "gbk", "gb18030"),
        (["播放"], "gb18030", "gb18030"),
        (WESTERN, "latin-1", "latin-1"),
        (QUOTED, "cp1252", "cp1252"),
        (QUOTED + WESTERN, "cp1252", "cp1252"),
        (["putar lagu “Hampa” dong", *["putar lagu"] * 50], "cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "txt", "json", "jsonl"])
def test_the_advice_is_right_and_following_it_reads_the_file(
    lines: list[str], encoding: str, name: str, suffix: str, tmp_path: Path
) -> None:
    text = {
        "csv": table(lines),
        "txt": "".join(f"{line}\n" for line in lines),
        "json": "[\n" + ",\n".join(row(line) for line in lines) + "\n]\n",
        "jsonl": "".join(f"{row(line)}\n" for line in lines),
    }[suffix]
    file = tmp_path / f"x.{suffix}"
    file.write_bytes(text.encode(encoding))
    try:
        rejects = read(file)[2]
        said = " ".join(r.finding.fix for r in rejects)
    except DataError as error:
        said = str(error)
    found = re.search(r"--encoding (\S+)", said)
    assert found and found[1] == name
    assert [e.instruction for e in load(file, options=Options(encoding=found[1]))] == lines


def row(line: str) -> str:
    line = line.replace('"', '\\"')
    return f'{{"instruction": "{line}", "output": "greet()"}}'


@pytest.mark.parametrize("encoding", list(OTHERS))
def test_an_encoding_that_makes_other_nonsense_is_never_advised(encoding: str) -> None:
    for lines in (OTHERS[encoding], *([line] for line in OTHERS[encoding])):
        raw = table(lines).encode(encoding)
        name = advised(raw)
        assert not name or raw.decode(name) == raw.decode(encoding), lines


@pytest.mark.parametrize("bad", [b"\xff", b"\x93", b"\xe4\xbd", b"\xb2\xa5"])
@pytest.mark.parametrize("lines", [CHINESE, QUOTED, ["café", "naïve"], ["halo 👋", "“hai”"]])
def test_utf8_but_for_a_few_bytes_stays_utf8(lines: list[str], bad: bytes, tmp_path: Path) -> None:
    text = ("[\n" + ",\n".join(row(line) for line in [*lines, "X"]) + "\n]\n").encode()
    file = tmp_path / "x.json"
    file.write_bytes(text.replace(b"X", bad))
    with pytest.raises(DataError, match="the file is UTF-8 but for") as caught:
        read(file)
    assert "--encoding" not in str(caught.value)
    (tmp_path / "x.csv").write_bytes(table([*lines, "X", "a", "b"]).encode().replace(b"X", bad))
    _, _, rejects = read(tmp_path / "x.csv")
    assert [r.code for r in rejects] == ["E-UTF8"] and "--encoding" not in rejects[0].finding.fix


def test_the_byte_that_is_told_is_the_bad_one(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("text;label\ncafé X;f\n".encode().replace(b"X", b"\xff"))
    with pytest.raises(DataError, match=r"x\.csv:2: E-ENCODING byte 0xFF at offset 6 is not UTF-8"):
        read(tmp_path / "x.csv")


def test_utf8_read_in_another_encoding_is_advised_as_utf8(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(f"[{row('“halo”')}]", encoding="utf-8")
    with pytest.raises(DataError, match="looks like utf-8.*Leave --encoding out"):
        read(file, options=Options(encoding="cp1252"))
    assert load(file)[0].instruction == "“halo”"


def test_the_used_encoding_is_not_advised_again() -> None:
    raw = table(CHINESE).encode("gb18030")
    assert advised(raw) == "gb18030" and advised(raw, "gb18030") == ""
    assert advised(table(QUOTED).encode("cp1252") + b"\x81", "cp1252") == ""


def test_what_is_advised_reads_the_last_byte_too() -> None:
    raw = b"a" * (CHUNK - 1) + table(CHINESE).encode("gb18030")
    assert advised(raw) == "gb18030"
    assert advised(raw + b"\xff") == "" == advised(raw + b"\xb2")
    assert advised(table(QUOTED).encode("cp1252") + b"\x8d") == ""
