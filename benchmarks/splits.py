"""Single wishes that come back as several, where training has few that are several. Run by hand:

    python benchmarks/splits.py DIRECTORY… [--joined 40] [--base compact] [--set members=2]

To the training rows of a set of single wishes a few are added that join two of them. Prints how
many single wishes of dev and test are answered with several calls, and how many joined ones of test
(made in the same way) with their intents.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reporting import one_training

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load
from maksud.language.calls import NONE, format_calls
from maksud.recognizers.door import load_recognizer, train
from maksud.settings import read_pairs

BETWEEN = (" and ", " and then ", ", ")
"""What joins two wishes: the sets that this is for are English."""


def main() -> None:
    """Joins, trains, asks, prints."""
    parser = one_training(__doc__.split("\n")[0])
    parser.add_argument("--joined", type=int, default=40, help="rows with two wishes in training")
    given = parser.parse_args()
    for directory in given.directories:
        data = load(directory)
        joined = _join(data.train, given.joined, given.seed)
        rows = [*(e for e in data if e.split != "test"), *joined]
        with tempfile.TemporaryDirectory() as room:
            run = train(
                Dataset(rows, name=data.name), out=Path(room) / "run", base=given.base,
                seed=given.seed, on_progress=False, **read_pairs(given.set),
            )  # fmt: skip
            recognizer = load_recognizer(run)
            single = [e for e in data if e.split != "train" and len(e.calls) == 1]
            answers = recognizer.recognize([e.instruction for e in single])
        several = [a for a in answers if len(a.calls) > 1]
        acted = sum(a.accepted for a in several)
        per = 1000 * len(several) / len(single)
        sys.stdout.write(
            f"{directory.name}, {len(joined)} of {len(rows):,} rows joined: of {len(single):,} "
            f"single wishes {len(several)} answered with several calls ({per:.1f} in 1,000), "
            f"{acted} acted on\n"
        )
        double = _join(data.test, 200, given.seed)
        answers = recognizer.recognize([e.instruction for e in double])
        found = sum(
            [c.intent for c in a.calls] == [c.intent for c in e.calls]
            for a, e in zip(answers, double, strict=True)
        )
        sys.stdout.write(f"  of {len(double)} joined wishes {found} with both intents\n")
        sys.stdout.flush()


def _join(examples: Sequence[Example], number: int, seed: int) -> list[Example]:
    """Rows that join two in scope, of different intents."""
    draw = random.Random(seed)
    inside = [e for e in examples if len(e.calls) == 1 and NONE not in e.calls]
    out: list[Example] = []
    while len(out) < number:
        first, second = draw.sample(inside, 2)
        if first.calls[0].intent == second.calls[0].intent:
            continue
        text = first.instruction.rstrip(".?! ") + draw.choice(BETWEEN) + second.instruction
        output = format_calls((*first.calls, *second.calls))
        out.append(replace(first, instruction=text, output=output))
    return out


if __name__ == "__main__":
    main()
