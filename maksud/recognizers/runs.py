"""A run: the directory of one training. Written whole or not at all, verified when opened.

RUN/
  run.json         kind, base, settings, data, seed, versions, files with SHA-256
  contract.json    the contract
  metrics.json     what training measured
  log.jsonl        one line per progress event
  …                the weights: model.safetensors + joint.json of a joint model, or a plain
                   Hugging Face directory of a language model

`run.json` lists every other file with its SHA-256: one that is missing, changed or not listed
(save what a desktop drops into every folder, `DROPPINGS`) keeps the run from being opened.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from maksud.errors import InputError, MaksudError, RunError, SystemFault, lacks_space
from maksud.recognizers.contract import Contract
from maksud.storage import Taken, sha256, stage_directory, sweep, write_file, writing

FORMAT = "maksud-run/1"
DROPPINGS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files of the operating system, which are no part of a run and harm none."""

LARGEST = 64 << 20
"""Bytes of the largest run.json and metrics.json."""

_MANIFEST = "run.json"
_CONTRACT = "contract.json"
_METRICS = "metrics.json"


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
        return _read_json(self.path / _METRICS)

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.kind})"

    def __str__(self) -> str:
        """What a person asks first, in four lines; `manifest`, `contract`, `metrics` have all."""
        data = self.manifest.get("data", {})
        trained = f"{data['train']:,} examples" if "train" in data else "examples"
        return "\n".join(
            (
                f"Run {self.path}",
                f"  {self.manifest.get('base', self.kind)}, trained on {trained} of "
                f"{data.get('name') or 'data without a name'}, "
                f"{len(self.contract.catalog):,} intents",
                f"  {self._held_out()}",
                f"  made {self.manifest.get('created', 'at an unknown time')}, "
                f"contract {self.contract.id[:12]}",
            )
        )

    def _held_out(self) -> str:
        try:
            about = self.metrics.get("calibration", {})
        except RunError:
            return "what training measured can't be read any more"
        if "exact_match" not in about:
            return "nothing was held out: confidence is not known"
        return (
            f"held out: {about['exact_match']:.1%} of {about['examples']:,} answers wholly right; "
            f"refused under confidence {self.contract.threshold:.2f}"
        )

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Run:
        """The run at `path`, its files and contract verified.

        Raises `RunError`, and `SystemFault` where the machine does not let it be read.
        """
        path = Path(path)
        if not _exists(path):
            sweep(path.parent)  # a --force that was killed half way ends here
        if not _exists(path):
            near = sorted(p.parent.name for p in path.parent.glob(f"*/{_MANIFEST}"))[:5]
            hint = "Runs beside it: " + ", ".join(near) if near else "Make one with `maksud train`"
            raise RunError("no such run", where=str(path), hint=hint)
        manifest = _manifest(path)
        _verify(path, manifest["files"])
        contract = Contract.load(path / _CONTRACT)
        if manifest["contract"] != contract.id:
            raise RunError(
                f"{_CONTRACT} is not the contract of this run: run.json names another id",
                where=str(path),
                hint="Restore the file, or train again",
            )
        return cls(path, manifest, contract)

    def require_current(self) -> None:
        """Raises `RunError` where another run was put in its place since it was opened."""
        if self.path.is_dir() and _manifest(self.path) == self.manifest:
            return
        raise RunError(
            "was replaced while this command read it",
            where=str(self.path),
            hint="Run the same command again",
        )


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

    def copy_log(self, source: Path) -> None:
        """Begins the log with that of another run."""
        self._log.write(source.read_text(encoding="utf-8"))

    def finish(
        self, *, kind: str, contract: Contract, metrics: dict[str, Any], about: dict[str, Any]
    ) -> None:
        """Writes contract, metrics and the manifest; the directory is then ready to be moved.

        Every file gets the mode that the umask leaves: safetensors writes its own for one user.
        One that is linked to that of another run keeps its own, which is that of both.
        """
        mode = stat.S_IMODE(os.fstat(self._log.fileno()).st_mode)
        self._log.close()
        for file in _files(self.directory).values():
            if file.stat().st_nlink == 1:
                file.chmod(mode)
        contract.save(self.directory / _CONTRACT)
        _write_json(self.directory / _METRICS, metrics)
        files = {
            name: sha256(file)
            for name, file in sorted(_files(self.directory).items())
            if name != _MANIFEST
        }
        manifest = {
            "format": FORMAT,
            "kind": kind,
            "contract": contract.id,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            **about,
            "files": files,
        }
        _write_json(self.directory / _MANIFEST, manifest)

    def close(self) -> None:
        """Closes the log; harmless after `finish`."""
        with suppress(OSError):  # a full disk: what ended the training tells of it
            self._log.close()


