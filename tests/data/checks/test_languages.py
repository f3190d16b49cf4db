"""A few rows in another language or script are told, many are taken to be wanted."""

import pytest
from checked import only

from maksud.data.checks import check
from maksud.data.dataset import Dataset, Example


def mixed(other: str, share: float) -> Dataset:
    count = round(200 * share)
    data = [Example(f"tolong putar lagu yang {k}", "play()", line=k) for k in range(200 - count)]
    return Dataset([*data, *(Example(f"{other} {k}", "play()", line=k) for k in range(count))])


@pytest.mark.parametrize(
    ("share", "code"), [(0.04, ""), (0.08, "W-LANG"), (0.20, "W-LANG"), (0.3, "I-LANG")]
)
@pytest.mark.parametrize("other", ["please play the song", "播放我的音乐"])
def test_how_many_rows_are_a_mistake(other: str, share: float, code: str) -> None:
    told = set(check(mixed(other, share)).codes) & {"W-LANG", "I-LANG"}
    assert told == ({code} if code else set())


def test_the_message_names_both() -> None:
    finding = only(check(mixed("please play the song", 0.1)), "W-LANG")
    assert "10% of the rows seem to be English, most Indonesian" in finding.message
