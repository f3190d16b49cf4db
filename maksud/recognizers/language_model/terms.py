"""Terms of a base model whose licence is no open one: accepted before it is fetched, and passed on.

Who accepts them says so once, by `--accept-licence NAME` or the environment variable
MAKSUD_ACCEPT_LICENCE; that is kept beside the models, with the date. What a tuned model must bring
along (a notice, the terms) is written into its run.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from maksud.errors import InputError, SettingsError
from maksud.storage import write_file

ENVIRONMENT = "MAKSUD_ACCEPT_LICENCE"

NOTICE = "NOTICE.txt"
PASSED_ON = ("LICENSE*", "LICENCE*", "NOTICE*", "*_TERMS*", "USE_POLICY*")
"""Files of a base that its tuned models bring along."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms that a model is given under. `id`: what is typed to accept them."""

    id: str
    title: str
    url: str
    says: str
    """What a person must know at least, in one line."""
    notice: str
    """What must stand in NOTICE.txt beside each copy."""
    file: str
    """The name of the file with their text."""


GEMMA = Terms(
    "gemma",
    "Gemma Terms of Use",
    "https://ai.google.dev/gemma/terms",
    "They are no open-source licence: they bind whoever uses the model or one tuned from it, rule "
    "out the uses of the Gemma Prohibited Use Policy, and ask you to pass terms and notice on with "
    "each copy",
    "Gemma is provided under and subject to the Gemma Terms of Use found at "
    "ai.google.dev/gemma/terms",
    "GEMMA_TERMS.txt",
)
_TERMS = {GEMMA.id: GEMMA}
_MODEL_TYPES = {"gemma": GEMMA, "gemma2": GEMMA, "gemma3_text": GEMMA}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """That somebody accepted terms: which, when (UTC), and by what (an option, a variable)."""

    licence: str
    title: str
    url: str
    accepted: str
    by: str


def find_acceptance(terms: Terms, place: Path) -> Acceptance | None:
    """The acceptance that is kept in the directory `place`; None where there is none."""
    try:
        content = json.loads(_record(terms, place).read_text(encoding="utf-8"))
        found = Acceptance(**content)
    except (OSError, ValueError, TypeError):
        return None
    return found if found.licence == terms.id else None


def accept(terms: Terms, place: Path, given: str = "") -> Acceptance | None:
    """The acceptance of terms, kept in `place` where it is new; None where they are not accepted.

    `given`: what the option or setting says. Raises `SettingsError` where it, or the environment
    variable, names no known terms, `SystemFault` where it can't be kept.
    """
    kept = find_acceptance(terms, place)
    if kept is not None:
        return kept
    for by, names in (("--accept-licence", given), (ENVIRONMENT, os.environ.get(ENVIRONMENT, ""))):
        if terms.id in read_names(names, by):
            now = datetime.now(UTC).isoformat(timespec="seconds")
            made = Acceptance(terms.id, terms.title, terms.url, now, by)
            write_file(_record(terms, place), json.dumps(asdict(made), indent=1) + "\n")
            return made
    return None


def read_names(names: str, where: str) -> list[str]:
    """Names of terms, with commas between them. Raises `SettingsError` for an unknown one."""
    found = [name.strip().casefold() for name in names.split(",") if name.strip()]
    for name in found:
        if name not in _TERMS:
            raise SettingsError(
                f"no licence {name!r} has to be accepted here",
                where=where,
                hint=f"Known: {', '.join(_TERMS)}",
            )
    return found


def refusal(model: str, terms: Terms, text: Path | None) -> InputError:
    """The error for a model whose terms were not accepted. `text`: where they can be read here."""
    where = f"{text} or {terms.url}" if text else terms.url
    return InputError(
        f"{model} is given under the {terms.title}, which nobody has accepted here: nothing is "
        f"fetched. {terms.says}. Read them: {where}",
        hint=f"If you accept them: maksud models get {model} --accept-licence {terms.id}, or set "
        f"{ENVIRONMENT}={terms.id}",
    )


def terms_of(folder: Path) -> Terms | None:
    """The terms that a model in a directory is under, by its kind; None where none are known."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return _MODEL_TYPES.get(str(config["model_type"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def pass_on(base: Path, out: Path) -> None:
    """Writes what a model tuned from `base` must bring along: licence files, notice, terms.

    Raises `OSError`.
    """
    for pattern in PASSED_ON:
        for file in sorted(base.glob(pattern)):
            if file.is_file() and not (out / file.name).exists():
                (out / file.name).write_bytes(file.read_bytes())
    terms = terms_of(base)
    if terms is not None and not (out / NOTICE).exists():
        (out / NOTICE).write_text(notice(terms, "This model was tuned from it"), encoding="utf-8")


def notice(terms: Terms, more: str) -> str:
    """The text of NOTICE.txt; `more`: what was done to the model."""
    return f"{terms.notice}\n\n{more}, so its files are modified.\n"


def read_page(terms: Terms, page: str) -> str:
    """The text of terms on a page of HTML, from their title on, a paragraph a line."""
    reader = _Article()
    reader.feed(page)
    lines = [" ".join(line.split()) for line in "".join(reader.text).split("\n")]
    first = lines.index(terms.title) if terms.title in lines else 0
    return "\n\n".join(line for line in lines[first:] if line) + "\n"


class _Article(HTMLParser):
    """Collects what stands inside <article>, outside scripts and styles."""

    _BLOCKS = frozenset({"p", "li", "ul", "ol", "br", "div", "section", "h1", "h2", "h3", "h4"})
    _SILENT = frozenset({"script", "style", "button", "devsite-feedback"})

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self._inside = self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._inside += tag == "article"
        self._silent += tag in self._SILENT
        if tag in self._BLOCKS:
            self.text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "article"
        self._silent -= tag in self._SILENT
        if tag in self._BLOCKS:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if self._inside > 0 and self._silent <= 0:
            self.text.append(data.replace("\n", " "))


def _record(terms: Terms, place: Path) -> Path:
    return place / f"{terms.id}.json"
