"""Manifests: all or nothing, and nothing outside their folder."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from maksud.data.formats.files import load
from maksud.data.formats.manifest import LARGEST, is_manifest, read_manifest
from maksud.errors import DataError

ROW = b'{"instruction": "halo", "output": "greet()"}\n'


def entry(path: str = "a.jsonl", **changes: Any) -> dict[str, Any]:
    made = {"path": path, "split": "train", "sha256": hashlib.sha256(ROW).hexdigest(), "rows": 1}
    return {**made, **changes}


def manifest(folder: Path, *entries: Any, **changes: Any) -> Path:
    (folder / "a.jsonl").write_bytes(ROW)
    content = {"format": "maksud-data/1", "name": "x", "version": 1, "files": list(entries)}
    file = folder / "x@1.json"
    file.write_text(json.dumps({**content, **changes}))
    return file


def test_a_manifest_is_read_as_its_dataset(tmp_path: Path) -> None:
    data = load(manifest(tmp_path, entry()))
    assert (data.version, data[0].split, data[0].output) == ("x@1", "train", "greet()")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (entry("../a.jsonl"), "leaves the dataset's folder"),
        (entry("/etc/passwd"), "leaves the dataset's folder"),
        (entry("b/../../a.jsonl"), "leaves the dataset's folder"),
        (entry("C:\\a.jsonl"), "leaves the dataset's folder"),
        (entry("~/a.jsonl"), "leaves the dataset's folder"),
        (entry("a\x00.jsonl"), "path is no text"),
        (entry(""), "path is no text"),
        (entry("missing.jsonl"), "is missing"),
        (entry(rows=True), "rows is not a count"),
        (entry(sha256="0" * 64), "sha256 differs"),
        (entry(sha256="../../x"), "64 hexadecimal digits"),
        (entry(rows=2), "has 1 rows, expected 2"),
        (entry(rows=-1), "rows is not a count"),
        (entry(split="trian"), "Nearest: train"),
        ({"path": "a.jsonl"}, "entry 2: expected path, split, sha256, rows"),
        (None, "entry 2: expected"),
    ],
)
def test_one_entry_that_does_not_hold_refuses_all(tmp_path: Path, bad: Any, says: str) -> None:
    (tmp_path / "good.jsonl").write_bytes(ROW)
    with pytest.raises(DataError, match="E-MANIFEST") as caught:
        load(manifest(tmp_path, entry("good.jsonl"), bad))
    assert says in str(caught.value)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.jsonl").write_bytes(ROW)
    file = manifest(inside, entry("link.jsonl"))
    (inside / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(DataError, match="leaves the dataset's folder"):
        load(file)
    (inside / "link.jsonl").unlink()
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "a.jsonl").write_bytes(ROW)
    (inside / "d").symlink_to(tmp_path / "dir")
    with pytest.raises(DataError, match="leaves the dataset's folder"):
        load(manifest(inside, entry("d/a.jsonl")))


def test_a_link_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    file = manifest(tmp_path, entry("link.jsonl"))
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "a.jsonl")
    with pytest.raises(DataError, match="leaves the dataset's folder"):
        load(file)


def test_a_manifest_without_end_is_not_read(tmp_path: Path) -> None:
    """A sparse file of a tebibyte, which no memory holds."""
    place = tmp_path / "endless.json"
    with place.open("wb") as file:
        file.write(b'{"format": "maksud-dataset/1",')
        file.truncate(1 << 40)
    with pytest.raises(DataError, match="E-MANIFEST the manifest is larger than 4 MiB"):
        read_manifest(place)


def test_a_manifest_has_its_largest_size(tmp_path: Path) -> None:
    file = manifest(tmp_path, entry())
    text = file.read_bytes()
    file.write_bytes(text + b" " * (LARGEST - len(text)))
    assert len(load(file)) == 1
    file.write_bytes(text + b" " * (LARGEST - len(text) + 1))
    with pytest.raises(DataError, match="E-MANIFEST the manifest is larger than 4 MiB"):
        load(file)


def test_collisions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'"?A\.jsonl.*collide|a\.jsonl.*collide'):
        load(manifest(tmp_path, entry("a.jsonl"), entry("A.jsonl")))
    with pytest.raises(DataError, match="collide"):
        load(manifest(tmp_path, entry(), entry()))
    for other in ({"rows": 2}, {"sha256": "0" * 64}):
        with pytest.raises(DataError, match="collide"):
            load(manifest(tmp_path, entry(), entry(split="dev", **other)))


def test_one_file_may_be_several_splits(tmp_path: Path) -> None:
    data = load(manifest(tmp_path, entry(), entry(split="dev"), entry(split="test")))
    assert [e.split for e in data] == ["train", "dev", "test"]


def test_what_can_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "x@1.json").mkdir()
    with pytest.raises(DataError, match="x@1.json: E-MANIFEST can't be read"):
        read_manifest(tmp_path / "x@1.json")


def test_broken_in_the_middle(tmp_path: Path) -> None:
    file = manifest(tmp_path, entry())
    lines = json.dumps(json.loads(file.read_text()), indent=1).splitlines()
    lines[6] = lines[6] + "oops"
    file.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"x@1\.json:7: E-MANIFEST is not JSON"):
        load(file)


def test_an_unknown_format_or_field(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected the format"):
        load(manifest(tmp_path, entry(), format="maksud-data/9"))
    with pytest.raises(DataError, match="no files"):
        load(manifest(tmp_path))
    with pytest.raises(DataError, match="E-NAME"):
        load(manifest(tmp_path, entry(), name="../x"))


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "a", "output": "maksud-data/"},
        {"instruction": '"format": "maksud-data/1"', "output": "f()"},
        {"instruction": "a", "output": "f()", "about": {"format": "maksud-data/1"}},
    ],
)
def test_a_row_that_speaks_of_manifests_is_none(row: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps(row), encoding="utf-8")
    assert not is_manifest(file)
