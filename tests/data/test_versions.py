"""Kept versions: immutable, content-addressed, with a lineage; and what differs between two."""

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load, save
from maksud.data.versions import Store, diff, workspace
from maksud.errors import DataError, NotFoundError, SystemFault
from maksud.language.catalog import Catalog, Intent


def rows(*pairs: tuple[str, str], split: str = "train") -> Dataset:
    return Dataset(Example(a, b, split=split) for a, b in pairs)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "kept")


def test_a_version_reads_back_as_it_was_kept(store: Store, small_data: Dataset) -> None:
    kept, new = store.save(small_data, "small", command="maksud data save x", note="first")
    again = store.load("small@1")
    assert new and kept.reference == again.version == "small@1"
    assert sorted((e.split, e.instruction, e.output) for e in again) == sorted(
        (e.split, e.instruction, e.output) for e in small_data
    )
    assert kept.counts == {s: len(small_data.of(s)) for s in ("train", "dev", "test")}
    assert store.manifest("small").note == "first"


def test_metadata_ids_and_catalog_are_kept(store: Store) -> None:
    catalog = Catalog((Intent("a"),))
    one = Example("x", "a()", id="7", annotator="dewi", metadata={"turns": ["x", "y"], "n": 3})
    store.save(Dataset([one], catalog=catalog), "d")
    back = store.load("d")
    assert back.declared_catalog == catalog
    assert (back[0].id, back[0].annotator, dict(back[0].metadata)) == ("7", "dewi", one.metadata)


def test_the_same_content_makes_no_new_version(store: Store) -> None:
    first, _ = store.save(rows(("x", "a()")), "d")
    second, new = store.save(rows(("x", "a()")), "d")
    assert not new and second == first
    third, new = store.save(rows(("x", "b()")), "d", made_from=["d@1"])
    assert new and third.reference == "d@2" and third.made_from == ("d@1",)
    fourth, new = store.save(
        Dataset(rows(("x", "b()")), catalog=Catalog((Intent("b"),))), "d"
    )  # a catalog is content too
    assert new and fourth.version == 3


def test_the_same_rows_are_kept_once(store: Store) -> None:
    test = [Example(f"t{k}", "a()", split="test") for k in range(5)]
    store.save(Dataset([Example("x", "a()", split="train"), *test]), "d")
    store.save(Dataset([Example("y", "a()", split="train"), *test]), "d")
    objects = [p for p in (store.root / "objects").rglob("*") if p.is_file()]
    assert len(objects) == 3  # two trains, one test


def test_splits_of_the_same_rows_read_back(store: Store) -> None:
    """Content names the objects: dev and test are one file."""
    data = Dataset(Example("x", "a()", split=s) for s in ("train", "dev", "test"))
    kept, _ = store.save(data, "d")
    assert kept.counts == {"train": 1, "dev": 1, "test": 1}
    assert [e.split for e in store.load("d")] == ["train", "dev", "test"]
    assert not store.save(data, "d")[1]


def test_what_would_not_read_back_is_not_kept(store: Store) -> None:
    with pytest.raises(DataError, match=r"has 0 rows, expected 1: nothing was kept"):
        store.save(Dataset([Example("x", "a()", metadata={"weight": -1})]), "d")
    with pytest.raises(DataError, match="would not read back as they are"):  # a field of ours
        store.save(Dataset([Example("x", "a()", metadata={"output": "b()"})]), "d")
    assert store.names() == [] and store.versions("d") == []
    store.save(rows(("x", "a()")), "d")


def test_one_bad_manifest_hides_no_other(store: Store) -> None:
    store.save(rows(("x", "a()")), "d")
    (store.root / "d@2.json").mkdir()
    (store.root / "d@3.json").write_text("{}")
    (store.root / "a b@1.json").write_text("{}")  # no name of ours
    store.save(rows(("x", "a()")), "other")
    assert store.names() == ["d", "other"]
    found, bad = store.look("d")
    assert [m.reference for m in found] == ["d@1"]
    assert [Path(error.where).name for error in bad] == ["d@2.json", "d@3.json"]
    with pytest.raises(DataError, match="d@2.json"):
        store.versions("d")


def test_what_is_kept_can_not_be_written(store: Store) -> None:
    store.save(rows(("x", "a()")), "d")
    for file in store.root.rglob("*"):
        if file.is_file():
            assert not stat.S_IMODE(file.stat().st_mode) & 0o222, file


def test_all_is_on_disk_before_a_version_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[str] = []
    for act in ("fsync", "replace", "link"):
        real = getattr(os, act)
        monkeypatch.setattr(os, act, lambda *a, f=real, n=act: (acts.append(n), f(*a))[1])
    store.save(rows(("x", "a()")), "d")
    at = acts.index("replace")
    assert acts[at - 1 :] == ["fsync", "replace", "fsync", "fsync", "link", "fsync"]


