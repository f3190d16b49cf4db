"""A run: the directory of one training. Written whole or not at all, verified when opened.

RUN/
  run.json         kind, base, settings, data, seed, versions, files with SHA-256
  contract.json    the contract
  metrics.json     what training measured
  log.jsonl        one line per progress event
  …                the weights: model.safetensors + joint.json of a joint model, or a plain
                   Hugging Face directory of a language model
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maksud.data.formats.store import sync
from maksud.errors import MaksudError, RunError, SystemFault
from maksud.recognizers.contract import Contract

FORMAT = "maksud-run/1"
_MANIFEST = "run.json"


@dataclass(frozen=True)
class Run:
    """A finished training on disk."""

    path: Path
    manifest: dict[str, Any]
    contract: Contract

    @property
    def kind(self) -> str:
        """`compact`, `encoder` or `language_model`."""
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        """The directory's name: what the model is called when served."""
        return self.path.resolve().name

    @property
    def metrics(self) -> dict[str, Any]:
        """What training measured."""
        path = self.path / "metrics.json"
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content

    def __fspath__(self) -> str:
        return str(self.path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Run:
        """The run at `path`, its files and contract verified. Raises `RunError`."""
        path = Path(path)
        if not path.exists():
            near = sorted(p.parent.name for p in path.parent.glob(f"*/{_MANIFEST}"))[:5]
            hint = "Runs beside it: " + ", ".join(near) if near else "Make one with `maksud train`"
            raise RunError("no such run", where=str(path), hint=hint)
        try:
            manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(
                "is not a run: run.json can't be read",
                where=str(path),
                hint="Give the directory that `maksud train --out` wrote",
            ) from error
        if manifest.get("format") != FORMAT:
            raise RunError(
                f"run format {manifest.get('format')!r}, this version reads {FORMAT!r}",
                where=str(path),
                hint="Train again, or use the version that made it",
            )
        for name, expected in manifest["files"].items():
            file = path / name
            if not file.is_file():
                raise RunError(
                    f"file {name} is missing", where=str(path), hint="Restore it, or train again"
                )
            if _sha256(file) != expected:
                raise RunError(
                    f"file {name} was changed or damaged: its SHA-256 does not match",
                    where=str(path),
                    hint="Restore it, or train again",
                )
        return cls(path, manifest, Contract.load(path / "contract.json"))


class Draft:
    """A run in the making: a staging directory to fill, then `finish`."""

    def __init__(self, target: Path, directory: Path) -> None:
        self.target = target
        self.directory = directory
        self._log = (directory / "log.jsonl").open("w", encoding="utf-8")

    def log(self, event: dict[str, Any]) -> None:
        """Adds a line to the log."""
        self._log.write(json.dumps(event, ensure_ascii=False) + "\n")
        self._log.flush()

    def finish(
        self, *, kind: str, contract: Contract, metrics: dict[str, Any], about: dict[str, Any]
    ) -> None:
        """Writes contract, metrics and the manifest; the directory is then ready to be moved."""
        self._log.close()
        contract.save(self.directory / "contract.json")
        _write_json(self.directory / "metrics.json", metrics)
        files = {}
        for file in sorted(self.directory.rglob("*")):
            if file.is_file() and file.name != _MANIFEST:
                sync(file)
                files[file.relative_to(self.directory).as_posix()] = _sha256(file)
        manifest = {
            "format": FORMAT,
            "kind": kind,
            "contract": contract.id,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            **about,
            "files": files,
        }
        _write_json(self.directory / _MANIFEST, manifest)
        sync(self.directory / _MANIFEST)

    def close(self) -> None:
        """Closes the log; harmless after `finish`."""
        self._log.close()


@contextmanager
def drafting(out: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Draft]:
    """A `Draft` that becomes the run at `out` when the block ends without an error.

    Raises `RunError` where `out` exists (unless `overwrite`, and it is a run or empty), and
    `SystemFault` where the place can't be written.
    """
    target = Path(out)
    check_target(target, overwrite=overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise SystemFault(
            f"can't be written ({error.strerror})", where=str(target), hint="Choose another --out"
        ) from error
    os.chmod(staging, 0o755)
    draft = Draft(target, staging)
    try:
        yield draft
        draft.close()
        if not (staging / _MANIFEST).exists():
            raise MaksudError("a draft was left unfinished", where=str(target))
        old = None
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
            os.replace(target, old / "run")
        os.replace(staging, target)
        sync(target.parent)
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
    except BaseException as error:
        draft.close()
        shutil.rmtree(staging, ignore_errors=True)
        if isinstance(error, OSError):
            raise SystemFault(
                f"can't be written ({error.strerror})", where=str(target), hint="Check disk space"
            ) from error
        raise


def check_target(target: Path, *, overwrite: bool) -> None:
    """Raises `RunError` where a run can't be written to `target`: before any work is done."""
    if not target.exists():
        return
    is_run = (target / _MANIFEST).exists()
    is_empty = target.is_dir() and not any(target.iterdir())
    if is_empty or (overwrite and is_run):
        return
    if is_run:
        raise RunError("exists already", where=str(target), hint="Choose another --out, or --force")
    raise RunError(
        "exists and is not a run", where=str(target), hint="Choose another --out; it is left alone"
    )


def _write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
