"""What other libraries print by themselves, held back: progress and errors are told by us."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any


@contextmanager
def quiet(on_weights: Callable[[float], None] | None = None) -> Iterator[None]:
    """Holds back the progress bars and notices that transformers and gguf write by themselves.

    `on_weights` is told the share of a gguf file's numbers that is unpacked, in [0, 1].
    """
    from transformers import modeling_gguf_pytorch_utils
    from transformers.utils import logging

    gguf: Any = modeling_gguf_pytorch_utils  # its bar asks nobody whether bars are wanted
    bar = gguf.tqdm
    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()
    gguf.tqdm = partial(_watched, on_weights or (lambda _: None))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        gguf.tqdm = bar
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _watched(tell: Callable[[float], None], tensors: Sequence[Any], **_: Any) -> Iterator[Any]:
    """In the place of a bar: the tensors one by one, of which it is told how many numbers came."""
    sizes = [int(getattr(tensor, "n_elements", 1)) for tensor in tensors]
    done = 0
    for tensor, size in zip(tensors, sizes, strict=True):
        yield tensor
        done += size
        tell(done / max(1, sum(sizes)))
