"""Precision comes from a setting, the environment, or what the machine says; never from a clock."""

import pytest
import torch

from maksud.errors import SettingsError
from maksud.recognizers.language_model import precision
from maksud.recognizers.language_model.precision import choose_precision, computes_bfloat16

CPU = torch.device("cpu")


@pytest.mark.parametrize("able", [False, True])
def test_the_machine_decides_where_nobody_else_does(
    able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAKSUD_PRECISION")
    monkeypatch.setattr(precision, "computes_bfloat16", lambda device: able)
    assert choose_precision("auto", CPU) == (torch.bfloat16 if able else torch.float32)


def test_a_setting_beats_the_environment_which_beats_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "computes_bfloat16", lambda device: True)
    monkeypatch.setenv("MAKSUD_PRECISION", "float32")
    assert choose_precision("auto", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16
    monkeypatch.setenv("MAKSUD_PRECISION", "auto")
    assert choose_precision("auto", CPU) == torch.bfloat16


def test_an_unknown_precision_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="float16.*Use auto, float32, bfloat16"):
        choose_precision("float16", CPU)
    monkeypatch.setenv("MAKSUD_PRECISION", "half")
    with pytest.raises(SettingsError, match="MAKSUD_PRECISION is 'half'"):
        choose_precision("auto", CPU)


@pytest.mark.parametrize(
    ("able", "says"),
    [({"amx_tile": True}, True), ({"avx512_bf16": True}, True), ({"avx512_f": True}, False)],
)
def test_a_cpu_is_asked_for_its_instructions(
    able: dict[str, bool], says: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert computes_bfloat16(CPU) is says
