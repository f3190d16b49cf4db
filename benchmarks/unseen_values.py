"""How values that training never saw are found: names, numbers, codes. Run by hand:

    python benchmarks/unseen_values.py DIRECTORY… [--share 0.2] [--base compact] [--set members=2]

Of each set a share of the distinct values is held out: every row that has one leaves training and
is asked; rows of test whose values training has seen are asked beside them. Values that stand in
more than a hundredth of the rows stay: they are words of the domain rather than names. Prints the
share of answers that are wholly right, by what the held-out value looks like.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reporting import one_training

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load
from maksud.language.calls import NONE, same_answer
from maksud.language.folding import normalise
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.recognition import Recognizer
from maksud.settings import read_pairs

MOST = 2000
"""Rows with held-out values that are asked, at random."""


def main() -> None:
    """Holds values out, trains, asks, prints."""
    parser = one_training(__doc__.split("\n")[0])
    parser.add_argument("--share", type=float, default=0.2, help="of the distinct values")
    given = parser.parse_args()
    for directory in given.directories:
        data = load(directory)
        held = _held_out_values(data, given.share, given.seed)
        shown = Dataset(
            (e for e in data if e.split != "test" and not held & _values(e)), name=data.name
        )
        asked = [e for e in data if held & _values(e)]
        random.Random(given.seed).shuffle(asked)
        known = {v for e in shown for v in _values(e)}
        seen = [e for e in data.test if _values(e) and _values(e) <= known]
        with tempfile.TemporaryDirectory() as room:
            run = train(
                shown, out=Path(room) / "run", base=given.base, seed=given.seed,
                on_progress=False, **read_pairs(given.set),
            )  # fmt: skip
            _print(directory.name, load_recognizer(run), held, asked[:MOST], seen)


def _held_out_values(data: Dataset, share: float, seed: int) -> set[str]:
    number = Counter(v for e in data for v in _values(e))
    rare = sorted(v for v, n in number.items() if n * 100 <= len(data))
    return set(random.Random(seed).sample(rare, round(share * len(rare))))


def _values(example: Example) -> set[str]:
    return {normalise(a.value) for c in example.calls for a in c.arguments}


def _print(
    name: str,
    recognizer: Recognizer,
    held: set[str],
    asked: Sequence[Example],
    seen: Sequence[Example],
) -> None:
    right = _right(recognizer, asked)
    sys.stdout.write(f"{name}: {len(held)} values held out\n")
    _say("values that training saw (test)", _right(recognizer, seen))
    _say("a value that it never saw", right)
    by: dict[str, list[bool]] = {}
    for example, good in zip(asked, right, strict=True):
        by.setdefault(_look(sorted(held & _values(example))[0]), []).append(good)
    for look, flags in sorted(by.items()):
        _say(f"  {look}", flags)


def _look(value: str) -> str:
    """What a value looks like: digits, letters and digits, words."""
    solid = "".join(value.split())
    if solid.isdigit():
        return "digits"
    if any(c.isdigit() for c in solid):
        return "letters and digits"
    return "one word" if " " not in value else "several words"


def _right(recognizer: Recognizer, examples: Sequence[Example]) -> list[bool]:
    catalog = recognizer.contract.catalog
    rows = [e for e in examples if NONE not in e.calls]
    answers = recognizer.recognize([e.instruction for e in rows])
    return [
        same_answer(a.calls, catalog.name_arguments(e.calls))
        for a, e in zip(answers, rows, strict=True)
    ]


def _say(what: str, flags: Sequence[bool]) -> None:
    if flags:
        share = 100 * sum(flags) / len(flags)
        sys.stdout.write(f"  {what}: {share:.1f} % of {len(flags):,} wholly right\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
