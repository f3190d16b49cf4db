"""Lines of text: decoded one at a time, those that can't be are rejects with their bytes."""

from __future__ import annotations

from collections.abc import Iterator

from maksud.data.formats.base import Options
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import MAX_LINE, Source
from maksud.errors import DataError

_EVERY = 4096
_KEPT = 1 << 16
"""Bytes of an overlong line that its reject keeps."""


def text_lines(
    file: Source, options: Options, reading: Reading, *, blank: bool = False
) -> Iterator[tuple[int, str, bytes]]:
    """`(number, text, raw)` of the lines, without white space around them.

    Blank lines are left out unless `blank`. At the end line ends are told; raises `DataError`
    where most lines are in another encoding (`E-ENCODING`) or all are blank (`E-NOROWS`).
    """
    read = full = bad = number = 0
    wrong: DataError | None = None
    for number, raw in file.lines():
        if options.tick is not None and number % _EVERY == 0:
            options.tick(min(1.0, read / file.size))
        begin = read
        read += len(raw) + 1
        if len(raw) > MAX_LINE:
            full += 1
            what, fix = "line is longer than 1 MiB", "split or shorten it"
            reading.reject(f"{file.path}:{number}", "E-LINE", what, fix, raw[:_KEPT])
            continue
        try:
            text = raw.decode(options.encoding).strip(" \t\r\n")
        except UnicodeDecodeError as error:
            full += 1
            bad += 1
            if wrong is None:
                wrong = file.wrong_encoding(raw, error.start, options.encoding, number, begin)
            what = f"invalid byte 0x{raw[error.start]:02X} at column {error.start + 1}"
            fix = file.encoding_advice(options.encoding).fix
            reading.reject(f"{file.path}:{number}", "E-UTF8", what, fix, raw)
            continue
        full += bool(text)
        if text or blank:
            yield number, text, raw
    file.tell_line_ends(reading)
    if wrong is not None and 2 * bad > full:
        raise wrong
    if not full:
        raise file.no_rows(number)
