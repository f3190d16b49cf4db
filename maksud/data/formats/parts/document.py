"""One JSON document whose objects know their lines: Snips, CLU and their like.

Python's decoder tells no positions, so the document goes through its own pure Python scanner, with
a hook that notes where each object begins. Slower than the C scanner (about a microsecond a
byte of structure), and exact: every example can say `file:line`.
"""

from __future__ import annotations

import bisect
import json
import json.decoder
import json.scanner
from typing import Any

from maksud.data.formats.base import Options
from maksud.data.formats.parts.reading import Reading, RowError
from maksud.data.formats.parts.rows import DECODER, MAX_DEPTH
from maksud.data.formats.parts.source import Source
from maksud.errors import DataError


class Located(dict[str, Any]):
    """A decoded object; `at` is the index of its opening brace."""

    at: int = 0


class Document:
    """The decoded `value` of a document, and the lines of its objects."""

    def __init__(self, text: str, value: Any) -> None:
        self.value = value
        self._text = text
        self._starts = [0]
        at = text.find("\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = text.find("\n", at + 1)

    def line(self, value: Any) -> int:
        """The line on which an object begins; 0 for anything else."""
        return bisect.bisect_right(self._starts, value.at) if isinstance(value, Located) else 0


def read_document(file: Source, options: Options, reading: Reading) -> Document:
    """The document of a file. Raises `DataError` where it is not JSON as it should be."""
    text = file.text(reading, options.encoding)
    try:
        value, end = _Decoder().raw_decode(text, len(text) - len(text.lstrip()))
    except RowError as error:
        raise DataError(f"{error.code} {error}", where=file.path) from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"E-JSON {error.msg[0].lower()}{error.msg[1:]} at column {error.colno}",
            where=f"{file.path}:{error.lineno}",
            hint="The file may be cut: export it again",
        ) from error
    except RecursionError as error:
        raise DataError(f"E-DEPTH nesting exceeds {MAX_DEPTH}", where=file.path) from error
    if text[end:].strip():
        line = text.count("\n", 0, end) + 1
        raise DataError("E-JSON text after the document", where=f"{file.path}:{line}")
    return Document(text, value)


class _Decoder(json.JSONDecoder):
    """The strict decoder of rows, with positions."""

    def __init__(self) -> None:
        super().__init__(
            object_pairs_hook=DECODER.object_pairs_hook,
            parse_constant=DECODER.parse_constant,
            parse_float=DECODER.parse_float,
            parse_int=DECODER.parse_int,
        )
        self.parse_object = self._located
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    @staticmethod
    def _located(begin: tuple[str, int], *rest: Any) -> tuple[Any, int]:
        value, end = json.decoder.JSONObject(begin, *rest)  # type: ignore[attr-defined]
        located = Located(value)
        located.at = begin[1] - 1
        return located, end