@contextmanager
def draft_run(out: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Draft]:
    """A `Draft` that becomes the run at `out` when the block ends without an error.

    Raises `RunError` where `out` exists (unless `overwrite`, and it is a run or empty), and
    `SystemFault` where the place can't be written. An old run goes away after the new one stands.
    What appeared at `out` while the block ran is left alone: the run is then put beside it, and
    the `RunError` says where.
    """
    target = Path(out)
    check_target(target, overwrite=overwrite)
    old = _identity(target) if overwrite else None
    with (
        writing(target, hint="Choose another --out, and check space and rights"),
        stage_directory(target) as stage,
    ):
        draft = Draft(target, stage.directory)
        try:
            yield draft
        except Exception as error:
            if not isinstance(error, MaksudError | OSError) and lacks_space(error):
                raise SystemFault(
                    "can't be written: no space left on the disk",
                    where=str(target),
                    hint="Make room, or choose another --out",
                ) from error
            raise
        finally:
            draft.close()
        if not (stage.directory / _MANIFEST).exists():
            raise MaksudError("a draft was left unfinished", where=str(target))
        try:
            stage.put(lambda place: old is not None and _identity(place) == old)
        except Taken as error:
            kept = stage.put_beside()
            raise RunError(
                "appeared while the training ran, and is left alone",
                where=str(target),
                hint=f"The run was put beside it: {kept}",
            ) from error


def check_target(target: Path, *, overwrite: bool) -> None:
    """Raises `RunError` where a run can't be written to `target`, and `InputError` where it would
    stand in another run: before any work is done."""
    refuse_inside(target.parent, where=target)
    if not os.path.lexists(target):
        return
    is_run = (target / _MANIFEST).exists()
    is_empty = target.is_dir() and not target.is_symlink() and not any(target.iterdir())
    if is_empty or (overwrite and is_run):
        return
    if is_run:
        raise RunError("exists already", where=str(target), hint="Choose another --out, or --force")
    raise RunError(
        "exists and is not a run", where=str(target), hint="Choose another --out; it is left alone"
    )


def refuse_inside(
    path: str | os.PathLike[str], *, where: str | os.PathLike[str] | None = None
) -> None:
    """Raises `InputError` where a file would be put into a run, which would then open no more: it
    holds its own files only. `where`: what the error names, else `path`."""
    place = Path(os.path.realpath(path))
    for directory in (place, *place.parents):
        if _is_run(directory):
            raise InputError(
                "is in a run, which holds only its own files and would open no more; nothing was "
                "written",
                where=os.fspath(where or path),
                hint="Choose another place, beside the run for example",
            )


def _is_run(directory: Path) -> bool:
    try:
        _manifest(directory)
    except MaksudError:
        return False
    return True


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a folder above it is closed, or its name is too long
        raise SystemFault(
            f"can't be read ({error.strerror})", where=str(path), hint="Check rights"
        ) from error


def _identity(target: Path) -> tuple[str, int] | None:
    """What tells a run from another one at the same place; None where there is no run."""
    try:
        return sha256(target / _MANIFEST), target.lstat().st_ino
    except OSError:
        return None


# ---------------------------------------------------------------- verifying


