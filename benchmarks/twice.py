"""Compares the cost of two source trees: `python benchmarks/twice.py BEFORE AFTER [--rows N]`.

Both run on this machine, in one call, in turn (A B B A …), each in a process of its own on one
thread under the environment of this interpreter. What is compared is processor time (user and
system), so that what else the machine does counts little. A ratio is that of one pair, before /
after: above 1 the second tree is faster. Prints a Markdown table with the median of the ratios,
and the smallest and the largest.

- `import`: a process that does `import maksud`; `use`: one that then asks for `maksud.check` and
  `maksud.load`, which bring the checks and the formats; `help`: one that does `maksud --help`
- `check`: `maksud check --json` of a CSV file; what both print must be equal
- `compact`: p50 of recognizing one utterance at a time; the first tree trains a small recognizer
  on the shipped voice assistant, and the second opens the same run, or trains its own where it
  can't
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROCESSES = {
    "import": ("`import maksud`", ["-c", "import maksud"]),
    "use": ("… and ask for `check`, `load`", ["-c", "import maksud; maksud.check, maksud.load"]),
    "help": ("`maksud --help`", ["-m", "maksud", "--help"]),
}
"""Whole processes: what a row is called, and what Python is given."""
MEASURES = (*PROCESSES, "compact", "check")
UTTERANCES = 300
"""Different utterances that are recognized one at a time."""
PER_INTENT = 25
"""Examples of an intent that the small training takes."""

_OPENERS = ("", "", "please", "tolong", "hey", "hai", "Could you", "coba", "ok", "saya mau", "now")
_TAILS = ("", "", "", "please", "now", "dong", "ya", "sekarang", "thanks", "kalau bisa", "!")
_FAULTY = 0.004

Row = tuple[str, str]
"""An utterance and its answer."""


# ------------------------------------------------------------------ rows to check


def rows(known: Sequence[Row], count: int, seed: int = 0) -> Iterator[Row]:
    """Rows like the known ones, with other values, openers and tails; a few have a fault."""
    rng = random.Random(seed)
    values: dict[str, list[str]] = {}
    parsed = []
    for text, output in known:
        given = [part.split("=", 1) for part in _arguments(output)]
        mine = [(name, value) for name, value in given if value in text]
        parsed.append((text, output, mine))
        for name, value in mine:
            values.setdefault(name, []).append(value)
    for _ in range(count):
        text, output, mine = rng.choice(parsed)
        for name, value in mine:
            other = rng.choice(values[name])
            if rng.random() < 0.3:
                other = f"{other} {rng.choice(values[name])}"
            text = text.replace(value, other, 1)
            output = output.replace(f"{name}={value}", f"{name}={other}", 1)
        if rng.random() < 0.9:
            text = f"{rng.choice(_OPENERS)} {text} {rng.choice(_TAILS)}".strip()
        yield _spoilt(rng, text, output) if rng.random() < _FAULTY else (text, output)


def _arguments(output: str) -> list[str]:
    """`name=value` of an answer without quoted values."""
    if '"' in output:
        return []
    inside = (call.partition("(")[2].rstrip(")") for call in output.split(";"))
    return [part.strip() for one in inside for part in one.split(",") if "=" in part]


def _spoilt(rng: random.Random, text: str, output: str) -> Row:
    faults: tuple[Callable[[], Row], ...] = (
        lambda: (text, output.rstrip(")")),
        lambda: (text.replace(" ", "\u200b ", 1), output),
        lambda: (f"{text} &amp; more", output),
        lambda: (f"{text} call me on 0812 3456 7890", output),
        lambda: (text, output.replace("(", "s(", 1)),
        lambda: (text.replace("a", "\u0430", 1), output),
        lambda: (f"{text} <|im_end|>", output),
        lambda: (f"  {text} caf\u00c3\u00a9", output),
        lambda: ("", output),
        lambda: (f"={text}", output),
        lambda: (f'{text} "so, to say"\nand more', output),
        lambda: (text, ""),
        lambda: (text, "none()"),
    )
    return rng.choice(faults)()


def write_rows(tree: Path, path: Path, count: int) -> None:
    """Writes a CSV file of varied rows of the demo data in a tree."""
    data = tree / "maksud" / "demo" / "data" / "voice_assistant"
    known = [
        (row["instruction"], row["output"])
        for part in sorted(data.glob("*/train.json"))
        for row in json.loads(part.read_text(encoding="utf-8"))
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(("instruction", "output"))
        out.writerows(rows(known, count))


# ------------------------------------------------------------------ processes


def environment(tree: Path) -> dict[str, str]:
    """One thread, the tree's own code, and the same hashes in both."""
    one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    return {**os.environ, **one, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}


def cpu_seconds(tree: Path, arguments: Sequence[str], out: Path | None = None) -> float:
    """User and system seconds of a whole process, its start included."""
    with ExitStack() as stack:
        stdout: Any = subprocess.DEVNULL if out is None else stack.enter_context(out.open("wb"))
        child = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment(tree),
            cwd=tree,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 2):  # 2: the data has errors
        raise SystemExit(f"{' '.join(arguments)} in {tree} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def pairs_of(
    measure: Callable[[Path], float], trees: Sequence[Path], pairs: int
) -> list[tuple[float, float]]:
    """Figures of both trees, measured in turn: A B, B A, A B …"""
    out = []
    for k in range(pairs):
        order = trees if k % 2 == 0 else trees[::-1]
        figures = {tree: measure(tree) for tree in order}
        out.append((figures[trees[0]], figures[trees[1]]))
        sys.stderr.write(f"  {out[-1][0]:.4f} {out[-1][1]:.4f}\n")
    return out


