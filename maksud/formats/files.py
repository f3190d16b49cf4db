"""Opens data wherever and in whatever format it is: a file, or a directory with its splits.

`read` collects findings and rejects; `load` refuses data with errors; `save` writes atomically.
The format is told from the content, not from the name.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import IO

from maksud.catalog import Catalog
from maksud.dataset import SPLITS, Dataset, Example
from maksud.errors import DataError, SettingsError, SystemFault, nearest
from maksud.findings import Finding
from maksud.formats import guide
from maksud.formats.rows import Reading
from maksud.formats.source import Format, Options, Source

FORMATS: tuple[Format, ...] = (guide.LINES, guide.ARRAY)
"""All formats, in the order in which they are tried."""

CATALOG_NAMES = ("catalog.yaml", "catalog.yml", "catalog.toml")
_SUFFIXES = (".json", ".jsonl")


def load(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    format: str = "",
    options: Options | None = None,
) -> Dataset:
    """The dataset at `path`: a JSON or JSONL file, or a directory with `train.json`, and, if
    there, `dev.json`, `test.json` and `catalog.yaml`.

    Raises `DataError` at the first row that can't be used, and says how many more there are.
    """
    dataset, findings, _ = read(path, name=name, format=format, options=options)
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
    path: str | os.PathLike[str],
    *,
    name: str = "",
    format: str = "",
    options: Options | None = None,
    tick: Callable[[str, float], None] | None = None,
) -> tuple[Dataset, list[Finding], list[dict[str, object]]]:
    """The dataset, the findings of reading it, and the rejected rows.

    `format` forces one of `FORMATS` by name. `tick` is told file and share read, now and then.
    Raises `DataError` only where nothing can be read at all.
    """
    place = os.fspath(path)
    options = options or Options()
    catalog = None
    files: list[tuple[str, str]]
    if os.path.isdir(place):
        directory = Path(place)
        files = [(split, str(f)) for split in SPLITS if (f := _split_file(directory, split))]
        if not files:
            there = ", ".join(sorted(p.name for p in directory.iterdir())[:8]) or "nothing"
            raise DataError(
                f"no train.json in the directory (it has {there})",
                where=place,
                hint="Name the files train.json, dev.json, test.json, or give one file",
            )
        catalog = next((c for n in CATALOG_NAMES if (c := directory / n).exists()), None)
    else:
        files = [(options.split, place)]
    whole = Reading()
    for split, file in files:
        part = _read_file(file, replace(options, split=split), format, tick)
        whole.examples += part.examples
        whole.findings += part.findings
        whole.rejects += part.rejects
    dataset = Dataset(
        whole.examples,
        catalog=Catalog.load(catalog) if catalog else None,
        name=name or Path(place).resolve().name.removesuffix(Path(place).suffix),
    )
    return dataset, whole.findings, whole.rejects


def save(dataset: Iterable[Example], path: str | os.PathLike[str], *, format: str = "") -> None:
    """Writes a file in the format of its name (or `format`), or all splits to a directory.

    A path without a suffix is a directory. Each file appears whole or not at all.
    """
    path = Path(path)
    examples = list(dataset)
    if not path.suffix and not format:
        path.mkdir(parents=True, exist_ok=True)
        for split in SPLITS:
            part = [e for e in examples if (e.split or "train") == split]
            if part:
                save(part, path / f"{split}.json")
        if isinstance(dataset, Dataset) and dataset.declared_catalog is not None:
            dataset.declared_catalog.save(path / "catalog.yaml")
        return
    write = _writer(path, format)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
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


def format_named(name: str) -> Format:
    """The format of that name. Raises `SettingsError`, naming what there is."""
    found = next((f for f in FORMATS if f.name == name), None)
    if found is None:
        raise SettingsError(
            f"unknown format {name!r}", hint=nearest(name, [f.name for f in FORMATS])
        )
    return found


def _writer(path: Path, format: str) -> Callable[[Iterable[Example], IO[bytes]], object]:
    if format:
        chosen = format_named(format)
    else:
        fitting = [f for f in FORMATS if path.suffix.lower() in f.suffixes and f.write]
        if not fitting:
            known = sorted({s for f in FORMATS if f.write for s in f.suffixes})
            raise SettingsError(
                f"no format is written to {path.suffix!r} files", hint=f"Use {', '.join(known)}"
            )
        chosen = fitting[0]
    if chosen.write is None:
        raise SettingsError(f"format {chosen.name!r} can be read, not written")
    return chosen.write


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _split_file(directory: Path, split: str) -> Path | None:
    return next((f for s in _SUFFIXES if (f := directory / f"{split}{s}").exists()), None)


def _read_file(
    path: str, options: Options, format: str, tick: Callable[[str, float], None] | None
) -> Reading:
    if "://" not in path and not os.path.exists(path):
        near = ", ".join(sorted(p.name for p in Path(path).parent.glob("*.json*"))[:5])
        hint = f"In that directory: {near}" if near else "Check the path"
        raise DataError("no such file or directory", where=path, hint=hint)
    source = Source(path)
    if tick is not None:
        name = os.path.basename(path)
        options = replace(options, tick=lambda share: tick(name, share))
    chosen = format_named(format) if format else _detected(source)
    found = chosen.read(source, options)
    if not found.examples and not any(f.level == "error" for f in found.findings):
        raise source.no_rows()
    return found


def _detected(source: Source) -> Format:
    for format in FORMATS:
        if format.detect(source):
            return format
    source.refuse_utf16()
    start = source.head_text.strip()
    if not start:
        raise source.no_rows()
    raise DataError(
        f"E-FORMAT expected JSON (an array of rows, or one object a line), found {start[:20]!r}",
        where=f"{source.path}:1",
        hint='Write [{"instruction": "…", "output": "…"}, …]',
    )