def test_a_changed_object_is_refused(store: Store) -> None:
    store.save(rows(("x", "a()")), "d")
    file = next(p for p in (store.root / "objects").rglob("*.jsonl"))
    os.chmod(file, 0o644)
    file.write_text(file.read_text().replace("a()", "b()"))
    with pytest.raises(DataError, match="sha256 differs"):
        store.load("d@1")


def test_two_writers_never_share_a_number(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(rows(("x", "a()")), "d")
    monkeypatch.setattr(store, "versions", lambda name: [])  # one that has not seen the other
    kept, new = store.save(rows(("y", "a()")), "d")
    assert new and kept.reference == "d@2"
    assert store.load("d@1")[0].instruction == "x"


def test_names_that_are_none(store: Store) -> None:
    for name in ("", "../x", "a/b", "a b", "-x", "x" * 65, "a;rm", "a@1"):
        with pytest.raises(DataError, match="E-NAME"):
            store.save(rows(("x", "a()")), name)
    assert not store.root.exists()


def test_unknown_versions_offer_what_there_is(store: Store) -> None:
    store.save(rows(("x", "a()")), "music")
    with pytest.raises(NotFoundError, match="Nearest: music"):
        store.path("musik@1")
    with pytest.raises(NotFoundError, match="no version 4. It has 1"):
        store.path("music@4")
    with pytest.raises(NotFoundError):
        store.save(rows(("y", "a()")), "music", made_from=["other@1"])
    with pytest.raises(DataError, match="no examples"):
        store.save(Dataset([]), "music")


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFault, match="can't be written"):
        Store(tmp_path / "file" / "kept").save(rows(("x", "a()")), "d")


def test_a_file_wins_over_a_version_of_its_name(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store.save(rows(("kept", "a()")), "d")
    assert store.resolve("d@1") == str(store.root / "d@1.json")
    save(rows(("file", "a()")), tmp_path / "d@1", format="json")
    assert store.resolve("d@1") == "d@1"
    assert store.resolve("data/train.json") == "data/train.json"
    assert load(store.path("d"))[0].instruction == "kept"


def test_the_workspace_is_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".maksud").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert workspace(below) == tmp_path.resolve()
    monkeypatch.setenv("MAKSUD_WORKSPACE", str(tmp_path / "other"))
    assert workspace(below) == tmp_path / "other"


def test_a_run_records_the_version_it_was_trained_on(
    store: Store, small_data: Dataset, tmp_path: Path
) -> None:
    from maksud.recognizers.door import train

    store.save(small_data, "small")
    run = train(store.path("small@1"), out=tmp_path / "run", epochs=9, folds=0)
    assert run.manifest["data"]["version"] == "small@1"
    assert run.manifest["data"]["name"] == "small"


# ---------------------------------------------------------------- differences


def test_diff_tells_the_four_kinds_apart() -> None:
    before = [*rows(("same", "a()"), ("gone", "a()"), ("new label", "a()"), ("moved", "a()"))]
    after = [
        *rows(("same", "a()"), ("new label", "b()"), ("fresh", "c()")),
        *rows(("moved", "a()"), split="test"),
    ]
    found = diff(before, after)
    assert found.counts == {"added": 1, "removed": 1, "relabelled": 1, "moved": 1, "same": 1}
    assert found.relabelled[0].before == ("train", "a()")
    assert found.relabelled[0].after == ("train", "b()")
    assert found.moved[0].after == ("test", "a()")
    assert json.loads(json.dumps(found.to_json()))["added"][0]["instruction"] == "fresh"


def test_a_row_without_a_split_is_of_train_as_it_is_kept(store: Store) -> None:
    data = [Example("x", "a()"), Example("y", "a()", split="train")]
    store.save(Dataset(data), "d")
    assert diff(store.load("d"), data).counts["same"] == 2
    (moved,) = diff(data[:1], rows(("x", "a()"), split="test")).moved
    assert moved.before == ("train", "a()")


example = st.builds(
    Example,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["x()", "y()"]),
    split=st.sampled_from(["", "train", "test"]),
)


@given(st.lists(example, max_size=12), st.lists(example, max_size=12))
@settings(deadline=None)
def test_diff_accounts_for_every_row(before: list[Example], after: list[Example]) -> None:
    n = diff(before, after).counts
    changed = n["same"] + n["moved"] + n["relabelled"]
    assert changed + n["removed"] == len(before)
    assert changed + n["added"] == len(after)
    assert diff(before, before).counts["same"] == len(before)
    backwards = diff(after, before).counts
    assert (backwards["added"], backwards["removed"]) == (n["removed"], n["added"])
