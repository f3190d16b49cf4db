"""Checking as a whole: nothing in good data, all that reading found, flat memory, progress."""

import tracemalloc
from pathlib import Path

import pytest
from checked import WORDS, codes, found, good, rows

from maksud.data.checks import check, examine
from maksud.data.dataset import Dataset, Example
from maksud.language.catalog import Catalog, Intent, Parameter


def test_good_data_has_no_findings() -> None:
    assert not check(Dataset(good())).codes


def test_nothing_to_check() -> None:
    checked = examine(Dataset([]))
    assert not checked.findings.codes and checked.profile.examples == 0


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (rows("rare", 49), "W-FEW"),
        (rows("fair", 99), "I-FEW"),
        ([Example("x", "f(", split="train")], "E-CALL"),
        ([Example("play satu satu train", "stop()", split="train")], "W-CONFLICT"),
        ([Example("play satu satu train", "play()", split="train")], "W-DUP"),
        ([Example("Play satu satu TRAIN!", "play()", split="train")], "I-DUP"),
        ([Example("play satu satu train", "play()", split="test")], "W-LEAK"),
        ([Example("a b c d e f", "new();stop()", split="train")], "W-UNSEEN"),
        ([Example("putar lagu", "play(song=Halo)", split="train")], "W-VALUE"),
    ],
)
def test_each_check_finds_its_fault(extra: list[Example], code: str) -> None:
    assert code in found(extra).codes


def test_reading_and_checking_speak_together(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(
        '[{"instruction": "a", "output": "f("}, {"instruction": "c", "output": "g()"},'
        ' {"instruction": "b"},]'
    )
    findings = check(file)
    assert set(findings.codes) >= {"E-CALL", "E-FIELD", "W-COMMA"}
    assert all(f.place.startswith(str(file)) for f in findings if f.code in ("E-CALL", "E-FIELD"))


def test_unlabelled_examples_are_counted_and_checked_as_text() -> None:
    blank = [Example(f"belum {w}", "", split="train") for w in WORDS]
    findings = found([*blank, Example("apa\u200bkah", "", split="train")])
    assert findings.codes == {"I-UNLABELLED": 1, "W-HIDDEN": 1}
    assert "11 examples" in next(f.message for f in findings if f.code == "I-UNLABELLED")


def test_a_fault_in_every_row_is_kept_twenty_times() -> None:
    bad = [Example(f"baris {k}", f"f{k}(", split="train", line=k) for k in range(500)]
    findings = check(Dataset(bad))
    assert findings.codes["E-CALL"] == 500
    assert sum(f.code == "E-CALL" for f in findings) == 20
    whole = check(Dataset(bad), limit=None)
    assert sum(f.code == "E-CALL" for f in whole) == 500


def test_memory_does_not_grow_with_the_number_of_faults() -> None:
    """Three times the rows, every one with several faults, must not cost a finding each."""

    def peak(n: int) -> int:
        catalog = Catalog((Intent("play", parameters=(Parameter("song"),)),))
        data = Dataset(
            [
                Example(f"<b>lagu</b> {k} \u200b", "paly(song=Hampa)", split="train", line=k)
                for k in range(n)
            ],
            catalog=catalog,
        )
        tracemalloc.start()
        findings = check(data)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert findings.codes["E-LABEL"] == findings.codes["W-HIDDEN"] == n
        return size

    check(Dataset(good()))  # imports and caches are not counted
    small, large = peak(2_000), peak(6_000)
    # Columns and keys take some 250 bytes a row; findings would take thousands.
    assert (large - small) / 4_000 < 600


def test_progress_is_told_from_start_to_end() -> None:
    told: list[tuple[str, float]] = []
    data = Dataset([Example(f"satu {k} dua", "f()", line=k) for k in range(12_000)])
    check(data, tick=lambda what, share: told.append((what, share)))
    checking = [share for what, share in told if what == "Checking"]
    assert len(checking) == 3 and checking == sorted(checking)
    assert told[-1] == ("Comparing", 1.0)


def test_an_interruption_passes_and_leaves_the_collector_on(tmp_path: Path) -> None:
    import gc

    def stop(what: str, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(Dataset(good()), tick=stop)
    assert gc.isenabled()


def test_hashes_do_not_decide_what_is_found() -> None:
    """Columns compare hashes; the findings name texts that really are alike."""
    near = Example("play satu satu train", "play()", split="dev")
    findings = found([near])
    leak = next(f for f in findings if f.code == "W-LEAK")
    assert '"play satu satu train" of dev' in leak.message


def test_codes_of_the_catalog_that_is_given() -> None:
    catalog = Catalog((Intent("play"), Intent("stop"), Intent("idle")))
    assert codes(good(), catalog) == {"W-UNUSED"}
