"""Parquet: a table with typed columns; rows of conversations where there is a column of messages.

Texts must be text: a number where a text belongs is a reject, as in JSON. A null answer means not
labelled yet. Rows are read in batches, so that one row group is in memory at a time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import IO, Any

from maksud.data.dataset import Example
from maksud.data.formats.base import Format, Options, Writing
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import Source
from maksud.data.formats.parts.table import Table, table_rows
from maksud.errors import DataError, MaksudError, SystemFault

BATCH = 4096
"""Rows that are decoded at once."""
MAX_GROUP = 1 << 30
"""Largest row group that is read, in bytes by its own account."""


def read_parquet(file: Source, options: Options) -> Reading:
    """Rows of a table. Raises `DataError` (`E-PARQUET`), `SystemFault` without pyarrow."""
    reading = Reading()
    pq = _pyarrow()
    with file.open() as binary:
        try:
            table = pq.ParquetFile(binary)
            about = table.metadata
            for k in range(about.num_row_groups):
                if about.row_group(k).total_byte_size > MAX_GROUP:
                    raise DataError(
                        f"E-PARQUET a row group is larger than {MAX_GROUP >> 20} MiB",
                        where=file.path,
                        hint="Write it again with smaller row groups",
                    )
            _read_batches(table, options, reading, file)
        except MaksudError:
            raise
        except Exception as error:  # pyarrow has a tree of its own, and lets others through
            raise DataError(
                f"E-PARQUET is not a file that can be read ({error})", where=file.path
            ) from error
    return reading


def write_parquet(examples: Sequence[Example], file: IO[bytes], writing: Writing) -> None:
    """A table whose columns are all text; what is no text is JSON."""
    pq = _pyarrow()
    import pyarrow  # type: ignore[import-untyped]

    header, rows = table_rows(examples, writing)
    columns = {
        name: pyarrow.array([row[k] for row in rows], pyarrow.string())
        for k, name in enumerate(header)
    }
    pq.write_table(pyarrow.table(columns), file)


def _read_batches(table: Any, options: Options, reading: Reading, file: Source) -> None:
    header = list(table.schema_arrow.names)
    labels = Labels(reading, file.path)
    rows: Table | None = None
    chat = next((c for c in options.conversations if c.column in header), None)
    if chat is None:
        rows = Table(header, options, reading, file.path, "E-PARQUET")
    line = 0
    for batch in table.iter_batches(batch_size=BATCH):
        for row in batch.to_pylist():
            line += 1
            original = json.dumps(row, ensure_ascii=False, default=str)
            if chat is not None:
                chat.add(reading, _without_nulls(row), file.path, line, options, labels, original)
            elif rows is not None:
                rows.add(line, [_plain(row[name]) for name in header], original)
        if options.tick is not None:
            options.tick(line / max(1, table.metadata.num_rows))
    if not line:
        raise file.no_rows()
    if rows is not None:
        rows.close()
    labels.close()


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (str, bool, int, float, list, dict)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _without_nulls(value: Any) -> Any:
    """Structs of Parquet have every key; those that are null were not there."""
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise SystemFault(
            f"Parquet needs pyarrow, which is not installed ({error})",
            hint="Install maksud[parquet], or export JSONL",
        ) from error
    return pyarrow.parquet


def _is_parquet(file: Source) -> bool:
    return file.head.startswith(b"PAR1")


FORMAT = Format(
    "parquet",
    "Parquet table",
    (".parquet",),
    _is_parquet,
    read_parquet,
    write_parquet,
    packed=True,
)
