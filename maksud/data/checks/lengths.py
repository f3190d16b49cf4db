"""Length in tokens against `seq_length`, with the guide's next power of two.

Without a tokenizer the count is an estimate from the UTF-8 bytes, rather high than low: measured
with SmolLM2's on seven sets, a token is 4 to 5 bytes of English, 2.4 to 2.8 of Indonesian, 2.6 to
3.4 of answers. The prompt that stands before every utterance counts too.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maksud.data.checks.base import Check, Checking, Part
from maksud.data.checks.rows import Row
from maksud.data.dataset import Example
from maksud.data.findings import Finding, Findings, format_count
from maksud.errors import SystemFault

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BYTES_PER_TOKEN = 2.5
"""Bytes of text that one token stands for, estimated low, so that lengths are estimated high."""
SURE_BYTES_PER_TOKEN = 6.0
"""Bytes of text that no tokenizer's tokens exceed on the average of a row."""
PROMPT_TOKENS = 90
"""Tokens of the default system prompt and the chat template around an utterance: 75 to 85."""
OUTLIER = 4
"""How many times the `seq_length` of nearly all rows the longest may need before it is told."""
NEARLY_ALL = 0.995

BATCH = 1024
LONGEST_WORDS = 64
"""Words of an utterance in the histogram; longer ones are counted at its end."""


class Lengths(Part):
    """Counts tokens of prompt, utterance and answer."""

    @classmethod
    def of(cls, checking: Checking) -> Lengths:
        return cls(checking.examples, seq_length=checking.seq_length, tokenizer=checking.tokenizer)

    def __init__(
        self,
        examples: Sequence[Example],
        *,
        seq_length: int = 0,
        tokenizer: str | PathLike[str] | None = None,
    ) -> None:
        self._examples = examples
        self._seq_length = seq_length
        self.exact = tokenizer is not None
        self._count = _counter(Path(tokenizer)) if tokenizer is not None else None
        self._waiting: list[str] = []
        self._asked = array("i")
        self._answered = array("i")
        self.words = [0] * (LONGEST_WORDS + 1)
        """Utterances by their number of words."""

    def see(self, row: Row) -> None:
        words = len(row.words)
        self.words[words if words < LONGEST_WORDS else LONGEST_WORDS] += 1
        text, output = row.text, row.answer.text
        if self._count is not None:
            self._waiting += (text, output)
            if len(self._waiting) >= BATCH:
                self._count_waiting()
            return
        self._asked.append(len(text) if text.isascii() else len(text.encode()))
        self._answered.append(len(output) if output.isascii() else len(output.encode()))

    def _count_waiting(self) -> None:
        if self._count is not None and self._waiting:
            counts = self._count(self._waiting)
            self._asked.extend(counts[::2])
            self._answered.extend(counts[1::2])
            self._waiting = []

    @property
    def tokens(self) -> NDArray[np.int64]:
        """Tokens of each row: prompt, utterance and answer."""
        import numpy as np

        self._count_waiting()
        both = np.frombuffer(self._asked, np.int32) + np.frombuffer(self._answered, np.int32)
        return np.ceil(both / self._unit).astype(np.int64) + PROMPT_TOKENS

    @property
    def _unit(self) -> float:
        return 1.0 if self.exact else BYTES_PER_TOKEN

    def tell(self, found: Findings) -> None:
        import numpy as np

        tokens = self.tokens
        if not len(tokens):
            return
        about = "" if self.exact else "about "
        longest = int(np.argmax(tokens))
        limit = self._seq_length
        if limit:
            self._tell_limit(found, tokens, limit, about)
        else:
            usual = next_power(int(np.quantile(tokens, NEARLY_ALL)))
            if next_power(int(tokens[longest])) >= OUTLIER * usual:
                found.append(
                    Finding(
                        "info",
                        "I-LENGTH",
                        f"{about}{int(tokens[longest]):,} tokens; {NEARLY_ALL:.1%} of the rows "
                        f"fit in {usual:,}",
                        self._examples[longest].place,
                        why="seq_length follows the longest row, and costs memory and time",
                        fix="shorten or remove the few long ones",
                    )
                )

    def _tell_limit(
        self, found: Findings, tokens: NDArray[np.int64], limit: int, about: str
    ) -> None:
        import numpy as np

        unit = 1.0 if self.exact else SURE_BYTES_PER_TOKEN
        asked = np.ceil(np.frombuffer(self._asked, np.int32) / unit) + PROMPT_TOKENS
        labelled = np.frombuffer(self._answered, np.int32) > 0
        hopeless = (asked >= limit) & labelled
        for row in found.each("E-NOLABEL", np.flatnonzero(hopeless)):
            found.append(
                Finding(
                    "error",
                    "E-NOLABEL",
                    f"the prompt alone has {about}{int(tokens[row]):,} tokens: within {limit:,} no "
                    "token of the answer is left",
                    self._examples[row].place,
                    why="without a token of the answer there is nothing to learn (loss 0 or NaN)",
                    fix=f"raise seq_length to {next_power(int(tokens.max())):,}, "
                    "or shorten the utterance",
                )
            )
        over = np.flatnonzero((tokens > limit) & ~hopeless)
        for row in found.each("W-LONG", over):
            count = format_count(len(over), "row")
            found.append(
                Finding(
                    "warning",
                    "W-LONG",
                    f"{about}{int(tokens[row]):,} tokens, more than {limit:,}",
                    self._examples[row].place,
                    why=f"{count} longer than seq_length: training refuses them",
                    fix=f"raise seq_length to {next_power(int(tokens.max())):,}, or shorten them",
                )
            )


def next_power(n: int) -> int:
    """The smallest power of two that is not under `n` (50 → 64, as the guide has it)."""
    return 1 << max(0, n - 1).bit_length()


def _counter(directory: Path) -> Callable[[list[str]], list[int]]:
    """Counts tokens with the tokenizer of a directory."""
    if not directory.exists():
        raise SystemFault(
            "no such directory", where=str(directory), hint="Give a model's directory"
        )
    tokenizer: Any
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    except ImportError as error:
        raise SystemFault(
            f"counting with a tokenizer needs a package ({error})", hint="Install maksud[lm]"
        ) from error
    except Exception as error:  # the library raises its plain root class
        raise SystemFault(
            f"tokenizer.json can't be read ({error})", where=str(directory)
        ) from error

    def count(texts: list[str]) -> list[int]:
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [len(e.ids) for e in encoded]

    return count


CHECK = Check("lengths", Lengths)
