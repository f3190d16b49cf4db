"""A setting is written once: its help, range and names are read from the dataclass."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from maksud.errors import SettingsError
from maksud.settings import (
    change_settings,
    check_settings,
    draw_table,
    read_file,
    read_pairs,
    setting,
    settings_of,
)


@dataclass(frozen=True)
class Oven:
    """An oven."""

    degrees: int = setting(180, low=0, high=300, also=("temperature",))
    """How hot it
    gets."""
    share: float = setting(0.5, above=0, below=1)
    """How full it is."""
    mode: Literal["fan", "grill"] = "fan"
    """What heats."""
    light: bool = True
    """Whether it shines."""
    note: str = ""
    """For people."""

    def __post_init__(self) -> None:
        check_settings(self)


def test_the_text_under_a_field_is_its_help_and_its_error() -> None:
    about = settings_of(Oven)["degrees"]
    assert (about.help, about.range, about.default) == ("How hot it gets.", "0 to 300", 180)
    with pytest.raises(SettingsError, match=r"Oven: degrees is 301, expected 0 to 300.*How hot"):
        Oven(degrees=301)
    assert "| `degrees`, `temperature` | `180` | 0 to 300 | How hot it gets. |" in draw_table(Oven)


@pytest.mark.parametrize(
    "changes",
    [
        {"degrees": -1},
        {"degrees": 1.5},
        {"degrees": True},
        {"degrees": "warm"},
        {"share": 0.0},
        {"share": 1.0},
        {"share": float("nan")},
        {"mode": "steam"},
        {"light": "maybe"},
        {"light": 1},
        {"note": 3},
    ],
)
def test_values_out_of_range_or_of_another_type_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(changes))):
        change_settings(Oven(), changes)


def test_texts_are_read_and_other_names_are_known() -> None:
    texts = {"temperature": "200", "share": "0.25", "light": "No", "mode": "grill", "note": "x=1"}
    assert change_settings(Oven(), texts) == Oven(200, 0.25, "grill", False, "x=1")
    assert change_settings(Oven(), {"degrees": 3.0}).degrees == 3
    edges = Oven(degrees=0), Oven(degrees=300)
    assert [o.degrees for o in edges] == [0, 300]


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="'degres'.*Nearest: degrees"):
        change_settings(Oven(), {"degres": 1})


def test_pairs_and_files(tmp_path: Path) -> None:
    assert read_pairs(["a=1", "b-c = x=y"]) == {"a": "1", "b_c": "x=y"}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(SettingsError):
            read_pairs(wrong)
    file = tmp_path / "s.toml"
    file.write_text('degrees = 200\nmode = "grill"\n')
    assert read_file(file) == {"degrees": 200, "mode": "grill"}
    file.write_bytes(b"\xef\xbb\xbfdegrees = 200\r\n")
    assert read_file(file) == {"degrees": 200}
    for text in ("degrees = ", "[oven]\ndegrees = 1\n", "degrees = [1]\n"):
        file.write_text(text)
        with pytest.raises(SettingsError, match=r"s\.toml"):
            read_file(file)
    with pytest.raises(SettingsError, match="nowhere"):
        read_file(tmp_path / "nowhere.toml")
