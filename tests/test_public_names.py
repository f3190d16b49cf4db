"""`import maksud` is light, and every public name is there when it is asked for."""

import subprocess
import sys

import pytest

import maksud


def test_import_brings_the_errors_only() -> None:
    code = "import sys, maksud; print(*(m for m in sys.modules if m.startswith('maksud')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"maksud", "maksud.errors"}


@pytest.mark.parametrize("name", maksud.__all__)
def test_a_public_name_is_there(name: str) -> None:
    value = getattr(maksud, name)
    assert value is getattr(maksud, name) and name in dir(maksud)
    assert {*maksud._LATER, "MaksudError"} == set(maksud.__all__)


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(AttributeError, match="no attribute 'chek'"):
        _ = maksud.chek
