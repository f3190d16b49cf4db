"""The example data that comes with Maksud, written for it (see `data/README.md`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load, save
from maksud.errors import NotFoundError, RunError, nearest
from maksud.language.catalog_files import load_catalog

SCENARIOS = ("voice_assistant", "customer_service")
LANGUAGES = ("id", "en")

_DATA = Path(__file__).parent / "data"


def load_shipped(scenario: str = "", language: str = "") -> Dataset:
    """The shipped examples: of one scenario and language, or of all that are left open.

    Each example has metadata `scenario` and `language`.
    """
    for given, known in ((scenario, SCENARIOS), (language, LANGUAGES)):
        if given and given not in known:
            raise NotFoundError(f"no shipped data {given!r}", hint=nearest(given, known))
    examples = []
    catalog = None
    for name in SCENARIOS:
        if scenario and name != scenario:
            continue
        for code in LANGUAGES:
            if language and code != language:
                continue
            examples += _load_part(_DATA / name / code, name, code)
        own = load_catalog(_DATA / name / "catalog.yaml")
        catalog = own if catalog is None else catalog.merged(own)
    return Dataset(examples, catalog=catalog, name=scenario or "demo")


def load_contrast(scenario: str, language: str = "") -> Dataset:
    """The shipped contrast pairs that are held out of training: minimal pairs of utterances.

    The two members share metadata `pair`; `kind` says what makes the difference (negation,
    correction, …). Of one language, or of both.
    """
    examples: list[Example] = []
    for code in LANGUAGES:
        if not language or language == code:
            examples += _load_part(_DATA / scenario / "contrast" / f"{code}.json", scenario, code)
    catalog = load_catalog(_DATA / scenario / "catalog.yaml")
    return Dataset(examples, catalog=catalog, name="contrast")


def write_starter(directory: Path, scenario: str, language: str) -> Dataset:
    """Writes a scenario's data, catalog and contrast pairs to a new directory, to be edited.

    Raises `RunError` where the directory holds something already.
    """
    data = load_shipped(scenario, language)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise RunError("is not empty", where=str(directory), hint="Name a new directory")
    plain = _plain(data, directory.name)
    save(plain, directory)
    save(_plain(load_contrast(scenario, language), "contrast"), directory / "contrast.json")
    return plain


def _load_part(path: Path, scenario: str, language: str) -> list[Example]:
    """The examples at a place, each with what tells the shipped parts apart."""
    about = {"scenario": scenario, "language": language}
    return [replace(e, metadata={**e.metadata, **about}) for e in load(path)]


def _plain(data: Dataset, name: str) -> Dataset:
    """The data without what only tells the shipped parts apart."""
    ours = ("scenario", "language")
    return Dataset(
        (replace(e, metadata={k: v for k, v in e.metadata.items() if k not in ours}) for e in data),
        catalog=data.declared_catalog,
        name=name,
    )
