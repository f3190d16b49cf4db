"""Training is the same for a seed, tells how far it is, and says what it can't use."""

import dataclasses
from pathlib import Path

import pytest
from joint_data import several, single

from maksud.data.dataset import Example
from maksud.errors import DataError
from maksud.language.catalog import Catalog
from maksud.language.catalog_inference import infer_catalog
from maksud.progress import Progress
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.compact.training import train_compact

TINY = CompactSettings(
    dim=32, word_dim=16, buckets=512, members=2, epochs=60, batch_size=16, dropout=0.2
)


def catalog_of(examples: list[Example]) -> Catalog:
    return infer_catalog([e.calls for e in examples], [e.instruction for e in examples])


@pytest.fixture(scope="module")
def corpus() -> list[Example]:
    none = [Example(t, "none()") for t in ("siapa presiden kita", "what is love", "aku lapar")]
    return single(160) + several(80, 1) + none * 8


def test_same_seed_same_bytes(tmp_path: Path, corpus: list[Example]) -> None:
    small = dataclasses.replace(TINY, epochs=2)
    for name in ("a", "b"):
        train_compact(corpus, [], catalog_of(corpus), tmp_path / name, small)
    for file in ("model.safetensors", "joint.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_progress_reaches_the_end(tmp_path: Path, corpus: list[Example]) -> None:
    told: list[Progress] = []
    small = dataclasses.replace(TINY, epochs=2)
    metrics = train_compact(corpus, [], catalog_of(corpus), tmp_path, small, told.append)
    assert [p.done for p in told] == sorted(p.done for p in told) and told[-1].done == 1
    assert metrics["epochs"] == 2 and metrics["parameters"] > 0 and metrics["skipped"] == {}


def test_unusable_input_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training examples"):
        train_compact([], [], Catalog(()), tmp_path)
    with pytest.raises(DataError, match="utterance without a word"):
        train_compact([Example(" ", "none()")], [], Catalog(()), tmp_path)
