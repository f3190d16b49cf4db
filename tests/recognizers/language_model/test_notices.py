"""What other libraries would print is held back, and given back."""

import pytest

from maksud.recognizers.language_model.notices import quiet


def test_the_bar_of_the_gguf_reader_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    from transformers import modeling_gguf_pytorch_utils as gguf
    from transformers.utils import logging

    bars = gguf.tqdm  # type: ignore[attr-defined]
    with quiet():
        seen = [n for n in gguf.tqdm(range(3), desc="Converting")]  # type: ignore[attr-defined]
        seen += [n for n in logging.tqdm(range(3), desc="Loading")]  # type: ignore[no-untyped-call]
    assert seen == [0, 1, 2, 0, 1, 2]
    assert capfd.readouterr() == ("", "")
    assert gguf.tqdm is bars  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="odd"), quiet():
        raise ValueError("odd")
    assert gguf.tqdm is bars  # type: ignore[attr-defined]
