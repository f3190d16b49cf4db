"""What the benchmarks share: the machine's shape, tables, and the loop over sets and seeds."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import maksud

Row = dict[str, Any]
"""The figures of one seed; None where one has no meaning."""


@dataclass(frozen=True)
class Column:
    """A figure of a row: its key, its heading, a factor, and the format of a mean over seeds."""

    key: str
    heading: str
    form: str = ".1f"
    factor: float = 1.0


def percent(key: str, heading: str) -> Column:
    """A column for a share."""
    return Column(key, heading, ".1f", 100.0)


def arguments(description: str | None, seeds: Sequence[int]) -> argparse.ArgumentParser:
    """A parser with what every benchmark of recognizers takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("directories", nargs="+", type=Path, metavar="DATASET_DIR")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(seeds))
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    return parser


def one_training(description: str) -> argparse.ArgumentParser:
    """A parser for benchmarks that train once on each set: what with, and with which settings."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--base", default="compact")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser


def machine(threads: int = 1) -> Row:
    """The shape of the machine and the versions that the figures depend on."""
    from importlib import metadata

    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": threads,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("maksud", "numpy", "torch")},
        "date": datetime.now(UTC).date().isoformat(),
    }


def table(columns: Sequence[Column], sets: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """A Markdown table, one line for each (name, rows of its seeds): means over the seeds."""
    shown = [c for c in columns if any(r[c.key] is not None for _, rows in sets for r in rows)]
    lines = ["| set | seeds | " + " | ".join(c.heading for c in shown) + " |"]
    lines.append("|---" * (len(shown) + 2) + "|")
    for name, rows in sets:
        cells = [name, ", ".join(str(r["seed"]) for r in rows)]
        for c in shown:
            values = [c.factor * r[c.key] for r in rows if r[c.key] is not None]
            cells.append(format(statistics.mean(values), c.form) if values else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def run(
    given: argparse.Namespace,
    columns: Sequence[Column],
    measure: Callable[[maksud.Dataset, int], Row],
    *,
    suffix: str = "",
    threads: int = 1,
) -> int:
    """Measures every set with every seed, tells each row when it is there, prints the tables.

    Returns the exit code: 2 where a set can't be used.
    """
    about = machine(threads)
    results: list[tuple[str, list[Row]]] = []
    try:
        for directory in given.directories:
            data = maksud.load(directory)
            name = directory.resolve().name + suffix
            rows: list[Row] = []
            results.append((name, rows))
            for seed in given.seeds:
                rows.append(measure(data, seed))
                sys.stderr.write(table(columns, [(name, rows[-1:])]).splitlines()[-1] + "\n")
                if given.json is not None:
                    content = {"machine": about, "split": given.split, "sets": dict(results)}
                    given.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except maksud.MaksudError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    described = ", ".join(f"{k} {v}" for k, v in about.items())
    sys.stdout.write(f"Split: {given.split}. {described}.\n\n{table(columns, results)}\n")
    if len(given.seeds) > 1:
        each = [(name, [row]) for name, rows in results for row in rows]
        sys.stdout.write(f"\nEach seed:\n\n{table(columns, each)}\n")
    return 0