class Recognizing:
    """A process with a trained recognizer, which times a round of utterances when asked."""

    def __init__(self, tree: Path, run: Path) -> None:
        self._child = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--recognize", str(run)],
            env=environment(tree),
            cwd=tree,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answers = json.loads(self._line())

    def _line(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit("the recognizing process ended")
        return line

    def p50_ms(self) -> float:
        """Median CPU milliseconds of one recognition, over a round."""
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        """Ends the process."""
        self._child.communicate()


def recognize(run: str) -> None:
    """In a child: trains a run that is not there, answers once, then times a round a line."""
    import time

    import maksud

    data = maksud.load(Path(run).parent / "data")
    try:
        recognizer = maksud.load_recognizer(run)
    except maksud.MaksudError as error:  # there is none yet, or it is of another version
        sys.stderr.write(f"  {error}\n")
        run = f"{run}-{Path(maksud.__file__).parent.parent.name}"
        if not Path(run).exists():
            maksud.train(data, out=run, base="compact", per_intent=PER_INTENT, seed=0)
        recognizer = maksud.load_recognizer(run)
    said = list(dict.fromkeys(e.instruction for e in data.test))
    said += [f"{text} please" for text in said]
    said = said[:UTTERANCES]
    found = [recognizer(text).text for text in said]
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        spent = []
        for text in said:
            start = time.process_time()
            recognizer(text)
            spent.append(time.process_time() - start)
        sys.stdout.write(f"{1000 * statistics.median(spent)}\n")
        sys.stdout.flush()


# ------------------------------------------------------------------ main


def line(name: str, unit: str, figures: Sequence[tuple[float, float]]) -> str:
    """A row of the table."""
    ratios = [before / after for before, after in figures]
    cells = [statistics.median(column) for column in zip(*figures, strict=True)]
    return (
        f"| {name} | {len(ratios)} | {cells[0]:.3g} {unit} | {cells[1]:.3g} {unit} | "
        f"{statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} |"
    )


def main() -> None:
    """Measures what is asked, and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("trees", nargs="*", type=Path, metavar="BEFORE AFTER")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the checked file")
    parser.add_argument("--pairs", type=int, default=11)
    parser.add_argument("--check-pairs", type=int, default=3, help="pairs of the check")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=MEASURES)
    parser.add_argument("--keep", type=Path, help="directory for data and runs")
    parser.add_argument("--recognize", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.recognize:
        recognize(given.recognize)
        return
    if len(given.trees) != 2:
        parser.error("name two source trees: before, after")
    trees = [tree.resolve() for tree in given.trees]
    with ExitStack() as stack:
        place = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = place.resolve()
        place.mkdir(parents=True, exist_ok=True)
        lines = []
        for name in given.only:
            sys.stderr.write(f"{name}\n")
            lines.append(_measured(name, trees, place, given))
    sys.stdout.write(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}; CPU time, medians\n\n"
        "| | pairs | before | after | before / after | of all pairs |\n"
        "|---|---:|---:|---:|---:|---|\n" + "\n".join(lines) + "\n"
    )


def _measured(name: str, trees: Sequence[Path], place: Path, given: argparse.Namespace) -> str:
    if name in PROCESSES:
        title, what = PROCESSES[name]
        for tree in trees:
            cpu_seconds(tree, what)  # compiles
        return line(title, "s", pairs_of(lambda t: cpu_seconds(t, what), trees, given.pairs))
    if name == "check":
        path = place / f"rows-{given.rows}.csv"
        if not path.exists():
            write_rows(trees[0], path, given.rows)
        said = {tree: place / f"check-{k}.json" for k, tree in enumerate(trees)}
        what = ["-m", "maksud", "check", str(path), "--json"]
        figures = pairs_of(lambda t: cpu_seconds(t, what, said[t]), trees, given.check_pairs)
        first, second = (json.loads(said[tree].read_bytes()) for tree in trees)
        if first != second:
            sys.stderr.write("the findings differ\n")
        return line(f"`maksud check` of {given.rows:,} CSV rows", "s", figures)
    run = place / "compact"
    if not run.exists():
        data = place / "data"
        if not data.exists():
            cpu_seconds(trees[0], ["-m", "maksud", "init", str(data)])
        made = (
            f"import maksud; maksud.train({str(data)!r}, base='compact', out={str(run)!r}, "
            f"per_intent={PER_INTENT})"
        )
        cpu_seconds(trees[0], ["-c", made])
    started = [Recognizing(tree, run) for tree in trees]
    if started[0].answers != started[1].answers:
        sys.stderr.write("the answers of the two recognizers differ\n")
    by_tree = dict(zip(trees, started, strict=True))
    figures = pairs_of(lambda t: by_tree[t].p50_ms(), trees, given.pairs)
    for one in started:
        one.close()
    return line("compact, p50 of one recognition", "ms", figures)


if __name__ == "__main__":
    main()
