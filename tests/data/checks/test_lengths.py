"""Length in tokens, against seq_length and for choosing it."""

from pathlib import Path

import pytest
from checked import found, good, only

from maksud.data.checks import check, examine
from maksud.data.checks.lengths import PROMPT_TOKENS, next_power
from maksud.data.dataset import Dataset, Example
from maksud.errors import SystemFault


def test_the_guides_power_of_two() -> None:
    assert [next_power(n) for n in (1, 2, 50, 64, 65, 4096)] == [1, 2, 64, 64, 128, 4096]


def limited(examples: list[Example], seq_length: int) -> dict[str, int]:
    findings = check(Dataset(good() + examples), seq_length=seq_length)
    return {c: n for c, n in findings.codes.items() if c in ("W-LONG", "E-NOLABEL", "I-LENGTH")}


def test_rows_longer_than_seq_length() -> None:
    long = Example("kata " * 100, "play()", source="t", line=4)
    assert limited([long], 1024) == {}
    assert limited([long], 256) == {"W-LONG": 1}
    findings = check(Dataset(good() + [long]), seq_length=256)
    finding = only(findings, "W-LONG")
    assert finding.place == "t:4" and "raise seq_length to 512" in finding.fix


def test_a_prompt_that_leaves_no_room_is_an_error_only_where_it_is_sure() -> None:
    endless = Example("kata " * 1000, "play()")
    assert limited([endless], 256) == {"E-NOLABEL": 1}
    # 500 words are over 256 tokens by the estimate, but might be under it.
    assert limited([Example("kata " * 180, "play()")], 256) == {"W-LONG": 1}


def test_an_outlier_is_told_without_a_limit() -> None:
    assert "I-LENGTH" in found([Example("kata " * 400, "play()")]).codes
    assert "I-LENGTH" not in found([Example("kata " * 40, "play()")]).codes


def test_the_profile_names_the_setting() -> None:
    profile = examine(Dataset(good())).profile
    assert PROMPT_TOKENS < profile.longest_tokens <= profile.seq_length == 128
    assert not profile.tokens_exact
    assert sum(profile.words.values()) == len(good())


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """A tokenizer of whole words."""
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    words.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_tokenizer_counts_exactly(tokenizer: Path) -> None:
    data = Dataset([Example("a b c", "f()"), *(Example(f"x {k}", "g()") for k in range(2000))])
    profile = examine(data, tokenizer=tokenizer).profile
    assert profile.tokens_exact and profile.longest_tokens == PROMPT_TOKENS + 4
    findings = check(data, tokenizer=tokenizer, seq_length=PROMPT_TOKENS + 3)
    assert {c: n for c, n in findings.codes.items() if c in ("W-LONG", "E-NOLABEL")} == {
        "E-NOLABEL": 1
    }
    assert "about" not in only(findings, "E-NOLABEL").message


def test_a_tokenizer_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SystemFault, match="no such directory"):
        check(Dataset(good()), tokenizer=tmp_path / "no")
    pytest.importorskip("tokenizers")
    with pytest.raises(SystemFault, match=r"tokenizer\.json"):
        check(Dataset(good()), tokenizer=tmp_path)
