"""Opens data wherever and in whatever format it is: a file, or a directory with its splits.

`read` collects findings and rejects; `load` refuses data with errors; `save` writes atomically.
The format is told from the content, not from the name.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from maksud.catalog import Catalog
from maksud.dataset import SPLITS, Dataset, Example
from maksud.errors import DataError, SystemFault
from maksud.findings import Finding
from maksud.formats import guide
from maksud.formats.rows import Reading

Format = Literal["json", "jsonl"]
CATALOG_NAMES = ("catalog.yaml", "catalog.yml", "catalog.toml")
_SUFFIXES = (".json", ".jsonl")

_FOREIGN = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PAR1", "Parquet"),
    (b"version https://git-lfs", "a Git LFS pointer: run `git lfs pull`"),
    (b"<!DOCTYPE", "an HTML page: did the download fail?"),
    (b"<html", "an HTML page: did the download fail?"),
)


def load(path: str | Path, *, name: str = "") -> Dataset:
    """The dataset at `path`: a JSON or JSONL file, or a directory with `train.json`, and, if
    there, `dev.json`, `test.json` and `catalog.yaml`.

    Raises `DataError` at the first row that can't be used, and says how many more there are.
    """
    dataset, findings, _ = read(path, name=name)
    errors = [f for f in findings if f.level == "error"]
    if errors:
        first = errors[0]
        more = f" ({len(errors) - 1:,} more errors)" if len(errors) > 1 else ""
        raise DataError(
            f"{first.code} {first.message}{more}",
            where=first.place,
            hint=f"{first.fix[:1].upper()}{first.fix[1:]}; `maksud check` shows all",
        )
    return dataset


def read(
    path: str | Path, *, name: str = "", tick: Callable[[str, float], None] | None = None
) -> tuple[Dataset, list[Finding], list[dict[str, object]]]:
    """The dataset, the findings of reading it, and the rejected rows.

    Raises `DataError` only where nothing can be read at all.
    """
    path = Path(path)
    catalog = None
    if path.is_dir():
        files = [(split, f) for split in SPLITS if (f := _split_file(path, split))]
        if not any(split == "train" for split, _ in files) and not files:
            there = ", ".join(sorted(p.name for p in path.iterdir())[:8]) or "nothing"
            raise DataError(
                f"no train.json in the directory (it has {there})",
                where=str(path),
                hint="Name the files train.json, dev.json, test.json, or give one file",
            )
        catalog = next((c for n in CATALOG_NAMES if (c := path / n).exists()), None)
    else:
        files = [("", path)]
    whole = Reading()
    for split, file in files:
        part = _read_file(file, split, tick)
        whole.examples += part.examples
        whole.findings += part.findings
        whole.rejects += part.rejects
    dataset = Dataset(
        whole.examples,
        catalog=Catalog.load(catalog) if catalog else None,
        name=name or path.resolve().name.removesuffix(path.suffix),
    )
    return dataset, whole.findings, whole.rejects


def save(dataset: Iterable[Example], path: str | Path, format: Format | None = None) -> None:
    """Writes a file (`.jsonl` as JSON Lines, else a JSON array), or all splits to a directory.

    A path without a suffix is a directory. Each file appears whole or not at all.
    """
    path = Path(path)
    examples = list(dataset)
    if path.suffix.lower() not in _SUFFIXES and format is None:
        path.mkdir(parents=True, exist_ok=True)
        for split in SPLITS:
            part = [e for e in examples if (e.split or "train") == split]
            if part:
                save(part, path / f"{split}.json")
        if isinstance(dataset, Dataset) and dataset.declared_catalog is not None:
            dataset.declared_catalog.save(path / "catalog.yaml")
        return
    lines = (format or path.suffix.lower().lstrip(".")) == "jsonl"
    write = guide.write_lines if lines else guide.write_array
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                write(examples, file)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes 0600 files; data is meant to be shared as any other file.
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise SystemFault(
            f"can't be written ({error.strerror})", where=str(path), hint="Check space and rights"
        ) from error


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _split_file(directory: Path, split: str) -> Path | None:
    return next((f for s in _SUFFIXES if (f := directory / f"{split}{s}").exists()), None)


def _read_file(path: Path, split: str, tick: Callable[[str, float], None] | None) -> Reading:
    source = str(path)
    if not path.exists():
        near = ", ".join(sorted(p.name for p in path.parent.glob("*.json*"))[:5])
        hint = f"In that directory: {near}" if near else "Check the path"
        raise DataError("no such file or directory", where=source, hint=hint)
    if not path.is_file():
        raise DataError("E-FILE not a regular file", where=source, hint="Give a JSON file")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"can't be read ({error.strerror})", where=source) from error
    if not raw:
        raise DataError("E-EMPTY file has 0 bytes", where=source, hint="Export it again")
    reading = Reading()
    text = _decode(raw, source, reading)
    shape = text[:4096].lstrip()[:1]

    def share(done: float) -> None:
        if tick is not None:
            tick(path.name, done)

    if not text.strip():
        raise DataError("E-NOROWS no data rows found", where=source, hint="Export it again")
    if shape == "[":
        found = guide.read_array(text, source, split, share)
    elif shape == "{":
        first = text.lstrip().split("\n", 1)[0].rstrip()
        if path.suffix == ".json" and not first.endswith("}"):
            raise DataError(
                "E-SHAPE expected an array of rows, found one object",
                where=f"{source}:1",
                hint='Write [{"instruction": "…", "output": "…"}, …], or one object a line',
            )
        lines = text.split("\n")
        found = guide.read_lines(lines, source, split, lambda n: share(n / len(lines)))
    else:
        raise DataError(
            f"E-FORMAT expected JSON (an array of rows, or one object a line), found {text[:20]!r}",
            where=f"{source}:1",
            hint='Write [{"instruction": "…", "output": "…"}, …]',
        )
    found.findings[:0] = reading.findings
    if not found.examples and not any(f.level == "error" for f in found.findings):
        raise DataError("E-NOROWS no data rows found", where=source, hint="Export it again")
    return found


def _decode(raw: bytes, source: str, reading: Reading) -> str:
    for magic, what in _FOREIGN:
        if raw.startswith(magic):
            raise DataError(
                f"E-FORMAT content is {what}", where=source, hint="Give the data as JSON or JSONL"
            )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw[:64]:
        raise DataError("E-ENCODING the file is UTF-16", where=source, hint="Save it as UTF-8")
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
        what = "UTF-8 byte order mark skipped"
        reading.findings.append(Finding("info", "I-BOM", what, source))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"E-ENCODING byte 0x{raw[error.start]:02X} at offset {error.start} is not UTF-8",
            where=f"{source}:{line}",
            hint="Save the file as UTF-8",
        ) from error
