"""Places: what is a part of which data, and what may be written there."""

from pathlib import Path

import pytest

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import save
from maksud.data.formats.places import is_part, overlap, refuse_nameless, refuse_over
from maksud.errors import InputError
from maksud.language.catalog import Catalog, Intent


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    rows = [Example("a", "f()", split=s) for s in ("train", "dev")]
    save(Dataset(rows, catalog=Catalog((Intent("f"),))), tmp_path / "shop")
    return tmp_path / "shop"


@pytest.mark.parametrize(
    ("name", "is_own"),
    [
        ("shop", True),
        ("shop/", True),
        ("shop/../shop/train.json", True),
        ("shop/dev.json", True),
        ("shop/test.csv", True),  # a split, once it is there
        ("shop/catalog.yaml", True),
        ("link", True),
        ("link/train.json", True),
        ("elsewhere.json", True),  # where a file of a split leads
        ("hard.json", True),
        ("shop/page.html", False),
        ("shop/notes.json", False),
        ("shop/new/train.json", False),
        ("shopping", False),
        ("shopping/train.json", False),
    ],
)
def test_files_of_a_directory(name: str, is_own: bool, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(shop)
    (tmp_path / "elsewhere.json").write_bytes((shop / "dev.json").read_bytes())
    (shop / "dev.json").unlink()
    (shop / "dev.json").symlink_to(tmp_path / "elsewhere.json")
    (tmp_path / "hard.json").hardlink_to(shop / "train.json")
    (shop / "notes.json").write_text("{}")
    assert is_part(f"{tmp_path}/{name}", str(shop)) == is_own


def test_a_catalog_may_take_the_place_of_a_catalog(shop: Path) -> None:
    assert not is_part(str(shop / "catalog.yaml"), str(shop), catalogs=False)
    assert is_part(str(shop / "train.json"), str(shop), catalogs=False)


def test_nothing_stands_below_a_file(tmp_path: Path) -> None:
    assert is_part(f"{tmp_path}/x.json/c.yaml", f"{tmp_path}/x.json")  # not there yet
    (tmp_path / "x").write_text("")
    assert is_part(f"{tmp_path}/x/c.yaml", f"{tmp_path}/x")
    assert not is_part(f"{tmp_path}/y/c.yaml", f"{tmp_path}/y")


def test_every_file_of_an_export_is_its_own(tmp_path: Path) -> None:
    nlu = tmp_path / "bot" / "data" / "nlu.yml"
    nlu.parent.mkdir(parents=True)
    nlu.write_text("nlu:\n- intent: f\n  examples: |\n    - halo\n")
    assert is_part(str(nlu), str(tmp_path / "bot"))
    assert not is_part(str(nlu.with_name("page.html")), str(tmp_path / "bot"))


def test_urls_are_compared_as_they_are_written() -> None:
    assert is_part("s3://b/x.json", "s3://b/x.json/")
    assert is_part("s3://b/data/train.json", "s3://b/data")
    assert not is_part("s3://b/data/c.yaml", "s3://b/data", catalogs=False)
    assert not is_part("x.json", "s3://b/x.json")


def test_data_overlaps_from_both_sides(shop: Path, tmp_path: Path) -> None:
    assert overlap(str(shop), str(shop / "train.json"))
    assert overlap(str(shop / "train.json"), str(shop))
    assert not overlap(str(tmp_path), str(shop / "train.json"))
    assert not overlap(str(shop / "fixed"), str(shop))


def test_what_is_refused_says_what_would_be_lost(shop: Path, tmp_path: Path) -> None:
    things = {"the data": str(shop), "another": str(tmp_path / "other.json")}
    with pytest.raises(InputError, match="--html would be written over the data"):
        refuse_over("--html", str(shop / "train.json"), things)
    with pytest.raises(InputError, match="over the data"):  # a file, where its directory stands
        refuse_over("--html", str(tmp_path), things)
    with pytest.raises(InputError, match="standard output"):
        refuse_over("--html", "-", {})
    with pytest.raises(InputError, match="the target is not written to standard output"):
        refuse_nameless("the target", "-")
    with pytest.raises(InputError, match="the target has no name"):
        refuse_nameless("the target", "")
    refuse_over("--html", str(shop / "page.html"), things)