def _manifest(run: Path) -> dict[str, Any]:
    """What run.json says, of the right form. Raises `RunError`."""
    try:
        manifest = _read_json(run / _MANIFEST)
    except RunError as error:
        raise RunError(
            f"is not a run: {error.message}",
            where=str(run),
            hint="Give the directory that `maksud train --out` wrote",
        ) from error
    if manifest.get("format") != FORMAT:
        raise RunError(
            f"run format {str(manifest.get('format'))[:40]!r}, this version reads {FORMAT!r}",
            where=str(run),
            hint="Train again, or use the version that made it",
        )
    files = manifest.get("files")
    if not (
        isinstance(manifest.get("kind"), str)
        and isinstance(manifest.get("contract"), str)
        and isinstance(files, dict)
        and all(isinstance(v, str) for v in files.values())
    ):
        raise RunError(
            "run.json needs kind, contract and files, each file with its SHA-256",
            where=str(run),
            hint="Restore it, or train again",
        )
    return manifest


def _verify(run: Path, listed: dict[str, str]) -> None:
    """Raises `RunError` unless the run has exactly the listed files, unchanged and its own."""
    found = _files(run)
    found.pop(_MANIFEST, None)
    for name in (_CONTRACT, _METRICS, *listed):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or name == _MANIFEST:
            raise RunError(
                f"run.json lists {name[:80]!r}, which is no file of a run",
                where=str(run),
                hint="Restore it, or train again",
            )
        if name not in found:
            raise RunError(
                f"file {name[:80]} is missing", where=str(run), hint="Restore it, or train again"
            )
    for name, file in found.items():
        if name not in listed:
            raise RunError(
                f"file {name} is not listed in run.json: it was added after training",
                where=str(run),
                hint="Move it elsewhere: a run holds only its own files",
            )
        try:
            digest = sha256(file)
        except OSError as error:
            raise SystemFault(
                f"file {name} can't be read ({error.strerror})",
                where=str(run),
                hint="Check rights",
            ) from error
        if digest != listed[name]:
            raise RunError(
                f"file {name} was changed or damaged: its SHA-256 does not match",
                where=str(run),
                hint="Restore it, or train again",
            )


def _files(run: Path) -> dict[str, Path]:
    """All files of a run by their names in it. Raises `RunError` for what is no file of its own."""
    found = {}
    own = run.resolve()

    def unreadable(error: OSError) -> None:
        raise SystemFault(
            f"can't be listed ({error.strerror})", where=str(run), hint="Check rights"
        ) from error

    for folder, folders, names in os.walk(run, onerror=unreadable):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*names, *links):
            file = Path(folder, name)
            if name in DROPPINGS:
                continue
            place = file.relative_to(run).as_posix()
            # What a link shows can change behind the run's back; a pipe would block the reader.
            if not file.is_file() or not file.resolve().is_relative_to(own):
                raise RunError(
                    f"{place} is not a file of the run: a link that leaves it, or no file at all",
                    where=str(run),
                    hint="Put the file itself there, or train again",
                )
            found[place] = file
    return found


def _read_json(path: Path) -> dict[str, Any]:
    hint = "Restore it, or train again"
    try:
        if path.stat().st_size > LARGEST:
            raise RunError(
                f"{path.name} is larger than {LARGEST >> 20} MiB", where=str(path), hint=hint
            )
        content = json.loads(path.read_text(encoding="utf-8"))
    except PermissionError as error:
        raise SystemFault(
            f"can't be read ({error.strerror})", where=str(path), hint="Check rights"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path.name} can't be read", where=str(path), hint=hint) from error
    if not isinstance(content, dict):
        raise RunError(
            f"{path.name} can't be read: it holds no JSON object", where=str(path), hint=hint
        )
    return content


def _write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    # Half a surrogate pair (a file's name that is no UTF-8) becomes an escape that JSON reads.
    write_file(path, text.encode("utf-8", "backslashreplace"))
